"""The demo's mailbox: maildev, an SMTP sink with a web inbox and a REST API, on loopback."""

from __future__ import annotations

import json
import urllib.request
from pathlib import Path

from deploy.children import Child
from deploy.places import LOOPBACK, NODE_MODULES, node, require_free


def _entry() -> Path:
    package = NODE_MODULES / "maildev"
    described = json.loads((package / "package.json").read_text())
    return package / str(described["bin"]["maildev"])


class Mailbox:
    """A private SMTP sink whose mails survive a restart.

    Args:
        port: of the SMTP server.
        web_port: of the inbox that people open and of the API under ``/api``.
    """

    name = "mailbox"

    def __init__(self, folder: Path, port: int, *, web_port: int, log: Path) -> None:
        self.folder = folder
        self.port = port
        self.web_port = web_port
        self.log = log
        self.smtp_url = f"smtp://{LOOPBACK}:{port}"
        self.api_url = f"http://{LOOPBACK}:{web_port}"
        self.child = Child(
            name=self.name,
            command=[
                node(), "--max-old-space-size=256", _entry(), "--ip", LOOPBACK, "--smtp", str(port),
                "--web-ip", LOOPBACK, "--web", str(web_port), "--mail-directory", folder,
                # STARTTLS with the sink's own certificate would teach clients to accept any.
                "--hide-extensions", "STARTTLS",
            ],
            log=log,
            environment={"NODE_ENV": "production", "NO_COLOR": "1"},
            patience_s=5,
        )  # fmt: skip

    def start(self) -> None:
        """Start the sink; returns before it is ready."""
        require_free(self.port, self.web_port)
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.child.start()

    def wait_ready(self) -> None:
        """Return once its API answers. Raises: StartFailed."""
        self.child.wait_ready(self._healthy, timeout_s=120)

    def stop(self) -> None:
        """Stop the sink."""
        self.child.stop()

    def _healthy(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.api_url}/api/healthz", timeout=2) as answer:  # noqa: S310 - our own http URL
                return bool(answer.status == 200)  # noqa: PLR2004 - HTTP's OK
        except OSError:
            return False
