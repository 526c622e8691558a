"""What a name, a size and a file must be to enter the space.

Bytes are judged here by their edges (signature, polyglots); the parsers that open them are
adapters, because they run apart from this process (R44).
"""

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass

from services.stockage.domain.faits import (
    DonneesInvalides,
    NomInvalide,
    PieceTronquee,
    PieceTropGrande,
    PieceVide,
    TypeNonAccepte,
)
from services.stockage.domain.piece import TypeMedia

NOM_MAX = 200
# What a browser or a reader looks at to guess a type, on both ends of a file.
BORD_OCTETS = 1024


EXTENSIONS: Mapping[TypeMedia, tuple[str, ...]] = {
    TypeMedia.PDF: (".pdf",),
    TypeMedia.JPEG: (".jpg", ".jpeg"),
    TypeMedia.PNG: (".png",),
}
SIGNATURES: Mapping[TypeMedia, bytes] = {
    TypeMedia.PDF: b"%PDF-",
    TypeMedia.JPEG: b"\xff\xd8\xff",
    TypeMedia.PNG: b"\x89PNG\r\n\x1a\n",
}
# What makes a sniffing browser believe that it holds a page (WHATWG MIME sniffing, section 7.1).
BALISES = re.compile(
    rb"<(?:!doctype\s+html|html|head|body|script|iframe|style|title|svg|table|img)[\s>]|<\?php",
    re.IGNORECASE,
)


def nettoyer_nom(nom: str) -> str:
    """Make a label of a file name (R45): no path, no invisible or bidi character, 200 at most.

    Raises: NomInvalide when nothing is left.
    """
    feuille = re.split(r"[/\\]", unicodedata.normalize("NFC", nom[: 16 * NOM_MAX]))[-1]
    # Cc controls, Cf format and bidi overrides, Cs Co Cn what has no glyph, Zl Zp line breaks.
    visible = "".join(
        c for c in feuille if unicodedata.category(c)[0] != "C" and c not in "\u2028\u2029"
    )
    propre = re.sub(r"\s+", " ", visible).strip(" .")
    if not propre:
        raise NomInvalide
    if len(propre) <= NOM_MAX:
        return propre
    racine, point, extension = propre.rpartition(".")
    if not point or len(extension) > 8:  # noqa: PLR2004 - longer is a sentence, not an extension
        return propre[:NOM_MAX].rstrip()
    return f"{racine[: NOM_MAX - len(extension) - 1].rstrip()}.{extension}"


def nommer_selon_type(nom: str, type_media: TypeMedia) -> str:
    """Give a label the extension of the real type, so that a reader opens what was checked."""
    justes = EXTENSIONS[type_media]
    if nom.lower().endswith(justes):
        return nom
    racine, point, extension = nom.rpartition(".")
    connues = {e for toutes in EXTENSIONS.values() for e in toutes}
    if not point or not racine or f".{extension.lower()}" not in connues:
        racine = nom
    return f"{racine[: NOM_MAX - len(justes[0])]}{justes[0]}"


@dataclass
class Mesure:
    """Counts the bytes of an upload while they arrive.

    Invariant: `recus` never passes `maximum`, so that no more than that is ever written.
    """

    maximum: int
    annoncee: int = 0
    recus: int = 0

    def __post_init__(self) -> None:
        """Refuse by the announced size, before a byte is read. Raises: PieceTropGrande."""
        if self.annoncee < 0:
            raise DonneesInvalides({"taille_octets": "TAILLE_INVALIDE"})
        self._exiger(self.annoncee)

    def ajouter(self, octets: int) -> None:
        """Count a block. Raises: PieceTropGrande when it passes the limit or what was announced."""
        self._exiger(self.recus + octets)
        if self.annoncee and self.recus + octets > self.annoncee:
            raise PieceTropGrande(limite="ANNONCE", maximum=str(self.annoncee))
        self.recus += octets

    def terminer(self) -> int:
        """Close the count. Raises: PieceVide, PieceTronquee. Returns: the bytes received."""
        if self.recus == 0:
            raise PieceVide
        if self.recus < self.annoncee:
            raise PieceTronquee(cause="OCTETS_MANQUANTS")
        return self.recus

    def _exiger(self, octets: int) -> None:
        if octets > self.maximum:
            raise PieceTropGrande(limite="OCTETS", maximum=str(self.maximum))


def reconnaitre(debut: bytes, fin: bytes) -> TypeMedia:
    """Tell the real type by the two edges of a file (R41), and refuse what could pass for two.

    An image is re-encoded afterwards, which ends any polyglot; a PDF is kept as it came, so its
    edges must leave nothing to guess: the signature at byte 0, no markup where browsers sniff,
    nothing after its end marker.

    Args:
        debut: the first 1,024 bytes, or all of a shorter file.
        fin: the last 1,024 bytes, likewise.
    Raises: TypeNonAccepte, PieceTronquee (a PDF without its end).
    """
    type_media = next((t for t, s in SIGNATURES.items() if debut.startswith(s)), None)
    if type_media is None:
        raise TypeNonAccepte
    if type_media is not TypeMedia.PDF:
        return type_media
    if BALISES.search(debut):
        raise TypeNonAccepte(cause="POLYGLOTTE")
    _, marque, reste = fin.rpartition(b"%%EOF")
    if not marque:
        raise PieceTronquee(cause="FIN_ABSENTE")
    if reste.strip(b"\r\n\t \x00"):
        raise TypeNonAccepte(cause="POLYGLOTTE")
    return type_media
