"""``liste_pieces``: a page of a large document space, against one of a small space.

Both in databases of the same PostgreSQL, made by the service's own migrations, read by the query
and the translation that the RPC uses.
"""

from __future__ import annotations

import datetime as dt
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import cycle
from pathlib import Path
from uuid import UUID
from zoneinfo import ZoneInfo

import psycopg

from bench import ligne, terrain
from bench.ligne import Ligne
from chassis import migrations
from chassis.db import make_engine, plain, reader
from deploy.components.postgresql import PostgreSQL
from services.stockage import persistence
from services.stockage.api.messages import message_piece
from services.stockage.domain import Classement, TriPiece, Validite

_COMPTE = UUID(int=0)
_PAGE = 20
_ACCOUNT = 1_000  # documents of every other account
_SHARE = 100  # one document in so many is of the account that is read
_VALIDITE = Validite(zone=ZoneInfo("America/Toronto"), rappel_jours=30)
_JOUR = dt.date(2026, 6, 1)
_FILTRE = persistence.Filtre(jour=_JOUR, bientot=_VALIDITE.bientot(_JOUR))

# Documents of all accounts come mixed, as they do with time; names and sizes are in no such order.
_PIECES = """
    INSERT INTO piece (
        piece_id, document_id, compte_id, nom_fichier, cle_nom, recherche, genre, libelle,
        valide_jusqu_au, statut, type_media, taille_octets, pages, deposee_le, sha256_recu,
        objet_nom, objet_enveloppe, objet_sha256
    )
    SELECT id, id, compte, nom, nom, nom,
        (ARRAY['IDENTITE', 'RESIDENCE', 'AUTRE'])[1 + hasard %% 3],
        'Document ' || n, CASE WHEN hasard %% 4 = 0 THEN date '2026-01-01' + hasard %% 3000 END,
        'SAINE', 'application/pdf', 10000 + hasard, 1,
        timestamptz '2026-01-01' + n * interval '1 s',
        sha256(nom::bytea), 'objet-' || lpad(n::text, 12, '0'), nom::bytea, sha256(nom::bytea)
    FROM (
        SELECT n, lpad(to_hex(n), 32, '0')::uuid AS id,
            'document ' || left(md5(n::text), 12) AS nom,
            ('x' || left(md5(n::text), 6))::bit(24)::int AS hasard,
            CASE WHEN n %% %(part)s = 0 THEN %(compte)s::uuid
                 ELSE lpad(to_hex(1 + n %% %(comptes)s), 32, '0')::uuid END AS compte
        FROM generate_series(1, %(nombre)s::int) AS n
    ) AS ligne
"""
_ESPACES = """
    INSERT INTO espace (compte_id, cle_version, cle_enveloppe, octets_utilises,
        nombre_pieces, cree_le)
    SELECT compte_id, 1, 'x', sum(taille_octets), count(*), now() FROM piece GROUP BY compte_id
"""


def mesurer(*, petit: bool, noms: frozenset[str]) -> Sequence[Ligne]:  # noqa: ARG001 - one row
    """Measure the row: 10 million documents against 100,000; 100,000 against 5,000 when small."""
    grande, petite = (100_000, 5_000) if petit else (10_000_000, 100_000)
    with (
        tempfile.TemporaryDirectory(prefix="espace-banc-") as folder,
        _database(Path(folder)) as postgresql,
        _page(postgresql, "grande", grande) as ours,
        _page(postgresql, "petite", petite) as baseline,
    ):
        rondes, secondes = (3, 0.2) if petit else (31, 0.5)
        pairs, value, reference, ratio = ligne.compare(
            lambda: _milliseconds(ours, secondes),
            lambda: _milliseconds(baseline, secondes),
            rounds=rondes,
        )
    return [
        Ligne(
            nom="liste_pieces", valeur=value, unite="ms/page", reference=reference, ratio=ratio,
            but=1.1, plancher=1.3, moins_est_mieux=True, rondes=pairs,
        )
    ]  # fmt: skip


@contextmanager
def _database(folder: Path) -> Iterator[PostgreSQL]:
    postgresql = PostgreSQL(
        folder / "postgresql", terrain.ports(1), owners=("grande", "petite"),
        log=folder / "postgresql.log",
    )  # fmt: skip
    try:
        postgresql.start()
        postgresql.wait_ready()
        yield postgresql
    finally:
        postgresql.stop()


@contextmanager
def _page(postgresql: PostgreSQL, owner: str, nombre: int) -> Iterator[Callable[[], None]]:
    """Fill a database and give what reads one page of it: each order in turn, first and next."""
    url = postgresql.url(owner)
    migrations.upgrade("services.stockage", url)
    with psycopg.connect(postgresql.administrator(owner), autocommit=True) as connection:
        _fill(connection, nombre)
    engine = make_engine(url, name="bench", pool_size=1)
    lecteur = reader(engine)
    tours = cycle(
        Classement(tri=tri, descendant=sens) for tri in TriPiece for sens in (True, False)
    )

    def page() -> None:
        classement = next(tours)
        suite: persistence.Curseur | None = None
        with plain(lecteur) as cursor:
            for _ in range(2):
                pieces, suite = persistence.lister_pieces(
                    cursor, compte_id=_COMPTE, filtre=_FILTRE, classement=classement,
                    apres=suite, limite=_PAGE,
                )  # fmt: skip
                assert len(pieces) == _PAGE
                for piece in pieces:
                    message_piece(piece, validite=_VALIDITE, jour=_JOUR)

    for _ in range(2 * len(TriPiece)):
        page()
    try:
        yield page
    finally:
        engine.dispose()


def _fill(connection: psycopg.Connection[tuple[object, ...]], nombre: int) -> None:
    """Insert the rows; indexes are made afterwards, as one that loads so many rows does."""
    # Neither foreign keys nor anything else that a row would wake: the rows are right.
    connection.execute("SET session_replication_role = replica")
    connection.execute("SET maintenance_work_mem = '512MB'")
    connection.execute("SET synchronous_commit = off")
    indexes = connection.execute(
        "SELECT indexname, indexdef FROM pg_indexes WHERE tablename = 'piece' AND indexname NOT IN"
        " (SELECT conname FROM pg_constraint WHERE conrelid = 'piece'::regclass)"
    ).fetchall()
    for name, _ in indexes:
        connection.execute(f"DROP INDEX {name}".encode())
    values = {
        "nombre": nombre,
        "part": _SHARE,
        "compte": _COMPTE,
        "comptes": max((nombre - nombre // _SHARE) // _ACCOUNT, 1),
    }
    connection.execute(_PIECES, values)
    connection.execute(_ESPACES)
    for _, definition in indexes:
        connection.execute(str(definition).encode())
    connection.execute("VACUUM (ANALYZE)")


def _milliseconds(page: Callable[[], None], secondes: float) -> float:
    """Mean time of a page; both databases are asked the same pages in the same order."""
    began, pages = time.perf_counter(), 0
    while (spent := time.perf_counter() - began) < secondes:
        for _ in range(2 * len(TriPiece)):
            page()
        pages += 2 * 2 * len(TriPiece)
    return 1000 * spent / pages
