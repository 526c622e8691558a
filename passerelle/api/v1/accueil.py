"""The aggregated home (PAS-03)."""

from typing import Final

from flask import Response, jsonify

from passerelle import clients, home, session
from passerelle.api.v1 import shapes
from passerelle.api.v1.contract import Resource, ref

RESOURCE: Final = Resource("Accueil")


@RESOURCE.route(
    "GET",
    "/accueil",
    summary="Tout en un coup d’œil / Everything at a glance",
    answers={200: ref("Accueil")},
)
def lire_accueil() -> Response:
    """Return what the five services say, each with its value or the reason why it is missing."""
    return jsonify(shapes.accueil(home.load_home(clients.current(), session.current_visit())))
