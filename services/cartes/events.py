"""The nameko side of the service: it consumes no event yet; reminders, and what is forgotten."""

import logging
from collections.abc import Callable
from datetime import datetime

from chassis.consumer import timer
from chassis.db import Sessions
from chassis.topology import Subscription
from services.cartes.domain import Regles
from services.cartes.use_cases import oublier_essais, purger_liens_expires, rappeler_echeances

_log = logging.getLogger(__name__)

SUBSCRIPTIONS: tuple[Subscription, ...] = ()
"""Queues that the deploy job declares; a test compares it with the class below."""

PURGE_S = 3600.0
# Often enough that a reminder leaves in the morning of its day, wherever the process was.
RAPPEL_S = 900.0


def build(*, sessions: Sessions, regles: Regles, horloge: Callable[[], datetime]) -> type:
    """Return the nameko class of this service."""

    class CartesEvents:
        name = "cartes"

        @timer(PURGE_S)
        def purger_liens(self) -> None:
            purges = purger_liens_expires(sessions=sessions, regles=regles, maintenant=horloge())
            if purges:
                _log.info("wallet links purged", extra={"fields": {"links": purges}})

        @timer(PURGE_S)
        def oublier_les_essais(self) -> None:
            oublier_essais(sessions=sessions, regles=regles, maintenant=horloge())

        @timer(RAPPEL_S)
        def rappeler(self) -> None:
            rappels = rappeler_echeances(sessions=sessions, regles=regles, maintenant=horloge())
            if rappels:
                _log.info("reminders sent", extra={"fields": {"reminders": rappels}})

    return CartesEvents
