"""The suite that faults are played on: its processes, its databases, its broker, its mailbox.

Commits wait for the disk here, unlike in the other tests: what a crash of PostgreSQL may take is
one of the questions.
"""

from __future__ import annotations

import contextlib
import os
import re
import secrets
import shutil
import signal
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import psutil
import psycopg

from deploy import SERVICES
from deploy.children import Child
from deploy.places import ROOT
from deploy.plan import Plan
from tests.chaos.histoire import Carte, Constat, Courriel, Promesses
from tests.chaos.joueur import Acces, Journal, une_porte
from tests.kit.suite import Suite
from tests.kit.wait import wait_until

# Gunicorn's own child, which its arbiter starts again.
OUVRIER = "passerelle (ouvrier)"
_READY_WITHIN_S = 240.0
# A quorum queue's own count, unacknowledged messages included; management figures lag by seconds.
_DEPTHS = """
[{binary_to_list(element(4, amqqueue:get_name(Q))),
  element(2, element(2, ra:leader_query(amqqueue:get_pid(Q),
                                        fun rabbit_fifo:query_messages_total/1)))}
 || Q <- rabbit_amqqueue:list(<<"espace">>), amqqueue:get_type(Q) =:= rabbit_quorum_queue].
"""
_DEPTH = re.compile(r'\{\s*"([^"]+)"\s*,\s*(\d+)\s*\}')
_WAITING = "SELECT count(*) FROM outbox WHERE published_at IS NULL"
_MAILS_WAITING = "SELECT count(*) FROM envoi WHERE etat IN ('A_ENVOYER', 'EN_COURS')"
_SCANS_WAITING = "SELECT count(*) FROM piece WHERE statut = 'EN_ANALYSE'"


@dataclass
class Terrain:
    """A running suite, its agents, and everything promised to people since it started."""

    suite: Suite
    portes: tuple[Acces, ...]
    promesses: Promesses = field(default_factory=Promesses)
    journal: Journal = field(default_factory=Journal)
    recus: dict[str, Courriel] = field(default_factory=dict)
    _verrous: dict[str, threading.Lock] = field(default_factory=dict)

    # --- processes

    def tuer(self, nom: str) -> None:
        """Kill -9 and have it started again at once.

        The supervisor waits longer after each death of a process; being asked to rest and to work
        again makes it forget that, so that a hundred deaths do not take an hour.
        """
        if nom == OUVRIER:
            arbiter = psutil.Process(self.suite.pid("passerelle"))
            wait_until(arbiter.children, timeout=60, what="gunicorn's worker")[0].kill()
            return
        with self._verrous.setdefault(nom, threading.Lock()):
            pid = self.suite.kill(nom)
            order = self.suite.plan.folder / "arrets" / nom
            order.touch()
            wait_until(
                lambda: self._pid(nom) != pid, timeout=60, what=f"{nom} dead, and seen to be"
            )
            order.unlink()

    def tuer_et_attendre(self, nom: str) -> None:
        """Kill -9; return once its successor runs, started by the supervisor alone."""
        self.suite.restart(nom, timeout=90)

    def signaler(self, nom: str, number: signal.Signals) -> None:
        """Send another signal, SIGTERM for example."""
        os.kill(self.suite.pid(nom), number)

    def attendre_portail(self) -> None:
        """Wait until the gateway says that the five services answer."""

        def saine() -> bool:
            try:
                answer = httpx.get(f"{self.suite.base_url}/sante", timeout=5)
            except httpx.TransportError:
                return False
            return answer.status_code == httpx.codes.OK

        wait_until(saine, timeout=120, what="the portal's health")

    def _pid(self, nom: str) -> int:
        return self.suite._pids().get(nom, 0)

    # --- databases

    def lire(self, service: str, question: str, *values: Any) -> list[tuple[Any, ...]]:
        """Ask a service's database, as its owner could."""
        administrator = self.suite.components.postgresql.administrator(service)
        with psycopg.connect(administrator, autocommit=True) as connection:
            return connection.execute(question, values).fetchall()

    @contextlib.contextmanager
    def transaction(self, service: str) -> Iterator[psycopg.Connection[tuple[Any, ...]]]:
        """A transaction that holds its locks until the block ends, and changes nothing."""
        administrator = self.suite.components.postgresql.administrator(service)
        connection = psycopg.connect(administrator)
        try:
            yield connection
        finally:
            connection.rollback()
            connection.close()

    def couper(self, service: str) -> None:
        """End the sessions that wait for a lock: the server must not finish for a dead client."""
        self.lire(
            service,
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = %s AND wait_event_type = 'Lock'",
            service,
        )

    def attendre_bloque(self, service: str) -> None:
        """Wait until a session of this database waits for a lock."""
        wait_until(
            lambda: self.lire(
                service,
                "SELECT 1 FROM pg_stat_activity WHERE datname = %s AND wait_event_type = 'Lock'",
                service,
            ),
            timeout=60, what=f"a blocked statement of {service}",
        )  # fmt: skip

    # --- broker

    def files(self) -> dict[str, int]:
        """Messages of each queue, those in the hands of a worker included."""
        answer = self.suite.components.rabbitmq.evaluate(_DEPTHS)
        found = {name: int(count) for name, count in _DEPTH.findall(answer)}
        assert found, answer
        found.pop("audit", None)
        return found

    # --- rest

    def attendre_repos(self, *, morts: int = 0, timeout: float = 180.0) -> float:
        """Wait until nothing moves any more, ``morts`` planned dead letters of avis apart.

        Returns: seconds that it took. Raises: AssertionError with what does not come to rest.
        """
        began = time.monotonic()
        calm = 0
        while calm < 2:
            left = self.en_cours(morts=morts)
            calm = 0 if left else calm + 1
            if left and time.monotonic() - began > timeout:
                raise AssertionError(f"ne se vide pas : {left}")
            # A poll with a deadline; each one costs a dozen queries.
            time.sleep(0.3)
        return time.monotonic() - began

    def en_cours(self, *, morts: int = 0) -> dict[str, int]:
        """What is still under way, by name; empty at rest."""
        try:
            left = self._comptes_rendus()
        except (psycopg.Error, RuntimeError) as error:
            return {type(error).__name__: 1}
        if left.get("avis.mort", 0) == morts:
            left.pop("avis.mort", None)
        return {name: count for name, count in left.items() if count}

    def _comptes_rendus(self) -> dict[str, int]:
        left = {f"outbox {name}": self.lire(name, _WAITING)[0][0] for name in SERVICES}
        left["envois"] = self.lire("avis", _MAILS_WAITING)[0][0]
        left["analyses"] = self.lire("stockage", _SCANS_WAITING)[0][0]
        return left | self.files()

    # --- the end of a scenario

    def constater(self, *, morts: int = 0) -> Constat:
        """Read everything that the judge wants to know; the suite has to be at rest."""
        people = dict(self.lire("identite", "SELECT id::text, courriel FROM compte"))
        active = self.lire("identite", "SELECT courriel FROM compte WHERE statut = 'ACTIF'")
        mailed = self.relever_courrier()
        told: Counter[tuple[str, str, str]] = Counter()
        for service in SERVICES:
            rows = self.lire(service, "SELECT aggregate, routing_key FROM outbox")
            told.update((service, aggregate, key) for aggregate, key in rows)
        return Constat(
            comptes=Counter(people.values()),
            actifs={row[0] for row in active},
            abonnes={people.get(row[0], row[0]) for row in self.lire("avis", _ABONNES)},
            joignables={people.get(row[0], row[0]) for row in self.lire("avis", _JOIGNABLES)},
            pieces=[
                (people.get(compte, compte), piece, empreinte)
                for compte, piece, empreinte in self.lire("stockage", _PIECES)
            ],
            cartes=[
                Carte(carte, people.get(compte, compte), statut, numero or "")
                for carte, compte, statut, numero in self.lire("cartes", _CARTES)
            ],
            courriels=mailed,
            evenements=told,
            files=self.en_cours(morts=morts),
        )

    def relever_courrier(self) -> list[Courriel]:
        """All mails since the suite started, those of earlier scenarios included."""
        for mail in self.suite.mailbox.messages():
            self.recus[mail["id"]] = Courriel(
                message_id=str(mail["headers"]["message-id"]),
                personne=",".join(each["address"] for each in mail["envelope"]["to"]),
                objet=str(mail["subject"]),
            )
        return list(self.recus.values())

    def fermer(self) -> None:
        """Close clients and empty the sink, at rest only; what was read stays known."""
        for door in self.portes:
            door.fermer()
        self.relever_courrier()
        httpx.delete(f"{self.suite.components.mailbox.api_url}/api/email/all", timeout=30)


_ABONNES = "SELECT compte_id FROM abonne"
_JOIGNABLES = "SELECT compte_id FROM point_contact WHERE canal = 'courriel'"
_PIECES = "SELECT compte_id::text, piece_id::text, encode(sha256_recu, 'hex') FROM piece"
_CARTES = "SELECT carte_id::text, compte_id, statut, numero FROM carte"


@contextlib.contextmanager
def ouvrir(dossier: Path, base: int, *, agents: int = 2) -> Iterator[Terrain]:
    """Start a suite in an empty folder, with agents who validate cards; nothing is left of it.

    Args:
        dossier: its own folder; data are removed at the end, logs stay.
        base: first of its ports.
        agents: how many.
    """
    plan = Plan(folder=dossier, base=base)
    output = dossier / "superviseur.log"
    supervisor = Child(
        name="superviseur",
        command=[
            sys.executable, "-m", "deploy.supervisor", "--dossier", dossier, "--port", str(base),
        ],
        log=output,
        folder=ROOT,
        patience_s=60,
    )  # fmt: skip
    supervisor.start()
    try:
        supervisor.wait_ready(lambda: "Prêt" in output.read_text(), timeout_s=_READY_WITHIN_S)
        suite = Suite(plan, supervisor)
        journal = Journal()
        doors = [une_porte(plan, *_un_agent(suite, rang), journal) for rang in range(agents)]
        try:
            yield Terrain(suite, tuple(doors), journal=journal)
        finally:
            for door in doors:
                door.fermer()
    finally:
        supervisor.stop()
        for name in ("postgresql", "rabbitmq", "consul"):
            shutil.rmtree(dossier / name, ignore_errors=True)


def _un_agent(suite: Suite, rang: int) -> tuple[str, str]:
    courriel, mot_de_passe = f"agent.{rang}@exemple.test", f"Moulin-{secrets.token_urlsafe(12)}"
    arguments: Sequence[str] = (
        "identite", "creer-agent", "--courriel", courriel, "--prenom", "Andrée",
        "--nom", "Exemple", "--role", "agent_cartes",
    )  # fmt: skip
    suite.espace(*arguments, stdin=f"{mot_de_passe}\n")
    return courriel, mot_de_passe
