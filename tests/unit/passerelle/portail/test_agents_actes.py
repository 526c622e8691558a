"""What staff do with a card request (CAR-04, PAS-02)."""

from __future__ import annotations

import pytest
from flask.testing import FlaskClient

from espacecitoyen.cartes.v1 import cartes_service_pb2 as cartes
from espacecitoyen.stockage.v1 import stockage_service_pb2 as stockage
from tests.kit.passerelle import DEMANDE, PIECE, REFUS, Fakes, log_in
from tests.kit.passerelle_answers import une_demande, une_piece
from tests.unit.passerelle.portail.conftest import Envoyer, texte

pytestmark = pytest.mark.unit


def _a_valider(services: Fakes) -> None:
    demande = une_demande()
    demande.statut = cartes.STATUT_DEMANDE_DEPOSEE
    for piece in demande.pieces:
        piece.statut = cartes.STATUT_PIECE_JUSTIFICATIVE_A_VERIFIER
    services.cartes.answers["GetDemande"] = cartes.GetDemandeResponse(demande=demande)


DECISION = f"/agents/demandes/{DEMANDE}"


@pytest.mark.exigence("CAR-04", "PAS-02")
def test_tout_accepter_tient_en_un_bouton(
    client: FlaskClient, envoyer: Envoyer, services: Fakes
) -> None:
    log_in(client, agent=True)
    _a_valider(services)
    assert envoyer(DECISION, {"tout_accepter": "1"}).status_code == 303
    ((demande, appelant),) = services.cartes.calls("DeciderDemande")
    assert demande.version == 2
    assert [(d.role, d.acceptee) for d in demande.decisions] == [
        (cartes.ROLE_PIECE_IDENTITE, True),
        (cartes.ROLE_PIECE_RESIDENCE, True),
    ]
    assert appelant.purpose == "validation_carte"


@pytest.mark.exigence("CAR-04")
def test_un_refus_dit_son_motif(client: FlaskClient, envoyer: Envoyer, services: Fakes) -> None:
    log_in(client, agent=True)
    _a_valider(services)
    champs = {"identite-verdict": "accepter", "residence-verdict": "refuser"}
    sans_motif = envoyer(DECISION, champs)
    assert sans_motif.status_code == 422
    assert "Choisissez le motif du refus." in texte(sans_motif)
    contradiction = envoyer(DECISION, {**champs, "residence-motif": "EXPIREE", "tout_accepter": ""})
    assert contradiction.status_code == 422
    champs |= {"residence-motif": "EXPIREE", "residence-precision": "Bail de 2019."}
    assert envoyer(DECISION, champs).status_code == 303
    ((demande, _),) = services.cartes.calls("DeciderDemande")
    assert demande.decisions[1].motif == cartes.MOTIF_REFUS_EXPIREE
    assert demande.decisions[1].precision == "Bail de 2019."
    assert demande.decisions[0].motif == cartes.MOTIF_REFUS_UNSPECIFIED


@pytest.mark.exigence("CAR-04")
def test_un_autre_agent_a_deja_decide(
    client: FlaskClient, envoyer: Envoyer, services: Fakes
) -> None:
    log_in(client, agent=True)
    _a_valider(services)
    services.cartes.answers["DeciderDemande"] = REFUS["VERSION_PERIMEE"]
    page = envoyer(DECISION, {"tout_accepter": "1"})
    assert page.status_code == 409
    assert "Un autre agent a déjà décidé" in texte(page)


@pytest.mark.exigence("PAS-02")
def test_l_agent_voit_les_deux_preuves_avec_leur_objet(
    client: FlaskClient, services: Fakes
) -> None:
    log_in(client, agent=True)
    _a_valider(services)
    page = client.get(DECISION)
    assert page.text.count('<img src="/agents/demandes/') == 2
    image = client.get(f"{DECISION}/pieces/{PIECE}/apercu?page=1")
    assert image.mimetype == "image/png"
    ((demande, appelant),) = services.stockage.calls("LirePiece")
    assert (demande.dossier_id, appelant.purpose) == (DEMANDE, "validation_carte")


@pytest.mark.exigence("PAS-02")
def test_apres_la_derniere_page_on_reste_dessus(client: FlaskClient, services: Fakes) -> None:
    log_in(client, agent=True)
    _a_valider(services)
    deux = stockage.GetPieceResponse(piece=une_piece(pages=2))
    services.stockage.answers["GetPiece"] = deux
    assert "Page 2 sur 2" in texte(client.get(f"{DECISION}?page_identite=2"))
    assert "Page suivante" not in texte(client.get(f"{DECISION}?page_identite=9&page_residence=9"))
    demande, appelant = services.stockage.calls("GetPiece")[0]
    assert (demande.dossier_id, appelant.purpose) == (DEMANDE, "validation_carte")
    assert services.stockage.calls("LirePiece") == []


@pytest.mark.exigence("STO-02")
def test_une_preuve_que_la_ville_ne_garde_plus_est_dite(
    client: FlaskClient, services: Fakes
) -> None:
    log_in(client, agent=True)
    _a_valider(services)
    services.stockage.answers["GetPiece"] = REFUS["PIECE_INTROUVABLE"]()
    page = client.get(DECISION)
    assert page.status_code == 200
    assert "n’est plus conservé" in texte(page)


@pytest.mark.exigence("PAS-02")
def test_la_porte_des_agents_ouvre_une_session_d_agent(envoyer: Envoyer, services: Fakes) -> None:
    page = envoyer("/agents/connexion?suite=/cartes", {"identifiant": "agent", "mot_de_passe": "x"})
    assert page.location == "/agents/"
    assert "Path=/agents" in page.headers["Set-Cookie"]
    ((demande, _),) = services.identite.calls("OuvrirSession")
    assert demande.agent
