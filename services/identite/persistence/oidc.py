"""The tables of OpenID Connect and the questions asked of them: consents, grants, tokens."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple
from uuid import UUID, uuid4

from sqlalchemy import Engine, text
from sqlalchemy.orm import Session

from chassis.db import Cursor, plain
from services.identite.domain.oidc import Autorisation, Personne
from services.identite.domain.oidc_client import ClientOidc
from services.identite.persistence.oidc_clients import COLONNES_CLIENT, client_de

# Log-ins and consents


class SessionLue(NamedTuple):
    """The session that an authorization belongs to."""

    compte_id: UUID
    connecte_le: datetime
    acr: str


# Whoever has a second factor could only open the session with it.
_LIRE_SESSION: Final = text(
    """
    SELECT s.compte_id, coalesce(s.prouvee_le, s.ouverte_le) AS connecte_le,
        CASE WHEN EXISTS (SELECT 1 FROM totp t WHERE t.compte_id = s.compte_id
                AND t.confirme_le <= s.ouverte_le)
            OR EXISTS (SELECT 1 FROM cle_acces k WHERE k.compte_id = s.compte_id
                AND k.cree_le <= s.ouverte_le)
        THEN 'urn:espace-citoyen:deux-facteurs' ELSE 'urn:espace-citoyen:mot-de-passe' END AS acr
    FROM session_ouverte s JOIN compte c ON c.id = s.compte_id
    WHERE s.id = :session_id AND s.complete AND s.fin_le > :maintenant AND c.statut = 'ACTIF'
    """
)


def session_lue(session: Session, session_id: UUID, *, maintenant: datetime) -> SessionLue | None:
    """Find a live session by its id."""
    ligne = session.execute(
        _LIRE_SESSION, {"session_id": session_id, "maintenant": maintenant}
    ).one_or_none()
    return None if ligne is None else SessionLue._make(ligne)


def portees_consenties(session: Session, compte_id: UUID, client_id: str) -> tuple[str, ...]:
    """Give the scopes that a person lets a client have; none without a consent."""
    portees = session.scalar(
        text(
            "SELECT portees FROM oidc_consentement"
            " WHERE compte_id = :compte AND client_id = :client AND retire_le IS NULL"
        ),
        {"compte": compte_id, "client": client_id},
    )
    return tuple(portees or ())


def noter_consentement(
    session: Session,
    compte_id: UUID,
    client_id: str,
    portees: Sequence[str],
    *,
    maintenant: datetime,
) -> None:
    """Note what a person agreed to; the earlier wording ends."""
    retirer_consentement(session, compte_id, client_id, maintenant=maintenant)
    session.execute(
        text(
            "INSERT INTO oidc_consentement (id, compte_id, client_id, portees, donne_le)"
            " VALUES (:id, :compte, :client, :portees, :maintenant)"
        ),
        {
            "id": uuid4(),
            "compte": compte_id,
            "client": client_id,
            "portees": list(portees),
            "maintenant": maintenant,
        },
    )


def retirer_consentement(
    session: Session, compte_id: UUID, client_id: str, *, maintenant: datetime
) -> bool:
    """End a consent; False when there was none."""
    fait = session.connection().execute(
        text(
            "UPDATE oidc_consentement SET retire_le = :maintenant"
            " WHERE compte_id = :compte AND client_id = :client AND retire_le IS NULL"
        ),
        {"compte": compte_id, "client": client_id, "maintenant": maintenant},
    )
    return fait.rowcount > 0


class Consentement(NamedTuple):
    """A consent as the person who gave it sees it."""

    client_id: str
    nom_fr: str
    nom_en: str
    portees: list[str]
    donne_le: datetime


def lister_consentements(lecture: Engine, compte_id: UUID) -> list[Consentement]:
    """List what a person agreed to, the latest first."""
    with plain(lecture) as cursor:
        lignes = cursor.execute(
            "SELECT k.client_id, c.nom_fr, c.nom_en, k.portees, k.donne_le"
            " FROM oidc_consentement k JOIN oidc_client c USING (client_id)"
            " WHERE k.compte_id = %s AND k.retire_le IS NULL ORDER BY k.donne_le DESC",
            (compte_id,),
        ).fetchall()
    return [Consentement._make(ligne) for ligne in lignes]


def sujet(session: Session, secteur: str, compte_id: UUID) -> str:
    """Give what a person is called in a sector, always the same there."""
    trouve = session.scalar(
        text(
            "INSERT INTO oidc_sujet (secteur, compte_id, sujet)"
            " VALUES (:secteur, :compte, :sujet)"
            " ON CONFLICT (secteur, compte_id) DO UPDATE SET secteur = excluded.secteur"
            " RETURNING sujet"
        ),
        {"secteur": secteur, "compte": compte_id, "sujet": uuid4()},
    )
    return str(trouve)


def sid_du_client(session: Session, session_id: UUID, client_id: str) -> str:
    """Give what a client knows a session by; another client knows it by another word."""
    trouve = session.scalar(
        text(
            "SELECT sid FROM oidc_autorisation"
            " WHERE session_id = :session AND client_id = :client LIMIT 1"
        ),
        {"session": session_id, "client": client_id},
    )
    return str(trouve or uuid4())


_AUTORISATION: Final = (
    "id, client_id, compte_id, sujet, sid, portees, redirection, nonce, acr, defi, connecte_le,"
    " code_expire_le"
)
_INSERER_AUTORISATION: Final = text(
    f"INSERT INTO oidc_autorisation ({_AUTORISATION}, session_id, hors_ligne, ouverte_le,"  # noqa: S608
    " code_empreinte) VALUES (:id, :client_id, :compte_id, :sujet, :sid, :portees, :redirection,"
    " :nonce, :acr, :defi, :connecte_le, :code_expire_le, :session_id, :hors_ligne, :maintenant,"
    " :code_empreinte)"
)


def inserer_autorisation(
    session: Session,
    nouvelle: Autorisation,
    *,
    session_id: UUID,
    hors_ligne: bool,
    code_empreinte: bytes,
    maintenant: datetime,
) -> None:
    """Store a log-in at a client, with its code."""
    valeurs = {
        **vars(nouvelle),
        "portees": list(nouvelle.portees),
        "session_id": session_id,
        "hors_ligne": hors_ligne,
        "code_empreinte": code_empreinte,
        "maintenant": maintenant,
    }
    session.execute(_INSERER_AUTORISATION, valeurs)


# Tokens: the busiest path, in plain statements


class JetonLu(NamedTuple):
    """A stored token."""

    genre: str
    portees: tuple[str, ...]
    certificat: str
    cree_le: datetime
    expire_le: datetime
    utilise_le: datetime | None


_VIVANTE: Final = (
    "(c.statut = 'ACTIF' AND NOT k.desactive AND (a.hors_ligne OR EXISTS (SELECT 1 FROM"
    " session_ouverte s WHERE s.id = a.session_id AND s.fin_le > %(maintenant)s))) AS vivante"
)
_COLONNES: Final = (
    ", ".join(f"a.{nom}" for nom in _AUTORISATION.split(", "))
    + f", a.code_utilise_le, a.terminee_le, {_VIVANTE}"
)
# The client comes with what it was given: one read instead of two.
_DU_CLIENT: Final = ", ".join(f"k.{nom} AS k_{nom}" for nom in COLONNES_CLIENT)
_TITULAIRE: Final = (
    "JOIN compte c ON c.id = a.compte_id JOIN oidc_client k ON k.client_id = a.client_id"
)
_PAR_CODE: Final = (
    f"SELECT {_COLONNES}, {_DU_CLIENT} FROM oidc_autorisation a {_TITULAIRE}"  # noqa: S608
    " WHERE a.code_empreinte = %(empreinte)s"
)
_PAR_JETON: Final = (
    f"SELECT {_COLONNES}, {_DU_CLIENT}, j.genre, j.portees AS j_portees, j.certificat,"  # noqa: S608
    " j.cree_le, j.expire_le, j.utilise_le FROM oidc_jeton j JOIN oidc_autorisation a"
    " ON a.id = j.autorisation_id"
    f" {_TITULAIRE} WHERE j.empreinte = %(empreinte)s"
)


def par_code(
    cursor: Cursor, empreinte: bytes, maintenant: datetime
) -> tuple[Autorisation, ClientOidc] | None:
    """Find what a code opens, and for whom, in one indexed read."""
    ligne = cursor.execute(_PAR_CODE, {"empreinte": empreinte, "maintenant": maintenant}).fetchone()
    return None if ligne is None else (_autorisation(ligne), _client(ligne))


def par_jeton(
    cursor: Cursor, empreinte: bytes, maintenant: datetime
) -> tuple[JetonLu, Autorisation, ClientOidc] | None:
    """Find a token, what it belongs to and its client, in one indexed read."""
    ligne = cursor.execute(
        _PAR_JETON, {"empreinte": empreinte, "maintenant": maintenant}
    ).fetchone()
    if ligne is None:
        return None
    jeton = JetonLu(
        genre=ligne.genre,
        portees=tuple(ligne.j_portees),
        certificat=ligne.certificat,
        cree_le=ligne.cree_le,
        expire_le=ligne.expire_le,
        utilise_le=ligne.utilise_le,
    )
    return jeton, _autorisation(ligne), _client(ligne)


def _client(ligne: Any) -> ClientOidc:
    return client_de({nom: getattr(ligne, f"k_{nom}") for nom in COLONNES_CLIENT})


def _autorisation(ligne: Any) -> Autorisation:
    champs = {nom: getattr(ligne, nom) for nom in Autorisation.__dataclass_fields__}
    return Autorisation(**{**champs, "portees": tuple(champs["portees"])})


class NouveauJeton(NamedTuple):
    """A token to store."""

    empreinte: bytes
    genre: str
    portees: tuple[str, ...]
    certificat: str
    expire_le: datetime


# One statement, so that what is given up and what is given are one commit and one round trip.
_EMETTRE: Final = (
    " INSERT INTO oidc_jeton (empreinte, autorisation_id, genre, portees, certificat, cree_le,"
    " expire_le) SELECT n.empreinte, titre.id, n.genre, string_to_array(n.portees, ' '),"
    " n.certificat, %(maintenant)s, n.expire_le FROM titre, unnest(%(empreintes)s::bytea[],"
    " %(genres)s::text[], %(portees)s::text[], %(certificats)s::text[],"
    " %(expirations)s::timestamptz[]) AS n(empreinte, genre, portees, certificat, expire_le)"
)
_AVEC_CODE: Final = (
    "WITH titre AS (UPDATE oidc_autorisation SET code_utilise_le = %(maintenant)s"
    " WHERE id = %(titre)s AND code_utilise_le IS NULL AND terminee_le IS NULL RETURNING id)"
)
_AVEC_JETON: Final = (
    "WITH titre AS (UPDATE oidc_jeton j SET utilise_le = %(maintenant)s FROM oidc_autorisation a"
    " WHERE j.empreinte = %(titre)s AND j.utilise_le IS NULL AND a.id = j.autorisation_id"
    " AND a.terminee_le IS NULL RETURNING a.id)"
)


def echanger(
    cursor: Cursor, titre: UUID | bytes, nouveaux: Sequence[NouveauJeton], *, maintenant: datetime
) -> bool:
    """Use up a code (by its authorization) or a refresh token (by its digest) for new tokens.

    Returns: False when it had been used, or ended, meanwhile: nothing was stored.
    """
    depart = _AVEC_CODE if isinstance(titre, UUID) else _AVEC_JETON
    valeurs = {
        "titre": titre,
        "maintenant": maintenant,
        "empreintes": [jeton.empreinte for jeton in nouveaux],
        "genres": [jeton.genre for jeton in nouveaux],
        "portees": [" ".join(jeton.portees) for jeton in nouveaux],
        "certificats": [jeton.certificat for jeton in nouveaux],
        "expirations": [jeton.expire_le for jeton in nouveaux],
    }
    return cursor.execute(depart + _EMETTRE, valeurs).rowcount == len(nouveaux)


def terminer(cursor: Cursor, autorisation_id: UUID, *, maintenant: datetime) -> None:
    """End an authorization: its code and its tokens open nothing more."""
    cursor.execute(
        "UPDATE oidc_autorisation SET terminee_le = %s WHERE id = %s AND terminee_le IS NULL",
        (maintenant, autorisation_id),
    )


def terminer_celles(
    session: Session, *, client_id: str, compte_id: UUID | None, maintenant: datetime
) -> None:
    """End every authorization of a client, or those of one person there."""
    session.execute(
        text(
            "UPDATE oidc_autorisation SET terminee_le = :maintenant WHERE client_id = :client"
            " AND terminee_le IS NULL AND (CAST(:compte AS uuid) IS NULL OR compte_id = :compte)"
        ),
        {"client": client_id, "compte": compte_id, "maintenant": maintenant},
    )


def oublier_jeton(cursor: Cursor, empreinte: bytes) -> None:
    """Delete one token."""
    cursor.execute("DELETE FROM oidc_jeton WHERE empreinte = %s", (empreinte,))


def lire_personne(cursor: Cursor, compte_id: UUID) -> Personne | None:
    """Find what claims are made of."""
    colonnes = ", ".join(Personne._fields)
    ligne = cursor.execute(
        f"SELECT {colonnes} FROM compte WHERE id = %s",  # noqa: S608
        (compte_id,),
    ).fetchone()
    return None if ligne is None else Personne._make(ligne)


def sessions_du_sid(
    lecture: Engine, *, client_id: str, sid: str, session_id: UUID
) -> Iterable[object]:
    """Find the log-ins of a client with this `sid` in this session."""
    with plain(lecture) as cursor:
        return cursor.execute(
            "SELECT 1 FROM oidc_autorisation"
            " WHERE session_id = %s AND client_id = %s AND sid = %s LIMIT 1",
            (session_id, client_id, sid),
        ).fetchall()
