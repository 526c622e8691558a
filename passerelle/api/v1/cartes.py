"""The Carte citoyen of the person who is logged in (CAR-02, 04, 05, 08)."""

from typing import Final
from uuid import UUID

from flask import Response, jsonify

from espacecitoyen.cartes.v1 import cartes_service_pb2 as cartes
from espacecitoyen.cartes.v1 import parcours_service_pb2 as parcours
from passerelle import clients, wallet
from passerelle.api.v1 import body, shapes
from passerelle.api.v1.body import Flag, Object, Text
from passerelle.api.v1.contract import Media, Resource, ref, request_id
from passerelle.problems import Problem

RESOURCE: Final = Resource("Cartes")
_ID: Final = Text(required=True, longest=36, format="uuid")

_DEMANDE: Final = Object(
    {
        "piece_identite_id": _ID,
        "piece_residence_id": _ID,
        "carte_physique": Flag(),
        "titulaire": Object(
            {
                "prenom": Text(required=True, longest=100),
                "nom": Text(required=True, longest=100),
                "date_naissance": Text(required=True, longest=10, format="date"),
                "adresse": Text(required=True, longest=120),
                "ville": Text(required=True, longest=100),
                "code_postal": Text(required=True, longest=10),
            }
        ),
    }
)
_ASSOCIATION: Final = Object(
    {
        "numero": Text(required=True, longest=30),
        "date_naissance": Text(required=True, longest=10, format="date"),
        "code_postal": Text(required=True, longest=10),
        "carte_physique": Flag(),
    }
)
_RENOUVELLEMENT: Final = Object(
    {
        "piece_residence_id": _ID,
        "piece_identite_id": Text(longest=36, format="uuid"),
        "carte_physique": Flag(),
        "adresse": Object(
            {
                "adresse": Text(required=True, longest=120),
                "ville": Text(required=True, longest=100),
                "code_postal": Text(required=True, longest=10),
            }
        ),
    }
)
_REMPLACEMENT: Final = Object({"piece_id": _ID})
_ROLES: Final = {
    "identite": cartes.ROLE_PIECE_IDENTITE,
    "residence": cartes.ROLE_PIECE_RESIDENCE,
}


@RESOURCE.route(
    "GET", "/cartes", summary="Voir les cartes / See the cards", answers={200: ref("ListeCartes")}
)
def lister_cartes() -> Response:
    """List one's cards with their expiry."""
    services = clients.current()
    answer: cartes.ListCartesResponse = services.cartes.call(
        lambda s: s.ListCartes,
        cartes.ListCartesRequest(),
        token=services.token(),
        deadline=services.config.delai_appel_s,
    )
    return jsonify(shapes.liste_cartes(answer))


@RESOURCE.route(
    "POST",
    "/cartes",
    summary="Demander ma carte / Request my card",
    body=_DEMANDE,
    answers={201: ref("Carte")},
    idempotent=True,
)
def demander_carte() -> Response:
    """Request a card with two proofs; it waits for validation."""
    fields = body.read(_DEMANDE)
    titulaire = cartes.Titulaire(**fields.pop("titulaire"))
    services = clients.current()
    answer: cartes.DemanderCarteResponse = services.cartes.call(
        lambda s: s.DemanderCarte,
        cartes.DemanderCarteRequest(request_id=request_id(), titulaire=titulaire, **fields),
        token=services.token(),
        deadline=services.config.delai_appel_s,
    )
    response = jsonify(shapes.carte(answer.carte))
    response.status_code = 201
    response.headers["Location"] = f"/api/v1/cartes/{answer.carte.carte_id}"
    return response


@RESOURCE.route(
    "GET",
    "/cartes/<uuid:carte_id>",
    summary="Une carte / One card",
    answers={200: ref("Carte")},
)
def lire_carte(carte_id: UUID) -> Response:
    """Return one card with its open request."""
    return jsonify(shapes.carte(_get(carte_id)))


@RESOURCE.route(
    "POST",
    "/cartes/associations",
    summary="Associer une carte physique / Join a physical card",
    body=_ASSOCIATION,
    answers={201: ref("Carte")},
    idempotent=True,
)
def associer_carte() -> Response:
    """Join a valid physical card to the account: number, birth date and postal code prove it."""
    fields = body.read(_ASSOCIATION)
    services = clients.current()
    answer: parcours.AssocierCarteResponse = services.parcours_cartes.call(
        lambda s: s.AssocierCarte,
        parcours.AssocierCarteRequest(request_id=request_id(), **fields),
        token=services.token(),
        deadline=services.config.delai_appel_s,
    )
    response = jsonify(shapes.carte(answer.carte))
    response.status_code = 201
    response.headers["Location"] = f"/api/v1/cartes/{answer.carte.carte_id}"
    return response


@RESOURCE.route(
    "POST",
    "/cartes/<uuid:carte_id>/renouvellements",
    summary="Renouveler une carte / Renew a card",
    body=_RENOUVELLEMENT,
    answers={201: ref("Carte")},
    idempotent=True,
)
def renouveler_carte(carte_id: UUID) -> Response:
    """Ask for two more years on a card, from 30 days before its last one to 90 days after."""
    fields = body.read(_RENOUVELLEMENT)
    adresse = parcours.Adresse(**fields.pop("adresse"))
    services = clients.current()
    answer: parcours.RenouvelerCarteResponse = services.parcours_cartes.call(
        lambda s: s.RenouvelerCarte,
        parcours.RenouvelerCarteRequest(
            request_id=request_id(), carte_id=str(carte_id), adresse=adresse, **fields
        ),
        token=services.token(),
        deadline=services.config.delai_appel_s,
    )
    response = jsonify(shapes.carte(answer.carte))
    response.status_code = 201
    return response


@RESOURCE.route(
    "PUT",
    "/cartes/<uuid:carte_id>/demande/pieces/<role>",
    summary="Remplacer la preuve refusée (identite, residence) / Replace the refused proof",
    body=_REMPLACEMENT,
    answers={200: ref("Carte")},
    idempotent=True,
)
def remplacer_piece(carte_id: UUID, role: str) -> Response:
    """Replace one refused proof, that one alone."""
    if role not in _ROLES:
        raise Problem("ADRESSE_INCONNUE")
    fields = body.read(_REMPLACEMENT)
    demande = _get(carte_id).demande
    if not demande.demande_id:
        raise Problem("DEMANDE_INTROUVABLE")
    services = clients.current()
    answer: cartes.RemplacerPieceResponse = services.cartes.call(
        lambda s: s.RemplacerPiece,
        cartes.RemplacerPieceRequest(
            request_id=request_id(),
            demande_id=demande.demande_id,
            role=_ROLES[role],
            piece_id=fields["piece_id"],
        ),
        token=services.token(),
        deadline=services.config.delai_appel_s,
    )
    return jsonify(shapes.carte(answer.carte))


@RESOURCE.route(
    "GET",
    "/cartes/<uuid:carte_id>/passe.pkpass",
    summary="Carte pour Apple Wallet / Card for Apple Wallet",
    answers={200: Media((wallet.PKPASS,))},
)
def telecharger_passe(carte_id: UUID) -> Response:
    """Return the signed pass of one's active card."""
    request = cartes.TelechargerPasseRequest(carte_id=str(carte_id))
    return wallet.pass_file(request, clients.current().token())


@RESOURCE.route(
    "GET",
    "/cartes/<uuid:carte_id>/google",
    summary="Lien Google Wallet / Google Wallet link",
    answers={200: ref("LienGoogle")},
)
def obtenir_lien_google(carte_id: UUID) -> Response:
    """Return the save link of one's active card."""
    request = cartes.ObtenirLienGoogleRequest(carte_id=str(carte_id))
    return jsonify({"url": wallet.google_link(request, clients.current().token())})


def _get(carte_id: UUID) -> cartes.Carte:
    services = clients.current()
    answer: cartes.GetCarteResponse = services.cartes.call(
        lambda s: s.GetCarte,
        cartes.GetCarteRequest(carte_id=str(carte_id)),
        token=services.token(),
        deadline=services.config.delai_appel_s,
    )
    return answer.carte
