"""Pages that explain: help, the 21 questions, card procedure, privacy, cookies.

They are prose, so each language has its own template under `textes/` instead of a catalogue entry
per paragraph.
"""

from flask import Blueprint, render_template
from flask.typing import ResponseReturnValue

from passerelle.problems import reader_language

bp = Blueprint("aide", __name__)


@bp.get("/aide")
def aide() -> ResponseReturnValue:
    """How to use the space."""
    return _page("aide")


@bp.get("/aide/questions")
def questions() -> ResponseReturnValue:
    """Answer the 21 questions (S1)."""
    return _page("questions")


@bp.get("/aide/carte-citoyen")
def carte() -> ResponseReturnValue:
    """Tell how to ask for a card, step by step."""
    return _page("carte")


@bp.get("/aide/creer-un-compte")
def compte() -> ResponseReturnValue:
    """Tell how to open an account, step by step."""
    return _page("compte")


@bp.get("/confidentialite")
def confidentialite() -> ResponseReturnValue:
    """Politique de protection des renseignements personnels."""
    return _page("confidentialite")


@bp.get("/temoins")
def temoins() -> ResponseReturnValue:
    """Témoins de navigation: what each is for."""
    return _page("temoins")


def _page(nom: str) -> ResponseReturnValue:
    return render_template(f"textes/{reader_language()}/{nom}.html")
