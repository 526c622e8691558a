"""What staff gets of a document: a page with a watermark, a PDF without anything active."""

from __future__ import annotations

import io
from typing import Any

import pikepdf
import pytest
from PIL import Image, ImageChops

from services.stockage import domain
from services.stockage.adapters.depouillement import depouiller
from services.stockage.adapters.filigrane import filigraner
from tests.kit import stockage as kit

pytestmark = pytest.mark.unit

LIGNES = ("Zoé Côté", "3f2a1c4e", "2026-11-22 17:05 EST validation_carte", "7d9a1c4e")


def _ecart(image: Image.Image, lignes: tuple[str, ...]) -> Image.Image:
    return ImageChops.difference(image.convert("RGB"), filigraner(image, lignes).convert("RGB"))


@pytest.mark.exigence("STO-05")
@pytest.mark.parametrize("fond", ["white", "black", "gray"])
@pytest.mark.parametrize("taille", [(1600, 1200), (1200, 1600), (400, 300)])
def test_a_watermark_is_all_over_a_page_of_any_colour(fond, taille):
    ecart = _ecart(Image.new("RGB", taille, fond), LIGNES).convert("L")
    largeur, hauteur = taille
    for x in (0, largeur // 2):
        for y in (0, hauteur // 2):
            quart = ecart.crop((x, y, x + largeur // 2, y + hauteur // 2))
            marques = sum(quart.histogram()[25:])
            # Enough to be read, not enough to hide the page.
            assert 0.01 < marques / (quart.width * quart.height) < 0.35


def test_a_watermark_says_who_and_when():
    page = Image.new("L", (1000, 800), 255)
    autre = (*LIGNES[:2], "2026-11-22 17:06 EST validation_carte", *LIGNES[3:])
    assert _ecart(page, LIGNES).tobytes() != _ecart(page, autre).tobytes()
    # The font has no accents: the letters themselves stay.
    assert _ecart(page, LIGNES).tobytes() == _ecart(page, ("Zoe Cote", *LIGNES[1:])).tobytes()
    assert filigraner(page, ()) is page


def _depouille(octets: bytes) -> bytes:
    sortie = bytearray()
    depouiller(io.BytesIO(octets), sortie.extend)
    return bytes(sortie)


def un_pdf_arme() -> bytes:
    """A PDF with everything that can act, each where readers look for it."""
    sortie = io.BytesIO()
    with pikepdf.open(io.BytesIO(kit.un_pdf(pages=2))) as pdf:
        script = pikepdf.Dictionary(S=pikepdf.Name.JavaScript, JS="app.alert(1)")
        pdf.Root.OpenAction = script
        pdf.Root.AA = pikepdf.Dictionary(WC=pdf.make_indirect(script))
        pdf.Root.AcroForm = pikepdf.Dictionary(
            Fields=pikepdf.Array(), XFA=pdf.make_stream(b"<xdp:xdp/>")
        )
        pdf.attachments["charge.exe"] = b"MZ charge utile"
        noms = pdf.Root.Names
        noms.JavaScript = pikepdf.Dictionary(Names=pikepdf.Array(["a", script]))
        page = pdf.pages[0].obj
        page.AA = pikepdf.Dictionary(O=script)
        page.Annots = pikepdf.Array(
            [
                pdf.make_indirect(_lien(S=pikepdf.Name.Launch, F="calc.exe")),
                _lien(S=pikepdf.Name.URI, URI="https://example.invalid/"),
                _lien(S=pikepdf.Name.GoTo, D=pikepdf.Array([pdf.pages[1].obj, pikepdf.Name.Fit])),
                pikepdf.Dictionary(
                    Subtype=pikepdf.Name.FileAttachment, Rect=[0, 0, 9, 9], Contents="charge"
                ),
            ]
        )
        pdf.save(sortie)
    return sortie.getvalue()


def _lien(**acte: Any) -> pikepdf.Dictionary:
    return pikepdf.Dictionary(
        Type=pikepdf.Name.Annot,
        Subtype=pikepdf.Name.Link,
        Rect=[0, 0, 100, 20],
        A=pikepdf.Dictionary(**acte),
    )


@pytest.mark.exigence("STO-04")
def test_nothing_active_is_left_in_a_pdf():
    arme = un_pdf_arme()
    assert b"JavaScript" in arme
    sain = _depouille(arme)
    with pikepdf.open(io.BytesIO(sain)) as pdf:
        assert len(pdf.pages) == 2
        assert not pdf.attachments
        tout = b"\n".join(
            objet.unparse(resolved=False)
            + (objet.read_bytes() if isinstance(objet, pikepdf.Stream) else b"")
            for objet in pdf.objects
        )
        liens = list(pdf.pages[0].obj.Annots)
        assert [str(lien.A.S) for lien in liens if "/A" in lien] == ["/GoTo"]
    for interdit in (
        b"JavaScript", b"app.alert", b"OpenAction", b"/AA", b"XFA", b"xdp", b"Launch", b"calc.exe",
        b"EmbeddedFile", b"charge", b"example.invalid", b"/JS",
    ):  # fmt: skip
        assert interdit not in tout, interdit


def test_the_text_of_a_pdf_stays():
    with pikepdf.open(io.BytesIO(_depouille(kit.un_pdf(pages=3)))) as pdf:
        assert len(pdf.pages) == 3
        contenu = pdf.pages[2].Contents.read_bytes()
    assert "Preuve de résidence 3".encode("cp1252") in contenu


def test_what_is_no_pdf_is_refused():
    with pytest.raises(domain.PieceTronquee):
        _depouille(b"%PDF-1.7\nrien")
