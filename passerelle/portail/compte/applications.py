"""« Applications »: what a person lets other systems read, and takes back (IDN-19, IDN-22)."""

from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from espacecitoyen.identite.v1 import oidc_service_pb2 as pb
from passerelle import clients, session
from passerelle.oidc.mots import PORTEES, nom_du_client

bp = Blueprint("compte_applications", __name__)


@bp.get("/compte/applications")
@session.login_required
def liste() -> ResponseReturnValue:
    """List the applications that the person agreed to."""
    services = clients.current()
    reponse: pb.ListConsentementsOidcResponse = services.oidc.call(
        lambda s: s.ListConsentementsOidc,
        pb.ListConsentementsOidcRequest(),
        token=services.token(),
    )
    applications = [
        {
            "client_id": donne.client_id,
            "nom": nom_du_client(donne),
            "portees": [PORTEES[portee] for portee in donne.portees if portee in PORTEES],
            "donne_le": donne.donne_le,
        }
        for donne in reponse.consentements
    ]
    return render_template("compte/applications.html", applications=applications)


@bp.post("/compte/applications/<client_id>/retirer")
@session.login_required
def retirer(client_id: str) -> ResponseReturnValue:
    """Take a consent back; the application's access ends at once."""
    services = clients.current()
    services.oidc.call(
        lambda s: s.RetirerConsentementOidc,
        pb.RetirerConsentementOidcRequest(
            request_id=request.form.get("request_id", ""), client_id=client_id
        ),
        token=services.token(),
    )
    return redirect(url_for("compte_applications.liste", fait="acces_retire"), code=303)
