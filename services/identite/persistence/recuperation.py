"""Corrections by staff, recoveries of lost mailboxes, and what staff search."""

from datetime import date, datetime
from typing import Any, Final, NamedTuple
from uuid import UUID, uuid4

from sqlalchemy import text
from sqlalchemy.orm import Session

from services.identite.domain.coordonnees import Recuperation, StatutRecuperation

UNE_SEULE: Final = "recuperation_une_seule"

_LISTE_MAX: Final = 50
_COLONNES: Final = (
    "id, compte_id, nouveau_courriel, nouveau_plie, controles, note, statut, demandee_par,"
    " demandee_le, decidee_par, decidee_le, motif, envoi_le"
)
_EN_COURS: Final = "('DEMANDEE', 'APPROUVEE', 'ENVOYEE')"


class Trouve(NamedTuple):
    """One person in a list of staff."""

    id: UUID
    prenom: str
    nom: str
    courriel: str
    date_naissance: date | None
    statut: str


class Correction(NamedTuple):
    """One correction made by staff."""

    id: UUID
    faite_le: datetime
    agent: str
    champs: list[str]
    motif: str


def _recuperation(row: Any) -> Recuperation:
    return Recuperation(**{**row, "statut": StatutRecuperation(row["statut"])})


def chercher(session: Session, *, texte: str, numero: str, limite: int) -> list[Trouve]:
    """Find people by folded e-mail, user name, E.164 number, or the beginning of a last name."""
    rows = session.execute(
        text(
            "SELECT id, prenom, nom, courriel, date_naissance, statut FROM compte"
            " WHERE courriel_plie = :plie OR nom_utilisateur = :plie"
            " OR starts_with(lower(nom), :plie) OR lower(prenom || ' ' || nom) = :plie"
            " OR id IN (SELECT compte_id FROM coordonnee WHERE valeur = :numero)"
            " ORDER BY nom, prenom, id LIMIT :limite"
        ),
        {"plie": texte.casefold(), "numero": numero, "limite": limite},
    )
    return [Trouve(*row) for row in rows]


def noter_correction(
    session: Session,
    *,
    compte_id: UUID,
    agent_id: UUID,
    champs: list[str],
    motif: str,
    maintenant: datetime,
) -> UUID:
    """Write a correction down. Returns: its id."""
    correction_id = uuid4()
    session.execute(
        text(
            "INSERT INTO correction (id, compte_id, agent_id, champs, motif, faite_le)"
            " VALUES (:id, :compte, :agent, :champs, :motif, :le)"
        ),
        {
            "id": correction_id,
            "compte": compte_id,
            "agent": agent_id,
            "champs": champs,
            "motif": motif,
            "le": maintenant,
        },
    )
    return correction_id


def corrections(session: Session, compte_id: UUID) -> list[Correction]:
    """List the corrections of an account, newest first."""
    rows = session.execute(
        text(
            "SELECT r.id, r.faite_le, coalesce(a.prenom || ' ' || a.nom, '') AS agent, r.champs,"
            " r.motif FROM correction r LEFT JOIN compte a ON a.id = r.agent_id"
            " WHERE r.compte_id = :compte ORDER BY r.faite_le DESC, r.id LIMIT :limite"
        ),
        {"compte": compte_id, "limite": _LISTE_MAX},
    )
    return [Correction(*row) for row in rows]


def ouvrir(session: Session, une: Recuperation) -> None:
    """Store a new recovery; `recuperation_une_seule` refuses a second one under way."""
    session.execute(
        text(
            "INSERT INTO recuperation (id, compte_id, nouveau_courriel, nouveau_plie, controles,"
            " note, statut, demandee_par, demandee_le)"
            " VALUES (:id, :compte, :courriel, :plie, :controles, :note, :statut, :par, :le)"
        ),
        {
            "id": une.id,
            "compte": une.compte_id,
            "courriel": une.nouveau_courriel,
            "plie": une.nouveau_plie,
            "controles": list(une.controles),
            "note": une.note,
            "statut": une.statut.value,
            "par": une.demandee_par,
            "le": une.demandee_le,
        },
    )


def recuperation(session: Session, recuperation_id: UUID) -> Recuperation | None:
    """Find a recovery and hold it until the commit."""
    row = (
        session.execute(
            text(
                f"SELECT {_COLONNES} FROM recuperation WHERE id = :id FOR UPDATE"  # noqa: S608
            ),
            {"id": recuperation_id},
        )
        .mappings()
        .one_or_none()
    )
    return None if row is None else _recuperation(row)


def compte_de(session: Session, recuperation_id: UUID) -> UUID | None:
    """Tell whose recovery it is, so that the account is held before its rows."""
    trouve: UUID | None = session.scalar(
        text("SELECT compte_id FROM recuperation WHERE id = :id"), {"id": recuperation_id}
    )
    return trouve


def en_cours(session: Session, compte_id: UUID) -> Recuperation | None:
    """Find the recovery of an account that is under way."""
    row = (
        session.execute(
            text(
                f"SELECT {_COLONNES} FROM recuperation WHERE compte_id = :compte"  # noqa: S608
                f" AND statut IN {_EN_COURS}"
            ),
            {"compte": compte_id},
        )
        .mappings()
        .one_or_none()
    )
    return None if row is None else _recuperation(row)


def decider(
    session: Session,
    recuperation_id: UUID,
    *,
    statut: StatutRecuperation,
    agent_id: UUID,
    motif: str,
    envoi_le: datetime | None,
    maintenant: datetime,
) -> None:
    """Write what the second agent decided; the table refuses the first one."""
    session.execute(
        text(
            "UPDATE recuperation SET statut = :statut, decidee_par = :par, decidee_le = :le,"
            " motif = :motif, envoi_le = :envoi WHERE id = :id"
        ),
        {
            "id": recuperation_id,
            "statut": statut.value,
            "par": agent_id,
            "le": maintenant,
            "motif": motif,
            "envoi": envoi_le,
        },
    )


def changer_statut(
    session: Session, recuperation_id: UUID, statut: StatutRecuperation, *, maintenant: datetime
) -> None:
    """Move a recovery on."""
    fin = maintenant if statut is not StatutRecuperation.ENVOYEE else None
    session.execute(
        text("UPDATE recuperation SET statut = :statut, terminee_le = :fin WHERE id = :id"),
        {"id": recuperation_id, "statut": statut.value, "fin": fin},
    )


def attendues(session: Session) -> list[Recuperation]:
    """List what waits for a second agent, for its delay, or for the new address."""
    rows = session.execute(
        text(
            f"SELECT {_COLONNES} FROM recuperation WHERE statut IN {_EN_COURS}"  # noqa: S608
            " ORDER BY demandee_le, id LIMIT :limite"
        ),
        {"limite": _LISTE_MAX},
    )
    return [_recuperation(row) for row in rows.mappings()]


def echues(session: Session, *, maintenant: datetime) -> list[tuple[UUID, UUID]]:
    """List approved recoveries whose delay has passed: id, account."""
    rows = session.execute(
        text(
            "SELECT id, compte_id FROM recuperation WHERE statut = 'APPROUVEE'"
            " AND envoi_le <= :le ORDER BY envoi_le LIMIT :limite"
        ),
        {"le": maintenant, "limite": _LISTE_MAX},
    )
    return [(row.id, row.compte_id) for row in rows]


def noms(session: Session, comptes: list[UUID]) -> dict[UUID, str]:
    """Give the names of people by account."""
    rows = session.execute(
        text("SELECT id, prenom || ' ' || nom AS nom FROM compte WHERE id = ANY(:ids)"),
        {"ids": comptes},
    )
    return {row.id: row.nom for row in rows}
