"""Subscriptions and proved contact points."""

from collections.abc import Iterable
from datetime import datetime
from uuid import uuid4

from sqlalchemy import text
from sqlalchemy.orm import Session

from services.avis.domain import Canal, Langue


def verrouiller_compte(session: Session, *, compte_id: str) -> None:
    """Make the events of one account wait for one another until the end of the transaction.

    Without it, a decision and the contact point it waits for could commit side by side, each
    without seeing the other, and the mail would wait for ever.
    """
    session.execute(
        text("SELECT pg_advisory_xact_lock(hashtextextended(:compte, 0))"), {"compte": compte_id}
    )


def codes_categories(session: Session) -> frozenset[str]:
    """Give the codes of the city's notice categories."""
    return frozenset(session.scalars(text("SELECT code FROM categorie")))


def ecrire_abonne(
    session: Session,
    *,
    compte_id: str,
    langue: Langue,
    categories: Iterable[str],
    canaux: Iterable[Canal],
    active_le: datetime,
) -> None:
    """Write what a person chose at sign-up, once: an older choice never replaces a newer one."""
    nouveau = session.execute(
        text(
            "INSERT INTO abonne (compte_id, langue, active_le) VALUES (:compte, :langue, :le)"
            " ON CONFLICT (compte_id) DO NOTHING RETURNING compte_id"
        ),
        {"compte": compte_id, "langue": langue, "le": active_le},
    ).first()
    if nouveau is None:
        return
    abonnements = [{"compte": compte_id, "valeur": code} for code in categories]
    if abonnements:
        session.execute(
            text("INSERT INTO abonnement (compte_id, categorie) VALUES (:compte, :valeur)"),
            abonnements,
        )
    choisis = [{"compte": compte_id, "valeur": canal} for canal in canaux]
    if choisis:
        session.execute(
            text("INSERT INTO canal_choisi (compte_id, canal) VALUES (:compte, :valeur)"), choisis
        )


def ecrire_point(
    session: Session,
    *,
    compte_id: str,
    canal: Canal,
    empreinte: bytes,
    scelle: bytes,
    langue: Langue,
    verifie_le: datetime,
) -> None:
    """Store a proved contact point; the latest proof tells whose e-mail or cell number it is."""
    if canal is not Canal.TELEPHONE:
        session.execute(
            text(
                "DELETE FROM point_contact WHERE canal = :canal AND empreinte = :empreinte"
                " AND compte_id <> :compte AND verifie_le < :le"
            ),
            {"canal": canal, "empreinte": empreinte, "compte": compte_id, "le": verifie_le},
        )
    session.execute(
        text(
            "INSERT INTO point_contact"
            " (id, compte_id, canal, empreinte, scelle, langue, verifie_le)"
            " VALUES (:id, :compte, :canal, :empreinte, :scelle, :langue, :le)"
            # The first target is a point proved again; the other conflict is an address that a
            # newer proof gave to another account: this event came late and changes nothing.
            " ON CONFLICT DO NOTHING"
        ),
        {
            "id": uuid4(),
            "compte": compte_id,
            "canal": canal,
            "empreinte": empreinte,
            "scelle": scelle,
            "langue": langue,
            "le": verifie_le,
        },
    )
    session.execute(
        text(
            "UPDATE point_contact SET scelle = :scelle, langue = :langue, verifie_le = :le"
            " WHERE compte_id = :compte AND canal = :canal AND empreinte = :empreinte"
            " AND verifie_le < :le"
        ),
        {
            "compte": compte_id,
            "canal": canal,
            "empreinte": empreinte,
            "scelle": scelle,
            "langue": langue,
            "le": verifie_le,
        },
    )


def langue_courriel(session: Session, *, compte_id: str) -> Langue | None:
    """Give the language of the account's e-mail address, None when it has no address yet."""
    valeur = session.scalar(
        text(
            "SELECT langue FROM point_contact WHERE compte_id = :compte AND canal = 'courriel'"
            " ORDER BY verifie_le DESC LIMIT 1"
        ),
        {"compte": compte_id},
    )
    return None if valeur is None else Langue(valeur)
