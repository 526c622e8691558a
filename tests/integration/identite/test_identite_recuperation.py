"""Staff corrections and lost mailboxes, with their audit (IDN-11, IDN-14, IDN-23)."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import uuid4

import pytest

from chassis.grpc_client import RemoteError
from espacecitoyen.identite.v1 import coordonnees_service_pb2 as pb
from services.identite import serve
from services.identite.use_cases.coordonnees_recuperation import envoyer_recuperations
from tests.kit.coordonnees import CELLULAIRE, Personne, messages, une_personne
from tests.kit.identite import AUTRE_MOT_DE_PASSE, Identite, une_config
from tests.kit.identity import token

pytestmark = pytest.mark.integration

NEUVE = "zoe.neuve@exemple.ca"
ANDREE, NOE = str(uuid4()), str(uuid4())


@pytest.fixture
def zoe(identite) -> Personne:
    return une_personne(identite)


def agent(qui: str = ANDREE, *, role: str = "agent_comptes", purpose: str = "correction") -> str:
    return token(qui, role, purpose=purpose)


def une_correction(zoe: Personne, **champs: Any) -> pb.CorrigerCompteRequest:
    valeurs: dict[str, Any] = {
        "request_id": str(uuid4()),
        "compte_id": zoe.compte_id,
        "version": zoe.profil().version,
        "prenom": "Zoé",
        "nom": "Tremblay",
        "courriel": "zoe.tremblay@exemple.ca",
        "motif": "Permis de conduire vu au comptoir",
    }
    return pb.CorrigerCompteRequest(**(valeurs | champs))


def une_demande(zoe: Personne, **champs: Any) -> pb.DemanderRecuperationRequest:
    valeurs = {
        "request_id": str(uuid4()),
        "compte_id": zoe.compte_id,
        "nouveau_courriel": NEUVE,
        "controles": ["presence", "piece_identite"],
        "note": "Permis de conduire vu au comptoir",
    }
    return pb.DemanderRecuperationRequest(**(valeurs | champs))


def une_decision(recuperation_id: str, **champs: Any) -> pb.DeciderRecuperationRequest:
    valeurs: dict[str, Any] = {
        "request_id": str(uuid4()),
        "recuperation_id": recuperation_id,
        "approuver": True,
    }
    return pb.DeciderRecuperationRequest(**(valeurs | champs))


def demander(identite: Identite, zoe: Personne) -> str:
    reponse = identite.appeler("DemanderRecuperation", une_demande(zoe), jeton=agent())
    return reponse.recuperation.recuperation_id


def approuver(identite: Identite, recuperation_id: str) -> None:
    identite.appeler("DeciderRecuperation", une_decision(recuperation_id), jeton=agent(NOE))


def envoyer(identite: Identite) -> int:
    """One round of the timer."""
    config = une_config(str(identite.engine.url))
    return envoyer_recuperations(
        sessions=identite.servicer._sessions,
        regles=serve._coordonnees(config, identite.engine, identite.horloge)._regles,
        maintenant=identite.horloge(),
    )


def confirmer(identite: Identite, jeton: str, **champs: Any) -> str:
    demande = {"request_id": str(uuid4()), "jeton": jeton} | champs
    reponse = identite.appeler("ConfirmerCourriel", pb.ConfirmerCourrielRequest(**demande))
    return reponse.jeton_reinitialisation


@pytest.mark.exigence("IDN-11")
def test_un_nom_corrige_change_tout_de_suite_avec_motif_journal_et_avis(identite, zoe):
    demande = une_correction(zoe, nom="Roy-Tremblay")
    dossier = identite.appeler("CorrigerCompte", demande, jeton=agent()).dossier
    assert dossier.mon_profil.profil.nom == "Roy-Tremblay"
    assert [(c.champs, c.motif) for c in dossier.corrections] == [
        (["nom"], "Permis de conduire vu au comptoir")
    ]
    (evenement,) = identite.evenements("compte_corrige.v1")
    assert (evenement["agent_id"], evenement["champs"]) == (ANDREE, ["nom"])
    assert "Permis" not in str(evenement)
    (avis,) = identite.courriels("profil_corrige")
    assert avis["adresse"] == "zoe.tremblay@exemple.ca"
    identite.appeler("CorrigerCompte", demande, jeton=agent())
    assert len(identite.evenements("compte_corrige.v1")) == 1


@pytest.mark.exigence("IDN-11")
def test_un_courriel_corrige_attend_son_lien_et_l_ancien_est_avise(identite, zoe):
    identite.appeler("CorrigerCompte", une_correction(zoe, courriel=NEUVE), jeton=agent())
    profil = zoe.profil()
    assert profil.profil.courriel == "zoe.tremblay@exemple.ca"
    assert [(c.valeur, c.verifiee) for c in profil.coordonnees] == [(NEUVE, False)]
    assert not profil.profil.a_verifier
    (lien,) = identite.courriels("confirmer_courriel")
    assert lien["adresse"] == NEUVE
    assert confirmer(identite, lien["jeton"]) == ""
    assert zoe.profil().profil.courriel == NEUVE
    (avise,) = identite.courriels("courriel_change")
    assert avise["adresse"] == "zoe.tremblay@exemple.ca"
    assert identite.evenements("coordonnees_retirees.v1")[-1]["canal"] == "courriel"
    rejoue = pb.ConfirmerCourrielRequest(request_id=str(uuid4()), jeton=lien["jeton"])
    assert identite.refus("ConfirmerCourriel", rejoue).reason == "LIEN_DEJA_UTILISE"


def test_un_lien_de_courriel_expire_se_remplace_et_ne_se_devine_pas(identite, zoe):
    identite.appeler("CorrigerCompte", une_correction(zoe, courriel=NEUVE), jeton=agent())
    identite.horloge.advance(hours=24)
    (lien,) = identite.courriels("confirmer_courriel")
    for jeton, raison in (
        (lien["jeton"], "LIEN_EXPIRE"),
        ("x" * 43, "LIEN_INCONNU"),
        ("", "LIEN_INCONNU"),
    ):
        demande = pb.ConfirmerCourrielRequest(request_id=str(uuid4()), jeton=jeton)
        assert identite.refus("ConfirmerCourriel", demande).reason == raison
    identite.appeler(
        "CorrigerCompte", une_correction(zoe, courriel="zoe.z@exemple.ca"), jeton=agent()
    )
    ancien = pb.ConfirmerCourrielRequest(request_id=str(uuid4()), jeton=lien["jeton"])
    assert identite.refus("ConfirmerCourriel", ancien).reason == "LIEN_INCONNU"
    confirmer(identite, identite.courriels("confirmer_courriel")[-1]["jeton"])
    assert zoe.profil().profil.courriel == "zoe.z@exemple.ca"


def test_un_courriel_pris_entre_temps_ne_change_rien(identite, zoe):
    identite.appeler("CorrigerCompte", une_correction(zoe, courriel=NEUVE), jeton=agent())
    (lien,) = identite.courriels("confirmer_courriel")
    une_personne(identite, NEUVE)
    demande = pb.ConfirmerCourrielRequest(request_id=str(uuid4()), jeton=lien["jeton"])
    assert identite.refus("ConfirmerCourriel", demande).reason == "COURRIEL_DEJA_PRIS"
    assert zoe.profil().profil.courriel == "zoe.tremblay@exemple.ca"
    refus = identite.refus("CorrigerCompte", une_correction(zoe, courriel=NEUVE), jeton=agent())
    assert refus.reason == "COURRIEL_DEJA_PRIS"


@pytest.mark.exigence("IDN-11")
@pytest.mark.parametrize(
    ("champs", "raison"),
    [
        ({"motif": "non"}, "DONNEES_INVALIDES"),
        ({"nom": ""}, "DONNEES_INVALIDES"),
        ({"courriel": "zoe"}, "DONNEES_INVALIDES"),
        ({}, "DONNEES_INVALIDES"),
        ({"version": 99, "nom": "Roy"}, "VERSION_PERIMEE"),
        ({"compte_id": str(uuid4()), "nom": "Roy"}, "COMPTE_INTROUVABLE"),
        ({"compte_id": "x", "nom": "Roy"}, "COMPTE_INTROUVABLE"),
    ],
)
def test_une_correction_mal_demandee_ne_change_rien(identite, zoe, champs, raison):
    refus = identite.refus("CorrigerCompte", une_correction(zoe, **champs), jeton=agent())
    assert refus.reason == raison
    assert identite.evenements("compte_corrige.v1") == []


def test_un_agent_ne_se_sert_pas_lui_meme(identite, zoe):
    jeton = agent(zoe.compte_id)
    refus = identite.refus("CorrigerCompte", une_correction(zoe, nom="Roy"), jeton=jeton)
    assert refus.reason == "PROPRE_PERSONNE"
    refus = identite.refus("DemanderRecuperation", une_demande(zoe), jeton=jeton)
    assert refus.reason == "PROPRE_PERSONNE"
    cible = demander(identite, zoe)
    refus = identite.refus("DeciderRecuperation", une_decision(cible), jeton=jeton)
    assert refus.reason == "PROPRE_PERSONNE"


@pytest.mark.parametrize("role", ["citoyen", "agent_cartes", "anonyme"])
def test_seuls_les_agents_des_comptes_entrent(identite, zoe, role):
    for rpc, demande in (
        ("ListComptes", pb.ListComptesRequest(recherche="Tremblay")),
        ("GetCompte", pb.GetCompteRequest(compte_id=zoe.compte_id)),
        ("CorrigerCompte", une_correction(zoe, nom="Roy")),
        ("DemanderRecuperation", une_demande(zoe)),
        ("DeciderRecuperation", une_decision(str(uuid4()))),
        ("ListRecuperations", pb.ListRecuperationsRequest()),
    ):
        refus = identite.refus(rpc, demande, jeton=agent(role=role))
        assert refus.code.name == "PERMISSION_DENIED"


def test_chaque_lecture_d_un_agent_est_inscrite(identite, zoe):
    zoe.prouver()
    for recherche in ("zoe.tremblay@exemple.ca", "TREMB", "450 555-0123", "zoé tremblay"):
        reponse = identite.appeler(
            "ListComptes", pb.ListComptesRequest(recherche=recherche), jeton=agent()
        )
        (trouve,) = reponse.comptes
        assert trouve.courriel_masque == "z…@exemple.ca"
    for recherche in ("%", "' OR 1=1 --", "inconnue@exemple.ca", "_____"):
        demande = pb.ListComptesRequest(recherche=recherche)
        try:
            assert not identite.appeler("ListComptes", demande, jeton=agent()).comptes
        except RemoteError as error:
            assert error.reason == "DONNEES_INVALIDES"  # noqa: PT017
    identite.appeler("GetCompte", pb.GetCompteRequest(compte_id=zoe.compte_id), jeton=agent())
    lectures = identite.evenements("dossier_consulte.v1")
    assert [e["objet"] for e in lectures] == ["recherche"] * 4 + ["correction"]
    assert {(e["compte_id"], e["agent_id"]) for e in lectures} == {(zoe.compte_id, ANDREE)}


@pytest.mark.exigence("IDN-14")
def test_une_boite_perdue_se_recupere_a_deux_agents_apres_un_delai(identite, zoe):
    zoe.prouver()
    session = identite.ouvrir().jeton_session
    cible = demander(identite, zoe)
    refus = identite.refus("DeciderRecuperation", une_decision(cible), jeton=agent())
    assert refus.reason == "MEME_AGENT"
    approuver(identite, cible)
    (annonce,) = identite.courriels("recuperation_annoncee")
    assert annonce["adresse"] == "zoe.tremblay@exemple.ca"
    assert [m["numero"] for m in messages(identite, "recuperation_annoncee")] == [CELLULAIRE]
    identite.horloge.advance(hours=23, minutes=59)
    assert envoyer(identite) == 0
    assert identite.courriels("recuperation") == []
    identite.horloge.advance(minutes=1)
    with ThreadPoolExecutor(4) as fils:
        assert sum(fils.map(lambda _: envoyer(identite), range(4))) == 1
    (lien,) = identite.courriels("recuperation")
    assert lien["adresse"] == NEUVE
    secret = confirmer(identite, lien["jeton"])
    assert zoe.profil().profil.courriel == NEUVE
    assert not identite.lignes("SELECT 1 FROM session_ouverte")
    assert session
    from espacecitoyen.identite.v1 import identite_service_pb2 as base  # noqa: PLC0415

    identite.appeler(
        "ReinitialiserMotDePasse",
        base.ReinitialiserMotDePasseRequest(
            request_id=str(uuid4()), jeton=secret, mot_de_passe=AUTRE_MOT_DE_PASSE
        ),
    )
    assert identite.ouvrir(identifiant=NEUVE, mot_de_passe=AUTRE_MOT_DE_PASSE).jeton_session
    etapes = [e["statut"] for e in identite.evenements("recuperation_changee.v1")]
    assert etapes == ["DEMANDEE", "APPROUVEE", "ENVOYEE", "TERMINEE"]


@pytest.mark.exigence("IDN-14")
def test_la_personne_arrete_une_recuperation_qui_n_est_pas_d_elle(identite, zoe):
    cible = demander(identite, zoe)
    approuver(identite, cible)
    vue = zoe.profil().recuperation
    assert (vue.recuperation_id, vue.note, vue.demandee_par) == (cible, "", "")
    autre = une_personne(identite, "autre@exemple.ca")
    arret = pb.ArreterRecuperationRequest(request_id=str(uuid4()), recuperation_id=cible)
    assert autre.refus("ArreterRecuperation", arret).reason == "RECUPERATION_INTROUVABLE"
    zoe.appeler("ArreterRecuperation", arret)
    identite.horloge.advance(days=2)
    assert envoyer(identite) == 0
    assert not zoe.profil().recuperation.recuperation_id


@pytest.mark.exigence("IDN-14")
def test_arretee_apres_son_envoi_le_lien_n_ouvre_plus_rien(identite, zoe):
    cible = demander(identite, zoe)
    approuver(identite, cible)
    identite.horloge.advance(hours=24)
    envoyer(identite)
    (lien,) = identite.courriels("recuperation")
    arret = pb.ArreterRecuperationRequest(request_id=str(uuid4()), recuperation_id=cible)
    zoe.appeler("ArreterRecuperation", arret)
    demande = pb.ConfirmerCourrielRequest(request_id=str(uuid4()), jeton=lien["jeton"])
    assert identite.refus("ConfirmerCourriel", demande).reason == "LIEN_INCONNU"
    assert zoe.profil().profil.courriel == "zoe.tremblay@exemple.ca"


@pytest.mark.exigence("IDN-14")
def test_une_approbation_rejouee_ou_tardive_est_refusee(identite, zoe):
    cible = demander(identite, zoe)
    oui = une_decision(cible)
    identite.appeler("DeciderRecuperation", oui, jeton=agent(NOE))
    identite.appeler("DeciderRecuperation", oui, jeton=agent(NOE))
    assert len(identite.courriels("recuperation_annoncee")) == 1
    for encore in (une_decision(cible), une_decision(cible, approuver=False, motif="Erreur vue")):
        refus = identite.refus("DeciderRecuperation", encore, jeton=agent(str(uuid4())))
        assert refus.reason == "RECUPERATION_DECIDEE"
    autre = une_decision(cible, request_id=oui.request_id, approuver=False, motif="Erreur vue")
    refus = identite.refus("DeciderRecuperation", autre, jeton=agent(NOE))
    assert refus.reason == "REQUEST_ID_REUTILISE"
    inconnue = une_decision(str(uuid4()))
    refus = identite.refus("DeciderRecuperation", inconnue, jeton=agent(NOE))
    assert refus.reason == "RECUPERATION_INTROUVABLE"


def test_deux_decisions_simultanees_une_seule_compte(identite, zoe):
    cible = demander(identite, zoe)

    def decider(rang: int) -> str:
        demande = une_decision(cible, approuver=bool(rang % 2), motif="Erreur vue")
        try:
            identite.appeler("DeciderRecuperation", demande, jeton=agent(str(uuid4())))
        except RemoteError as error:
            return error.reason
        return "OK"

    with ThreadPoolExecutor(4) as fils:
        verdicts = sorted(fils.map(decider, range(4)))
    assert verdicts == ["OK"] + ["RECUPERATION_DECIDEE"] * 3


def test_un_refus_dit_pourquoi_et_libere_le_compte(identite, zoe):
    cible = demander(identite, zoe)
    refus = identite.refus("DemanderRecuperation", une_demande(zoe), jeton=agent(NOE))
    assert refus.reason == "RECUPERATION_EN_COURS"
    sans_motif = une_decision(cible, approuver=False)
    refus = identite.refus("DeciderRecuperation", sans_motif, jeton=agent(NOE))
    assert refus.fields == {"motif": "MOTIF_REQUIS"}
    non = une_decision(cible, approuver=False, motif="La pièce est périmée")
    identite.appeler("DeciderRecuperation", non, jeton=agent(NOE))
    assert identite.courriels("recuperation_annoncee") == []
    assert demander(identite, zoe) != cible
    (une,) = identite.appeler(
        "ListRecuperations", pb.ListRecuperationsRequest(), jeton=agent()
    ).recuperations
    assert une.personne == "Zoé Tremblay"
    assert une.de_l_appelant


@pytest.mark.parametrize(
    ("champs", "fautes"),
    [
        ({"controles": ["presence"]}, {"controles": "CONTROLES_INSUFFISANTS"}),
        ({"controles": ["presence", "presence"]}, {"controles": "CONTROLES_INSUFFISANTS"}),
        ({"controles": ["bonne_tete", "presence"]}, {"controles": "CONTROLE_INCONNU"}),
        ({"note": ""}, {"note": "MOTIF_REQUIS"}),
        (
            {"nouveau_courriel": "zoe.tremblay@EXEMPLE.ca"},
            {"nouveau_courriel": "COURRIEL_INCHANGE"},
        ),
    ],
)
def test_un_controle_d_identite_incomplet_est_refuse(identite, zoe, champs, fautes):
    refus = identite.refus("DemanderRecuperation", une_demande(zoe, **champs), jeton=agent())
    assert refus.fields == fautes
