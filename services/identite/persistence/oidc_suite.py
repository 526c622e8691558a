"""Signing keys, log-outs to announce and identities of other providers, as they are stored."""

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Final, NamedTuple
from uuid import UUID, uuid4

from sqlalchemy import Engine, text
from sqlalchemy.orm import Session

from chassis.db import plain
from services.identite.domain.oidc_cles import CleSignature

# Keys

_VERROU_CLES: Final = 0x6F69646301


class CleStockee(NamedTuple):
    """A signing key with its sealed private half."""

    cle: CleSignature
    privee: bytes


def lire_cles(lecture: Engine) -> list[CleStockee]:
    """Give every key that is not retired."""
    with plain(lecture) as cursor:
        lignes = cursor.execute(
            "SELECT kid, algorithme, publique, privee, active_le FROM oidc_cle ORDER BY active_le"
        ).fetchall()
    return [
        CleStockee(
            CleSignature(
                kid=ligne.kid,
                algorithme=ligne.algorithme,
                publique=json.loads(ligne.publique),
                active_le=ligne.active_le,
            ),
            bytes(ligne.privee),
        )
        for ligne in lignes
    ]


def tenir_cles(session: Session) -> list[CleSignature]:
    """Hold the key ring until the commit, and give it."""
    session.execute(text("SELECT pg_advisory_xact_lock(:cle)"), {"cle": _VERROU_CLES})
    lignes = session.execute(text("SELECT kid, algorithme, publique, active_le FROM oidc_cle"))
    return [
        CleSignature(
            kid=ligne.kid,
            algorithme=ligne.algorithme,
            publique=json.loads(ligne.publique),
            active_le=ligne.active_le,
        )
        for ligne in lignes
    ]


def ajouter_cle(session: Session, cle: CleSignature, privee: bytes) -> None:
    """Store a key."""
    session.execute(
        text(
            "INSERT INTO oidc_cle (kid, algorithme, publique, privee, active_le)"
            " VALUES (:kid, :algorithme, :publique, :privee, :active_le)"
        ),
        {**vars(cle), "publique": json.dumps(cle.publique), "privee": privee},
    )


def retirer_cles(session: Session, kids: Sequence[str]) -> None:
    """Delete retired keys, both halves."""
    session.execute(text("DELETE FROM oidc_cle WHERE kid = ANY(:kids)"), {"kids": list(kids)})


# Log-outs


_FINIES: Final = text(
    """
    WITH finies AS (
        SELECT a.id, a.client_id, a.sujet, a.sid FROM oidc_autorisation a
        WHERE a.annoncee_le IS NULL AND NOT EXISTS (
            SELECT 1 FROM session_ouverte s WHERE s.id = a.session_id AND s.fin_le > :maintenant)
        LIMIT 500 FOR UPDATE OF a SKIP LOCKED
    ), notees AS (
        UPDATE oidc_autorisation a SET annoncee_le = :maintenant,
            terminee_le = CASE WHEN a.hors_ligne THEN a.terminee_le
                ELSE coalesce(a.terminee_le, :maintenant) END
        FROM finies f WHERE a.id = f.id RETURNING f.client_id, f.sujet, f.sid, a.code_utilise_le
    )
    SELECT DISTINCT n.client_id, n.sujet, n.sid FROM notees n JOIN oidc_client c USING (client_id)
    WHERE n.code_utilise_le IS NOT NULL AND c.deconnexion_url <> '' AND NOT c.desactive
    """
)


def noter_fins(session: Session, *, maintenant: datetime) -> int:
    """Note the log-ins whose session has ended, and what their clients must be told of it.

    Returns: how many logout tokens there are to post.
    """
    lignes = session.execute(_FINIES, {"maintenant": maintenant}).all()
    for ligne in lignes:
        session.execute(
            text(
                "INSERT INTO oidc_deconnexion (id, client_id, sujet, sid, demandee_le, prochain_le)"
                " VALUES (:id, :client_id, :sujet, :sid, :maintenant, :maintenant)"
            ),
            {**ligne._asdict(), "id": uuid4(), "maintenant": maintenant},
        )
    return len(lignes)


class Deconnexion(NamedTuple):
    """A logout token to post."""

    id: UUID
    client_id: str
    sujet: str
    sid: str
    essais: int
    url: str
    algorithme: str


def prendre_deconnexion(
    session: Session, *, maintenant: datetime, jusqua: datetime
) -> Deconnexion | None:
    """Take one that is due, until `jusqua`: another process leaves it alone meanwhile."""
    ligne = session.execute(
        text(
            "UPDATE oidc_deconnexion d SET prochain_le = :jusqua, essais = d.essais + 1"
            " FROM oidc_client c WHERE c.client_id = d.client_id AND d.id = ("
            "   SELECT id FROM oidc_deconnexion WHERE prochain_le <= :maintenant"
            "   ORDER BY prochain_le LIMIT 1 FOR UPDATE SKIP LOCKED)"
            " RETURNING d.id, d.client_id, d.sujet, d.sid, d.essais, c.deconnexion_url,"
            " c.algorithme"
        ),
        {"maintenant": maintenant, "jusqua": jusqua},
    ).one_or_none()
    return None if ligne is None else Deconnexion._make(ligne)


def noter_deconnexion(
    session: Session,
    deconnexion_id: UUID,
    *,
    recue_le: datetime | None,
    prochain_le: datetime | None,
) -> None:
    """Note that the client received it, or when to post it again."""
    session.execute(
        text(
            "UPDATE oidc_deconnexion SET recue_le = :recue, prochain_le = :prochain WHERE id = :id"
        ),
        {"id": deconnexion_id, "recue": recue_le, "prochain": prochain_le},
    )


# Identities of other providers


def compte_amont(session: Session, emetteur: str, sujet: str) -> UUID | None:
    """Find the account that an upstream identity opens."""
    trouve: UUID | None = session.scalar(
        text("SELECT compte_id FROM identite_amont WHERE emetteur = :e AND sujet = :s"),
        {"e": emetteur, "s": sujet},
    )
    return trouve


def lier_amont(
    session: Session, emetteur: str, sujet: str, compte_id: UUID, *, maintenant: datetime
) -> bool:
    """Link an identity; False when it, or the account's place for it, is taken."""
    fait = session.connection().execute(
        text(
            "INSERT INTO identite_amont (emetteur, sujet, compte_id, liee_le)"
            " VALUES (:e, :s, :compte, :maintenant) ON CONFLICT DO NOTHING"
        ),
        {"e": emetteur, "s": sujet, "compte": compte_id, "maintenant": maintenant},
    )
    return fait.rowcount == 1


class Billet(NamedTuple):
    """An upstream identity that waits for its owner's proof here."""

    emetteur: str
    sujet: str
    courriel_plie: str
    courriel_verifie: bool


def noter_billet(session: Session, empreinte: bytes, billet: Billet, expire_le: datetime) -> None:
    """Store a pending link."""
    session.execute(
        text(
            "INSERT INTO billet_amont (empreinte, emetteur, sujet, courriel_plie,"
            " courriel_verifie, expire_le) VALUES (:empreinte, :emetteur, :sujet, :courriel_plie,"
            " :courriel_verifie, :expire_le)"
        ),
        {**billet._asdict(), "empreinte": empreinte, "expire_le": expire_le},
    )


def prendre_billet(session: Session, empreinte: bytes, *, maintenant: datetime) -> Billet | None:
    """Use up a pending link that is not too old."""
    ligne = session.execute(
        text(
            "DELETE FROM billet_amont WHERE empreinte = :e AND expire_le > :maintenant"
            " RETURNING emetteur, sujet, courriel_plie, courriel_verifie"
        ),
        {"e": empreinte, "maintenant": maintenant},
    ).one_or_none()
    return None if ligne is None else Billet._make(ligne)


# Upkeep

_PURGES: Final = {
    "oidc_jeton": "expire_le",
    "oidc_assertion": "expire_le",
    "billet_amont": "expire_le",
    "oidc_deconnexion": "demandee_le",
    "oidc_autorisation": "ouverte_le",
}
_CLES: Final = {"oidc_deconnexion": "id", "oidc_autorisation": "id"}


def purger(session: Session, table: str, avant: datetime, *, paquet: int = 1000) -> int:
    """Delete up to `paquet` rows whose time came before `avant`."""
    colonne, cle = _PURGES[table], _CLES.get(table, "empreinte")
    question = (
        f"DELETE FROM {table} WHERE {cle} IN (SELECT {cle} FROM {table}"  # noqa: S608
        f" WHERE {colonne} < :avant LIMIT :paquet FOR UPDATE SKIP LOCKED)"
    )
    return session.connection().execute(text(question), {"avant": avant, "paquet": paquet}).rowcount
