"""Who read what (STO-02): one row for each reading."""

import datetime as dt
from dataclasses import asdict
from typing import Any
from uuid import UUID

from sqlalchemy import delete, insert, select, text
from sqlalchemy.orm import Session

from services.stockage.domain import Consultation, QualiteLecteur
from services.stockage.persistence.rangees import Lecteur
from services.stockage.persistence.tables import CONSULTATION


def noter_consultation(session: Session, consultation: Consultation) -> None:
    """Add a reading."""
    session.execute(insert(CONSULTATION).values(**asdict(consultation)))


def sans_attendre_le_disque(session: Session) -> None:
    """Let this transaction commit before the disk has it; it stays whole or absent."""
    session.execute(text("SET LOCAL synchronous_commit = off"))


def lister_consultations(lecteur: Lecteur, *, document_id: UUID, limite: int) -> list[Consultation]:
    """List the last readings of a document, all its versions together, newest first."""
    requete = (
        select(CONSULTATION)
        .where(CONSULTATION.c.document_id == document_id)
        .order_by(CONSULTATION.c.consultation_id.desc())
        .limit(limite)
    )
    return [_consultation(rangee) for rangee in lecteur.execute(requete)]


def oublier_consultations(
    session: Session, *, compte_id: UUID | None = None, avant: dt.datetime | None = None
) -> None:
    """Delete the readings of an account, or those older than then."""
    requete = delete(CONSULTATION)
    if compte_id is not None:
        requete = requete.where(CONSULTATION.c.compte_id == compte_id)
    if avant is not None:
        requete = requete.where(CONSULTATION.c.lue_le < avant)
    session.execute(requete)


def _consultation(rangee: Any) -> Consultation:
    return Consultation(
        piece_id=rangee.piece_id,
        document_id=rangee.document_id,
        version=rangee.version,
        compte_id=rangee.compte_id,
        lecteur_id=rangee.lecteur_id,
        qualite=QualiteLecteur(rangee.qualite),
        motif=rangee.motif,
        dossier_id=rangee.dossier_id,
        variante=rangee.variante,
        lue_le=rangee.lue_le,
    )
