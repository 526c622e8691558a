"""Debian's PostgreSQL 15, which speaks TLS: the machine's own, or its packages unpacked."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

from deploy import debian
from deploy.components.postgresql import PostgreSQL
from deploy.places import PROGRAMS, libraries

_PACKAGES = ("postgresql-15", "postgresql-client-15", "libpq5")
_TARGET = PROGRAMS / "postgresql-15"
_BIN = Path("usr/lib/postgresql/15/bin")


def programs() -> Path:
    """The ``bin`` folder; fetches and unpacks the packages for the first who asks."""
    installed = Path("/") / _BIN
    if (installed / "postgres").exists():
        return installed
    PROGRAMS.mkdir(exist_ok=True)
    with (PROGRAMS / "postgresql-15.verrou").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (_TARGET / _BIN / "postgres").exists():
            log = PROGRAMS / "journaux" / "postgresql-15.log"
            log.parent.mkdir(parents=True, exist_ok=True)
            log.touch()
            debian.unpack_packages(log, _PACKAGES, _TARGET)
    return _TARGET / _BIN


def library_path() -> str:
    """LD_LIBRARY_PATH of these programs."""
    own = (_TARGET / "usr/lib").glob("*-linux-gnu")
    return os.pathsep.join([*map(str, own), libraries()])


def server(folder: Path, port: int, *options: str) -> PostgreSQL:
    """A server of these programs, without roles or databases, run as the suite runs its own.

    Args:
        folder: its data; made at first start.
        port: of the loopback.
        options: ``"ssl=on"``, over those of the component.
    """
    made = PostgreSQL(folder, port, owners=[], log=folder.with_suffix(".log"), durable=False)
    made._programs = programs()
    made._options += [part for each in options for part in ("-c", each)]
    made.child.environment = {**made.child.environment, "LD_LIBRARY_PATH": library_path()}
    return made
