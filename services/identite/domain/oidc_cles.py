"""Signing keys and their turns, and the tries of a logout token (IDN-19)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from services.identite.domain.oidc import DureesOidc


@dataclass(frozen=True, kw_only=True)
class CleSignature:
    """A signing key, without its private half."""

    kid: str
    algorithme: str
    # Public JSON Web Key.
    publique: Mapping[str, object]
    # It signs from then on, until a younger key does.
    active_le: datetime


def cle_courante(
    cles: Sequence[CleSignature], algorithme: str, maintenant: datetime
) -> CleSignature | None:
    """Give the key that signs now: the youngest whose time has come."""
    pretes = [c for c in cles if c.algorithme == algorithme and c.active_le <= maintenant]
    return max(pretes, key=lambda cle: cle.active_le, default=None)


def cle_a_creer(
    cles: Sequence[CleSignature], algorithme: str, *, durees: DureesOidc, maintenant: datetime
) -> datetime | None:
    """Tell when a key that must be made now will sign; None when none is needed.

    A successor is published `cle_avance` before it signs, so that clients which keep the key set
    for a while know it by then. Only the very first key signs at once.
    """
    siennes = [cle for cle in cles if cle.algorithme == algorithme]
    if not siennes:
        return maintenant
    derniere = max(cle.active_le for cle in siennes)
    suivante = derniere + durees.cle
    if suivante - durees.cle_avance > maintenant:
        return None
    return max(suivante, maintenant + durees.cle_avance)


def cles_a_retirer(
    cles: Sequence[CleSignature], *, durees: DureesOidc, maintenant: datetime
) -> list[str]:
    """Name the keys whose successor has signed for longer than any token lives."""
    perimees = []
    for cle in cles:
        suivantes = [
            autre.active_le
            for autre in cles
            if autre.algorithme == cle.algorithme and autre.active_le > cle.active_le
        ]
        if suivantes and min(suivantes) + durees.cle_retrait <= maintenant:
            perimees.append(cle.kid)
    return perimees


# Back-channel log-out

ESSAIS_DECONNEXION: Final = (
    timedelta(seconds=5),
    timedelta(seconds=30),
    timedelta(minutes=2),
    timedelta(minutes=10),
    timedelta(hours=1),
)


def prochain_essai(essais: int, maintenant: datetime) -> datetime | None:
    """Tell when to post a logout token again after `essais` failures; None to give up."""
    if essais > len(ESSAIS_DECONNEXION):
        return None
    return maintenant + ESSAIS_DECONNEXION[essais - 1]
