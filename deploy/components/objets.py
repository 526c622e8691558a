"""A private S3-compatible server on loopback: `rclone serve s3` over a folder (ADR-0013).

The demo keeps documents in a folder; this one is for the tests of the S3 back end and for whoever
wants to try it.
"""

from __future__ import annotations

import secrets
import socket
import sys
from pathlib import Path

from deploy.children import Child
from deploy.places import LOOPBACK, require_free


class Objets:
    """A server with one bucket; ``url``, ``bucket``, ``key`` and ``secret`` are its settings."""

    name = "objets"
    bucket = "espace"

    def __init__(self, folder: Path, port: int, *, log: Path, secret: str = "") -> None:
        self.folder = folder
        self.port = port
        self.log = log
        self.url = f"http://{LOOPBACK}:{port}"
        self.key = "espace-citoyen"
        self.secret = secret or secrets.token_urlsafe(24)
        self.child = Child(
            name=self.name,
            command=[
                # The wheel puts the program beside the Python that runs this.
                Path(sys.executable).with_name("rclone"), "serve", "s3", "--config", "/dev/null",
                "--addr", f"{LOOPBACK}:{port}", folder / "seaux",
            ],
            log=log,
            # In the environment, where no list of processes shows it.
            environment={"RCLONE_AUTH_KEY": f'"{self.key},{self.secret}"'},
            patience_s=10,
        )  # fmt: skip

    def start(self) -> None:
        """Make the bucket and start the server; returns before it is ready."""
        require_free(self.port)
        (self.folder / "seaux" / self.bucket).mkdir(parents=True, exist_ok=True, mode=0o700)
        self.child.start()

    def wait_ready(self) -> None:
        """Return once it answers. Raises: StartFailed."""
        self.child.wait_ready(self._answers, timeout_s=30)

    def stop(self) -> None:
        """Stop the server."""
        self.child.stop()

    def _answers(self) -> bool:
        try:
            with socket.create_connection((LOOPBACK, self.port), timeout=2) as connection:
                connection.sendall(b"HEAD / HTTP/1.0\r\n\r\n")
                return connection.recv(5) == b"HTTP/"
        except OSError:
            return False
