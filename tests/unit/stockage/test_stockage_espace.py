"""Rules of the space: order and search, end of validity, retention."""

from __future__ import annotations

import datetime as dt
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest

from services.stockage import domain

pytestmark = pytest.mark.unit

JOUR = dt.date(2026, 3, 10)
VALIDITE = domain.Validite(zone=ZoneInfo("America/Toronto"), rappel_jours=30)


@pytest.mark.exigence("STO-01")
def test_names_are_in_the_order_of_a_french_dictionary():
    noms = ["zoo", "Élan", "coté", "côte", "facture 10", "côté", "Facture 9", "cote", "œuf", "oie"]
    assert sorted(noms, key=domain.cle_de_nom) == [
        "cote", "côte", "coté", "côté", "Élan", "Facture 9", "facture 10", "œuf", "oie", "zoo"
    ]  # fmt: skip


def test_a_key_of_a_name_fits_in_an_index_whatever_the_name():
    for nom in ("9 " * 100, "é" * 200, "\U0001f600" * 200, "漢" * 200, "㍿" * 200):
        assert len(domain.cle_de_nom(nom).encode()) < 2000


def test_a_search_knows_neither_case_nor_accents():
    fiche = domain.Fiche(genre=domain.GenrePiece.AUTRE, libelle="Relevé d’impôt")
    texte = domain.texte_cherche("Été 2026 - Œuvre.PDF", fiche)
    for recherche in ("ete", "OEUVRE", "impôt RELEVE", "d'impot", "2026 été"):
        assert all(mot in texte for mot in domain.mots_cherches(recherche)), recherche
    assert "taxe" not in texte
    assert len(domain.mots_cherches("a " * 90)) == 8


@pytest.mark.parametrize(
    ("fin", "etat"),
    [
        (None, "SANS_FIN"),
        (JOUR - dt.timedelta(days=1), "EXPIREE"),
        (JOUR, "BIENTOT_EXPIREE"),
        (JOUR + dt.timedelta(days=30), "BIENTOT_EXPIREE"),
        (JOUR + dt.timedelta(days=31), "VALIDE"),
    ],
)
def test_a_document_is_valid_on_its_last_day(fin, etat):
    assert VALIDITE.etat(fin, jour=JOUR) is domain.EtatValidite[etat]


def test_the_day_is_that_of_the_city():
    minuit_passe = dt.datetime(2026, 3, 11, 2, 0, tzinfo=dt.UTC)
    assert VALIDITE.jour(minuit_passe) == JOUR


def _utilisation(service: str, genre: domain.GenrePiece) -> domain.Utilisation:
    decidee_le = dt.datetime(2026, 3, 10, 15, 0, tzinfo=dt.UTC)
    piece = domain.Piece(
        piece_id=uuid4(),
        compte_id=uuid4(),
        nom_fichier="a.pdf",
        fiche=domain.Fiche(genre=genre),
        statut=domain.StatutPiece.SAINE,
        type_media=domain.TypeMedia.PDF,
        taille_octets=1,
        pages=1,
        deposee_le=decidee_le,
        sha256_recu=b"",
        objet=None,
    )
    return domain.Utilisation(
        piece=piece,
        service=service,
        dossier_id="d1",
        retenue_le=decidee_le,
        decidee_le=decidee_le,
    )


@pytest.mark.exigence("IDN-22")
def test_the_narrower_entry_of_the_schedule_wins():
    regle = domain.lire_conservation({"cartes": "30", "demandes": "90", "demandes.AUTRE": "365"})
    for service, genre, jours in (
        ("cartes", "IDENTITE", 30),
        ("demandes", "IDENTITE", 90),
        ("demandes", "AUTRE", 365),
    ):
        utilisation = _utilisation(service, domain.GenrePiece[genre])
        fin = regle.fin(utilisation)
        assert fin is not None
        assert utilisation.decidee_le is not None
        assert fin - utilisation.decidee_le == dt.timedelta(days=jours)
    assert regle.minimum == dt.timedelta(days=30)
    assert domain.Conservation(jours={}).delai("cartes", domain.GenrePiece.AUTRE).days == 30


@pytest.mark.parametrize(
    "reglage",
    [{"taxes": "30"}, {"cartes.PASSEPORT": "30"}, {"cartes": "trente"}, {"cartes": "-1"}],
)
def test_a_schedule_that_cannot_be_read_is_named(reglage):
    (nom,) = reglage
    with pytest.raises(ValueError, match=nom):
        domain.lire_conservation(reglage)


@pytest.mark.parametrize("motif", ["", "  a  ", "x" * 501])
def test_a_hold_needs_a_reason(motif):
    with pytest.raises(domain.DonneesInvalides):
        domain.lire_motif(motif)
    assert domain.lire_motif(" Demande  d’accès 2026-14 ") == "Demande d’accès 2026-14"
