"""Root of the gRPC process: settings, then servicer, then server."""

import sys

from sqlalchemy import text

from chassis import discovery, grpc_server, grpc_tls, telemetry
from chassis.db import make_engine, reader
from chassis.identity import TokenVerifier
from chassis.settings import load
from services.demandes import api
from services.demandes.config import Config


def main() -> int:
    """Serve until told to stop.

    Returns: exit status.
    """
    config = load(Config, prefix="DEMANDES")
    telemetry.setup("demandes-serve", endpoint=config.otlp)
    lecture = reader(make_engine(config.database_url, name="demandes-serve"))
    servicer = api.DemandesServicer(lecture=lecture)

    def healthy() -> bool:
        with lecture.connect() as connection:
            return bool(connection.scalar(text("SELECT true")))

    registration = (
        discovery.Registration(config.consul_url, "demandes", config.listen, config.consul_token)
        if config.consul_url
        else None
    )
    tls = grpc_tls.files(
        config.tls_certificate, config.tls_key, config.tls_authority, config.tls_peers
    )
    return grpc_server.run(
        name="demandes",
        listen=config.listen,
        register=lambda server: api.register(server, servicer),
        service=api.SERVICE,
        access=api.ACCESS,
        errors=api.ERRORS,
        verifier=TokenVerifier(config.token_public_key.encode()),
        healthy=healthy,
        registration=registration,
        tls=tls,
    )


if __name__ == "__main__":
    sys.exit(main())
