"""Operator commands: `espace demandes …`."""

import json
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from chassis.db import make_engine, make_sessions
from services.demandes import use_cases
from services.demandes.domain import Catalogue, CatalogueInvalide, Theme, TypeDemande

CATALOGUE = Path(__file__).parent / "catalogue.json"

_TEXTES = ("code", "theme", "titre_fr", "titre_en", "description_fr", "description_en")


@click.group()
def demandes() -> None:
    """Requests to the city."""


@demandes.command("charger-catalogue")
@click.option(
    "--fichier",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    default=CATALOGUE,
    help="JSON file of the catalogue; by default the sample one.",
)
def charger_catalogue(fichier: Path) -> None:
    """Publish the catalogue of a file; what the file no longer has is withdrawn."""
    url = os.environ.get("DEMANDES_DATABASE_URL") or os.environ.get("ESPACE_DATABASE_URL")
    if not url:
        raise click.ClickException("DEMANDES_DATABASE_URL is missing")
    engine = make_engine(url, name="espace-demandes", pool_size=1)
    try:
        chargement = use_cases.charger_catalogue(
            sessions=make_sessions(engine),
            catalogue=lire_catalogue(fichier),
            maintenant=datetime.now(UTC),
        )
    except CatalogueInvalide as error:
        raise click.ClickException(f"{fichier}: {error}") from error
    finally:
        engine.dispose()
    click.echo(f"published {len(chargement.publies)}, withdrawn {len(chargement.retires)}")


def lire_catalogue(fichier: Path) -> Catalogue:
    """Read a catalogue file.

    Args:
        fichier: JSON object `{"themes": [...], "types": [...]}`; themes are in display order.
    Raises: CatalogueInvalide: not such an object.
    """
    try:
        contenu = json.loads(fichier.read_text(encoding="utf-8"))
        themes = tuple(
            Theme(
                code=_texte(theme, "code"),
                rang=rang,
                titre_fr=_texte(theme, "titre_fr"),
                titre_en=_texte(theme, "titre_en"),
            )
            for rang, theme in enumerate(contenu["themes"], start=1)
        )
        types = tuple(_lire_type(objet) for objet in contenu["types"])
    except KeyError as error:
        raise CatalogueInvalide([f"{error.args[0]} is missing"]) from error
    except (TypeError, ValueError) as error:
        raise CatalogueInvalide([str(error)]) from error
    return Catalogue(themes=themes, types=types)


def _lire_type(objet: dict[str, Any]) -> TypeDemande:
    mots_cles = objet.get("mots_cles", [])
    compte_requis = objet.get("compte_requis", False)
    if not isinstance(mots_cles, list) or not all(isinstance(mot, str) for mot in mots_cles):
        raise TypeError(f"mots_cles of {objet['code']} is a list of texts")
    if not isinstance(compte_requis, bool):
        raise TypeError(f"compte_requis of {objet['code']} is true or false")
    textes = {champ: _texte(objet, champ) for champ in _TEXTES}
    return TypeDemande(**textes, mots_cles=tuple(mots_cles), compte_requis=compte_requis)


def _texte(objet: dict[str, Any], champ: str) -> str:
    valeur = objet[champ]
    if not isinstance(valeur, str):
        raise TypeError(f"{champ} is a text")
    return valeur
