"""A mailed link that proves another e-mail address of an account (IDN-11, IDN-14)."""

from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from chassis.grpc_client import RemoteError
from espacecitoyen.identite.v1 import coordonnees_service_pb2 as pb
from passerelle import clients
from passerelle.problems import from_remote

bp = Blueprint("courriel", __name__)


@bp.get("/courriel/<jeton:jeton>")
def lien(jeton: str) -> ResponseReturnValue:
    """Show the button that confirms: mail scanners open every link, people press buttons."""
    return render_template("courriel/confirmer.html", jeton=jeton, code="")


@bp.post("/courriel/<jeton:jeton>")
def confirmer(jeton: str) -> ResponseReturnValue:
    """Use the link, once; after a lost mailbox it leads to a new password."""
    services = clients.current()
    try:
        answer: pb.ConfirmerCourrielResponse = services.coordonnees.call(
            lambda s: s.ConfirmerCourriel,
            pb.ConfirmerCourrielRequest(request_id=request.form.get("request_id", ""), jeton=jeton),
            token=services.anonymous_token(),
        )
    except RemoteError as error:
        probleme = from_remote(error)
        if not probleme.code.startswith(("LIEN_", "COURRIEL_")):
            raise probleme from error
        page = render_template("courriel/confirmer.html", jeton=jeton, code=probleme.code)
        return page, probleme.status
    if answer.jeton_reinitialisation:
        suite = url_for("connexion.nouveau", jeton=answer.jeton_reinitialisation)
        return redirect(suite, code=303)
    return redirect(url_for("connexion.page", fait="courriel_confirme"), code=303)
