"""What a scenario is, and how one is played and judged."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from tests.chaos.histoire import Verdict, juger
from tests.chaos.terrain import Terrain


@dataclass(frozen=True)
class Reglage:
    """How a scenario is played.

    Args:
        essais: how often; a scenario says of what in its line.
        alea: every choice of it comes from here, so that a run can be played again.
    """

    essais: int
    alea: random.Random


@dataclass
class Bilan:
    """What a scenario tells about itself; its promises are in the terrain.

    Args:
        essais: how often the fault was caused.
        mesures: figures for the line, such as « 3 actes acceptés sans courtier ».
        perdus: what it saw lost, besides what the judge finds.
        doubles: idem.
    """

    essais: int = 0
    mesures: list[str] = field(default_factory=list)
    perdus: list[str] = field(default_factory=list)
    doubles: list[str] = field(default_factory=list)

    def exiger(self, condition: object, phrase: str) -> None:
        """Count one loss unless the condition holds."""
        if not condition:
            self.perdus.append(phrase)


@dataclass(frozen=True)
class Scenario:
    """One line of the matrix.

    Args:
        nom: as on the command line.
        panne: what breaks, in words.
        invariant: what has to hold all the same.
        jouer: breaks it.
        essais: how often by default.
    """

    nom: str
    panne: str
    invariant: str
    jouer: Callable[[Terrain, Reglage], Bilan]
    essais: int


@dataclass(frozen=True)
class Ligne:
    """The result of one scenario."""

    scenario: Scenario
    bilan: Bilan
    verdict: Verdict
    secondes: float


def derouler(
    scenario: Scenario, terrain: Terrain, *, graine: int, essais: int | None, connus: set[str]
) -> Ligne:
    """Play one scenario, let everything come to rest, and judge.

    Args:
        scenario: which.
        terrain: a suite at rest.
        graine: makes every choice of the scenario the same again.
        essais: instead of the scenario's own number.
        connus: findings of earlier scenarios on this suite, not counted twice; grows.
    """
    began = time.monotonic()
    # One generator per scenario: played alone, it makes the choices it made among the others.
    alea = random.Random(f"{graine}/{scenario.nom}")  # noqa: S311 - choices, not secrets
    reglage = Reglage(scenario.essais if essais is None else essais, alea)
    bilan = Bilan()
    terrain.journal.attente = 0.0
    try:
        bilan = scenario.jouer(terrain, reglage)
        bilan.mesures.append(f"réponse en {terrain.journal.attente:.1f} s au plus")
        bilan.mesures.append(f"repos en {terrain.attendre_repos():.1f} s")
    except Exception as error:  # noqa: BLE001  a scenario that cannot end has lost something
        bilan.perdus.append(f"{scenario.nom} : {error!r:.600}")
    verdict = _neuf(juger(terrain.promesses, terrain.constater()), connus)
    verdict.perdus += bilan.perdus
    verdict.doubles += bilan.doubles
    terrain.fermer()
    return Ligne(scenario, bilan, verdict, time.monotonic() - began)


def _neuf(verdict: Verdict, connus: set[str]) -> Verdict:
    new = Verdict(
        *(
            [phrase for phrase in kind if phrase not in connus]
            for kind in (verdict.perdus, verdict.doubles, verdict.inattendus)
        )
    )
    connus.update(verdict.perdus, verdict.doubles, verdict.inattendus)
    return new
