"""The nameko process of identite, with its relay: `python -m services.identite.work`."""

from chassis import green  # noqa: F401  (patches the process before anything else is imported)

# isort: split
import sys
from datetime import UTC, datetime

from sqlalchemy import text

from chassis import consumer, db, settings, telemetry
from chassis.relay import Relay
from services.identite import events
from services.identite.config import Config
from services.identite.use_cases import Regles


def main() -> int:
    """Work until told to stop. Returns: exit status; 2 when the settings cannot be used."""
    try:
        config = settings.load(Config, prefix="IDENTITE")
        regles = Regles.de(config)
    except (settings.SettingsError, ValueError) as error:
        sys.stderr.write(f"identite: {error}\n")
        return 2
    telemetry.setup("identite-work", endpoint=config.otlp)
    engine = db.make_engine(config.database_url, name="identite-work", pool_size=2)
    lecture = db.reader(engine)

    def healthy() -> bool:
        with lecture.connect() as connection:
            return bool(connection.execute(text("SELECT 1")).scalar_one())

    service_class = events.build(
        sessions=db.make_sessions(engine),
        regles=regles,
        horloge=lambda: datetime.now(UTC),
        intervalle_s=config.entretien_intervalle_s,
    )
    return consumer.run(
        service_class,
        amqp_url=config.amqp_url,
        relay=Relay(config.database_url, config.amqp_url, "identite").run,
        healthy=healthy,
        name="identite",
    )


if __name__ == "__main__":
    sys.exit(main())
