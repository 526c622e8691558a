"""The suite on one machine: components, the job, then 5 × serve, 5 × work and the gateway.

Guarantee: whoever dies is started again (0.5 s to 30 s later), whoever is asked to rest rests, and
when the supervisor ends, by Ctrl-C, SIGTERM or SIGKILL, nothing of what it started is left.
Each process writes to its own log. ``etat.json`` in the folder names the processes and their ids;
a file ``arrets/<name>`` keeps that process stopped until the file is removed.

Run: ``python -m deploy.supervisor --dossier var/x --port 9000`` (``make demo`` adds sample data).
"""

from __future__ import annotations

import argparse
import contextlib
import fcntl
import json
import os
import signal
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from deploy import SERVICES, demo_keys, plan, refusal
from deploy.children import Child, StartFailed
from deploy.components.component import Component
from deploy.places import ROOT, PortTaken, require_free
from deploy.plan import Components, Plan, Settings

_POLL_S = 0.05
_ASK_AGAIN_S = 0.2
_FIRST_WAIT_S = 0.5
_LONGEST_WAIT_S = 30.0
_STEADY_S = 60.0  # alive for so long, a process has earned a short wait again
_READY_WITHIN_S = 180.0
_HTTP_OK = 200

# How many queues wait for a consumer; nobody consumes the audit, delay and dead-letter queues.
_IDLE_QUEUES = """
length([N || Q <- rabbit_amqqueue:info_all(<<"espace">>, [name, consumers]),
             proplists:get_value(consumers, Q) =:= 0,
             N <- [element(4, proplists:get_value(name, Q))],
             N =/= <<"audit">>,
             binary:longest_common_suffix([N, <<".mort">>]) < 5,
             binary:longest_common_suffix([N, <<".delai">>]) < 6]).
"""

Say = Callable[[str], None]


@dataclass
class Kept:
    """A program that is kept running."""

    name: str
    child: Child
    start: Callable[[], None]
    stop: Callable[[], None]
    started: float = 0.0
    wait_s: float = _FIRST_WAIT_S
    due: float | None = None  # when it is to be started again
    resting: bool = False


@dataclass
class Supervisor:
    """Starts, keeps and stops the suite of a plan.

    Args:
        say: gets one line of progress at a time.
    """

    plan: Plan
    say: Say
    components: Components = field(init=False)
    kept: list[Kept] = field(default_factory=list)
    asked_to_stop: bool = False
    _settings: dict[str, Settings] = field(default_factory=dict)
    _known: dict[str, int] = field(default_factory=dict)
    _lock: int = -1

    def start(self) -> None:
        """Start everything and return when the portal and the workers answer.

        Raises: PortTaken, StartFailed, Refusal (another supervisor uses the folder).
        """
        self._prepare()
        components = self.components
        for component in components.all:
            component.start()
            self._keep(component.name, component.child, component)
        epmd = components.rabbitmq.epmd
        self.kept.append(Kept(epmd.name, epmd, epmd.start, epmd.stop, time.monotonic()))
        self._ready(components.postgresql)
        job = self._process("job", ["-m", "deploy.job"], self._job_settings())
        job.start()
        # The job migrates first and then waits for the broker; the gRPC processes need no broker.
        job.wait_ready(lambda: self._migrated().exists() or self._done(job), timeout_s=180)
        for service in SERVICES:
            self._launch(f"{service}.serve", f"services.{service}.serve", service)
        self._launch("passerelle", "passerelle.serve", "passerelle")
        self._ready(components.rabbitmq)
        job.wait_ready(lambda: self._done(job), timeout_s=180)
        self.say("base de données et files prêtes · database and queues ready")
        for service in SERVICES:
            self._launch(f"{service}.work", f"services.{service}.work", service)
        for component in (components.consul, components.mailbox, components.clamav):
            self._ready(component)
        self._wait("portail et services · portal and services", self._portal_answers)
        self._wait("travailleurs · workers", self._workers_listen)

    def keep(self) -> None:
        """Watch until asked to stop."""
        while not self.asked_to_stop:
            self._look()
            time.sleep(_POLL_S)  # many children, one watch

    def stop(self) -> None:
        """Stop everything in order: gateway, services, components; nothing is left."""
        ours = [each for each in self.kept if "." in each.name or each.name == "passerelle"]
        for each in ours:
            each.child.ask_to_stop()
        for each in ours:
            each.child.stop()
        component = {each.name: each for each in self.kept if each not in ours}
        for name in ("mailbox", "clamav", "consul", "rabbitmq", "epmd", "postgresql"):
            if name in component:
                component[name].stop()
        if self._lock >= 0:
            (self.plan.folder / "etat.json").unlink(missing_ok=True)
            os.close(self._lock)
            self._lock = -1

    def _prepare(self) -> None:
        folder = self.plan.folder
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._lock = os.open(folder / "verrou", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            os.close(self._lock)
            self._lock = -1
            raise refusal.Refusal(
                f"Une autre suite utilise déjà le dossier {folder} : choisissez DOSSIER=.",
                f"Another suite already uses the folder {folder}: choose DOSSIER=.",
            ) from error
        require_free(*self.plan.ports())
        self.plan.logs.mkdir(exist_ok=True)
        (folder / "arrets").mkdir(exist_ok=True)
        (folder / "documents").mkdir(exist_ok=True, mode=0o700)
        for order in (folder / "arrets").iterdir():
            order.unlink()
        self._migrated().unlink(missing_ok=True)
        demo_keys.prepare(folder / "cles")
        self.components = Components(self.plan)
        self._settings = plan.settings_of(self.plan, self.components)
        plan.write_operator_settings(self.plan, self._settings)

    @property
    def all_settings(self) -> dict[str, Settings]:
        """The settings that the processes of each service were given."""
        return self._settings

    def _migrated(self) -> Path:
        return self.plan.folder / "migrations_faites"

    def _job_settings(self) -> Settings:
        urls = {
            f"{service.upper()}_DATABASE_URL": self.components.postgresql.url(service)
            for service in SERVICES
        }
        amqp = {"ESPACE_AMQP_URL": self.components.rabbitmq.url()}
        return {**urls, **amqp, "ESPACE_JOB_MIGRATED": str(self._migrated())}

    def _process(self, name: str, arguments: list[str], settings: Settings) -> Child:
        return Child(
            name=name,
            command=[sys.executable, *arguments],
            log=self.plan.log(name),
            environment={"PYTHONUNBUFFERED": "1", **settings},
            folder=ROOT,
            # Longer than the 10 s in which a process lets its calls and handlers end.
            patience_s=15,
        )

    def _launch(self, name: str, module: str, service: str) -> None:
        child = self._process(name, ["-m", module], self._settings[service])
        child.start()
        self._keep(name, child, child)

    def _keep(self, name: str, child: Child, controlled: Child | Component) -> None:
        now = time.monotonic()
        self.kept.append(Kept(name, child, controlled.start, controlled.stop, now))
        self._note()

    def _ready(self, component: Component) -> None:
        component.wait_ready()
        self.say(f"{component.name} ✓")

    def _wait(self, what: str, ready: Callable[[], bool]) -> None:
        deadline = time.monotonic() + _READY_WITHIN_S
        while not ready():
            self._look()
            if self.asked_to_stop:
                raise KeyboardInterrupt
            if time.monotonic() > deadline:
                raise StartFailed(what, self.plan.logs, "not ready in time")
            # Asking costs processor time that those who start need more.
            time.sleep(_ASK_AGAIN_S)  # asking costs processor time
        self.say(f"{what} ✓")

    def _done(self, job: Child) -> bool:
        if job.alive():
            return False
        if job.process is None or job.process.returncode != 0:
            raise StartFailed(job.name, job.log, "failed")
        return True

    def _portal_answers(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.plan.url}/sante", timeout=2) as answer:  # noqa: S310 - our own http URL
                return bool(answer.status == _HTTP_OK)
        except OSError:
            return False

    def _workers_listen(self) -> bool:
        """Whether every queue that a worker serves has its consumer."""
        try:
            return self.components.rabbitmq.evaluate(_IDLE_QUEUES).strip() == "{ok, 0}"
        except RuntimeError:
            return False

    def _look(self) -> None:
        """Start again who died, unless it is to rest; obey ``arrets``."""
        now = time.monotonic()
        resting = {order.name for order in (self.plan.folder / "arrets").iterdir()}
        for each in self.kept:
            if each.name in resting:
                self._rest(each)
            elif each.resting:
                each.resting, each.due = False, now
            self._revive(each, now)
        self._note()

    def _rest(self, each: Kept) -> None:
        if not each.resting:
            each.stop()
            each.resting, each.due = True, None
            self.say(f"{each.name} arrêté à la demande · stopped on request")

    def _revive(self, each: Kept, now: float) -> None:
        if each.resting or each.child.alive():
            return
        if each.due is None:
            if now - each.started > _STEADY_S:
                each.wait_s = _FIRST_WAIT_S
            each.due = now + each.wait_s
            each.wait_s = min(each.wait_s * 2, _LONGEST_WAIT_S)
            status = None if each.child.process is None else each.child.process.returncode
            self.say(f"{each.name} s’est arrêté (état {status}), relancé · ended, started again")
        elif now >= each.due:
            each.due = None
            try:
                each.start()
            except (PortTaken, StartFailed, OSError) as error:
                self.say(f"{each.name}: {error}")
                each.due = now + each.wait_s
            else:
                each.started = time.monotonic()

    def _note(self) -> None:
        """Write ``etat.json`` when a process id has changed."""
        known = {
            each.name: each.child.pid
            for each in self.kept
            if each.child.alive() and not each.resting
        }
        if known != self._known:
            fresh = self.plan.folder / ".etat.json"
            fresh.write_text(json.dumps({"superviseur": os.getpid(), "processus": known}))
            fresh.rename(self.plan.folder / "etat.json")
            self._known = known


@contextlib.contextmanager
def running(supervisor: Supervisor) -> Iterator[Supervisor]:
    """Start the suite; on the way out, however one leaves, stop it."""

    def ask(_number: int, _frame: object) -> None:
        if supervisor.asked_to_stop:
            return
        supervisor.asked_to_stop = True
        # Interrupts a start under way; once started, ``keep`` sees the flag.
        raise KeyboardInterrupt

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, ask)
    try:
        supervisor.start()
        yield supervisor
    finally:
        # A second Ctrl-C of an impatient person must not leave half of it behind.
        supervisor.asked_to_stop = True
        supervisor.stop()


def explain(error: Exception, base: int) -> int:
    """Say in one sentence why the suite does not run; returns the exit status."""
    match error:
        case PortTaken():
            refusal.of_port(error.port, base).say()
        case StartFailed():
            refusal.of_log(error.name, error.log).say()
        case refusal.Refusal():
            error.say()
        case OSError():
            refusal.of_os(error).say()
        case _:
            raise error
    return 1


def main() -> int:
    """Run a suite without sample data until a signal."""
    parser = argparse.ArgumentParser(prog="python -m deploy.supervisor")
    parser.add_argument("--dossier", type=Path, required=True)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--sans-fsync", action="store_true", help="commits wait for no disk")
    parser.add_argument(
        "--reglage", action="append", default=[], metavar="NOM=VALEUR",
        help="a setting that every process gets, over the usual one",
    )  # fmt: skip
    options = parser.parse_args()
    suite_plan = Plan(
        folder=options.dossier.resolve(),
        base=options.port,
        durable=not options.sans_fsync,
        settings=tuple(tuple(each.split("=", 1)) for each in options.reglage),
    )
    began = time.monotonic()

    def say(text: str) -> None:
        print(f"[{time.monotonic() - began:5.1f} s] {text}", flush=True)

    try:
        with running(Supervisor(suite_plan, say)) as supervisor:
            say(f"Prêt : {suite_plan.url}")
            supervisor.keep()
    except KeyboardInterrupt:
        return 0
    except (PortTaken, StartFailed, refusal.Refusal, OSError) as error:
        return explain(error, options.port)
    return 0


if __name__ == "__main__":
    sys.exit(main())
