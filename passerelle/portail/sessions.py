"""« Mes sessions et appareils »: see them, end them (IDN-20, R37), and stay (WCAG 2.2.1)."""

from uuid import uuid4

from flask import Blueprint, make_response, render_template, request, url_for
from flask import redirect as vers
from flask.typing import ResponseReturnValue

from espacecitoyen.identite.v1 import acces_service_pb2 as acces
from passerelle import clients, reprise, session
from passerelle.portail.appareils import en_mots

bp = Blueprint("compte_sessions", __name__, url_prefix="/compte/sessions")
bp_reprise = Blueprint("reprise", __name__)


@bp.get("")
@session.login_required
def page() -> ResponseReturnValue:
    """Show where one is logged in."""
    services = clients.current()
    answer: acces.ListSessionsResponse = services.acces.call(
        lambda s: s.ListSessions, acces.ListSessionsRequest(), token=services.own_token()
    )
    return render_template(
        "compte/sessions.html",
        sessions=answer.sessions,
        appareils=answer.appareils,
        en_mots=en_mots,
    )


@bp.get("/prolonger")
@session.login_required
def prolonger() -> ResponseReturnValue:
    """Stay: any page keeps the session alive, and this one says so."""
    if request.accept_mimetypes.best == "application/json":
        # Not the visit that this process remembers from a moment ago: its end is told.
        return {"expire_le": session.current_visit().expire_le}
    return render_template("compte/prolongee.html")


@bp.post("/terminer")
@session.login_required
def terminer() -> ResponseReturnValue:
    """End one other session."""
    services = clients.current()
    services.acces.call(
        lambda s: s.TerminerSession,
        acces.TerminerSessionRequest(
            request_id=_request_id(), session_id=request.form.get("session_id", "")
        ),
        token=services.own_token(),
    )
    return vers(url_for("compte_sessions.page", fait="session_terminee"), code=303)


@bp.post("/terminer-autres")
@session.login_required
def terminer_autres() -> ResponseReturnValue:
    """End every other session."""
    services = clients.current()
    services.acces.call(
        lambda s: s.TerminerAutresSessions,
        acces.TerminerAutresSessionsRequest(request_id=_request_id()),
        token=services.own_token(),
    )
    return vers(url_for("compte_sessions.page", fait="sessions_terminees"), code=303)


@bp.post("/oublier-appareil")
@session.login_required
def oublier() -> ResponseReturnValue:
    """Forget one device."""
    services = clients.current()
    services.acces.call(
        lambda s: s.OublierAppareil,
        acces.OublierAppareilRequest(
            request_id=_request_id(), appareil_id=request.form.get("appareil_id", "")
        ),
        token=services.own_token(),
    )
    return vers(url_for("compte_sessions.page", fait="appareil_oublie"), code=303)


@bp_reprise.get(reprise.PAGE)
@session.login_required
def reprendre() -> ResponseReturnValue:
    """Show what was typed before the session ended; its owner sends it again, or does not."""
    garde = reprise.rouvrir(session.current_visit().compte_id)
    if garde is None:
        return vers(url_for("accueil.personnel"))
    chemin, champs = garde
    response = make_response(
        render_template("connexion/reprise.html", chemin=chemin, champs=champs)
    )
    reprise.oublier(response)
    return response


def _request_id() -> str:
    return request.form.get("request_id") or str(uuid4())
