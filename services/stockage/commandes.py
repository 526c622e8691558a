"""Operator commands: `espace stockage <act>`. The worker's timers run two of them.

Exit status: 0 all is well, 1 something was found or is still to do, 2 settings are missing.
"""

import ctypes
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import click

from chassis import settings, telemetry
from chassis.db import Sessions, make_engine, make_sessions
from services.stockage.adapters.analyseur import AnalyseurIsole
from services.stockage.adapters.antivirus import AntivirusClamd
from services.stockage.adapters.coffre import CoffreDossier
from services.stockage.config import Config
from services.stockage.domain import Bornes
from services.stockage.use_cases import depot, entretien

_PR_SET_PDEATHSIG = 1
# A line each so many documents: enough to see it move, not enough to fill a log.
PAS = 100


@dataclass(frozen=True, kw_only=True)
class Atelier:
    """What every command needs."""

    config: Config
    sessions: Sessions
    coffre: CoffreDossier

    @property
    def delai(self) -> timedelta:
        """Age from which an object without a row is nobody's."""
        return timedelta(seconds=self.config.delai_orphelin_s)


@contextmanager
def _atelier() -> Iterator[Atelier]:
    try:
        config = settings.load(Config, prefix="STOCKAGE")
    except settings.SettingsError as erreur:
        click.echo(str(erreur), err=True)
        sys.exit(2)
    telemetry.setup("stockage-commandes", endpoint=config.otlp)
    engine = make_engine(config.database_url, name="stockage-commandes", pool_size=2)
    try:
        yield Atelier(
            config=config,
            sessions=make_sessions(engine),
            coffre=CoffreDossier(config.dossier, cle_maitresse=config.cle_maitresse),
        )
    finally:
        engine.dispose()
        telemetry.shutdown()


@click.group()
@click.option("--avec-parent", is_flag=True, hidden=True)
def stockage(*, avec_parent: bool) -> None:
    """Document space: integrity and upkeep."""
    if avec_parent:
        # The worker that started this command may be killed: nothing of it stays behind.
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


@stockage.command()
def verifier() -> None:
    """Find every document that is missing or altered, and every file that no document names."""
    trouves = 0
    with _atelier() as atelier:
        for ecart in entretien.verifier(
            sessions=atelier.sessions,
            coffre=atelier.coffre,
            maintenant=datetime.now(UTC),
            delai=atelier.delai,
            avancer=_avancer,
        ):
            trouves += 1
            click.echo(f"{ecart.nature} {ecart.zone}/{ecart.objet} {ecart.piece_id or '-'}")
    click.echo(f"differences: {trouves}")
    sys.exit(1 if trouves else 0)


@stockage.command()
def reprendre() -> None:
    """Judge the documents that wait for the antivirus."""
    with _atelier() as atelier, _analyseur(atelier.config) as analyseur:
        bilan = entretien.reprendre_pieces(
            sessions=atelier.sessions,
            controle=depot.Controle(
                coffre=atelier.coffre,
                antivirus=AntivirusClamd(atelier.config.clamd),
                analyseur=analyseur,
            ),
            horloge=lambda: datetime.now(UTC),
        )
    click.echo(
        f"sound: {bilan.saines}, refused: {bilan.refusees}, still waiting: {bilan.en_attente}"
    )


@stockage.command()
def balayer() -> None:
    """Delete the files that a crash left and that no document names."""
    with _atelier() as atelier:
        supprimes = entretien.balayer(
            sessions=atelier.sessions,
            coffre=atelier.coffre,
            maintenant=datetime.now(UTC),
            delai=atelier.delai,
        )
    click.echo(f"deleted: {supprimes}")


def _analyseur(config: Config) -> AnalyseurIsole:
    return AnalyseurIsole(
        bornes=Bornes(pixels=config.pixels_max, pages=config.pages_max),
        memoire_octets=config.analyse_memoire_octets,
        cpu_s=config.analyse_cpu_s,
        delai_s=config.analyse_delai_s,
        simultanes=1,
    )


def _avancer(lus: int, total: int) -> None:
    if lus % PAS == 0 or lus == total:
        click.echo(f"{lus}/{total}", err=True)


if __name__ == "__main__":
    stockage()
