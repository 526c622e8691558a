"""The staff door: a session opened here is apart from the citizens' one."""

from flask import Blueprint, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from chassis.grpc_client import RemoteError
from passerelle import session
from passerelle.portail.connexion import ouvrir_session
from passerelle.portail.forms import Connexion
from passerelle.problems import from_remote

bp = Blueprint("agents_connexion", __name__)


@bp.get("/connexion")
def page() -> ResponseReturnValue:
    """Show the form."""
    suite = _suite(request.args.get("suite", ""))
    if session.current_visit().connecte:
        return redirect(suite)
    return render_template("agents/connexion.html", formulaire=Connexion(suite=suite))


@bp.post("/connexion")
def ouvrir() -> ResponseReturnValue:
    """Open a staff session; an account without a staff role is refused by identite."""
    formulaire = Connexion(request.form)
    statut = 422
    if formulaire.validate():
        try:
            jeton = ouvrir_session(formulaire, agent=True)
        except RemoteError as error:
            probleme = from_remote(error)
            formulaire.noter(probleme)
            statut = probleme.status
        else:
            response = make_response(redirect(_suite(formulaire.suite.data or ""), code=303))
            session.open_session(response, jeton, agent=True)
            return response
    return render_template("agents/connexion.html", formulaire=formulaire), statut


@bp.post("/deconnexion")
def fermer() -> ResponseReturnValue:
    """End the staff session."""
    response = make_response(redirect(url_for("agents_connexion.page", fait="deconnecte"), 303))
    session.close_session(response, agent=True)
    return response


def _suite(demandee: str) -> str:
    """Return a staff page; the citizens' side is behind another cookie."""
    file = url_for("agents_cartes.file")
    suite = session.local_path(demandee, file)
    return suite if suite.startswith("/agents/") else file
