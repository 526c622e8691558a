"""« Comptes liés », the tax account, Espace Famille, and the links that staff decide."""

from __future__ import annotations

import grpc
import pytest
from flask.testing import FlaskClient

from chassis.grpc_server import ErrorRow
from espacecitoyen.identite.v1 import identite_service_pb2 as identite
from espacecitoyen.identite.v1 import ponts_service_pb2 as pb
from tests.kit.passerelle import AGENT, ERRORS, JETON, Fakes, log_in, verifier_session
from tests.kit.passerelle_answers import Refus
from tests.unit.passerelle.portail.conftest import Envoyer, texte

pytestmark = pytest.mark.unit

LIAISON = "0b1f6f2e-7a53-7c55-9a5e-3f6f2b8f0043"


class Indisponible(Refus):
    """SYSTEME_LIE_INDISPONIBLE."""


class FamilleRefusee(Refus):
    """ESPACE_FAMILLE_REFUSE."""


ERRORS[Indisponible] = ErrorRow(grpc.StatusCode.FAILED_PRECONDITION, "SYSTEME_LIE_INDISPONIBLE")
ERRORS[FamilleRefusee] = ErrorRow(grpc.StatusCode.INVALID_ARGUMENT, "ESPACE_FAMILLE_REFUSE")


def lies(**champs):
    return pb.ListComptesLiesResponse(**champs)


def un_compte(**champs):
    valeurs = {
        "liaison_id": LIAISON,
        "source": "taxes",
        "reference": "M-0001",
        "etat": "LIE",
        "change_le": "2026-03-02T15:00:00+00:00",
    }
    return pb.CompteLie(**(valeurs | champs))


@pytest.mark.exigence("IDN-17")
def test_le_compte_de_taxes_montre_solde_factures_et_echeances(
    client: FlaskClient, services: Fakes
) -> None:
    log_in(client)
    services.identite.answers["GetCompteTaxes"] = pb.GetCompteTaxesResponse(
        reference="M-0001",
        immeuble="6, rue de l’Exemple",
        solde_cents=123_456,
        factures=[pb.Facture(numero="2026-1", libelle="Taxes foncières", emise_le="2026-01-31",
                             montant_cents=200_000, solde_cents=123_456)],
        echeances=[pb.Echeance(date="2026-06-09", montant_cents=61_728, acquittee=False)],
        lu_le="2026-03-02T15:00:00+00:00",
    )  # fmt: skip
    page = texte(client.get("/compte/taxes"))
    assert "1 234,56 $" in page
    assert "9 juin 2026" in page
    assert "À payer" in page
    assert "$1,234.56" in texte(client.get("/compte/taxes?lang=en"))


@pytest.mark.exigence("IDN-17")
def test_un_systeme_absent_se_dit_clairement(client: FlaskClient, services: Fakes) -> None:
    log_in(client)
    services.identite.answers["GetCompteTaxes"] = Indisponible
    reponse = client.get("/compte/taxes")
    assert reponse.status_code == 503
    assert "ne répond pas en ce moment" in texte(reponse)


@pytest.mark.exigence("IDN-15")
def test_l_espace_famille_ne_parait_que_si_la_ville_l_offre(
    client: FlaskClient, services: Fakes
) -> None:
    log_in(client)
    services.identite.answers["ListComptesLies"] = lies()
    assert "Espace Famille" not in texte(client.get("/compte/comptes-lies"))
    assert client.get("/compte/espace-famille").status_code == 404
    services.identite.answers["ListComptesLies"] = lies(famille_offerte=True)
    assert "Lier mon Espace Famille" in texte(client.get("/compte/comptes-lies"))


@pytest.mark.exigence("IDN-15")
def test_lier_puis_modifier_les_identifiants(
    client: FlaskClient, services: Fakes, envoyer: Envoyer
) -> None:
    log_in(client)
    services.identite.answers["ListComptesLies"] = lies(famille_offerte=True)
    services.identite.answers["LierEspaceFamille"] = pb.LierEspaceFamilleResponse()
    vide = envoyer("/compte/espace-famille", {})
    assert vide.status_code == 422
    assert "Écrivez le code de votre Espace Famille." in texte(vide)
    champs = {"code": " F-1 ", "mot_de_passe": " un secret "}
    assert envoyer("/compte/espace-famille", champs).status_code == 303
    ((demande, _),) = services.identite.calls("LierEspaceFamille")
    assert (demande.code, demande.mot_de_passe) == ("F-1", " un secret ")
    services.identite.answers["LierEspaceFamille"] = FamilleRefusee
    refus = envoyer("/compte/espace-famille", champs)
    assert refus.status_code == 422
    assert "ne reconnaît pas ce code" in texte(refus)
    assert "un secret" not in texte(refus)


@pytest.mark.exigence("IDN-15")
def test_un_mot_de_passe_change_la_bas_se_corrige_ici(client: FlaskClient, services: Fakes) -> None:
    log_in(client)
    services.identite.answers["ListComptesLies"] = lies(famille_offerte=True, famille_code="F-1")
    services.identite.answers["GetEspaceFamille"] = FamilleRefusee
    page = texte(client.get("/compte/espace-famille"))
    assert "ne reconnaît pas ce code" in page
    assert "Modifier les identifiants de mon Espace Famille" in page


@pytest.mark.exigence("IDN-09")
def test_les_liens_et_leur_annulation(
    client: FlaskClient, services: Fakes, envoyer: Envoyer
) -> None:
    log_in(client)
    services.identite.answers["ListComptesLies"] = lies(
        comptes=[un_compte(), un_compte(source="loisirs", etat="A_DECIDER", liaison_id=JETON)],
        regle="taxes",
        taxes_offertes=True,
        courriel_a_confirmer=True,
    )
    services.identite.answers["DelierCompte"] = pb.DelierCompteResponse()
    page = texte(client.get("/compte/comptes-lies"))
    for phrase in (
        "La Ville vérifie",
        "Les identifiants de votre compte de taxes valent pour tous ces comptes.",
        "Confirmez votre adresse courriel.",
        "Voir mon compte de taxes",
    ):
        assert phrase in page
    action = f"/compte/comptes-lies/{LIAISON}/delier"
    assert envoyer("/compte/comptes-lies", {}, action).status_code == 303
    ((demande, _),) = services.identite.calls("DelierCompte")
    assert demande.liaison_id == LIAISON


@pytest.mark.exigence("IDN-08")
def test_la_premiere_connexion_mene_a_mon_profil(services: Fakes, envoyer: Envoyer) -> None:
    services.identite.answers["OuvrirSession"] = identite.OuvrirSessionResponse(
        jeton_session=JETON, premiere_connexion=True
    )
    champs = {"identifiant": "maxime", "mot_de_passe": "ancien"}
    reponse = envoyer("/connexion", champs)
    assert reponse.location == "/compte?fait=compte_importe"


def agent_comptes(request: identite.VerifierSessionRequest) -> identite.VerifierSessionResponse:
    """The session of who looks after accounts."""
    lue = verifier_session(request)
    if request.jeton_session == AGENT:
        del lue.roles[:]
        lue.roles.append("agent_comptes")
        lue.permissions.append("comptes.corriger")
    return lue


@pytest.mark.exigence("IDN-09")
def test_les_agents_decident_avec_un_motif(
    client: FlaskClient, services: Fakes, envoyer: Envoyer
) -> None:
    log_in(client, agent=True)
    services.identite.answers["VerifierSession"] = agent_comptes
    services.identite.answers["ListLiaisons"] = pb.ListLiaisonsResponse(
        liaisons=[
            pb.Liaison(
                liaison_id=LIAISON,
                source="loisirs",
                reference="L-1",
                courriel="zoe@exemple.ca",
                la_bas=pb.PersonneLiee(prenom="Luc", nom="Tremblay"),
                ici=pb.PersonneLiee(prenom="Zoé", nom="Tremblay"),
                ecarts=["prenom"],
                depuis="2026-03-02T15:00:00+00:00",
            )
        ]
    )
    services.identite.answers["DeciderLiaison"] = pb.DeciderLiaisonResponse()
    action = f"/agents/liaisons/{LIAISON}"
    vide = envoyer("/agents/liaisons", {}, action)
    assert vide.status_code == 422
    assert "Écrivez ce qui vous a permis de décider." in texte(vide)
    champs = {f"{LIAISON}-verdict": "lier", f"{LIAISON}-motif": "Vue au comptoir"}
    assert envoyer("/agents/liaisons", champs, action).status_code == 303
    ((demande, _),) = services.identite.calls("DeciderLiaison")
    assert (demande.lier, demande.motif) == (True, "Vue au comptoir")
