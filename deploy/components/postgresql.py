"""PostgreSQL from the binaries of a wheel, in the foreground, on loopback, with SCRAM.

One database and one role per service, data checksums, no socket file. PostgreSQL refuses to run as
root; started by root it runs inside a user namespace where root is called nobody, so that it may
stay in a folder that only root can open. Where namespaces are forbidden (Docker's default) it runs
as the real nobody, who keeps one capability: to walk through root's folders.
"""

from __future__ import annotations

import ctypes
import hashlib
import json
import os
import secrets
import shutil
import signal
import stat
import subprocess
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

import psycopg
from psycopg import sql

from deploy.children import Child, StartFailed, die_with
from deploy.places import LOOPBACK, postgresql_programs, require_free

NOBODY = 65_534
_CLONE_NEWUSER = 0x1000_0000
_ADMINISTRATOR = "postgres"
_LIBC = ctypes.CDLL(None, use_errno=True)
_SETTINGS = {
    "max_connections": "200",
    "unix_socket_directories": "",
    "password_encryption": "scram-sha-256",
    "log_timezone": "UTC",
    "timezone": "UTC",
    "shared_buffers": "64MB",
    # Statement texts may hold personal data: they stay out of the log.
    "log_min_error_statement": "panic",
    "log_parameter_max_length_on_error": "0",
}
# Safe when a process is killed; only a crash of the machine could lose data, and a test's data may.
_SETTINGS_OF_TESTS = {"fsync": "off", "full_page_writes": "off", "synchronous_commit": "off"}


def as_nobody_in_a_namespace() -> None:
    """Enter a user namespace where the present user is called nobody (runs in the child)."""
    uid, gid = os.getuid(), os.getgid()
    if _LIBC.unshare(_CLONE_NEWUSER) != 0:
        os._exit(126)
    for name, text in (
        ("setgroups", "deny"),
        ("uid_map", f"{NOBODY} {uid} 1"),
        ("gid_map", f"{NOBODY} {gid} 1"),
    ):
        descriptor = os.open(f"/proc/self/{name}", os.O_WRONLY)
        os.write(descriptor, text.encode())
        os.close(descriptor)


def namespaces_allowed() -> bool:
    """Whether this process may make a user namespace."""
    probe = subprocess.run(
        ["true"], check=False, preexec_fn=as_nobody_in_a_namespace
    )  # fmt: skip
    return probe.returncode == 0


def _where_nobody_goes(programs: Path) -> Path:
    """The programs themselves, or a copy of them when their folder is closed to nobody.

    PostgreSQL asks by access(2) whether it may read its own programs, and that call ignores the
    capability that opens root's folders. The copy is root's, readable by all, outside the checkout.
    """
    if all(each.stat().st_mode & stat.S_IXOTH for each in programs.parents):
        return programs
    package = programs.parents[1]
    mark = hashlib.sha256(str(programs).encode()).hexdigest()[:16]
    copy = Path(tempfile.gettempdir()) / f"espace-postgresql-{mark}"
    if not copy.exists():
        fresh = Path(tempfile.mkdtemp(prefix=".espace-postgresql-"))
        libraries = package.with_name(f"{package.name}.libs")  # found by a path relative to bin
        shutil.copytree(programs.parent, fresh / package.name / programs.parent.name)
        shutil.copytree(libraries, fresh / libraries.name)
        fresh.chmod(0o755)
        try:
            fresh.rename(copy)
        except OSError:  # somebody else was faster
            shutil.rmtree(fresh)
    owner = copy.stat()
    if owner.st_uid != 0 or owner.st_mode & (stat.S_IWOTH | stat.S_IWGRP):
        raise PermissionError(f"{copy}: not root's alone")
    return copy / package.name / programs.parent.name / programs.name


class PostgreSQL:
    """A private PostgreSQL.

    Args:
        folder: its data and its passwords; made at first start.
        owners: one role, and one database of the same name, for each.
        durable: False lets commits wait for no disk (tests).
    """

    name = "postgresql"

    def __init__(
        self, folder: Path, port: int, *, owners: Sequence[str], log: Path, durable: bool = True
    ) -> None:
        self.folder = folder
        self.port = port
        self.owners = tuple(owners)
        self.log = log
        self._data = folder / "donnees"
        self._passwords_file = folder / "mots_de_passe.json"
        self._programs = postgresql_programs()
        self._prefix: list[str] = []
        self._before_exec: Callable[[], None] | None = None
        settings = {
            **_SETTINGS,
            "port": str(port),
            "listen_addresses": LOOPBACK,
            **({} if durable else _SETTINGS_OF_TESTS),
        }
        self._options = [part for key in settings for part in ("-c", f"{key}={settings[key]}")]
        self.child = Child(
            name=self.name,
            command=[],
            log=log,
            environment={"LC_ALL": "C.UTF-8", "TZ": "UTC"},
            # "Fast": sessions are ended, their transactions rolled back, data written out.
            stop_signal=signal.SIGINT,
        )

    def url(self, owner: str) -> str:
        """The URL of an owner's database, with its password."""
        password = self._passwords()[owner]
        return f"postgresql+psycopg://{owner}:{password}@{LOOPBACK}:{self.port}/{owner}"

    def administrator(self, database: str = "postgres") -> str:
        """A libpq connection string of the superuser."""
        password = self._passwords()[_ADMINISTRATOR]
        return (
            f"host={LOOPBACK} port={self.port} dbname={database} user={_ADMINISTRATOR} "
            f"password={password} connect_timeout=5"
        )

    def start(self) -> None:
        """Make the cluster at first start, then start the server; returns before it is ready."""
        require_free(self.port)
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._choose_user()
        if not (self._data / "PG_VERSION").exists():
            self._initialise()
        self.child.command = [
            *self._prefix, self._programs / "postgres", "-D", self._data, *self._options
        ]  # fmt: skip
        self.child.before_exec = self._before_exec
        self.child.start()

    def wait_ready(self) -> None:
        """Return once roles and databases exist. Raises: StartFailed."""
        self.child.wait_ready(self._answers, timeout_s=120)
        with psycopg.connect(self.administrator(), autocommit=True) as connection:
            known = {row[0] for row in connection.execute("SELECT datname FROM pg_database")}
            for owner in self.owners:
                if owner not in known:
                    self.create(connection, owner)

    def stop(self) -> None:
        """Stop the server; what was committed is on disk."""
        self.child.stop()

    def create(self, connection: psycopg.Connection, owner: str) -> None:
        """Make a role and its database, which no other role may open."""
        role, password = sql.Identifier(owner), sql.Literal(self._passwords()[owner])
        connection.execute(sql.SQL("DROP ROLE IF EXISTS {}").format(role))
        connection.execute(sql.SQL("CREATE ROLE {} LOGIN PASSWORD {}").format(role, password))
        connection.execute(
            sql.SQL("CREATE DATABASE {} OWNER {} TEMPLATE template0 ENCODING 'UTF8'").format(
                role, role
            )
        )
        connection.execute(sql.SQL("REVOKE ALL ON DATABASE {} FROM PUBLIC").format(role))

    def _answers(self) -> bool:
        try:
            psycopg.connect(self.administrator()).close()
        except psycopg.OperationalError:
            return False
        return True

    def _passwords(self) -> dict[str, str]:
        known: dict[str, str] = {}
        if self._passwords_file.exists():
            known = json.loads(self._passwords_file.read_text())
        missing = {_ADMINISTRATOR, *self.owners} - known.keys()
        if missing:
            known |= {owner: secrets.token_urlsafe(24) for owner in sorted(missing)}
            self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._passwords_file.touch(mode=0o600)
            self._passwords_file.write_text(json.dumps(known))
        return known

    def _choose_user(self) -> None:
        if os.geteuid() != 0:
            return
        if namespaces_allowed():
            self._before_exec = as_nobody_in_a_namespace
            return
        shutil.chown(self.folder, NOBODY, NOBODY)
        self._programs = _where_nobody_goes(self._programs)
        self._prefix = [
            "setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups",
            "--inh-caps=-all,+dac_read_search", "--ambient-caps=-all,+dac_read_search",
            "--bounding-set=-all,+dac_read_search", "--pdeathsig=KILL",
        ]  # fmt: skip

    def _initialise(self) -> None:
        # An interrupted first start leaves half a cluster, which holds nothing yet.
        shutil.rmtree(self._data, ignore_errors=True)
        password_file = self.folder / "premier_mot_de_passe"
        password_file.touch(mode=0o600)
        password_file.write_text(self._passwords()[_ADMINISTRATOR])
        if self._prefix:
            shutil.chown(password_file, NOBODY, NOBODY)
        self.log.parent.mkdir(parents=True, exist_ok=True)
        try:
            with self.log.open("ab") as output:
                done = subprocess.run(
                    [
                        *self._prefix, str(self._programs / "initdb"), "-D", str(self._data),
                        "-U", _ADMINISTRATOR, f"--pwfile={password_file}", "--data-checksums",
                        "--auth=scram-sha-256", "--encoding=UTF8", "--locale=C.UTF-8", "--no-sync",
                    ],
                    check=False, stdout=output, stderr=subprocess.STDOUT,
                    stdin=subprocess.DEVNULL,
                    preexec_fn=die_with(os.getpid(), self._before_exec),
                )  # fmt: skip
        finally:
            password_file.unlink()
        if done.returncode != 0:
            shutil.rmtree(self._data, ignore_errors=True)
            raise StartFailed(self.name, self.log, f"initdb ended with status {done.returncode}")
