"""Documents that wait for their control, and objects: what upkeep asks."""

import datetime as dt
from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import func, or_, select, update
from sqlalchemy.orm import Session

from services.stockage.domain import CleScellee, Espace, Piece, StatutPiece
from services.stockage.persistence.rangees import Lecteur, vers_piece
from services.stockage.persistence.tables import ESPACE, PIECE


def lister_attente(
    lecteur: Lecteur, *, maintenant: dt.datetime, limite: int
) -> list[tuple[Piece, Espace]]:
    """List documents whose control may be tried now, oldest first, with their space."""
    due = or_(PIECE.c.prochaine_tentative.is_(None), PIECE.c.prochaine_tentative <= maintenant)
    requete = (
        select(PIECE, ESPACE.c.cle_version, ESPACE.c.cle_enveloppe)
        .join(ESPACE, ESPACE.c.compte_id == PIECE.c.compte_id)
        .where(PIECE.c.statut == StatutPiece.EN_ANALYSE.value, due)
        .order_by(PIECE.c.deposee_le)
        .limit(limite)
    )
    return [
        (
            vers_piece(rangee),
            Espace(
                compte_id=rangee.compte_id,
                cle=CleScellee(version=rangee.cle_version, enveloppe=rangee.cle_enveloppe),
            ),
        )
        for rangee in lecteur.execute(requete)
    ]


def lire_en_analyse(session: Session, piece_id: UUID) -> Piece | None:
    """Find a document that still waits for its control, locked."""
    requete = (
        select(PIECE)
        .where(PIECE.c.piece_id == piece_id, PIECE.c.statut == StatutPiece.EN_ANALYSE.value)
        .with_for_update()
    )
    rangee = session.execute(requete).one_or_none()
    return None if rangee is None else vers_piece(rangee)


def reporter(session: Session, piece: Piece, *, prochaine: dt.datetime) -> None:
    """Note one more failed control and when the next one may begin."""
    session.execute(
        update(PIECE)
        .where(PIECE.c.piece_id == piece.piece_id)
        .values(tentatives=piece.tentatives + 1, prochaine_tentative=prochaine)
    )


def noms_connus(lecteur: Lecteur, noms: Sequence[str]) -> set[str]:
    """Tell which of those objects a row names."""
    requete = select(PIECE.c.objet_nom).where(PIECE.c.objet_nom.in_(noms))
    return {str(nom) for (nom,) in lecteur.execute(requete)}


def compter_objets(lecteur: Lecteur) -> int:
    """Count the documents that have bytes."""
    requete = select(func.count()).select_from(PIECE).where(PIECE.c.objet_nom.is_not(None))
    return int(lecteur.execute(requete).scalar_one())


def lister_objets(lecteur: Lecteur, *, apres: UUID | None, limite: int) -> list[Piece]:
    """List documents that have bytes, in the order of ids, from after one of them."""
    requete = select(PIECE).where(PIECE.c.objet_nom.is_not(None))
    if apres is not None:
        requete = requete.where(PIECE.c.piece_id > apres)
    rangees = lecteur.execute(requete.order_by(PIECE.c.piece_id).limit(limite))
    return [vers_piece(rangee) for rangee in rangees]
