"""What acts read and write, inside their transaction: rows they change are locked."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import (
    delete,
    insert,
    select,
)
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from services.cartes.domain import (
    CARTE_OUVERTE,
    Carte,
    CarteDejaDemandee,
    CarteIntrouvable,
    DecisionPiece,
    Demande,
    DemandeIntrouvable,
)
from services.cartes.persistence.tables import carte, decision, demande, lien, numero_carte, piece

_UNE_PAR_PERSONNE = {"carte_ouverte_par_personne", "demande_ouverte_par_carte"}


def cartes_ouvertes(session: Session, personne_id: str) -> Sequence[Carte]:
    """Return the open cards of a person, locked: at most one, says the database."""
    question = (
        select(Carte)
        .where(carte.c.personne_id == personne_id, carte.c.statut.in_(CARTE_OUVERTE))
        .with_for_update()
    )
    return session.scalars(question).all()


def ajouter(session: Session, nouvelle: Carte, requete: Demande) -> None:
    """Write a new card and its request.

    Raises: CarteDejaDemandee when another transaction took the person's place first.
    """
    try:
        session.flush()
        session.add(nouvelle)
        session.flush()
        session.add(requete)
        session.flush()
    except IntegrityError as error:
        if contrainte(error) in _UNE_PAR_PERSONNE:
            raise CarteDejaDemandee from error
        raise


def contrainte(error: IntegrityError) -> str | None:
    """Return the name of the constraint that refused a row."""
    diagnostic = getattr(error.orig, "diag", None)
    return getattr(diagnostic, "constraint_name", None)


def demande_existe(session: Session, demande_id: UUID) -> bool:
    """Say whether a request was committed under that id."""
    return session.scalar(select(1).where(demande.c.demande_id == demande_id)) is not None


def pieces_de(session: Session, demande_id: UUID) -> set[str]:
    """Return the ids of the documents that a request uses; none when it was never committed."""
    return set(session.scalars(select(piece.c.piece_id).where(piece.c.demande_id == demande_id)))


def demande_verrouillee(session: Session, demande_id: UUID) -> Demande:
    """Return a request with its proofs; others who want to change it wait.

    Raises: DemandeIntrouvable.
    """
    question = select(Demande).where(demande.c.demande_id == demande_id)
    trouvee = session.scalar(question.with_for_update().execution_options(populate_existing=True))
    if trouvee is None:
        raise DemandeIntrouvable
    return trouvee


def carte_verrouillee(session: Session, carte_id: UUID) -> Carte:
    """Return a card; others who want to change it wait.

    Raises: CarteIntrouvable.
    """
    question = select(Carte).where(carte.c.carte_id == carte_id).with_for_update()
    trouvee = session.scalar(question)
    if trouvee is None:
        raise CarteIntrouvable
    return trouvee


def prochaine_sequence(session: Session) -> int:
    """Return the next sequence part of a card number."""
    return int(session.scalar(numero_carte.next_value()) or 0)


def consigner_decisions(
    session: Session, requete: Demande, decisions: Sequence[DecisionPiece], agent_id: str
) -> None:
    """Keep who decided what on which document."""
    session.execute(
        insert(decision),
        [
            {
                "demande_id": requete.demande_id,
                "version": requete.version,
                "role": prise.role,
                "piece_id": requete.piece(prise.role).piece_id,
                "agent_id": agent_id,
                "acceptee": prise.acceptee,
                "motif": prise.motif,
                "precision": prise.precision,
                "prise_le": requete.modifiee_le,
            }
            for prise in decisions
        ],
    )


def purger_liens(session: Session, *, avant: datetime) -> int:
    """Delete the links that expired before that time. Returns: how many."""
    return len(session.execute(delete(lien).where(lien.c.expire_le < avant).returning(1)).all())
