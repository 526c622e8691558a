"""``make chaos``: plays the fault matrix on a private suite, one line per scenario.

Exit status: 0 when nothing was lost, doubled or unexpected; 1 otherwise; 2 when it could not run.
"""

from __future__ import annotations

import argparse
import secrets
import shutil
import sys
import tempfile
import time
from pathlib import Path

from deploy.children import StartFailed
from deploy.places import free_ports
from deploy.plan import SPAN
from tests.chaos import (
    coffre,
    composants,
    documents,
    ensemble,
    livraisons,
    morts,
    objets,
    sabotage,
)
from tests.chaos.scenario import Ligne, Scenario, derouler
from tests.chaos.terrain import Terrain, ouvrir

SCENARIOS: tuple[Scenario, ...] = (
    *ensemble.SCENARIOS,
    *documents.SCENARIOS,
    *coffre.SCENARIOS,
    *objets.SCENARIOS,
    *morts.SCENARIOS,
    *composants.SCENARIOS,
    *livraisons.SCENARIOS,
)


def main() -> int:
    """Play the named scenarios, all of them by default."""
    given = _arguments()
    chosen = [each for each in SCENARIOS if not given.scenarios or each.nom in given.scenarios]
    dossier = given.dossier or Path(tempfile.mkdtemp(prefix="espace-chaos-"))
    dossier.mkdir(parents=True, exist_ok=True)
    graine = given.graine if given.graine is not None else secrets.randbelow(1_000_000)
    print(f"graine {graine} · rejouer : python -m tests.chaos --graine {graine}")
    print(f"journaux : {dossier}/journaux", flush=True)
    began = time.monotonic()
    try:
        with ouvrir(dossier, given.port or free_ports(SPAN)) as terrain:
            print(f"suite prête en {time.monotonic() - began:.0f} s\n", flush=True)
            if given.sabotage:
                return sabotage.jouer(terrain)
            lines = _jouer(chosen, terrain, graine, given.essais)
    except StartFailed as error:
        print(f"la suite n’a pas démarré : {error}", file=sys.stderr)
        return 2
    clean = all(line.verdict.net for line in lines)
    if clean and given.dossier is None:
        shutil.rmtree(dossier, ignore_errors=True)
    print(f"\n{_bilan(lines)} · {time.monotonic() - began:.0f} s · graine {graine}")
    return 0 if clean else 1


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m tests.chaos", description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog="scénarios :\n" + "\n".join(f"  {s.nom:14} {s.panne}" for s in SCENARIOS),
    )  # fmt: skip
    names = [each.nom for each in SCENARIOS]
    parser.add_argument("scenarios", nargs="*", metavar="scénario", help="tous par défaut")
    parser.add_argument("--essais", type=int, help="combien de fois, au lieu du nombre habituel")
    parser.add_argument("--graine", type=int, help="rejoue les mêmes choix")
    parser.add_argument("--port", type=int, help="premier des ports de la suite")
    parser.add_argument("--dossier", type=Path, help="dossier vide de la suite, gardé")
    parser.add_argument(
        "--sabotage", action="store_true", help="montre que le juge condamne ce qu’on abîme"
    )
    given = parser.parse_args()
    unknown = set(given.scenarios) - set(names)
    if unknown:
        parser.error(f"inconnu : {', '.join(sorted(unknown))} ; connus : {', '.join(names)}")
    return given


def _jouer(
    chosen: list[Scenario], terrain: Terrain, graine: int, essais: int | None
) -> list[Ligne]:
    print("panne | invariant | essais | pertes")
    print("--- | --- | ---: | ---", flush=True)
    known: set[str] = set()
    lines = []
    for scenario in chosen:
        line = derouler(scenario, terrain, graine=graine, essais=essais, connus=known)
        lines.append(line)
        verdict = line.verdict
        losses = (
            "0" if verdict.net
            else f"{len(verdict.perdus)} perdus, {len(verdict.doubles)} doubles, "
                 f"{len(verdict.inattendus)} inattendus"
        )  # fmt: skip
        print(f"{scenario.panne} | {scenario.invariant} | {line.bilan.essais} | {losses}")
        details = [*line.bilan.mesures, f"{line.secondes:.0f} s"]
        print(f"    {scenario.nom} : {' · '.join(details)}")
        for phrase in verdict.phrases():
            print(f"    ✘ {phrase}")
        sys.stdout.flush()
    answers = ", ".join(f"{k} × {n}" for k, n in terrain.journal.issues.most_common())
    print(f"\nréponses : {answers}")
    return lines


def _bilan(lines: list[Ligne]) -> str:
    tries = sum(line.bilan.essais for line in lines)
    lost = sum(len(line.verdict.perdus) for line in lines)
    doubled = sum(len(line.verdict.doubles) for line in lines)
    strange = sum(len(line.verdict.inattendus) for line in lines)
    return (
        f"{len(lines)} scénarios, {tries} essais : {lost} perdus, {doubled} doubles, "
        f"{strange} inattendus"
    )


if __name__ == "__main__":
    sys.exit(main())
