"""Staff: the card requests that wait for a decision (CAR-04)."""

from typing import Final
from uuid import UUID

from flask import Response, jsonify, request

from espacecitoyen.cartes.v1 import cartes_service_pb2 as cartes
from passerelle import clients, documents
from passerelle.api.v1 import body, shapes
from passerelle.api.v1.body import Flag, Many, Object, Text, Whole
from passerelle.api.v1.contract import (
    PAGING,
    Media,
    Resource,
    choice,
    number,
    number_query,
    ref,
    request_id,
    text_query,
)

RESOURCE: Final = Resource("Agents")
ROLE: Final = "agent_cartes"
# Why staff read a citizen's proofs; stockage and cartes write it in their audit.
PURPOSE: Final = "validation_carte"
_PAGES_MAX: Final = 1000

_DECISION: Final = Object(
    {
        "version": Whole(required=True),
        "decisions": Many(
            Object(
                {
                    "role": Text(required=True, choices=("IDENTITE", "RESIDENCE")),
                    "acceptee": Flag(required=True),
                    "motif": Text(
                        choices=(
                            "ILLISIBLE",
                            "EXPIREE",
                            "NOM_DIFFERENT",
                            "ADRESSE_DIFFERENTE",
                            "GENRE_NON_ACCEPTE",
                            "AUTRE",
                        )
                    ),
                    "precision": Text(longest=500),
                }
            ),
            required=True,
            most=10,
        ),
    }
)


@RESOURCE.route(
    "GET",
    "/agents/demandes-carte",
    summary="Demandes de carte à valider / Card requests to validate",
    auth=ROLE,
    query=(*PAGING, text_query("statut", "DEPOSEE, INCOMPLETE, APPROUVEE, REFUSEE", 20)),
    answers={200: ref("ListeDemandesCarte")},
)
def lister_demandes_carte() -> Response:
    """List the requests, oldest first; those that wait for staff when no `statut` is named."""
    statut = choice("statut", "STATUT_DEMANDE_", cartes.StatutDemande)
    services = clients.current()
    answer: cartes.ListDemandesResponse = services.cartes.call(
        lambda s: s.ListDemandes,
        cartes.ListDemandesRequest(
            page_size=number("taille"),
            page_token=request.args.get("curseur", ""),
            statut=cartes.StatutDemande.ValueType(statut),
        ),
        token=services.token(PURPOSE),
        deadline=services.config.delai_appel_s,
    )
    return jsonify(shapes.liste_demandes_carte(answer))


@RESOURCE.route(
    "GET",
    "/agents/demandes-carte/<uuid:demande_id>",
    summary="Une demande de carte / One card request",
    auth=ROLE,
    answers={200: ref("DemandeCarte")},
)
def lire_demande_carte(demande_id: UUID) -> Response:
    """Return one request with both proofs; its opening is audited."""
    services = clients.current()
    answer: cartes.GetDemandeResponse = services.cartes.call(
        lambda s: s.GetDemande,
        cartes.GetDemandeRequest(demande_id=str(demande_id)),
        token=services.token(PURPOSE),
        deadline=services.config.delai_appel_s,
    )
    return jsonify(shapes.demande_carte(answer.demande))


@RESOURCE.route(
    "POST",
    "/agents/demandes-carte/<uuid:demande_id>/decision",
    summary="Décider de chaque preuve / Decide on each proof",
    auth=ROLE,
    body=_DECISION,
    answers={200: ref("DemandeCarte")},
    idempotent=True,
)
def decider_demande_carte(demande_id: UUID) -> Response:
    """Accept or refuse each proof of the version that was read."""
    fields = body.read(_DECISION)
    services = clients.current()
    answer: cartes.DeciderDemandeResponse = services.cartes.call(
        lambda s: s.DeciderDemande,
        cartes.DeciderDemandeRequest(
            request_id=request_id(),
            demande_id=str(demande_id),
            version=fields["version"],
            decisions=[
                cartes.DecisionPiece(
                    role=cartes.RolePiece.Value("ROLE_PIECE_" + item["role"]),
                    acceptee=item["acceptee"],
                    motif=cartes.MotifRefus.Value(
                        "MOTIF_REFUS_" + (item["motif"] or "UNSPECIFIED")
                    ),
                    precision=item["precision"],
                )
                for item in fields["decisions"]
            ],
        ),
        token=services.token(PURPOSE),
        deadline=services.config.delai_appel_s,
    )
    return jsonify(shapes.demande_carte(answer.demande))


@RESOURCE.route(
    "GET",
    "/agents/demandes-carte/<uuid:demande_id>/pieces/<uuid:piece_id>/apercu",
    summary="Aperçu d’une preuve / Preview of a proof",
    auth=ROLE,
    query=(number_query("page", "Page, à partir de 1 / Page, from 1", _PAGES_MAX),),
    answers={200: Media(("image/png",))},
)
def apercevoir_preuve(demande_id: UUID, piece_id: UUID) -> Response:
    """Stream the preview of a proof that the request holds; its reading is audited."""
    return documents.send(
        str(piece_id),
        apercu=True,
        page=number("page", _PAGES_MAX),
        dossier_id=str(demande_id),
        purpose=PURPOSE,
    )
