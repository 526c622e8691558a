"""« Mes avis municipaux »: what one is subscribed to and what was sent lately."""

from typing import Final

from flask import Blueprint, render_template
from flask.typing import ResponseReturnValue

from espacecitoyen.avis.v1 import avis_service_pb2 as avis
from passerelle import clients, session

bp = Blueprint("avis", __name__)

_MESSAGES: Final = 20


@bp.get("/avis")
@session.login_required
def mes_avis() -> ResponseReturnValue:
    """Show subscriptions, channels and the latest messages."""
    services = clients.current()
    mes: avis.GetMesAvisResponse = services.avis.call(
        lambda s: s.GetMesAvis,
        avis.GetMesAvisRequest(messages=_MESSAGES),
        token=services.token(),
    )
    return render_template("avis.html", mes=mes)
