"""Upkeep of the bridges: old hashes and reports go after a set delay (IDN-08)."""

from datetime import datetime, timedelta

from chassis.db import Sessions
from services.identite.persistence import ponts
from services.identite.use_cases.ponts.lecture import AUCUN

_PAQUET = 1000


def oublier_heritage(*, sessions: Sessions, retention: timedelta, maintenant: datetime) -> int:
    """Forget old hashes that nobody used, and what old imports said of people.

    Their owners lose nothing: « mot de passe oublié » gives them a new password.

    Returns: hashes forgotten.
    """
    avant, total = maintenant - retention, 0
    with sessions.begin() as session:
        ponts.purger_collisions(session, avant=avant)
    while True:
        with sessions.begin() as session:
            nombre = ponts.purger_heritage(session, avant=avant, aucun=AUCUN, nombre=_PAQUET)
        total += nombre
        if nombre < _PAQUET:
            return total
