"""Who may act for whom, for which acts, until when (IDN-21; guardianship stands on it, IDN-18)."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Final
from uuid import UUID

from services.identite.domain.erreurs import DonneesInvalides

# An invitation that nobody answers ends by itself.
DUREE_INVITATION: Final = timedelta(days=14)
DUREE_MANDAT_MAX: Final = timedelta(days=5 * 366)
DUREE_GUICHET: Final = timedelta(hours=1)
MANDATS_MAX: Final = 10
MOTIF_MIN: Final = 10
MOTIF_MAX: Final = 500


class GenreMandat(StrEnum):
    """Why somebody may act for somebody else."""

    MANDAT = "mandat"
    TUTELLE = "tutelle"
    GUICHET = "guichet"


class Portee(StrEnum):
    """One part of what may be done for somebody else; never the account or its security."""

    CARTES = "cartes"
    DEMANDES = "demandes"
    DOCUMENTS = "documents"
    AVIS = "avis"


class StatutMandat(StrEnum):
    """State of a delegation at a moment."""

    PROPOSE = "PROPOSE"
    ACTIF = "ACTIF"
    TERMINE = "TERMINE"
    EXPIRE = "EXPIRE"


class MandatIntrouvable(Exception):
    """The caller has no such delegation."""


class MandatTermine(Exception):
    """The delegation or its invitation has ended, or was answered."""


@dataclass(frozen=True, kw_only=True)
class Mandat:
    """One person may do some acts for another until a time."""

    id: UUID
    mandant_id: UUID
    # None until the guest accepts.
    mandataire_id: UUID | None
    # Folded e-mail of the guest; empty for what needs no invitation.
    invite_plie: str
    genre: GenreMandat
    motif: str
    portee: frozenset[str]
    propose_le: datetime
    accepte_le: datetime | None
    fin_le: datetime
    termine_le: datetime | None = None

    def statut(self, maintenant: datetime) -> StatutMandat:
        """Give the state now; only an active one opens anything."""
        if self.termine_le is not None:
            return StatutMandat.TERMINE
        if self.accepte_le is None:
            ouverte = maintenant < min(self.propose_le + DUREE_INVITATION, self.fin_le)
            return StatutMandat.PROPOSE if ouverte else StatutMandat.EXPIRE
        return StatutMandat.ACTIF if maintenant < self.fin_le else StatutMandat.EXPIRE

    def exiger(self, statut: StatutMandat, maintenant: datetime) -> None:
        """Check the state.

        Raises: MandatTermine.
        """
        if self.statut(maintenant) is not statut:
            raise MandatTermine


@dataclass(frozen=True, kw_only=True)
class Procuration:
    """For whom a session acts, as each page says it."""

    compte_id: UUID
    prenom: str
    nom: str
    genre: GenreMandat
    portee: frozenset[str]
    fin_le: datetime

    def roles(self, siens: frozenset[str]) -> frozenset[str]:
        """Give the roles of a session that acts for somebody.

        A citizen keeps none of their own: each service opens to `mandat_<portee>` what it means.
        Staff at the desk keep theirs; whose file they are in is in the token and in every event.
        """
        if self.genre is GenreMandat.GUICHET:
            return siens
        return frozenset(f"mandat_{portee}" for portee in self.portee)


def juger_portee(portee: Iterable[str]) -> frozenset[str]:
    """Check the acts of a delegation.

    Raises: DonneesInvalides.
    """
    voulue = frozenset(portee)
    if not voulue:
        raise DonneesInvalides({"portee": "CHAMP_REQUIS"})
    if voulue - {p.value for p in Portee}:
        raise DonneesInvalides({"portee": "PORTEE_INCONNUE"})
    return voulue


def juger_fin(texte: str, *, aujourd_hui: date) -> date:
    """Read the last day of a delegation.

    Raises: DonneesInvalides.
    """
    try:
        jour = date.fromisoformat(texte)
    except ValueError as error:
        raise DonneesInvalides({"fin": "DATE_INVALIDE"}) from error
    if not aujourd_hui <= jour <= aujourd_hui + DUREE_MANDAT_MAX:
        raise DonneesInvalides({"fin": "FIN_HORS_LIMITES"})
    return jour


def juger_motif(texte: str) -> str:
    """Read a reason that staff give.

    Raises: DonneesInvalides.
    """
    motif = " ".join(texte.split())
    if not MOTIF_MIN <= len(motif) <= MOTIF_MAX:
        raise DonneesInvalides({"motif": "MOTIF_LONGUEUR"})
    return motif
