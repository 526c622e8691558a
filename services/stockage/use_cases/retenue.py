"""References that other services hold to documents, whose bytes never change (STO-02)."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from chassis.db import Sessions
from services.stockage import persistence
from services.stockage.domain import (
    Piece,
    PieceIntrouvable,
    PieceNonSaine,
    StatutPiece,
    Zone,
)
from services.stockage.use_cases.espace import une_fois
from services.stockage.use_cases.ports import Coffre


def retenir_pieces(
    *,
    sessions: Sessions,
    compte_id: UUID,
    request_id: str,
    service: str,
    dossier_id: str,
    piece_ids: Sequence[UUID],
    maintenant: datetime,
) -> list[Piece]:
    """Hold documents of one account for a case: all of them or none.

    `service` is that of the case, "cartes" or "demandes"; `piece_ids` are 1 to 20 ids, all owned by
    the account and `SAINE`.
    Returns: the documents in the order asked. A reference that the case holds already counts once.
    Raises: PieceIntrouvable, PieceNonSaine (each with the `piece_id`), RequestIdReused,
        InvalidRequestId.
    """
    with sessions.begin() as session:
        conclure = une_fois(
            session,
            request_id=request_id,
            scope=f"RetenirPieces:{compte_id}",
            contenu=(service, dossier_id, *map(str, piece_ids)),
        )
        pieces = persistence.lire_pieces(
            session, compte_id=compte_id, piece_ids=piece_ids, verrou=True
        )
        for piece_id in piece_ids:
            if piece_id not in pieces:
                raise PieceIntrouvable(piece_id=str(piece_id))
            if pieces[piece_id].statut is not StatutPiece.SAINE:
                raise PieceNonSaine(piece_id=str(piece_id))
        if conclure is not None:
            persistence.retenir(
                session,
                service=service,
                dossier_id=dossier_id,
                compte_id=compte_id,
                piece_ids=list(pieces),
                maintenant=maintenant,
            )
            conclure(dossier_id)
            pieces = persistence.lire_pieces(session, compte_id=compte_id, piece_ids=piece_ids)
    return [pieces[piece_id] for piece_id in piece_ids]


def liberer_pieces(
    *,
    sessions: Sessions,
    coffre: Coffre,
    compte_id: UUID,
    request_id: str,
    service: str,
    dossier_id: str,
    piece_ids: Sequence[UUID],
    maintenant: datetime,
) -> None:
    """Give references of a case back; all of those to this account's documents when no id is given.

    A document that its owner had deleted and that no case or hold needs any more goes for good.
    Raises: RequestIdReused, InvalidRequestId. A reference that does not exist is no error.
    """
    with sessions.begin() as session:
        conclure = une_fois(
            session,
            request_id=request_id,
            scope=f"LibererPieces:{compte_id}",
            contenu=(service, dossier_id, *map(str, piece_ids)),
        )
        if conclure is None:
            return
        # The space first: a hold on these documents waits for this act, or this act for the hold.
        persistence.lire_espace(session, compte_id, verrou=True)
        objets = persistence.liberer(
            session,
            service=service,
            dossier_id=dossier_id,
            compte_id=compte_id,
            piece_ids=piece_ids,
            maintenant=maintenant,
        )
        conclure(dossier_id)
    for nom in objets:
        coffre.supprimer(Zone.OBJETS, nom)
