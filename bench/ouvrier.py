"""The two processes of ``evenements``: the suite's worker, and bare nameko with bare pika.

``python -m bench.ouvrier suite|nu <count>``. Each tells ``prêt`` once it listens, then the time
(``time.monotonic``) at which its handler was called for every <count>-th event. The suite's one
publishes what is committed to its outbox; the bare one publishes the bodies of ``BANC_CORPS`` each
time it reads a line.
"""

from chassis import green  # noqa: F401, I001  (first: it patches what every later import binds)

import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import eventlet
import pika
from eventlet.hubs import trampoline
from kombu.entity import Queue
from nameko.messaging import consume
from nameko.runners import ServiceRunner

from chassis import consumer, telemetry
from chassis.consumer import Event, subscribe
from chassis.relay import Relay
from espacecitoyen.cartes.v1.evenements_pb2 import CarteDemandee

EXCHANGE, EVENT = "cartes.events", "carte_demandee.v1"
QUEUE = f"banc.{EXCHANGE.removesuffix('.events')}.{EVENT}"
_PERSISTENT = 2


def _counter(count: int) -> Callable[[], None]:
    handled = 0

    def hit() -> None:
        nonlocal handled
        handled += 1
        if handled % count == 0:
            print(time.monotonic(), flush=True)

    return hit


def suite(amqp_url: str, count: int) -> int:
    """Work as ``work.py`` of a service does: relay and consumer of the chassis, one process."""
    hit = _counter(count)

    class BancEvents:
        name = "banc"

        @subscribe("cartes", CarteDemandee, consumer="banc")
        def sur_carte_demandee(self, event: Event[CarteDemandee]) -> None:
            assert event.message.carte_id
            hit()

    telemetry.setup("banc-work", endpoint="")
    relay = Relay(os.environ["BANC_DATABASE_URL"], amqp_url, "banc")
    return consumer.run(BancEvents, amqp_url=amqp_url, relay=relay.run, name="banc")


def nu(amqp_url: str, count: int) -> int:
    """Publish with one confirm each and consume, in one process too, without anything of ours."""
    hit = _counter(count)
    bodies = Path(os.environ["BANC_CORPS"]).read_bytes().split(b"\0")

    class BancNu:
        name = "banc_nu"

        @consume(Queue(QUEUE, durable=True, no_declare=True))  # type: ignore[no-untyped-call,untyped-decorator]
        def sur_message(self, _body: Any) -> None:
            hit()

    def publish() -> None:
        channel = pika.BlockingConnection(pika.URLParameters(amqp_url)).channel()
        channel.confirm_delivery()
        properties = pika.BasicProperties(
            content_type="application/json", delivery_mode=_PERSISTENT
        )
        while True:
            trampoline(sys.stdin.fileno(), read=True)
            if not os.read(sys.stdin.fileno(), 100):
                return
            for body in bodies:
                channel.basic_publish(EXCHANGE, EVENT, body, properties, mandatory=True)

    runner = ServiceRunner({"AMQP_URI": amqp_url})
    runner.add_service(BancNu)
    runner.start()
    eventlet.spawn(publish)
    runner.wait()
    return 0


if __name__ == "__main__":
    sys.exit({"suite": suite, "nu": nu}[sys.argv[1]](os.environ["BANC_AMQP_URL"], int(sys.argv[2])))
