import itertools
import json
import uuid
from datetime import UTC, datetime
from typing import Any

import pika
import psycopg
import pytest

from chassis import outbox, topology
from tests.kit.wait import wait_until

pytestmark = pytest.mark.integration

QUEUE = "essai.cartes.carte_demandee.v1"


def properties(**changes) -> pika.BasicProperties:
    fields = {
        "content_type": "application/json",
        "message_id": str(uuid.uuid4()),
        "type": "carte_demandee.v1",
        "app_id": "cartes",
        "timestamp": 1_767_225_600,
        "delivery_mode": 2,
    }
    return pika.BasicProperties(**fields | changes)


def publish(channel, body: bytes, **changes) -> None:
    channel.basic_publish(
        "cartes.events", "carte_demandee.v1", body, properties(**changes), mandatory=True
    )


def ask(texte: str) -> bytes:
    return json.dumps({"carte_id": texte}).encode()


def published(database) -> list[bool]:
    rows = database.execute("SELECT published_at IS NOT NULL FROM outbox ORDER BY id")
    return [row[0] for row in rows]


def test_an_event_goes_from_the_outbox_through_the_relay_to_the_handler(
    program, sessions, database, waits_for_effects, demandee
):
    program("worker-relay")
    with sessions.begin() as session:
        event_id = outbox.append(session, demandee("ok"), aggregate="carte-1")
    waits_for_effects("ok")
    assert database.execute("SELECT event_id FROM effet").fetchone() == (event_id,)
    wait_until(lambda: published(database) == [True])


def test_an_event_whose_transaction_is_rolled_back_never_existed(
    program, sessions, waits_for_effects, demandee
):
    program("worker-relay")
    with sessions() as session:
        outbox.append(session, demandee("ok jamais"), aggregate="carte-1")
        session.rollback()
    with sessions.begin() as session:
        outbox.append(session, demandee("ok"), aggregate="carte-1")
    waits_for_effects("ok")


def test_a_handler_publishes_in_the_transaction_of_its_effect(
    program, sessions, waits_for_effects, demandee
):
    program("worker-relay")
    with sessions.begin() as session:
        outbox.append(session, demandee("chaine"), aggregate="carte-1")
    waits_for_effects("chaine", "piece suite")


def test_every_event_delivered_twice_has_one_effect(program, channel, effects, count, database):
    identifiers = [str(uuid.uuid4()) for _ in range(20)]
    for number, identifier in enumerate(identifiers * 2):
        publish(channel, ask(f"ok {number % 20}"), message_id=identifier)
    program("worker")
    wait_until(lambda: _handled(database) == 40, timeout=20)
    assert sorted(effects()) == sorted(f"ok {number}" for number in range(20))
    wait_until(lambda: count(QUEUE) == 0)


def _handled(database: Any) -> Any:
    query = "SELECT count(*) FROM essai WHERE event_id IS NOT NULL"
    return database.execute(query).fetchone()[0]


BROKEN: dict[str, tuple[bytes, dict[str, Any]]] = {
    "not UTF-8": (b'{"carte_id": "\xff\xfe"}', {}),
    "not JSON": (b"<carte/>", {}),
    "empty": (b"", {}),
    "a list": (b"[1, 2]", {}),
    "a wrong field type": (b'{"carte_id": {"x": 1}}', {}),
    "deeply nested": (b"[" * 20_000, {}),
    "unknown content type": (ask("ok"), {"content_type": "application/x-python-pickle"}),
    "no content type": (ask("ok"), {"content_type": None}),
    "another encoding": (ask("ok"), {"content_encoding": "no-such-encoding"}),
    "compression that lies": (ask("ok"), {"headers": {"compression": "application/x-gzip"}}),
    "compression unknown": (ask("ok"), {"headers": {"compression": "application/nothing"}}),
    "another message type": (ask("ok"), {"type": "carte_approuvee.v1"}),
    "no message type": (ask("ok"), {"type": None}),
    "no id": (ask("ok"), {"message_id": None}),
    "id not a UUID": (ask("ok"), {"message_id": "42"}),
    "no source": (ask("ok"), {"app_id": None}),
    "no time": (ask("ok"), {"timestamp": None}),
    "time beyond the calendar": (ask("ok"), {"timestamp": 2**62}),
}
# A body that says what it is in another way still is the event.
READABLE = {"another encoding"}


def test_a_poison_and_every_undecodable_message_die_while_others_flow(
    program, channel, waits_for_effects, count
):
    for number, (body, changes) in enumerate(BROKEN.values()):
        publish(channel, body, **changes)
        publish(channel, ask(f"ok {number}"))
    publish(channel, ask("poison"))
    publish(channel, ask("ok fin"))
    program("worker")
    expected = [f"ok {number}" for number in range(len(BROKEN))]
    waits_for_effects(*expected, "ok fin", *("ok" for _ in READABLE))
    dead = len(BROKEN) - len(READABLE) + 1
    wait_until(lambda: count("essai.mort") == dead, what=f"{dead} dead letters")
    assert count(QUEUE) == 0


def test_unknown_fields_of_a_newer_sender_are_ignored(program, channel, waits_for_effects):
    publish(channel, b'{"carte_id": "ok", "champ_nouveau": [1, {"a": 2}]}')
    program("worker")
    waits_for_effects("ok")


def test_a_temporary_failure_comes_back_after_the_delay(
    program, channel, waits_for_effects, count, database
):
    identifier = str(uuid.uuid4())
    publish(channel, ask("temporaire:2:x"), message_id=identifier)
    publish(channel, ask("ok"))
    program("worker")
    waits_for_effects("temporaire:2:x", "ok")
    moments = [
        row[0]
        for row in database.execute(
            "SELECT a FROM essai WHERE event_id = %s ORDER BY numero", (identifier,)
        )
    ]
    gaps = [(later - one).total_seconds() for one, later in itertools.pairwise(moments)]
    assert len(gaps) == 2
    assert min(gaps) > 0.45
    assert (count(QUEUE), count("essai.delai"), count("essai.mort")) == (0, 0, 0)


def test_the_rounds_through_the_delay_queue_are_counted_and_bounded(
    program, channel, count, database
):
    # The broker's own count arrives with the message: here as if 58 rounds were behind it.
    death = {
        "queue": "essai.delai",
        "reason": "expired",
        "count": pika.compat.long(58),
        "exchange": "essai.delai",
        "routing-keys": [QUEUE],
        "time": datetime.now(UTC),
    }
    publish(channel, ask("temporaire:99:x"), headers={"x-death": [death]})
    program("worker")
    wait_until(lambda: count("essai.mort") == 1, timeout=20, what="a dead letter")
    assert _handled(database) == 3
    _method, dead, _body = channel.basic_get("essai.mort", auto_ack=True)
    counts = {item["queue"]: item["count"] for item in dead.headers["x-death"]}
    assert counts == {"essai.delai": 60, QUEUE: 1}


def test_dead_letters_come_back_on_request_as_they_first_came(
    program, channel, count, chassis_amqp_url
):
    publish(channel, ask("poison"))
    worker = program("worker")
    wait_until(lambda: count("essai.mort") == 1, what="a dead letter")
    worker.terminate()
    worker.wait(15)
    assert topology.replay(chassis_amqp_url, "essai", 10) == 1
    assert (count(QUEUE), count("essai.mort")) == (1, 0)
    _method, back, body = channel.basic_get(QUEUE, auto_ack=True)
    assert body == ask("poison")
    assert "x-death" not in back.headers
    assert back.type == "carte_demandee.v1"


def test_a_worker_killed_between_effect_and_acknowledgement_repeats_without_effect(
    program, channel, effects, count, database
):
    publish(channel, ask("tue"))
    first = program("worker")
    assert first.wait(20) == -9
    program("worker")
    wait_until(lambda: _handled(database) == 2, timeout=20, what="a second delivery")
    wait_until(lambda: count(QUEUE) == 0)
    assert effects() == ["tue"]


def test_a_worker_killed_inside_its_transaction_loses_nothing(
    program, channel, waits_for_effects, count
):
    publish(channel, ask("meurt"))
    assert program("worker").wait(20) == -9
    program("worker")
    waits_for_effects("meurt")
    assert count("essai.mort") == 0


def test_a_stop_lets_the_running_handlers_end(program, channel, waits_for_effects, database):
    worker = program("worker")
    publish(channel, ask("lent:1"))
    publish(channel, ask("lent:2"))
    wait_until(lambda: _handled(database) == 2, what="two running handlers")
    worker.terminate()
    assert worker.wait(10) == 0
    waits_for_effects("lent:1", "lent:2", timeout=1)


def test_a_timer_goes_on_after_a_failure(program, database):
    program("worker")
    query = "SELECT count(*) FROM essai WHERE event_id IS NULL"
    wait_until(lambda: database.execute(query).fetchone()[0] >= 3, what="three beats")


def test_a_database_away_delays_the_event_and_kills_none(
    program, channel, waits_for_effects, count, databases, worker
):
    name = f"chassis_{worker}"
    program("worker")
    publish(channel, ask("ok avant"))
    waits_for_effects("ok avant")
    with psycopg.connect(databases.administrator, autocommit=True) as administrator:
        administrator.execute(f"ALTER ROLE {name} NOLOGIN")
        administrator.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE usename = %s AND application_name = 'essai'",
            (name,),
        )
        publish(channel, ask("ok pendant"))
        wait_until(lambda: count("essai.delai") == 1, what="a delayed event")
        administrator.execute(f"ALTER ROLE {name} LOGIN")
    waits_for_effects("ok avant", "ok pendant")
    assert count("essai.mort") == 0


def test_a_lost_broker_connection_is_met_again_and_the_event_has_one_effect(
    program, channel, waits_for_effects, count, database, rabbitmq, worker
):
    running = program("worker")
    publish(channel, ask("lent:1"))
    wait_until(lambda: _handled(database) == 1, what="a running handler")
    # Kombu gives its connections no name: the worker's are those of this host without one.
    rabbitmq.evaluate(
        '[rabbit_networking:close_connection(Pid, "essai") || Pid <-'
        f' rabbit_networking:connections(), {{vhost, <<"chassis-{worker}">>}} =:='
        " hd(rabbit_networking:connection_info(Pid, [vhost])),"
        ' lists:keyfind(<<"connection_name">>, 1, proplists:get_value(client_properties,'
        " rabbit_networking:connection_info(Pid, [client_properties]))) =:= false]."
    )
    wait_until(lambda: _handled(database) == 2, timeout=20, what="a second delivery")
    publish(channel, ask("ok"))
    waits_for_effects("lent:1", "ok")
    wait_until(lambda: count(QUEUE) == 0)
    assert running.poll() is None
