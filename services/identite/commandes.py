"""Operator commands of identite: `espace identite …`."""

import secrets
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, TextIO, TypeVar
from uuid import UUID, uuid4

import click
from sqlalchemy import Engine

from chassis import db, settings
from services.identite.adapters import rapport
from services.identite.adapters.domaine import domaine_ascii
from services.identite.adapters.mot_de_passe import Force, hacheur
from services.identite.config import Config
from services.identite.domain import (
    ROLES_PERSONNEL,
    DonneesInvalides,
    NomUtilisateurPris,
    Role,
    Saisie,
)
from services.identite.domain.oidc_client import ClientOidc
from services.identite.domain.ponts import FichierInattendu, ImportEnCours, ImportInconnu, Source
from services.identite.use_cases import Regles, inscrire_confirme
from services.identite.use_cases.oidc import enregistrer_client
from services.identite.use_cases.ponts.importation import Bilan, annuler_import, importer
from services.identite.use_cases.ponts.importation import rapport as relire_import
from services.identite.use_cases.ponts.reglages import cle_ponts, politique

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
            hacheur=hacheur(config),
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


_FICHIER: Final = click.argument(
    "fichier", type=click.Path(path_type=Path, exists=True, dir_okay=False)
)


def _import(source: Source) -> None:
    """Add the command that imports the files of a system (docs/ponts.md)."""

    @identite.command(f"importer-{source}", help=f"Import a CSV file of {source} (docs/ponts.md).")
    @_FICHIER
    @click.option("--essai", is_flag=True, help="Dry run: report, write nothing.")
    @click.option("--langue", type=click.Choice(rapport.LANGUES), default="fr")
    @click.option("--csv", "csv_", type=click.Path(path_type=Path), help="Write collisions there.")
    def commande(fichier: Path, csv_: Path | None, langue: str, *, essai: bool) -> None:
        with _ponts() as (config, engine):
            try:
                bilan = importer(
                    engine=engine,
                    regles=Regles.de(config),
                    politique=politique(config),
                    cle=cle_ponts(config),
                    domaine_ascii=domaine_ascii,
                    source=source,
                    fichier=fichier,
                    essai=essai,
                    progres=_progres,
                    maintenant=datetime.now(UTC),
                )
            except FichierInattendu as refus:
                raise click.ClickException(str(refus)) from refus
        _rapporter(bilan, langue, csv_)


for _source in Source:
    _import(_source)


@identite.command("rapport-import")
@click.argument("importation", type=click.UUID)
@click.option("--langue", type=click.Choice(rapport.LANGUES), default="fr")
@click.option("--csv", "csv_", type=click.Path(path_type=Path), help="Write collisions there.")
def rapport_import(importation: UUID, langue: str, csv_: Path | None) -> None:
    """Print the report of an import again."""
    with _ponts() as (_, engine):
        _rapporter(relire_import(engine=engine, importation_id=importation), langue, csv_)


@identite.command("annuler-import")
@click.argument("importation", type=click.UUID)
def annuler(importation: UUID) -> None:
    """Undo an import: what nobody has used is deleted, the rest is kept and counted."""
    with _ponts() as (_, engine):
        fait = annuler_import(
            engine=engine, importation_id=importation, maintenant=datetime.now(UTC)
        )
    click.echo(f"undone: {fait.retires} deleted, {fait.gardes} kept because they are in use")


@contextmanager
def _ponts() -> Iterator[tuple[Config, Engine]]:
    config = settings.load(Config, prefix="IDENTITE")
    engine = db.make_engine(config.database_url, name="identite-import", pool_size=1)
    try:
        yield config, engine
    except ImportEnCours as refus:
        raise click.ClickException("another import runs; try again when it is over") from refus
    except ImportInconnu as refus:
        raise click.ClickException("no such import, or it was undone") from refus
    except ValueError as refus:
        raise click.ClickException(str(refus)) from refus
    finally:
        engine.dispose()


def _progres(lignes: int, part: float) -> None:
    click.echo(f"\r{part:>4.0%}  {lignes}", nl=False, err=True)


def _rapporter(bilan: Bilan, langue: str, csv_: Path | None) -> None:
    click.echo(err=True)
    click.echo(rapport.texte(bilan, langue))
    if csv_ is not None:
        csv_.touch(mode=0o600)
        csv_.write_text(rapport.ecrire_csv(bilan, langue), encoding="utf-8", newline="")


@identite.command("inscrire-application")
@click.option("--nom-fr", required=True, help="Name that people read, in French.")
@click.option("--nom-en", required=True, help="The same in English.")
@click.option("--retour", multiple=True, required=True, help="Redirect URI; repeatable.")
@click.option("--adieu", multiple=True, help="Post-logout redirect URI; repeatable.")
@click.option("--deconnexion", default="", help="Back-channel logout URI.")
@click.option("--methode", default="client_secret_basic", help="Client authentication.")
@click.option("--portee", multiple=True, default=("profile", "email"), help="Scope; repeatable.")
@click.option("--algorithme", type=click.Choice(["ES256", "RS256"]), default="ES256")
@click.option("--maison", is_flag=True, help="The city's own system: no consent page.")
@click.option("--ressource", is_flag=True, help="A resource server: it may introspect tokens.")
@click.option("--jwks", type=click.File(), help="Public keys of the application.")
@click.option("--tls-sujet", default="", help="RFC 4514 subject of its certificate.")
def inscrire_application(jwks: TextIO | None, **application: Any) -> None:
    """Register an application that logs people in with the Espace citoyen (OpenID Connect)."""
    config = settings.load(Config, prefix="IDENTITE")
    engine = db.make_engine(config.database_url, name="identite-commandes", pool_size=1)
    try:
        client_id, secret = enregistrer_client(
            sessions=db.make_sessions(engine),
            regles=Regles.de(config),
            request_id=str(uuid4()),
            par="commande",
            client=ClientOidc(
                client_id="",
                nom_fr=application["nom_fr"],
                nom_en=application["nom_en"],
                redirections=application["retour"],
                redirections_fin=application["adieu"],
                deconnexion_url=application["deconnexion"],
                methode=application["methode"],
                portees=("openid", *application["portee"]),
                algorithme=application["algorithme"],
                premiere_main=application["maison"],
                ressource=application["ressource"],
                jwks=jwks.read() if jwks else "",
                tls_sujet=application["tls_sujet"],
            ),
            maintenant=datetime.now(UTC),
        )
    except DonneesInvalides as refus:
        raise click.ClickException(str(refus)) from refus
    finally:
        engine.dispose()
    click.echo(f"client_id={client_id}\nclient_secret={secret}")
