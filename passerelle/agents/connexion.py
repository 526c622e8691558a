"""The staff door: a session opened here is apart from the citizens' one."""

from flask import Blueprint, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from chassis.grpc_client import RemoteError
from passerelle import session
from passerelle.portail import appareils, verification
from passerelle.portail.connexion import apres_refus, ouvrir_session
from passerelle.portail.forms import Connexion
from passerelle.problems import from_remote

bp = Blueprint("agents_connexion", __name__)


@bp.get("/connexion")
def page() -> ResponseReturnValue:
    """Show the form."""
    suite = _suite(request.args.get("suite", ""))
    if session.current_visit().connecte:
        return redirect(suite)
    return render_template("agents/connexion.html", formulaire=Connexion(suite=suite), defi=None)


@bp.post("/connexion")
def ouvrir() -> ResponseReturnValue:
    """Open a staff session; an account without a staff role is refused by identite."""
    formulaire = Connexion(request.form)
    statut, probleme = 422, None
    if formulaire.validate() and "autre_code" not in request.form:
        try:
            ouverte = ouvrir_session(formulaire, agent=True)
        except RemoteError as error:
            probleme = from_remote(error)
            formulaire.noter(probleme)
            statut = probleme.status
        else:
            if ouverte.epreuve:
                suite = _suite(formulaire.suite.data or "")
                return verification.suivre(ouverte, suite, agent=True)
            response = make_response(redirect(_suite(formulaire.suite.data or ""), code=303))
            session.open_session(response, ouverte.jeton_session, agent=True)
            appareils.retenir(response, ouverte.jeton_appareil)
            return response
    suite_defi = apres_refus(probleme)
    page = render_template("agents/connexion.html", formulaire=formulaire, defi=suite_defi)
    return page, statut


@bp.post("/deconnexion")
def fermer() -> ResponseReturnValue:
    """End the staff session."""
    response = make_response(redirect(url_for("agents_connexion.page", fait="deconnecte"), 303))
    session.close_session(response, agent=True)
    return response


@bp.get("/session/prolonger")
@session.login_required
def prolonger() -> ResponseReturnValue:
    """Stay: any page keeps the session alive, and this one says so."""
    if request.accept_mimetypes.best == "application/json":
        return {"expire_le": session.current_visit().expire_le}
    return render_template("compte/prolongee.html")


def _suite(demandee: str) -> str:
    """Return a staff page; the citizens' side is behind another cookie."""
    file = url_for("agents_cartes.file")
    suite = session.local_path(demandee, file)
    return suite if suite.startswith("/agents/") else file
