import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from chassis import outbox, relay
from chassis.relay import Relay
from espacecitoyen.cartes.v1.evenements_pb2 import CarteApprouvee, CarteDemandee
from tests.kit.wait import wait_until

pytestmark = pytest.mark.integration

QUEUE = "essai.cartes.carte_demandee.v1"


@pytest.fixture
def running(chassis_url, chassis_amqp_url):
    """Run a relay in a thread until the test ends."""
    stop = threading.Event()
    threads = []

    def start(kind=Relay, url=chassis_amqp_url) -> None:
        thread = threading.Thread(target=kind(chassis_url, url, "essai").run, args=(stop,))
        thread.start()
        threads.append(thread)

    yield start
    stop.set()
    for thread in threads:
        thread.join(10)
        assert not thread.is_alive()


def unpublished(database) -> list[str]:
    rows = database.execute("SELECT aggregate FROM outbox WHERE published_at IS NULL ORDER BY id")
    return [row[0] for row in rows]


def identifiers(channel, queue=QUEUE) -> list[str]:
    found: list[str] = []
    while True:
        _method, properties, _body = channel.basic_get(queue, auto_ack=True)
        if properties is None:
            return found
        found.append(properties.message_id)


def test_the_envelope_is_in_the_properties_and_the_payload_alone_in_the_body(
    running, sessions, channel, count
):
    with sessions.begin() as session:
        event = CarteDemandee(carte_id="1", demande_id="é", compte_id="3")
        event_id = outbox.append(session, event, aggregate="1")
    running()
    wait_until(lambda: count(QUEUE) == 1)
    method, properties, body = channel.basic_get(QUEUE, auto_ack=True)
    assert (method.exchange, method.routing_key) == ("cartes.events", "carte_demandee.v1")
    assert body.decode() == '{"carte_id":"1","demande_id":"é","compte_id":"3"}'
    assert properties.message_id == str(event_id)
    assert (properties.type, properties.app_id) == ("carte_demandee.v1", "cartes")
    assert properties.content_type == "application/json"
    assert properties.delivery_mode == 2
    assert abs(properties.timestamp - time.time()) < 60


def test_events_come_in_the_order_of_their_insertion(running, sessions, channel, count):
    expected = []
    for _ in range(5):
        with sessions.begin() as session:
            expected += [
                str(outbox.append(session, CarteDemandee(), aggregate="1")) for _ in range(100)
            ]
    running()
    wait_until(lambda: count(QUEUE) == 500, timeout=20)
    assert identifiers(channel) == expected


@pytest.mark.usefixtures("channel")
def test_a_commit_wakes_the_relay_at_once(running, sessions, database):
    running()
    with sessions.begin() as session:
        outbox.append(session, CarteDemandee(), aggregate="premier")
    wait_until(lambda: unpublished(database) == [])
    delays = []
    for _ in range(5):
        began = time.monotonic()
        with sessions.begin() as session:
            outbox.append(session, CarteDemandee(), aggregate="1")
        wait_until(lambda: unpublished(database) == [])
        delays.append(time.monotonic() - began)
    # A poll of 1 s alone would make the median half a second.
    assert sorted(delays)[2] < 0.3


def test_an_unroutable_event_keeps_its_row_and_holds_back_its_aggregate_alone(
    running, sessions, database, channel, count
):
    # No exchange binding takes this one once the audit queue is unbound.
    channel.queue_unbind("audit", "cartes.events", "#")
    try:
        with sessions.begin() as session:
            outbox.append(session, CarteApprouvee(carte_id="1"), aggregate="bloque")
            outbox.append(session, CarteDemandee(carte_id="1"), aggregate="bloque")
            outbox.append(session, CarteDemandee(carte_id="2"), aggregate="libre")
        running()
        wait_until(lambda: count(QUEUE) == 1)
        wait_until(lambda: unpublished(database) == ["bloque", "bloque"])
        with sessions.begin() as session:
            outbox.append(session, CarteDemandee(carte_id="3"), aggregate="libre")
        wait_until(lambda: count(QUEUE) == 2)
        assert unpublished(database) == ["bloque", "bloque"]
        attempts = "SELECT attempts, next_attempt_at > now() FROM outbox ORDER BY id LIMIT 1"
        assert database.execute(attempts).fetchone()[0] >= 1
    finally:
        channel.queue_bind("audit", "cartes.events", "#")
    # The next try, 2 s or 4 s later, finds a queue; the held one follows it.
    wait_until(lambda: unpublished(database) == [], timeout=15)
    assert count(QUEUE) == 3


def test_the_back_off_doubles_up_to_an_hour(database):
    def wait_after(attempts: int) -> float:
        database.execute(
            "INSERT INTO outbox (event_id, aggregate, exchange, routing_key, body, trace, attempts)"
            " VALUES (gen_random_uuid(), 'a', 'x', 'x', '', '', %s)",
            (attempts,),
        )
        number = database.execute("SELECT max(id) FROM outbox").fetchone()[0]
        database.execute(relay._DEFER, ([number],))
        query = "SELECT extract(epoch FROM next_attempt_at - now()) FROM outbox WHERE id = %s"
        return round(float(database.execute(query, (number,)).fetchone()[0]))

    assert [wait_after(attempts) for attempts in (0, 1, 2, 10, 11, 400)] == [
        2, 4, 8, 2048, 3600, 3600,
    ]  # fmt: skip


@pytest.mark.usefixtures("channel")
def test_of_two_relays_one_is_active_and_the_other_takes_over(program, sessions, database, count):
    first, second = program("relay"), program("relay")

    def holders() -> list[int]:
        query = "SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND granted"
        return [row[0] for row in database.execute(query)]

    def copies() -> Any:
        query = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'relay-relay'"
        return database.execute(query).fetchone()[0]

    wait_until(lambda: len(holders()) == 1 and copies() == 2, what="two relays, one lock")
    with sessions.begin() as session:
        for _ in range(50):
            outbox.append(session, CarteDemandee(), aggregate="1")
    wait_until(lambda: unpublished(database) == [])
    assert count(QUEUE) == 50
    # Which process holds the lock is PostgreSQL's secret: kill one, then the other in its place.
    first.kill()
    first.wait()
    with sessions.begin() as session:
        outbox.append(session, CarteDemandee(), aggregate="1")
    wait_until(lambda: unpublished(database) == [], what="the survivor's work")
    assert second.poll() is None
    assert count(QUEUE) == 51


def test_a_relay_killed_between_confirm_and_mark_publishes_again_with_the_same_id(
    program, sessions, database, channel, count
):
    with sessions.begin() as session:
        event_id = outbox.append(session, CarteDemandee(carte_id="ok"), aggregate="1")
    assert program("relay-dies").wait(20) == -9
    assert unpublished(database) == ["1"]
    assert count(QUEUE) == 1
    program("relay")
    wait_until(lambda: count(QUEUE) == 2, what="a second copy")
    assert identifiers(channel) == [str(event_id)] * 2


@pytest.mark.usefixtures("channel")
def test_a_relay_survives_the_loss_of_its_database_and_broker_connections(
    running, sessions, database, count, rabbitmq
):
    running()
    with sessions.begin() as session:
        outbox.append(session, CarteDemandee(), aggregate="1")
    wait_until(lambda: count(QUEUE) == 1)
    database.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE application_name = 'essai-relay' AND datname = current_database()"
    )
    with sessions.begin() as session:
        outbox.append(session, CarteDemandee(), aggregate="1")
    wait_until(lambda: count(QUEUE) == 2, what="a relay with a new database connection")
    rabbitmq.evaluate(
        '[rabbit_networking:close_connection(Pid, "essai") || Pid <-'
        " rabbit_networking:connections(), {client_properties, Properties} <-"
        " rabbit_networking:connection_info(Pid, [client_properties]),"
        ' lists:member({<<"connection_name">>, longstr, <<"essai-relay">>}, Properties)].'
    )
    with sessions.begin() as session:
        outbox.append(session, CarteDemandee(), aggregate="1")
    wait_until(lambda: count(QUEUE) == 3, what="a relay with a new broker connection")


def test_a_relay_started_before_the_topology_waits_for_it(
    running, sessions, database, channel, caplog
):
    # An exchange that does not exist closes the channel: the row stays, the relay tries again.
    with sessions.begin() as session:
        outbox.append(session, CarteDemandee(), aggregate="1")
    database.execute("UPDATE outbox SET exchange = 'pas.encore.events'")
    running()
    wait_until(lambda: "relay: ChannelClosedByBroker" in caplog.text)
    assert unpublished(database) == ["1"]
    channel.exchange_declare("pas.encore.events", "topic", auto_delete=True)
    channel.queue_bind("audit", "pas.encore.events", "#")
    wait_until(lambda: unpublished(database) == [])
    channel.queue_unbind("audit", "pas.encore.events", "#")


def test_old_rows_are_purged_and_waiting_ones_never(database):
    database.execute(
        "INSERT INTO outbox (event_id, aggregate, exchange, routing_key, body, trace,"
        " created_at, published_at) SELECT gen_random_uuid(), a, 'x', 'x', '', '',"
        " now() - interval '8 days', p FROM (VALUES ('vieux', now() - interval '8 days'),"
        " ('recent', now() - interval '6 days'), ('en attente', NULL)) AS v (a, p)"
    )
    database.execute(
        "INSERT INTO inbox SELECT gen_random_uuid(), 'x', now() - make_interval(days => d)"
        " FROM generate_series(1, 3000) AS s, LATERAL (SELECT 15 + s % 30) AS v (d)"
    )
    relay.purge(database)
    kept = database.execute("SELECT aggregate FROM outbox ORDER BY aggregate").fetchall()
    assert kept == [("en attente",), ("recent",)]
    oldest = "SELECT max(extract(days FROM now() - seen_at)), count(*) > 1000 FROM inbox"
    age, many = database.execute(oldest).fetchone()
    assert age < 30
    assert many


def test_a_hundred_concurrent_writers_lose_no_event(running, sessions, channel, count):
    running()

    def write(number: int) -> str:
        with sessions.begin() as session:
            message = CarteDemandee(carte_id=str(number))
            return str(outbox.append(session, message, aggregate=str(number)))

    with ThreadPoolExecutor(8) as pool:
        expected = set(pool.map(write, range(100)))
    wait_until(lambda: count(QUEUE) == 100)
    assert set(identifiers(channel)) == expected
