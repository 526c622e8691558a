"""Composition root of the gRPC process. Run by `python -m services.stockage.serve`."""

import sys
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import grpc
from sqlalchemy import text

from chassis import discovery, grpc_server, grpc_tls, settings, telemetry
from chassis.db import make_engine, make_sessions, reader
from chassis.identity import TokenVerifier
from services.stockage import api
from services.stockage.adapters.analyseur import AnalyseurIsole
from services.stockage.adapters.antivirus import AntivirusClamd
from services.stockage.adapters.coffre import composer
from services.stockage.api import conservation, pieces, televersement
from services.stockage.config import Config
from services.stockage.domain import Bornes, Validite, lire_conservation
from services.stockage.use_cases.cles import Garde
from services.stockage.use_cases.depot import Controle
from services.stockage.use_cases.ports import CleMaitresseInvalide
from services.stockage.use_cases.segments import Regles


def main() -> int:
    """Serve until told to stop. Returns: exit status."""
    config = settings.load(Config, prefix="STOCKAGE")
    telemetry.setup("stockage", endpoint=config.otlp)
    engine = make_engine(config.database_url, name="stockage-serve")
    try:
        coffre = composer(config)
        garde = Garde(sessions=make_sessions(engine), coffre=coffre, horloge=_maintenant)
        garde.ouvre()
    except (CleMaitresseInvalide, settings.SettingsError) as erreur:
        sys.stderr.write(f"{erreur}\n")
        return 2

    def healthy() -> bool:
        with engine.connect() as connexion:
            vivante = connexion.execute(text("SELECT 1")).scalar() == 1
        return vivante and garde.ouvre() and coffre.accessible()

    with AnalyseurIsole(
        bornes=Bornes(pixels=config.pixels_max, pages=config.pages_max),
        memoire_octets=config.analyse_memoire_octets,
        cpu_s=config.analyse_cpu_s,
        delai_s=config.analyse_delai_s,
        simultanes=config.analyses_simultanees,
    ) as analyseur:
        analyseur.demarrer()
        controle = Controle(
            coffre=coffre,
            antivirus=AntivirusClamd(config.clamd, silence_s=config.clamd_silence_s),
            analyseur=analyseur,
        )
        envois = televersement.Servicer(
            sessions=make_sessions(engine),
            controle=controle,
            limites=Regles(
                taille_max=config.taille_max_octets,
                quota=config.quota_octets,
                duree=timedelta(seconds=config.televersement_s),
                segment_octets=config.segment_octets,
            ),
            horloge=lambda: datetime.now(UTC),
        )
        servicer = pieces.Servicer(
            sessions=make_sessions(engine),
            lecteur=reader(engine),
            controle=controle,
            taille_max=config.taille_max_octets,
            quota=config.quota_octets,
            horloge=lambda: datetime.now(UTC),
            validite=Validite(
                zone=ZoneInfo(config.ville_fuseau), rappel_jours=config.rappel_validite_jours
            ),
            conservation=lire_conservation(config.conservation_jours),
        )
        gels = conservation.Servicer(
            sessions=make_sessions(engine),
            lecteur=reader(engine),
            horloge=lambda: datetime.now(UTC),
        )

        def register(server: grpc.Server) -> None:
            pieces.register(server, servicer)
            televersement.register(server, envois)
            conservation.register(server, gels)

        return grpc_server.run(
            name="stockage",
            listen=config.listen,
            register=register,
            service=api.SERVICE,
            others=api.OTHERS,
            access=api.ACCESS,
            errors=api.ERRORS,
            verifier=TokenVerifier(config.token_public_key.encode()),
            healthy=healthy,
            registration=_registration(config),
            tls=_tls(config),
        )


def _maintenant() -> datetime:
    return datetime.now(UTC)


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
