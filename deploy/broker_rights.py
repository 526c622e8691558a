"""Users of the broker and what each may touch, computed from what the code really does.

A service publishes to its own exchange and to its own delay exchange, and reads its own queues; it
declares and binds nothing, and cannot write to a queue directly (``amq.default``). The deploy job
declares everything and publishes to no service's exchange. The operator reads dead letters and
audit, and puts dead letters back. Names are listed in full: a new subscription needs the rights of
its release, which are loaded before its deploy job runs.

Run: ``python -m deploy.broker_rights --mots-de-passe FILE > definitions.json`` and load the result
with ``load_definitions`` (or ``rabbitmqctl import_definitions``) before the deploy job runs.
Passwords that the file lacks are drawn and added to it.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import json
import re
import secrets
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from chassis.topology import AUDIT, Subscription, dead_of, delay_of
from deploy import SERVICES
from deploy.job import subscriptions
from deploy.passwords import drawn

VHOST = "espace"
DEPLOYER = "deploiement"
OPERATOR = "operateur"
_NOTHING = "^$"
# RabbitMQ's name for the default exchange, which routes by the name of a queue.
_DEFAULT_EXCHANGE = "amq.default"

Rights = dict[str, str]


def rights(
    services: Sequence[str] = SERVICES, wanted: Sequence[Subscription] | None = None
) -> dict[str, Rights]:
    """Give the three regular expressions of each user.

    Args:
        services: all of them.
        wanted: what their workers listen to; that of the code by default.
    Returns: user -> ``configure``, ``write``, ``read``.
    """
    known = subscriptions(services) if wanted is None else wanted
    consumers = sorted({item.consumer for item in known})
    table = {service: _of_service(service, known) for service in services}
    exchanges = [f"{service}.events" for service in services]
    sides = [name(consumer) for consumer in consumers for name in (delay_of, dead_of)]
    queues = [item.queue for item in known]
    table[DEPLOYER] = {
        # To bind is to read an exchange and to write a queue; to declare a queue with a dead-letter
        # exchange is to read that queue and to write that exchange.
        "configure": _only([AUDIT, *exchanges, *sides, *queues]),
        "write": _only([AUDIT, *sides, *queues, _DEFAULT_EXCHANGE]),
        "read": _only([*exchanges, *sides, *queues]),
    }
    table[OPERATOR] = {
        "configure": _NOTHING,
        "write": _only([_DEFAULT_EXCHANGE]),
        "read": _only([AUDIT, *(dead_of(consumer) for consumer in consumers)]),
    }
    return table


def _of_service(service: str, known: Sequence[Subscription]) -> Rights:
    queues = [item.queue for item in known if item.consumer == service]
    return {
        "configure": _NOTHING,
        "write": _only([f"{service}.events", *([delay_of(service)] if queues else [])]),
        "read": _only(queues),
    }


def _only(names: Iterable[str]) -> str:
    """Give the expression of exactly these names."""
    listed = sorted(set(names))
    return f"^({'|'.join(map(re.escape, listed))})$" if listed else _NOTHING


def definitions(passwords: Mapping[str, str], vhost: str = VHOST) -> dict[str, Any]:
    """Give RabbitMQ's definition file: users without tags, one virtual host, permissions.

    Raises: KeyError for a user without a password.
    """
    table = rights()
    return {
        "users": [
            {
                "name": user,
                "password_hash": password_hash(passwords[user]),
                "hashing_algorithm": "rabbit_password_hashing_sha256",
                "tags": "",
            }
            for user in table
        ],
        "vhosts": [{"name": vhost}],
        "permissions": [{"user": user, "vhost": vhost, **table[user]} for user in table],
    }


def password_hash(password: str) -> str:
    """RabbitMQ's own form: base64 of salt (4 bytes) and SHA-256 of salt and password."""
    salt = secrets.token_bytes(4)
    return base64.b64encode(salt + hashlib.sha256(salt + password.encode()).digest()).decode()


def passwords_of(place: Path) -> dict[str, str]:
    """Read the passwords of all users from a file, which gets those that it lacks."""
    return drawn(place, rights())


def main() -> int:
    """Print the definition file, or the table of rights alone."""
    parser = argparse.ArgumentParser(prog="python -m deploy.broker_rights")
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--mots-de-passe", type=Path, help="JSON file: user -> password")
    what.add_argument("--droits", action="store_true", help="print the rights, without secrets")
    parser.add_argument("--vhost", default=VHOST)
    options = parser.parse_args()
    made: Mapping[str, Any] = (
        rights()
        if options.droits
        else definitions(passwords_of(options.mots_de_passe), options.vhost)
    )
    print(json.dumps(made, indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(main())
