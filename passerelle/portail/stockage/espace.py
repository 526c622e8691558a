"""What the pages of the space, and those that choose a document, ask of stockage."""

from typing import Any, Final

from flask import Blueprint

from espacecitoyen.stockage.v1 import stockage_service_pb2 as stockage
from passerelle import clients

bp = Blueprint("stockage", __name__)

PAGE: Final = 20
GENRES: Final = {
    "identite": stockage.GENRE_PIECE_IDENTITE,
    "residence": stockage.GENRE_PIECE_RESIDENCE,
    "autre": stockage.GENRE_PIECE_AUTRE,
}


def lister(
    *,
    genre: stockage.GenrePiece.ValueType = stockage.GENRE_PIECE_UNSPECIFIED,
    page_token: str = "",
    page_size: int = PAGE,
    **criteres: Any,
) -> stockage.ListPiecesResponse:
    """Return one page of the visitor's documents; `criteres` are fields of `ListPiecesRequest`."""
    services = clients.current()
    page: stockage.ListPiecesResponse = services.stockage.call(
        lambda s: s.ListPieces,
        stockage.ListPiecesRequest(
            page_size=page_size, page_token=page_token, genre=genre, **criteres
        ),
        token=services.token(),
    )
    return page


def lire(piece_id: str) -> stockage.Piece:
    """Return one document of the visitor."""
    services = clients.current()
    answer: stockage.GetPieceResponse = services.stockage.call(
        lambda s: s.GetPiece, stockage.GetPieceRequest(piece_id=piece_id), token=services.token()
    )
    return answer.piece


def lister_versions(piece_id: str) -> list[stockage.Piece]:
    """Return the versions of a document, newest first."""
    services = clients.current()
    answer: stockage.ListVersionsResponse = services.stockage.call(
        lambda s: s.ListVersions,
        stockage.ListVersionsRequest(piece_id=piece_id),
        token=services.token(),
    )
    return list(answer.versions)


def lister_utilisations(piece_id: str) -> list[stockage.Utilisation]:
    """Return the cases that hold a copy of a document."""
    services = clients.current()
    answer: stockage.ListUtilisationsResponse = services.stockage.call(
        lambda s: s.ListUtilisations,
        stockage.ListUtilisationsRequest(piece_id=piece_id),
        token=services.token(),
    )
    return list(answer.utilisations)


def lister_consultations(piece_id: str) -> list[stockage.Consultation]:
    """Return who read a document besides its owner, newest first."""
    services = clients.current()
    answer: stockage.ListConsultationsResponse = services.stockage.call(
        lambda s: s.ListConsultations,
        stockage.ListConsultationsRequest(piece_id=piece_id),
        token=services.token(),
    )
    propre = stockage.QUALITE_LECTEUR_PROPRIETAIRE
    return [lecture for lecture in answer.consultations if lecture.qualite != propre]
