"""Spaces: the key and the counters of each account."""

import datetime as dt
from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import delete, exists, select, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.orm import Session

from chassis.db import Cursor
from services.stockage.domain import CleScellee, Espace
from services.stockage.persistence.rangees import Lecteur
from services.stockage.persistence.tables import ESPACE, PIECE


def lire_espace(lecteur: Lecteur, compte_id: UUID, *, verrou: bool = False) -> Espace | None:
    """Find a space; locked when `verrou`, so that its counters are changed one at a time."""
    requete = select(ESPACE).where(ESPACE.c.compte_id == compte_id)
    if verrou:
        requete = requete.with_for_update()
    rangee = lecteur.execute(requete).one_or_none()
    if rangee is None:
        return None
    return Espace(
        compte_id=rangee.compte_id,
        cle=CleScellee(version=rangee.cle_version, enveloppe=rangee.cle_enveloppe),
        octets_utilises=rangee.octets_utilises,
        nombre_pieces=rangee.nombre_pieces,
    )


def creer_espace(session: Session, espace: Espace, *, maintenant: dt.datetime) -> None:
    """Add a space, or leave the one that a twin added first."""
    session.execute(
        upsert(ESPACE)
        .values(
            compte_id=espace.compte_id,
            cle_version=espace.cle.version,
            cle_enveloppe=espace.cle.enveloppe,
            octets_utilises=0,
            nombre_pieces=0,
            cree_le=maintenant,
        )
        .on_conflict_do_nothing()
    )


def compter(session: Session, compte_id: UUID, *, octets: int, pieces: int) -> None:
    """Move the counters of a space by so many bytes and documents."""
    session.execute(
        update(ESPACE)
        .where(ESPACE.c.compte_id == compte_id)
        .values(
            octets_utilises=ESPACE.c.octets_utilises + octets,
            nombre_pieces=ESPACE.c.nombre_pieces + pieces,
        )
    )


def compter_espace(cursor: Cursor, compte_id: UUID) -> tuple[int, int]:
    """Read the bytes and the documents of a space, zero for one that does not exist yet."""
    rangee = cursor.execute(
        "SELECT octets_utilises, nombre_pieces FROM espace WHERE compte_id = %(compte_id)s",
        {"compte_id": compte_id},
    ).fetchone()
    return (0, 0) if rangee is None else (rangee.octets_utilises, rangee.nombre_pieces)


def demander_effacement(session: Session, compte_id: UUID, *, maintenant: dt.datetime) -> None:
    """Note that a space is to be erased, when nothing keeps it any more."""
    session.execute(
        update(ESPACE)
        .where(ESPACE.c.compte_id == compte_id, ESPACE.c.effacement_demande_le.is_(None))
        .values(effacement_demande_le=maintenant)
    )


def espaces_a_finir(lecteur: Lecteur, *, limite: int) -> Sequence[UUID]:
    """List the accounts whose erasure was asked and whose last document is gone, oldest first."""
    return lecteur.scalars(
        select(ESPACE.c.compte_id)
        .where(
            ESPACE.c.effacement_demande_le.is_not(None),
            ~exists().where(PIECE.c.compte_id == ESPACE.c.compte_id),
        )
        .order_by(ESPACE.c.effacement_demande_le)
        .limit(limite)
    ).all()


def supprimer_espace(session: Session, compte_id: UUID) -> None:
    """Delete an empty space, and with it the key of its account (R54)."""
    session.execute(delete(ESPACE).where(ESPACE.c.compte_id == compte_id))
