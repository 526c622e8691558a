"""The broker and the database: killed, restarted, away for a while, in the middle of traffic."""

from __future__ import annotations

import signal
import time

from tests.chaos.annonces import attendre_courtier
from tests.chaos.joueur import Trafic, Vie
from tests.chaos.scenario import Bilan, Reglage, Scenario
from tests.chaos.terrain import Terrain
from tests.kit.wait import wait_until

_COUPURE_S = 10.0
_MORTS_DE_SUITE = 10
_ACCEPTES = 3


def _courtier(terrain: Terrain, reglage: Reglage) -> Bilan:
    """SIGKILL and SIGTERM by turns, in traffic; then away, while people go on signing up."""
    bilan = Bilan()
    url = terrain.suite.amqp_url
    healed = []
    with Trafic(terrain.portes, terrain.promesses) as trafic:
        for essai in range(reglage.essais):
            time.sleep(reglage.alea.uniform(0, 1.5))  # any instant of the journeys
            if essai % 2 == 0:
                terrain.tuer_et_attendre("rabbitmq")
            else:
                _redemarrer(terrain, "rabbitmq", signal.SIGTERM)
            healed.append(attendre_courtier(url))
            trafic.attendre(trafic.finis + 1)
            bilan.essais += 1
    waiting = []
    with terrain.suite.without("rabbitmq"):
        for rang in range(_ACCEPTES):
            began = time.monotonic()
            waiting.append(Vie(terrain.portes[rang % 2], terrain.promesses))
            waiting[-1].s_inscrire()
            bilan.exiger(time.monotonic() - began < 15, "inscription lente sans courtier")
        held = terrain.lire("identite", "SELECT 1 FROM outbox WHERE published_at IS NULL")
        bilan.exiger(len(held) >= _ACCEPTES, f"outbox : {len(held)} événements")
    bilan.essais += 1
    for life in waiting:
        life.finir(inscrite=True)
    bilan.mesures += [
        f"{trafic.finis} parcours en trafic",
        f"{len(waiting)} inscriptions acceptées sans courtier",
        f"courtier de retour en {max(healed):.0f} s au plus",
    ]
    return bilan


def _base(terrain: Terrain, reglage: Reglage) -> Bilan:
    """SIGKILL of the postmaster and a fast restart by turns, in traffic."""
    bilan = Bilan()
    healed = []
    with Trafic(terrain.portes, terrain.promesses) as trafic:
        for essai in range(reglage.essais):
            time.sleep(reglage.alea.uniform(0, 1.5))  # any instant of the journeys
            began = time.monotonic()
            if essai % 2 == 0:
                terrain.tuer_et_attendre("postgresql")
            else:
                _redemarrer(terrain, "postgresql", signal.SIGINT)
            terrain.attendre_portail()
            healed.append(time.monotonic() - began)
            trafic.attendre(trafic.finis + 1)
            bilan.essais += 1
    bilan.mesures += [
        f"{trafic.finis} parcours en trafic", f"suite de retour en {max(healed):.0f} s au plus",
    ]  # fmt: skip
    return bilan


def _coupure(terrain: Terrain, reglage: Reglage) -> Bilan:
    """PostgreSQL away for 10 s, then a worker killed ten times with the same message in hand."""
    bilan = Bilan()
    for _ in range(reglage.essais):
        with Trafic(terrain.portes, terrain.promesses) as trafic:
            with terrain.suite.without("postgresql"):
                time.sleep(_COUPURE_S)  # the outage itself
            terrain.attendre_portail()
            for _ in range(_MORTS_DE_SUITE):
                with terrain.transaction("avis") as lock:
                    lock.execute("LOCK TABLE inbox IN SHARE MODE")
                    terrain.attendre_bloque("avis")
                    terrain.tuer("avis.work")
                    terrain.couper("avis")
                bilan.essais += 1
        bilan.essais += 1
    dead = terrain.files()
    letters = sum(count for name, count in dead.items() if name.endswith(".mort"))
    bilan.exiger(letters == 0, f"{letters} lettres mortes")
    bilan.mesures += [f"{trafic.finis} parcours en trafic", f"{letters} lettre morte"]
    return bilan


def _redemarrer(terrain: Terrain, nom: str, number: signal.Signals) -> None:
    """Ask a component to end; return once the supervisor has started the next one."""
    pid = terrain.suite.pid(nom)
    terrain.signaler(nom, number)
    wait_until(
        lambda: terrain.suite.pid(nom) != pid, timeout=90, what=f"{nom} started again"
    )  # fmt: skip


SCENARIOS = (
    Scenario(
        "courtier", "RabbitMQ tué (SIGKILL), arrêté (SIGTERM), absent, en plein trafic",
        "requêtes acceptées sans lui, tout part ensuite, rien de perdu", _courtier, 4,
    ),
    Scenario(
        "base", "PostgreSQL tué (SIGKILL), redémarré, en plein trafic",
        "les actes acceptés survivent, les clients aboutissent", _base,
        6,
    ),
    Scenario(
        "coupure", "PostgreSQL absent 10 s, puis dix morts de suite du même travailleur",
        "aucune lettre morte, tout se vide", _coupure, 1,
    ),
)  # fmt: skip
