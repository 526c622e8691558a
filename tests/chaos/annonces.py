"""Events as somebody with a broker's password can publish, watch, hold back and repeat them."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

import pika
from pika import BasicProperties

from chassis.topology import connect
from tests.kit.wait import wait_until

# What `Annonce.de_outbox` reads.
OUTBOX = """
SELECT event_id, exchange, routing_key, body, extract(epoch FROM created_at)::bigint
FROM outbox ORDER BY id
"""


@dataclass(frozen=True)
class Annonce:
    """A message: where it goes, what it says, what it says of itself."""

    exchange: str
    cle: str
    corps: bytes
    proprietes: BasicProperties

    @classmethod
    def de_outbox(cls, row: tuple[Any, ...]) -> Annonce:
        """The message that the relay makes of this row (event_id, exchange, key, body, time)."""
        event_id, exchange, key, body, created = row
        return cls(
            exchange, key, bytes(body),
            BasicProperties(
                content_type="application/json", delivery_mode=2, message_id=str(event_id),
                type=key, app_id=exchange.removesuffix(".events"), timestamp=int(created),
            ),
        )  # fmt: skip


class Courtier:
    """A connection of the test to the broker; one thread uses it."""

    def __init__(self, amqp_url: str) -> None:
        self._amqp_url = amqp_url

    def __enter__(self) -> Self:
        # No heartbeat: nobody serves it between two acts of a scenario.
        self._connection = connect(self._amqp_url, "chaos", heartbeat=0)
        self.channel = self._connection.channel()
        self.channel.confirm_delivery()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:  # fmt: skip
        if self._connection.is_open:
            self._connection.close()

    def publier(self, annonces: Sequence[Annonce]) -> None:
        """Publish, each one confirmed."""
        for each in annonces:
            self.channel.basic_publish(
                each.exchange, each.cle, each.corps, each.proprietes, mandatory=True
            )

    def prendre(self, queue: str) -> Annonce | None:
        """Take one message out of a queue; None when it is empty."""
        method, properties, body = self.channel.basic_get(queue, auto_ack=True)
        return None if method is None else Annonce("", queue, body, properties)

    def prendre_tout(self, queues: Sequence[str]) -> list[Annonce]:
        """Take what is in these queues now."""
        taken = []
        for queue in queues:
            while (annonce := self.prendre(queue)) is not None:
                taken.append(annonce)
        return taken

    def rejeter(self, queue: str) -> str:
        """Refuse one message of a queue for good, as a handler does. Returns: its event id."""
        wait_until(
            lambda: self.channel.queue_declare(queue, passive=True).method.message_count,
            timeout=30, what=f"a message in {queue}",
        )  # fmt: skip
        method, properties, _ = self.channel.basic_get(queue)
        self.channel.basic_reject(method.delivery_tag, requeue=False)
        return str(properties.message_id)


class Temoin(Courtier):
    """Sees every message that an exchange passes on from now on, in a queue of its own."""

    def __init__(self, amqp_url: str, exchange: str, cle: str = "#") -> None:
        super().__init__(amqp_url)
        self._exchange = exchange
        self._cle = cle
        self._vus: list[str] = []

    def __enter__(self) -> Self:
        super().__enter__()
        self._queue = self.channel.queue_declare("", exclusive=True).method.queue
        self.channel.queue_bind(self._queue, self._exchange, self._cle)
        return self

    def attendre(self, count: int, *, timeout: float = 30.0) -> list[str]:
        """Wait until so many messages passed. Returns: their event ids, in order."""

        def enough() -> bool:
            self._vus += [str(a.proprietes.message_id) for a in self.prendre_tout([self._queue])]
            return len(self._vus) >= count

        wait_until(enough, timeout=timeout, what=f"{count} message(s) on {self._exchange}")
        return list(self._vus)


def attendre_courtier(amqp_url: str, *, timeout: float = 90.0) -> float:
    """Wait until the broker takes connections. Returns: seconds that it took."""
    began = time.monotonic()
    wait_until(_joint(amqp_url), timeout=timeout, what="the broker")
    return time.monotonic() - began


def _joint(amqp_url: str) -> Callable[[], bool]:
    def joint() -> bool:
        try:
            connect(amqp_url, "chaos").close()
        except (pika.exceptions.AMQPError, OSError):
            # A refused connection costs nothing; asking fifty times a second would.
            time.sleep(0.2)  # a broker that returns tells nobody
            return False
        return True

    return joint
