"""Root of the worker: settings, then handlers and the relay."""

from chassis import green  # noqa: F401, I001  (first: it patches what every later import binds)

import sys

from sqlalchemy import text

from chassis import consumer, telemetry
from chassis.db import make_engine
from chassis.relay import Relay
from chassis.settings import load
from services.demandes import events
from services.demandes.config import Config


def main() -> int:
    """Work until told to stop.

    Returns: exit status.
    """
    config = load(Config, prefix="DEMANDES")
    telemetry.setup("demandes-work", endpoint=config.otlp)
    engine = make_engine(config.database_url, name="demandes-work")

    def healthy() -> bool:
        with engine.connect() as connection:
            return bool(connection.scalar(text("SELECT true")))

    return consumer.run(
        events.build(),
        amqp_url=config.amqp_url,
        relay=Relay(config.database_url, config.amqp_url, "demandes").run,
        healthy=healthy,
        name="demandes",
    )


if __name__ == "__main__":
    sys.exit(main())
