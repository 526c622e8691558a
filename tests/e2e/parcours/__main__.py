"""``make parcours``: plays the main journeys against a running demo, one line per step."""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

import httpx

from tests.e2e.parcours import etapes, navigation
from tests.e2e.parcours.demo import acces_de_la_demo

PARCOURS = {
    "Par l’API, les deux preuves acceptées": etapes.acceptee,
    "Par l’API, une preuve refusée puis remplacée": etapes.preuve_refusee,
    "Par le portail, sans JavaScript": navigation.acceptee,
}


def main() -> int:
    """Play all journeys; returns 0 when every step succeeded."""
    arguments = argparse.ArgumentParser(prog="make parcours", description=__doc__)
    arguments.add_argument("--port", type=int, default=8080, help="port of the portal")
    arguments.add_argument("--dossier", type=Path, default=Path("var/demo"), help="the demo's data")
    given = arguments.parse_args()
    try:
        acces = acces_de_la_demo(given.dossier, port=given.port)
        httpx.get(f"{acces.portail}/sante", timeout=10).raise_for_status()
    except (OSError, ValueError, httpx.HTTPError) as error:
        print(
            f"La démo ne répond pas ({error}). Lancez d’abord « make demo » dans un autre terminal."
        )
        return 2
    number = 0
    for title, journey in PARCOURS.items():
        print(f"\n{title}")
        for sentence, step in journey(acces):
            number += 1
            began = time.monotonic()
            try:
                step()
            except Exception as error:  # noqa: BLE001  whatever went wrong, the line says it
                print(f"  ✘ {number:2} {sentence}\n      {type(error).__name__}: {error}")
                return 1
            print(f"  ✔ {number:2} {sentence} ({time.monotonic() - began:.2f} s)", flush=True)
    print(f"\n{number} étapes, toutes réussies.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
