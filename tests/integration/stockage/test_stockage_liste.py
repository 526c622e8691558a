"""The list of a space: search, filters, five orders, cursors that neither lose nor double."""

from __future__ import annotations

import datetime as dt
from itertools import product
from uuid import uuid4

import pytest

from chassis.grpc_client import RemoteError
from espacecitoyen.stockage.v1 import stockage_service_pb2 as pb
from tests.kit import stockage as kit

pytestmark = pytest.mark.integration

DOCUMENTS = (
    # name, kind, label, validity, pages
    ("Côté passeport.pdf", pb.GENRE_PIECE_IDENTITE, "Passeport", "2026-03-20", 1),
    ("bail 10.pdf", pb.GENRE_PIECE_RESIDENCE, "Bail de l’été", "", 3),
    ("Bail 9.pdf", pb.GENRE_PIECE_RESIDENCE, "", "2026-03-01", 2),
    ("coté.pdf", pb.GENRE_PIECE_AUTRE, "Diplôme", "2030-01-01", 5),
    ("été.pdf", pb.GENRE_PIECE_IDENTITE, "100 % sûr_", "2026-04-08", 4),
)


@pytest.fixture
def espace(banc):
    """The documents above, one a minute, in that order; today is March 9th, 2026 in the city."""
    banc.horloge.now = dt.datetime(2026, 3, 10, 1, 0, tzinfo=dt.UTC)
    for nom, genre, libelle, fin, pages in DOCUMENTS:
        banc.horloge.advance(minutes=1)
        banc.deposer(
            kit.un_pdf(pages=pages), nom=nom, genre=genre, libelle=libelle, valide_jusqu_au=fin
        )
    # Somebody else's documents are never among them.
    banc.deposer(kit.un_pdf(), nom="bail 1.pdf", jeton=banc.jeton(sujet=str(uuid4())))
    return banc


def noms(reponse: pb.ListPiecesResponse) -> list[str]:
    return [piece.nom_fichier for piece in reponse.pieces]


def tout(banc, **champs) -> list[str]:
    vus, curseur = [], ""
    while True:
        page = banc.lister(page_size=2, page_token=curseur, **champs)
        assert len(page.pieces) <= 2
        vus += noms(page)
        curseur = page.next_page_token
        if not curseur:
            return vus


@pytest.mark.exigence("STO-01")
def test_five_orders_both_ways_page_by_page(espace):
    bail10, bail9, cote, passeport, ete = (
        "bail 10.pdf", "Bail 9.pdf", "coté.pdf", "Côté passeport.pdf", "été.pdf"
    )  # fmt: skip
    attendus = {
        pb.TRI_PIECE_DATE: [ete, cote, bail9, bail10, passeport],
        pb.TRI_PIECE_NOM: [bail9, bail10, passeport, cote, ete],
        pb.TRI_PIECE_GENRE: [passeport, ete, bail10, bail9, cote],
        pb.TRI_PIECE_VALIDITE: [bail9, passeport, ete, cote, bail10],
        pb.TRI_PIECE_TAILLE: [cote, ete, bail10, bail9, passeport],
    }
    descendants = {pb.TRI_PIECE_DATE, pb.TRI_PIECE_TAILLE}
    for tri, attendu in attendus.items():
        assert tout(espace, tri=tri) == attendu
        naturel, inverse = (
            (pb.ORDRE_PIECE_DECROISSANT, pb.ORDRE_PIECE_CROISSANT)
            if tri in descendants
            else (pb.ORDRE_PIECE_CROISSANT, pb.ORDRE_PIECE_DECROISSANT)
        )
        assert tout(espace, tri=tri, ordre=naturel) == attendu
        assert tout(espace, tri=tri, ordre=inverse) == attendu[::-1]
    assert tout(espace) == attendus[pb.TRI_PIECE_DATE]


@pytest.mark.exigence("STO-01")
@pytest.mark.parametrize(
    ("recherche", "trouves"),
    [
        ("ETE", ["été.pdf", "bail 10.pdf"]),
        ("bail 9", ["Bail 9.pdf"]),
        ("passeport cote", ["Côté passeport.pdf"]),
        ("diplome", ["coté.pdf"]),
        ("100 %", ["été.pdf"]),
        ("_", ["été.pdf"]),
        ("\\", []),
        ("rien", []),
        ("   ", ["été.pdf", "coté.pdf", "Bail 9.pdf", "bail 10.pdf", "Côté passeport.pdf"]),
    ],
)
def test_a_search_looks_into_names_and_labels(espace, recherche, trouves):
    assert tout(espace, recherche=recherche) == trouves


@pytest.mark.exigence("STO-01")
def test_filters_meet(espace):
    assert tout(espace, genre=pb.GENRE_PIECE_IDENTITE) == ["été.pdf", "Côté passeport.pdf"]
    assert tout(espace, genre=pb.GENRE_PIECE_IDENTITE, tri=pb.TRI_PIECE_NOM) == [
        "Côté passeport.pdf",
        "été.pdf",
    ]
    validites = {
        pb.ETAT_VALIDITE_SANS_FIN: ["bail 10.pdf"],
        pb.ETAT_VALIDITE_EXPIREE: ["Bail 9.pdf"],
        pb.ETAT_VALIDITE_BIENTOT_EXPIREE: ["été.pdf", "Côté passeport.pdf"],
        pb.ETAT_VALIDITE_VALIDE: ["coté.pdf"],
    }
    for validite, attendus in validites.items():
        assert tout(espace, validite=validite) == attendus
        for piece in espace.lister(validite=validite).pieces:
            assert piece.etat_validite == validite
    assert tout(espace, recherche="pdf", validite=pb.ETAT_VALIDITE_SANS_FIN) == ["bail 10.pdf"]
    assert tout(espace, statut=pb.STATUT_PIECE_EN_ANALYSE) == []
    assert len(tout(espace, statut=pb.STATUT_PIECE_SAINE)) == 5


def test_a_field_that_is_changed_is_found_under_its_new_value(espace):
    (piece,) = espace.lister(recherche="diplome").pieces
    demande = pb.ModifierPieceRequest(
        request_id=str(uuid4()),
        piece_id=piece.piece_id,
        genre=pb.GENRE_PIECE_AUTRE,
        libelle="Relevé",
    )
    espace.appeler("ModifierPiece", demande)
    assert tout(espace, recherche="diplome") == []
    assert tout(espace, recherche="coté releve") == ["coté.pdf"]


def test_a_cursor_is_good_for_its_order_only(espace):
    page = espace.lister(page_size=2, tri=pb.TRI_PIECE_NOM)
    autres = (
        {"tri": pb.TRI_PIECE_DATE},
        {"tri": pb.TRI_PIECE_NOM, "ordre": pb.ORDRE_PIECE_DECROISSANT},
    )
    for champs in autres:
        with pytest.raises(RemoteError) as erreur:
            espace.lister(page_token=page.next_page_token, **champs)
        assert erreur.value.fields == {"page_token": "CURSEUR_INVALIDE"}


def test_values_that_are_none_are_refused(espace):
    for champs, code in (
        ({"tri": 99}, {"tri": "VALEUR_INCONNUE"}),
        ({"ordre": 99}, {"ordre": "VALEUR_INCONNUE"}),
        ({"genre": 99}, {"genre": "VALEUR_INCONNUE"}),
        ({"recherche": "x" * 101}, {"recherche": "RECHERCHE_TROP_LONGUE"}),
    ):
        with pytest.raises(RemoteError) as erreur:
            espace.lister(**champs)
        assert erreur.value.fields == code


def test_equal_keys_are_neither_lost_nor_doubled(banc):
    ids = {banc.deposer(kit.un_pdf(), nom="meme.pdf").piece_id for _ in range(5)}
    tris = [tri for tri in pb.TriPiece.values() if tri]
    ordres = (pb.ORDRE_PIECE_CROISSANT, pb.ORDRE_PIECE_DECROISSANT)
    for tri, ordre in product(tris, ordres):
        vus, curseur = [], ""
        while True:
            page = banc.lister(page_size=2, page_token=curseur, tri=tri, ordre=ordre)
            vus += [piece.piece_id for piece in page.pieces]
            curseur = page.next_page_token
            if not curseur:
                break
        assert sorted(vus) == sorted(ids)
