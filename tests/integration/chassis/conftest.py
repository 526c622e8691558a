"""A database, a virtual host and a worker process that belong to the chassis tests alone."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import psycopg
import pytest
from pika.adapters.blocking_connection import BlockingChannel

from chassis import schema, topology
from chassis.db import make_engine, make_sessions
from chassis.discovery import StaticAddresses
from chassis.grpc_client import Remote
from chassis.topology import Subscription
from espacecitoyen.cartes.v1 import evenements_pb2
from espacecitoyen.stockage.v1.stockage_service_pb2_grpc import StockageServiceStub
from tests.integration.chassis.documents import Servicer, serve
from tests.kit.wait import wait_until

HERE = Path(__file__).parent
SUBSCRIPTIONS = (
    Subscription("essai", "cartes", "carte_demandee.v1"),
    Subscription("essai", "cartes", "piece_remplacee.v1"),
)


@pytest.fixture(scope="session")
def chassis_url(databases, worker) -> str:
    """The address of a database that holds the chassis' tables and one of effects."""
    name = f"chassis_{worker}"
    with psycopg.connect(databases.administrator, autocommit=True) as connection:
        connection.execute(f"CREATE ROLE {name} LOGIN PASSWORD 'essai'")
        connection.execute(f"CREATE DATABASE {name} OWNER {name}")
    url = f"postgresql://{name}:essai@127.0.0.1:{databases.port}/{name}"
    with psycopg.connect(url) as connection:
        for statement in schema.V1:
            connection.execute(statement)
        connection.execute("CREATE TABLE effet (numero serial, event_id uuid, texte text)")
        connection.execute("CREATE TABLE essai (numero serial, event_id uuid, a timestamptz)")
    return url


@pytest.fixture
def database(chassis_url):
    """A connection to that database, whose tables are empty."""
    with psycopg.connect(chassis_url, autocommit=True) as connection:
        connection.execute("TRUNCATE outbox, inbox, request, effet, essai RESTART IDENTITY")
        yield connection


@pytest.fixture
def sessions(chassis_url, database):  # noqa: ARG001  (its tables are emptied first)
    engine = make_engine(chassis_url, name="essai")
    yield make_sessions(engine)
    engine.dispose()


@pytest.fixture(scope="session")
def chassis_amqp_url(rabbitmq, worker) -> str:
    vhost = f"chassis-{worker}"
    rabbitmq.add_vhost(vhost)
    url: str = rabbitmq.url(vhost)
    with pytest.MonkeyPatch.context() as patch:
        # Half a second instead of ten: the same queues, a shorter wait.
        patch.setattr(topology, "DELAY_MS", 500)
        topology.declare(url, services=("cartes", "avis"), subscriptions=SUBSCRIPTIONS)
    return url


@pytest.fixture
def channel(chassis_amqp_url) -> Iterator[BlockingChannel]:
    """A channel with confirms, on a virtual host whose queues are empty."""
    # No heartbeat: a test that waits for a slow process does not serve its own connection.
    connection = topology.connect(chassis_amqp_url, "essai", heartbeat=0)
    channel = connection.channel()
    channel.confirm_delivery()
    for queue in (*(item.queue for item in SUBSCRIPTIONS), "essai.mort", "essai.delai", "audit"):
        channel.queue_purge(queue)
    yield channel
    connection.close()


@pytest.fixture
def program(
    chassis_url,
    chassis_amqp_url,
    tmp_path,
    database,  # noqa: ARG001  (its tables are emptied before any process starts)
    channel,  # noqa: ARG001  (and so are the queues)
) -> Iterator[Callable[..., subprocess.Popen[bytes]]]:
    """Start a process of `programs.py`: `program("worker")`. It is stopped after the test."""
    with ExitStack() as stack:

        def start(act: str, file: str = "programs.py", **settings: str) -> subprocess.Popen[bytes]:
            environment = {
                **os.environ,
                "ESSAI_DATABASE_URL": chassis_url,
                "ESSAI_AMQP_URL": chassis_amqp_url,
                **settings,
            }
            log = (tmp_path / f"{act}.log").open("ab")
            process = subprocess.Popen(
                [sys.executable, str(HERE / file), act], env=environment, stdout=log, stderr=log
            )
            stack.callback(log.close)
            stack.callback(_end, process)
            return process

        yield start


def _end(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@pytest.fixture
def count(channel) -> Callable[[str], int]:
    """`count("essai.mort")`: messages ready in a queue."""
    return lambda queue: channel.queue_declare(queue, passive=True).method.message_count


@pytest.fixture
def effects(database) -> Callable[[], list[str]]:
    def read() -> list[str]:
        return [row[0] for row in database.execute("SELECT texte FROM effet ORDER BY numero")]

    return read


@pytest.fixture
def waits_for_effects(effects):
    def wait(*expected: str, timeout: float = 20.0) -> None:
        def state():
            seen = sorted(effects())
            return True if seen == sorted(expected) else None

        try:
            wait_until(state, timeout=timeout)
        except AssertionError:
            assert sorted(effects()) == sorted(expected)

    return wait


@pytest.fixture
def demandee():
    """Build the event of the tests: `demandee("un")`."""
    return lambda texte: evenements_pb2.CarteDemandee(carte_id=texte, compte_id="c")


@pytest.fixture
def servicer():
    return Servicer()


@pytest.fixture
def server(servicer):
    running = serve(servicer)
    yield running
    servicer.release.set()
    running.stop(1.0)


@pytest.fixture
def remote(server):
    remote = Remote(
        "stockage", stub=StockageServiceStub, addresses=StaticAddresses([server.address])
    )
    yield remote
    remote.close()
