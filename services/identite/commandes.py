"""Operator commands of identite: `espace identite …`."""

import secrets
import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, Final, TypeVar

import click

from chassis import db, settings
from services.identite.adapters.domaine import domaine_ascii
from services.identite.adapters.mot_de_passe import Argon2, Force
from services.identite.config import Config
from services.identite.domain import (
    ROLES_PERSONNEL,
    DonneesInvalides,
    NomUtilisateurPris,
    Role,
    Saisie,
)
from services.identite.use_cases import Regles, inscrire_confirme

F = TypeVar("F", bound=Callable[..., object])

# No 0/O, 1/l/I: the generated password is read from a screen and typed once.
_ALPHABET: Final = "abcdefghijkmnpqrstuvwxyz23456789"
_BLOCS: Final = 4
_BLOC: Final = 5


@click.group()
def identite() -> None:
    """Accounts of citizens and staff."""


def _personne(commande: F) -> F:
    """Add the options that describe a person."""
    options = (
        click.option("--courriel", required=True, help="E-mail, unique per account."),
        click.option("--prenom", required=True),
        click.option("--nom", required=True),
        click.option("--nom-utilisateur", default="", help="Optional user name."),
        click.option("--langue", type=click.Choice(["fr", "en"]), default="fr"),
    )
    for option in reversed(options):
        commande = option(commande)
    return commande


@identite.command("creer-agent")
@_personne
@click.option(
    "--role", type=click.Choice(sorted(role.value for role in ROLES_PERSONNEL)), required=True
)
def creer_agent(
    courriel: str, prenom: str, nom: str, nom_utilisateur: str, langue: str, role: str
) -> None:
    """Open a staff account, active at once, or give the role to an existing account.

    The password is the first line of standard input when that is not a terminal; otherwise it is
    generated and printed once.
    """
    _creer(
        Saisie(
            courriel=courriel,
            mot_de_passe="",
            prenom=prenom,
            nom=nom,
            nom_utilisateur=nom_utilisateur,
            langue=langue,
        ),
        Role(role),
    )


@identite.command("creer-citoyen")
@_personne
@click.option("--date-naissance", default="", help="YYYY-MM-DD.")
@click.option("--adresse", "adresse_ligne", default="", help="Number and street.")
@click.option("--ville", "adresse_ville", default="")
@click.option("--code-postal", "adresse_code_postal", default="")
@click.option("--telephone", default="")
@click.option("--categorie", "categories", multiple=True, help="Notice category; repeatable.")
def creer_citoyen(categories: tuple[str, ...], **personne: Any) -> None:
    """Open a citizen's account, active at once (sample data, help desk).

    Publishes the same events as a sign-up; the password comes as for creer-agent.
    """
    _creer(Saisie(mot_de_passe="", categories=categories, **personne), None)


def _creer(saisie: Saisie, role: Role | None) -> None:
    lu = "" if sys.stdin.isatty() else sys.stdin.readline().rstrip("\r\n")
    mot_de_passe = lu or "-".join(
        "".join(secrets.choice(_ALPHABET) for _ in range(_BLOC)) for _ in range(_BLOCS)
    )
    config = settings.load(Config, prefix="IDENTITE")
    engine = db.make_engine(config.database_url, name="identite-commandes", pool_size=1)
    try:
        nouveau = inscrire_confirme(
            sessions=db.make_sessions(engine),
            hacheur=Argon2(
                memoire_kio=config.argon2_memoire_kio,
                passes=config.argon2_passes,
                voies=config.argon2_voies,
                simultanes=1,
                en_attente=0,
                attente_s=config.hachage_attente_s,
            ),
            assez_fort=Force(minimum=config.mot_de_passe_force, mots_connus=config.mots_connus),
            domaine_ascii=domaine_ascii,
            regles=Regles.de(config),
            saisie=replace(saisie, mot_de_passe=mot_de_passe),
            role=role,
            maintenant=datetime.now(UTC),
        )
    except DonneesInvalides as refus:
        raise click.ClickException(str(refus)) from refus
    except NomUtilisateurPris as refus:
        libres = ", ".join(refus.suggestions)
        raise click.ClickException(f"this user name is taken; free: {libres}") from refus
    finally:
        engine.dispose()
    if not nouveau:
        click.echo(f"{saisie.courriel}: the account was there; its password is unchanged")
    elif lu:
        click.echo(f"{saisie.courriel}: created")
    else:
        click.echo(f"{saisie.courriel}: created, password {mot_de_passe}")
