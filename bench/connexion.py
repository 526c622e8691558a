"""``connexion``: log-ins per second, against bare Argon2id verifications on the same cores."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence

from argon2 import PasswordHasher, Type

from bench import identite, ligne
from bench.identite import MOT_DE_PASSE, Banc
from bench.ligne import Ligne


def mesurer(*, petit: bool, noms: frozenset[str]) -> Sequence[Ligne]:  # noqa: ARG001 - one row
    """Measure the row."""
    rondes, secondes = (1, 0.5) if petit else (9, 3.0)
    with identite.banc(personnes=4) as banc:
        appareils = [banc.ouvrir(courriel).jeton_appareil for courriel in banc.courriels]
        verifier = _nu(banc)
        pairs, ours, baseline, ratio = ligne.compare(
            lambda: _debit(_connexions(banc, appareils), secondes),
            # As many at once as the service lets run.
            lambda: _debit([verifier] * banc.config.hachages_simultanes, secondes),
            rounds=rondes,
        )
    return [
        Ligne(
            nom="connexion", valeur=ours, unite="connexions/s", reference=baseline, ratio=ratio,
            but=0.95, plancher=0.90, rondes=pairs,
        )
    ]  # fmt: skip


def _connexions(banc: Banc, appareils: Sequence[str]) -> list[Callable[[], object]]:
    """One person by thread, each from their known device."""
    return [
        lambda courriel=courriel, appareil=appareil: banc.ouvrir(courriel, appareil)  # type: ignore[misc]
        for courriel, appareil in zip(banc.courriels, appareils, strict=True)
    ]


def _nu(banc: Banc) -> Callable[[], object]:
    """A verification with the service's parameters and nothing else."""
    config = banc.config
    argon2 = PasswordHasher(
        time_cost=config.argon2_passes,
        memory_cost=config.argon2_memoire_kio,
        parallelism=config.argon2_voies,
        hash_len=32,
        salt_len=16,
        type=Type.ID,
    )
    empreinte = argon2.hash(MOT_DE_PASSE)
    return lambda: argon2.verify(empreinte, MOT_DE_PASSE)


def _debit(actes: Sequence[Callable[[], object]], secondes: float) -> float:
    """Repeat each act in a thread of its own; gives acts per second, whole ones only."""
    faits: list[tuple[int, float]] = []

    def repeter(acte: Callable[[], object]) -> None:
        debut, nombre = time.perf_counter(), 0
        while time.perf_counter() - debut < secondes:
            acte()
            nombre += 1
        faits.append((nombre, time.perf_counter() - debut))

    fils = [threading.Thread(target=repeter, args=(acte,)) for acte in actes]
    for fil in fils:
        fil.start()
    for fil in fils:
        fil.join()
    return sum(nombre / duree for nombre, duree in faits)
