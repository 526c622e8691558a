"""The JSON API of the web and mobile clients (PAS-04), under /api/v1."""

import hashlib
from http import HTTPStatus
from typing import Final

from flask import Blueprint, Flask, Response, request

from passerelle.api.v1 import (
    acces,
    accueil,
    agents,
    avis,
    cartes,
    comptes,
    document,
    moi,
    pieces,
    profil,
    session,
    televersements,
    types_demande,
    verification,
)

PREFIX: Final = "/api/v1"
RESOURCES: Final = (
    comptes.RESOURCE,
    session.RESOURCE,
    verification.RESOURCE,
    acces.RESOURCE,
    moi.RESOURCE,
    profil.RESOURCE,
    accueil.RESOURCE,
    pieces.RESOURCE,
    televersements.RESOURCE,
    cartes.RESOURCE,
    types_demande.RESOURCE,
    avis.RESOURCE,
    agents.RESOURCE,
    document.RESOURCE,
)


def register(app: Flask) -> None:
    """Serve the API and its OpenAPI document."""
    blueprint = Blueprint("api_v1", __name__, url_prefix=PREFIX)
    operations = [operation for resource in RESOURCES for operation in resource.operations]
    document.publish(app, operations, PREFIX)
    for resource in RESOURCES:
        resource.register(blueprint)
    blueprint.after_request(_validate_cache)
    app.register_blueprint(blueprint)


def _validate_cache(response: Response) -> Response:
    """Give every JSON read a strong ETag, and 304 to a client that has it (RFC 9110 13.1.2)."""
    is_read = request.method in {"GET", "HEAD"} and response.status_code == HTTPStatus.OK
    if is_read and response.mimetype == "application/json":
        digest = hashlib.sha256(response.get_data()).hexdigest()[:32]
        response.set_etag(digest)
        # A public read may be kept, but is asked about each time; a private one is no-store.
        response.headers.setdefault("Cache-Control", "no-cache")
        response.make_conditional(request)
    return response
