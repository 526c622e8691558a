"""Root of the gRPC process: settings, then servicer, then server."""

import sys

from sqlalchemy import text

from chassis import discovery, grpc_server, grpc_tls, telemetry
from chassis.db import make_engine, reader
from chassis.identity import TokenVerifier
from chassis.settings import load
from services.avis import api
from services.avis.adapters.redaction import RedactionJinja
from services.avis.config import Config


def main() -> int:
    """Serve until told to stop.

    Returns: exit status.
    """
    config = load(Config, prefix="AVIS")
    telemetry.setup("avis-serve", endpoint=config.otlp)
    lecture = reader(make_engine(config.database_url, name="avis-serve"))
    redaction = RedactionJinja(url_publique=config.url_publique, ville=config.ville_nom)
    servicer = api.AvisServicer(lecture=lecture, redaction=redaction)

    def healthy() -> bool:
        with lecture.connect() as connection:
            return bool(connection.scalar(text("SELECT true")))

    registration = (
        discovery.Registration(config.consul_url, "avis", config.listen, config.consul_token)
        if config.consul_url
        else None
    )
    tls = grpc_tls.files(
        config.tls_certificate, config.tls_key, config.tls_authority, config.tls_peers
    )
    return grpc_server.run(
        name="avis",
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
