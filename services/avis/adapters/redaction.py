"""Texts of the mails: Jinja sources in `gabarits/`, one per mail and language.

One source gives both alternatives. It says what to say in three words, `p` (paragraph), `bouton`
(link) and `puces` (list), and each frame, HTML or plain, says how: the two cannot drift apart.
French spaces are written plain in the sources; they become no-break ones here (OQLF: before a colon
and a closing « », after an opening one, after a number).
"""

import re
import textwrap
from collections.abc import Callable, Mapping
from datetime import date
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, pass_context
from jinja2.runtime import Context
from markupsafe import Markup

from services.avis.domain import Gabarit, Langue, Texte

GABARITS = Path(__file__).parent.parent / "gabarits"

_LARGEUR = 74
_INSECABLE = re.compile(r"(?<=«) | (?=[:»])|(?<=\d) (?=\w)")
_MOIS_FR = (
    "janvier", "février", "mars", "avril", "mai", "juin",
    "juillet", "août", "septembre", "octobre", "novembre", "décembre",
)  # fmt: skip
_MOIS_EN = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)  # fmt: skip


class RedactionJinja:
    """Writes mails of one city."""

    def __init__(self, *, url_publique: str, ville: str) -> None:
        self._url = url_publique.rstrip("/")
        self._ville = ville
        self._html = _environnement(
            autoescape=True,
            cadre="cadre.html.j2",
            p=_p_html,
            bouton=_bouton_html,
            puces=_puces_html,
        )
        self._texte = _environnement(
            autoescape=False,
            cadre="cadre.txt.j2",
            p=_p_texte,
            bouton=_bouton_texte,
            puces=_puces_texte,
        )

    def rediger(self, *, gabarit: Gabarit, langue: Langue, donnees: Mapping[str, str]) -> Texte:
        """Write a mail from the data of its event."""
        contexte = self._contexte(langue, donnees)
        nom = f"{gabarit}.{langue}.j2"
        objet = self.objet(gabarit=gabarit, langue=langue)
        return Texte(
            objet=objet,
            texte=self._texte.get_template(nom).render(contexte | {"objet": objet}),
            html=self._html.get_template(nom).render(contexte | {"objet": objet}),
        )

    def objet(self, *, gabarit: Gabarit, langue: Langue) -> str:
        """Give the subject of a mail, which names nobody."""
        source = self._texte.get_template(f"{gabarit}.{langue}.j2")
        contexte = source.new_context(self._contexte(langue, {}))
        return _lier("".join(source.blocks["objet"](contexte)).strip())

    def _contexte(self, langue: Langue, donnees: Mapping[str, str]) -> dict[str, Any]:
        return {
            "langue": langue.value,
            "ville": self._ville,
            "prenom": donnees.get("prenom", ""),
            "jeton": donnees.get("jeton", ""),
            "echeance": _date(donnees["echeance"], langue) if "echeance" in donnees else "",
            "pieces": _pieces(donnees.get("pieces", "")),
            "genre": donnees.get("genre", ""),
            "url": lambda *parties: "/".join((self._url, *parties)),
        }


def _environnement(*, autoescape: bool, **outils: str | Callable[..., str]) -> Environment:
    # The plain alternative is no markup: escaping would write &amp; in front of people.
    environnement = Environment(
        loader=FileSystemLoader(GABARITS),
        autoescape=autoescape,  # noqa: S701
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environnement.globals.update(outils)
    return environnement


def _pieces(valeur: str) -> tuple[tuple[str, str], ...]:
    """Read `IDENTITE=ILLISIBLE,RESIDENCE=EXPIREE`."""
    paires = (piece.partition("=") for piece in valeur.split(",") if piece)
    return tuple((role, motif) for role, _, motif in paires)


def _date(iso: str, langue: Langue) -> str:
    """Write a day as people do: 1er mars 2028, March 1, 2028."""
    jour = date.fromisoformat(iso)
    if langue is Langue.EN:
        return f"{_MOIS_EN[jour.month - 1]}\u00a0{jour.day},\u00a0{jour.year}"
    quantieme = "1er" if jour.day == 1 else str(jour.day)
    return f"{quantieme}\u00a0{_MOIS_FR[jour.month - 1]}\u00a0{jour.year}"


def _lier(texte: str) -> str:
    return _INSECABLE.sub("\u00a0", texte)


def _p_html(texte: str) -> Markup:
    return Markup('<p style="margin:0 0 16px">{}</p>').format(_lier(texte))


def _bouton_html(url: str, libelle: str) -> Markup:
    return Markup(
        '<p style="margin:24px 0"><a href="{}" style="display:inline-block;padding:14px 24px;'
        "background:#0b4f8a;color:#ffffff;border-radius:4px;font-weight:bold;"
        'text-decoration:none">{}</a></p>'
    ).format(url, _lier(libelle))


def _puces_html(lignes: list[str]) -> Markup:
    corps = Markup("").join(
        Markup('<li style="margin:0 0 8px">{}</li>').format(_lier(ligne)) for ligne in lignes
    )
    return Markup('<ul style="margin:0 0 16px;padding-left:24px">{}</ul>').format(corps)


def _replier(texte: str, premier: str = "", suite: str = "") -> str:
    # Only spaces break: a no-break space stays one, and an address is never cut.
    return textwrap.fill(
        _lier(texte),
        _LARGEUR,
        initial_indent=premier,
        subsequent_indent=suite,
        break_long_words=False,
        break_on_hyphens=False,
    )


def _p_texte(texte: str) -> str:
    return f"{_replier(texte)}\n\n"


@pass_context
def _bouton_texte(contexte: Context, url: str, libelle: str) -> str:
    deux_points = "\u00a0:" if contexte["langue"] == Langue.FR else ":"
    return f"{_lier(libelle)}{deux_points}\n{url}\n\n"


def _puces_texte(lignes: list[str]) -> str:
    return "".join(f"{_replier(ligne, '- ', '  ')}\n" for ligne in lignes) + "\n"
