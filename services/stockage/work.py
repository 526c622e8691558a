"""Composition root of the nameko process: timers and the outbox relay.

Run by `python -m services.stockage.work`.
"""

from chassis import green  # noqa: F401, I001  (first: it patches what every later import binds)

import subprocess
import sys
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from sqlalchemy import text

from chassis import consumer, settings, telemetry
from chassis.db import make_engine, make_sessions
from chassis.relay import Relay
from services.stockage import events
from services.stockage.config import Config
from services.stockage.domain import Validite

# Longer than a lot of documents takes; a command that lasts more is stuck.
COMMANDE_MAX_S = 600


def lancer(commande: str) -> None:
    """Run an operator command of stockage in a process of its own, which ends with this one."""
    subprocess.run(  # noqa: S603 - this Python and a module of ours
        [sys.executable, "-m", "services.stockage.commandes", "--avec-parent", commande],
        check=True,
        timeout=COMMANDE_MAX_S,
        stdout=subprocess.DEVNULL,
    )


def main() -> int:
    """Work until told to stop. Returns: exit status."""
    config = settings.load(Config, prefix="STOCKAGE")
    telemetry.setup("stockage-work", endpoint=config.otlp)
    engine = make_engine(config.database_url, name="stockage-work", pool_size=2)

    def healthy() -> bool:
        with engine.connect() as connexion:
            return connexion.execute(text("SELECT 1")).scalar() == 1

    service = events.build(
        sessions=make_sessions(engine),
        lancer=lancer,
        horloge=lambda: datetime.now(UTC),
        validite=Validite(
            zone=ZoneInfo(config.ville_fuseau), rappel_jours=config.rappel_validite_jours
        ),
        reprise_s=config.reprise_s,
        balayage_s=config.balayage_s,
        conservation_s=config.conservation_s,
        rappel_s=config.rappel_s,
        reexamen_s=config.reexamen_s,
    )
    relay = Relay(config.database_url, config.amqp_url, "stockage")
    return consumer.run(
        service, amqp_url=config.amqp_url, relay=relay.run, healthy=healthy, name="stockage"
    )


if __name__ == "__main__":
    sys.exit(main())
