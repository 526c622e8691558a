"""The document space, asked over gRPC with the caller's own token."""

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from uuid import UUID, uuid4

import grpc

from chassis.discovery import Addresses
from chassis.grpc_client import Remote, RemoteError
from chassis.grpc_tls import Files
from espacecitoyen.stockage.v1 import stockage_service_pb2 as messages
from espacecitoyen.stockage.v1.stockage_service_pb2_grpc import StockageServiceStub
from services.cartes.domain import (
    PieceIntrouvable,
    PieceNonSaine,
    PieceRetenue,
    RolePiece,
    StockageIndisponible,
)

SERVICE = "cartes"
_GENRE = "GENRE_PIECE_"
_PIECE = {"PIECE_INTROUVABLE": PieceIntrouvable, "PIECE_NON_SAINE": PieceNonSaine}
_TEMPORAIRES = {
    grpc.StatusCode.UNAVAILABLE,
    grpc.StatusCode.DEADLINE_EXCEEDED,
    grpc.StatusCode.RESOURCE_EXHAUSTED,
}


class StockageGrpc:
    """Takes and gives back references to the caller's documents.

    A reference is named by service, case and document, so taking it twice is taking it once. Each
    call has a request id of its own: with a repeated one, a reference that was given back would be
    answered from memory and not taken again.
    """

    def __init__(self, distant: Remote[StockageServiceStub], *, jeton: Callable[[], str]) -> None:
        """`jeton` gives the token of the caller of the current RPC."""
        self._distant = distant
        self._jeton = jeton

    def retenir(
        self, *, dossier_id: UUID, pieces: Mapping[RolePiece, str]
    ) -> dict[RolePiece, PieceRetenue]:
        """Hold one document per role for a case.

        Raises: PieceIntrouvable, PieceNonSaine, StockageIndisponible.
        """
        roles = list(pieces)
        demande = messages.RetenirPiecesRequest(
            request_id=str(uuid4()),
            piece_ids=[pieces[role] for role in roles],
            service=SERVICE,
            dossier_id=str(dossier_id),
        )
        try:
            reponse: messages.RetenirPiecesResponse = self._distant.call(
                lambda stub: stub.RetenirPieces, demande, token=self._jeton()
            )
        except RemoteError as error:
            raise _fait(error, pieces) from error
        return {role: _lire(piece) for role, piece in zip(roles, reponse.pieces, strict=True)}

    def liberer(self, *, dossier_id: UUID, pieces: Sequence[str]) -> None:
        """Give those documents back. Raises: StockageIndisponible."""
        demande = messages.LibererPiecesRequest(
            request_id=str(uuid4()),
            service=SERVICE,
            dossier_id=str(dossier_id),
            piece_ids=pieces,
        )
        try:
            self._distant.call(lambda stub: stub.LibererPieces, demande, token=self._jeton())
        except RemoteError as error:
            raise StockageIndisponible from error


def ouvrir(adresses: Addresses, *, tls: Files | None, jeton: Callable[[], str]) -> StockageGrpc:
    """Return the adapter; `adresses` are those of the document space."""
    distant = Remote("stockage", stub=StockageServiceStub, addresses=adresses, tls=tls)
    return StockageGrpc(distant, jeton=jeton)


def _lire(piece: messages.Piece) -> PieceRetenue:
    return PieceRetenue(
        piece_id=piece.piece_id,
        genre=messages.GenrePiece.Name(piece.genre).removeprefix(_GENRE),
        valide_jusqu_au=(
            date.fromisoformat(piece.valide_jusqu_au) if piece.valide_jusqu_au else None
        ),
    )


def _fait(error: RemoteError, pieces: Mapping[RolePiece, str]) -> Exception:
    """Return what the refusal means here; an unforeseen one stays itself."""
    if error.code in _TEMPORAIRES:
        return StockageIndisponible()
    if error.reason not in _PIECE:
        return error
    fautive = error.metadata.get("piece_id", "")
    role = next((role for role, piece_id in pieces.items() if piece_id == fautive), None)
    return _PIECE[error.reason](role or next(iter(pieces)))
