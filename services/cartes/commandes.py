"""Operator commands of the cartes service: `espace cartes <act>`."""

import csv
import hashlib
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TextIO
from uuid import UUID

import click

from chassis import settings
from chassis.db import Sessions, make_engine, make_sessions
from services.cartes import use_cases
from services.cartes.adapters import certificat_apple
from services.cartes.config import Config
from services.cartes.domain import COLONNES, Sort, lire_regles
from services.cartes.use_cases.importer import Ligne


@click.group()
def cartes() -> None:
    """Act on the Carte citoyen."""


@cartes.command("importer-registre")
@click.argument("fichier", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--essai", is_flag=True, help="Say what would happen; write nothing.")
def importer_registre(fichier: Path, *, essai: bool) -> None:
    """Take the cards of the city's register (CSV, columns as docs/registre.md says).

    Exit status: 0 everything was taken, 1 some rows were left out, 2 nothing could be done.
    """
    try:
        with _atelier() as (config, sessions), fichier.open(newline="", encoding="utf-8-sig") as lu:
            bilan = use_cases.importer_registre(
                sessions=sessions,
                regles=lire_regles(config),
                fichier=fichier.name,
                sha256=_empreinte(fichier),
                lignes=_lignes(lu),
                essai=essai,
                signaler=_signaler,
                avancer=lambda lues: click.echo(f"{lues} rows", err=True),
                horloge=_utc,
            )
    except use_cases.LotAnnule as error:
        raise click.ClickException(
            "this very file was imported, then undone; rename it to import it again"
        ) from error
    except UnicodeDecodeError as error:
        raise click.ClickException("the file is not UTF-8") from error
    except csv.Error as error:
        raise click.ClickException(f"the file is no CSV: {error}") from error
    for sort in Sort:
        click.echo(f"{sort.value}: {bilan.sorts.get(sort, 0)}")
    click.echo("dry run: nothing was written" if essai else f"import: {bilan.lot_id}")
    sys.exit(1 if bilan.collisions else 0)


@cartes.command("annuler-registre")
@click.argument("lot", type=click.UUID)
def annuler_registre(lot: UUID) -> None:
    """Undo an import; cards that their holder joined to an account meanwhile are kept."""
    with _atelier() as (_, sessions):
        try:
            retour = use_cases.annuler_registre(sessions=sessions, lot_id=lot, horloge=_utc)
        except use_cases.LotInconnu as error:
            raise click.ClickException("no import has that id") from error
    click.echo(
        f"deleted: {retour.supprimees}, put back: {retour.retablies}, kept: {retour.gardees}"
    )


def _lignes(texte: TextIO) -> "csv.DictReader[str]":
    lecteur = csv.DictReader(texte, dialect=_dialecte(texte), restval="")
    manquantes = set(COLONNES) - set(lecteur.fieldnames or ())
    if manquantes:
        raise click.ClickException(f"columns missing: {', '.join(sorted(manquantes))}")
    return lecteur


def _signaler(ligne: Ligne) -> None:
    """One line for each row that a clerk should look at: where, which card, what, why."""
    fautes = ", ".join(f"{colonne} {code}" for colonne, code in ligne.fautes.items())
    click.echo(
        f"line {ligne.numero_ligne}\t{ligne.numero or '-'}\t{ligne.sort.value}\t{fautes}".rstrip()
    )


def _dialecte(texte: TextIO) -> type[csv.Dialect]:
    """Read the separator from the header; French spreadsheets write a semicolon."""
    entete = texte.readline()
    texte.seek(0)
    return _PointVirgule if entete.count(";") > entete.count(",") else csv.excel


class _PointVirgule(csv.excel):
    delimiter = ";"


def _empreinte(fichier: Path) -> bytes:
    with fichier.open("rb") as octets:
        return hashlib.file_digest(octets, "sha256").digest()


def _utc() -> datetime:
    return datetime.now(UTC)


@contextmanager
def _atelier() -> Iterator[tuple[Config, Sessions]]:
    try:
        config = settings.load(Config, prefix="CARTES")
    except settings.SettingsError as error:
        raise click.UsageError(str(error)) from error
    engine = make_engine(config.database_url, name="cartes-commandes", pool_size=2)
    try:
        yield config, make_sessions(engine)
    finally:
        engine.dispose()


@cartes.command("verifier-certificat")
def verifier_certificat() -> None:
    """Check the Pass Type ID certificate of the settings; exit status 1 when it cannot be used."""
    try:
        config = settings.load(Config, prefix="CARTES")
    except settings.SettingsError as error:
        raise click.ClickException(str(error)) from error
    chemins = (config.apple_certificat, config.apple_cle, config.apple_wwdr)
    certificat, cle, wwdr = chemins
    if certificat is None or cle is None or wwdr is None:
        raise click.ClickException("CARTES_APPLE_CERTIFICAT, _CLE and _WWDR are not all set")
    maintenant = datetime.now(UTC)
    try:
        charge = certificat_apple.charger(
            certificat=certificat,
            cle=cle,
            wwdr=wwdr,
            type_passe=config.apple_type_passe,
            equipe=config.apple_equipe,
            maintenant=maintenant,
        )
    except certificat_apple.CertificatRefuse as error:
        click.echo(f"verdict: refused: {error}")
        sys.exit(1)
    jours = (charge.expire_le - maintenant).days
    verdict = "renew it now" if charge.bientot_expire(maintenant) else "valid"
    click.echo(f"subject: {charge.sujet}")
    click.echo(f"expiry:  {charge.expire_le:%Y-%m-%d} ({jours} days)")
    click.echo(f"verdict: {verdict}")
