"""What the worker of identite does by itself: it listens to nobody, and cleans up."""

import logging
from collections.abc import Callable
from datetime import datetime

from chassis.consumer import timer
from chassis.db import Sessions
from chassis.topology import Subscription
from services.identite import use_cases

_log = logging.getLogger(__name__)

# identite learns nothing from other services.
SUBSCRIPTIONS: tuple[Subscription, ...] = ()


def build(
    *,
    sessions: Sessions,
    regles: use_cases.Regles,
    horloge: Callable[[], datetime],
    intervalle_s: float,
) -> type:
    """Make the nameko class; a round of upkeep comes each `intervalle_s` seconds."""

    class IdentiteEvents:
        name = "identite"

        @timer(intervalle_s)
        def entretien(self) -> None:
            """Delete what ended; two copies of the process may do it at once."""
            nombres = use_cases.purger(sessions=sessions, regles=regles, maintenant=horloge())
            if any(nombres.values()):
                _log.info("upkeep", extra={"fields": dict(nombres)})

    return IdentiteEvents
