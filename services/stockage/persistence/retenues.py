"""References that services hold, and the end of them."""

import datetime as dt
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, and_, delete, literal_column, select, tuple_, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.orm import Session

from services.stockage.domain import Piece, Utilisation
from services.stockage.persistence.rangees import AVEC_USAGE, CALCULS, Lecteur, vers_piece
from services.stockage.persistence.tables import PIECE, RETENUE

_VIVE = RETENUE.c.liberee_le.is_(None)
_UTILISEE: ColumnElement[bool] = literal_column(CALCULS["utilisee"])
_GELEE: ColumnElement[bool] = literal_column(CALCULS["gelee"])
# Deleted by its owner, needed by no case and held by nobody: nothing keeps it.
_DELAISSEE = and_(PIECE.c.retiree_le.is_not(None), ~_UTILISEE, ~_GELEE)


def lire_piece_retenue(
    lecteur: Lecteur, *, piece_id: UUID, service: str, dossier_id: str
) -> Piece | None:
    """Find a document by the live reference of a case, even if its owner deleted it."""
    # Under another name, or the EXISTS of `utilisee` would be tied to this very row.
    tenue = RETENUE.alias("tenue")
    requete = AVEC_USAGE.join(tenue, tenue.c.piece_id == PIECE.c.piece_id).where(
        PIECE.c.piece_id == piece_id,
        tenue.c.service == service,
        tenue.c.dossier_id == dossier_id,
        tenue.c.liberee_le.is_(None),
    )
    rangee = lecteur.execute(requete).one_or_none()
    return None if rangee is None else vers_piece(rangee)


def retenir(
    session: Session,
    *,
    service: str,
    dossier_id: str,
    compte_id: UUID,
    piece_ids: Sequence[UUID],
    maintenant: dt.datetime,
) -> None:
    """Add the references of a case; one that it holds already stays as it is."""
    requete = upsert(RETENUE).values(
        [
            {
                "service": service,
                "dossier_id": dossier_id,
                "piece_id": piece_id,
                "compte_id": compte_id,
                "retenue_le": maintenant,
            }
            for piece_id in piece_ids
        ]
    )
    session.execute(
        requete.on_conflict_do_update(
            index_elements=[RETENUE.c.service, RETENUE.c.dossier_id, RETENUE.c.piece_id],
            set_={
                "retenue_le": requete.excluded.retenue_le,
                "liberee_le": None,
                "decidee_le": None,
                "purgee": False,
            },
            where=RETENUE.c.liberee_le.is_not(None),
        )
    )


def liberer(
    session: Session,
    *,
    service: str,
    dossier_id: str,
    compte_id: UUID,
    piece_ids: Sequence[UUID],
    maintenant: dt.datetime,
) -> list[str]:
    """Give back references of a case to documents of one account; all of them when no id is given.

    Returns: names of the objects that nothing needs any more; their rows are deleted.
    """
    filtre = and_(
        RETENUE.c.service == service,
        RETENUE.c.dossier_id == dossier_id,
        RETENUE.c.compte_id == compte_id,
        _VIVE,
    )
    if piece_ids:
        filtre = and_(filtre, RETENUE.c.piece_id.in_(piece_ids))
    # The documents are locked first and in one order, as `lire_pieces` does.
    touchees = session.scalars(
        select(PIECE.c.piece_id)
        .join(RETENUE, RETENUE.c.piece_id == PIECE.c.piece_id)
        .where(filtre)
        .order_by(PIECE.c.piece_id)
        .with_for_update(of=PIECE)
    ).all()
    session.execute(update(RETENUE).where(filtre).values(liberee_le=maintenant))
    return _supprimer(session, and_(PIECE.c.piece_id.in_(touchees), _DELAISSEE))


def dater_decision(
    session: Session, *, service: str, dossier_id: str, decidee_le: dt.datetime
) -> int:
    """Start the retention of all that a case holds; a first date stays. Returns: how many."""
    requete = (
        update(RETENUE)
        .where(
            RETENUE.c.service == service,
            RETENUE.c.dossier_id == dossier_id,
            _VIVE,
            RETENUE.c.decidee_le.is_(None),
        )
        .values(decidee_le=decidee_le)
        .returning(RETENUE.c.piece_id)
    )
    return len(session.scalars(requete).all())


def lister_retenues(lecteur: Lecteur, *, document_id: UUID) -> list[Utilisation]:
    """List the live references to a document, all its versions together, oldest first."""
    requete = (
        select(PIECE, *_REFERENCE)
        .join(RETENUE, RETENUE.c.piece_id == PIECE.c.piece_id)
        .where(PIECE.c.document_id == document_id, _VIVE)
        .order_by(RETENUE.c.retenue_le, RETENUE.c.service, RETENUE.c.dossier_id, PIECE.c.piece_id)
    )
    return [_utilisation(rangee) for rangee in lecteur.execute(requete)]


def lister_echues(
    lecteur: Lecteur, *, avant: dt.datetime, apres: Utilisation | None, limite: int
) -> list[Utilisation]:
    """List references decided before then and held by nobody, oldest first, from after one."""
    requete = (
        select(PIECE, *_REFERENCE)
        .join(RETENUE, RETENUE.c.piece_id == PIECE.c.piece_id)
        .where(_VIVE, RETENUE.c.decidee_le <= avant, ~_GELEE)
        .order_by(*_RANG)
        .limit(limite)
    )
    if apres is not None:
        rang = (apres.decidee_le, apres.service, apres.dossier_id, apres.piece.piece_id)
        requete = requete.where(tuple_(*_RANG) > tuple_(*rang))
    return [_utilisation(rangee) for rangee in lecteur.execute(requete)]


def purger_retenue(
    session: Session, utilisation: Utilisation, *, maintenant: dt.datetime
) -> tuple[bool, list[str]]:
    """End a reference whose retention is over; its space must be locked.

    Returns: whether it was still there and not held, and the objects that nothing needs any more.
    """
    piece_id = utilisation.piece.piece_id
    libre = select(PIECE.c.piece_id).where(PIECE.c.piece_id == piece_id, ~_GELEE)
    finie = session.scalars(
        update(RETENUE)
        .where(
            RETENUE.c.service == utilisation.service,
            RETENUE.c.dossier_id == utilisation.dossier_id,
            RETENUE.c.piece_id.in_(libre),
            RETENUE.c.decidee_le == utilisation.decidee_le,
            _VIVE,
        )
        .values(liberee_le=maintenant, purgee=True)
        .returning(RETENUE.c.piece_id)
    ).all()
    if not finie:
        return False, []
    return True, _supprimer(session, and_(PIECE.c.piece_id == piece_id, _DELAISSEE))


def supprimer_delaissees(session: Session, *, limite: int) -> list[str]:
    """Delete `limite` versions at most that nothing keeps: what the end of a hold leaves.

    Returns: names of the objects to delete.
    """
    choisies = select(PIECE.c.piece_id).where(_DELAISSEE).limit(limite)
    return _supprimer(session, and_(PIECE.c.piece_id.in_(choisies), _DELAISSEE))


_REFERENCE = (
    RETENUE.c.service,
    RETENUE.c.dossier_id,
    RETENUE.c.retenue_le,
    RETENUE.c.decidee_le,
    _UTILISEE.label("utilisee"),
)
_RANG = (
    RETENUE.c.decidee_le,
    RETENUE.c.service,
    RETENUE.c.dossier_id,
    RETENUE.c.piece_id,
)


def _supprimer(session: Session, filtre: ColumnElement[bool]) -> list[str]:
    purge = delete(PIECE).where(filtre).returning(PIECE.c.objet_nom)
    return [nom for nom in session.scalars(purge).all() if nom is not None]


def _utilisation(rangee: Any) -> Utilisation:
    return Utilisation(
        piece=vers_piece(rangee),
        service=rangee.service,
        dossier_id=rangee.dossier_id,
        retenue_le=rangee.retenue_le,
        decidee_le=rangee.decidee_le,
    )
