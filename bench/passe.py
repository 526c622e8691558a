"""``passe``: wallet passes built on one core, against RSA-2048 signatures by ``openssl speed``."""

from __future__ import annotations

import os
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from bench import ligne
from bench.ligne import Ligne
from chassis.db import make_engine
from deploy import demo_keys
from services.cartes import serve
from services.cartes.config import Config
from services.cartes.domain import Passe

Construire = Callable[[Passe], bytes]

_EXPIRE_LE = datetime(2028, 3, 14, 23, 59, 59, tzinfo=UTC)
_AT_ONCE = 10  # passes between two looks at the clock


def mesurer(*, petit: bool, noms: frozenset[str]) -> Sequence[Ligne]:  # noqa: ARG001 - one row
    """Measure the row."""
    with tempfile.TemporaryDirectory() as folder:
        construire = constructeur(Path(folder))
    return [comparer(construire, rondes=1 if petit else 7, secondes=0.3 if petit else 1.5)]


def constructeur(folder: Path) -> Construire:
    """The builder that cartes' own composition root makes of a demo's keys, loaded once."""
    keys = demo_keys.prepare(folder)
    config = Config(
        # The engine is lazy: no database is asked for anything here.
        database_url="postgresql://personne@127.0.0.1/rien",
        adresses={"stockage": "127.0.0.1:9"},
        cle_scelle=keys.secret("scelle_cartes").read_text(),
        apple_certificat=keys.apple / "passe.pem",
        apple_cle=keys.apple / "passe_cle.pem",
        apple_wwdr=keys.apple / "wwdr.pem",
        apple_type_passe=demo_keys.PASS_TYPE,
        apple_equipe=demo_keys.TEAM,
    )
    return serve.composer(config, make_engine(config.database_url, name="bench")).apple.construire


def comparer(construire: Construire, *, rondes: int, secondes: float) -> Ligne:
    """Compare a builder with openssl, on the same core, in processor seconds."""
    numeros = iter(range(10**9))
    with one_core():
        for _ in range(20):
            construire(_passe(next(numeros)))
        pairs, ours, baseline, ratio = ligne.compare(
            lambda: _rate(construire, numeros, secondes), _openssl, rounds=rondes
        )
    return Ligne(
        nom="passe", valeur=ours, unite="passes/s", reference=baseline, ratio=ratio,
        but=0.70, plancher=0.50, rondes=pairs,
    )  # fmt: skip


@contextmanager
def one_core() -> Iterator[None]:
    """Keep this thread, and the programs that it starts, on the last of our cores."""
    allowed = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {max(allowed)})
    try:
        yield
    finally:
        os.sched_setaffinity(0, allowed)


def _passe(numero: int) -> Passe:
    """Somebody else each time: nothing can be built once and given again."""
    return Passe(
        serie=f"serie-exemple-{numero:08}",
        numero=f"2004200{numero:07}",
        code=f"2004200{numero:07}",
        prenom=f"Émilie {numero}",
        nom=f"Tremblay-Exemple {numero}",
        expire_le=_EXPIRE_LE,
    )


def _rate(construire: Construire, numeros: Iterator[int], secondes: float) -> float:
    """Passes per second of processor time, user and system: other programs do not count."""
    began, built = time.thread_time(), 0
    while (spent := time.thread_time() - began) < secondes:
        for _ in range(_AT_ONCE):
            construire(_passe(next(numeros)))
        built += _AT_ONCE
    return built / spent


def _openssl() -> float:
    """Signatures per second of user time, as ``openssl speed`` counts them."""
    done = subprocess.run(
        ["openssl", "speed", "-mr", "-seconds", "1", "rsa2048"],  # noqa: S607 - the machine's own
        check=True, capture_output=True, text=True,
    )  # fmt: skip
    line = next(line for line in done.stdout.splitlines() if line.startswith("+F2:"))
    return float(line.split(":")[3])
