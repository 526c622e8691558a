"""The worker side: stockage hears no event; timers take up what waits and what was left behind.

Judging a document takes seconds of processor and blocking reads, which would stop every greenthread
of this process, so the timers run the operator commands of the same names in a process of its own.
"""

from collections.abc import Callable
from datetime import datetime

from chassis.consumer import timer
from chassis.db import Sessions
from chassis.topology import Subscription
from services.stockage import persistence

SUBSCRIPTIONS: tuple[Subscription, ...] = ()


def build(
    *,
    sessions: Sessions,
    lancer: Callable[[str], None],
    horloge: Callable[[], datetime],
    reprise_s: float,
    balayage_s: float,
) -> type:
    """Make the nameko class.

    Args:
        sessions: of this service's database.
        lancer: runs an operator command of stockage to its end; raises when it fails.
        horloge: aware UTC time.
        reprise_s: seconds between two looks at the documents that wait.
        balayage_s: seconds between two sweeps.
    Returns: the class to run.
    """

    class StockageEvents:
        name = "stockage"

        @timer(reprise_s)
        def reprendre(self) -> None:
            """Take up the documents that wait, if there are any."""
            with sessions() as session:
                attente = persistence.lister_attente(session, maintenant=horloge(), limite=1)
            if attente:
                lancer("reprendre")

        @timer(balayage_s)
        def balayer(self) -> None:
            """Delete the objects that a crash left without a row."""
            lancer("balayer")

    return StockageEvents
