"""Child processes that never outlive us.

Guarantee: a program started here dies when the process that started it dies, however it dies, and
is ended by its own id, never by a name. The kernel sends the signal (PR_SET_PDEATHSIG) when the
*thread* that forked ends, so ``start`` is called from the main thread only.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

_PR_SET_PDEATHSIG = 1
_LIBC = ctypes.CDLL(None, use_errno=True)
_POLL_S = 0.02


class StartFailed(Exception):
    """A program ended, or stayed silent, before it was ready; names the log that says why."""

    def __init__(self, name: str, log: Path, why: str) -> None:
        super().__init__(f"{name}: {why}; {log}")
        self.name = name
        self.log = log
        self.why = why


def die_with(parent: int, first: Callable[[], None] | None = None) -> Callable[[], None]:
    """What a child runs between fork and exec; ``first`` precedes: a change of user undoes it."""

    def prepare() -> None:
        if first is not None:
            first()
        _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        # The parent may have died between the fork and the line above.
        if os.getppid() != parent:
            os._exit(1)

    return prepare


@dataclass(kw_only=True)
class Child:
    """One program: its command, its log and, once started, its process.

    Args:
        stop_signal: what asks the program to end; after ``patience_s`` it is killed.
        before_exec: runs in the child between fork and exec.
    """

    name: str
    command: Sequence[str | Path]
    log: Path
    environment: Mapping[str, str] = field(default_factory=dict)
    folder: Path | None = None
    stop_signal: signal.Signals = signal.SIGTERM
    patience_s: float = 15.0
    before_exec: Callable[[], None] | None = None
    process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        """The process id. Raises: StartFailed before ``start``."""
        if self.process is None:
            raise StartFailed(self.name, self.log, "not started")
        return self.process.pid

    def start(self) -> None:
        """Start the program, output to its log; returns at once."""
        if threading.current_thread() is not threading.main_thread():
            msg = "children are started from the main thread: they die with the thread that forks"
            raise RuntimeError(msg)
        self.log.parent.mkdir(parents=True, exist_ok=True)
        with self.log.open("ab") as output:
            self.process = subprocess.Popen(
                [str(part) for part in self.command],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                cwd=self.folder,
                env={**os.environ, **self.environment},
                # A group of its own: Ctrl-C in the terminal reaches the supervisor alone, which
                # ends its children in order.
                process_group=0,
                preexec_fn=die_with(os.getpid(), self.before_exec),  # noqa: PLW1509 - ctypes only
            )

    def alive(self) -> bool:
        """Whether the program runs."""
        return self.process is not None and self.process.poll() is None

    def wait_ready(self, ready: Callable[[], bool], *, timeout_s: float = 60.0) -> None:
        """Wait until ``ready`` answers true. Raises: StartFailed."""
        deadline = time.monotonic() + timeout_s
        while not ready():
            if not self.alive():
                status = None if self.process is None else self.process.returncode
                raise StartFailed(self.name, self.log, f"ended with status {status}")
            if time.monotonic() > deadline:
                raise StartFailed(self.name, self.log, f"not ready after {timeout_s:.0f} s")
            time.sleep(_POLL_S)  # readiness can only be asked for

    def ask_to_stop(self) -> None:
        """Send the stop signal and return at once."""
        if self.process is not None and self.alive():
            with contextlib.suppress(ProcessLookupError):
                self.process.send_signal(self.stop_signal)

    def stop(self) -> None:
        """End the program and wait for it; kill it once its patience is over."""
        self.ask_to_stop()
        if self.process is None:
            return
        try:
            self.process.wait(self.patience_s)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def kill(self) -> None:
        """End the program without warning, as a crash would."""
        if self.process is not None and self.alive():
            self.process.kill()
            self.process.wait()
