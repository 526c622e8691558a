"""Upkeep: what nobody needs any more is deleted."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from chassis.db import Sessions
from services.identite import persistence
from services.identite.persistence import acces
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
    nombres = {quoi: _purger(sessions, quoi, date) for quoi, date in avant.items()}
    return nombres | _purger_acces(sessions, regles, maintenant)


def _purger_acces(sessions: Sessions, regles: Regles, maintenant: datetime) -> dict[str, int]:
    avant = {
        "defi": maintenant,
        "cadence": maintenant - _JOUR,
        # Time does not forgive a series of failures; a year without a try ends its story.
        "serie_echecs": maintenant - regles.acces.appareil,
        "appareil": maintenant - regles.acces.appareil,
        "annulation": maintenant - regles.durees.memoire_liens,
    }
    nombres = {}
    for quoi, date in avant.items():
        with sessions.begin() as session:
            nombres[quoi] = acces.purger_acces(session, quoi=quoi, avant=date)
    return nombres


def _purger(sessions: Sessions, quoi: str, avant: datetime) -> int:
    total = 0
    while True:
        with sessions.begin() as session:
            nombre = persistence.purger(session, quoi=quoi, avant=avant)
        total += nombre
        if nombre < _PAQUET:
            return total
