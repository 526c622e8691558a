"""``evenements``: committed outbox rows to their handler, against bare pika and bare nameko."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import psycopg

from bench import ligne, terrain
from bench.ligne import Ligne
from chassis import outbox, schema, topology
from chassis.db import Sessions, make_engine, make_sessions
from chassis.topology import Subscription
from deploy.components.rabbitmq import RabbitMQ
from espacecitoyen.cartes.v1.evenements_pb2 import CarteDemandee

_SUBSCRIPTION = Subscription("banc", "cartes", "carte_demandee.v1")
_LISTENS_WITHIN_S = 30.0
_POLL_S = 0.02


@dataclass(frozen=True)
class _Banc:
    """Both workers, ready, and what feeds ours."""

    sessions: Sessions
    database: psycopg.Connection[tuple[object, ...]]
    suite: terrain.Programme
    nu: terrain.Programme
    count: int

    def ours(self) -> float:
        """Events per second from the commit of their rows to the last call of the handler."""
        _commit(self.sessions, self.count)
        began = time.monotonic()
        rate = self.count / (float(self.suite.hear(within_s=120)) - began)
        _until(lambda: _waiting(self.database) == 0, "the outbox to be marked")
        return rate

    def bare(self) -> float:
        """Events per second from « go » to the last call of the handler."""
        began = time.monotonic()
        self.nu.tell("go")
        return self.count / (float(self.nu.hear(within_s=120)) - began)


def mesurer(*, petit: bool, noms: frozenset[str]) -> Sequence[Ligne]:  # noqa: ARG001 - one row
    """Measure the row."""
    count, rondes = (200, 1) if petit else (3000, 5)
    with tempfile.TemporaryDirectory() as folder, _banc(Path(folder), count) as banc:
        banc.ours(), banc.bare()  # warm
        pairs, ours, baseline, ratio = ligne.compare(banc.ours, banc.bare, rounds=rondes)
    return [
        Ligne(
            nom="evenements", valeur=ours, unite="événements/s", reference=baseline, ratio=ratio,
            but=0.85, plancher=0.60, rondes=pairs,
        )
    ]  # fmt: skip


@contextmanager
def _banc(folder: Path, count: int) -> Iterator[_Banc]:
    with ExitStack() as stack:
        rabbitmq, postgresql = stack.enter_context(terrain.broker_and_database(folder))
        url = postgresql.url("banc")
        engine = make_engine(url, name="banc")
        stack.callback(engine.dispose)
        sessions = make_sessions(engine)
        database = stack.enter_context(
            psycopg.connect(url.replace("postgresql+psycopg:", "postgresql:"), autocommit=True)
        )
        for statement in schema.V1:
            database.execute(statement)
        for vhost in ("suite", "nu"):
            topology.declare(
                rabbitmq.url(vhost), services=("cartes",), subscriptions=(_SUBSCRIPTION,)
            )

        def worker(role: str, further: Mapping[str, str]) -> terrain.Programme:
            settings = {"BANC_AMQP_URL": rabbitmq.url(role), **further}
            log = folder / f"{role}.log"
            started = stack.enter_context(
                terrain.programme(
                    "-m", "bench.ouvrier", role, str(count), log=log, environment=settings
                )
            )
            _until(lambda: _listens(rabbitmq, role), f"{role} to listen; see {log}")
            return started

        suite = worker("suite", {"BANC_DATABASE_URL": url})
        bodies = folder / "corps"
        bodies.write_bytes(b"\0".join(_bodies(sessions, count)))
        yield _Banc(sessions, database, suite, worker("nu", {"BANC_CORPS": str(bodies)}), count)


def _commit(sessions: Sessions, count: int) -> None:
    """Commit events by the chassis' own outbox, in one transaction."""
    with sessions.begin() as session:
        for message in _messages(count):
            outbox.append(session, message, aggregate=message.carte_id)


def _messages(count: int) -> Iterator[CarteDemandee]:
    for _ in range(count):
        carte, demande, compte = (str(uuid4()) for _ in range(3))
        yield CarteDemandee(carte_id=carte, demande_id=demande, compte_id=compte)


def _bodies(sessions: Sessions, count: int) -> list[bytes]:
    """The bytes that the outbox makes of as many events, in a transaction that is taken back."""
    with sessions() as session:
        for message in _messages(count):
            outbox.append(session, message, aggregate=message.carte_id)
        rows = session.connection().exec_driver_sql("SELECT body FROM outbox ORDER BY id")
        bodies = [bytes(row[0]) for row in rows]
        session.rollback()
    assert len(bodies) == count
    return bodies


def _waiting(database: psycopg.Connection[tuple[object, ...]]) -> object:
    row = database.execute("SELECT count(*) FROM outbox WHERE published_at IS NULL").fetchone()
    return row and row[0]


def _listens(rabbitmq: RabbitMQ, vhost: str) -> bool:
    with closing(topology.connect(rabbitmq.url(vhost), "banc")) as connection:
        declared = connection.channel().queue_declare(_SUBSCRIPTION.queue, passive=True)
        return bool(declared.method.consumer_count)


def _until(fact: object, what: str) -> None:
    assert callable(fact)
    deadline = time.monotonic() + _LISTENS_WITHIN_S
    while not fact():
        if time.monotonic() > deadline:
            raise RuntimeError(f"waited in vain for {what}")
        time.sleep(_POLL_S)  # another process's count tells nobody
