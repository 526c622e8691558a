"""RabbitMQ from Debian's packages, unpacked: no installation, no node of the system touched.

The broker and its port mapper (epmd) run in the foreground on their own ports of the loopback. The
plugin folder is limited to what the broker itself needs: the whole folder costs 4 s at each start.
Users and virtual hosts come from a definition file that the broker reads while it starts;
``evaluate`` asks the running node, in some milliseconds.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import secrets
import socket
import subprocess
from collections.abc import Sequence
from pathlib import Path

from deploy.children import Child, StartFailed
from deploy.places import DEBIAN, LOOPBACK, answers, libraries, require_free

USER = "espace"
VHOST = "espace"
_CALLS = 5
_APPLICATIONS = (
    "accept", "amqp10_common", "aten", "base64url", "credentials_obfuscation", "cuttlefish",
    "enough", "gen_batch_server", "getopt", "jsx", "observer_cli", "osiris", "ra", "rabbit",
    "rabbit_common", "rabbitmq_prelaunch", "ranch", "recon", "seshat", "stdout_formatter", "syslog",
    "sysmon_handler", "systemd",
)  # fmt: skip
_ERLANG_FLAGS = (
    "+W w +MBas ageffcbf +MHas ageffcbf +MBlmbcs 512 +MHlmbcs 512 +MMmcs 30 +P 1048576 +t 5000000 "
    "+stbt db +zdbbl 128000 +sbwt none +sbwtdcpu none +sbwtdio none +B i"
)


class RabbitMQ:
    """A private broker with one virtual host and one administrator.

    Args:
        folder: its data, cookie and definitions; made at first start.
        port: AMQP; ``distribution_port`` and ``epmd_port`` are Erlang's own.
        vhosts: virtual hosts that exist from the start.
    """

    name = "rabbitmq"

    def __init__(
        self,
        folder: Path,
        port: int,
        *,
        distribution_port: int,
        epmd_port: int,
        log: Path,
        vhosts: Sequence[str] = (VHOST,),
    ) -> None:
        self.folder = folder
        self.port = port
        self.log = log
        self._ports = (port, distribution_port, epmd_port)
        self._vhosts = tuple(vhosts)
        self._home = DEBIAN / "usr/lib/rabbitmq/lib/rabbitmq_server-3.10.8"
        self._erlang = DEBIAN / "usr/lib/erlang"
        # Two nodes of one machine need two names only when they share an epmd; ours do not.
        self._node = "espace@localhost"
        self._environment = self._make_environment(distribution_port, epmd_port)
        self.epmd = Child(
            name="epmd",
            command=[self._erlang / "bin/epmd", "-address", LOOPBACK, "-port", str(epmd_port)],
            log=log.with_name("epmd.log"),
            environment=self._environment,
        )
        self.child = Child(
            name=self.name, command=[], log=log, environment=self._environment, folder=folder,
            # The broker stops its queues in order; a busy disk may make it slow.
            patience_s=30,
        )  # fmt: skip

    def url(self, vhost: str = VHOST) -> str:
        """The AMQP URL of a virtual host, with the password."""
        return f"amqp://{USER}:{self._secret('mot_de_passe')}@{LOOPBACK}:{self.port}/{vhost}"

    def start(self) -> None:
        """Write the configuration and start epmd, then the broker; returns before it is ready."""
        # A broker that died left its port mapper alive, which the supervisor keeps by itself.
        mapped = self.epmd.alive()
        require_free(*(self._ports[:2] if mapped else self._ports))
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._relocate()
        self._write_configuration()
        if not mapped:
            self.epmd.start()
        self.epmd.wait_ready(lambda: answers(self._ports[2]), timeout_s=30)
        self.child.command = self._command()
        self.child.start()

    def wait_ready(self) -> None:
        """Return once the broker opens AMQP connections. Raises: StartFailed."""
        self.child.wait_ready(self._greets, timeout_s=180)

    def stop(self) -> None:
        """Stop the broker in order, then its port mapper."""
        self.child.stop()
        self.epmd.stop()

    def evaluate(self, expression: str) -> str:
        """Evaluate an Erlang expression in the running node; it ends with a full stop.

        Returns: the node's answer, "{ok, <value>}".
        Raises: RuntimeError with the node's answer.
        """
        done = self._call(expression)
        for _ in range(_CALLS):
            # A busy node may miss the handshake; nothing was evaluated then.
            if "failed to connect" not in done.stderr:
                break
            done = self._call(expression)
        if done.returncode != 0 or not done.stdout.startswith("{ok,"):
            raise RuntimeError(f"{expression}: {done.stdout}{done.stderr}")
        return done.stdout

    def _call(self, expression: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [
                str(self._erlang / "bin/erl_call"), "-sname", self._node, "-r", "-c",
                self._secret("biscuit"), "-e",
            ],
            check=False, capture_output=True, text=True, timeout=30, input=f"{expression}\n",
            env={**os.environ, **self._environment},
        )  # fmt: skip

    def add_vhost(self, vhost: str) -> None:
        """Make a virtual host that the administrator may use."""
        user, place, all_names = f'<<"{USER}">>', f'<<"{vhost}">>', '<<".*">>'
        self.evaluate(
            f"ok = rabbit_vhost:add({place}, {user}), "
            f"rabbit_auth_backend_internal:set_permissions("
            f"{user}, {place}, {all_names}, {all_names}, {all_names}, {user})."
        )

    def _greets(self) -> bool:
        # The port opens before the broker accepts clients; it then answers the protocol header.
        try:
            with socket.create_connection((LOOPBACK, self.port), timeout=1) as connection:
                connection.settimeout(1)
                connection.sendall(b"AMQP\x00\x00\x09\x01")
                return connection.recv(1) == b"\x01"
        except OSError:
            return False

    def _secret(self, name: str) -> str:
        place = self.folder / name
        if not place.exists():
            self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            place.touch(mode=0o600)
            place.write_text(secrets.token_urlsafe(24))
        return place.read_text()

    def _relocate(self) -> None:
        if not (self._erlang / "erts-13.1.5/bin/beam.smp").exists():
            raise StartFailed(self.name, self.log, "Erlang is not unpacked; make install")
        plugins = self.folder / "applications"
        plugins.mkdir(exist_ok=True)
        for source in (self._home / "plugins").iterdir():
            link = plugins / source.name
            if source.name.rpartition("-")[0] in _APPLICATIONS and not link.is_symlink():
                link.symlink_to(source)

    def _write_configuration(self) -> None:
        (self.folder / "rabbitmq.conf").write_text(
            f"listeners.tcp.1 = {LOOPBACK}:{self.port}\n"
            f"load_definitions = {self.folder / 'definitions.json'}\n"
            "log.console = true\nlog.console.level = info\nlog.file = false\n"
            # A laptop with a full disk should still run the demo until 50 MB are left.
            "disk_free_limit.absolute = 50MB\n"
        )
        definitions = self.folder / "definitions.json"
        definitions.touch(mode=0o600)
        definitions.write_text(
            json.dumps({
                "users": [{
                    "name": USER,
                    "password_hash": _password_hash(self._secret("mot_de_passe")),
                    "hashing_algorithm": "rabbit_password_hashing_sha256",
                    "tags": "administrator",
                }],
                "vhosts": [{"name": vhost} for vhost in self._vhosts],
                "permissions": [
                    {"user": USER, "vhost": vhost, "configure": ".*", "write": ".*", "read": ".*"}
                    for vhost in self._vhosts
                ],
            })
        )  # fmt: skip

    def _make_environment(self, distribution_port: int, epmd_port: int) -> dict[str, str]:
        return {
            # Erlang keeps its cookie in HOME: a private one.
            "HOME": str(self.folder),
            "LC_ALL": "C.UTF-8",
            "LD_LIBRARY_PATH": libraries(),
            "ROOTDIR": str(self._erlang),
            "BINDIR": str(self._erlang / "erts-13.1.5/bin"),
            "EMU": "beam",
            "PROGNAME": "erl",
            "ERL_EPMD_ADDRESS": LOOPBACK,
            "ERL_EPMD_PORT": str(epmd_port),
            "ERL_LIBS": str(self.folder / "applications"),
            "ERL_MAX_ETS_TABLES": "50000",
            "ERL_MAX_PORTS": "65536",
            "ERL_CRASH_DUMP_SECONDS": "0",
            "RABBITMQ_HOME": str(self._home),
            "RABBITMQ_CONF_ENV_FILE": "/dev/null",
            "RABBITMQ_CONFIG_FILE": str(self.folder / "rabbitmq.conf"),
            "RABBITMQ_ADVANCED_CONFIG_FILE": str(self.folder / "advanced.config"),
            "RABBITMQ_GENERATED_CONFIG_DIR": str(self.folder / "config"),
            "RABBITMQ_MNESIA_BASE": str(self.folder / "mnesia"),
            "RABBITMQ_MNESIA_DIR": str(self.folder / "mnesia" / "espace"),
            "RABBITMQ_FEATURE_FLAGS_FILE": str(self.folder / "feature_flags"),
            "RABBITMQ_QUORUM_DIR": str(self.folder / "mnesia" / "espace" / "quorum"),
            "RABBITMQ_STREAM_DIR": str(self.folder / "mnesia" / "espace" / "stream"),
            "RABBITMQ_LOG_BASE": str(self.folder),
            "RABBITMQ_PLUGINS_DIR": str(self.folder / "applications"),
            "RABBITMQ_PLUGINS_EXPAND_DIR": str(self.folder / "expand"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(self.folder / "enabled_plugins"),
            "RABBITMQ_ENABLED_PLUGINS": "",
            "RABBITMQ_PID_FILE": str(self.folder / "pid"),
            "RABBITMQ_NODENAME": self._node,
            "RABBITMQ_DIST_PORT": str(distribution_port),
        }

    def _command(self) -> list[str | Path]:
        # What rabbitmq-server runs, without its shell, whose signal handling would need a second
        # process between the broker and us.
        rabbit = next((self._home / "plugins").glob("rabbit-*"))
        cookie = self.folder / ".erlang.cookie"
        if not cookie.exists():
            cookie.write_text(self._secret("biscuit"))
            cookie.chmod(0o400)
        return [
            self._erlang / "erts-13.1.5/bin/erlexec",
            "-pa", rabbit / "ebin", "-noinput", "-s", "rabbit", "boot",
            "-boot", self._erlang / "bin/start_sasl", *_ERLANG_FLAGS.split(),
            "-kernel", "inet_dist_use_interface", "{127,0,0,1}",
            "-kernel", "prevent_overlapping_partitions", "false",
            "-syslog", "logger", "[]", "-syslog", "syslog_error_logger", "false",
        ]  # fmt: skip


def _password_hash(password: str) -> str:
    """RabbitMQ's own form: base64 of salt (4 bytes) and SHA-256 of salt and password."""
    salt = secrets.token_bytes(4)
    return base64.b64encode(salt + hashlib.sha256(salt + password.encode()).digest()).decode()
