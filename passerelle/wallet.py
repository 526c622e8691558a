"""The two wallet links of a mail (CAR-05); the page that offers them is the portal's.

The secret in the address is the whole key: nothing here is cached, logged or told to others.
"""

from flask import Flask, Response, redirect
from werkzeug.routing import BaseConverter
from werkzeug.wrappers import Response as AnyResponse

from espacecitoyen.cartes.v1 import cartes_service_pb2 as cartes
from passerelle import clients
from passerelle.documents import disposition
from passerelle.problems import Problem

PKPASS = "application/vnd.apple.pkpass"
NOM_FICHIER = "carte-citoyen.pkpass"
GOOGLE = "https://pay.google.com/"


class JetonConverter(BaseConverter):
    """The secret of a mailed link: 43 characters of base64url; anything else is no address."""

    regex = "[A-Za-z0-9_-]{43}"
    part_isolating = True


def register(app: Flask) -> None:
    """Serve the two links; the portal's page may use the same `jeton` converter."""
    app.add_url_rule("/portefeuille/<jeton:jeton>/apple", "portefeuille_apple", apple)
    app.add_url_rule("/portefeuille/<jeton:jeton>/google", "portefeuille_google", google)


def apple(jeton: str) -> Response:
    """Give the signed pass."""
    return pass_file(
        cartes.TelechargerPasseRequest(jeton=jeton), clients.current().anonymous_token()
    )


def google(jeton: str) -> AnyResponse:
    """Send to Google's save page."""
    request = cartes.ObtenirLienGoogleRequest(jeton=jeton)
    response = redirect(google_link(request, clients.current().anonymous_token()), code=303)
    response.headers["Cache-Control"] = "no-store"
    return response


def pass_file(request: cartes.TelechargerPasseRequest, token: str) -> Response:
    """Return the pass as a download; used by the API and the portal too."""
    services = clients.current()
    answer: cartes.TelechargerPasseResponse = services.cartes.call(
        lambda s: s.TelechargerPasse, request, token=token, deadline=services.config.delai_appel_s
    )
    response = Response(answer.contenu, mimetype=PKPASS)
    response.headers["Content-Disposition"] = disposition(NOM_FICHIER)
    response.headers["Cache-Control"] = "no-store"
    return response


def google_link(request: cartes.ObtenirLienGoogleRequest, token: str) -> str:
    """Return the save link; an address that is not Google's is never followed."""
    services = clients.current()
    answer: cartes.ObtenirLienGoogleResponse = services.cartes.call(
        lambda s: s.ObtenirLienGoogle, request, token=token, deadline=services.config.delai_appel_s
    )
    if not answer.url.startswith(GOOGLE):
        raise Problem("INTERNE")
    return answer.url
