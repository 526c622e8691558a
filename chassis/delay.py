"""The way of an event that must be tried again: a delay queue, and back to where it was."""

import threading
from typing import Any

from pika import BasicProperties
from pika.adapters.blocking_connection import BlockingChannel
from pika.compat import long
from pika.exceptions import AMQPError

from chassis.topology import connect, delay_of

_PERSISTENT = 2
_KEPT = ("message_id", "type", "app_id", "timestamp", "correlation_id")


class Delayer:
    """Publishes to a delay queue with confirms, on a connection of its own."""

    def __init__(self, amqp_url: str, consumer: str) -> None:
        self._amqp_url = amqp_url
        self._exchange = delay_of(consumer)
        self._lock = threading.Lock()
        self._channel: BlockingChannel | None = None

    def publish(self, queue: str, body: bytes, message: Any) -> None:
        """Publish a copy that the delay queue will bring back to `queue`.

        Raises: AMQPError or OSError when the broker did not confirm it.
        """
        with self._lock:
            try:
                self._send(queue, body, message)
            except (AMQPError, OSError):
                # The idle connection had died; a second failure is the caller's.
                self._channel = None
                self._send(queue, body, message)

    def _send(self, queue: str, body: bytes, message: Any) -> None:
        if self._channel is None:
            # No heartbeat: nobody serves it while the connection is idle.
            connection = connect(self._amqp_url, self._exchange, heartbeat=0)
            self._channel = connection.channel()
            self._channel.confirm_delivery()
        properties = BasicProperties(
            content_type=message.content_type,
            content_encoding=message.content_encoding,
            headers=_typed(message.headers),
            delivery_mode=_PERSISTENT,
            **{name: message.properties[name] for name in _KEPT if name in message.properties},
        )
        self._channel.basic_publish(self._exchange, queue, body, properties, mandatory=True)


_DELAYERS: dict[tuple[str, str], Delayer] = {}


def delayer(amqp_url: str, consumer: str) -> Delayer:
    """Give the one delayer of a consumer: its subscriptions share a connection."""
    return _DELAYERS.setdefault((amqp_url, consumer), Delayer(amqp_url, consumer))


def _typed(headers: dict[str, Any]) -> dict[str, Any]:
    """Write the counts of x-death as the 64-bit integers that RabbitMQ goes on counting with."""
    deaths = [
        {key: long(value) if key == "count" else value for key, value in death.items()}
        for death in headers.get("x-death", ())
    ]
    return {**headers, "x-death": deaths} if deaths else dict(headers)


def rounds(headers: dict[str, Any]) -> int:
    """Count how often a message went through a delay queue."""
    return sum(
        int(death.get("count", 0))
        for death in headers.get("x-death", ())
        if str(death.get("queue", "")).endswith(".delai")
    )
