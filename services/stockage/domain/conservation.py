"""How long things are kept: end of validity, retention of what a case used, legal holds."""

import datetime as dt
import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID
from zoneinfo import ZoneInfo

from services.stockage.domain.faits import DonneesInvalides
from services.stockage.domain.piece import SERVICES_RETENEURS, GenrePiece, Utilisation

CONSERVATION_DEFAUT_JOURS = 30
MOTIF_MIN = 5
MOTIF_MAX = 500


class EtatValidite(StrEnum):
    """Where a document stands between its filing and the end of its validity."""

    SANS_FIN = "SANS_FIN"
    VALIDE = "VALIDE"
    BIENTOT_EXPIREE = "BIENTOT_EXPIREE"
    EXPIREE = "EXPIREE"


@dataclass(frozen=True, kw_only=True)
class Validite:
    """The city's calendar, and how many days before the end a document is said to end soon."""

    zone: ZoneInfo
    rappel_jours: int

    def jour(self, maintenant: dt.datetime) -> dt.date:
        """Give today's date in the city."""
        return maintenant.astimezone(self.zone).date()

    def bientot(self, jour: dt.date) -> dt.date:
        """Give the last end of validity that is soon, seen from a day."""
        return jour + dt.timedelta(days=self.rappel_jours)

    def etat(self, fin: dt.date | None, *, jour: dt.date) -> EtatValidite:
        """Judge an end of validity; a document is valid on its last day."""
        if fin is None:
            return EtatValidite.SANS_FIN
        if fin < jour:
            return EtatValidite.EXPIREE
        return EtatValidite.BIENTOT_EXPIREE if fin <= self.bientot(jour) else EtatValidite.VALIDE


@dataclass(frozen=True, kw_only=True)
class Conservation:
    """How long the copy that a case used is kept after the decision (IDN-22).

    `jours` maps a service ("cartes") or a service and a kind ("cartes.IDENTITE") to days; the
    narrower entry wins.
    """

    jours: Mapping[str, int]

    @property
    def minimum(self) -> dt.timedelta:
        """The shortest delay: nothing decided later can be due."""
        return dt.timedelta(days=min((*self.jours.values(), CONSERVATION_DEFAUT_JOURS)))

    def delai(self, service: str, genre: GenrePiece) -> dt.timedelta:
        """Give the delay of a kind of document in a service."""
        large = self.jours.get(service, CONSERVATION_DEFAUT_JOURS)
        return dt.timedelta(days=self.jours.get(f"{service}.{genre}", large))

    def fin(self, utilisation: Utilisation) -> dt.datetime | None:
        """Tell when a reference ends, None while its case is not decided."""
        if utilisation.decidee_le is None:
            return None
        delai = self.delai(utilisation.service, utilisation.piece.fiche.genre)
        return utilisation.decidee_le + delai


def lire_conservation(reglage: Mapping[str, str]) -> Conservation:
    """Read the schedule. Raises: ValueError, with the entry that cannot be read."""
    jours: dict[str, int] = {}
    for nom, valeur in reglage.items():
        service, point, genre = nom.partition(".")
        connu = service in SERVICES_RETENEURS and (not point or genre in GenrePiece.__members__)
        if not connu or not re.fullmatch(r"\d{1,5}", valeur):
            raise ValueError(f"STOCKAGE_CONSERVATION_JOURS: {nom}={valeur}")
        jours[nom] = int(valeur)
    return Conservation(jours=jours)


@dataclass(frozen=True, kw_only=True)
class Gel:
    """A legal hold: on one document with its versions, or on a whole space (`document_id` None)."""

    gel_id: UUID
    compte_id: UUID
    document_id: UUID | None
    motif: str
    sans_avis: bool
    pose_par: UUID
    pose_le: dt.datetime
    leve_par: UUID | None = None
    leve_le: dt.datetime | None = None
    motif_levee: str = ""


def lire_motif(motif: str) -> str:
    """Read the reason of a hold or of its end. Raises: DonneesInvalides."""
    propre = " ".join(motif.split())
    if not MOTIF_MIN <= len(propre) <= MOTIF_MAX:
        raise DonneesInvalides({"motif": "MOTIF_GEL_REQUIS"})
    return propre
