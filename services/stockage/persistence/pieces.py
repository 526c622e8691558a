"""Documents and their versions."""

import datetime as dt
from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import and_, delete, exists, func, insert, select, update
from sqlalchemy.orm import Session

from services.stockage.domain import Fiche, Piece, StatutPiece
from services.stockage.persistence.rangees import (
    AVEC_USAGE,
    Lecteur,
    de_contenu,
    de_fiche,
    vers_piece,
)
from services.stockage.persistence.tables import PIECE


def ajouter_piece(session: Session, piece: Piece) -> None:
    """Add a version of a document, the first one or the next."""
    session.execute(
        insert(PIECE).values(
            piece_id=piece.piece_id,
            compte_id=piece.compte_id,
            document_id=piece.document,
            version=piece.version,
            courante=piece.courante,
            raison="",
            deposee_le=piece.deposee_le,
            sha256_recu=piece.sha256_recu,
            **{**de_fiche(piece.nom_fichier, piece.fiche), **de_contenu(piece)},
        )
    )


def prochaine_version(session: Session, document_id: UUID) -> int:
    """Give the rank of a document's next version; its space must be locked."""
    requete = select(func.max(PIECE.c.version)).where(PIECE.c.document_id == document_id)
    return int(session.execute(requete).scalar_one() or 0) + 1


def ceder_place(session: Session, document_id: UUID) -> None:
    """Take its place from the current version of a document, for another one."""
    session.execute(
        update(PIECE)
        .where(PIECE.c.document_id == document_id, PIECE.c.courante)
        .values(courante=False)
    )


def changer_contenu(session: Session, piece: Piece, *, raison: str = "") -> None:
    """Write what the control of a document found: state, type, size, pages, name and object.

    A version found sound becomes the current one, unless a later one is already.
    """
    promue = piece.statut is StatutPiece.SAINE and not piece.courante
    if promue and not _depassee(session, piece):
        ceder_place(session, piece.document)
        session.execute(
            update(PIECE).where(PIECE.c.piece_id == piece.piece_id).values(courante=True)
        )
    session.execute(
        update(PIECE)
        .where(PIECE.c.piece_id == piece.piece_id)
        .values(raison=raison, prochaine_tentative=None, **de_contenu(piece))
    )


def _depassee(session: Session, piece: Piece) -> bool:
    plus_recente = exists().where(
        PIECE.c.document_id == piece.document, PIECE.c.courante, PIECE.c.version > piece.version
    )
    return bool(session.scalar(select(plus_recente)))


def changer_fiche(session: Session, piece: Piece, fiche: Fiche) -> None:
    """Write the fields of a document."""
    session.execute(
        update(PIECE)
        .where(PIECE.c.piece_id == piece.piece_id)
        .values(**de_fiche(piece.nom_fichier, fiche))
    )


def lire_pieces(
    lecteur: Lecteur, *, compte_id: UUID, piece_ids: Sequence[UUID], verrou: bool = False
) -> dict[UUID, Piece]:
    """Find documents of a space among those ids; locked in the order of ids when `verrou`."""
    requete = AVEC_USAGE.where(
        PIECE.c.piece_id.in_(piece_ids),
        PIECE.c.compte_id == compte_id,
        PIECE.c.retiree_le.is_(None),
    )
    if verrou:
        # One order for all, so that two calls over the same documents wait instead of dying.
        requete = requete.order_by(PIECE.c.piece_id).with_for_update(of=PIECE)
    return {rangee.piece_id: vers_piece(rangee) for rangee in lecteur.execute(requete)}


def retirer(session: Session, pieces: Sequence[Piece], *, maintenant: dt.datetime) -> None:
    """Take versions out of their owner's sight; without any reference or hold the row goes too."""
    tenues = [piece.piece_id for piece in pieces if piece.utilisee or piece.gelee]
    libres = [piece.piece_id for piece in pieces if not (piece.utilisee or piece.gelee)]
    session.execute(update(PIECE).where(PIECE.c.piece_id.in_(tenues)).values(retiree_le=maintenant))
    session.execute(delete(PIECE).where(PIECE.c.piece_id.in_(libres)))


def pieces_a_rappeler(
    session: Session, *, jour: dt.date, jusqu_au: dt.date, limite: int
) -> list[Piece]:
    """List current documents that end in `[jour, jusqu_au]` without a reminder of it yet, locked.

    Those that another worker holds are left to it.
    """
    requete = (
        select(PIECE)
        .where(
            and_(
                PIECE.c.retiree_le.is_(None),
                PIECE.c.courante,
                PIECE.c.statut == StatutPiece.SAINE.value,
                PIECE.c.valide_jusqu_au.is_distinct_from(PIECE.c.validite_avisee),
                PIECE.c.valide_jusqu_au.between(jour, jusqu_au),
            )
        )
        .order_by(PIECE.c.valide_jusqu_au)
        .limit(limite)
        .with_for_update(skip_locked=True)
    )
    return [vers_piece(rangee) for rangee in session.execute(requete)]


def noter_rappel(session: Session, pieces: Sequence[Piece]) -> None:
    """Note that the owners of these documents are told of the end of validity of today's fields."""
    session.execute(
        update(PIECE)
        .where(PIECE.c.piece_id.in_([piece.piece_id for piece in pieces]))
        .values(validite_avisee=PIECE.c.valide_jusqu_au)
    )
