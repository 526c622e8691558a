"""The worker side: decisions start retentions; timers take up what waits and what is over.

Judging a document takes seconds of processor and blocking reads, which would stop every greenthread
of this process, so the timers run the operator commands of the same names in a process of its own.
"""

from collections.abc import Callable
from datetime import datetime

from chassis.consumer import Event, subscribe, timer
from chassis.db import Sessions
from chassis.topology import Subscription
from espacecitoyen.cartes.v1.evenements_pb2 import CarteApprouvee, CarteRenouvelee
from services.stockage import persistence
from services.stockage.domain import Validite
from services.stockage.use_cases.avis import rappeler_validites
from services.stockage.use_cases.conservation import CONSOMMATEUR, dater_decision
from services.stockage.use_cases.televersement import un_envoi_attend

# Declared by the deploy job; a contract test holds them equal to the handlers below.
SUBSCRIPTIONS: tuple[Subscription, ...] = (
    Subscription(CONSOMMATEUR, "cartes", "carte_approuvee.v1"),
    Subscription(CONSOMMATEUR, "cartes", "carte_renouvelee.v1"),
)


def build(  # noqa: C901  (one nested function per event and timer, one branch)
    *,
    sessions: Sessions,
    lancer: Callable[[str], None],
    horloge: Callable[[], datetime],
    validite: Validite,
    reprise_s: float,
    balayage_s: float,
    conservation_s: float,
    rappel_s: float,
    reexamen_s: float = 6 * 3600.0,
) -> type:
    """Make the nameko class.

    Args:
        sessions: of this service's database.
        lancer: runs an operator command of stockage to its end; raises when it fails.
        horloge: aware UTC time.
        validite: calendar of the city and delay of the reminders.
        reprise_s: seconds between two looks at the documents that wait.
        balayage_s: seconds between two sweeps.
        conservation_s: seconds between two looks at the retentions that are over.
        rappel_s: seconds between two looks at the validities that end.
        reexamen_s: seconds between two looks at the antivirus's signatures.
    Returns: the class to run.
    """

    def decidee(event: Event[CarteApprouvee] | Event[CarteRenouvelee]) -> None:
        dater_decision(
            sessions=sessions,
            event_id=event.id,
            service="cartes",
            dossier_id=event.message.demande_id,
            decidee_le=event.time,
        )

    class StockageEvents:
        name = CONSOMMATEUR

        @subscribe("cartes", CarteApprouvee, consumer=CONSOMMATEUR)
        def sur_carte_approuvee(self, event: Event[CarteApprouvee]) -> None:
            """Start the retention of the proofs of a card."""
            decidee(event)

        @subscribe("cartes", CarteRenouvelee, consumer=CONSOMMATEUR)
        def sur_carte_renouvelee(self, event: Event[CarteRenouvelee]) -> None:
            """Start the retention of the proofs of a renewal."""
            decidee(event)

        @timer(reprise_s)
        def reprendre(self) -> None:
            """Take up the documents that wait and the uploads that nobody ended, if any."""
            with sessions() as session:
                attente = persistence.lister_attente(session, maintenant=horloge(), limite=1)
                entier = un_envoi_attend(session, maintenant=horloge())
            if attente or entier:
                lancer("reprendre")

        @timer(balayage_s)
        def balayer(self) -> None:
            """Delete the objects that a crash left without a row."""
            lancer("balayer")

        @timer(conservation_s)
        def conserver(self) -> None:
            """End what was kept long enough."""
            lancer("conservation")

        @timer(reexamen_s)
        def reexaminer(self) -> None:
            """Judge again what newer signatures have not seen; say when they are old."""
            lancer("reexaminer")
            lancer("signatures")

        @timer(rappel_s)
        def rappeler(self) -> None:
            """Publish the reminders that are due: rows and events only."""
            rappeler_validites(sessions=sessions, validite=validite, maintenant=horloge())

    return StockageEvents
