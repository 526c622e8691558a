"""The gRPC face of uploads that can be taken up again."""

import datetime as dt
from collections.abc import Callable, Iterator, Mapping
from typing import Final
from uuid import UUID

import grpc

from chassis.db import Sessions
from chassis.grpc_server import ErrorRow, caller
from espacecitoyen.stockage.v1 import stockage_service_pb2 as pieces_pb
from espacecitoyen.stockage.v1 import televersement_service_pb2 as pb
from espacecitoyen.stockage.v1 import televersement_service_pb2_grpc as pb_grpc
from services.stockage import domain
from services.stockage.domain import DonneesInvalides, Fiche, PieceIntrouvable
from services.stockage.domain import televersement as regles
from services.stockage.domain.televersement import Televersement, TeleversementIntrouvable
from services.stockage.use_cases import segments, televersement
from services.stockage.use_cases.depot import Controle

SERVICE: Final = "espacecitoyen.stockage.v1.TeleversementService"

_CITOYEN = frozenset({"citoyen"})
ACCESS: Mapping[str, frozenset[str]] = {
    "CreerTeleversement": _CITOYEN,
    "AjouterSegment": _CITOYEN,
    "GetTeleversement": _CITOYEN,
    "TerminerTeleversement": _CITOYEN,
    "AbandonnerTeleversement": _CITOYEN,
}
ERRORS: Mapping[type[Exception], ErrorRow] = {
    regles.TeleversementIntrouvable: ErrorRow(
        grpc.StatusCode.NOT_FOUND, "TELEVERSEMENT_INTROUVABLE"
    ),
    regles.PositionDifferente: ErrorRow(grpc.StatusCode.ABORTED, "POSITION_DIFFERENTE"),
    regles.SommeDifferente: ErrorRow(grpc.StatusCode.ABORTED, "SOMME_DIFFERENTE"),
    regles.TeleversementIncomplet: ErrorRow(
        grpc.StatusCode.FAILED_PRECONDITION, "TELEVERSEMENT_INCOMPLET"
    ),
    regles.TropDeTeleversements: ErrorRow(
        grpc.StatusCode.RESOURCE_EXHAUSTED, "TROP_DE_TELEVERSEMENTS"
    ),
}


class Servicer(pb_grpc.TeleversementServiceServicer):
    """One method per RPC; the contract is in the .proto, the rules in the use cases."""

    def __init__(
        self,
        *,
        sessions: Sessions,
        controle: Controle,
        limites: segments.Regles,
        horloge: Callable[[], dt.datetime],
    ) -> None:
        self._sessions = sessions
        self._controle = controle
        self._coffre = controle.coffre
        self._limites = limites
        self._horloge = horloge

    def CreerTeleversement(  # noqa: N802  (named by the contract)
        self, request: pb.CreerTeleversementRequest, _context: grpc.ServicerContext
    ) -> pb.CreerTeleversementResponse:
        """Open an upload."""
        remplace = _remplace(request.remplace_piece_id)
        ouvert = televersement.creer_televersement(
            sessions=self._sessions,
            coffre=self._coffre,
            limites=self._limites,
            annonce=televersement.Annonce(
                compte_id=_compte(),
                request_id=request.request_id,
                nom_fichier=domain.nettoyer_nom(request.nom_fichier),
                fiche=None if remplace and not request.genre else _fiche(request),
                taille_octets=request.taille_octets,
                remplace=remplace,
            ),
            maintenant=self._horloge(),
        )
        return pb.CreerTeleversementResponse(televersement=_message(ouvert))

    def AjouterSegment(  # noqa: N802  (named by the contract)
        self, request_iterator: Iterator[pb.AjouterSegmentRequest], _context: grpc.ServicerContext
    ) -> pb.AjouterSegmentResponse:
        """Keep the bytes that arrive."""
        premiere = next(request_iterator, pb.AjouterSegmentRequest())
        if premiere.WhichOneof("partie") != "entete":
            raise DonneesInvalides({"entete": "ENTETE_REQUISE"})
        entete = premiere.entete
        if entete.algorithme and entete.algorithme not in regles.ALGORITHMES:
            raise DonneesInvalides({"algorithme": "VALEUR_INVALIDE"})
        avance = segments.ajouter_segment(
            sessions=self._sessions,
            coffre=self._coffre,
            limites=self._limites,
            compte_id=_compte(),
            envoi=segments.Envoi(
                televersement_id=_id(entete.televersement_id),
                position=entete.position,
                algorithme=entete.algorithme,
                somme=entete.somme,
            ),
            blocs=_blocs(request_iterator),
            maintenant=self._horloge(),
        )
        return pb.AjouterSegmentResponse(televersement=_message(avance))

    def GetTeleversement(  # noqa: N802  (named by the contract)
        self, request: pb.GetTeleversementRequest, _context: grpc.ServicerContext
    ) -> pb.GetTeleversementResponse:
        """Tell where an upload is."""
        trouve = televersement.lire_televersement(
            sessions=self._sessions,
            compte_id=_compte(),
            televersement_id=_id(request.televersement_id),
            maintenant=self._horloge(),
        )
        return pb.GetTeleversementResponse(televersement=_message(trouve))

    def TerminerTeleversement(  # noqa: N802  (named by the contract)
        self, request: pb.TerminerTeleversementRequest, _context: grpc.ServicerContext
    ) -> pb.TerminerTeleversementResponse:
        """Make a document of a whole upload."""
        fini = televersement.terminer_televersement(
            sessions=self._sessions,
            controle=self._controle,
            limites=self._limites,
            compte_id=_compte(),
            televersement_id=_id(request.televersement_id),
            maintenant=self._horloge(),
        )
        return pb.TerminerTeleversementResponse(televersement=_message(fini))

    def AbandonnerTeleversement(  # noqa: N802  (named by the contract)
        self, request: pb.AbandonnerTeleversementRequest, _context: grpc.ServicerContext
    ) -> pb.AbandonnerTeleversementResponse:
        """Delete an upload."""
        televersement.abandonner_televersement(
            sessions=self._sessions,
            coffre=self._coffre,
            compte_id=_compte(),
            request_id=request.request_id,
            televersement_id=_id(request.televersement_id),
            maintenant=self._horloge(),
        )
        return pb.AbandonnerTeleversementResponse()


def register(server: grpc.Server, servicer: Servicer) -> None:
    """Add the service to a server."""
    pb_grpc.add_TeleversementServiceServicer_to_server(servicer, server)


def _compte() -> UUID:
    return _id(caller().subject)


def _remplace(texte: str) -> UUID | None:
    """Read the id of the document to replace. Raises: PieceIntrouvable."""
    try:
        return UUID(texte) if texte else None
    except ValueError as erreur:
        raise PieceIntrouvable from erreur


def _fiche(message: pb.CreerTeleversementRequest) -> Fiche:
    # Proto3 keeps a value that this version does not know; it is then no kind of ours.
    genre = ""
    if message.genre in pieces_pb.GenrePiece.values():
        genre = pieces_pb.GenrePiece.Name(message.genre).removeprefix("GENRE_PIECE_")
    return domain.lire_fiche(
        genre=genre, libelle=message.libelle, valide_jusqu_au=message.valide_jusqu_au
    )


def _id(texte: str) -> UUID:
    try:
        return UUID(texte)
    except ValueError as erreur:
        raise TeleversementIntrouvable from erreur


def _blocs(requetes: Iterator[pb.AjouterSegmentRequest]) -> Iterator[bytes]:
    """Give the blocks of a segment, up to its `fin`. Raises: EnvoiCoupe, DonneesInvalides."""
    try:
        for requete in requetes:
            partie = requete.WhichOneof("partie")
            if partie == "fin":
                return
            if partie != "bloc":
                raise DonneesInvalides({"bloc": "BLOC_REQUIS"})
            yield requete.bloc
    except grpc.RpcError as erreur:
        raise segments.EnvoiCoupe from erreur
    # grpc may end the stream quietly when the client is gone: only `fin` says that all came.
    raise segments.EnvoiCoupe


def _message(trouve: Televersement) -> pb.Televersement:
    return pb.Televersement(
        televersement_id=str(trouve.televersement_id),
        nom_fichier=trouve.nom_fichier,
        taille_octets=trouve.taille_octets,
        recus_octets=trouve.recus_octets,
        expire_le=trouve.expire_le.isoformat(),
        piece_id="" if trouve.piece_id is None else str(trouve.piece_id),
        raison=trouve.raison,
    )
