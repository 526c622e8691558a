"""Versions of a document: a new file takes the place of the old one, which is kept (STO-01)."""

from collections.abc import Sequence
from dataclasses import replace
from uuid import UUID

from sqlalchemy.orm import Session

from chassis.db import Sessions
from services.stockage import persistence
from services.stockage.domain import Fiche, Piece, PieceIntrouvable, StatutPiece
from services.stockage.persistence import Lecteur


def fiche_du_depot(
    *, sessions: Sessions, compte_id: UUID, remplace: UUID | None, fiche: Fiche | None
) -> Fiche:
    """Give the fields of an upload, those of the document that it replaces when it brings none.

    Raises: PieceIntrouvable, when the document to replace is not one of the account.
    """
    if remplace is None:
        if fiche is None:
            raise PieceIntrouvable
        return fiche
    with sessions() as session:
        courante = exiger_document(session, compte_id, remplace)[0]
    return fiche or courante.fiche


def inscrire(session: Session, piece: Piece, remplace: UUID | None) -> Piece:
    """Add a document, or the next version of the one that it replaces; the space must be locked.

    A version that still waits for its control takes no place: the one before stays what the space
    shows, and what a card request can use, until this one is found sound.
    Returns: the document as it was written.
    Raises: PieceIntrouvable, when the document was deleted while the file came.
    """
    if remplace is None:
        persistence.ajouter_piece(session, piece)
        return piece
    versions = exiger_document(session, piece.compte_id, remplace)
    saine = piece.statut is StatutPiece.SAINE
    document_id = versions[0].document
    version = replace(
        piece,
        document_id=document_id,
        version=persistence.prochaine_version(session, document_id),
        courante=saine,
        versions=len(versions) + 1,
        utilisations=versions[0].utilisations,
        gelee=versions[0].gelee,
    )
    if saine:
        persistence.ceder_place(session, document_id)
    persistence.ajouter_piece(session, version)
    return version


def exiger_document(lecteur: Lecteur, compte_id: UUID, piece_id: UUID) -> Sequence[Piece]:
    """Find the versions of a document by the id of any: the current one, then from the newest.

    Raises: PieceIntrouvable.
    """
    trouvees = persistence.lire_pieces(lecteur, compte_id=compte_id, piece_ids=[piece_id])
    if piece_id not in trouvees:
        raise PieceIntrouvable
    versions = persistence.lister_document(
        lecteur, compte_id=compte_id, document_id=trouvees[piece_id].document
    )
    return sorted(versions, key=lambda piece: (not piece.courante, -piece.version))
