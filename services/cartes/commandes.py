"""Operator commands of the cartes service: `espace cartes <act>`."""

import sys
from datetime import UTC, datetime

import click

from chassis import settings
from services.cartes.adapters import certificat_apple
from services.cartes.config import Config


@click.group()
def cartes() -> None:
    """Act on the Carte citoyen."""


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
