"""Composition root of the gRPC process. Run by `python -m services.stockage.serve`."""

import sys
from datetime import UTC, datetime

from sqlalchemy import text

from chassis import discovery, grpc_server, grpc_tls, settings, telemetry
from chassis.db import make_engine, make_sessions, reader
from chassis.identity import TokenVerifier
from services.stockage import api
from services.stockage.adapters.analyseur import AnalyseurIsole
from services.stockage.adapters.antivirus import AntivirusClamd
from services.stockage.adapters.coffre import CoffreDossier
from services.stockage.api import pieces
from services.stockage.config import Config
from services.stockage.domain import Bornes
from services.stockage.use_cases.depot import Controle


def main() -> int:
    """Serve until told to stop. Returns: exit status."""
    config = settings.load(Config, prefix="STOCKAGE")
    telemetry.setup("stockage", endpoint=config.otlp)
    engine = make_engine(config.database_url, name="stockage-serve")
    coffre = CoffreDossier(config.dossier, cle_maitresse=config.cle_maitresse)

    def healthy() -> bool:
        with engine.connect() as connexion:
            return connexion.execute(text("SELECT 1")).scalar() == 1 and coffre.accessible()

    with AnalyseurIsole(
        bornes=Bornes(pixels=config.pixels_max, pages=config.pages_max),
        memoire_octets=config.analyse_memoire_octets,
        cpu_s=config.analyse_cpu_s,
        delai_s=config.analyse_delai_s,
        simultanes=config.analyses_simultanees,
    ) as analyseur:
        analyseur.demarrer()
        servicer = pieces.Servicer(
            sessions=make_sessions(engine),
            lecteur=reader(engine),
            controle=Controle(
                coffre=coffre, antivirus=AntivirusClamd(config.clamd), analyseur=analyseur
            ),
            taille_max=config.taille_max_octets,
            quota=config.quota_octets,
            horloge=lambda: datetime.now(UTC),
        )
        return grpc_server.run(
            name="stockage",
            listen=config.listen,
            register=lambda server: pieces.register(server, servicer),
            service=api.SERVICE,
            others=api.OTHERS,
            access=api.ACCESS,
            errors=api.ERRORS,
            verifier=TokenVerifier(config.token_public_key.encode()),
            healthy=healthy,
            registration=_registration(config),
            tls=_tls(config),
        )


def _registration(config: Config) -> discovery.Registration | None:
    if not config.consul_url:
        return None
    return discovery.Registration(config.consul_url, "stockage", config.listen, config.consul_token)


def _tls(config: Config) -> grpc_tls.Files | None:
    return grpc_tls.files(
        config.tls_certificate, config.tls_key, config.tls_authority, config.tls_peers
    )


if __name__ == "__main__":
    sys.exit(main())
