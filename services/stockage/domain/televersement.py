"""Rules of an upload that can be taken up again. Standard library only."""

import datetime as dt
from dataclasses import dataclass
from uuid import UUID

from services.stockage.domain.faits import (
    REFUS,
    FaitStockage,
    NomInvalide,
    PieceIntrouvable,
    PieceTropGrande,
    PieceVide,
    QuotaDepasse,
)
from services.stockage.domain.piece import Fiche, ObjetChiffre

# An account cannot hold rows by opening uploads of one byte without end.
OUVERTS_MAX = 50
ALGORITHMES = frozenset({"md5", "sha1", "sha256"})


class TeleversementIntrouvable(FaitStockage):
    """Unknown, expired, given up or somebody else's: all look the same."""

    raison = "TELEVERSEMENT_INTROUVABLE"


class PositionDifferente(FaitStockage):
    """The segment does not begin where the upload is; `position` says where that is."""

    raison = "POSITION_DIFFERENTE"


class SommeDifferente(FaitStockage):
    """The bytes of a segment are not those that its checksum was taken of; none was kept."""

    raison = "SOMME_DIFFERENTE"


class TeleversementIncomplet(FaitStockage):
    """Bytes are still missing; `position` says how many there are."""

    raison = "TELEVERSEMENT_INCOMPLET"


class TropDeTeleversements(FaitStockage):
    """The account has as many open uploads as it may."""

    raison = "TROP_DE_TELEVERSEMENTS"


@dataclass(frozen=True, kw_only=True)
class Segment:
    """Bytes of an upload from `debut` on, an object of the quarantine."""

    debut: int
    objet: ObjetChiffre


@dataclass(frozen=True, kw_only=True)
class Televersement:
    """An upload; it is open until it has a `piece_id` or a `raison`.

    `fiche` is None for a new version that keeps the fields of the document `remplace`.
    """

    televersement_id: UUID
    compte_id: UUID
    nom_fichier: str
    fiche: Fiche | None
    taille_octets: int
    expire_le: dt.datetime
    recus_octets: int = 0
    remplace: UUID | None = None
    piece_id: UUID | None = None
    raison: str = ""

    @property
    def entier(self) -> bool:
        """Every byte is there."""
        return self.recus_octets == self.taille_octets

    @property
    def fini(self) -> bool:
        """It became a document or was refused."""
        return self.piece_id is not None or bool(self.raison)

    def exiger_position(self, position: int) -> None:
        """Refuse bytes that do not follow those that are there. Raises: PositionDifferente."""
        if self.fini or position != self.recus_octets:
            raise PositionDifferente(position=str(self.recus_octets))

    def exiger_suite(self, position: int, octets: int) -> None:
        """Refuse bytes past the announced end. Raises: PieceTropGrande."""
        if position + octets > self.taille_octets:
            raise PieceTropGrande(limite="ANNONCE", maximum=str(self.taille_octets))


def exiger_taille(octets: int, *, maximum: int) -> None:
    """Refuse by the announced size, before a byte is read. Raises: PieceTropGrande, PieceVide."""
    if octets > maximum:
        raise PieceTropGrande(limite="OCTETS", maximum=str(maximum))
    if octets <= 0:
        raise PieceVide


_FINALS: tuple[type[FaitStockage], ...] = (*REFUS, PieceVide, QuotaDepasse, NomInvalide)
_REFUS = {fait.raison: fait for fait in _FINALS}


def exiger_acceptable(raison: str) -> None:
    """Raise again what refused the file of an upload; "" is no refusal."""
    if raison:
        raise _REFUS.get(raison, PieceIntrouvable)
