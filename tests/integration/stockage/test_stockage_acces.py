"""Who sees and reads what: owner, other people, agents with a case; references that are counted."""

from __future__ import annotations

import io
from uuid import uuid4

import grpc
import pytest
from PIL import Image

from chassis.grpc_client import RemoteError
from espacecitoyen.stockage.v1 import stockage_service_pb2 as pb
from services.stockage import persistence
from tests.kit import stockage as kit
from tests.kit.identity import token

pytestmark = pytest.mark.integration


def raison(appel) -> str:
    with pytest.raises(RemoteError) as erreur:
        appel()
    return erreur.value.reason


@pytest.mark.exigence("STO-01")
def test_a_space_is_listed_newest_first_page_by_page(banc):
    ids: list[str] = []
    for rang in range(5):
        banc.horloge.advance(minutes=1)
        genre = pb.GENRE_PIECE_IDENTITE if rang % 2 else pb.GENRE_PIECE_RESIDENCE
        ids.insert(0, banc.deposer(kit.un_pdf(), nom=f"{rang}.pdf", genre=genre).piece_id)
    vus, curseur = [], ""
    while True:
        page = banc.lister(page_size=2, page_token=curseur)
        assert (page.total, page.quota_octets) == (5, 40 * 1024 * 1024)
        assert page.octets_utilises == 5 * len(kit.un_pdf())
        vus += [piece.piece_id for piece in page.pieces]
        curseur = page.next_page_token
        if not curseur:
            break
    assert vus == ids
    identites = banc.lister(genre=pb.GENRE_PIECE_IDENTITE).pieces
    assert [piece.piece_id for piece in identites] == [ids[1], ids[3]]


def test_documents_of_the_same_instant_are_neither_lost_nor_doubled(banc):
    ids = {banc.deposer(kit.un_pdf()).piece_id for _ in range(3)}
    premiere = banc.lister(page_size=1)
    seconde = banc.lister(page_size=2, page_token=premiere.next_page_token)
    assert {p.piece_id for p in [*premiere.pieces, *seconde.pieces]} == ids
    assert seconde.next_page_token == ""


def test_wrong_pages_are_refused(banc):
    assert raison(lambda: banc.lister(page_token="x")) == "DONNEES_INVALIDES"
    assert raison(lambda: banc.lister(page_size=-1)) == "DONNEES_INVALIDES"
    vide = banc.lister()
    assert (list(vide.pieces), vide.total, vide.octets_utilises) == ([], 0, 0)


@pytest.mark.exigence("STO-01")
def test_fields_are_changed_and_the_file_is_not(banc):
    piece = banc.deposer(kit.un_pdf())
    demande = pb.ModifierPieceRequest(
        request_id=str(uuid4()),
        piece_id=piece.piece_id,
        genre=pb.GENRE_PIECE_IDENTITE,
        libelle="Passeport",
        valide_jusqu_au="2030-01-31",
    )
    modifiee = banc.appeler("ModifierPiece", demande).piece
    assert banc.appeler("ModifierPiece", demande).piece == modifiee
    assert (modifiee.genre, modifiee.libelle) == (pb.GENRE_PIECE_IDENTITE, "Passeport")
    assert modifiee.sha256_recu == piece.sha256_recu
    relue = banc.appeler("GetPiece", pb.GetPieceRequest(piece_id=piece.piece_id)).piece
    assert relue == modifiee


@pytest.mark.exigence("STO-04")
def test_somebody_elses_document_looks_like_none(banc):
    piece_id = banc.deposer(kit.un_pdf()).piece_id
    autre = banc.jeton(sujet=str(uuid4()))
    for inconnue in (piece_id, str(uuid4()), "pas-un-id"):
        appels = (
            lambda i=inconnue: banc.lire(i, jeton=autre),
            lambda i=inconnue: banc.lire(i, apercu=True, jeton=autre),
            lambda i=inconnue: banc.appeler(
                "GetPiece", pb.GetPieceRequest(piece_id=i), jeton=autre
            ),
            lambda i=inconnue: banc.appeler(
                "ModifierPiece",
                pb.ModifierPieceRequest(
                    request_id=str(uuid4()), piece_id=i, genre=pb.GENRE_PIECE_AUTRE
                ),
                jeton=autre,
            ),
            lambda i=inconnue: banc.appeler(
                "SupprimerPiece",
                pb.SupprimerPieceRequest(request_id=str(uuid4()), piece_id=i),
                jeton=autre,
            ),
            lambda i=inconnue: banc.retenir(i, dossier="d1", jeton=autre),
        )
        for appel in appels:
            assert raison(appel) == "PIECE_INTROUVABLE"
    assert banc.lister().total == 1
    assert banc.evenements() == ["piece_deposee.v1"]


@pytest.mark.exigence("STO-01")
def test_a_deleted_document_leaves_no_byte(banc):
    piece_id, request_id = banc.deposer(kit.un_pdf()).piece_id, str(uuid4())
    banc.supprimer(piece_id, request_id=request_id)
    banc.supprimer(piece_id, request_id=request_id)
    assert banc.rien_ne_reste()
    assert banc.lister().total == 0
    assert raison(lambda: banc.supprimer(piece_id)) == "PIECE_INTROUVABLE"


@pytest.mark.exigence("STO-02")
def test_documents_are_retained_for_a_case_all_or_none(banc):
    une, deux = (banc.deposer(kit.un_pdf(pages=n)).piece_id for n in (1, 2))
    request_id = str(uuid4())
    retenues = banc.retenir(deux, une, dossier="d1", request_id=request_id).pieces
    assert [piece.piece_id for piece in retenues] == [deux, une]
    assert all(piece.utilisee for piece in retenues)
    assert banc.retenir(deux, une, dossier="d1", request_id=request_id).pieces == retenues
    assert len(banc.rangees("SELECT 1 FROM retenue")) == 2
    assert raison(lambda: banc.retenir(une, str(uuid4()), dossier="d2")) == "PIECE_INTROUVABLE"
    assert len(banc.rangees("SELECT 1 FROM retenue")) == 2


def test_wrong_cases_are_refused(banc):
    piece_id = banc.deposer(kit.un_pdf()).piece_id
    with pytest.raises(RemoteError) as double:
        banc.retenir(piece_id, piece_id, dossier="d1")
    assert double.value.fields == {"piece_ids": "MEME_PIECE_DEUX_FOIS"}
    assert raison(lambda: banc.retenir(dossier="d1")) == "DONNEES_INVALIDES"
    assert raison(lambda: banc.retenir(piece_id, dossier="")) == "DONNEES_INVALIDES"
    inconnu = pb.RetenirPiecesRequest(
        request_id=str(uuid4()), piece_ids=[piece_id], service="taxes", dossier_id="d1"
    )
    assert raison(lambda: banc.appeler("RetenirPieces", inconnu)) == "DONNEES_INVALIDES"


@pytest.mark.exigence("STO-02")
def test_what_a_case_retains_outlives_the_owners_copy(banc):
    piece_id = banc.deposer(kit.un_png(), nom="preuve.png").piece_id
    octets = banc.lire(piece_id)[1]
    banc.retenir(piece_id, dossier="d1")
    banc.retenir(piece_id, dossier="d2")
    banc.supprimer(piece_id)
    assert banc.lister().total == 0
    assert raison(lambda: banc.lire(piece_id)) == "PIECE_INTROUVABLE"
    agent = banc.jeton("agent_cartes", sujet=str(uuid4()), motif="validation_carte")
    assert banc.lire(piece_id, jeton=agent, dossier_id="d1")[1] == octets
    banc.liberer(piece_id, dossier="d1")
    assert raison(lambda: banc.lire(piece_id, jeton=agent, dossier_id="d1")) == "PIECE_INTROUVABLE"
    assert banc.lire(piece_id, jeton=agent, dossier_id="d2")[1] == octets
    banc.liberer(dossier="d2")
    assert banc.rien_ne_reste()


def test_a_reference_given_back_frees_nothing_that_the_owner_keeps(banc):
    piece_id = banc.deposer(kit.un_pdf()).piece_id
    banc.retenir(piece_id, dossier="d1")
    banc.liberer(dossier="d1")
    banc.liberer(dossier="d1")
    piece = banc.appeler("GetPiece", pb.GetPieceRequest(piece_id=piece_id)).piece
    assert not piece.utilisee
    assert banc.retenir(piece_id, dossier="d1").pieces[0].utilisee


@pytest.mark.exigence("STO-02")
def test_an_agent_reads_with_a_purpose_and_a_case_and_leaves_a_trace(banc):
    piece_id = banc.deposer(kit.un_pdf()).piece_id
    banc.retenir(piece_id, dossier="d1")
    agent_id = str(uuid4())

    def lire(*roles, motif="validation_carte", dossier="d1"):
        jeton = banc.jeton(*roles, sujet=agent_id, motif=motif)
        return banc.lire(piece_id, jeton=jeton, dossier_id=dossier)

    for refuse in (
        lambda: lire("agent_cartes", motif=""),
        lambda: lire("agent_cartes", dossier="d2"),
        lambda: lire("agent_cartes", dossier=""),
        lambda: lire("citoyen"),
    ):
        assert raison(refuse) == "PIECE_INTROUVABLE"
    assert raison(lambda: lire("admin")) == "ACCES_REFUSE"
    assert "piece_consultee.v1" not in banc.evenements()
    lire("agent_cartes")
    [(corps,)] = banc.rangees(
        "SELECT convert_from(body, 'UTF8')::jsonb FROM outbox WHERE routing_key LIKE 'piece_cons%'"
    )
    assert corps == {
        "piece_id": piece_id,
        "compte_id": banc.compte_id,
        "lecteur_id": agent_id,
        "motif": "validation_carte",
        "dossier_id": "d1",
        "qualite": "PERSONNEL",
        "variante": "FICHIER",
    }


@pytest.mark.exigence("STO-02")
def test_every_reading_is_published_and_the_owner_sees_who_read(banc):
    piece_id = banc.deposer(kit.un_pdf()).piece_id
    banc.retenir(piece_id, dossier="d1")
    banc.lire(piece_id)
    agent_id = str(uuid4())
    agent = banc.jeton("agent_cartes", sujet=agent_id, motif="validation_carte")
    banc.horloge.advance(minutes=5)
    banc.lire(piece_id, apercu=True, jeton=agent, dossier_id="d1")
    assert banc.evenements() == ["piece_deposee.v1", "piece_consultee.v1", "piece_consultee.v1"]
    demande = pb.ListConsultationsRequest(piece_id=piece_id)
    derniere, premiere = banc.appeler("ListConsultations", demande).consultations
    assert (premiere.qualite, premiere.variante, premiere.lecteur_id, premiere.motif) == (
        pb.QUALITE_LECTEUR_PROPRIETAIRE, pb.VARIANTE_PIECE_FICHIER, banc.compte_id, ""
    )  # fmt: skip
    assert (derniere.qualite, derniere.variante, derniere.lecteur_id, derniere.dossier_id) == (
        pb.QUALITE_LECTEUR_PERSONNEL, pb.VARIANTE_PIECE_APERCU, agent_id, "d1"
    )  # fmt: skip
    assert derniere.lue_le > premiere.lue_le
    autre = banc.jeton(sujet=str(uuid4()))
    assert raison(lambda: banc.appeler("ListConsultations", demande, jeton=autre)) == (
        "PIECE_INTROUVABLE"
    )


@pytest.mark.exigence("STO-02")
def test_a_guardian_acts_on_the_space_of_the_child_and_leaves_a_trace(banc):
    parent_id = str(uuid4())
    parent = token(parent_id, "citoyen", acting_for=banc.compte_id)
    piece_id = banc.deposer(kit.un_pdf(), jeton=parent).piece_id
    assert [piece.piece_id for piece in banc.lister().pieces] == [piece_id]
    banc.lire(piece_id, jeton=parent)
    [(corps,)] = banc.rangees(
        "SELECT convert_from(body, 'UTF8')::jsonb FROM outbox WHERE routing_key LIKE 'piece_cons%'"
    )
    assert (corps["lecteur_id"], corps["compte_id"]) == (parent_id, banc.compte_id)
    assert (corps["qualite"], corps["motif"]) == ("REPRESENTANT", "representation")
    # For themselves, or for somebody else, the same person finds nothing.
    seul = banc.jeton(sujet=parent_id)
    autre = token(parent_id, "citoyen", acting_for=str(uuid4()))
    for jeton in (seul, autre):
        assert raison(lambda j=jeton: banc.lire(piece_id, jeton=j)) == "PIECE_INTROUVABLE"
    # Staff acts for nobody, whatever a token says.
    agent = token(parent_id, "agent_cartes", acting_for=banc.compte_id, purpose="curiosite")
    assert raison(lambda: banc.lire(piece_id, jeton=agent)) == "PIECE_INTROUVABLE"


@pytest.mark.exigence("STO-03")
def test_a_preview_is_a_clean_picture_of_a_page(banc):
    piece_id = banc.deposer(kit.un_pdf(pages=2), nom="bail.pdf").piece_id
    entete, octets = banc.lire(piece_id, apercu=True, page=2)
    assert (entete.nom_fichier, entete.type_media) == ("bail.png", "image/png")
    image = Image.open(io.BytesIO(octets))
    assert (image.format, max(image.size)) == ("PNG", 1600)
    assert image.convert("L").getextrema() == (0, 255)
    assert banc.lire(piece_id, apercu=True)[1] != octets
    assert raison(lambda: banc.lire(piece_id, apercu=True, page=3)) == "DONNEES_INVALIDES"
    assert raison(lambda: banc.lire(piece_id, apercu=True, page=-1)) == "DONNEES_INVALIDES"


def test_a_preview_of_an_active_pdf_is_only_a_picture(banc):
    piece_id = banc.deposer(kit.un_pdf_actif()).piece_id
    _, octets = banc.lire(piece_id, apercu=True)
    assert octets.startswith(b"\x89PNG")
    assert b"JavaScript" not in octets


def test_a_preview_of_a_photo_is_small(banc):
    piece_id = banc.deposer(kit.une_photo(largeur=2400, hauteur=1800), nom="p.jpg").piece_id
    _, octets = banc.lire(piece_id, apercu=True)
    assert Image.open(io.BytesIO(octets)).size == (1200, 1600)
    assert raison(lambda: banc.lire(piece_id, apercu=True, page=2)) == "DONNEES_INVALIDES"


def test_the_variant_must_be_said(banc):
    piece_id = banc.deposer(kit.un_pdf()).piece_id
    demande = pb.LirePieceRequest(piece_id=piece_id)
    assert (
        raison(lambda: list(banc.remote.stream(lambda s: s.LirePiece, demande, token=banc.jeton())))
        == "DONNEES_INVALIDES"
    )


@pytest.mark.exigence("STO-04")
@pytest.mark.parametrize("place", [100, -1])
def test_a_changed_byte_on_disk_is_never_served_as_good(banc, place):
    piece_id = banc.deposer(kit.un_pdf(remplissage=300_000)).piece_id
    chemin = banc.chemin()
    octets = bytearray(chemin.read_bytes())
    octets[place] ^= 1
    chemin.write_bytes(octets)
    with pytest.raises(RemoteError) as erreur:
        banc.lire(piece_id)
    assert (erreur.value.code, erreur.value.reason) == (
        grpc.StatusCode.DATA_LOSS,
        "PIECE_ALTEREE",
    )


def test_a_document_of_the_database_is_what_was_written(banc):
    piece = banc.deposer(kit.un_pdf(), libelle="Bail")
    with banc.engine.connect() as connexion:
        (lue,) = persistence.lister_objets(connexion, apres=None, limite=10)
    assert str(lue.piece_id) == piece.piece_id
    assert lue.fiche.libelle == "Bail"
    assert lue.deposee_le == banc.horloge.now
