"""Slowing down those who guess passwords (R10, R11, R13)."""

import math
from dataclasses import dataclass
from datetime import datetime, timedelta
from ipaddress import IPv6Address, ip_address
from typing import Final

from services.identite.domain.erreurs import TropDeTentatives

ATTENTES_MIN: Final = (1, 2, 4, 8, 15)


@dataclass(frozen=True, kw_only=True)
class Frein:
    """Failures counted against one key: a typed identifier or a client address."""

    echecs: int = 0
    dernier_le: datetime | None = None
    bloque_jusqua: datetime | None = None

    def compter(self, *, seuil: int, oubli: timedelta, maintenant: datetime) -> "Frein":
        """Count one try as failed before it is judged.

        Counting first is what bounds parallel guesses: the hundredth of a burst finds the count of
        the ninety-nine before it. A success gives it back.

        Args:
            seuil: failures without a wait; the one that reaches it starts the first wait.
            oubli: after this time without a try the count starts from nothing.
            maintenant: aware UTC time.
        Returns: the new state.
        Raises: TropDeTentatives while a wait runs; such a try is neither judged nor counted.
        """
        if self.bloque_jusqua is not None and maintenant < self.bloque_jusqua:
            attente = (self.bloque_jusqua - maintenant).total_seconds()
            raise TropDeTentatives(math.ceil(attente))
        oublie = self.dernier_le is None or maintenant - self.dernier_le >= oubli
        echecs = 1 if oublie else self.echecs + 1
        return Frein(
            echecs=echecs,
            dernier_le=maintenant,
            bloque_jusqua=self._fin_attente(echecs, seuil, maintenant),
        )

    @staticmethod
    def _fin_attente(echecs: int, seuil: int, maintenant: datetime) -> datetime | None:
        if echecs < seuil:
            return None
        rang = min(echecs - seuil, len(ATTENTES_MIN) - 1)
        return maintenant + timedelta(minutes=ATTENTES_MIN[rang])

    def rendre(self) -> "Frein":
        """Take back one counted try, and the wait that it may have started."""
        return Frein(echecs=max(0, self.echecs - 1), dernier_le=self.dernier_le, bloque_jusqua=None)


def reseau(adresse: str) -> str:
    """Give what stands for a client in the count: its IPv4 address, or its IPv6 /64 (R13).

    Returns: "" for what is no address: nothing is counted against it.
    """
    try:
        lue = ip_address(adresse)
    except ValueError:
        return ""
    if isinstance(lue, IPv6Address):
        if lue.ipv4_mapped is not None:
            return str(lue.ipv4_mapped)
        return f"{IPv6Address(int(lue) >> 64 << 64)}/64"
    return str(lue)
