"""Relay: what the outbox holds reaches the broker, at least once, in order per aggregate."""

import logging
import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from threading import Event as Flag
from typing import Any, NamedTuple

import psycopg
from pika import BasicProperties
from pika.adapters.blocking_connection import BlockingChannel, BlockingConnection
from pika.exceptions import AMQPError, NackError, UnroutableError
from sqlalchemy import make_url

from chassis import telemetry
from chassis.topology import connect

_log = logging.getLogger(__name__)

# One active relay per database; the number is arbitrary, the lock is per database.
_LOCK = 0x6F7574626F78
# PostgreSQL itself gives the lock up 25 s after the machine of its holder vanished without a word.
_OPTIONS = (
    "-c statement_timeout=10000 -c tcp_keepalives_idle=10"
    " -c tcp_keepalives_interval=5 -c tcp_keepalives_count=3"
)
_BATCH = 200
_PERSISTENT = 2
_MEASURE_EVERY_S = 10.0
_PURGE_EVERY_S = 3600.0
_PURGE_AT_ONCE = 1000

# A refused row holds back the later rows of its own aggregate, and only those.
_SELECT = """
SELECT id, event_id::text, aggregate, exchange, routing_key, body, trace,
       extract(epoch FROM created_at)::bigint
FROM outbox waiting
WHERE published_at IS NULL AND NOT EXISTS (
    SELECT 1 FROM outbox deferred
    WHERE deferred.published_at IS NULL AND deferred.next_attempt_at > now()
      AND deferred.aggregate = waiting.aggregate AND deferred.id <= waiting.id)
ORDER BY id LIMIT %s
"""
_MARK = "UPDATE outbox SET published_at = now() WHERE id = ANY(%s)"
# 2 s, 4 s, 8 s … and at most an hour.
_DEFER = """
UPDATE outbox SET attempts = attempts + 1, next_attempt_at =
    now() + least(interval '1 hour', interval '1 second' * 2 ^ least(attempts + 1, 12))
WHERE id = ANY(%s)
"""
_MEASURE = """
SELECT count(*), coalesce(extract(epoch FROM now() - min(created_at)), 0)::float
FROM outbox WHERE published_at IS NULL
"""
# Consumers may meet an event again as long as a queue keeps it (14 days); the inbox outlives that.
_PURGES = (
    ("outbox", "id", "published_at", 7),
    ("inbox", "event_id", "seen_at", 30),
    ("request", "request_id", "created_at", 7),
)


class _Row(NamedTuple):
    id: int
    event_id: str
    aggregate: str
    exchange: str
    routing_key: str
    body: bytes
    trace: str
    created_at: int


class Relay:
    """Publishes one service's outbox, alone among its copies, until told to stop."""

    def __init__(self, database_url: str, amqp_url: str, name: str) -> None:
        url = make_url(database_url).set(drivername="postgresql")
        self._database_url = url.render_as_string(hide_password=False)
        self._amqp_url = amqp_url
        self._name = name
        self._measured = self._purged = 0.0

    def run(self, stop: Flag) -> None:
        """Work until `stop` is set; a lost database or broker is met again after a second."""
        while not stop.is_set():
            try:
                self._connected(stop)
            except (psycopg.Error, AMQPError, OSError) as error:
                _log.warning("relay: %s, again in 1 s", type(error).__name__)
                stop.wait(1.0)

    def _connected(self, stop: Flag) -> None:
        with psycopg.connect(
            self._database_url,
            autocommit=True,
            application_name=f"{self._name}-relay",
            connect_timeout=3,
            options=_OPTIONS,
        ) as database:
            # The lock lives on the connection that marks the rows: who loses one loses both.
            while not self._is_alone(database):
                if stop.wait(1.0):
                    return
            _log.info("relay active", extra={"fields": {"relay": self._name}})
            with closing(connect(self._amqp_url, f"{self._name}-relay")) as broker:
                channel = broker.channel()
                channel.confirm_delivery()
                database.execute("LISTEN outbox")
                self._active(database, broker, channel, stop)

    @staticmethod
    def _is_alone(database: "psycopg.Connection[Any]") -> bool:
        row = database.execute("SELECT pg_try_advisory_lock(%s)", (_LOCK,)).fetchone()
        return bool(row and row[0])

    def _active(
        self,
        database: "psycopg.Connection[Any]",
        broker: BlockingConnection,
        channel: BlockingChannel,
        stop: Flag,
    ) -> None:
        while not stop.is_set():
            rows = self._waiting(database)
            if rows:
                self._publish(database, channel, rows)
            else:
                # Woken by a commit, or after a second for what a notification did not tell.
                for _ in database.notifies(timeout=1.0, stop_after=1):
                    pass
            broker.process_data_events(0)  # heartbeats
            self._look_after(database)

    @staticmethod
    def _waiting(database: "psycopg.Connection[Any]") -> list[_Row]:
        with database.cursor(binary=True) as cursor:
            return [_Row(*row) for row in cursor.execute(_SELECT, (_BATCH,))]

    def _publish(
        self, database: "psycopg.Connection[Any]", channel: BlockingChannel, rows: Sequence[_Row]
    ) -> None:
        """Publish a batch, and mark what the broker confirmed even when it is lost midway."""
        confirmed: list[int] = []
        refused: list[int] = []
        try:
            for row in self._in_order(rows, refused):
                if self._send(channel, row):
                    confirmed.append(row.id)
                else:
                    refused.append(row.id)
        finally:
            if confirmed:
                self._mark(database, confirmed)
            if refused:
                database.execute(_DEFER, (refused,))
                _log.warning("relay: %d events refused by the broker", len(refused))
                telemetry.EVENT_PUBLISHED.add(len(refused), {"outcome": "refused"})

    @staticmethod
    def _in_order(rows: Sequence[_Row], refused: list[int]) -> Iterator[_Row]:
        """Give the rows one by one, without those that follow a refused one of their aggregate."""
        held: set[str] = set()
        for row in rows:
            if row.aggregate in held:
                continue
            before = len(refused)
            yield row
            if len(refused) > before:
                held.add(row.aggregate)

    @staticmethod
    def _send(channel: BlockingChannel, row: _Row) -> bool:
        """Publish one event and wait for its confirm; False when no queue takes it."""
        with telemetry.span(
            f"publish {row.routing_key}",
            "producer",
            parent=row.trace,
            messaging__message__id=row.event_id,
        ) as span:
            trace = telemetry.traceparent(span) if row.trace else ""
            properties = BasicProperties(
                content_type="application/json",
                delivery_mode=_PERSISTENT,
                message_id=row.event_id,
                type=row.routing_key,
                app_id=row.exchange.removesuffix(".events"),
                timestamp=row.created_at,
                headers={"traceparent": trace} if trace else None,
            )
            try:
                channel.basic_publish(
                    row.exchange, row.routing_key, row.body, properties, mandatory=True
                )
            except (UnroutableError, NackError) as error:
                telemetry.fail(span, type(error).__name__)
                return False
        return True

    @staticmethod
    def _mark(database: "psycopg.Connection[Any]", confirmed: list[int]) -> None:
        database.execute(_MARK, (confirmed,))
        telemetry.EVENT_PUBLISHED.add(len(confirmed), {"outcome": "confirmed"})

    def _look_after(self, database: "psycopg.Connection[Any]") -> None:
        now = time.monotonic()
        if now - self._measured > _MEASURE_EVERY_S:
            self._measured = now
            waiting, age = database.execute(_MEASURE).fetchone() or (0, 0.0)
            telemetry.OUTBOX_WAITING.set(waiting, {"service": self._name})
            telemetry.OUTBOX_AGE.set(age, {"service": self._name})
        if now - self._purged > _PURGE_EVERY_S:
            self._purged = now
            purge(database)


def purge(database: "psycopg.Connection[Any]") -> None:
    """Forget what is old enough, a thousand rows at a time so that no lock is held long."""
    for table, key, column, days in _PURGES:
        statement = f"""
            DELETE FROM {table} WHERE ({key}) IN (
                SELECT {key} FROM {table} WHERE {column} < now() - interval '{days} days'
                LIMIT {_PURGE_AT_ONCE})
        """  # noqa: S608  (the names are the constants above)
        while database.execute(statement).rowcount == _PURGE_AT_ONCE:
            pass
