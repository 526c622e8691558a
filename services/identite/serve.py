"""The gRPC process of identite: `python -m services.identite.serve`."""

import sys
from collections.abc import Callable
from datetime import datetime

import grpc
from sqlalchemy import Engine, text

from chassis import db, discovery, grpc_server, grpc_tls, settings, telemetry
from chassis.identity import TokenVerifier
from services.identite import api
from services.identite.adapters.domaine import domaine_ascii
from services.identite.adapters.mot_de_passe import Argon2, Force
from services.identite.api import compte
from services.identite.config import Config
from services.identite.use_cases import Regles


def servicer(config: Config, engine: Engine) -> compte.IdentiteServicer:
    """Put the service together around an engine."""
    return compte.IdentiteServicer(
        sessions=db.make_sessions(engine),
        lecture=db.reader(engine),
        hacheur=Argon2(
            memoire_kio=config.argon2_memoire_kio,
            passes=config.argon2_passes,
            voies=config.argon2_voies,
            simultanes=config.hachages_simultanes,
            en_attente=config.hachages_en_attente,
            attente_s=config.hachage_attente_s,
        ),
        assez_fort=Force(minimum=config.mot_de_passe_force, mots_connus=config.mots_connus),
        domaine_ascii=domaine_ascii,
        regles=Regles.de(config),
    )


def register(
    server: grpc.Server,
    principal: compte.IdentiteServicer,
    *,
    config: Config,
    engine: Engine,
    horloge: Callable[[], datetime] = compte.utc_now,
) -> None:
    """Add every face of the service to a server; `api.FACES` lists them."""
    del config, engine, horloge
    compte.register(server, principal)


def _tls(config: Config) -> grpc_tls.Files | None:
    return grpc_tls.files(
        config.tls_certificate, config.tls_key, config.tls_authority, config.tls_peers
    )


def main() -> int:
    """Serve until told to stop. Returns: exit status; 2 when the settings cannot be used."""
    try:
        config = settings.load(Config, prefix="IDENTITE")
        telemetry.setup("identite", endpoint=config.otlp)
        engine = db.make_engine(
            config.database_url, name="identite-serve", pool_size=config.connexions_bd
        )
        service = servicer(config, engine)
        verifier = TokenVerifier(config.token_public_key.encode())
    except (settings.SettingsError, ValueError) as error:
        sys.stderr.write(f"identite: {error}\n")
        return 2
    lecture = db.reader(engine)

    def healthy() -> bool:
        with lecture.connect() as connection:
            return bool(connection.execute(text("SELECT 1")).scalar_one())

    registration = None
    if config.consul_url:
        registration = discovery.Registration(
            config.consul_url, "identite", config.listen, config.consul_token
        )
    return grpc_server.run(
        name="identite",
        listen=config.listen,
        register=lambda server: register(server, service, config=config, engine=engine),
        service=api.SERVICE,
        others=api.OTHERS,
        access=api.ACCESS,
        errors=api.ERRORS,
        verifier=verifier,
        healthy=healthy,
        registration=registration,
        workers=config.fils,
        tls=_tls(config),
    )


if __name__ == "__main__":
    sys.exit(main())
