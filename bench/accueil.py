"""``accueil`` and ``accueil_p99``: the aggregated home against no-op calls of the same server."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from bench import ligne, terrain
from bench.charge import Ordre, Resultat
from bench.ligne import Ligne
from deploy.places import LOOPBACK, ROOT, answers

CONNEXIONS = 8
_SERVICES = 5
_READY_WITHIN_S = 60.0
_POLL_S = 0.05
_API, _RIEN = "/api/v1/accueil", "/api/v1/rien"


@dataclass
class _Charge:
    """Loads one address with the session of one citizen, and keeps what it saw."""

    port: int
    session: str
    seconds: float

    def run(self, chemin: str) -> Resultat:
        """One round. Raises: RuntimeError when an answer was not whole."""
        order: Ordre = {
            "port": self.port,
            "chemin": chemin,
            "entete": f"Authorization: Bearer {self.session}",
            "connexions": CONNEXIONS,
            "secondes": self.seconds,
            # A home that lacks one service is quick, and worth nothing.
            "marque": '"complet":true',
        }
        done = subprocess.run(
            [sys.executable, "-m", "bench.charge"],
            check=True, cwd=ROOT, input=json.dumps(order).encode(), capture_output=True,
        )  # fmt: skip
        result: Resultat = json.loads(done.stdout)
        if result["fautes"]:
            raise RuntimeError(f"{chemin}: {result['fautes']} answers were not whole")
        return result


def comparer(
    *, gateway: Mapping[str, str], session: str, folder: Path, petit: bool
) -> Sequence[Ligne]:
    """Measure the rows on a running suite.

    Args:
        gateway: settings of the suite's gateway.
        session: secret of a citizen who has a card and two documents.
        folder: for logs.
        petit: short rounds.
    """
    rounds, seconds = (1, 0.7) if petit else (7, 3.0)
    with _temoin(gateway, folder) as port:
        charge = _Charge(port, session, seconds)
        _check(port, session)
        homes: list[Resultat] = []

        def home() -> float:
            homes.append(charge.run(_API))
            return homes[-1]["par_s"]

        pairs, ours, baseline, ratio = ligne.compare(
            home, lambda: charge.run(_RIEN)["par_s"], rounds=rounds
        )
    tails = tuple((each["p99_ms"], each["p50_ms"]) for each in homes)
    return [
        Ligne(
            nom="accueil", valeur=ours, unite="requêtes/s", reference=baseline, ratio=ratio,
            but=0.65, plancher=0.50, rondes=pairs,
        ),
        Ligne(
            nom="accueil_p99", unite="ms", but=2, plancher=3, moins_est_mieux=True, rondes=tails,
            valeur=statistics.median(p99 for p99, _ in tails),
            reference=statistics.median(p50 for _, p50 in tails),
            ratio=statistics.median(p99 / p50 for p99, p50 in tails),
        ),
    ]  # fmt: skip


@contextmanager
def _temoin(gateway: Mapping[str, str], folder: Path) -> Iterator[int]:
    """The gateway with the routes of the baseline, and five processes that do nothing."""
    first = terrain.ports(1 + _SERVICES)
    address = f"{LOOPBACK}:{first}"
    nothings = [f"{LOOPBACK}:{first + 1 + number}" for number in range(_SERVICES)]
    settings = {
        **gateway,
        "PASSERELLE_LISTEN": address,
        "PASSERELLE_URL_PUBLIQUE": f"http://{address}",
        "BANC_RIEN": ",".join(nothings),
    }
    with ExitStack() as stack:
        for number in range(_SERVICES):
            stack.enter_context(
                terrain.programme(
                    "-m", "bench.rien", str(first + 1 + number),
                    log=folder / "rien.log", environment=settings,
                )
            )  # fmt: skip
        stack.enter_context(
            terrain.programme("-m", "bench.temoin", log=folder / "temoin.log", environment=settings)
        )
        deadline = time.monotonic() + _READY_WITHIN_S
        while not all(answers(port) for port in range(first, first + 1 + _SERVICES)):
            if time.monotonic() > deadline:
                raise RuntimeError(f"the baseline is not ready; see {folder}")
            time.sleep(_POLL_S)  # a port that opens tells nobody
        yield first


def _check(port: int, session: str) -> None:
    """Both sides answer what they are compared for."""
    with httpx.Client(base_url=f"http://{LOOPBACK}:{port}", timeout=30) as client:
        bearer = {"Authorization": f"Bearer {session}"}
        home = client.get(_API, headers=bearer).raise_for_status().json()
        assert home["complet"] is True, home
        assert len(home["cartes"]["valeur"]["cartes"]) == 1
        assert len(home["stockage"]["valeur"]["pieces"]) == 2
        assert client.get(_RIEN).status_code == 401, "the no-op asks for a session too"
        assert client.get(_RIEN, headers=bearer).raise_for_status().json() == {"complet": True}
