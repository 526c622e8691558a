"""« Mon compte »: the profile as it was given."""

from flask import Blueprint, render_template
from flask.typing import ResponseReturnValue

from espacecitoyen.identite.v1 import identite_service_pb2 as identite
from passerelle import clients, session

bp = Blueprint("compte", __name__)


@bp.get("/compte")
@session.login_required
def profil() -> ResponseReturnValue:
    """Show « Mon profil »."""
    return render_template("compte.html", profil=lire())


def lire() -> identite.Profil:
    """Return the profile of the visitor."""
    services = clients.current()
    answer: identite.GetProfilResponse = services.identite.call(
        lambda s: s.GetProfil, identite.GetProfilRequest(), token=services.token()
    )
    return answer.profil
