"""``verifier``: the integrity check of a store, against ``sha256sum`` over the same files."""

from __future__ import annotations

import base64
import os
import subprocess
import tempfile
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import psycopg

from bench import ligne, terrain
from bench.ligne import Ligne
from chassis import migrations
from chassis.db import Sessions, make_engine, make_sessions
from deploy.components.postgresql import PostgreSQL
from services.stockage import persistence
from services.stockage.adapters.coffre import CoffreDossier
from services.stockage.domain import (
    Espace,
    Fiche,
    GenrePiece,
    Piece,
    StatutPiece,
    TypeMedia,
    Zone,
)
from services.stockage.use_cases import integrite

_LE = datetime(2026, 6, 1, tzinfo=UTC)
_TAILLE = 200_000


def mesurer(*, petit: bool, noms: frozenset[str]) -> Sequence[Ligne]:  # noqa: ARG001 - one row
    """Measure the row."""
    with tempfile.TemporaryDirectory(prefix="espace-banc-") as name:
        folder = Path(name)
        postgresql = PostgreSQL(
            folder / "postgresql", terrain.ports(1), owners=("banc",), log=folder / "pg.log"
        )
        postgresql.start()
        try:
            postgresql.wait_ready()
            url = postgresql.url("banc")
            migrations.upgrade("services.stockage", url)
            engine = make_engine(url, name="banc-verifier")
            cle = base64.b64encode(os.urandom(32)).decode()
            coffre = CoffreDossier(folder / "documents", cle_maitresse=cle)
            sessions = make_sessions(engine)
            remplir(sessions, coffre, nombre=50 if petit else 5000)
            with psycopg.connect(url.replace("+psycopg", ""), autocommit=True) as connexion:
                connexion.execute("VACUUM ANALYZE")
            row = comparer(sessions, coffre, folder / "documents", rondes=1 if petit else 5)
            engine.dispose()
        finally:
            postgresql.stop()
    return [row]


def remplir(sessions: Sessions, coffre: CoffreDossier, *, nombre: int) -> None:
    """Store documents as an upload does at its end, without those before it."""
    octets = os.urandom(_TAILLE)
    for debut in range(0, nombre, 1000):
        compte_id = uuid4()
        espace = Espace(compte_id=compte_id, cle=coffre.nouvelle_cle(compte_id))
        with sessions.begin() as session:
            persistence.creer_espace(session, espace, maintenant=_LE)
            for rang in range(debut, min(debut + 1000, nombre)):
                with coffre.ecrire(espace, Zone.OBJETS) as ecriture:
                    ecriture.ajouter(octets)
                    objet = ecriture.valider(durable=False)
                persistence.ajouter_piece(
                    session,
                    Piece(
                        piece_id=uuid4(), compte_id=compte_id, nom_fichier=f"piece {rang}.pdf",
                        fiche=Fiche(genre=GenrePiece.AUTRE), statut=StatutPiece.SAINE,
                        type_media=TypeMedia.PDF, taille_octets=_TAILLE, pages=1, deposee_le=_LE,
                        sha256_recu=objet.sha256, objet=objet,
                    ),
                )  # fmt: skip


def comparer(sessions: Sessions, coffre: CoffreDossier, folder: Path, *, rondes: int) -> Ligne:
    """Compare in turn, in bytes per second over the same files."""
    fichiers = [chemin for chemin in folder.rglob("*") if chemin.is_file()]
    total = sum(chemin.stat().st_size for chemin in fichiers) / 1e6

    def ours() -> float:
        began = time.perf_counter()
        ecarts = list(
            integrite.verifier(
                sessions=sessions, coffre=coffre, maintenant=datetime.now(UTC),
                delai=timedelta(hours=1), avancer=lambda lus, nombre: None,  # noqa: ARG005
            )
        )  # fmt: skip
        assert ecarts == []
        return total / (time.perf_counter() - began)

    def sha256sum() -> float:
        noms = b"\0".join(os.fsencode(chemin) for chemin in fichiers)
        began = time.perf_counter()
        subprocess.run(  # the machine's own program, one process for as many files as it takes
            ["xargs", "-0", "sha256sum"],  # noqa: S607 - idem
            input=noms, check=True, stdout=subprocess.DEVNULL,
        )  # fmt: skip
        return total / (time.perf_counter() - began)

    ours()
    pairs, value, reference, ratio = ligne.compare(ours, sha256sum, rounds=rondes)
    return Ligne(
        nom="verifier", valeur=value, unite="Mo/s", reference=reference, ratio=ratio,
        but=0.90, plancher=0.70, rondes=pairs,
    )  # fmt: skip
