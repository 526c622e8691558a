"""What every component offers to the supervisor and to the tests."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from deploy.children import Child


class Component(Protocol):
    """A component: launched at once, ready later, stopped by its process id."""

    name: str
    child: Child
    log: Path

    def start(self) -> None:
        """Prepare the folder if it is new and start the program; returns before it is ready."""

    def wait_ready(self) -> None:
        """Return once the program answers. Raises: StartFailed."""

    def stop(self) -> None:
        """End the program and wait for its end."""
