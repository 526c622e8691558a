"""Keys of the accounts and check values of the master keys: queries without a rule."""

import datetime as dt
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from services.stockage.domain import CleScellee, Espace


def lister_temoins(session: Session) -> list[CleScellee]:
    """List the check values, by version."""
    rangees = session.execute(text("SELECT version, temoin FROM maitresse ORDER BY version"))
    return [CleScellee(version=r.version, enveloppe=r.temoin) for r in rangees]


def ajouter_temoin(session: Session, temoin: CleScellee, *, maintenant: dt.datetime) -> None:
    """Keep the check value of a version, unless a twin was first."""
    session.execute(
        text(
            "INSERT INTO maitresse (version, temoin, vue_le) VALUES (:version, :temoin, :le)"
            " ON CONFLICT DO NOTHING"
        ),
        {"version": temoin.version, "temoin": temoin.enveloppe, "le": maintenant},
    )


def oublier_temoins(session: Session, *, sauf: int) -> list[int]:
    """Delete the check values of the versions that wrap no key any more. Returns: which."""
    return list(
        session.scalars(
            text(
                "DELETE FROM maitresse WHERE version <> :sauf AND NOT EXISTS (SELECT FROM espace"
                " WHERE cle_version = maitresse.version AND cle_effacee_le IS NULL)"
                " RETURNING version"
            ),
            {"sauf": sauf},
        )
    )


def une_cle_de(session: Session, version: int) -> Espace | None:
    """Find any account whose key that version wraps."""
    requete = text(
        "SELECT compte_id, cle_version, cle_enveloppe FROM espace"
        " WHERE cle_version = :version AND cle_effacee_le IS NULL LIMIT 1"
    )
    rangee = session.execute(requete, {"version": version}).one_or_none()
    return None if rangee is None else _espace(rangee)


def compter_a_renouveler(session: Session, *, version: int) -> int:
    """Count the accounts whose key another version wraps."""
    requete = text(
        "SELECT count(*) FROM espace WHERE cle_version <> :version AND cle_effacee_le IS NULL"
    )
    return int(session.execute(requete, {"version": version}).scalar_one())


def prendre_a_renouveler(session: Session, *, version: int, limite: int) -> list[Espace]:
    """Take accounts whose key another version wraps, locked; those that somebody holds wait."""
    requete = text(
        "SELECT compte_id, cle_version, cle_enveloppe FROM espace"
        " WHERE cle_version <> :version AND cle_effacee_le IS NULL"
        " ORDER BY cle_version, compte_id LIMIT :limite FOR NO KEY UPDATE SKIP LOCKED"
    )
    rangees = session.execute(requete, {"version": version, "limite": limite})
    return [_espace(rangee) for rangee in rangees]


def changer_cles(session: Session, cles: Sequence[tuple[UUID, CleScellee]]) -> None:
    """Write wrapped keys."""
    requete = text(
        "UPDATE espace SET cle_version = :version, cle_enveloppe = :enveloppe"
        " WHERE compte_id = :compte_id"
    )
    session.execute(
        requete,
        [
            {"compte_id": compte_id, "version": cle.version, "enveloppe": cle.enveloppe}
            for compte_id, cle in cles
        ],
    )


def detruire_cle(session: Session, compte_id: UUID, *, maintenant: dt.datetime) -> bool:
    """Empty the envelope of an account, whose row then says when. Returns: False if it was."""
    requete = text(
        "INSERT INTO espace (compte_id, cle_version, cle_enveloppe, cree_le, cle_effacee_le)"
        " VALUES (:compte_id, 0, '', :le, :le)"
        " ON CONFLICT (compte_id) DO UPDATE"
        " SET cle_enveloppe = '', cle_version = 0, cle_effacee_le = :le,"
        " octets_utilises = 0, nombre_pieces = 0"
        " WHERE espace.cle_effacee_le IS NULL RETURNING compte_id"
    )
    return session.execute(requete, {"compte_id": compte_id, "le": maintenant}).first() is not None


def compter_attaches(session: Session, compte_id: UUID) -> tuple[int, int]:
    """Count what forbids to erase an account: references of cases, and legal holds."""
    requete = text(
        "SELECT (SELECT count(*) FROM retenue"
        " WHERE compte_id = :compte_id AND liberee_le IS NULL),"
        " (SELECT count(*) FROM gel WHERE compte_id = :compte_id AND leve_le IS NULL)"
    )
    retenues, gels = session.execute(requete, {"compte_id": compte_id}).one()
    return int(retenues), int(gels)


def effacer_pieces(session: Session, compte_id: UUID) -> list[tuple[str, str]]:
    """Delete the documents and the uploads of an account. Returns: state and object of each."""
    segments = session.execute(
        text(
            "SELECT 'EN_ANALYSE', objet_nom FROM segment"
            " JOIN televersement USING (televersement_id) WHERE compte_id = :compte_id"
        ),
        {"compte_id": compte_id},
    ).all()
    session.execute(
        text("DELETE FROM televersement WHERE compte_id = :compte_id"), {"compte_id": compte_id}
    )
    pieces = session.execute(
        text("DELETE FROM piece WHERE compte_id = :compte_id RETURNING statut, objet_nom"),
        {"compte_id": compte_id},
    ).all()
    return [(str(statut), str(nom)) for statut, nom in (*segments, *pieces) if nom is not None]


def _espace(rangee: Any) -> Espace:
    return Espace(
        compte_id=rangee.compte_id,
        cle=CleScellee(version=rangee.cle_version, enveloppe=rangee.cle_enveloppe),
    )
