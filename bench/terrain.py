"""Where a bench stands: free ports, and processes of its own that die with it."""

from __future__ import annotations

import os
import random
import select
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from deploy.children import die_with
from deploy.components.postgresql import PostgreSQL
from deploy.components.rabbitmq import RabbitMQ
from deploy.places import ROOT, PortTaken, is_free

# Apart from a demo's ports and, as long as they are free, from those of the tests.
_PORTS = range(24_000, 24_200)
_STOP_WITHIN_S = 15


def ports(count: int) -> int:
    """The first of ``count`` consecutive free ports."""
    firsts = list(range(_PORTS.start, _PORTS.stop - count, count))
    random.shuffle(firsts)
    for first in firsts:
        if all(is_free(port) for port in range(first, first + count)):
            return first
    raise PortTaken(_PORTS.start)


@contextmanager
def broker_and_database(folder: Path) -> Iterator[tuple[RabbitMQ, PostgreSQL]]:
    """The suite's own two components, with the demo's settings: commits reach the disk."""
    first = ports(4)
    postgresql = PostgreSQL(
        folder / "postgresql", first, owners=("banc",), log=folder / "postgresql.log"
    )
    rabbitmq = RabbitMQ(
        folder / "rabbitmq", first + 1, distribution_port=first + 2, epmd_port=first + 3,
        log=folder / "rabbitmq.log", vhosts=("suite", "nu"),
    )  # fmt: skip
    try:
        rabbitmq.start()
        postgresql.start()
        postgresql.wait_ready()
        rabbitmq.wait_ready()
        yield rabbitmq, postgresql
    finally:
        rabbitmq.stop()
        postgresql.stop()


class Programme:
    """A Python module in a process of its own, spoken to line by line."""

    def __init__(
        self, arguments: Sequence[str], *, log: Path, environment: Mapping[str, str] | None = None
    ) -> None:
        with log.open("ab") as errors:
            self._process = subprocess.Popen(  # noqa: S603 - our own modules
                [sys.executable, *arguments],
                cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors,
                env={**os.environ, "PYTHONUNBUFFERED": "1", **(environment or {})},
                preexec_fn=die_with(os.getpid()),  # noqa: PLW1509 - ctypes only
            )  # fmt: skip
        self._log = log

    @property
    def pid(self) -> int:
        """The process id."""
        return self._process.pid

    def tell(self, line: str) -> None:
        """Write a line to its standard input."""
        stdin = self._pipe(self._process.stdin)
        stdin.write(f"{line}\n".encode())
        stdin.flush()

    def hear(self, *, within_s: float = 60.0) -> str:
        """The next line of its standard output. Raises: RuntimeError naming the log."""
        stdout = self._pipe(self._process.stdout)
        deadline, heard = time.monotonic() + within_s, b""
        while not heard.endswith(b"\n"):
            left = max(0.0, deadline - time.monotonic())
            ready, _, _ = select.select([stdout], [], [], left)
            piece = os.read(stdout.fileno(), 1) if ready else b""
            if not piece:
                raise RuntimeError(f"no answer within {within_s:.0f} s; see {self._log}")
            heard += piece
        return heard.decode().strip()

    def stop(self) -> None:
        """End it by its id."""
        self._process.terminate()
        try:
            self._process.wait(_STOP_WITHIN_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            self._pipe(pipe).close()

    @staticmethod
    def _pipe(pipe: IO[bytes] | None) -> IO[bytes]:
        assert pipe is not None
        return pipe


@contextmanager
def programme(
    *arguments: str, log: Path, environment: Mapping[str, str] | None = None
) -> Iterator[Programme]:
    """Run ``python <arguments>`` during the block."""
    started = Programme(arguments, log=log, environment=environment)
    try:
        yield started
    finally:
        started.stop()
