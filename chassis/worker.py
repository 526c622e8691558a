"""A nameko process: started from code, stopped gracefully, never by nameko's own command.

Nameko's command needs `pkg_resources`, which setuptools no longer ships.
"""

import logging
import signal
import threading
from collections.abc import Callable
from contextlib import closing
from typing import Any

import eventlet
from nameko.constants import AMQP_URI_CONFIG_KEY, MAX_WORKERS_CONFIG_KEY
from nameko.runners import ServiceRunner
from pika.exceptions import AMQPError

from chassis import telemetry
from chassis.topology import connect, dead_of, delay_of, depths

_log = logging.getLogger(__name__)

_PREFETCH = 10
_DRAIN_S = 10
_HEALTH_EVERY_S = 5
_MEASURE_EVERY_S = 15


def run(
    service_class: type,
    *,
    amqp_url: str,
    relay: Callable[[threading.Event], None] | None = None,
    healthy: Callable[[], bool] | None = None,
    name: str | None = None,
) -> int:
    """Work until SIGTERM or SIGINT, in a process that `chassis.green` has patched.

    Args:
        service_class: the class of `events.py`.
        amqp_url: broker and virtual host.
        relay: `Relay(...).run`; it gets the flag that tells it to stop.
        healthy: asked each 5 s; a change is logged.
        name: for the logs; that of the class by default.
    Returns: exit status: 0 after a graceful stop (at most 10 s), 1 when a part of it died.
    """
    # Nameko logs the text of a handler's exception, which may quote a person; ours says its type.
    logging.getLogger("nameko.containers").setLevel(logging.CRITICAL)
    asked: list[int] = []
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda received, _frame: asked.append(received))
    stop = threading.Event()
    runner = ServiceRunner({AMQP_URI_CONFIG_KEY: amqp_url, MAX_WORKERS_CONFIG_KEY: _PREFETCH})
    runner.add_service(service_class)
    parts = [eventlet.spawn(_serve, runner)]
    if relay is not None:
        parts.append(eventlet.spawn(relay, stop))
    if telemetry.is_on():
        parts.append(eventlet.spawn(_measure, amqp_url, _queues(runner), stop))
    if healthy is not None:
        parts.append(eventlet.spawn(_watch, healthy, stop))
    _log.info("working", extra={"fields": {"worker": name or service_class.__name__}})
    while not asked and not any(part.dead for part in parts):
        # The signal handler may not touch the hub, so its note is looked for ten times a second.
        eventlet.sleep(0.1)
    stop.set()
    _stop(runner, parts)
    telemetry.shutdown()
    return 0 if asked else 1


def _serve(runner: Any) -> None:
    """Consume until the container ends; it starts here, for a broker that is down blocks it."""
    runner.start()
    runner.wait()


def _queues(runner: Any) -> list[str]:
    """Give the queues of the worker's subscriptions, and their consumers' delay and dead ones."""
    found = [
        entrypoint.subscription
        for container in runner.containers
        for entrypoint in container.entrypoints
        if hasattr(entrypoint, "subscription")
    ]
    sides = {name(item.consumer) for item in found for name in (delay_of, dead_of)}
    return sorted({item.queue for item in found} | sides)


def _measure(amqp_url: str, queues: list[str], stop: threading.Event) -> None:
    """Tell how many messages wait; on a connection of its own, for it may be a while away."""
    while queues and not stop.wait(_MEASURE_EVERY_S):
        try:
            connection = connect(amqp_url, "measure")
            with closing(connection):
                for queue, waiting in depths(connection.channel(), queues).items():
                    telemetry.QUEUE_WAITING.set(waiting, {"queue": queue})
        except (AMQPError, OSError) as error:
            _log.warning("queues not measured: %s", type(error).__name__)
    stop.wait()


def _watch(healthy: Callable[[], bool], stop: threading.Event) -> None:
    was = True
    while not stop.wait(_HEALTH_EVERY_S):
        try:
            well = healthy()
        except Exception as error:  # noqa: BLE001  (whatever it is, the process is not well)
            _log.warning("health: %s", type(error).__name__)
            well = False
        if well != was:
            _log.warning("health changed", extra={"fields": {"healthy": well}})
        was = well


def _stop(runner: Any, parts: list[Any]) -> None:
    """Take no more, let the handlers end; whoever is not done in time is killed.

    What a killed handler had not acknowledged is delivered again to the next process.
    """
    with eventlet.Timeout(_DRAIN_S, exception=False):
        runner.stop()
        for part in parts:
            try:
                part.wait()
            except Exception:  # noqa: BLE001  (the others must still be stopped)
                _log.exception("a part of the worker died")
    for part in parts:
        part.kill()
