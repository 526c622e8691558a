"""Composition root of the nameko process: relay of the outbox, timers. It never imports grpc."""

from chassis import green  # noqa: F401  (patches before any other import)

# isort: split
import sys
from datetime import UTC, datetime

from chassis import consumer, settings, telemetry
from chassis.db import make_engine, make_sessions
from chassis.relay import Relay
from services.cartes import events
from services.cartes.config import Config
from services.cartes.domain import lire_regles

NAME = "cartes"


def main() -> int:
    """Work until told to stop. Returns: exit status; 2 when the settings cannot be used."""
    try:
        config = settings.load(Config, prefix=NAME.upper())
        regles = lire_regles(config)
    except (settings.SettingsError, ValueError) as error:
        sys.stderr.write(f"{NAME}: {error}\n")
        return 2
    telemetry.setup(f"{NAME}-work", endpoint=config.otlp)
    engine = make_engine(config.database_url, name=f"{NAME}-work", pool_size=2)
    return consumer.run(
        events.build(
            sessions=make_sessions(engine), regles=regles, horloge=lambda: datetime.now(UTC)
        ),
        amqp_url=config.amqp_url,
        relay=Relay(config.database_url, config.amqp_url, NAME).run,
        name=NAME,
    )


if __name__ == "__main__":
    sys.exit(main())
