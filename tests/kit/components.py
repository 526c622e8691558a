"""Real components, one set for a whole pytest run, started when the first test needs them.

Each runs under a holder process of its own, so that it belongs to no xdist worker. A holder watches
the pytest process through a pidfd and stops its component when pytest ends, however it ends.
Holder: ``python -m tests.kit.components <name> <folder> <pytest's pid>``.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import select
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from deploy.components.clamav import ClamAV
from deploy.components.component import Component
from deploy.components.consul import Consul
from deploy.components.mailbox import Mailbox
from deploy.components.objets import Objets
from deploy.components.postgresql import PostgreSQL
from deploy.components.rabbitmq import RabbitMQ
from deploy.places import ROOT, PortTaken, free_ports
from tests.kit.wait import wait_until

_READY_WITHIN_S = 240
_TRIES = 5


def run_folder(pytest_pid: int) -> Path:
    """The folder of one pytest run, the same for all its workers."""
    return Path(tempfile.gettempdir()) / f"espace-essais-{os.getuid()}-{pytest_pid}"


@dataclass(frozen=True)
class Courrier:
    """The mailbox of the run, shared by all tests: look for your own recipient."""

    smtp_url: str
    api_url: str

    def messages(self, *, to: str | None = None) -> list[dict[str, Any]]:
        """The mails in order of arrival, those of one recipient if ``to`` is given."""
        mails: list[dict[str, Any]] = httpx.get(f"{self.api_url}/api/email", timeout=10).json()
        if to is None:
            return mails
        wanted = to.lower()
        return [
            mail
            for mail in mails
            if any(each["address"].lower() == wanted for each in mail["envelope"]["to"])
        ]

    def wait_for(self, *, to: str, count: int = 1, timeout: float = 20.0) -> list[dict[str, Any]]:
        """Wait until at least ``count`` mails reached ``to``; returns them."""

        def enough() -> list[dict[str, Any]] | None:
            found = self.messages(to=to)
            return found if len(found) >= count else None

        return wait_until(enough, timeout=timeout, what=f"{count} mail(s) to {to}") or []

    def source(self, mail: dict[str, Any]) -> bytes:
        """The mail as it came over SMTP."""
        return httpx.get(f"{self.api_url}/api/email/{mail['id']}/source", timeout=10).content


def require(name: str, pytest_pid: int) -> dict[str, Any]:
    """What a component of this run tells about itself; starts it for the first who asks."""
    folder = run_folder(pytest_pid)
    folder.mkdir(mode=0o700, exist_ok=True)
    state = folder / f"{name}.json"
    with (folder / f"{name}.verrou").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not state.exists():
            _start_holder(name, folder, pytest_pid)
    known: dict[str, Any] = json.loads(state.read_text())
    return known


def stop_all(pytest_pid: int) -> None:
    """Stop the components of a run and remove their folder; nothing is left."""
    folder = run_folder(pytest_pid)
    holders = [json.loads(state.read_text())["holder"] for state in folder.glob("*.json")]
    for holder in holders:
        with contextlib.suppress(ProcessLookupError):
            os.kill(holder, signal.SIGTERM)
    for holder in holders:
        _wait_gone(holder)
    shutil.rmtree(folder, ignore_errors=True)


def _start_holder(name: str, folder: Path, pytest_pid: int) -> None:
    state = folder / f"{name}.json"
    log = folder / f"{name}.holder.log"
    with log.open("ab") as output:
        holder = subprocess.Popen(
            [sys.executable, "-m", "tests.kit.components", name, str(folder), str(pytest_pid)],
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    wait_until(
        lambda: state.exists() or holder.poll() is not None,
        timeout=_READY_WITHIN_S,
        what=f"{name} ({log})",
    )
    if not state.exists():
        msg = f"{name} did not start: {log.read_text()[-2000:]}"
        raise RuntimeError(msg)
    # It outlives this worker on purpose; Popen would warn about that when it is collected.
    holder.returncode = 0


def _wait_gone(pid: int) -> None:
    with contextlib.suppress(ProcessLookupError, ChildProcessError):
        descriptor = os.pidfd_open(pid)
        with os.fdopen(descriptor):
            select.select([descriptor], [], [], 40)


def _build(name: str, folder: Path) -> tuple[Component, dict[str, Any]]:
    log = folder / f"{name}.log"
    place = folder / name
    match name:
        case "postgresql":
            postgresql = PostgreSQL(place, free_ports(1), owners=[], log=log, durable=False)
            return postgresql, {
                "port": postgresql.port,
                "administrator": postgresql.administrator(),
            }
        case "rabbitmq":
            first = free_ports(3)
            rabbitmq = RabbitMQ(
                place, first, distribution_port=first + 1, epmd_port=first + 2, log=log
            )
            return rabbitmq, {"ports": [first, first + 1, first + 2], "folder": str(place)}
        case "consul":
            consul = Consul(place, free_ports(5), log=log)
            return consul, {"url": consul.url}
        case "clamav":
            clamav = ClamAV(place, free_ports(1), log=log)
            return clamav, {"address": clamav.address}
        case "mailbox":
            first = free_ports(2)
            mailbox = Mailbox(place, first, web_port=first + 1, log=log)
            return mailbox, {"smtp_url": mailbox.smtp_url, "api_url": mailbox.api_url}
        case "objets":
            objets = Objets(place, free_ports(1), log=log)
            return objets, {
                "url": objets.url,
                "seau": objets.bucket,
                "cle": objets.key,
                "secret": objets.secret,
            }
        case _:
            raise ValueError(name)


@contextlib.contextmanager
def _running(name: str, folder: Path) -> Iterator[tuple[Component, dict[str, Any]]]:
    # Between the choice of a free port and its use, another run may take it: then others are tried.
    for attempt in range(_TRIES):
        component, about = _build(name, folder)
        try:
            component.start()
        except PortTaken:
            if attempt == _TRIES - 1:
                raise
            continue
        break
    try:
        component.wait_ready()
        yield component, about
    finally:
        component.stop()


def main(name: str, folder: Path, pytest_pid: int) -> None:
    """Hold one component until pytest ends or asks."""
    stop_reader, stop_writer = os.pipe()
    signal.signal(signal.SIGTERM, lambda *_: os.write(stop_writer, b"."))
    pytest = os.pidfd_open(pytest_pid)
    with _running(name, folder) as (component, about):
        fresh = folder / f".{name}.json"
        fresh.write_text(json.dumps({**about, "holder": os.getpid(), "pid": component.child.pid}))
        fresh.rename(folder / f"{name}.json")
        ended, _, _ = select.select([pytest, stop_reader], [], [])
    if pytest in ended:
        # Nobody is there any more to tidy up.
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]))
