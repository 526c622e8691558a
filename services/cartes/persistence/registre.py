"""What an import of the register reads and writes (CAR-18)."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Integer, cast, delete, func, insert, select, text, update
from sqlalchemy.dialects.postgresql import insert as insert_or
from sqlalchemy.orm import Session

from services.cartes.domain import Carte
from services.cartes.persistence.tables import (
    carte,
    demande,
    lot_registre,
    registre_change,
)

# One import at a time: two would report the same rows as theirs.
_VERROU = 7_018_018


def verrouiller_registre(session: Session) -> None:
    """Wait for any other import to end its batch."""
    session.execute(select(func.pg_advisory_xact_lock(_VERROU)))


def ouvrir_lot(
    session: Session, *, lot_id: UUID, fichier: str, sha256: bytes, maintenant: datetime
) -> None:
    """Note that an import begins; the same one taken up again is the same row."""
    requete = insert_or(lot_registre).values(
        lot_id=lot_id, fichier=fichier, sha256=sha256, commence_le=maintenant
    )
    session.execute(requete.on_conflict_do_nothing())


def lot_annule(session: Session, lot_id: UUID) -> bool | None:
    """Tell whether an import was undone; None for an unknown one."""
    rangee = session.execute(
        select(lot_registre.c.annule_le).where(lot_registre.c.lot_id == lot_id).with_for_update()
    ).first()
    return None if rangee is None else rangee.annule_le is not None


def clore_lot(session: Session, lot_id: UUID, **champs: datetime) -> None:
    """Note that an import ended (`fini_le`) or was undone (`annule_le`)."""
    session.execute(update(lot_registre).where(lot_registre.c.lot_id == lot_id).values(**champs))


def cartes_par_numero(session: Session, numeros: Sequence[str]) -> dict[str, Carte]:
    """Return the cards that bear those numbers, locked."""
    question = (
        select(Carte)
        .where(carte.c.numero.in_(numeros))
        .order_by(carte.c.carte_id)
        .with_for_update()
    )
    return {str(trouvee.numero): trouvee for trouvee in session.scalars(question)}


def noter_changes(session: Session, lot_id: UUID, changes: Sequence[dict[str, Any]]) -> None:
    """Keep what a card was before the import, `avant` None when it made the card."""
    if changes:
        requete = insert_or(registre_change).on_conflict_do_nothing()
        session.execute(requete, [{"lot_id": lot_id, **change} for change in changes])


def inserer_cartes(session: Session, rangees: Sequence[dict[str, Any]]) -> None:
    """Insert cards of the register."""
    if rangees:
        session.execute(insert(carte), list(rangees))


def avancer_sequence(session: Session, institution: str) -> None:
    """Let new numbers start above those of the register."""
    plus_grand = func.max(cast(func.substr(carte.c.numero, 6, 8), Integer))
    maximum = session.scalar(select(plus_grand).where(carte.c.numero.like(f"2{institution}%")))
    if maximum:
        session.execute(
            text(
                "SELECT setval('numero_carte', GREATEST(:maximum,"
                " (SELECT last_value FROM numero_carte)))"
            ),
            {"maximum": int(maximum)},
        )


def changes_du_lot(session: Session, lot_id: UUID, *, limite: int) -> list[Any]:
    """Return some of the changes of an import that are still to be undone, their cards locked."""
    question = (
        select(registre_change.c.carte_id, registre_change.c.avant)
        .where(registre_change.c.lot_id == lot_id)
        .order_by(registre_change.c.carte_id)
        .limit(limite)
    )
    return list(session.execute(question))


def cartes_par_id(session: Session, carte_ids: Sequence[UUID]) -> dict[UUID, Carte]:
    """Return those cards, locked."""
    question = (
        select(Carte).where(carte.c.carte_id.in_(carte_ids)).order_by(carte.c.carte_id)
    ).with_for_update()
    return {trouvee.carte_id: trouvee for trouvee in session.scalars(question)}


def oublier_changes(session: Session, lot_id: UUID, carte_ids: Sequence[UUID]) -> None:
    """Drop the notes of changes that were undone, or that stay."""
    session.execute(
        delete(registre_change).where(
            registre_change.c.lot_id == lot_id, registre_change.c.carte_id.in_(carte_ids)
        )
    )


def supprimer_cartes(session: Session, carte_ids: Sequence[UUID]) -> None:
    """Delete cards that an import made and that nobody ever used."""
    session.execute(delete(carte).where(carte.c.carte_id.in_(carte_ids)))


def cartes_avec_demande(session: Session, carte_ids: Sequence[UUID]) -> set[UUID]:
    """Return which of those cards have a request."""
    question = select(demande.c.carte_id).where(demande.c.carte_id.in_(carte_ids))
    return set(session.scalars(question))
