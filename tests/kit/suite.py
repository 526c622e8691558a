"""The whole suite for one test: components and 11 processes under the real supervisor.

It has ports and a folder of its own and dies with pytest. Processes are known by the names of the
supervisor: ``postgresql``, ``rabbitmq``, ``cartes.serve``, ``avis.work``, ``passerelle``…
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from deploy import SERVICES
from deploy.children import Child, StartFailed
from deploy.places import ROOT, free_ports
from deploy.plan import SPAN, Components, Plan
from tests.kit.components import Courrier
from tests.kit.wait import wait_until

_READY_WITHIN_S = 400.0  # a busy machine is slow, not wrong
_TRIES = 3


@dataclass
class Suite:
    """A running suite.

    Args:
        plan: its folder and ports.
        supervisor: the process that keeps it.
    """

    plan: Plan
    supervisor: Child
    components: Components = field(init=False)

    def __post_init__(self) -> None:
        self.components = Components(self.plan)

    @property
    def base_url(self) -> str:
        """Address of the portal and of the API."""
        return self.plan.url

    @property
    def logs(self) -> Path:
        """Folder of one log per process."""
        return self.plan.logs

    @property
    def mailbox(self) -> Courrier:
        """What was mailed."""
        mailbox = self.components.mailbox
        return Courrier(smtp_url=mailbox.smtp_url, api_url=mailbox.api_url)

    def database_url(self, service: str) -> str:
        """URL of a service's database, for a test that looks behind the scenes."""
        return self.components.postgresql.url(service)

    @property
    def amqp_url(self) -> str:
        """The broker's URL."""
        return self.components.rabbitmq.url()

    def names(self) -> tuple[str, ...]:
        """Every process that the supervisor keeps, components first."""
        return tuple(self._pids())

    def pid(self, name: str) -> int:
        """The id of a process that is running now."""
        return wait_until(lambda: self._pids().get(name), timeout=60, what=f"{name} to run") or 0

    def kill(self, name: str) -> int:
        """Kill -9; the supervisor starts it again. Returns: the id that was killed."""
        pid = self.pid(name)
        os.kill(pid, signal.SIGKILL)
        return pid

    def restart(self, name: str, *, timeout: float = 60.0) -> None:
        """Kill -9 and wait for the next one to run."""
        old = self.kill(name)
        wait_until(
            lambda: self._pids().get(name, old) != old, timeout=timeout, what=f"{name} to restart"
        )

    @contextlib.contextmanager
    def without(self, name: str) -> Iterator[None]:
        """Keep a process stopped during the block."""
        order = self.plan.folder / "arrets" / name
        order.touch()
        try:
            wait_until(lambda: name not in self._pids(), timeout=60, what=f"{name} to stop")
            yield
        finally:
            order.unlink()
            self.pid(name)

    @contextlib.contextmanager
    def frozen(self, name: str) -> Iterator[None]:
        """Freeze a process (SIGSTOP) during the block: it holds its connections and is silent."""
        process = psutil.Process(self.pid(name))
        frozen = [process, *process.children(recursive=True)]
        for each in frozen:
            each.suspend()
        try:
            yield
        finally:
            for each in frozen:
                with contextlib.suppress(psutil.NoSuchProcess):
                    each.resume()

    def espace(self, *arguments: str, stdin: str = "") -> str:
        """Run an operator command with the suite's settings; returns its output."""
        import subprocess  # noqa: PLC0415 - for this method alone

        done = subprocess.run(
            ["sh", "-c", '. "$0" && exec "$@"', str(self.plan.folder / "espace.env"),
             sys.executable, "-m", "deploy.espace", *arguments],
            check=False, cwd=ROOT, input=stdin, capture_output=True, text=True, timeout=60,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return done.stdout

    def log_text(self, name: str) -> str:
        """What a process has written."""
        return (self.logs / f"{name}.log").read_text(errors="replace")

    def _pids(self) -> dict[str, int]:
        try:
            known = json.loads((self.plan.folder / "etat.json").read_text())["processus"]
        except FileNotFoundError:
            known = {}
        assert isinstance(known, dict)
        return known


@contextlib.contextmanager
def running(folder: Path, settings: Mapping[str, str] | None = None) -> Iterator[Suite]:
    """Start a whole suite in ``folder`` and stop it afterwards; nothing is left.

    Args:
        folder: empty, its own.
        settings: settings over the usual ones, given to every process (``AVIS_DOUTE_S=…``).
    """
    # Between the choice of free ports and their use another program may take one: others are tried.
    started = None
    for _ in range(_TRIES):
        # The tests share one agent, who is logged in at many places at once.
        given = {"IDENTITE_SESSIONS_AGENT": "100", **(settings or {})}
        plan = Plan(
            folder=folder, base=free_ports(SPAN), durable=False, settings=tuple(given.items())
        )
        started = _start(plan, given)
        if started is not None:
            break
    assert started is not None, "no free ports"
    try:
        yield Suite(plan, started)
    finally:
        started.stop()
        shutil.rmtree(folder / "postgresql", ignore_errors=True)
        shutil.rmtree(folder / "rabbitmq", ignore_errors=True)


def _start(plan: Plan, settings: Mapping[str, str]) -> Child | None:
    """Start a supervisor and wait for its suite; None when a port was taken meanwhile."""
    output = plan.folder / "superviseur.log"
    output.unlink(missing_ok=True)
    supervisor = Child(
        name="superviseur",
        command=[sys.executable, "-m", "deploy.supervisor", "--dossier", plan.folder, "--port",
                 str(plan.base), "--sans-fsync",
                 *(f"--reglage={name}={value}" for name, value in settings.items())],
        log=output,
        folder=ROOT,
        patience_s=60,
    )  # fmt: skip
    supervisor.start()
    try:
        supervisor.wait_ready(lambda: "Prêt" in output.read_text(), timeout_s=_READY_WITHIN_S)
    except StartFailed:
        supervisor.stop()
        if "is already taken" in output.read_text():
            return None
        raise
    except BaseException:
        supervisor.stop()
        raise
    return supervisor


__all__ = ["SERVICES", "Suite", "running"]
