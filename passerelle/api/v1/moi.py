"""The profile of the person who is logged in."""

from typing import Final

from flask import Response, jsonify

from espacecitoyen.identite.v1 import identite_service_pb2 as identite
from passerelle import clients
from passerelle.api.v1 import shapes
from passerelle.api.v1.contract import Resource, ref

RESOURCE: Final = Resource("Compte")


@RESOURCE.route("GET", "/moi", summary="Mon profil / My profile", answers={200: ref("Profil")})
def lire_profil() -> Response:
    """Return one's own profile."""
    services = clients.current()
    answer: identite.GetProfilResponse = services.identite.call(
        lambda s: s.GetProfil,
        identite.GetProfilRequest(),
        token=services.token(),
        deadline=services.config.delai_appel_s,
    )
    return jsonify(shapes.profil(answer.profil))
