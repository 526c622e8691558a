"""What every template may call: dates, sizes, states in words, addresses of built files."""

import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from functools import partial
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

from flask import Flask, Response, current_app, make_response, request, url_for
from flask_babel import format_date, format_datetime, format_decimal
from flask_babel import lazy_gettext as _l
from flask_babel.speaklater import LazyString

from espacecitoyen.cartes.v1 import cartes_service_pb2 as cartes
from espacecitoyen.stockage.v1 import stockage_service_pb2 as stockage
from passerelle import messages, problems, session
from passerelle.portail import ville
from passerelle.portail.faits import FAITS

_KILO: Final = 1000
_COURTS: Final = {"fr": "d MMM", "en": "MMM d"}
# Québec writes 14 h 05.
_INSTANTS: Final = {"fr": "d MMMM y, H 'h' mm", "en": "MMMM d, y, h:mm a"}


@dataclass(frozen=True)
class Etat:
    """A state as people see it: never by colour alone (WCAG 1.4.1)."""

    libelle: LazyString
    # "vert", "ambre", "rouge" or "" (neutral).
    ton: str
    icone: str


ETATS_CARTE: Final[Mapping[int, Etat]] = {
    cartes.STATUT_CARTE_EN_ATTENTE_VALIDATION: Etat(
        _l("En attente de validation"), "ambre", "it-clock"
    ),
    cartes.STATUT_CARTE_ACTIVE: Etat(_l("Active"), "vert", "it-check-circle"),
    cartes.STATUT_CARTE_SUSPENDUE: Etat(_l("Suspendue"), "rouge", "it-error"),
    cartes.STATUT_CARTE_EXPIREE: Etat(_l("Expirée"), "rouge", "it-warning-circle"),
    cartes.STATUT_CARTE_REVOQUEE: Etat(_l("Révoquée"), "rouge", "it-error"),
    cartes.STATUT_CARTE_REFUSEE: Etat(_l("Refusée"), "rouge", "it-error"),
}
ETATS_DEMANDE: Final[Mapping[int, Etat]] = {
    cartes.STATUT_DEMANDE_DEPOSEE: Etat(_l("À valider par la Ville"), "ambre", "it-clock"),
    cartes.STATUT_DEMANDE_INCOMPLETE: Etat(_l("Pièce à remplacer"), "rouge", "it-warning-circle"),
    cartes.STATUT_DEMANDE_APPROUVEE: Etat(_l("Approuvée"), "vert", "it-check-circle"),
    cartes.STATUT_DEMANDE_REFUSEE: Etat(_l("Refusée"), "rouge", "it-error"),
}
ETATS_PREUVE: Final[Mapping[int, Etat]] = {
    cartes.STATUT_PIECE_JUSTIFICATIVE_A_VERIFIER: Etat(_l("À vérifier"), "ambre", "it-clock"),
    cartes.STATUT_PIECE_JUSTIFICATIVE_ACCEPTEE: Etat(_l("Acceptée"), "vert", "it-check-circle"),
    cartes.STATUT_PIECE_JUSTIFICATIVE_REFUSEE: Etat(_l("Refusée"), "rouge", "it-error"),
}
ETATS_PIECE: Final[Mapping[int, Etat]] = {
    stockage.STATUT_PIECE_EN_ANALYSE: Etat(_l("En analyse"), "ambre", "it-clock"),
    stockage.STATUT_PIECE_SAINE: Etat(_l("Prête à utiliser"), "vert", "it-check-circle"),
    stockage.STATUT_PIECE_INFECTEE: Etat(_l("Refusée : fichier dangereux"), "rouge", "it-error"),
    stockage.STATUT_PIECE_ERREUR: Etat(_l("Illisible"), "rouge", "it-warning-circle"),
}
GENRES: Final[Mapping[int, LazyString]] = {
    stockage.GENRE_PIECE_IDENTITE: _l("Pièce d’identité"),
    stockage.GENRE_PIECE_RESIDENCE: _l("Preuve de résidence"),
    stockage.GENRE_PIECE_AUTRE: _l("Autre document"),
}
ROLES_PIECE: Final[Mapping[int, LazyString]] = {
    cartes.ROLE_PIECE_IDENTITE: _l("Pièce d’identité"),
    cartes.ROLE_PIECE_RESIDENCE: _l("Preuve de résidence"),
}
MOTIFS: Final[Mapping[int, LazyString]] = {
    cartes.MOTIF_REFUS_ILLISIBLE: _l("Le document est illisible."),
    cartes.MOTIF_REFUS_EXPIREE: _l("Le document est expiré."),
    cartes.MOTIF_REFUS_NOM_DIFFERENT: _l("Le nom n’est pas celui de la demande."),
    cartes.MOTIF_REFUS_ADRESSE_DIFFERENTE: _l("L’adresse n’est pas celle de la demande."),
    cartes.MOTIF_REFUS_GENRE_NON_ACCEPTE: _l("Ce genre de document n’est pas accepté."),
    cartes.MOTIF_REFUS_AUTRE: _l("Autre motif"),
}
_INCONNU: Final = Etat(_l("Inconnu"), "", "it-help-circle")


def register(app: Flask) -> None:
    """Give templates their filters and globals, and serve the city's colours."""
    cite = ville.charger()
    env = app.jinja_env
    env.filters.update(
        jour=jour,
        instant=instant,
        taille=taille,
        numero=numero_carte,
        telephone=telephone,
        code_postal=code_postal,
        etat_carte=partial(_etat, ETATS_CARTE),
        etat_demande=partial(_etat, ETATS_DEMANDE),
        etat_preuve=partial(_etat, ETATS_PREUVE),
        etat_piece=partial(_etat, ETATS_PIECE),
        genre=partial(_libelle, GENRES),
        role_piece=partial(_libelle, ROLES_PIECE),
        motif=partial(_libelle, MOTIFS),
        raison=phrase,
    )
    env.globals.update(
        asset=partial(asset, _manifest(app)),
        nouvel_id=nouvel_id,
        ville=cite,
        cartes_pb=cartes,
        stockage_pb=stockage,
        # A message for a template is text, so that it is translated when the page is made.
        fait=fait,
    )
    app.context_processor(
        lambda: {
            "visite": session.current_visit(),
            "langue": problems.reader_language(),
            "temoins_vus": request.cookies.get("temoins") == "vus",
        }
    )
    app.add_url_rule("/theme.css", "theme", partial(_theme, cite))


def jour(iso: str, forme: str = "long") -> str:
    """Return the day of an ISO date or of an RFC 3339 instant, in the city's zone and in words."""
    if not iso:
        return ""
    un_jour = _local(iso).date() if "T" in iso else date.fromisoformat(iso)
    return str(format_date(un_jour, "long" if forme == "long" else _COURTS[_langue()]))


def instant(iso: str) -> str:
    """Return the day and time of an RFC 3339 instant, in the city's zone."""
    if not iso:
        return ""
    return str(format_datetime(_local(iso), _INSTANTS[_langue()], rebase=False))


def taille(octets: int) -> str:
    """Return a size in the decimal units people see elsewhere: "1,2 Mo"."""
    unites = ("B", "kB", "MB", "GB") if _langue() == "en" else ("o", "ko", "Mo", "Go")
    valeur = float(octets)
    rang = 0
    while valeur >= _KILO and rang < len(unites) - 1:
        valeur /= _KILO
        rang += 1
    return f"{format_decimal(round(valeur, 1 if rang > 1 else 0))}\N{NO-BREAK SPACE}{unites[rang]}"


def numero_carte(numero: str) -> str:
    """Return the 14 digits of a card in groups, as they are printed on it."""
    return "\N{NO-BREAK SPACE}".join(
        groupe for groupe in (numero[:4], numero[4:8], numero[8:12], numero[12:]) if groupe
    )


def telephone(e164: str) -> str:
    """Return a North American number as people write it here: 450 555-0123."""
    if e164.startswith("+1") and len(e164) == len("+14505550123"):
        return f"{e164[2:5]}\N{NO-BREAK SPACE}{e164[5:8]}-{e164[8:]}"
    return e164


def code_postal(code: str) -> str:
    """Return J7E1A1 as J7E 1A1."""
    return f"{code[:3]}\N{NO-BREAK SPACE}{code[3:]}" if len(code) == len("J7E1A1") else code


def phrase(code: str) -> str:
    """Return the sentence of a reason in the reader's language."""
    return messages.text(code, _langue())


def nouvel_id() -> str:
    """Return the request_id of a form: the same for each click on its button."""
    return str(uuid.uuid4())


def fait() -> LazyString | None:
    """Return what the page before this one has just done, told by the `fait` of the address."""
    return FAITS.get(request.args.get("fait", ""))


def asset(manifest: Mapping[str, str], nom: str) -> str:
    """Return the address of a built file, which changes when its content does."""
    version = manifest.get(nom)
    return url_for("static", filename=nom, v=version)


def _langue() -> str:
    return problems.reader_language()


def _manifest(app: Flask) -> Mapping[str, str]:
    fichier = Path(app.static_folder or "") / "manifest.json"
    if not fichier.is_file():
        app.logger.warning("assets are not built: run `npm run build`")
        return {}
    digests: dict[str, str] = json.loads(fichier.read_text(encoding="utf-8"))
    return digests


def _etat(etats: Mapping[int, Etat], statut: int) -> Etat:
    return etats.get(statut, _INCONNU)


def _libelle(libelles: Mapping[int, LazyString], code: int) -> LazyString:
    return libelles.get(code, _INCONNU.libelle)


def _local(iso: str) -> datetime:
    fuseau = current_app.extensions["config"].ville_fuseau
    return datetime.fromisoformat(iso).astimezone(ZoneInfo(fuseau))


def _theme(cite: ville.Ville) -> Response:
    response = make_response(cite.theme())
    response.mimetype = "text/css"
    response.headers["Cache-Control"] = "public, max-age=3600"
    return response
