"""A document, its space, and what its owner says of it (STO-01)."""

import datetime as dt
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from services.stockage.domain.faits import DonneesInvalides, QuotaDepasse

LIBELLE_MAX = 200
PIECES_PAR_RETENUE = 20


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


class QualiteLecteur(StrEnum):
    """In what name a document is read."""

    PROPRIETAIRE = "PROPRIETAIRE"
    # A guardian or a mandatary: the token says for whom they act.
    REPRESENTANT = "REPRESENTANT"
    PERSONNEL = "PERSONNEL"


class TypeMedia(StrEnum):
    """The accepted types (R40). The value is the media type that is served."""

    PDF = "application/pdf"
    JPEG = "image/jpeg"
    PNG = "image/png"


class Zone(StrEnum):
    """The two areas of the store: what nobody has judged yet, and what may be served."""

    QUARANTAINE = "quarantaine"
    OBJETS = "objets"


# The dossiers that a role may look into are those of one service only.
SERVICE_DU_ROLE: Mapping[str, str] = {"agent_cartes": "cartes"}
SERVICES_RETENEURS = frozenset({"cartes", "demandes"})


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
    """One version of a document. `objet` is None once its bytes were refused and deleted.

    The bytes of a version never change: a new file is a new version, with an id of its own, so that
    a reference stays on what it took (STO-02).

    Attributes:
        document_id: id of the first version; None when this is the first one.
        version: rank, from 1.
        courante: the one that the space shows; a version in control does not take its place yet.
        versions: how many of the document the owner keeps.
        utilisations: references that services hold to any version.
        remplacement: state of a newer version that is not current, None when there is none.
        gelee: under a legal hold.
    """

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
    document_id: UUID | None = None
    version: int = 1
    courante: bool = True
    versions: int = 1
    utilisations: int = 0
    remplacement: StatutPiece | None = None
    gelee: bool = False

    @property
    def document(self) -> UUID:
        """Id that all the versions share."""
        return self.document_id or self.piece_id

    @property
    def zone(self) -> Zone:
        """Area that holds the bytes: a document leaves quarantine when it is found sound."""
        return Zone.QUARANTAINE if self.statut is StatutPiece.EN_ANALYSE else Zone.OBJETS


@dataclass(frozen=True, kw_only=True)
class Utilisation:
    """A live reference of a service, with the version that it took."""

    piece: Piece
    service: str
    dossier_id: str
    retenue_le: dt.datetime
    decidee_le: dt.datetime | None


@dataclass(frozen=True, kw_only=True)
class Consultation:
    """One reading of a document."""

    piece_id: UUID
    document_id: UUID
    version: int
    compte_id: UUID
    lecteur_id: UUID
    qualite: QualiteLecteur
    motif: str
    dossier_id: str
    variante: str
    lue_le: dt.datetime


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
