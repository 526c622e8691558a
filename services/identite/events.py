"""What the worker of identite does by itself: it listens to nobody, and cleans up."""

import logging
from collections.abc import Callable
from datetime import datetime, timedelta

from chassis.consumer import timer
from chassis.db import Sessions
from chassis.topology import Subscription
from services.identite import use_cases
from services.identite.use_cases.coordonnees_recuperation import envoyer_recuperations
from services.identite.use_cases.coordonnees_regles import ReglesCoordonnees
from services.identite.use_cases.oidc import TravailOidc
from services.identite.use_cases.ponts.entretien import oublier_heritage

_log = logging.getLogger(__name__)

_RECUPERATIONS_S = 20.0

# identite learns nothing from other services.
SUBSCRIPTIONS: tuple[Subscription, ...] = ()


def build(  # noqa: C901  (one nested function per timer)
    *,
    sessions: Sessions,
    regles: use_cases.Regles,
    horloge: Callable[[], datetime],
    intervalle_s: float,
    travail_oidc: TravailOidc | None = None,
    intervalle_oidc_s: float = 1.0,
    regles_coordonnees: ReglesCoordonnees | None = None,
    retention_empreintes: timedelta | None = None,
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

        @timer(intervalle_s)
        def heritage(self) -> None:
            """Forget old password hashes that nobody used in time (IDN-08)."""
            if retention_empreintes is not None:
                oublies = oublier_heritage(
                    sessions=sessions, retention=retention_empreintes, maintenant=horloge()
                )
                if oublies:
                    _log.info("old hashes", extra={"fields": {"oublies": oublies}})

        @timer(intervalle_s)
        def entretien_oidc(self) -> None:
            """Turn the signing keys in time, and delete ended tokens."""
            if travail_oidc is not None:
                travail_oidc.entretien(horloge())

        @timer(intervalle_oidc_s)
        def fins_de_session(self) -> None:
            """Tell applications that a session ended (back-channel log-out)."""
            if travail_oidc is not None:
                travail_oidc.fins(horloge())

        @timer(_RECUPERATIONS_S)
        def recuperations(self) -> None:
            """Mail the links of recoveries whose delay has passed (IDN-14)."""
            if regles_coordonnees is not None:
                parties = envoyer_recuperations(
                    sessions=sessions, regles=regles_coordonnees, maintenant=horloge()
                )
                if parties:
                    _log.info("recoveries", extra={"fields": {"parties": parties}})

    return IdentiteEvents
