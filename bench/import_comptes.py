"""``import_comptes`` and ``import_echelle``: imported accounts per second, up to the commit."""

from __future__ import annotations

import csv
import random
import secrets
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from sqlalchemy import Engine, text

from bench import terrain
from bench.ligne import Ligne
from chassis import migrations
from chassis.db import make_engine
from deploy.components.postgresql import PostgreSQL
from services.identite.adapters.domaine import domaine_ascii
from services.identite.config import Config
from services.identite.domain.ponts import Politique, Source
from services.identite.use_cases import Regles
from services.identite.use_cases.ponts.importation import importer

_CLE: Final = bytes(32)
_CLE_TEXTE: Final = "A" * 43 + "="
_COLONNES: Final = (
    "reference", "courriel", "nom_utilisateur", "prenom", "nom", "date_naissance",
    "adresse_ligne", "adresse_ville", "adresse_code_postal", "telephone", "langue", "empreinte",
)  # fmt: skip
_PRENOMS: Final = ("Zoé", "Luc", "Marie-Ève", "Noa", "Émile", "Fatou", "Lin", "Hélène")
_RUES: Final = ("rue de l’Exemple", "rue Modèle", "boulevard Échantillon", "place Témoin")


@dataclass(frozen=True)
class _Banc:
    """A migrated, empty database, and where files are written."""

    engine: Engine
    dossier: Path

    def debit(self, nombre: int) -> float:
        """Import so many new accounts into the empty tables; returns accounts per second."""
        self._vider()
        fichier = ecrire(self.dossier / "comptes.csv", nombre)
        config = Config(database_url="", cle_scelle=_CLE_TEXTE)
        debut = time.monotonic()
        bilan = importer(
            engine=self.engine,
            regles=Regles.de(config),
            politique=Politique(),
            cle=_CLE,
            domaine_ascii=domaine_ascii,
            source=Source.TAXES,
            fichier=fichier,
            essai=False,
            progres=lambda _lignes, _part: None,
            maintenant=datetime.now(UTC),
        )
        duree = time.monotonic() - debut
        if bilan.nombres["OUVERT"] != nombre:
            raise RuntimeError(f"{bilan.nombres} instead of {nombre} new accounts")
        return nombre / duree

    def _vider(self) -> None:
        with self.engine.begin() as connection:
            connection.execute(text("TRUNCATE compte, importation, outbox CASCADE"))


def mesurer(*, petit: bool, noms: frozenset[str]) -> Sequence[Ligne]:
    """Measure the rows."""
    dix_mille, million, rondes = (1_000, 4_000, 1) if petit else (10_000, 1_000_000, 7)
    with tempfile.TemporaryDirectory() as dossier, _banc(Path(dossier)) as banc:
        banc.debit(dix_mille)  # warm
        debits = tuple(banc.debit(dix_mille) for _ in range(rondes))
        grand = banc.debit(million) if "import_echelle" in noms else 0.0
    debit = sorted(debits)[len(debits) // 2]
    lignes = [
        Ligne(
            nom="import_comptes", valeur=debit, unite="comptes/s", reference=None, ratio=debit,
            but=20_000, plancher=10_000, rondes=tuple((each, None) for each in debits),
        )
    ]  # fmt: skip
    if grand:
        lignes.append(
            Ligne(
                nom="import_echelle", valeur=grand, unite="comptes/s", reference=debit,
                ratio=grand / debit, but=0.9, plancher=0.8, rondes=((grand, debit),),
            )
        )  # fmt: skip
    return lignes


def ecrire(fichier: Path, nombre: int) -> Path:
    """Write a file of tax accounts, as different from one another as real ones."""
    hasard = random.Random(7)  # noqa: S311 - figures must not change from one run to the next
    with fichier.open("w", encoding="utf-8", newline="") as flux:
        ecrivain = csv.writer(flux)
        ecrivain.writerow(_COLONNES)
        for rang in hasard.sample(range(nombre), nombre):
            ecrivain.writerow(
                (
                    f"M-{rang:07}", f"personne{rang}@exemple{rang % 50}.test", f"nom.{rang}",
                    hasard.choice(_PRENOMS), f"Exemple-{rang % 4000}",
                    f"{1930 + rang % 75}-{1 + rang % 12:02}-{1 + rang % 28:02}",
                    f"{1 + rang % 950}, {hasard.choice(_RUES)}", "Sainte-Thérèse", "J7E 1A1",
                    f"450 555-{rang % 10_000:04}", "fr", f"$2b$10${secrets.token_hex(26)}a",
                )
            )  # fmt: skip
    return fichier


@contextmanager
def _banc(dossier: Path) -> Iterator[_Banc]:
    postgresql = PostgreSQL(
        dossier / "postgresql", terrain.ports(1), owners=("banc",), log=dossier / "postgresql.log"
    )
    try:
        postgresql.start()
        postgresql.wait_ready()
        migrations.upgrade("services.identite", postgresql.url("banc"))
        engine = make_engine(postgresql.url("banc"), name="banc", pool_size=1)
        yield _Banc(engine, dossier)
        engine.dispose()
    finally:
        postgresql.stop()
