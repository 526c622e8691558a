"""Several requests at the same instant: one effect, and everybody is told."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Sequence
from functools import partial
from uuid import uuid4

import httpx

from tests.chaos.joueur import Vie
from tests.chaos.scenario import Bilan, Reglage, Scenario
from tests.chaos.terrain import Terrain
from tests.e2e.parcours.mobile import API, Agent, attendu

_A_LA_FOIS = 8


def ensemble(calls: Sequence[Callable[[], httpx.Response]]) -> list[httpx.Response]:
    """Make calls from one thread each, let go together."""
    barrier = threading.Barrier(len(calls))
    answers: list[httpx.Response] = []

    def one(call: Callable[[], httpx.Response]) -> None:
        barrier.wait()
        answers.append(call())

    threads = [threading.Thread(target=one, args=(call,)) for call in calls]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return answers


def _double_clic(terrain: Terrain, reglage: Reglage) -> Bilan:
    """Eight times the same sign-up and the same card request, then eight different requests."""
    bilan = Bilan()
    for essai in range(reglage.essais):
        life = Vie(terrain.portes[essai % len(terrain.portes)], terrain.promesses)
        _inscriptions(life, bilan)
        life.preparer()
        same = str(uuid4())
        answers = ensemble([_demande(life, same)] * _A_LA_FOIS)
        cards = {attendu(answer, 201)["carte_id"] for answer in answers}
        bilan.exiger(len(cards) == 1, f"{len(cards)} cartes pour une demande répétée")
        life.carte_id = cards.pop()
        terrain.promesses.carte(life.courriel, life.carte_id)
        others = ensemble([_demande(life, str(uuid4())) for _ in range(_A_LA_FOIS)])
        told = Counter(answer.status_code for answer in others)
        bilan.exiger(told == {409: _A_LA_FOIS}, f"demandes d’une deuxième carte : {told}")
        life.demande_id = str(life.citoyen.carte()["demande"]["demande_id"])
        life.decider()
        bilan.essais += 3
    return bilan


def _course(terrain: Terrain, reglage: Reglage) -> Bilan:
    """No card yet, eight different requests at once: one wins."""
    bilan = Bilan()
    for essai in range(reglage.essais):
        life = Vie(terrain.portes[essai % len(terrain.portes)], terrain.promesses)
        life.s_inscrire()
        life.preparer()
        answers = ensemble([_demande(life, str(uuid4())) for _ in range(_A_LA_FOIS)])
        told = Counter(answer.status_code for answer in answers)
        bilan.exiger(told == {201: 1, 409: _A_LA_FOIS - 1}, f"première carte : {told}")
        life.carte_id = str(life.citoyen.carte()["carte_id"])
        terrain.promesses.carte(life.courriel, life.carte_id)
        life.demande_id = str(life.citoyen.carte()["demande"]["demande_id"])
        life.decider()
        bilan.essais += 1
    return bilan


def _deux_agents(terrain: Terrain, reglage: Reglage) -> Bilan:
    """Two agents decide on the same version at once."""
    bilan = Bilan()
    agents = [Agent.connecte(door) for door in terrain.portes[:2]]
    for essai in range(reglage.essais):
        life = Vie(terrain.portes[essai % 2], terrain.promesses).attendre_agent()
        seen = [agent.demande(life.demande_id) for agent in agents]
        answers = ensemble(
            [partial(agent.decider, demande) for agent, demande in zip(agents, seen, strict=True)]
        )
        told = sorted(answer.status_code for answer in answers)
        bilan.exiger(told == [200, 409], f"deux décisions : {told}")
        terrain.promesses.approuvee(life.courriel, life.carte_id)
        decisions = terrain.lire(
            "cartes", "SELECT agent_id FROM decision WHERE demande_id = %s", life.demande_id
        )
        bilan.exiger(
            len(decisions) == 2 and len(set(decisions)) == 1,
            f"décisions écrites : {len(decisions)}, de {len(set(decisions))} agent(s)",
        )
        bilan.essais += 1
    return bilan


def _inscriptions(life: Vie, bilan: Bilan) -> None:
    """The same sign-up many times, with one key."""
    key = life.citoyen.cle()
    life.citoyen.cle = lambda: key  # type: ignore[method-assign]  # the one key of all clicks
    accepted: list[bool] = []

    def once() -> httpx.Response:
        life.citoyen.s_inscrire()  # asserts 202
        accepted.append(True)
        return httpx.Response(202)

    ensemble([once] * _A_LA_FOIS)
    del life.citoyen.cle
    bilan.exiger(len(accepted) == _A_LA_FOIS, f"inscription répétée : {len(accepted)} acceptées")
    life.promesses.compte(life.courriel)


def _demande(life: Vie, key: str) -> Callable[[], httpx.Response]:
    who = life.citoyen.personne
    body = {
        "piece_identite_id": life.pieces[0], "piece_residence_id": life.pieces[1],
        "carte_physique": False,
        "titulaire": {
            "prenom": who.prenom, "nom": who.nom, "date_naissance": who.date_naissance,
            "adresse": who.adresse, "ville": who.ville, "code_postal": who.code_postal,
        },
    }  # fmt: skip
    return lambda: life.citoyen.http.post(
        f"{API}/cartes", json=body, headers={"Idempotency-Key": key}
    )


SCENARIOS = (
    Scenario(
        "doubleclic", "huit fois la même requête en même temps",
        "un compte, une carte, un courriel ; même réponse à tous", _double_clic, 2,
    ),
    Scenario(
        "course", "huit demandes différentes de la même personne en même temps",
        "une carte, les autres sont prévenues", _course, 2,
    ),
    Scenario(
        "agents", "deux agents décident en même temps",
        "un l’emporte, l’autre est prévenu, une seule décision écrite", _deux_agents, 3,
    ),
)  # fmt: skip
