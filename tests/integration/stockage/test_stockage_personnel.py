"""What staff gets of a document of a case: watermarked pages, a stripped file, no identity."""

from __future__ import annotations

import io
from uuid import uuid4

import grpc
import pikepdf
import pytest
from PIL import Image, ImageChops

from chassis.grpc_client import RemoteError
from espacecitoyen.stockage.v1 import stockage_service_pb2 as pb
from tests.kit import stockage as kit

pytestmark = pytest.mark.integration


@pytest.fixture
def agent(banc) -> str:
    return banc.jeton("agent_cartes", sujet=str(uuid4()), motif="validation_carte")


def image(octets: bytes) -> Image.Image:
    return Image.open(io.BytesIO(octets)).convert("RGB")


@pytest.mark.exigence("STO-05")
def test_every_page_that_staff_sees_bears_who_when_and_why(banc, agent):
    piece_id = banc.deposer(
        kit.un_pdf(pages=2), nom="passeport.pdf", genre=pb.GENRE_PIECE_IDENTITE
    ).piece_id
    banc.retenir(piece_id, dossier="d1")
    for page in (1, 2):
        propre = image(banc.lire(piece_id, apercu=True, page=page)[1])
        entete, octets = banc.lire(
            piece_id, apercu=True, page=page, jeton=agent, dossier_id="d1", lecteur_nom="Zoé Côté"
        )
        assert (entete.type_media, entete.pages) == ("image/png", 2)
        marque = image(octets)
        ecart = ImageChops.difference(propre, marque).convert("L")
        largeur, hauteur = ecart.size
        for haut in (0, hauteur // 2):
            bande = ecart.crop((0, haut, largeur, haut + hauteur // 2))
            assert sum(bande.histogram()[25:]) / (largeur * hauteur) > 0.005
    # Another minute is another watermark; nothing else differs.
    banc.horloge.advance(minutes=1)
    plus_tard = banc.lire(
        piece_id, apercu=True, page=2, jeton=agent, dossier_id="d1", lecteur_nom="Zoé Côté"
    )[1]
    assert plus_tard != octets


@pytest.mark.exigence("STO-05")
def test_the_file_of_an_identity_paper_is_its_owners(banc, agent):
    octets = kit.un_pdf()
    piece_id = banc.deposer(octets, genre=pb.GENRE_PIECE_IDENTITE).piece_id
    banc.retenir(piece_id, dossier="d1")
    with pytest.raises(RemoteError) as erreur:
        banc.lire(piece_id, jeton=agent, dossier_id="d1")
    assert (erreur.value.code, erreur.value.reason) == (
        grpc.StatusCode.PERMISSION_DENIED,
        "FICHIER_RESERVE",
    )
    # Refused, nothing was read: there is nothing to note.
    assert "piece_consultee.v1" not in banc.evenements()
    assert banc.lire(piece_id)[1] == octets


@pytest.mark.exigence("STO-04")
def test_staff_gets_a_pdf_without_what_was_active(banc, agent):
    arme = kit.un_pdf_actif()
    piece_id = banc.deposer(arme).piece_id
    banc.retenir(piece_id, dossier="d1")
    entete, octets = banc.lire(piece_id, jeton=agent, dossier_id="d1")
    assert (entete.taille_octets, entete.pages) == (len(octets), 1)
    with pikepdf.open(io.BytesIO(octets)) as pdf:
        assert "/OpenAction" not in pdf.Root
        assert len(pdf.pages) == 1
    assert b"app.alert" not in octets
    # The owner's own file is what they confided.
    assert banc.lire(piece_id)[1] == arme


def test_a_picture_is_given_to_staff_as_it_was_cleaned(banc, agent):
    piece_id = banc.deposer(kit.une_photo(), nom="bail.jpg").piece_id
    banc.retenir(piece_id, dossier="d1")
    entete, octets = banc.lire(piece_id, jeton=agent, dossier_id="d1")
    assert octets == banc.lire(piece_id)[1]
    assert entete.pages == 1


def test_staff_knows_the_fields_and_the_pages_of_a_proof_of_its_case_alone(banc, agent):
    piece_id = banc.deposer(kit.un_pdf(pages=3)).piece_id
    banc.retenir(piece_id, dossier="d1")

    def lue(dossier: str, jeton: str = agent) -> pb.Piece:
        demande = pb.GetPieceRequest(piece_id=piece_id, dossier_id=dossier)
        return banc.appeler("GetPiece", demande, jeton=jeton).piece

    assert (lue("d1").pages, lue("d1").type_media) == (3, "application/pdf")
    sans_motif = banc.jeton("agent_cartes", sujet=str(uuid4()))
    for dossier, jeton in (("d2", agent), ("", agent), ("d1", sans_motif)):
        with pytest.raises(RemoteError) as erreur:
            lue(dossier, jeton)
        assert erreur.value.reason == "PIECE_INTROUVABLE"


@pytest.mark.exigence("DEM-11")
def test_a_request_holds_documents_with_its_own_case(banc, agent):
    octets = kit.un_png()
    piece_id = banc.deposer(octets, nom="plan.png", genre=pb.GENRE_PIECE_AUTRE).piece_id

    def retenir(service: str, dossier: str) -> None:
        demande = pb.RetenirPiecesRequest(
            request_id=str(uuid4()), service=service, dossier_id=dossier, piece_ids=[piece_id]
        )
        banc.appeler("RetenirPieces", demande)

    retenir("demandes", "t-2026-001")
    retenir("cartes", "d1")
    assert banc.lister().pieces[0].utilisations == 2
    # The case of a request opens nothing to the staff of the cards.
    with pytest.raises(RemoteError) as erreur:
        banc.lire(piece_id, jeton=agent, dossier_id="t-2026-001")
    assert erreur.value.reason == "PIECE_INTROUVABLE"
    banc.supprimer(piece_id)
    banc.liberer(dossier="d1")
    assert len(banc.fichiers()) == 1
    demande = pb.LibererPiecesRequest(
        request_id=str(uuid4()), service="demandes", dossier_id="t-2026-001"
    )
    banc.appeler("LibererPieces", demande)
    assert banc.rien_ne_reste()
