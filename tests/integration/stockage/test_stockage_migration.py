"""Documents that were there before versions and orders existed."""

from __future__ import annotations

import datetime as dt
from uuid import UUID, uuid4

import psycopg
import pytest

from chassis import migrations
from chassis.db import make_engine, plain, reader
from services.stockage import persistence
from services.stockage.domain import Classement, TriPiece

pytestmark = pytest.mark.integration

COMPTE = uuid4()


@pytest.fixture
def url(databases, worker):
    """A database of the first release, with 2,500 documents and one reference."""
    nom = f"stockage_avant_{worker}_{uuid4().hex[:6]}"
    with psycopg.connect(databases.administrator, autocommit=True) as connexion:
        connexion.execute(f"CREATE ROLE {nom} LOGIN PASSWORD 'essai'")
        connexion.execute(f"CREATE DATABASE {nom} OWNER {nom}")
    url = f"postgresql://{nom}:essai@127.0.0.1:{databases.port}/{nom}"
    migrations.upgrade("services.stockage", url, "0001")
    with psycopg.connect(url) as connexion:
        connexion.execute(
            "INSERT INTO espace (compte_id, cle_version, cle_enveloppe, nombre_pieces, cree_le)"
            " VALUES (%s, 1, 'x', 2500, now())",
            [COMPTE],
        )
        connexion.execute(
            "INSERT INTO piece (piece_id, compte_id, nom_fichier, genre, libelle, statut,"
            " taille_octets, pages, deposee_le, sha256_recu, objet_nom)"
            " SELECT lpad(to_hex(n), 32, '0')::uuid, %s,"
            " CASE WHEN n = 7 THEN 'Été.pdf' WHEN n = 8 THEN U&'\\0301' ELSE 'b' || n END,"
            " 'AUTRE', '', 'SAINE', n, 1, now(), 'x', 'o' || n FROM generate_series(1, 2500) AS n",
            [COMPTE],
        )
        connexion.execute(
            "INSERT INTO retenue VALUES ('cartes', 'd1', %s, %s, now(), NULL)",
            [UUID(int=7), COMPTE],
        )
    return url


def test_documents_of_the_first_release_are_found_ordered_and_first_versions(url):
    migrations.upgrade("services.stockage", url)
    moteur = make_engine(url, name="essai-migration", pool_size=1)
    jour = dt.date(2026, 3, 10)

    def lister(*mots: str) -> list:
        filtre = persistence.Filtre(jour=jour, bientot=jour, mots=mots)
        with plain(reader(moteur)) as curseur:
            return persistence.lister_pieces(
                curseur,
                compte_id=COMPTE,
                filtre=filtre,
                classement=Classement(tri=TriPiece.NOM, descendant=False),
                apres=None,
                limite=2500,
            )[0]

    assert len(lister()) == 2500
    (ete,) = lister("ete")
    assert (ete.nom_fichier, ete.version, ete.versions, ete.courante) == ("Été.pdf", 1, 1, True)
    assert (ete.document, ete.utilisee, ete.utilisations) == (UUID(int=7), True, 1)
    moteur.dispose()
