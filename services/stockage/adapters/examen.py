"""The parsers: what Pillow and pdfium say of bytes that nobody trusts, and the clean image of them.

Runs only in the children of `bac_a_sable`, under their limits; it holds no key but the document's.
"""

import importlib
import io
import warnings
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, BinaryIO, Final, cast

import pypdfium2 as pdfium
import pypdfium2.raw as pdfium_c
from PIL import Image, ImageCms, ImageFile, ImageOps, JpegImagePlugin

from services.stockage.domain import (
    Bornes,
    Constat,
    DonneesInvalides,
    PieceTronquee,
    PieceTropGrande,
    TypeMedia,
    TypeNonAccepte,
)

if TYPE_CHECKING:
    # The standard library has this name from Python 3.12 only.
    from typing_extensions import Buffer

# The longest side of a preview: readable on a wide screen, 4 to 6 MB at the worst.
APERCU_COTE = 1600
# Lossless work on a photograph is slow and large; this is what a camera would have chosen.
QUALITE_JPEG = 92
_FORMATS: Final = {TypeMedia.JPEG: ("JPEG", "MPO"), TypeMedia.PNG: ("PNG",)}


def charger_modules() -> None:
    """Import what Pillow would import at the first file: a confined process opens none."""
    Image.preinit()
    for plugin in ("MpoImagePlugin", "TiffImagePlugin"):
        importlib.import_module(f"PIL.{plugin}")


class Sortie(io.RawIOBase):
    """A file for Pillow, that passes on what is written."""

    def __init__(self, ecrire: Callable[[bytes], None]) -> None:
        super().__init__()
        self._ecrire = ecrire

    def writable(self) -> bool:
        """Always."""
        return True

    def write(self, data: "Buffer", /) -> int:
        """Pass the bytes on."""
        octets = bytes(data)
        self._ecrire(octets)
        return len(octets)


def assainir(
    source: BinaryIO, type_media: TypeMedia, ecrire: Callable[[bytes], None], bornes: Bornes
) -> Constat:
    """Parse a document to its end. An image is written again from its pixels alone.

    Raises: PieceTropGrande, PieceTronquee, TypeNonAccepte.
    """
    if type_media is TypeMedia.PDF:
        with _ouvrir_pdf(source, bornes) as document:
            for numero in range(len(document)):
                document.get_page(numero).close()
            return Constat(type_media=type_media, pages=len(document), reecrit=False)
    image = _charger_image(source, type_media, bornes)
    _enregistrer(image, type_media, cast("BinaryIO", Sortie(ecrire)))
    return Constat(type_media=type_media, pages=1, reecrit=True)


def apercu(
    source: BinaryIO,
    type_media: TypeMedia,
    page: int,
    ecrire: Callable[[bytes], None],
    bornes: Bornes,
    marquer: Callable[[Image.Image], Image.Image] = lambda image: image,
) -> None:
    """Render one page as a PNG, with what `marquer` draws on it.

    Raises: DonneesInvalides, PieceTronquee, PieceTropGrande.
    """
    if type_media is TypeMedia.PDF:
        image = _rendre_page(source, page, bornes)
    elif page == 1:
        image = _charger_image(source, type_media, bornes)
    else:
        raise DonneesInvalides({"page": "PAGE_INCONNUE"})
    image.thumbnail((APERCU_COTE, APERCU_COTE))
    if image.mode not in {"L", "RGB", "RGBA"}:
        image = image.convert("RGBA" if image.has_transparency_data else "RGB")
    image = marquer(image)
    image.info = {}
    # Level 1: a preview is looked at once, its making is waited for.
    image.save(cast("BinaryIO", Sortie(ecrire)), format="PNG", compress_level=1)


def _charger_image(source: BinaryIO, type_media: TypeMedia, bornes: Bornes) -> Image.Image:
    """Decode every pixel, upright, in the colours of sRGB."""
    ImageFile.LOAD_TRUNCATED_IMAGES = False
    Image.MAX_IMAGE_PIXELS = bornes.pixels
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            # `open` reads the header alone: a bomb is known by the size that it declares.
            image: Image.Image = Image.open(source, formats=_FORMATS[type_media])
            image.load()
            ImageOps.exif_transpose(image, in_place=True)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as erreur:
        raise PieceTropGrande(limite="PIXELS", maximum=str(bornes.pixels)) from erreur
    except MemoryError:
        raise
    except Exception as erreur:
        # Pillow lets out OSError, SyntaxError, ValueError, struct.error and others from plug-ins.
        raise PieceTronquee(cause="ILLISIBLE") from erreur
    return _vers_srgb(image)


def _vers_srgb(image: Image.Image) -> Image.Image:
    """Apply the colour profile of a photograph, because it is thrown away with the metadata."""
    profil = image.info.get("icc_profile")
    if not profil or image.mode != "RGB":
        return image
    try:
        entree = ImageCms.ImageCmsProfile(io.BytesIO(profil))
        if "sRGB" in ImageCms.getProfileDescription(entree):
            return image
        sortie = ImageCms.createProfile("sRGB")
        ImageCms.profileToProfile(image, entree, sortie, inPlace=True)
    except (ImageCms.PyCMSError, OSError, ValueError):
        # A broken profile is not worth a refusal: every reader ignores it too.
        pass
    return image


def _enregistrer(image: Image.Image, type_media: TypeMedia, sortie: BinaryIO) -> None:
    """Write pixels and nothing else: no EXIF, comment, profile, thumbnail or trailing byte."""
    quantification: Any = getattr(image, "quantization", None)
    echantillonnage = JpegImagePlugin.get_sampling(image) if quantification else -1
    transparence = image.info.get("transparency")
    image.info = {}
    if type_media is TypeMedia.PNG:
        options = {} if transparence is None else {"transparency": transparence}
        image.save(sortie, format="PNG", compress_level=3, **options)
        return
    if image.mode not in {"L", "RGB"}:
        image = image.convert("RGB")
        quantification = None
    # The tables of the camera itself: the second compression then loses next to nothing.
    reglages: dict[str, Any] = (
        {"qtables": quantification, "subsampling": echantillonnage}
        if quantification and echantillonnage >= 0
        else {"quality": QUALITE_JPEG}
    )
    image.save(sortie, format="JPEG", **reglages)


def _ouvrir_pdf(source: BinaryIO, bornes: Bornes) -> pdfium.PdfDocument:
    try:
        document = pdfium.PdfDocument(source)
    except pdfium.PdfiumError as erreur:
        if erreur.err_code == pdfium_c.FPDF_ERR_PASSWORD:
            raise TypeNonAccepte(cause="PROTEGE") from erreur
        raise PieceTronquee(cause="ILLISIBLE") from erreur
    # An empty password opens the document too, but what it hides cannot be checked or printed.
    if pdfium_c.FPDF_GetSecurityHandlerRevision(document) != -1:
        document.close()
        raise TypeNonAccepte(cause="PROTEGE")
    if len(document) > bornes.pages:
        document.close()
        raise PieceTropGrande(limite="PAGES", maximum=str(bornes.pages))
    return document


def _rendre_page(source: BinaryIO, page: int, bornes: Bornes) -> Image.Image:
    with _ouvrir_pdf(source, bornes) as document:
        if not 1 <= page <= len(document):
            raise DonneesInvalides({"page": "PAGE_INCONNUE"})
        feuille = document.get_page(page - 1)
        largeur, hauteur = feuille.get_size()
        # A page is as large as it says, up to 14,400 points: only the ratio is believed.
        echelle = APERCU_COTE / max(largeur, hauteur, 1.0)
        bitmap = feuille.render(scale=echelle, may_draw_forms=False)
        image: Image.Image = bitmap.to_pil().convert("RGB")
        feuille.close()
        return image
