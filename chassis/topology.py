"""Exchanges and queues of the suite, declared by the deploy job, and the dead letters' way back.

For each consumer: one quorum queue per subscription, one delay queue, one dead-letter queue. For
all: one bounded audit queue, so that every event is routable and its last copies can be read.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pika
from pika.adapters.blocking_connection import BlockingChannel, BlockingConnection

DELAY_MS = 10_000
DELIVERY_LIMIT = 20
AUDIT = "audit"
_AUDIT_LENGTH = 10_000
_RETENTION_MS = 14 * 24 * 3600 * 1000


@dataclass(frozen=True, order=True)
class Subscription:
    """A consumer's interest in one event type of one service."""

    consumer: str
    source: str
    event: str

    @property
    def queue(self) -> str:
        """Give the queue's name, such as `billing.orders.order_placed.v1`."""
        return f"{self.consumer}.{self.source}.{self.event}"


def delay_of(consumer: str) -> str:
    """Give the name of a consumer's delay queue and of the exchange that feeds it."""
    return f"{consumer}.delai"


def dead_of(consumer: str) -> str:
    """Give the name of a consumer's dead-letter queue."""
    return f"{consumer}.mort"


def connect(amqp_url: str, name: str, *, heartbeat: int = 10) -> BlockingConnection:
    """Open a connection that notices a lost or blocked broker within seconds."""
    parameters = pika.URLParameters(amqp_url)
    parameters.heartbeat = heartbeat
    parameters.blocked_connection_timeout = 10
    parameters.socket_timeout = 5
    parameters.client_properties = {"connection_name": name}
    return BlockingConnection(parameters)


def declare(
    amqp_url: str, *, services: Sequence[str], subscriptions: Sequence[Subscription]
) -> None:
    """Declare everything; safe to repeat. Nothing is ever deleted here.

    Args:
        amqp_url: broker and virtual host.
        services: all of them; each gets its exchange `<service>.events`.
        subscriptions: of all consumers.
    Raises: pika's ChannelClosedByBroker when a queue exists with other arguments.
    """
    connection = connect(amqp_url, "topology")
    try:
        channel = connection.channel()
        _declare_queue(
            channel,
            AUDIT,
            {"x-overflow": "drop-head", "x-max-length": _AUDIT_LENGTH},
        )
        for service in services:
            channel.exchange_declare(f"{service}.events", "topic", durable=True)
            channel.queue_bind(AUDIT, f"{service}.events", "#")
        for consumer in sorted({item.consumer for item in subscriptions}):
            _declare_consumer(channel, consumer)
        for item in subscriptions:
            arguments = {**_dead_letter("", dead_of(item.consumer)), **_LIMIT}
            _declare_queue(channel, item.queue, arguments)
            channel.queue_bind(item.queue, f"{item.source}.events", item.event)
    finally:
        connection.close()


_LIMIT = {"x-delivery-limit": DELIVERY_LIMIT}


def _declare_consumer(channel: BlockingChannel, consumer: str) -> None:
    _declare_queue(channel, dead_of(consumer), {"x-message-ttl": _RETENTION_MS})
    delay = delay_of(consumer)
    # No dead-letter routing key: what leaves the delay queue keeps the key it was published with,
    # the name of the queue it came from, and the default exchange brings it back there. The fanout
    # exchange is what lets a message enter the delay queue under that key.
    arguments = {**_dead_letter("", None), "x-message-ttl": DELAY_MS}
    _declare_queue(channel, delay, arguments)
    channel.exchange_declare(delay, "fanout", durable=True)
    channel.queue_bind(delay, delay)


def _dead_letter(exchange: str, routing_key: str | None) -> dict[str, Any]:
    """Give the arguments of at-least-once dead-lettering, which wants reject-publish."""
    arguments = {
        "x-dead-letter-exchange": exchange,
        "x-dead-letter-strategy": "at-least-once",
        "x-overflow": "reject-publish",
    }
    return (
        arguments if routing_key is None else arguments | {"x-dead-letter-routing-key": routing_key}
    )


def _declare_queue(channel: BlockingChannel, name: str, arguments: dict[str, Any]) -> None:
    channel.queue_declare(name, durable=True, arguments={"x-queue-type": "quorum", **arguments})


def depths(channel: BlockingChannel, queues: Sequence[str]) -> dict[str, int]:
    """Count the messages ready in each queue.

    Raises: pika's ChannelClosedByBroker when one does not exist.
    """
    return {
        queue: channel.queue_declare(queue, passive=True).method.message_count for queue in queues
    }


def replay(amqp_url: str, consumer: str, limit: int) -> int:
    """Bring dead letters back to the queues they came from.

    Args:
        amqp_url: broker and virtual host.
        consumer: whose dead-letter queue.
        limit: most messages to bring back; those present now, at most.
    Returns: how many came back. Each is confirmed by its queue before it leaves the dead-letter
        queue, so a crash repeats one and loses none. One that names no queue stays.
    """
    connection = connect(amqp_url, "replay")
    try:
        channel = connection.channel()
        channel.confirm_delivery()
        dead = dead_of(consumer)
        present = depths(channel, [dead])[dead]
        return sum(_replay_one(channel, dead) for _ in range(min(limit, present)))
    finally:
        connection.close()


def _replay_one(channel: BlockingChannel, dead: str) -> int:
    method, properties, body = channel.basic_get(dead)
    if method is None:
        return 0
    headers = dict(properties.headers or {})
    deaths = headers.pop("x-death", None) or [{}]
    queue = next((death["queue"] for death in deaths if _is_origin(death)), "")
    for name in ("x-first-death-queue", "x-first-death-reason", "x-first-death-exchange"):
        headers.pop(name, None)
    headers.pop("x-delivery-count", None)
    properties.headers = headers
    try:
        channel.basic_publish("", queue, body, properties, mandatory=True)
    except pika.exceptions.UnroutableError:
        channel.basic_nack(method.delivery_tag, requeue=True)
        return 0
    channel.basic_ack(method.delivery_tag)
    return 1


def _is_origin(death: dict[str, Any]) -> bool:
    return not str(death.get("queue", ".delai")).endswith(".delai")
