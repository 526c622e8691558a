"""Operator commands: `espace stockage <act>`. The worker's timers run two of them.

Exit status: 0 all is well, 1 something was found or is still to do, 2 settings are missing.
"""

import ctypes
import logging
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

import click
from opentelemetry import metrics

from chassis import settings, telemetry
from chassis.db import Sessions, make_engine, make_sessions
from services.stockage.adapters.analyseur import AnalyseurIsole
from services.stockage.adapters.antivirus import AntivirusClamd
from services.stockage.adapters.coffre import CoffreChiffre, composer
from services.stockage.config import Config
from services.stockage.domain import Bornes, ControleIndisponible, Utilisation, lire_conservation
from services.stockage.use_cases import (
    cles,
    conservation,
    depot,
    entretien,
    integrite,
    reexamen,
    televersement,
)
from services.stockage.use_cases.ports import CleMaitresseInvalide, EntrepotEnPanne
from services.stockage.use_cases.segments import Regles

_log = logging.getLogger(__name__)
_PR_SET_PDEATHSIG = 1
# Seconds since the antivirus's signatures were made: the alarm of R48.
_AGE = metrics.get_meter("stockage").create_gauge("antivirus.signatures.age", "s")
# A line each so many documents: enough to see it move, not enough to fill a log.
PAS = 100


@dataclass(frozen=True, kw_only=True)
class Atelier:
    """What every command needs."""

    config: Config
    sessions: Sessions
    coffre: CoffreChiffre

    @property
    def delai(self) -> timedelta:
        """Age from which an object without a row is nobody's."""
        return timedelta(seconds=self.config.delai_orphelin_s)


@contextmanager
def _atelier() -> Iterator[Atelier]:
    try:
        config = settings.load(Config, prefix="STOCKAGE")
        coffre = composer(config)
    except (settings.SettingsError, CleMaitresseInvalide) as erreur:
        click.echo(str(erreur), err=True)
        sys.exit(2)
    telemetry.setup("stockage-commandes", endpoint=config.otlp)
    engine = make_engine(config.database_url, name="stockage-commandes", pool_size=2)
    try:
        yield Atelier(
            config=config,
            sessions=make_sessions(engine),
            coffre=coffre,
        )
    except EntrepotEnPanne as fait:
        # A store that is away is a fact of the day, not a fault of this program.
        click.echo(f"the store cannot be used now: {type(fait).__name__} {fait}", err=True)
        sys.exit(1)
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
    """Find what is missing, altered, named by no document, or kept for nobody."""
    trouves = 0
    with _atelier() as atelier:
        for ecart in integrite.verifier(
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
    """Judge the documents that wait for the antivirus, and end the uploads that nobody ended."""
    with _atelier() as atelier, _analyseur(atelier.config) as analyseur:
        _exiger_maitresse(atelier)
        controle = depot.Controle(
            coffre=atelier.coffre,
            antivirus=_antivirus(atelier.config),
            analyseur=analyseur,
        )
        televersement.reprendre_televersements(
            sessions=atelier.sessions,
            controle=controle,
            limites=_limites(atelier.config),
            horloge=lambda: datetime.now(UTC),
        )
        bilan = entretien.reprendre_pieces(
            sessions=atelier.sessions,
            controle=controle,
            horloge=lambda: datetime.now(UTC),
        )
    click.echo(
        f"sound: {bilan.saines}, refused: {bilan.refusees}, still waiting: {bilan.en_attente}"
    )


@stockage.command()
@click.option("--tout", is_flag=True, help="Every document, not only those of older signatures.")
def reexaminer(*, tout: bool) -> None:
    """Judge sound documents again with the antivirus's present signatures."""
    with _atelier() as atelier:
        _exiger_maitresse(atelier)
        antivirus = _antivirus(atelier.config)
        maintenant = datetime.now(UTC)
        du = _signatures(antivirus)
        if du is None and not tout:
            click.echo("the signatures bear no date: nothing says that they are newer")
            return
        bilan = reexamen.reexaminer(
            sessions=atelier.sessions,
            coffre=atelier.coffre,
            antivirus=antivirus,
            avant=maintenant if tout or du is None else du,
            horloge=lambda: datetime.now(UTC),
        )
    click.echo(
        f"sound: {bilan.saines}, infected: {bilan.infectees}, infected under a hold:"
        f" {bilan.gelees}, unreadable: {bilan.illisibles}"
    )
    sys.exit(1 if bilan.gelees or bilan.illisibles or not bilan.complet else 0)


@stockage.command()
def signatures() -> None:
    """Tell how old the antivirus's signatures are; exit status 1 when nobody fetches new ones."""
    with _atelier() as atelier:
        du = _signatures(_antivirus(atelier.config))
        if du is None:
            click.echo("no dated signatures")
            return
        age = datetime.now(UTC) - du
        _AGE.set(age.total_seconds())
    click.echo(f"made: {du:%Y-%m-%dT%H:%MZ}, hours ago: {age.total_seconds() / 3600:.0f}")
    if age > reexamen.SIGNATURES_MAX:
        _log.error("antivirus signatures are old", extra={"fields": {"hours": age.days * 24}})
        sys.exit(1)


def _signatures(antivirus: AntivirusClamd) -> datetime | None:
    try:
        return antivirus.signatures_du()
    except ControleIndisponible:
        click.echo("clamd does not answer", err=True)
        sys.exit(1)


@stockage.command()
def balayer() -> None:
    """Delete the uploads that expired, then the files that a crash left and nothing names."""
    with _atelier() as atelier:
        televersement.balayer_televersements(
            sessions=atelier.sessions, coffre=atelier.coffre, maintenant=datetime.now(UTC)
        )
        supprimes = integrite.balayer(
            sessions=atelier.sessions,
            coffre=atelier.coffre,
            maintenant=datetime.now(UTC),
            delai=atelier.delai,
        )
    click.echo(f"deleted: {supprimes}")


@stockage.command("tourner-cles")
def tourner_cles() -> None:
    """Wrap the key of every account by the first master key of the settings, while all runs."""
    with _atelier() as atelier:
        _exiger_maitresse(atelier)
        rotation = cles.tourner_cles(
            sessions=atelier.sessions, coffre=atelier.coffre, avancer=_avancer
        )
    click.echo(f"wrapped again: {rotation.renouvelees}, left: {rotation.restantes}")
    for version in rotation.retirables:
        click.echo(f"version {version} wraps nothing any more: it may leave the settings")
    sys.exit(1 if rotation.restantes else 0)


@stockage.command()
@click.argument("compte_id", type=click.UUID)
@click.option("--essai", is_flag=True, help="Say what would happen and change nothing.")
@click.option("--malgre-les-dossiers", is_flag=True, help="Although cases still use documents.")
def effacer(*, compte_id: UUID, essai: bool, malgre_les_dossiers: bool) -> None:
    """Destroy the key of an account: none of its documents can ever be read again."""
    with _atelier() as atelier:
        effacement = cles.effacer_compte(
            sessions=atelier.sessions,
            coffre=atelier.coffre,
            compte_id=compte_id,
            maintenant=datetime.now(UTC),
            malgre_retenues=malgre_les_dossiers,
            essai=essai,
        )
    click.echo(
        f"erased: {'yes' if effacement.fait else 'no'}, objects: {effacement.objets},"
        f" references of cases: {effacement.retenues}, legal holds: {effacement.gels}"
    )
    bloque = bool(effacement.gels or (effacement.retenues and not malgre_les_dossiers))
    sys.exit(1 if bloque and not effacement.fait else 0)


def _exiger_maitresse(atelier: Atelier) -> None:
    """End with one sentence when the master keys are not those of the accounts."""
    try:
        cles.verifier_maitresse(
            sessions=atelier.sessions, coffre=atelier.coffre, maintenant=datetime.now(UTC)
        )
    except CleMaitresseInvalide as erreur:
        click.echo(str(erreur), err=True)
        sys.exit(2)


@stockage.command("conservation")
@click.option("--essai", is_flag=True, help="Say what would end, and end nothing.")
def conserver(*, essai: bool) -> None:
    """End what was kept long enough: copies of decided cases, spaces to erase."""
    with _atelier() as atelier:
        regles = lire_conservation(atelier.config.conservation_jours)
        maintenant = datetime.now(UTC)
        if essai:
            finies = conservation.echues(
                sessions=atelier.sessions, conservation=regles, maintenant=maintenant
            )
            click.echo(f"would end: {sum(1 for _ in map(_dire, finies))}")
            return
        bilan = conservation.appliquer_conservation(
            sessions=atelier.sessions,
            coffre=atelier.coffre,
            conservation=regles,
            oubli_consultations=timedelta(days=atelier.config.consultations_jours),
            maintenant=maintenant,
            dire=_dire,
        )
    click.echo(f"references: {bilan.retenues}, documents: {bilan.objets}, spaces: {bilan.espaces}")


def _dire(utilisation: Utilisation) -> None:
    click.echo(
        f"{utilisation.service} {utilisation.dossier_id} {utilisation.piece.piece_id}"
        f" {utilisation.decidee_le:%Y-%m-%d}"
    )


def _antivirus(config: Config) -> AntivirusClamd:
    return AntivirusClamd(config.clamd, silence_s=config.clamd_silence_s)


def _analyseur(config: Config) -> AnalyseurIsole:
    return AnalyseurIsole(
        bornes=Bornes(pixels=config.pixels_max, pages=config.pages_max),
        memoire_octets=config.analyse_memoire_octets,
        cpu_s=config.analyse_cpu_s,
        delai_s=config.analyse_delai_s,
        simultanes=1,
    )


def _limites(config: Config) -> Regles:
    return Regles(
        taille_max=config.taille_max_octets,
        quota=config.quota_octets,
        duree=timedelta(seconds=config.televersement_s),
        segment_octets=config.segment_octets,
    )


def _avancer(lus: int, total: int) -> None:
    if lus % PAS == 0 or lus == total:
        click.echo(f"{lus}/{total}", err=True)


if __name__ == "__main__":
    stockage()
