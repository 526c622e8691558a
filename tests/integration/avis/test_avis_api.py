"""GetMesAvis over gRPC, and the operator's list."""

from uuid import uuid4

import grpc
import pytest
from click.testing import CliRunner

from chassis.db import make_engine, reader
from chassis.discovery import StaticAddresses
from chassis.grpc_client import Remote, RemoteError
from espacecitoyen.avis.v1 import avis_service_pb2 as pb
from espacecitoyen.avis.v1 import avis_service_pb2_grpc
from services.avis import api, use_cases
from services.avis.commandes import avis as commande
from services.avis.domain import Gabarit
from tests.kit.avis import CLE, MAINTENANT, une_adresse
from tests.kit.grpc import running
from tests.kit.identity import token

pytestmark = pytest.mark.integration


@pytest.fixture
def appeler(avis_url, expedition):
    engine = make_engine(avis_url, name="essai-avis-serve")
    servicer = api.AvisServicer(lecture=reader(engine), redaction=expedition.redaction)
    with running(
        register=lambda server: api.register(server, servicer),
        service=api.SERVICE,
        access=api.ACCESS,
        errors=api.ERRORS,
        name="avis",
    ) as address:
        remote = Remote(
            "avis",
            stub=avis_service_pb2_grpc.AvisServiceStub,
            addresses=StaticAddresses([address]),
        )
        yield lambda jeton, **champs: remote.call(
            lambda stub: stub.GetMesAvis, pb.GetMesAvisRequest(**champs), token=jeton
        )
        remote.close()
    engine.dispose()


def abonner(sessions, compte_id, *categories, canaux=("courriel", "telephone")):
    use_cases.enregistrer_abonnement(
        sessions=sessions,
        event_id=uuid4(),
        compte_id=compte_id,
        langue="fr",
        categories=categories,
        canaux=canaux,
        active_le=MAINTENANT,
    )


def ecrire(expedition, compte_id, gabarit="activation", langue="fr"):
    envois = use_cases.inscrire_courriel(
        sessions=expedition.sessions,
        cle=CLE,
        event_id=uuid4(),
        compte_id=compte_id,
        gabarit=gabarit,
        langue=langue,
        donnees={"adresse": une_adresse(), "prenom": "Zoé", "jeton": "J"},
        maintenant=MAINTENANT,
    )
    use_cases.envoyer_tous(expedition=expedition, envois=envois)


@pytest.mark.exigence("AVI-01", "AVI-02", "IDN-05")
def test_les_sept_categories_dans_l_ordre_de_la_ville_avec_mes_choix(appeler, expedition):
    compte_id = str(uuid4())
    abonner(expedition.sessions, compte_id, "info_travaux", "vie_democratique")
    reponse = appeler(token(compte_id, "citoyen"))
    assert [
        (abonnement.categorie, abonnement.libelle_fr, abonnement.abonne)
        for abonnement in reponse.abonnements
    ] == [
        ("urgence", "Urgence", True),
        ("collectes_environnement", "Collectes et environnement", False),
        ("culture_loisirs", "Culture et loisirs", False),
        ("info_travaux", "Info-travaux", True),
        ("rappels_saisonniers", "Rappels saisonniers", False),
        ("taxes_municipales", "Taxes municipales", False),
        ("vie_democratique", "Vie démocratique", True),
    ]
    assert [each.categorie for each in reponse.abonnements if each.obligatoire] == ["urgence"]
    assert all(each.libelle_en for each in reponse.abonnements)
    assert list(reponse.canaux) == ["courriel", "telephone"]


@pytest.mark.exigence("AVI-02")
def test_sans_choix_connu_seule_l_urgence_est_prise(appeler):
    reponse = appeler(token(str(uuid4()), "citoyen"))
    assert [each.categorie for each in reponse.abonnements if each.abonne] == ["urgence"]
    assert list(reponse.canaux) == []
    assert list(reponse.messages) == []


def test_mes_derniers_messages_et_ceux_de_personne_d_autre(appeler, expedition):
    compte_id = str(uuid4())
    for gabarit in ("activation", "deja_inscrit", "reinitialisation"):
        ecrire(expedition, compte_id, gabarit)
    ecrire(expedition, compte_id, "mot_de_passe_change", "en")
    ecrire(expedition, str(uuid4()))
    reponse = appeler(token(compte_id, "citoyen"))
    assert {message.objet for message in reponse.messages} == {
        "Activez votre compte Espace citoyen",
        "Vous avez déjà un compte Espace citoyen",
        "Choisissez un nouveau mot de passe",
        "Your password was changed",
    }
    for message in reponse.messages:
        assert message.statut == pb.STATUT_ENVOI_ENVOYE
        assert message.canal == "courriel"
        assert message.cree_le == "2026-03-02T15:00:00Z"
    assert len(appeler(token(compte_id, "citoyen"), messages=2).messages) == 2


@pytest.mark.parametrize("messages", [-1, 51])
def test_un_nombre_hors_bornes_est_un_champ_en_faute(appeler, messages):
    with pytest.raises(RemoteError) as refus:
        appeler(token("c", "citoyen"), messages=messages)
    assert refus.value.code is grpc.StatusCode.INVALID_ARGUMENT
    assert refus.value.reason == "DONNEES_INVALIDES"
    assert refus.value.fields == {"messages": "HORS_LIMITES"}


@pytest.mark.parametrize("role", ["anonyme", "agent_cartes", "admin"])
def test_seul_un_citoyen_lit_ses_avis(appeler, role):
    with pytest.raises(RemoteError) as refus:
        appeler(token("c", role))
    assert refus.value.code is grpc.StatusCode.PERMISSION_DENIED


def test_l_operateur_voit_des_etats_et_personne(expedition, avis_url, monkeypatch):
    monkeypatch.setenv("AVIS_DATABASE_URL", avis_url)
    lancer = CliRunner().invoke
    assert "no mail yet" in lancer(commande, ["envois"]).output
    ecrire(expedition, "compte-secret")
    use_cases.inscrire_nouvelle(
        sessions=expedition.sessions,
        cle=CLE,
        event_id=uuid4(),
        compte_id="compte-secret",
        gabarit=Gabarit.CARTE_DEMANDEE,
        donnees={},
        maintenant=MAINTENANT,
    )
    resultat = lancer(commande, ["envois"])
    assert resultat.exit_code == 0, resultat.output
    assert "ENVOYE" in resultat.output
    assert "ATTEND_ADRESSE" in resultat.output
    assert "@" not in resultat.output
    assert "secret" not in resultat.output
    monkeypatch.delenv("AVIS_DATABASE_URL")
    assert "AVIS_DATABASE_URL is missing" in lancer(commande, ["envois"]).output
