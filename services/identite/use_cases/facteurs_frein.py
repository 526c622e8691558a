"""Slowing down those who guess factors: the waits of passwords (R11), on keys of their own."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy.orm import Session

from services.identite import persistence
from services.identite.domain import reseau
from services.identite.use_cases.ports import Regles

# Pages of « clé d’accès » that one address may open in a row, ten minutes apart at most.
_DEPARTS_ADRESSE: Final = 200
_OUBLI_DEPARTS: Final = timedelta(minutes=10)


@dataclass(frozen=True, kw_only=True)
class Freins:
    """What one try is counted against."""

    compte: bytes | None
    adresse: bytes | None

    def seuils(self, regles: Regles) -> list[tuple[bytes, int]]:
        """List keys with their thresholds, always in the same order so that none dead-locks."""
        cles = [(self.compte, regles.echecs_compte), (self.adresse, regles.echecs_adresse)]
        return sorted((cle, seuil) for cle, seuil in cles if cle is not None)


def freins(regles: Regles, compte_id: UUID | None, adresse_ip: str) -> Freins:
    """Give what a try is counted against."""
    client = reseau(adresse_ip)
    return Freins(
        compte=None if compte_id is None else regles.digest("frein", {"facteur": compte_id}),
        adresse=regles.digest("frein", {"facteur_adresse": client}) if client else None,
    )


def compter(session: Session, freins: Freins, *, regles: Regles, maintenant: datetime) -> None:
    """Count a try. Raises: TropDeTentatives, and then nothing is counted."""
    for cle, seuil in freins.seuils(regles):
        frein = persistence.frein_verrouille(session, cle)
        compte = frein.compter(seuil=seuil, oubli=regles.durees.oubli_echecs, maintenant=maintenant)
        persistence.ecrire_frein(session, cle, compte)


def rendre(session: Session, freins: Freins, *, regles: Regles, oubli: bool = True) -> None:
    """Take a counted try back; after a success the account starts from nothing."""
    for cle, _ in freins.seuils(regles):
        if oubli and cle == freins.compte:
            persistence.oublier_frein(session, cle)
        else:
            frein = persistence.frein_verrouille(session, cle)
            persistence.ecrire_frein(session, cle, frein.rendre())


def compter_depart(
    session: Session, adresse_ip: str, *, regles: Regles, maintenant: datetime
) -> None:
    """Count a log-in that a stranger starts without a password. Raises: TropDeTentatives."""
    client = reseau(adresse_ip)
    if client:
        cle = regles.digest("frein", {"depart_cle": client})
        frein = persistence.frein_verrouille(session, cle)
        compte = frein.compter(seuil=_DEPARTS_ADRESSE, oubli=_OUBLI_DEPARTS, maintenant=maintenant)
        persistence.ecrire_frein(session, cle, compte)
