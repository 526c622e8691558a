"""Events in: each is handled at least once, and none is lost because its handler failed.

Nameko acknowledges a message whose handler failed, and kombu one that it cannot decode. Here a
definitive failure goes to the consumer's dead-letter queue, a temporary one comes back 10 s later.
"""

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any, Generic, TypeVar
from uuid import UUID

import eventlet
from google.protobuf.json_format import Parse
from google.protobuf.message import Message
from kombu.entity import Queue
from nameko.constants import AMQP_URI_CONFIG_KEY
from nameko.exceptions import ContainerBeingKilled
from nameko.extensions import ENTRYPOINT_EXTENSIONS_ATTR, register_entrypoint
from nameko.messaging import Consumer, QueueConsumer
from nameko.timer import Timer
from pika.exceptions import AMQPError
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from chassis import telemetry
from chassis.delay import Delayer, delayer, rounds
from chassis.outbox import address
from chassis.topology import Subscription
from chassis.worker import run

__all__ = ["Event", "TemporaryFailure", "run", "subscribe", "subscriptions", "timer"]

_log = logging.getLogger(__name__)

M = TypeVar("M", bound=Message)
F = TypeVar("F", bound=Callable[..., Any])

_MOST_ROUNDS = 60


class TemporaryFailure(Exception):
    """A handler could not do its work now; the event comes back in 10 s, at most 60 times."""


_TEMPORARY = (
    TemporaryFailure,
    OperationalError,
    InterfaceError,
    PoolTimeout,
    ConnectionError,
    TimeoutError,
)


class Undecodable(Exception):
    """A message is not an event of the type that its queue is for."""


@dataclass(frozen=True, kw_only=True)
class Event(Generic[M]):
    """One event as its handler sees it.

    `id` is the same at each delivery (inbox key); `type` is such as `order_placed.v1`;
    `source` is the service that told it; `time` is when it was told, UTC; `trace` is the
    `traceparent` it came with, or "".
    """

    id: UUID
    type: str
    source: str
    time: datetime
    message: M
    trace: str = ""


class _RejectingQueueConsumer(QueueConsumer):  # type: ignore[misc]  # nameko ships no types
    """Takes bodies raw, so that no decoder of kombu can acknowledge what it does not understand."""

    def get_consumers(self, consumer_cls: Any, _channel: Any) -> Any:
        """Consume each queue without decoding; called after each connection."""
        for provider in self._providers:
            consumer = consumer_cls(
                queues=[provider.queue], on_message=partial(self._on_message, provider)
            )
            consumer.qos(prefetch_count=self.prefetch_count)
            self._consumers[provider] = consumer
        return self._consumers.values()

    def _on_message(self, provider: Any, message: Any) -> None:
        self.handle_message(provider, message.body, message)

    def on_decode_error(self, message: Any, exc: Exception) -> None:
        """Reject what kombu cannot unpack (a `compression` header that lies)."""
        _log.error("undecodable message (%s)", type(exc).__name__)
        message.reject()


class _Subscriber(Consumer):  # type: ignore[misc]  # nameko ships no types
    """Entrypoint of `subscribe`."""

    queue_consumer = _RejectingQueueConsumer()

    def __init__(self, subscription: Subscription, message: type[Message]) -> None:
        # The deploy job declares queues; a worker that came first waits for it.
        queue = Queue(subscription.queue, durable=True, no_declare=True)  # type: ignore[no-untyped-call]
        super().__init__(queue)
        self.subscription = subscription
        self.message = message
        self._delayer: Delayer | None = None

    def setup(self) -> None:
        super().setup()
        url = self.container.config[AMQP_URI_CONFIG_KEY]
        self._delayer = delayer(url, self.subscription.consumer)

    def handle_message(self, _body: Any, message: Any) -> None:
        """Give the event to the service's method, in a worker greenthread."""
        try:
            event = parse(self.subscription, self.message, raw(message), message)
        except Undecodable as error:
            _log.error("dead letter: %s", error, extra={"fields": {"queue": self.queue.name}})
            self._settle(message, message.reject)
            return
        began = time.monotonic()
        try:
            self.container.spawn_worker(
                self, (event,), {}, handle_result=partial(self._end, message, event, began)
            )
        except ContainerBeingKilled:
            self.queue_consumer.requeue_message(message)

    def _end(
        self,
        message: Any,
        event: Event[Any],
        began: float,
        _context: Any,
        result: Any,
        exc_info: Any,
    ) -> tuple[Any, Any]:
        """Acknowledge, delay or reject, according to how the handler ended."""
        error = exc_info[1] if exc_info else None
        if error is None:
            outcome, settle = "done", message.ack
        elif isinstance(error, _TEMPORARY) and rounds(message.headers) < _MOST_ROUNDS:
            outcome, settle = "delayed", partial(self._delay, message)
        else:
            outcome, settle = "dead", message.reject
        self._settle(message, settle)
        seconds = time.monotonic() - began
        labels = {"consumer": self.subscription.consumer, "event": event.type, "outcome": outcome}
        telemetry.EVENT_HANDLED.record(seconds, labels)
        if error is not None:
            fields = {**labels, "event_id": str(event.id), "ms": round(seconds * 1000, 2)}
            _log.error("event failed", exc_info=exc_info, extra={"fields": fields})
        return result, exc_info

    @staticmethod
    def _settle(message: Any, settle: Callable[[], object]) -> None:
        """Tell the broker, unless the connection is gone: then it gives the message again."""
        try:
            if message.channel.connection:
                settle()
        except (OSError, message.channel.connection_errors) as error:
            _log.warning("not settled: %s", type(error).__name__)

    def _delay(self, message: Any) -> None:
        assert self._delayer is not None  # noqa: S101  (set before the first message)
        try:
            self._delayer.publish(self.queue.name, raw(message), message)
        except (AMQPError, OSError) as error:
            # The delay queue is out of reach: keep the message a moment, then give it back.
            _log.warning("not delayed: %s", type(error).__name__)
            eventlet.sleep(1)
            message.requeue()
        else:
            message.ack()


def raw(message: Any) -> bytes:
    """Give a body as it was sent: py-amqp decodes it when a content encoding names a codec."""
    if isinstance(message.body, str):
        return message.body.encode(message.content_encoding or "utf-8")
    return bytes(message.body)


def parse(subscription: Subscription, kind: type[M], body: bytes, message: Any) -> Event[M]:
    """Read an event from a message.

    Unknown fields are ignored: the other service may be newer.
    Raises: Undecodable, with a text that quotes nothing of the message.
    """
    properties = message.properties
    if message.content_type != "application/json":
        raise Undecodable("content type")
    if properties.get("type") != subscription.event:
        raise Undecodable("event type")
    try:
        return Event(
            id=UUID(properties["message_id"]),
            type=subscription.event,
            source=str(properties["app_id"]),
            time=_time(properties["timestamp"]),
            message=Parse(body, kind(), ignore_unknown_fields=True),
            trace=str(message.headers.get("traceparent", "")),
        )
    except Exception as error:  # noqa: BLE001  (a message of any shape must not end the worker)
        raise Undecodable(type(error).__name__) from None


def _time(value: Any) -> datetime:
    if isinstance(value, datetime):
        return value.replace(tzinfo=UTC)
    return datetime.fromtimestamp(int(value), UTC)


def subscribe(source: str, message: type[M], *, consumer: str) -> Callable[[F], F]:
    """Make a method `handler(self, event: Event[M]) -> None` the handler of one event type.

    It returns when the event's effect is committed; it is called again for the same event after a
    crash, so it asks the inbox first. It raises TemporaryFailure, or lets an error of the database
    or network pass, for « try again in 10 s »; anything else sends the event to the dead letters.
    """
    subscription = Subscription(consumer, source, address(message.DESCRIPTOR)[1])

    def decorate(handler: F) -> F:
        def handle(self: Any, event: Event[M]) -> Any:
            with telemetry.span(
                f"handle {event.type}",
                "consumer",
                parent=event.trace,
                messaging__message__id=str(event.id),
            ):
                return handler(self, event)

        handle.__name__, handle.__doc__ = handler.__name__, handler.__doc__
        register_entrypoint(handle, _Subscriber(subscription, message))
        return handle  # type: ignore[return-value]  # same call, with a span around it

    return decorate


def subscriptions(service_class: type) -> tuple[Subscription, ...]:
    """Give the subscriptions of a nameko class, sorted, for the deploy job to declare."""
    found = [
        entrypoint.subscription
        for method in vars(service_class).values()
        for entrypoint in getattr(method, ENTRYPOINT_EXTENSIONS_ATTR, ())
        if isinstance(entrypoint, _Subscriber)
    ]
    return tuple(sorted(found))


class _LoggingTimer(Timer):  # type: ignore[misc]  # nameko ships no types
    def handle_result(self, worker_ctx: Any, result: Any, exc_info: Any) -> Any:
        if exc_info:
            fields = {"timer": self.method_name}
            _log.error("timer failed", exc_info=exc_info, extra={"fields": fields})
        return super().handle_result(worker_ctx, result, exc_info)


def timer(interval_s: float) -> Callable[[F], F]:
    """Call a method `(self) -> None` each `interval_s` seconds, first after one interval.

    Two calls never overlap in one process; a failure is logged and the next call comes on time.
    Every copy of the process has its own timer: the work must bear being done twice.
    """

    def decorate(method: F) -> F:
        register_entrypoint(method, _LoggingTimer(interval=interval_s))
        return method

    return decorate
