"""Choices and contact points that change after sign-up."""

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import text
from sqlalchemy.orm import Session

from services.avis.domain import Canal, Langue


def remplacer_abonnement(
    session: Session,
    *,
    compte_id: str,
    langue: Langue,
    categories: Iterable[str],
    canaux: Iterable[Canal],
    change_le: datetime,
) -> None:
    """Write a choice over an older one; `active_le` is the time of the choice that is kept."""
    pris = session.execute(
        text(
            "INSERT INTO abonne (compte_id, langue, active_le) VALUES (:compte, :langue, :le)"
            " ON CONFLICT (compte_id) DO UPDATE SET langue = :langue, active_le = :le"
            " WHERE abonne.active_le <= :le RETURNING compte_id"
        ),
        {"compte": compte_id, "langue": langue, "le": change_le},
    ).first()
    if pris is None:
        return
    # In two statements per table and not one `DELETE … NOT IN`: few rows, and plain to read.
    for table, colonne, valeurs in (
        ("abonnement", "categorie", categories),
        ("canal_choisi", "canal", canaux),
    ):
        session.execute(
            text(f"DELETE FROM {table} WHERE compte_id = :compte"),  # noqa: S608
            {"compte": compte_id},
        )
        lignes = [{"compte": compte_id, "valeur": valeur} for valeur in valeurs]
        if lignes:
            session.execute(
                text(f"INSERT INTO {table} (compte_id, {colonne}) VALUES (:compte, :valeur)"),  # noqa: S608
                lignes,
            )


def retirer_point(
    session: Session, *, compte_id: str, canal: Canal, empreinte: bytes, retire_le: datetime
) -> None:
    """Delete a contact point that was proved before it was given up."""
    session.execute(
        text(
            "DELETE FROM point_contact WHERE compte_id = :compte AND canal = :canal"
            " AND empreinte = :empreinte AND verifie_le <= :le"
        ),
        {"compte": compte_id, "canal": canal, "empreinte": empreinte, "le": retire_le},
    )
