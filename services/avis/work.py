"""Root of the worker: settings, then adapters, then handlers, timers and the relay."""

from chassis import green  # noqa: F401, I001  (first: it patches what every later import binds)

import base64
import sys
from datetime import UTC, datetime, timedelta

from sqlalchemy import text

from chassis import consumer, telemetry
from chassis.db import make_engine, make_sessions
from chassis.relay import Relay
from chassis.settings import load
from services.avis import events
from services.avis.adapters.boite_telephonique import voie
from services.avis.adapters.courriel import CourrielSmtp
from services.avis.adapters.journal import JournalMaildev, JournalNul
from services.avis.adapters.presence import PresencePostgres
from services.avis.adapters.redaction import RedactionJinja
from services.avis.adapters.redaction_messages import RedactionMessages
from services.avis.config import Config
from services.avis.use_cases import Expedition
from services.avis.use_cases.messages import Messagerie


def main() -> int:
    """Work until told to stop.

    Returns: exit status.
    """
    config = load(Config, prefix="AVIS")
    telemetry.setup("avis-work", endpoint=config.otlp)
    engine = make_engine(config.database_url, name="avis-work", pool_size=12)
    presence = PresencePostgres(make_engine(config.database_url, name="avis-presence", pool_size=1))
    courriel = CourrielSmtp(
        url=config.smtp_url, expediteur=config.expediteur, delai_s=config.smtp_delai_s
    )
    expedition = Expedition(
        sessions=make_sessions(engine),
        cle=base64.b64decode(config.cle),
        redaction=RedactionJinja(url_publique=config.url_publique, ville=config.ville_nom),
        courriel=courriel,
        journal=JournalMaildev(url=config.journal_smtp) if config.journal_smtp else JournalNul(),
        presence=presence,
        domaine=courriel.domaine,
        repos=timedelta(seconds=config.doute_s),
        essais_max=config.essais_max,
    )
    service = events.build(
        expedition=expedition,
        messagerie=Messagerie(
            sessions=expedition.sessions,
            redaction=RedactionMessages(ville=config.ville_nom),
            texto=voie(config.texto, courriel),
            voix=voie(config.voix, courriel),
        ),
        cle_identite=base64.b64decode(config.cle_scelle_identite),
        cle_cartes=base64.b64decode(config.cle_scelle_cartes),
        horloge=lambda: datetime.now(UTC),
        retention_donnees=timedelta(hours=config.retention_donnees_h),
        retention_envois=timedelta(days=config.retention_envois_j),
    )

    def healthy() -> bool:
        with engine.connect() as connection:
            return bool(connection.scalar(text("SELECT true")))

    return consumer.run(
        service,
        amqp_url=config.amqp_url,
        relay=Relay(config.database_url, config.amqp_url, "avis").run,
        healthy=healthy,
        name="avis",
    )


if __name__ == "__main__":
    sys.exit(main())
