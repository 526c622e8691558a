import subprocess
import sys
from datetime import UTC, datetime
from types import SimpleNamespace
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chassis import consumer, delay, discovery, topology
from chassis.consumer import Event, Undecodable, parse, raw
from chassis.grpc_client import target
from chassis.outbox import address
from chassis.topology import Subscription
from espacecitoyen.cartes.v1.evenements_pb2 import CarteApprouvee, CarteDemandee

pytestmark = pytest.mark.unit

SUBSCRIPTION = Subscription("essai", "cartes", "carte_demandee.v1")


def test_an_event_is_named_after_its_message():
    assert address(CarteApprouvee.DESCRIPTOR) == ("cartes", "carte_approuvee.v1")
    assert SUBSCRIPTION.queue == "essai.cartes.carte_demandee.v1"
    assert (topology.delay_of("essai"), topology.dead_of("essai")) == ("essai.delai", "essai.mort")


@pytest.mark.parametrize(
    ("addresses", "expected"),
    [
        (("127.0.0.1:1",), "ipv4:127.0.0.1:1"),
        (("127.0.0.1:1", "10.0.0.2:2"), "ipv4:127.0.0.1:1,10.0.0.2:2"),
        (("cartes.espace.svc:50051",), "dns:///cartes.espace.svc:50051"),
        (("localhost:1",), "dns:///localhost:1"),
    ],
)
def test_addresses_become_a_target_of_grpc(addresses, expected):
    assert target(addresses) == expected


def test_several_host_names_are_refused():
    with pytest.raises(ValueError, match="IPv4"):
        target(("a:1", "b:1"))


def test_addresses_come_from_the_settings_or_from_consul():
    static = {"cartes": "h:2|h:1"}
    chosen = discovery.addresses("cartes", consul_url="http://h:1", static=static)
    assert (chosen.get(), chosen.version()) == (("h:1", "h:2"), 1)
    followed = discovery.addresses("avis", consul_url="http://h:1", static=static)
    assert isinstance(followed, discovery.ConsulAddresses)
    with pytest.raises(LookupError, match="avis"):
        discovery.addresses("avis", consul_url="", static=static)


def message(**changes) -> SimpleNamespace:
    properties = {
        "message_id": "0d5a4a3e-5f5c-4b7e-8a1a-111111111111",
        "type": "carte_demandee.v1",
        "app_id": "cartes",
        "timestamp": datetime(2026, 3, 2, 15, 0),  # noqa: DTZ001  (so py-amqp gives it: naive UTC)
    }
    fields = {
        "content_type": "application/json",
        "content_encoding": None,
        "headers": {"traceparent": "00-1-2-01"},
        "body": b'{"carte_id": "1", "inconnu": {"a": [1]}}',
    }
    return SimpleNamespace(properties=properties | changes, **fields)


def test_a_message_becomes_an_event():
    event = parse(SUBSCRIPTION, CarteDemandee, message().body, message())
    assert event.id == UUID("0d5a4a3e-5f5c-4b7e-8a1a-111111111111")
    assert (event.type, event.source) == ("carte_demandee.v1", "cartes")
    assert event.time == datetime(2026, 3, 2, 15, 0, tzinfo=UTC)
    assert event.message == CarteDemandee(carte_id="1")
    assert event.trace == "00-1-2-01"
    assert parse(SUBSCRIPTION, CarteDemandee, b"{}", message(timestamp=1)).time.year == 1970


@given(st.binary(max_size=200))
def test_any_bytes_are_an_event_or_undecodable(body):
    try:
        event = parse(SUBSCRIPTION, CarteDemandee, body, message())
    except Undecodable:
        return
    assert isinstance(event.message, CarteDemandee)


@given(st.dictionaries(st.sampled_from(["message_id", "type", "app_id", "timestamp"]),
                       st.one_of(st.none(), st.text(), st.integers(), st.binary())))  # fmt: skip
def test_any_properties_are_an_event_or_undecodable(properties):
    try:
        parse(SUBSCRIPTION, CarteDemandee, b"{}", message(**properties))
    except Undecodable:
        return


def test_a_body_is_given_as_it_was_sent():
    assert raw(SimpleNamespace(body=b"\xe9", content_encoding=None)) == b"\xe9"
    assert raw(SimpleNamespace(body="é", content_encoding="latin-1")) == b"\xe9"
    assert raw(SimpleNamespace(body="", content_encoding=None)) == b""
    assert raw(SimpleNamespace(body=memoryview(b"a"), content_encoding=None)) == b"a"


def test_rounds_are_those_of_the_delay_queue_alone():
    deaths = [
        {"queue": "essai.delai", "count": 3, "reason": "expired"},
        {"queue": "essai.cartes.carte_demandee.v1", "count": 9, "reason": "rejected"},
    ]
    assert delay.rounds({"x-death": deaths}) == 3
    assert delay.rounds({}) == 0


def test_the_class_of_events_tells_its_subscriptions():
    class Events:
        name = "essai"

        @consumer.subscribe("cartes", CarteDemandee, consumer="essai")
        def sur_carte_demandee(self, event: Event[CarteDemandee]) -> str:
            return event.message.carte_id

        @consumer.subscribe("cartes", CarteApprouvee, consumer="essai")
        def sur_carte_approuvee(self, event): ...

        @consumer.timer(60)
        def balayer(self): ...

    assert consumer.subscriptions(Events) == (
        Subscription("essai", "cartes", "carte_approuvee.v1"),
        SUBSCRIPTION,
    )
    event = parse(SUBSCRIPTION, CarteDemandee, message().body, message())
    # A handler is called in tests as the plain method it is.
    assert Events().sur_carte_demandee(event) == "1"


def test_the_worker_side_never_loads_grpc():
    program = (
        "from chassis import green\nimport sys\n"
        "import chassis.consumer, chassis.relay, chassis.telemetry, chassis.otlp\n"
        "chassis.telemetry.setup('x', endpoint='http://127.0.0.1:1')\n"
        "chassis.telemetry._State.closers = ()\n"
        "import os; os._exit('grpc' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


def test_green_refuses_to_come_too_late():
    program = "import psycopg\nfrom chassis import green"
    ended = subprocess.run(
        [sys.executable, "-c", program], check=False, capture_output=True, text=True
    )
    assert ended.returncode == 1
    assert "chassis.green must be imported before psycopg" in ended.stderr
