"""The gRPC process of identite: `python -m services.identite.serve`."""

import shutil
import sys
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import grpc
from sqlalchemy import Engine, text

from chassis import db, discovery, grpc_server, grpc_tls, settings, telemetry
from chassis.identity import TokenVerifier
from services.identite import api
from services.identite.adapters.code_securite import CodeSecurite
from services.identite.adapters.connecteurs import systemes
from services.identite.adapters.domaine import domaine_ascii
from services.identite.adapters.empreintes_heritees import avec_heritage
from services.identite.adapters.mot_de_passe import Force, hacheur
from services.identite.adapters.passkeys import Passkeys
from services.identite.adapters.signature import (
    AssertionsClient,
    CertificatsClient,
    Trousseau,
    nouvelle_cle,
)
from services.identite.adapters.telephone import telephones
from services.identite.adapters.totp import Totp
from services.identite.api import acces, compte, coordonnees, facteurs, mandats, oidc, ponts
from services.identite.config import Config
from services.identite.use_cases import Regles
from services.identite.use_cases import oidc as actes_oidc
from services.identite.use_cases.coordonnees_regles import ReglesCoordonnees
from services.identite.use_cases.ponts.reglages import politique


def servicer(config: Config, engine: Engine) -> compte.IdentiteServicer:
    """Put the service together around an engine."""
    return compte.IdentiteServicer(
        sessions=db.make_sessions(engine),
        lecture=db.reader(engine),
        hacheur=avec_heritage(hacheur(config), config, db.reader(engine)),
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
    compte.register(server, principal)
    acces.register(
        server,
        acces.AccesServicer(
            sessions=db.make_sessions(engine),
            lecture=db.reader(engine),
            # Asked at each call: the bound on hashes is one for the whole process.
            hacheur=lambda: principal.hacheur,
            assez_fort=Force(minimum=config.mot_de_passe_force, mots_connus=config.mots_connus),
            rendu=CodeSecurite(
                programme=config.espeak or _espeak(),
                bibliotheques=config.espeak_bibliotheques,
                donnees=config.espeak_donnees,
            ),
            regles=Regles.de(config),
            horloge=horloge,
        ),
    )
    mandats.register(
        server,
        mandats.MandatsServicer(
            sessions=db.make_sessions(engine),
            domaine_ascii=domaine_ascii,
            regles=Regles.de(config),
            horloge=horloge,
        ),
    )
    facteurs.register(
        server,
        facteurs.FacteursServicer(
            sessions=db.make_sessions(engine),
            hacheur=principal.hacheur,
            passkeys=Passkeys(url_publique=config.url_publique, nom=config.nom_affiche),
            totp=Totp(nom=config.nom_affiche),
            regles=Regles.de(config),
            horloge=horloge,
        ),
    )
    oidc.register(server, _oidc(config, engine, horloge))
    coordonnees.register(server, _coordonnees(config, engine, horloge))
    ponts.register(
        server,
        ponts.PontsServicer(
            sessions=db.make_sessions(engine),
            lecture=db.reader(engine),
            systemes=systemes(config),
            politique=politique(config),
            regles=Regles.de(config),
            horloge=horloge,
        ),
    )


def _coordonnees(
    config: Config, engine: Engine, horloge: Callable[[], datetime]
) -> coordonnees.CoordonneesServicer:
    return coordonnees.CoordonneesServicer(
        sessions=db.make_sessions(engine),
        regles=ReglesCoordonnees.de(
            config,
            regles=Regles.de(config),
            numeros=telephones(config),
            domaine_ascii=domaine_ascii,
        ),
        horloge=horloge,
    )


def _oidc(config: Config, engine: Engine, horloge: Callable[[], datetime]) -> oidc.OidcServicer:
    """Put OpenID Connect together; the first key is made when the first token needs one."""
    sessions, lecture = db.make_sessions(engine), db.reader(engine)
    regles = actes_oidc.ReglesOidc.de(config)

    def remplir() -> None:
        actes_oidc.tenir_cles(
            sessions=sessions, fabrique=nouvelle_cle, regles=regles, maintenant=horloge()
        )

    return oidc.OidcServicer(
        guichet=actes_oidc.Guichet(
            sessions=sessions,
            lecture=lecture,
            regles=regles,
            signataire=Trousseau(lecture=lecture, cle=regles.cle, remplir=remplir, horloge=horloge),
            assertions=AssertionsClient(regles.audiences),
            certificats=CertificatsClient(),
        ),
        domaine_ascii=domaine_ascii,
        regles=Regles.de(config),
        horloge=horloge,
    )


def _espeak() -> Path | None:
    found = shutil.which("espeak-ng")
    return Path(found) if found else None


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
