"""« Mes demandes », the catalogue, and the status of a request by its ticket."""

import re
from itertools import groupby
from typing import Final

from flask import Blueprint, render_template, request
from flask.typing import ResponseReturnValue

from espacecitoyen.cartes.v1 import cartes_service_pb2 as cartes
from espacecitoyen.demandes.v1 import demandes_service_pb2 as demandes
from passerelle import clients, session
from passerelle.portail.forms import Ticket

bp = Blueprint("demandes", __name__)

_RECHERCHE_MAX: Final = 100
_PAGE: Final = 100
# Letters and digits in groups; what a ticket looks like is fixed with the requests themselves.
_TICKET: Final = re.compile(r"[0-9A-Za-z]{4,}(?:[ -][0-9A-Za-z]{2,})*")


@bp.get("/demandes")
@session.login_required
def miennes() -> ResponseReturnValue:
    """Show the requests under way: today those for a card."""
    services = clients.current()
    answer: cartes.ListCartesResponse = services.cartes.call(
        lambda s: s.ListCartes, cartes.ListCartesRequest(), token=services.token()
    )
    en_cours = [carte for carte in answer.cartes if carte.HasField("demande")]
    return render_template("demandes/miennes.html", cartes=en_cours)


@bp.get("/demandes/nouvelle")
def catalogue() -> ResponseReturnValue:
    """Show « Faire une demande »: types by theme, a padlock before those that need an account."""
    recherche = request.args.get("recherche", "").strip()[:_RECHERCHE_MAX]
    services = clients.current()
    answer: demandes.ListTypesDemandeResponse = services.demandes.call(
        lambda s: s.ListTypesDemande,
        demandes.ListTypesDemandeRequest(recherche=recherche, page_size=_PAGE),
        token=services.token(),
    )
    themes = [
        (list(types)) for _, types in groupby(answer.types, key=lambda un_type: un_type.theme)
    ]
    return render_template("demandes/catalogue.html", themes=themes, recherche=recherche)


@bp.get("/demandes/type/<code>")
def un_type(code: str) -> ResponseReturnValue:
    """Show one type: what it is, and what it takes to begin."""
    services = clients.current()
    answer: demandes.ListTypesDemandeResponse = services.demandes.call(
        lambda s: s.ListTypesDemande,
        demandes.ListTypesDemandeRequest(page_size=_PAGE),
        token=services.token(),
    )
    trouve = next((un for un in answer.types if un.code == code), None)
    if trouve is None:
        return render_template("demandes/type_inconnu.html"), 404
    return render_template("demandes/type.html", type=trouve)


@bp.get("/demandes/ticket")
def ticket() -> ResponseReturnValue:
    """Show « Consulter cette demande »."""
    formulaire = Ticket(request.args)
    if "numero" not in request.args:
        return render_template("demandes/ticket.html", formulaire=Ticket())
    if not formulaire.validate():
        return render_template("demandes/ticket.html", formulaire=formulaire), 422
    if not _TICKET.fullmatch(formulaire.numero.data):
        formulaire.numero.errors = [Ticket.mal_ecrit()]
        return render_template("demandes/ticket.html", formulaire=formulaire), 422
    # demandes has no request yet (its first RPC is the catalogue): every number is unknown.
    page = render_template(
        "demandes/ticket.html", formulaire=formulaire, inconnu=formulaire.numero.data
    )
    return page, 404
