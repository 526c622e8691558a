"""Each user of the broker does its own work with its own rights, and nothing else."""

from __future__ import annotations

import contextlib
import json
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace

import pika
import psycopg
import pytest
from pika.adapters.blocking_connection import BlockingChannel, BlockingConnection
from pika.exceptions import (
    ChannelClosedByBroker,
    ProbableAccessDeniedError,
    ProbableAuthenticationError,
    UnroutableError,
)

from chassis import outbox, topology
from chassis.db import make_engine, make_sessions
from chassis.delay import Delayer
from deploy import SERVICES, broker_rights, job
from deploy.components.rabbitmq import RabbitMQ
from tests.kit.avis import environnement, ouvrier, un_courriel_demande, une_adresse
from tests.kit.components import Courrier
from tests.kit.identite import CLE_TEXTE
from tests.kit.wait import wait_until

# Users belong to the whole broker, so one worker plays all of these tests.
pytestmark = [pytest.mark.integration, pytest.mark.xdist_group("droits")]

VHOST = "droits"
REFUSED = 403


@pytest.fixture(scope="module")
def url(rabbitmq: RabbitMQ) -> Callable[[str], str]:
    """``url("cartes")``: the broker as one user sees it, from the file that operators load."""
    rabbitmq.add_vhost(VHOST)
    # Beside the run's broker, so that this fixture made again, or by another worker, agrees.
    passwords = broker_rights.passwords_of(rabbitmq.folder.parent / "droits_secrets")
    text = json.dumps(broker_rights.definitions(passwords, VHOST))
    rabbitmq.evaluate(f"ok = rabbit_definitions:import_raw(<<{json.dumps(text)}>>).")

    def of(user: str) -> str:
        return f"amqp://{user}:{passwords[user]}@127.0.0.1:{rabbitmq.port}/{VHOST}"

    # The deploy job's own user declares everything, twice: a release repeats it.
    for _ in range(2):
        topology.declare(
            of(broker_rights.DEPLOYER), services=SERVICES, subscriptions=job.subscriptions()
        )
    return of


@contextlib.contextmanager
def connected(url: str) -> Iterator[BlockingConnection]:
    connection = pika.BlockingConnection(pika.URLParameters(url))
    try:
        yield connection
    finally:
        connection.close()


def allowed(connection: BlockingConnection, act: Callable[[BlockingChannel], object]) -> bool:
    """Whether the broker lets a user act; any other refusal fails the test."""
    channel = connection.channel()
    channel.confirm_delivery()
    try:
        act(channel)
    except ChannelClosedByBroker as error:
        if error.reply_code != REFUSED:
            raise
        return False
    except UnroutableError:
        # The right was there; no queue was bound to the key of the test.
        pass
    channel.close()
    return True


def names(rabbitmq: RabbitMQ, kind: str) -> list[str]:
    """Every queue or exchange that the broker itself knows in the virtual host."""
    module = {"queue": "rabbit_amqqueue", "exchange": "rabbit_exchange"}[kind]
    found = rabbitmq.evaluate(
        f"[begin {{resource, _, _, N}} = proplists:get_value(name, I), binary_to_list(N) end "
        f'|| I <- {module}:info_all(<<"{VHOST}">>, [name])].'
    )
    listed = json.loads(found.strip().removeprefix("{ok, ").removesuffix("}"))
    # Erlang writes an empty string, the default exchange's name, as an empty list.
    return [name or "" for name in listed]


def publishes_to(exchange: str) -> Callable[[BlockingChannel], object]:
    return lambda channel: channel.basic_publish(exchange, "essai", b"{}", mandatory=True)


def reads(queue: str) -> Callable[[BlockingChannel], object]:
    # Without an acknowledgement, so that the message stays.
    return lambda channel: channel.basic_get(queue)


def test_only_the_allowed_cells_of_the_matrix_succeed(
    rabbitmq: RabbitMQ, url: Callable[[str], str]
):
    exchanges, queues = names(rabbitmq, "exchange"), names(rabbitmq, "queue")
    assert {f"{service}.events" for service in SERVICES} | {"avis.delai", ""} <= set(exchanges)
    assert {item.queue for item in job.subscriptions()} | {"audit", "avis.mort"} <= set(queues)
    written, read = set(), set()
    for user in SERVICES:
        with connected(url(user)) as connection:
            written |= {(user, e) for e in exchanges if allowed(connection, publishes_to(e))}
            read |= {(user, q) for q in queues if allowed(connection, reads(q))}
    consumers = {item.consumer for item in job.subscriptions()}
    assert written == {(service, f"{service}.events") for service in SERVICES} | {
        (consumer, f"{consumer}.delai") for consumer in consumers
    }
    # Who consumes is known by the name of the queue: `<consumer>.<source>.<event>.v<n>`.
    assert read == {(queue.split(".")[0], queue) for queue in queues if queue.count(".") == 3}
    assert {user for user, _ in read} == consumers == {"avis", "stockage"}


@pytest.mark.parametrize("user", SERVICES)
def test_a_service_declares_binds_and_deletes_nothing(url: Callable[[str], str], user: str):
    own = "avis.cartes.carte_demandee.v1"
    acts: list[Callable[[BlockingChannel], object]] = [
        lambda c: c.queue_declare(f"{user}.a_moi"),
        lambda c: c.queue_declare("", exclusive=True),
        lambda c: c.exchange_declare(f"{user}.evenements", "topic"),
        lambda c: c.queue_bind(own, "identite.events", "#"),
        lambda c: c.queue_unbind(own, "cartes.events", "carte_demandee.v1"),
        lambda c: c.queue_delete(own),
        lambda c: c.exchange_delete(f"{user}.events"),
        lambda c: c.queue_purge("audit"),
    ]
    with connected(url(user)) as connection:
        assert [allowed(connection, act) for act in acts] == [False] * len(acts)


def test_who_declares_does_not_publish_and_who_operates_sees_dead_letters_alone(
    rabbitmq: RabbitMQ, url: Callable[[str], str]
):
    exchanges, queues = names(rabbitmq, "exchange"), names(rabbitmq, "queue")
    with connected(url(broker_rights.DEPLOYER)) as connection:
        events = [f"{service}.events" for service in SERVICES]
        assert not any(allowed(connection, publishes_to(exchange)) for exchange in events)
        assert not allowed(connection, lambda c: c.queue_declare("imprevue"))
    with connected(url(broker_rights.OPERATOR)) as connection:
        assert [e for e in exchanges if allowed(connection, publishes_to(e))] == [""]
        assert {q for q in queues if allowed(connection, reads(q))} == {
                "audit", "avis.mort", "stockage.mort"
            }  # fmt: skip
        assert not allowed(connection, lambda c: c.queue_declare("imprevue"))


def test_a_user_has_one_virtual_host_and_a_password(rabbitmq: RabbitMQ, url: Callable[[str], str]):
    rabbitmq.add_vhost("droits_autre")
    with pytest.raises(ProbableAccessDeniedError), connected(f"{url('cartes')}_autre"):
        pass
    user, password = url("cartes").removeprefix("amqp://").split("@")[0].split(":")
    for wrong in (f"{user}:{password}x", f"identite:{password}", "guest:guest", f"{user}:"):
        address = url("cartes").replace(f"{user}:{password}", wrong)
        with pytest.raises(ProbableAuthenticationError), connected(address):
            pass


def test_the_real_relay_and_consumer_work_with_the_restricted_users(
    url: Callable[[str], str],
    database_url: Callable[[str], str],
    mailbox: Courrier,
    tmp_path: Path,
):
    identite, adresse = database_url("identite"), une_adresse()
    engine = make_engine(identite, name="droits")
    with make_sessions(engine).begin() as session:
        outbox.append(session, un_courriel_demande(adresse=adresse), aggregate="c")
    engine.dispose()
    reglages_identite = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": environnement(database_url="", amqp_url="")["PYTHONPATH"],
        "IDENTITE_DATABASE_URL": identite,
        "IDENTITE_CLE_SCELLE": CLE_TEXTE,
        "ESPACE_AMQP_URL": url("identite"),
    }
    reglages_avis = environnement(
        database_url=database_url("avis"),
        amqp_url=url("avis"),
        AVIS_SMTP_URL=mailbox.smtp_url,
        AVIS_JOURNAL_SMTP=mailbox.api_url,
    )
    relais, ouvrage = tmp_path / "identite.log", tmp_path / "avis.log"
    with (
        ouvrier(relais, reglages_identite, "services.identite.work"),
        ouvrier(ouvrage, reglages_avis),
    ):
        [mail] = mailbox.wait_for(to=adresse, timeout=60)
        assert mail["subject"] == "Activez votre compte Espace citoyen"
        # What avis tells in its turn (envoi_termine.v1) is taken by the audit queue.
        wait_until(lambda: _waiting(database_url("avis")) == 0, timeout=30, what="avis' relay")
    for journal in (relais, ouvrage):
        assert "ACCESS_REFUSED" not in journal.read_text()
        assert '"level": "ERROR"' not in journal.read_text()


def _waiting(database: str) -> int:
    with psycopg.connect(database.replace("+psycopg", "")) as connection:
        row = connection.execute("SELECT count(*) FROM outbox WHERE published_at IS NULL")
        return int((row.fetchone() or (0,))[0])


def test_delay_and_dead_letters_go_their_way_with_the_restricted_users(
    url: Callable[[str], str],
):
    queue = "avis.cartes.demande_incomplete.v1"
    message = SimpleNamespace(
        content_type="application/json", content_encoding=None, headers={}, properties={}
    )
    with connected(url("avis")) as connection:
        channel = connection.channel()
        channel.queue_purge(queue)
        began = time.monotonic()
        delayer = Delayer(url("avis"), "avis")
        delayer.publish(queue, b"essai", message)
        # A worker keeps this connection to its end; a test's end is here.
        assert delayer._channel is not None
        delayer._channel.connection.close()

        def back() -> int | None:
            method, _, body = channel.basic_get(queue)
            assert body in {None, b"essai"}
            return method.delivery_tag if method else None

        tag = wait_until(back, timeout=30, what="the delayed message")
        assert time.monotonic() - began > topology.DELAY_MS / 1000 - 1
        # Rejected: the broker itself moves it to the dead letters, where avis cannot read.
        channel.basic_reject(tag, requeue=False)
        sides = [topology.delay_of("avis"), topology.dead_of("avis")]
        wait_until(
            lambda: topology.depths(channel, sides)["avis.mort"] == 1, what="the dead letter"
        )
        assert topology.replay(url(broker_rights.OPERATOR), "avis", 10) == 1
        assert channel.basic_get(queue, auto_ack=True)[2] == b"essai"
