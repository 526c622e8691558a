"""Imports of other systems' accounts and contacts: rows by the thousand, one commit a batch."""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date, datetime
from typing import Any, Final, NamedTuple
from uuid import UUID

import psycopg
from psycopg.rows import tuple_row
from sqlalchemy import Engine, text
from sqlalchemy.orm import Session

from services.identite.domain.ponts import ImportEnCours, Source

# Any number that nobody else locks in this database.
_VERROU: Final = 4_004_001

# Rows on their way in: text, so that Python formats them once. Emptied by each commit.
_ARRIVEE: Final = """
CREATE TEMPORARY TABLE IF NOT EXISTS arrivee (
    ligne integer, id uuid, reference text, courriel text, courriel_plie text,
    nom_utilisateur text, prenom text, nom text, date_naissance date,
    adresse_ligne text, adresse_ville text, adresse_code_postal text, telephone text,
    langue text, mot_de_passe text, compte_id uuid
) ON COMMIT DELETE ROWS
"""
# PostgreSQL knows nothing of a table that has just been filled, and would read all of `compte` for
# each batch: a rate that falls as the table grows. Each batch looks its few thousand keys up.
_REGLAGES: Final = (
    "SET enable_hashjoin = off",
    "SET enable_mergejoin = off",
    "SET enable_material = off",
    "SET enable_seqscan = off",
    "SET jit = off",
    "SET random_page_cost = 1.1",
    "SET statement_timeout = '600s'",
)


class Importation(NamedTuple):
    """One import, as far as it went."""

    id: UUID
    source: str
    fichier: str
    empreinte: bytes
    commencee_le: datetime
    finie_le: datetime | None
    annulee_le: datetime | None
    derniere_ligne: int
    nombres: dict[str, int]


class Collision(NamedTuple):
    """A row that a clerk must know about.

    Attributes:
        ligne: line of the file, the header being 1.
        regle: what was done, a `Regle`.
        reference: the other system's own number.
        qui: name and e-mail of the row, as far as they could be read.
        detail: fields with their reasons, or the line or reference that it collides with.
    """

    ligne: int
    regle: str
    reference: str
    qui: str
    detail: str


class Existant(NamedTuple):
    """What the tables know about a row that arrives."""

    ligne: int
    connue: bool
    double: str | None
    compte_id: UUID | None
    statut: str | None
    prenom: str | None
    nom: str | None
    date_naissance: date | None
    nom_pris: bool
    autre: str | None


@contextmanager
def session_d_import(engine: Engine, *, verrou: bool) -> Iterator[Session]:
    """Lend the one connection of an import; it is closed, not given back, at the end.

    Raises: ImportEnCours when `verrou` is wanted and somebody else holds it.
    """
    with engine.connect() as connection:
        try:
            connection.exec_driver_sql(_ARRIVEE)
            for reglage in _REGLAGES:
                connection.exec_driver_sql(reglage)
            pris = not verrou or connection.scalar(
                text("SELECT pg_try_advisory_lock(:cle)"), {"cle": _VERROU}
            )
            connection.commit()
            if not pris:
                raise ImportEnCours
            with Session(bind=connection, expire_on_commit=False) as session:
                yield session
        finally:
            # Its settings, its temporary table and its lock go with it.
            connection.invalidate()


_COLONNES: Final = ", ".join(Importation._fields)


def importation(session: Session, source: Source, empreinte: bytes) -> Importation | None:
    """Find the import of a file, unless it was undone."""
    ligne = session.execute(
        text(
            f"SELECT {_COLONNES} FROM importation WHERE source = :source"  # noqa: S608 - our names
            " AND empreinte = :empreinte AND annulee_le IS NULL"
        ),
        {"source": source, "empreinte": empreinte},
    ).one_or_none()
    return None if ligne is None else Importation(*ligne)


def importation_par_id(session: Session, importation_id: UUID) -> Importation | None:
    """Find an import, undone or not."""
    ligne = session.execute(
        text(f"SELECT {_COLONNES} FROM importation WHERE id = :id"),  # noqa: S608 - our names
        {"id": importation_id},
    ).one_or_none()
    return None if ligne is None else Importation(*ligne)


def commencer(
    session: Session,
    importation_id: UUID,
    *,
    source: Source,
    fichier: str,
    empreinte: bytes,
    maintenant: datetime,
) -> None:
    """Note a new import."""
    session.execute(
        text(
            "INSERT INTO importation (id, source, fichier, empreinte, commencee_le,"
            " derniere_ligne, nombres) VALUES (:id, :source, :fichier, :empreinte, :le, 1, '{}')"
        ),
        {
            "id": importation_id,
            "source": source,
            "fichier": fichier,
            "empreinte": empreinte,
            "le": maintenant,
        },
    )


def avancer(
    session: Session,
    importation_id: UUID,
    *,
    derniere_ligne: int,
    nombres: Mapping[str, int],
    finie_le: datetime | None = None,
) -> None:
    """Note, in the transaction of a batch, how far the import went."""
    session.execute(
        text(
            "UPDATE importation SET derniere_ligne = :ligne, nombres = CAST(:nombres AS jsonb),"
            " finie_le = :finie WHERE id = :id"
        ),
        {
            "ligne": derniere_ligne,
            "nombres": json.dumps(dict(nombres)),
            "finie": finie_le,
            "id": importation_id,
        },
    )


def copier(session: Session, lignes: Sequence[str]) -> None:
    """Send rows, one text of tab-separated columns each, to the table of arrivals."""
    pilote: Any = session.connection().connection.driver_connection
    with (
        pilote.cursor() as cursor,
        cursor.copy("COPY arrivee FROM STDIN (FORMAT text, NULL '')") as copie,
    ):
        copie.write("\n".join(lignes) + "\n")


_COMPTES_CONNUS: Final = """
SELECT a.ligne, e.id IS NOT NULL, x.reference, c.id, c.statut, c.prenom, c.nom, c.date_naissance,
    u.id IS DISTINCT FROM c.id AND u.id IS NOT NULL OR r.nom_utilisateur IS NOT NULL, y.source
FROM arrivee a
LEFT JOIN compte_externe e ON e.source = %(source)s AND e.reference = a.reference
LEFT JOIN LATERAL (
    SELECT reference FROM compte_externe
    WHERE courriel_plie = a.courriel_plie AND source = %(source)s LIMIT 1
) x ON true
LEFT JOIN LATERAL (
    SELECT source FROM compte_externe
    WHERE courriel_plie = a.courriel_plie AND source <> %(source)s LIMIT 1
) y ON true
LEFT JOIN compte c ON c.courriel_plie = a.courriel_plie
LEFT JOIN compte u ON u.nom_utilisateur = a.nom_utilisateur
LEFT JOIN nom_reserve r ON r.nom_utilisateur = a.nom_utilisateur
WHERE e.id IS NOT NULL OR x.reference IS NOT NULL OR y.source IS NOT NULL OR c.id IS NOT NULL
    OR u.id IS NOT NULL OR r.nom_utilisateur IS NOT NULL
"""


def comptes_connus(session: Session, source: Source) -> list[Existant]:
    """List the arriving accounts that meet something we have; the others are simply new."""
    lignes = _curseur(session).execute(_COMPTES_CONNUS, {"source": source}).fetchall()
    return [Existant(*ligne) for ligne in lignes]


class ContactConnu(NamedTuple):
    """An arriving contact that we have, or whose e-mail has a confirmed account."""

    ligne: int
    connu: bool
    compte_id: UUID | None


def contacts_connus(session: Session) -> list[ContactConnu]:
    """List the arriving contacts that meet something we have; `telephone` holds the channel."""
    lignes = (
        _curseur(session)
        .execute(
            "SELECT a.ligne, u.id IS NOT NULL, c.id FROM arrivee a"
            " LEFT JOIN contact_urgence u"
            " ON u.coordonnee = a.courriel_plie AND u.canal = a.telephone"
            " LEFT JOIN compte c ON c.courriel_plie = a.courriel_plie"
            " AND a.telephone = 'courriel' AND c.active_le IS NOT NULL"
            " WHERE u.id IS NOT NULL OR c.id IS NOT NULL"
        )
        .fetchall()
    )
    return [ContactConnu(*ligne) for ligne in lignes]


def ecarter(session: Session, lignes: Sequence[int]) -> None:
    """Take rows out of the batch."""
    if lignes:
        _curseur(session).execute("DELETE FROM arrivee WHERE ligne = ANY(%s)", (list(lignes),))


def sans_nom_utilisateur(session: Session, lignes: Sequence[int]) -> None:
    """Let rows of the batch open accounts without a user name."""
    if lignes:
        _curseur(session).execute(
            "UPDATE arrivee SET nom_utilisateur = NULL WHERE ligne = ANY(%s)", (list(lignes),)
        )


def rattacher(session: Session, comptes: Mapping[int, UUID]) -> None:
    """Say which rows of the batch open no account, for that one has their e-mail."""
    if comptes:
        _curseur(session).executemany(
            "UPDATE arrivee SET compte_id = %s WHERE ligne = %s",
            [(compte_id, ligne) for ligne, compte_id in comptes.items()],
        )


def retirer_inscriptions(session: Session, comptes: Sequence[UUID]) -> None:
    """Delete sign-ups that nobody confirmed: whoever made them proved nothing."""
    if comptes:
        _curseur(session).execute(
            "DELETE FROM compte WHERE id = ANY(%s) AND statut = 'EN_ATTENTE_ACTIVATION'",
            (list(comptes),),
        )


_OUVRIR: Final = """
INSERT INTO compte (id, courriel, courriel_plie, prenom, nom, nom_utilisateur, date_naissance,
    adresse_ligne, adresse_ville, adresse_code_postal, telephone, langue, categories, canaux,
    mot_de_passe, statut, roles, cree_le, mot_de_passe_change_le)
SELECT id, courriel, courriel_plie, prenom, nom, nom_utilisateur, date_naissance,
    coalesce(adresse_ligne, ''), coalesce(adresse_ville, ''), coalesce(adresse_code_postal, ''),
    coalesce(telephone, ''), langue, '{}', '{courriel}', mot_de_passe, 'ACTIF', '{citoyen}',
    %(le)s, %(le)s
FROM arrivee WHERE compte_id IS NULL
ON CONFLICT DO NOTHING
"""
_LIER: Final = """
INSERT INTO compte_externe (id, source, reference, courriel_plie, prenom, nom, date_naissance,
    compte_id, etat, ouvert, importation_id, importe_le, change_le)
SELECT id, %(source)s, reference, courriel_plie, prenom, nom, date_naissance,
    CASE WHEN %(ouvre)s AND compte_id IS NULL THEN id END,
    CASE WHEN %(ouvre)s AND compte_id IS NULL THEN 'LIE' ELSE 'EN_ATTENTE' END,
    %(ouvre)s AND compte_id IS NULL, %(importation)s, %(le)s, %(le)s
FROM arrivee
ON CONFLICT DO NOTHING
"""


def ecrire_comptes(
    session: Session,
    importation_id: UUID,
    *,
    source: Source,
    ouvre: bool,
    ouverts: int,
    attendus: int,
    maintenant: datetime,
) -> bool:
    """Write the batch: `ouverts` new accounts, `attendus` accounts of the other system.

    Returns: False when somebody signed up since `comptes_connus`: roll back, look again.
    """
    curseur = _curseur(session)
    if ouvre and curseur.execute(_OUVRIR, {"le": maintenant}).rowcount != ouverts:
        return False
    notes = curseur.execute(
        _LIER,
        {"source": source, "ouvre": ouvre, "importation": importation_id, "le": maintenant},
    ).rowcount
    return bool(notes == attendus)


def ecrire_contacts(session: Session, importation_id: UUID, *, maintenant: datetime) -> int:
    """Write the batch of emergency contacts; those of an account are merged at once."""
    return (
        _curseur(session)
        .execute(
            "INSERT INTO contact_urgence (id, reference, canal, coordonnee, nom, langue,"
            " importation_id, importe_le)"
            " SELECT id, reference, telephone, courriel_plie, coalesce(nom, ''), langue,"
            " %(importation)s, %(le)s FROM arrivee ON CONFLICT DO NOTHING",
            {"importation": importation_id, "le": maintenant},
        )
        .rowcount
    )


def noter_collisions(
    session: Session, importation_id: UUID, collisions: Sequence[Collision]
) -> None:
    """Keep what the report will say."""
    if collisions:
        _curseur(session).executemany(
            "INSERT INTO collision (importation_id, ligne, regle, reference, qui, detail)"
            " VALUES (%s, %s, %s, %s, %s, %s) ON CONFLICT DO NOTHING",
            [(importation_id, *collision) for collision in collisions],
        )


def lire_collisions(session: Session, importation_id: UUID) -> list[Collision]:
    """List what the report says, in the order of the file."""
    lignes = session.execute(
        text(
            "SELECT ligne, regle, reference, qui, detail FROM collision"
            " WHERE importation_id = :id ORDER BY ligne, regle"
        ),
        {"id": importation_id},
    )
    return [Collision(*ligne) for ligne in lignes]


def _curseur(session: Session) -> psycopg.Cursor[Any]:
    pilote: Any = session.connection().connection.driver_connection
    curseur: psycopg.Cursor[Any] = pilote.cursor(row_factory=tuple_row)
    return curseur
