"""The job that prepares a release: migrations of the five services, then the broker's topology.

One process, run to its end before the services start (never at their start: replicas would race).
It loads every service's events, hence nameko, and so must not load grpc (ADR-0002).
Run: ``python -m deploy.job``; settings: <SERVICE>_DATABASE_URL, ESPACE_AMQP_URL and, if wanted,
ESPACE_JOB_MIGRATED, a file that is made once the databases are ready and the broker comes next.
"""

from __future__ import annotations

import importlib
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from pika.exceptions import AMQPConnectionError

from chassis import migrations, topology
from chassis.topology import Subscription
from deploy import SERVICES

_BROKER_WITHIN_S = 180.0
_PAUSE_S = 0.1

__all__ = ["SERVICES", "main", "subscriptions"]


def subscriptions(services: Sequence[str] = SERVICES) -> tuple[Subscription, ...]:
    """What the services' workers listen to."""
    return tuple(
        subscription
        for service in services
        for subscription in importlib.import_module(f"services.{service}.events").SUBSCRIPTIONS
    )


def main() -> int:
    """Migrate and declare; returns the exit status, 2 when a setting is missing."""
    names = [f"{service.upper()}_DATABASE_URL" for service in SERVICES]
    missing = [name for name in [*names, "ESPACE_AMQP_URL"] if not os.environ.get(name)]
    if missing:
        print("missing settings: " + ", ".join(missing), file=sys.stderr)
        return 2
    began = time.monotonic()
    for service, name in zip(SERVICES, names, strict=True):
        migrations.upgrade(f"services.{service}", os.environ[name])
        print(f"{service}: migrated ({time.monotonic() - began:.1f} s)", flush=True)
    if marker := os.environ.get("ESPACE_JOB_MIGRATED"):
        Path(marker).touch()
    wanted = subscriptions()
    _declare(os.environ["ESPACE_AMQP_URL"], wanted)
    print(f"broker: topology declared ({time.monotonic() - began:.1f} s)", flush=True)
    return 0


def _declare(amqp_url: str, wanted: Sequence[Subscription]) -> None:
    """Declare the topology, waiting for a broker that is still starting."""
    deadline = time.monotonic() + _BROKER_WITHIN_S
    while True:
        try:
            topology.declare(amqp_url, services=SERVICES, subscriptions=wanted)
        except AMQPConnectionError:
            if time.monotonic() > deadline:
                raise
            time.sleep(_PAUSE_S)  # the broker may still be starting
        else:
            return


if __name__ == "__main__":
    sys.exit(main())
