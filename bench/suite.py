"""The rows that need the whole suite: ``demarrage``, ``memoire`` and those of ``accueil``."""

from __future__ import annotations

import json
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import psutil

from bench import accueil, terrain
from bench.ligne import Ligne
from deploy.children import Child
from deploy.places import ROOT
from deploy.plan import SPAN, Components, Plan, settings_of
from tests.e2e.parcours.acces import Acces
from tests.e2e.parcours.mobile import Agent, Citoyen, attendu

_AGENT = "agent.exemple@exemple.test"
_READY_WITHIN_S = 180.0
_MB = 1000 * 1000


def mesurer(*, petit: bool, noms: frozenset[str]) -> Sequence[Ligne]:
    """Measure the rows; several starts only for whom wants to know how long one takes."""
    starts = 1 if petit or "demarrage" not in noms else 3
    rows: list[Ligne] = []
    with tempfile.TemporaryDirectory(prefix="espace-banc-") as name:
        plan = Plan(folder=Path(name) / "suite", base=terrain.ports(SPAN))
        if not petit:
            with _running(plan):
                pass  # the first start makes databases, keys and sample accounts
        warm = []
        for _ in range(starts - 1):
            with _running(plan) as seconds:
                warm.append(seconds)
        with _running(plan) as seconds:
            warm.append(seconds)
            citoyen = _jouer(plan)
            rows += [_demarrage(warm), _memoire(plan)]
            if noms <= {row.nom for row in rows}:
                return rows
            session = citoyen.http.headers["Authorization"].removeprefix("Bearer ")
            gateway = settings_of(plan, Components(plan))["passerelle"]
            rows += accueil.comparer(
                gateway=gateway, session=session, folder=plan.folder, petit=petit
            )
    return rows


def _demarrage(warm: Sequence[float]) -> Ligne:
    value = statistics.median(warm)
    return Ligne(
        nom="demarrage", valeur=value, unite="s", reference=None, ratio=value, but=10, plancher=20,
        moins_est_mieux=True, rondes=tuple((seconds, None) for seconds in warm),
    )  # fmt: skip


def _memoire(plan: Plan) -> Ligne:
    """PSS of our processes; a page that several of them share counts once."""
    known: dict[str, int] = json.loads((plan.folder / "etat.json").read_text())["processus"]
    ours = [pid for name, pid in known.items() if "." in name or name == "passerelle"]
    assert len(ours) == 11, f"five gRPC processes, five workers and the gateway, not {known}"
    processes = [psutil.Process(pid) for pid in ours]
    # The gateway's worker is a child of its gunicorn.
    processes += [child for each in processes for child in each.children(recursive=True)]
    value = sum(each.memory_full_info().pss for each in processes) / _MB
    return Ligne(
        nom="memoire", valeur=value, unite="Mo", reference=None, ratio=value, but=700,
        plancher=1000, moins_est_mieux=True, rondes=((value, None),),
    )  # fmt: skip


@contextmanager
def _running(plan: Plan) -> Iterator[float]:
    """Run what ``make demo`` runs; gives the seconds from its first instruction to « Prêt »."""
    output = plan.folder.parent / "demo.log"
    output.unlink(missing_ok=True)
    demo = Child(
        name="demo",
        command=[sys.executable, "-m", "deploy.demo", "--dossier", plan.folder,
                 "--port", str(plan.base), "--antivirus", "local"],
        log=output, folder=ROOT, environment={"PYTHONUNBUFFERED": "1"}, patience_s=60,
    )  # fmt: skip
    began = time.monotonic()
    demo.start()
    try:
        demo.wait_ready(lambda: "Prêt :" in output.read_text(), timeout_s=_READY_WITHIN_S)
        yield time.monotonic() - began
    finally:
        demo.stop()


def _jouer(plan: Plan) -> Citoyen:
    """Play the main journey once: a citizen ends with two documents, a card and its pass."""
    passwords: dict[str, str] = json.loads((plan.folder / "comptes.json").read_text())
    acces = Acces(
        portail=plan.url,
        courrier=Components(plan).mailbox.api_url,
        agent=(_AGENT, passwords[_AGENT]),
        racine=plan.keys.apple / "racine.pem",
        compte_google=plan.keys.google,
    )
    citoyen = Citoyen.nouveau(acces)
    citoyen.s_inscrire()
    citoyen.activer()
    citoyen.se_connecter()
    citoyen.demander_carte(*citoyen.deposer_preuves())
    agent = Agent.connecte(acces)
    demande = agent.demande(str(citoyen.carte()["demande"]["demande_id"]))
    agent.regarder(demande)
    attendu(agent.decider(demande), 200)
    citoyen.portefeuille()
    assert citoyen.accueil()["complet"] is True
    return citoyen
