"""Operator commands: `espace avis …`."""

import os

import click

from chassis.db import make_engine, make_sessions
from services.avis import persistence


@click.group()
def avis() -> None:
    """Notices and transactional mail."""


@avis.command()
@click.option("--limite", type=click.IntRange(1, 1000), default=20, show_default=True)
def envois(limite: int) -> None:
    """List the latest mails: states and times, nobody's data."""
    url = os.environ.get("AVIS_DATABASE_URL") or os.environ.get("ESPACE_DATABASE_URL")
    if not url:
        raise click.ClickException("AVIS_DATABASE_URL is missing")
    engine = make_engine(url, name="espace-avis", pool_size=1)
    try:
        with make_sessions(engine).begin() as session:
            lignes = persistence.resumer_envois(session, limite=limite)
    finally:
        engine.dispose()
    for ligne in lignes:
        etat = "ATTEND_ADRESSE" if ligne.attend_adresse else ligne.etat
        fin = f"{ligne.termine_le:%Y-%m-%d %H:%M:%S}" if ligne.termine_le else "-"
        click.echo(
            f"{ligne.cree_le:%Y-%m-%d %H:%M:%S}  {fin:19}  {ligne.id}  {etat:14}"
            f"  {ligne.gabarit:20}  essais {ligne.essai}  code {ligne.code_smtp or '-'}"
        )
    if not lignes:
        click.echo("no mail yet")
