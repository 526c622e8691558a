"""Upkeep: what nobody needs any more is deleted."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from chassis.db import Sessions
from services.identite import persistence
from services.identite.use_cases.ports import Regles

_PAQUET = 1000
_JOUR = timedelta(days=1)


def purger(*, sessions: Sessions, regles: Regles, maintenant: datetime) -> Mapping[str, int]:
    """Delete accounts never confirmed, ended sessions, and old links, failures and names.

    Works in small transactions, so that no lock is held for long and two copies of the process
    may do it at once.

    Returns: how many rows of each kind were deleted.
    """
    avant = {
        "compte": maintenant - regles.durees.attente_activation,
        "lien": maintenant - regles.durees.memoire_liens,
        "session": maintenant,
        "frein": maintenant - regles.durees.oubli_echecs,
        "courriel_recent": maintenant - _JOUR,
        "nom_reserve": maintenant,
    }
    return {quoi: _purger(sessions, quoi, date) for quoi, date in avant.items()}


def _purger(sessions: Sessions, quoi: str, avant: datetime) -> int:
    total = 0
    while True:
        with sessions.begin() as session:
            nombre = persistence.purger(session, quoi=quoi, avant=avant)
        total += nombre
        if nombre < _PAQUET:
            return total
