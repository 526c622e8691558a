"""The catalogue of requests (DEM-01)."""

from typing import Final

from flask import Response, jsonify, request

from espacecitoyen.demandes.v1 import demandes_service_pb2 as demandes
from passerelle import clients
from passerelle.api.v1 import shapes
from passerelle.api.v1.contract import PAGING, Resource, number, ref, text_query

RESOURCE: Final = Resource("Demandes")


@RESOURCE.route(
    "GET",
    "/types-demande",
    summary="Catalogue des demandes / Catalogue of requests",
    auth="",
    query=(text_query("recherche", "Mots-clés / Keywords", 100), *PAGING),
    answers={200: ref("TypesDemande")},
)
def lister_types_demande() -> Response:
    """List the published types, by theme then title."""
    services = clients.current()
    answer: demandes.ListTypesDemandeResponse = services.demandes.call(
        lambda s: s.ListTypesDemande,
        demandes.ListTypesDemandeRequest(
            recherche=request.args.get("recherche", ""),
            page_size=number("taille"),
            page_token=request.args.get("curseur", ""),
        ),
        token=services.token(),
        deadline=services.config.delai_appel_s,
    )
    return jsonify(shapes.types_demande(answer))
