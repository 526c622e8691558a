"""Rules of a document: what a name, a date, a size and a file must be to enter the space.

Standard library only. Bytes are judged here by their edges (signature, polyglots); the parsers that
open them are adapters, because they run apart from this process (R44).
"""

import datetime as dt
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar
from uuid import UUID

NOM_MAX = 200
LIBELLE_MAX = 200
PIECES_PAR_RETENUE = 20
# What a browser or a reader looks at to guess a type, on both ends of a file.
BORD_OCTETS = 1024


class StatutPiece(StrEnum):
    """Only `SAINE` is served (R46)."""

    EN_ANALYSE = "EN_ANALYSE"
    SAINE = "SAINE"
    INFECTEE = "INFECTEE"
    ERREUR = "ERREUR"


class GenrePiece(StrEnum):
    """Kind of proof, as the citizen files it."""

    IDENTITE = "IDENTITE"
    RESIDENCE = "RESIDENCE"
    AUTRE = "AUTRE"


class TypeMedia(StrEnum):
    """The accepted types (R40). The value is the media type that is served."""

    PDF = "application/pdf"
    JPEG = "image/jpeg"
    PNG = "image/png"


class Zone(StrEnum):
    """The two areas of the store: what nobody has judged yet, and what may be served."""

    QUARANTAINE = "quarantaine"
    OBJETS = "objets"


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
# The dossiers that a role may look into are those of one service only.
SERVICE_DU_ROLE: Mapping[str, str] = {"agent_cartes": "cartes"}
SERVICES_RETENEURS = frozenset({"cartes", "demandes"})


class FaitStockage(Exception):
    """A fact that refuses an act, never raised bare; `details()` holds no personal data."""

    raison: ClassVar[str]

    def __init__(self, **details: str) -> None:
        super().__init__(self.raison)
        self._details = details

    def details(self) -> dict[str, str]:
        """Public attributes of the fact, for `ErrorInfo.metadata`."""
        return dict(self._details)


class PieceTropGrande(FaitStockage):
    """More bytes, pixels or pages than allowed; `limite` says which, `maximum` how many."""

    raison = "PIECE_TROP_GRANDE"


class PieceVide(FaitStockage):
    """A file of no byte."""

    raison = "PIECE_VIDE"


class PieceTronquee(FaitStockage):
    """Fewer bytes than announced, or a file that its own parser cannot read to the end."""

    raison = "PIECE_TRONQUEE"


class PieceInfectee(FaitStockage):
    """The antivirus recognised something."""

    raison = "PIECE_INFECTEE"


class TypeNonAccepte(FaitStockage):
    """Not a plain PDF, JPEG or PNG; `cause` says why when it is one of the three at first sight."""

    raison = "TYPE_NON_ACCEPTE"


class QuotaDepasse(FaitStockage):
    """The space has no room for the document; `quota_octets` and `restants` are in bytes."""

    raison = "QUOTA_DEPASSE"


class NomInvalide(FaitStockage):
    """Nothing is left of the name once paths and invisible characters are taken away."""

    raison = "NOM_INVALIDE"


class PieceIntrouvable(FaitStockage):
    """Unknown, deleted or somebody else's: the three look the same."""

    raison = "PIECE_INTROUVABLE"


class PieceNonSaine(FaitStockage):
    """The document waits for the antivirus or was refused by it."""

    raison = "PIECE_NON_SAINE"


class PieceAlteree(FaitStockage):
    """Stored bytes are missing or fail their authentication tag (R58)."""

    raison = "PIECE_ALTEREE"


class DonneesInvalides(FaitStockage):
    """Fields that cannot be accepted; `fields` maps a field to the code of its fault."""

    raison = "DONNEES_INVALIDES"

    def __init__(self, fields: Mapping[str, str]) -> None:
        super().__init__()
        self.fields = dict(fields)


class ControleIndisponible(Exception):
    """Nobody can judge the document now: clamd or the parsers are away. It waits, without limit."""


class ControleImpossible(ControleIndisponible):
    """The judge answered that it could not judge: tried again `TENTATIVES_MAX` times (R46)."""


# What refuses a file for good, also when it is found out later by the worker.
REFUS: tuple[type[FaitStockage], ...] = (
    PieceTropGrande,
    PieceTronquee,
    PieceInfectee,
    TypeNonAccepte,
    PieceAlteree,
)
TENTATIVES_MAX = 5


@dataclass(frozen=True, kw_only=True)
class CleScellee:
    """A key of 32 bytes wrapped by the master key of that version (R51)."""

    version: int
    enveloppe: bytes


@dataclass(frozen=True, kw_only=True)
class Espace:
    """The document space of one account, with its wrapped key and its counters."""

    compte_id: UUID
    cle: CleScellee
    octets_utilises: int = 0
    nombre_pieces: int = 0

    def exiger_place(self, octets: int, *, quota: int) -> None:
        """Refuse a document that does not fit. Raises: QuotaDepasse."""
        restants = max(quota - self.octets_utilises, 0)
        if octets > restants:
            raise QuotaDepasse(quota_octets=str(quota), restants=str(restants))


@dataclass(frozen=True, kw_only=True)
class ObjetChiffre:
    """A stored object: where it is, its wrapped data key, and what `verifier` compares.

    `sha256` is taken over the bytes on disk, so that integrity is checked without any key.
    """

    nom: str
    enveloppe: bytes
    sha256: bytes
    taille_octets: int


@dataclass(frozen=True, kw_only=True)
class Fiche:
    """What the citizen says about a document (STO-01)."""

    genre: GenrePiece
    libelle: str = ""
    valide_jusqu_au: dt.date | None = None


@dataclass(frozen=True, kw_only=True)
class Piece:
    """One document of a space. `objet` is None once its bytes were refused and deleted."""

    piece_id: UUID
    compte_id: UUID
    nom_fichier: str
    fiche: Fiche
    statut: StatutPiece
    type_media: TypeMedia | None
    taille_octets: int
    pages: int
    deposee_le: dt.datetime
    sha256_recu: bytes
    objet: ObjetChiffre | None
    utilisee: bool = False
    tentatives: int = 0

    @property
    def zone(self) -> Zone:
        """Area that holds the bytes: a document leaves quarantine when it is found sound."""
        return Zone.QUARANTAINE if self.statut is StatutPiece.EN_ANALYSE else Zone.OBJETS


@dataclass(frozen=True, kw_only=True)
class Bornes:
    """The most that a parser opens (R42, R43)."""

    pixels: int
    pages: int


@dataclass(frozen=True, kw_only=True)
class Constat:
    """What a parser found; `reecrit` is False when the received bytes are kept as they came."""

    type_media: TypeMedia
    pages: int
    reecrit: bool


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


def lire_fiche(*, genre: str, libelle: str, valide_jusqu_au: str) -> Fiche:
    """Read the fields of a document.

    Args:
        genre: name of a `GenrePiece`; "" when unset.
        libelle: free text, 200 characters at most once cleaned.
        valide_jusqu_au: ISO date or "".
    Raises: DonneesInvalides with one code per field.
    """
    fautes: dict[str, str] = {}
    if genre not in GenrePiece.__members__:
        fautes["genre"] = "GENRE_REQUIS"
    propre = re.sub(r"\s+", " ", "".join(c for c in libelle if _imprimable(c))).strip()
    if len(propre) > LIBELLE_MAX:
        fautes["libelle"] = "LIBELLE_TROP_LONG"
    date: dt.date | None = None
    if valide_jusqu_au:
        try:
            date = dt.date.fromisoformat(valide_jusqu_au)
        except ValueError:
            fautes["valide_jusqu_au"] = "DATE_INVALIDE"
    if fautes:
        raise DonneesInvalides(fautes)
    return Fiche(genre=GenrePiece[genre], libelle=propre, valide_jusqu_au=date)


def _imprimable(caractere: str) -> bool:
    """Tell whether a character shows something; a line break becomes a space elsewhere."""
    return caractere.isspace() or unicodedata.category(caractere)[0] != "C"


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
