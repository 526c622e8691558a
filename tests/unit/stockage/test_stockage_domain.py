"""Rules of names, fields, sizes and file edges."""

from __future__ import annotations

import datetime as dt
import unicodedata
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.stockage import domain
from services.stockage.domain import (
    CleScellee,
    DonneesInvalides,
    Espace,
    GenrePiece,
    Mesure,
    NomInvalide,
    PieceTronquee,
    PieceTropGrande,
    PieceVide,
    QuotaDepasse,
    TypeMedia,
    TypeNonAccepte,
)
from tests.kit import stockage as kit

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    ("nom", "propre"),
    [
        ("permis.jpg", "permis.jpg"),
        ("../../etc/passwd", "passwd"),
        ("C:\\Users\\moi\\bail.pdf", "bail.pdf"),
        ("facture\u202egpj.exe", "facturegpj.exe"),
        ("a\r\nSet-Cookie: x\x00.pdf", "aSet-Cookie: x.pdf"),
        ("  .cache.pdf. ", "cache.pdf"),
        ("Preuve\u00a0de   résidence.pdf", "Preuve de résidence.pdf"),
        ("e\u0301te\u0301.pdf", "été.pdf"),
        ("\u2067\u2066x\u2069.png", "x.png"),
        ("zero\u200bwidth\ufeff.png", "zerowidth.png"),
    ],
)
@pytest.mark.exigence("STO-04")
def test_a_name_is_a_label(nom, propre):
    assert domain.nettoyer_nom(nom) == propre


@pytest.mark.parametrize("nom", ["", "..", "/", "\u202e", "a/", "\x00\x01", " . "])
def test_a_name_of_nothing_is_refused(nom):
    with pytest.raises(NomInvalide):
        domain.nettoyer_nom(nom)


def test_a_long_name_keeps_its_extension():
    propre = domain.nettoyer_nom("x" * 300 + ".pdf")
    assert len(propre) == 200
    assert propre.endswith("x.pdf")
    assert len(domain.nettoyer_nom("phrase. " + "y" * 300)) == 200


@given(st.text(max_size=400))
def test_no_name_ever_holds_a_path_or_an_invisible_character(nom):
    try:
        propre = domain.nettoyer_nom(nom)
    except NomInvalide:
        return
    assert 1 <= len(propre) <= 200
    assert not set(propre) & set("/\\\u2028\u2029")
    assert all(unicodedata.category(c)[0] != "C" for c in propre)
    for type_media in TypeMedia:
        nomme = domain.nommer_selon_type(propre, type_media)
        assert len(nomme) <= 200
        assert nomme.lower().endswith(domain.EXTENSIONS[type_media])


@pytest.mark.parametrize(
    ("nom", "type_media", "attendu"),
    [
        ("photo.JPEG", TypeMedia.JPEG, "photo.JPEG"),
        ("photo.pdf", TypeMedia.JPEG, "photo.jpg"),
        ("facture.exe", TypeMedia.PDF, "facture.exe.pdf"),
        ("photo", TypeMedia.PNG, "photo.png"),
        (".png", TypeMedia.PDF, ".png.pdf"),
    ],
)
def test_a_name_says_the_real_type(nom, type_media, attendu):
    assert domain.nommer_selon_type(nom, type_media) == attendu


def test_fields_are_read():
    fiche = domain.lire_fiche(
        genre="RESIDENCE", libelle="  Bail\n2026\x07 ", valide_jusqu_au="2027-06-30"
    )
    assert fiche == domain.Fiche(
        genre=GenrePiece.RESIDENCE, libelle="Bail 2026", valide_jusqu_au=dt.date(2027, 6, 30)
    )


def test_each_wrong_field_is_told():
    with pytest.raises(DonneesInvalides) as refus:
        domain.lire_fiche(genre="", libelle="x" * 201, valide_jusqu_au="30/06/2027")
    assert refus.value.fields == {
        "genre": "GENRE_REQUIS",
        "libelle": "LIBELLE_TROP_LONG",
        "valide_jusqu_au": "DATE_INVALIDE",
    }


def test_an_announced_size_is_refused_before_a_byte():
    with pytest.raises(PieceTropGrande) as refus:
        Mesure(maximum=100, annoncee=101)
    assert refus.value.details() == {"limite": "OCTETS", "maximum": "100"}
    with pytest.raises(DonneesInvalides):
        Mesure(maximum=100, annoncee=-1)


def test_a_streamed_size_is_refused_at_the_first_byte_too_many():
    mesure = Mesure(maximum=100)
    mesure.ajouter(100)
    with pytest.raises(PieceTropGrande):
        mesure.ajouter(1)
    annoncee = Mesure(maximum=100, annoncee=10)
    annoncee.ajouter(10)
    assert annoncee.terminer() == 10
    with pytest.raises(PieceTropGrande):
        annoncee.ajouter(1)


def test_nothing_and_too_little_are_told_apart():
    with pytest.raises(PieceVide):
        Mesure(maximum=100).terminer()
    courte = Mesure(maximum=100, annoncee=10)
    courte.ajouter(9)
    with pytest.raises(PieceTronquee):
        courte.terminer()


def test_a_space_tells_what_is_left_of_its_quota():
    espace = Espace(compte_id=uuid4(), cle=CleScellee(version=1, enveloppe=b""), octets_utilises=90)
    espace.exiger_place(10, quota=100)
    with pytest.raises(QuotaDepasse) as refus:
        espace.exiger_place(11, quota=100)
    assert refus.value.details() == {"quota_octets": "100", "restants": "10"}


def _bords(octets: bytes) -> tuple[bytes, bytes]:
    return octets[: domain.BORD_OCTETS], octets[-domain.BORD_OCTETS :]


@pytest.mark.exigence("STO-04")
def test_the_three_types_are_known_by_their_bytes():
    assert domain.reconnaitre(*_bords(kit.un_pdf())) is TypeMedia.PDF
    assert domain.reconnaitre(*_bords(kit.une_photo())) is TypeMedia.JPEG
    assert domain.reconnaitre(*_bords(kit.un_png())) is TypeMedia.PNG


@pytest.mark.parametrize("nom", kit.polyglottes())
@pytest.mark.exigence("STO-04")
def test_what_is_two_things_or_another_thing_is_refused(nom):
    with pytest.raises(TypeNonAccepte):
        domain.reconnaitre(*_bords(kit.polyglottes()[nom]))


def test_a_pdf_without_its_end_is_truncated():
    with pytest.raises(PieceTronquee):
        domain.reconnaitre(*_bords(kit.un_pdf(remplissage=9000)[:-1200]))
