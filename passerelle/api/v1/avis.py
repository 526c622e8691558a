"""The notices of the person who is logged in."""

from typing import Final

from flask import Response, jsonify

from espacecitoyen.avis.v1 import avis_service_pb2 as avis
from passerelle import clients
from passerelle.api.v1 import shapes
from passerelle.api.v1.contract import Resource, number, number_query, ref

RESOURCE: Final = Resource("Avis")
_MESSAGES_MAX: Final = 50


@RESOURCE.route(
    "GET",
    "/avis",
    summary="Mes avis municipaux / My municipal notices",
    query=(number_query("messages", "Derniers messages / Latest messages", _MESSAGES_MAX),),
    answers={200: ref("MesAvis")},
)
def lire_avis() -> Response:
    """Return the subscriptions and the latest messages."""
    services = clients.current()
    answer: avis.GetMesAvisResponse = services.avis.call(
        lambda s: s.GetMesAvis,
        avis.GetMesAvisRequest(messages=number("messages", _MESSAGES_MAX)),
        token=services.token(),
        deadline=services.config.delai_appel_s,
    )
    return jsonify(shapes.mes_avis(answer))
