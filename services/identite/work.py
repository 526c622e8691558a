"""The nameko process of identite, with its relay: `python -m services.identite.work`."""

from chassis import green  # noqa: F401  (patches the process before anything else is imported)

# isort: split
import sys
from datetime import UTC, datetime

from sqlalchemy import Engine, text

from chassis import consumer, db, settings, telemetry
from chassis.relay import Relay
from services.identite import events
from services.identite.adapters.deconnexion import PostierHttp
from services.identite.adapters.domaine import domaine_ascii
from services.identite.adapters.signature import Trousseau, nouvelle_cle
from services.identite.adapters.telephone import telephones
from services.identite.config import Config
from services.identite.use_cases import Regles
from services.identite.use_cases import oidc as actes_oidc
from services.identite.use_cases.coordonnees_regles import ReglesCoordonnees
from services.identite.use_cases.ponts.reglages import retention_empreintes


def _travail_oidc(config: Config, engine: Engine) -> actes_oidc.TravailOidc:
    sessions, regles = db.make_sessions(engine), actes_oidc.ReglesOidc.de(config)

    def remplir() -> None:
        actes_oidc.tenir_cles(
            sessions=sessions, fabrique=nouvelle_cle, regles=regles, maintenant=datetime.now(UTC)
        )

    return actes_oidc.TravailOidc(
        sessions=sessions,
        regles=regles,
        signataire=Trousseau(
            lecture=db.reader(engine),
            cle=regles.cle,
            remplir=remplir,
            horloge=lambda: datetime.now(UTC),
        ),
        fabrique=nouvelle_cle,
        postier=PostierHttp(),
    )


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
        travail_oidc=_travail_oidc(config, engine),
        intervalle_oidc_s=config.oidc_intervalle_s,
        regles_coordonnees=ReglesCoordonnees.de(
            config, regles=regles, numeros=telephones(config), domaine_ascii=domaine_ascii
        ),
        retention_empreintes=retention_empreintes(config),
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
