"""A migrated identite with active accounts, for the rows about log-in and sessions."""

from __future__ import annotations

import base64
import secrets
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from bench import terrain
from chassis import migrations
from chassis.db import make_engine, make_sessions
from deploy.components.postgresql import PostgreSQL
from services.identite import serve, use_cases
from services.identite.adapters.domaine import domaine_ascii
from services.identite.api.compte import IdentiteServicer
from services.identite.config import Config
from services.identite.domain import Saisie

MOT_DE_PASSE = "girafe-lente-et-boussole"


@dataclass(frozen=True, kw_only=True)
class Banc:
    """The service as its own composition root makes it, and the people who may log in."""

    config: Config
    servicer: IdentiteServicer
    regles: use_cases.Regles
    courriels: tuple[str, ...]

    def ouvrir(self, courriel: str, appareil: str = "") -> use_cases.Connexion:
        """Log somebody in, as the RPC does."""
        return use_cases.ouvrir_session(
            sessions=self.servicer._sessions,  # noqa: SLF001 - what the RPC uses
            hacheur=self.servicer.hacheur,
            domaine_ascii=domaine_ascii,
            regles=self.regles,
            identifiant=courriel,
            mot_de_passe=MOT_DE_PASSE,
            adresse_ip="203.0.113.7",
            appareil="Mozilla/5.0",
            agent=False,
            maintenant=datetime.now(UTC),
            jeton_appareil=appareil,
        )


@contextmanager
def banc(personnes: int) -> Iterator[Banc]:
    """Start a PostgreSQL whose commits reach the disk, migrate it, open the accounts."""
    with tempfile.TemporaryDirectory(prefix="espace-banc-") as name:
        base = PostgreSQL(
            Path(name) / "postgresql",
            terrain.ports(1),
            owners=("identite",),
            log=Path(name) / "postgresql.log",
        )
        try:
            base.start()
            base.wait_ready()
            url = base.url("identite")
            migrations.upgrade(package="services.identite", url=url)
            cle = secrets.token_bytes(32)
            yield from _peuple(url, cle, personnes)
        finally:
            base.stop()


def _peuple(url: str, cle: bytes, personnes: int) -> Iterator[Banc]:

    texte = base64.b64encode(cle).decode()
    config = Config(database_url=url, cle_scelle=texte, poivre=texte)
    engine = make_engine(url, name="banc-identite", pool_size=config.connexions_bd)
    servicer = serve.servicer(config, engine)
    regles = use_cases.Regles.de(config)
    courriels = tuple(f"personne{rang}@exemple.test" for rang in range(personnes))
    for courriel in courriels:
        use_cases.inscrire_confirme(
            sessions=make_sessions(engine),
            hacheur=servicer.hacheur,
            assez_fort=lambda _mot, _mots: True,
            domaine_ascii=domaine_ascii,
            regles=regles,
            saisie=Saisie(courriel=courriel, mot_de_passe=MOT_DE_PASSE, prenom="Zoé", nom="Banc"),
            role=None,
            maintenant=datetime.now(UTC),
        )
    try:
        yield Banc(config=config, servicer=servicer, regles=regles, courriels=courriels)
    finally:
        engine.dispose()
