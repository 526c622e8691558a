"""What association, renewal and reminders read and write."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from uuid import UUID

from sqlalchemy import delete, func, insert, select, text
from sqlalchemy.dialects import postgresql
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from services.cartes.domain import (
    DEMANDE_OUVERTE,
    Carte,
    CarteDejaDemandee,
    Demande,
    GenreRappel,
    RenouvellementDejaDemande,
    StatutCarte,
)
from services.cartes.persistence.actes import contrainte
from services.cartes.persistence.tables import carte, demande, essai_association, rappel


def renouvellements_ouverts(session: Session, cartes: Sequence[Carte]) -> set[UUID]:
    """Return which of those cards have a request that waits."""
    question = select(demande.c.carte_id).where(
        demande.c.carte_id.in_([chaque.carte_id for chaque in cartes]),
        demande.c.statut.in_(DEMANDE_OUVERTE),
    )
    return set(session.scalars(question))


def carte_du_compte_verrouillee(session: Session, compte_id: str, carte_id: UUID) -> Carte | None:
    """Return a card of the account, locked; None for an unknown one and for somebody else's."""
    question = (
        select(Carte)
        .where(carte.c.carte_id == carte_id, carte.c.compte_id == compte_id)
        .with_for_update()
    )
    return session.scalar(question)


def ajouter_renouvellement(session: Session, requete: Demande) -> None:
    """Write a renewal.

    Raises: RenouvellementDejaDemande when one waits already.
    """
    try:
        session.add(requete)
        session.flush()
    except IntegrityError as error:
        if contrainte(error) == "demande_ouverte_par_carte":
            raise RenouvellementDejaDemande from error
        raise


def carte_par_numero(session: Session, numero: str) -> Carte | None:
    """Return a card by its printed number, locked."""
    return session.scalar(select(Carte).where(carte.c.numero == numero).with_for_update())


def ecrire_association(session: Session) -> None:
    """Write the card that an account just took.

    Raises: CarteDejaDemandee when the person holds, or waits for, another one (CAR-01).
    """
    try:
        session.flush()
    except IntegrityError as error:
        if contrainte(error) == "carte_ouverte_par_personne":
            raise CarteDejaDemandee from error
        raise


def essais_depuis(session: Session, sujet: str, depuis: datetime) -> list[datetime]:
    """Return when a subject tried since then, oldest first; others of that subject wait their turn.

    The lock lasts until the end of the transaction: two tries at once are two tries.
    """
    session.execute(
        text("SELECT pg_advisory_xact_lock(hashtextextended(:cle, 0))"),
        {"cle": f"essai_association:{sujet}"},
    )
    question = (
        select(essai_association.c.essaye_le)
        .where(essai_association.c.sujet == sujet, essai_association.c.essaye_le > depuis)
        .order_by(essai_association.c.essaye_le)
    )
    return list(session.scalars(question))


def noter_essai(session: Session, sujet: str, maintenant: datetime) -> None:
    """Count one try."""
    session.execute(insert(essai_association).values(sujet=sujet, essaye_le=maintenant))


def purger_essais(session: Session, *, avant: datetime) -> int:
    """Forget tries made before that time. Returns: how many."""
    requete = delete(essai_association).where(essai_association.c.essaye_le < avant).returning(1)
    return len(session.execute(requete).all())


def cartes_a_rappeler(
    session: Session, *, jour: date, avant: timedelta, dernier: timedelta, limite: int
) -> list[tuple[UUID, str, date, GenreRappel]]:
    """Return cards whose reminder is due and not noted: id, account, last day, kind.

    A card on its last days gets the last reminder alone, even when the first was missed; one whose
    renewal waits, or that no account holds, gets none.
    """
    du = func.coalesce(carte.c.echeance <= jour + dernier, False)
    deja = select(1).where(
        rappel.c.carte_id == carte.c.carte_id,
        rappel.c.echeance == carte.c.echeance,
        (rappel.c.genre == GenreRappel.DERNIER) | ~du,
    )
    en_cours = select(1).where(
        demande.c.carte_id == carte.c.carte_id, demande.c.statut.in_(DEMANDE_OUVERTE)
    )
    question = (
        select(carte.c.carte_id, carte.c.compte_id, carte.c.echeance, du)
        .where(
            carte.c.statut == StatutCarte.ACTIVE,
            carte.c.echeance >= jour,
            carte.c.echeance <= jour + avant,
            carte.c.compte_id != "",
            ~deja.exists(),
            ~en_cours.exists(),
        )
        .order_by(carte.c.echeance, carte.c.carte_id)
        .limit(limite)
        .with_for_update(of=carte, skip_locked=True)
    )
    return [
        (carte_id, compte_id, echeance, GenreRappel.DERNIER if dernier_du else GenreRappel.PREMIER)
        for carte_id, compte_id, echeance, dernier_du in session.execute(question)
    ]


def noter_rappel(
    session: Session, carte_id: UUID, echeance: date, genre: GenreRappel, maintenant: datetime
) -> bool:
    """Note that a reminder leaves. Returns: False when it had left already."""
    requete = (
        postgresql.insert(rappel)
        .values(carte_id=carte_id, echeance=echeance, genre=genre, fait_le=maintenant)
        .on_conflict_do_nothing()
        .returning(rappel.c.carte_id)
    )
    return session.execute(requete).first() is not None
