"""Codes of six digits that prove a phone number, and how many may be sent (R20 to R26)."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final
from uuid import UUID

CHIFFRES: Final = 6
ESSAIS: Final = 5
DUREE: Final = timedelta(minutes=10)
# With 5 tries a code, one guess in ten thousand after this many: the number is frozen (R22).
ECHECS_MAX: Final = 100

_SEPARATEURS: Final = re.compile(r"[\s-]")


class CanalCode(StrEnum):
    """How a code travels; what it proves follows from it."""

    TEXTO = "texto"
    APPEL = "appel"


class CodeInvalide(Exception):
    """The code is not the newest one of this number, for this session.

    Attributes:
        restants: tries left for that code.
    """

    def __init__(self, restants: int) -> None:
        super().__init__("wrong code")
        self.restants = restants
        self.fields = {"code": "CODE_INVALIDE"}

    def details(self) -> dict[str, str]:
        """Tries left."""
        return {"essais_restants": str(self.restants)}


class CodeExpire(Exception):
    """There is no code to try: too late, too many tries, replaced, used, or never sent."""


class TropDeCodes(Exception):
    """One more code would pass a limit of R26; nothing tells which one but the wait."""

    def __init__(self, attente_s: int) -> None:
        super().__init__(f"wait {attente_s} s")
        self.attente_s = attente_s

    def details(self) -> dict[str, str]:
        """Whole seconds to wait."""
        return {"reessayer_dans_s": str(self.attente_s)}


class BudgetEpuise(Exception):
    """The city's codes of the day are spent."""

    def details(self) -> dict[str, str]:
        """Whole seconds to wait."""
        return {"reessayer_dans_s": "3600"}


@dataclass(frozen=True, kw_only=True)
class Code:
    """A code that was sent, as it is kept: its keyed digest, never its digits."""

    id: UUID
    coordonnee_id: UUID
    session_id: str
    canal: CanalCode
    empreinte: bytes
    cree_le: datetime
    expire_le: datetime
    essais: int = 0
    utilise_le: datetime | None = None
    remplace_le: datetime | None = None

    def essayable(self, *, session_id: str, maintenant: datetime) -> bool:
        """Tell whether this code may be tried now, by this session."""
        fini = self.utilise_le is not None or self.remplace_le is not None
        return (
            not fini
            and self.session_id == session_id
            and self.essais < ESSAIS
            and self.cree_le <= maintenant < self.expire_le
        )

    @property
    def restants(self) -> int:
        """Tries left once the current one is counted."""
        return max(0, ESSAIS - self.essais - 1)


@dataclass(frozen=True, kw_only=True)
class Limite:
    """At most `nombre` codes in `duree`."""

    nombre: int
    duree: timedelta

    def attente(self, envois: Sequence[datetime], maintenant: datetime) -> timedelta:
        """Give how long to wait for one more code.

        Args:
            envois: times of the codes sent, any order.
            maintenant: aware UTC time.
        Returns: zero when one more may leave now.
        """
        recents = sorted(envoi for envoi in envois if envoi > maintenant - self.duree)
        if len(recents) < self.nombre:
            return timedelta(0)
        return recents[len(recents) - self.nombre] + self.duree - maintenant


def exiger_limites(
    limites: Sequence[Limite], envois: Sequence[datetime], maintenant: datetime
) -> None:
    """Refuse one more code past any limit.

    Raises: TropDeCodes with the longest wait.
    """
    attente = max((limite.attente(envois, maintenant) for limite in limites), default=timedelta(0))
    if attente > timedelta(0):
        raise TropDeCodes(int(attente.total_seconds()) + 1)


def lire_code(saisie: str) -> str:
    """Give the six digits of what was typed, "" for what is no code.

    Full-width and other digits are refused: a phone's keyboard types ASCII.
    """
    propre = _SEPARATEURS.sub("", saisie)
    return propre if len(propre) == CHIFFRES and propre.isascii() and propre.isdigit() else ""
