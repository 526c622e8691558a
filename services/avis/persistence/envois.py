"""The ledger of messages.

Schedules compare with PostgreSQL's own clock: a worker whose clock jumped takes nothing early.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import text
from sqlalchemy.orm import Session

from services.avis.domain import Canal, Envoi, EtatEnvoi, Gabarit, Langue

# After PostgreSQL restarts, living senders need a moment to take the lock of their number again.
_REDEMARRAGE = timedelta(seconds=15)


def ajouter_envoi(
    session: Session,
    *,
    event_id: UUID,
    canal: Canal,
    cible: bytes,
    compte_id: str,
    gabarit: Gabarit,
    langue: Langue,
    adresse_propre: bool,
    pret: bool,
    donnees: bytes,
    traceparent: str,
    cree_le: datetime,
) -> None:
    """Add one message, unless this event already gave one to this target.

    `adresse_propre` says that `donnees` hold the address; otherwise the account's is used. With
    `pret` false the message waits for the contact point of its account.
    """
    session.execute(
        text(
            "INSERT INTO envoi (id, event_id, canal, cible, compte_id, gabarit, langue,"
            " adresse_propre, donnees, traceparent, cree_le, pret_le)"
            " VALUES (:id, :event, :canal, :cible, :compte, :gabarit, :langue,"
            " :propre, :donnees, :trace, :cree, CASE WHEN :pret THEN now() END)"
            " ON CONFLICT (event_id, canal, cible) DO NOTHING"
        ),
        {
            "id": uuid4(),
            "event": event_id,
            "canal": canal,
            "cible": cible,
            "compte": compte_id,
            "gabarit": gabarit,
            "langue": langue,
            "propre": adresse_propre,
            "donnees": donnees,
            "trace": traceparent,
            "cree": cree_le,
            "pret": pret,
        },
    )


def envois_de_evenement(session: Session, *, event_id: UUID) -> tuple[UUID, ...]:
    """List the messages of an event that can leave now."""
    return tuple(
        session.scalars(
            text(
                "SELECT id FROM envoi WHERE event_id = :event"
                " AND etat = 'A_ENVOYER' AND pret_le <= now()"
            ),
            {"event": event_id},
        )
    )


def liberer_envois(session: Session, *, compte_id: str, langue: Langue) -> tuple[UUID, ...]:
    """Let the messages that waited for the account's address go, in its owner's language."""
    return tuple(
        session.scalars(
            text(
                "UPDATE envoi SET pret_le = now(), langue = :langue WHERE compte_id = :compte"
                " AND etat = 'A_ENVOYER' AND pret_le IS NULL AND NOT adresse_propre RETURNING id"
            ),
            {"compte": compte_id, "langue": langue},
        )
    )


def lire_envoi(session: Session, *, envoi_id: UUID) -> Envoi | None:
    """Read one message with the address of its account, None when it does not exist."""
    row = session.execute(
        text(
            "SELECT e.*, p.scelle AS adresse_scellee FROM envoi e LEFT JOIN LATERAL"
            " (SELECT scelle FROM point_contact WHERE compte_id = e.compte_id"
            "  AND canal = e.canal AND NOT e.adresse_propre ORDER BY verifie_le DESC LIMIT 1) p"
            " ON true WHERE e.id = :id"
        ),
        {"id": envoi_id},
    ).first()
    if row is None:
        return None
    return Envoi(
        id=row.id,
        compte_id=row.compte_id,
        gabarit=Gabarit(row.gabarit),
        langue=Langue(row.langue),
        etat=EtatEnvoi(row.etat),
        adresse_propre=row.adresse_propre,
        donnees=row.donnees,
        adresse_scellee=row.adresse_scellee,
        essai=row.essai,
        cree_le=row.cree_le,
        traceparent=row.traceparent,
    )


def prendre_envoi(session: Session, *, envoi_id: UUID, par: int) -> int | None:
    """Claim a message for one sender.

    Returns: the number of this try, which every later change of the claim must show: a claim that
        ended and began again is another one. None when somebody else has the message, when it is
        finished, or when its time has not come.
    """
    essai: int | None = session.scalar(
        text(
            "UPDATE envoi SET etat = 'EN_COURS', pris_par = :par, pris_le = now(),"
            " essai = essai + 1"
            " WHERE id = :id AND etat = 'A_ENVOYER' AND pret_le <= now() RETURNING essai"
        ),
        {"id": envoi_id, "par": par},
    )
    return essai


def retarder_envoi(session: Session, *, envoi_id: UUID, delai: timedelta) -> bool:
    """Move a message that cannot be prepared out of the way of the others."""
    return _change(
        session,
        "UPDATE envoi SET pret_le = now() + :delai WHERE id = :id AND etat = 'A_ENVOYER'",
        {"id": envoi_id, "delai": delai},
    )


def faire_attendre(session: Session, *, envoi_id: UUID) -> bool:
    """Make a message wait again for an address that its account has lost since."""
    return _change(
        session,
        "UPDATE envoi SET pret_le = NULL WHERE id = :id AND etat = 'A_ENVOYER'"
        " AND NOT adresse_propre AND NOT EXISTS (SELECT 1 FROM point_contact p"
        " WHERE p.compte_id = envoi.compte_id AND p.canal = envoi.canal)",
        {"id": envoi_id},
    )


def terminer_envoi(
    session: Session, *, envoi_id: UUID, par: int, essai: int, etat: EtatEnvoi, code: int | None
) -> bool:
    """Write the end of a message that `par` holds; False when it no longer holds it."""
    return _change(
        session,
        "UPDATE envoi SET etat = :etat, pris_par = NULL, termine_le = now(), code_smtp = :code"
        " WHERE id = :id AND etat = 'EN_COURS' AND pris_par = :par AND essai = :essai",
        {"id": envoi_id, "par": par, "essai": essai, "etat": etat, "code": code},
    )


def rendre_envoi(
    session: Session, *, envoi_id: UUID, par: int, essai: int, delai: timedelta, code: int | None
) -> bool:
    """Put a message that no server accepted back in line, after `delai`."""
    return _change(
        session,
        "UPDATE envoi SET etat = 'A_ENVOYER', pris_par = NULL, pris_le = NULL,"
        " pret_le = now() + :delai, code_smtp = :code"
        " WHERE id = :id AND etat = 'EN_COURS' AND pris_par = :par AND essai = :essai",
        {"id": envoi_id, "par": par, "essai": essai, "delai": delai, "code": code},
    )


def envois_prets(session: Session, *, limite: int) -> tuple[UUID, ...]:
    """List messages whose time has come, longest waiting first."""
    return tuple(
        session.scalars(
            text(
                "SELECT id FROM envoi WHERE etat = 'A_ENVOYER' AND pret_le <= now()"
                " ORDER BY pret_le LIMIT :limite"
            ),
            {"limite": limite},
        )
    )


def envois_en_cours(
    session: Session, *, repos: timedelta, limite: int
) -> tuple[tuple[UUID, int, int], ...]:
    """List messages whose claim is older than `repos`: id, number of the owner, try."""
    rows = session.execute(
        text(
            "SELECT id, pris_par, essai FROM envoi WHERE etat = 'EN_COURS'"
            " AND pris_le < now() - :repos ORDER BY pris_le LIMIT :limite"
        ),
        {"repos": repos, "limite": limite},
    )
    return tuple((row.id, row.pris_par, row.essai) for row in rows)


def reprendre_envoi(session: Session, *, envoi_id: UUID, ancien: int, par: int) -> bool:
    """Take over the message of a dead sender; False while that sender lives or may live.

    A sender lives as long as its session holds the lock of its number. Just after a restart of
    PostgreSQL living senders have not taken theirs again yet, so nobody is taken for dead.
    """
    mort = session.scalar(
        text(
            "SELECT now() > pg_postmaster_start_time() + :redemarrage"
            " AND pg_try_advisory_xact_lock(:ancien)"
        ),
        {"redemarrage": _REDEMARRAGE, "ancien": ancien},
    )
    return bool(mort) and _change(
        session,
        "UPDATE envoi SET pris_par = :par WHERE id = :id AND etat = 'EN_COURS'"
        " AND pris_par = :ancien",
        {"id": envoi_id, "par": par, "ancien": ancien},
    )


def effacer_donnees(session: Session, *, apres: timedelta, limite: int) -> int:
    """Erase what finished messages said, `apres` after their end."""
    return _compte(
        session,
        "UPDATE envoi SET donnees = NULL WHERE id IN (SELECT id FROM envoi"
        " WHERE donnees IS NOT NULL AND termine_le < now() - :apres LIMIT :limite)",
        {"apres": apres, "limite": limite},
    )


def purger_envois(session: Session, *, apres: timedelta, limite: int) -> int:
    """Delete finished messages, `apres` after their end."""
    return _compte(
        session,
        "DELETE FROM envoi WHERE id IN (SELECT id FROM envoi"
        " WHERE termine_le < now() - :apres LIMIT :limite)",
        {"apres": apres, "limite": limite},
    )


def resumer_envois(session: Session, *, limite: int) -> Sequence[Any]:
    """List recent messages for an operator: states and times, nobody's data."""
    return session.execute(
        text(
            "SELECT id, gabarit, etat, essai, code_smtp, cree_le, termine_le,"
            " etat = 'A_ENVOYER' AND pret_le IS NULL AS attend_adresse"
            " FROM envoi ORDER BY cree_le DESC LIMIT :limite"
        ),
        {"limite": limite},
    ).all()


def _change(session: Session, statement: str, values: dict[str, Any]) -> bool:
    return _compte(session, statement, values) == 1


def _compte(session: Session, statement: str, values: dict[str, Any]) -> int:
    result = session.execute(text(statement), values)
    return int(result.rowcount)  # type: ignore[attr-defined]  # a CursorResult, for these statements
