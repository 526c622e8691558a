"""The pages of « Mon compte », in the order of their menu; each page adds its one line here."""

from dataclasses import dataclass
from typing import Final

from flask import Flask
from flask_babel import lazy_gettext as _l
from flask_babel.speaklater import LazyString


@dataclass(frozen=True)
class Entree:
    """One line of the menu."""

    # Endpoint of the page. Its blueprint is `compte` or `compte_…`, which lights the tab.
    point: str
    texte: LazyString
    icone: str
    # Blueprint of further pages of the same line.
    aussi: str = ""


ENTREES: Final[tuple[Entree, ...]] = (
    Entree("compte.profil", _l("Mon profil"), "it-user", "compte_coordonnees"),
    Entree("compte_identifiants.page", _l("Mes identifiants"), "it-key"),
    Entree("compte_securite.liste", _l("Sécurité"), "it-locked"),
    Entree("compte_mandataires.liste", _l("Mandataires"), "it-user"),
    Entree("compte_sessions.page", _l("Sessions et appareils"), "it-presentation"),
    Entree("compte_lies.page", _l("Comptes liés"), "it-files"),
    Entree("compte_applications.liste", _l("Applications"), "it-link"),
)


def register(app: Flask) -> None:
    """Give the menu to templates."""
    app.jinja_env.globals["navigation_compte"] = ENTREES
