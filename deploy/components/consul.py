"""A private Consul agent in development mode: registry and health checks, all in memory."""

from __future__ import annotations

import json
import urllib.request
from pathlib import Path

from deploy.children import Child
from deploy.places import CONSUL, LOOPBACK, require_free


class Consul:
    """A private agent.

    Args:
        folder: its settings; a file ``supplement.hcl`` there adds to ours (access control, TLS).
        port: HTTP API; the next four are DNS, server RPC, Serf on the LAN and on the WAN.
    """

    name = "consul"

    def __init__(self, folder: Path, port: int, *, log: Path) -> None:
        self.folder = folder
        self.port = port
        self.log = log
        self.url = f"http://{LOOPBACK}:{port}"
        self._command: list[str | Path] = [
            CONSUL / "usr/bin/consul", "agent", "-dev", "-bind", LOOPBACK, "-client", LOOPBACK,
            "-node", "espace", "-disable-host-node-id", "-config-file", folder / "agent.json",
        ]  # fmt: skip
        self.child = Child(
            name=self.name,
            command=[],
            log=log,
            # An agent asked to leave says goodbye to its cluster for 5 s; it is alone, so it is
            # told on SIGTERM to go at once (skip_leave_on_int's counterpart is in agent.json).
            patience_s=10,
        )

    def start(self) -> None:
        """Write the configuration and start the agent; returns before it is ready."""
        ports = range(self.port, self.port + 5)
        require_free(*ports)
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        http, dns, server, serf_lan, serf_wan = ports
        settings = {
            "ports": {
                "http": http, "dns": dns, "server": server, "serf_lan": serf_lan,
                "serf_wan": serf_wan, "grpc": -1, "https": -1,
            },
            "leave_on_terminate": False,
            "disable_update_check": True,
            "ui": False,
            # Our checks are gRPC calls to loopback that last a millisecond.
            "enable_script_checks": False,
            "enable_local_script_checks": False,
        }  # fmt: skip
        (self.folder / "agent.json").write_text(json.dumps(settings))
        more = self.folder / "supplement.hcl"
        self.child.command = [*self._command, *(("-config-file", more) if more.exists() else ())]
        self.child.start()

    def wait_ready(self) -> None:
        """Return once the agent leads its cluster of one. Raises: StartFailed."""
        self.child.wait_ready(self._has_leader, timeout_s=120)

    def stop(self) -> None:
        """Stop the agent; it keeps nothing."""
        self.child.stop()

    def _has_leader(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.url}/v1/status/leader", timeout=1) as answer:  # noqa: S310 - our own http URL
                return len(answer.read().strip()) > len('""')
        except OSError:
            return False
