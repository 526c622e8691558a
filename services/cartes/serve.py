"""Composition root of the gRPC process: settings, adapters, servicer, server. Nothing else."""

import base64
import logging
import sys
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

import grpc
from sqlalchemy import Engine, text

from chassis import discovery, grpc_server, settings, telemetry
from chassis.db import make_engine, make_sessions, reader
from chassis.grpc_tls import Files, files
from chassis.identity import TokenVerifier
from services.cartes import api
from services.cartes.adapters import certificat_apple, images_passe, stockage
from services.cartes.adapters.cles_code import ClesDeCode
from services.cartes.adapters.portefeuille_apple import PortefeuilleApple, PortefeuilleAppleAbsent
from services.cartes.adapters.portefeuille_google import (
    PortefeuilleGoogle,
    PortefeuilleGoogleAbsent,
    charger_compte,
)
from services.cartes.api import cartes, code, parcours
from services.cartes.config import Config
from services.cartes.domain import lire_regles
from services.cartes.use_cases import Apple, Google

NAME = "cartes"
OCTETS_CLE = 32

_log = logging.getLogger(__name__)


def horloge() -> datetime:
    """Return the time, the one clock of this process."""
    return datetime.now(UTC)


def main() -> int:
    """Serve until told to stop. Returns: exit status; 2 when the settings cannot be used."""
    try:
        config = settings.load(Config, prefix=NAME.upper())
        telemetry.setup(NAME, endpoint=config.otlp)
        engine = make_engine(config.database_url, name=NAME, pool_size=config.fils)
        principal = composer(config, engine)
        verifier = TokenVerifier(config.token_public_key.encode())
    except (settings.SettingsError, ValueError, LookupError) as error:
        sys.stderr.write(f"{NAME}: {error}\n")
        return 2
    return grpc_server.run(
        name=NAME,
        listen=config.listen,
        register=lambda server: register(server, principal, config=config, engine=engine),
        service=api.SERVICE,
        others=api.OTHERS,
        access=api.ACCESS,
        errors=api.ERRORS,
        verifier=verifier,
        healthy=lambda: _answers(engine),
        registration=_registration(config),
        workers=config.fils,
        tls=_tls(config),
    )


def register(
    server: grpc.Server,
    principal: cartes.Cartes,
    *,
    config: Config,
    engine: Engine,
    horloge: Callable[[], datetime] = horloge,
) -> None:
    """Add every face of the service to a server; `api.FACES` lists them."""
    del config, engine
    cartes.register(server, principal)
    parcours.register(
        server,
        parcours.Parcours(
            sessions=principal.sessions,
            stockage=principal.stockage,
            regles=principal.regles,
            cle_scelle=principal.cle_scelle,
            codes=principal.codes,
            horloge=horloge,
        ),
    )
    code.register(
        server,
        code.Code(
            sessions=principal.sessions,
            lectures=principal.lectures,
            codes=principal.codes,
            regles=principal.regles,
            horloge=horloge,
        ),
    )


def composer(config: Config, engine: Engine) -> cartes.Cartes:
    """Return the servicer, with its adapters.

    Raises: ValueError, LookupError for settings that cannot be used.
    """
    adresses = discovery.addresses(
        "stockage",
        consul_url=config.consul_url,
        static=config.adresses,
        token=config.consul_token,
    )
    return cartes.Cartes(
        sessions=make_sessions(engine),
        lectures=make_sessions(reader(engine)),
        stockage=stockage.ouvrir(
            adresses, tls=_tls(config), jeton=lambda: grpc_server.caller().token
        ),
        apple=_apple(config),
        google=_google(config),
        regles=lire_regles(config),
        cle_scelle=_cle("CARTES_CLE_SCELLE", config.cle_scelle),
        codes=ouvrir_codes(config),
        horloge=horloge,
    )


def ouvrir_codes(config: Config) -> ClesDeCode | None:
    """Return what signs codes; None in a city that has set no key."""
    if not config.code_cle:
        return None
    return ClesDeCode(
        cle=_cle("CARTES_CODE_CLE", config.code_cle),
        emetteur=config.code_emetteur or config.url_publique,
        ville=config.code_ville,
    )


def _apple(config: Config) -> Apple:
    chemins = (config.apple_certificat, config.apple_cle, config.apple_wwdr)
    certificat, cle, wwdr = chemins
    if certificat is None or cle is None or wwdr is None:
        _exiger_tout_ou_rien("CARTES_APPLE_CERTIFICAT, _CLE and _WWDR", chemins)
        return PortefeuilleAppleAbsent()
    images_passe.verifier_contraste(config.couleur_fond, config.couleur_texte)
    charge = certificat_apple.charger(
        certificat=certificat,
        cle=cle,
        wwdr=wwdr,
        type_passe=config.apple_type_passe,
        equipe=config.apple_equipe,
        maintenant=horloge(),
    )
    if charge.bientot_expire(horloge()):
        _log.warning("the pass certificate expires on %s", charge.expire_le.date())
    return PortefeuilleApple(
        charge,
        ville_nom=config.ville_nom,
        couleur_fond=config.couleur_fond,
        couleur_texte=config.couleur_texte,
        url_publique=config.url_publique,
        images=images_passe.dessiner(
            fond=config.couleur_fond,
            texte=config.couleur_texte,
            initiales=config.ville_initiales,
        ),
        mise_a_jour=_mise_a_jour(config),
    )


def _mise_a_jour(config: Config) -> tuple[str, bytes] | None:
    """Return the update service of passes: phones follow it over https only."""
    if not config.apple_url_service.startswith("https://"):
        return None
    return config.apple_url_service, _cle("CARTES_APPLE_CLE_JETON", config.apple_cle_jeton)


def _google(config: Config) -> Google:
    if config.google_compte is None or not config.google_emetteur:
        _exiger_tout_ou_rien(
            "CARTES_GOOGLE_COMPTE and _EMETTEUR",
            (config.google_compte, config.google_emetteur or None),
        )
        return PortefeuilleGoogleAbsent()
    return PortefeuilleGoogle(
        charger_compte(config.google_compte),
        emetteur=config.google_emetteur,
        ville_nom=config.ville_nom,
        couleur_fond=config.couleur_fond,
        origines=(config.url_publique,),
    )


def _exiger_tout_ou_rien(noms: str, valeurs: Sequence[object]) -> None:
    if any(valeur is not None for valeur in valeurs):
        raise ValueError(f"{noms} go together: give all of them, or none")


def _cle(nom: str, texte: str) -> bytes:
    cle = base64.b64decode(texte, validate=True)
    if len(cle) != OCTETS_CLE:
        raise ValueError(f"{nom}: {OCTETS_CLE} bytes in base64 are wanted")
    return cle


def _tls(config: Config) -> Files | None:
    return files(config.tls_certificate, config.tls_key, config.tls_authority, config.tls_peers)


def _registration(config: Config) -> discovery.Registration | None:
    if not config.consul_url:
        return None
    return discovery.Registration(config.consul_url, NAME, config.listen, config.consul_token)


def _answers(engine: Engine) -> bool:
    """Ask the database itself: a process without it is not healthy."""
    with reader(engine).connect() as connection:
        return bool(connection.scalar(text("SELECT 1")))


if __name__ == "__main__":
    sys.exit(main())
