"""Legal holds over gRPC: staff orders, the use case obeys."""

import datetime as dt
from collections.abc import Callable, Mapping

import grpc
from sqlalchemy import Engine

from chassis.db import Sessions
from chassis.grpc_server import ErrorRow
from espacecitoyen.stockage.v1 import conservation_service_pb2 as pb
from espacecitoyen.stockage.v1 import conservation_service_pb2_grpc as pb_grpc
from services.stockage import domain, persistence
from services.stockage.api.messages import horodatage, lire_id, sujet
from services.stockage.domain import Gel, GelIntrouvable
from services.stockage.use_cases import gels

SERVICE = "espacecitoyen.stockage.v1.ConservationService"

_PERSONNEL = frozenset({"admin"})
ACCESS: Mapping[str, frozenset[str]] = {
    "PoserGel": _PERSONNEL,
    "LeverGel": _PERSONNEL,
    "ListGels": _PERSONNEL,
}
ERRORS: Mapping[type[Exception], ErrorRow] = {
    domain.GelIntrouvable: ErrorRow(grpc.StatusCode.NOT_FOUND, "GEL_INTROUVABLE"),
    domain.PieceGelee: ErrorRow(grpc.StatusCode.FAILED_PRECONDITION, "PIECE_GELEE"),
}


class Servicer(pb_grpc.ConservationServiceServicer):
    """One method per RPC; the contract is in the .proto, the rules in the use cases."""

    def __init__(
        self, *, sessions: Sessions, lecteur: Engine, horloge: Callable[[], dt.datetime]
    ) -> None:
        self._sessions = sessions
        self._lecteur = lecteur
        self._horloge = horloge

    def PoserGel(  # noqa: N802  (named by the contract)
        self, request: pb.PoserGelRequest, _context: grpc.ServicerContext
    ) -> pb.PoserGelResponse:
        """Hold a document or a space."""
        gel = gels.poser_gel(
            sessions=self._sessions,
            request_id=request.request_id,
            ordre=gels.Ordre(
                compte_id=lire_id(request.compte_id),
                piece_id=lire_id(request.piece_id) if request.piece_id else None,
                motif=domain.lire_motif(request.motif),
                sans_avis=request.sans_avis,
                auteur_id=sujet(),
            ),
            maintenant=self._horloge(),
        )
        return pb.PoserGelResponse(gel=_message(gel))

    def LeverGel(  # noqa: N802  (named by the contract)
        self, request: pb.LeverGelRequest, _context: grpc.ServicerContext
    ) -> pb.LeverGelResponse:
        """End a hold."""
        try:
            gel_id = lire_id(request.gel_id)
        except domain.PieceIntrouvable as erreur:
            raise GelIntrouvable from erreur
        gel = gels.lever_gel(
            sessions=self._sessions,
            request_id=request.request_id,
            gel_id=gel_id,
            motif=domain.lire_motif(request.motif),
            auteur_id=sujet(),
            maintenant=self._horloge(),
        )
        return pb.LeverGelResponse(gel=_message(gel))

    def ListGels(  # noqa: N802  (named by the contract)
        self, request: pb.ListGelsRequest, _context: grpc.ServicerContext
    ) -> pb.ListGelsResponse:
        """List the holds of an account."""
        with self._lecteur.connect() as connexion:
            trouves = persistence.lister_gels(connexion, lire_id(request.compte_id))
        return pb.ListGelsResponse(gels=[_message(gel) for gel in trouves])


def register(server: grpc.Server, servicer: Servicer) -> None:
    """Add the service to a server."""
    pb_grpc.add_ConservationServiceServicer_to_server(servicer, server)


def _message(gel: Gel) -> pb.Gel:
    return pb.Gel(
        gel_id=str(gel.gel_id),
        compte_id=str(gel.compte_id),
        piece_id="" if gel.document_id is None else str(gel.document_id),
        motif=gel.motif,
        pose_par=str(gel.pose_par),
        pose_le=horodatage(gel.pose_le),
        leve_le=horodatage(gel.leve_le),
        leve_par="" if gel.leve_par is None else str(gel.leve_par),
        motif_levee=gel.motif_levee,
    )
