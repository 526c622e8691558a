"""Events delivered twice, in any order, and messages that nobody can handle."""

from __future__ import annotations

import hashlib
import json
import time
from functools import partial
from itertools import permutations
from uuid import uuid4

from pika import BasicProperties

from deploy import SERVICES
from tests.chaos.annonces import OUTBOX, Annonce, Courtier
from tests.chaos.joueur import Vie
from tests.chaos.scenario import Bilan, Reglage, Scenario
from tests.chaos.terrain import Terrain
from tests.kit.wait import wait_until

_TABLES = "SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY 1"
_FOIS = 2
# The four events that avis hears between the link of the mail and the card.
_FILES = (
    "avis.identite.compte_active.v1", "avis.identite.coordonnees_validees.v1",
    "avis.cartes.carte_demandee.v1", "avis.cartes.carte_approuvee.v1",
)  # fmt: skip


def _doubles(terrain: Terrain, reglage: Reglage) -> Bilan:
    """All events that were ever told, twice more, shuffled; everything is compared before/after."""
    bilan = Bilan()
    for rang in range(2):
        Vie(terrain.portes[rang], terrain.promesses).jouer()
    for _ in range(reglage.essais):
        terrain.attendre_repos()
        before = _empreintes(terrain)
        messages = [
            Annonce.de_outbox(row) for service in SERVICES for row in terrain.lire(service, OUTBOX)
        ] * _FOIS
        reglage.alea.shuffle(messages)
        with Courtier(terrain.suite.amqp_url) as broker:
            broker.publier(messages)
        terrain.attendre_repos()
        after = _empreintes(terrain)
        changed = [name for name in before if before[name] != after[name]]
        bilan.exiger(not changed, f"changé par une deuxième livraison : {changed}")
        bilan.essais += len(messages)
    bilan.mesures.append(f"{len(before)} tables et la boîte comparées")
    return bilan


def _empreintes(terrain: Terrain) -> dict[str, str]:
    """A fingerprint of each table of each service, and of the mailbox."""
    found = {}
    for service in SERVICES:
        for (table,) in terrain.lire(service, _TABLES):
            rows = terrain.lire(service, f'SELECT t::text FROM "{table}" t ORDER BY 1')
            found[f"{service}.{table}"] = hashlib.sha256(repr(rows).encode()).hexdigest()
    found["courriels"] = str(sorted(mail.message_id for mail in terrain.relever_courrier()))
    return found


def _ordre(terrain: Terrain, reglage: Reglage) -> Bilan:
    """The first delivery itself out of order: each essai is another order of four events.

    The worker rests while a person activates, asks for a card and gets it; its queues are emptied
    by the test, which then gives the messages one by one, in the order drawn.
    """
    bilan = Bilan()
    orders = reglage.alea.sample(list(permutations(_FILES)), reglage.essais)
    for essai, order in enumerate(orders):
        life = Vie(terrain.portes[essai % 2], terrain.promesses)
        life.s_inscrire()
        life.acces.lien(life.courriel, "/activation/")
        terrain.attendre_repos()
        with Courtier(terrain.suite.amqp_url) as broker:
            with terrain.suite.without("avis.work"):
                life.preparer()
                life.demander()
                life.decider()
                wait_until(
                    lambda: all(terrain.files()[queue] == 1 for queue in _FILES),
                    timeout=30, what="one message in each of the four queues",
                )  # fmt: skip
                taken = {each.cle: each for each in broker.prendre_tout(_FILES)}
            for queue in order:
                broker.publier([taken[queue]])
                wait_until(partial(_vide, terrain, queue), timeout=60, what=f"{queue} handled")
        life.citoyen.portefeuille()
        bilan.essais += 1
    return bilan


def _vide(terrain: Terrain, queue: str) -> bool:
    return not terrain.files()[queue]


def _poison(terrain: Terrain, reglage: Reglage) -> Bilan:
    """Messages that cannot be handled land aside while good ones flow; then they are replayed."""
    bilan = Bilan()
    terrain.attendre_repos()
    url = terrain.suite.amqp_url
    for essai in range(reglage.essais):
        bad = _mauvais()
        reglage.alea.shuffle(bad)
        began = time.monotonic()
        with Courtier(url) as broker:
            broker.publier(bad)
            Vie(terrain.portes[essai % 2], terrain.promesses).jouer()
            flowed = time.monotonic() - began
            terrain.attendre_repos(morts=len(bad))
            terrain.suite.espace("evenements", "rejouer", "avis")
            # Nothing was mended: each comes back to where it was, and none is lost on the way.
            terrain.attendre_repos(morts=len(bad))
            dead = broker.prendre_tout(["avis.mort"])
        bilan.exiger(
            sorted(each.corps for each in dead) == sorted(each.corps for each in bad),
            f"{len(dead)} lettres mortes pour {len(bad)} messages impossibles",
        )
        bilan.essais += len(bad)
        bilan.mesures.append(f"un parcours entier en {flowed:.1f} s pendant ce temps")
    _rejouer(terrain, bilan)
    return bilan


def _rejouer(terrain: Terrain, bilan: Bilan) -> None:
    """A good event that was refused: once what was wrong is mended, `rejouer` gives its mail."""
    life = Vie(terrain.portes[0], terrain.promesses)
    with Courtier(terrain.suite.amqp_url) as broker:
        with terrain.suite.without("avis.work"):
            life.s_inscrire()
            broker.rejeter("avis.identite.courriel_demande.v1")
        wait_until(
            lambda: terrain.files()["avis.mort"] == 1, timeout=30, what="the refused event"
        )  # fmt: skip
        said = terrain.suite.espace("evenements", "rejouer", "avis")
    bilan.exiger("1 replayed" in said, f"rejouer : {said}")
    life.finir(inscrite=True)


def _mauvais() -> list[Annonce]:
    """What no handler can handle, one of each kind."""
    forged = json.dumps({"compte_id": str(uuid4()), "scelle": "Zm9yZ8Op"}).encode()
    unknown = json.dumps(
        {"compte_id": str(uuid4()), "langue": "fr", "categories": ["categorie_inconnue"]}
    ).encode()
    card = "carte_approuvee.v1"
    return [
        _annonce("cartes", card, forged),
        _annonce("identite", "courriel_demande.v1", forged),
        _annonce("identite", "coordonnees_validees.v1", forged),
        _annonce("identite", "compte_active.v1", unknown),
        _annonce("cartes", card, b"pas du JSON"),
        _annonce("cartes", card, b'{"compte_id": "\xff\xfe"}'),
        _annonce("cartes", card, b'{"compte_id": 12, "scelle": {}}'),
        _annonce("cartes", card, b"[" * 100_000),
        _annonce("cartes", card, b""),
        _annonce("cartes", card, b"x" * 1_000_000),
        _annonce("cartes", card, forged, content_type="text/plain"),
        _annonce("cartes", card, forged, content_type="application/json", type="autre.v1"),
        _annonce("cartes", card, forged, message_id="pas-un-uuid"),
        _annonce("cartes", card, forged, content_encoding="utf-16"),
        _annonce("cartes", card, b"\xff\xfe\x00", content_encoding="inconnu"),
        _annonce("cartes", card, b"rien", headers={"compression": "application/x-gzip"}),
    ]


def _annonce(service: str, key: str, body: bytes, **changes: object) -> Annonce:
    about: dict[str, object] = {
        "content_type": "application/json", "delivery_mode": 2, "message_id": str(uuid4()),
        "type": key, "app_id": service, "timestamp": int(time.time()),
    }  # fmt: skip
    # Into the queue of avis alone: other services hear of cards too, and are not what is judged.
    queue = f"avis.{service}.{key}"
    return Annonce("", queue, body, BasicProperties(**{**about, **changes}))


SCENARIOS = (
    Scenario(
        "livraisons", "chaque événement jamais émis, livré deux fois de plus, mélangé",
        "aucun courriel de plus, aucune ligne changée", _doubles, 1,
    ),
    Scenario(
        "ordre", "première livraison dans un autre ordre",
        "les mêmes courriels, les mêmes abonnements", _ordre,
        6,
    ),
    Scenario(
        "poison", "messages impossibles : sceau faux, type inconnu, octets, 1 Mo",
        "tous mis de côté, les autres passent, rejouer marche", _poison, 1,
    ),
)  # fmt: skip
