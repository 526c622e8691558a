"""A private clamd on loopback.

It knows EICAR, the harmless file that every antivirus must find, from a local signature; where
freshclam reaches its mirror it puts the real set (``signatures/``) beside it.
"""

from __future__ import annotations

import os
import shutil
import socket
from pathlib import Path

from deploy.children import Child
from deploy.places import DEBIAN, LOOPBACK, libraries, require_free

# SHA-256, size and name of EICAR's file, with and without its line end: the form of .hsb files.
_EICAR = (
    "275a021bbfb6489e54d471899f7db9d1663fc695ec2fe2a2c4538aabf651fd0f:68:Eicar-Test-Signature",
    "131f95c51cc819465fa1797f6ccacf9d494aaaff46fa3eac73ae63ffbdfd8267:69:Eicar-Test-Signature",
)
_REAL_SETS = ("main.cvd", "main.cld", "daily.cvd", "daily.cld")


def program() -> Path | None:
    """The clamd to run: the unpacked one, else the machine's; None when there is neither."""
    unpacked = DEBIAN / "usr/sbin/clamd"
    if unpacked.exists():
        return unpacked
    installed = shutil.which("clamd", path="/usr/sbin:/usr/bin:/usr/local/sbin")
    return None if installed is None else Path(installed)


def _mo() -> int:
    """The most megabytes that clamd takes of one document: more than STOCKAGE_TAILLE_MAX_OCTETS."""
    return int(os.environ.get("ESPACE_CLAMD_MO", "200"))


class ClamAV:
    """A private clamd; ``address`` is "127.0.0.1:port"."""

    name = "clamav"

    def __init__(self, folder: Path, port: int, *, log: Path) -> None:
        self.folder = folder
        self.port = port
        self.log = log
        self.address = f"{LOOPBACK}:{port}"
        self.child = Child(
            name=self.name,
            command=[
                program() or "clamd", "--foreground", "--config-file", folder / "clamd.conf",
            ],
            log=log,
            environment={"LD_LIBRARY_PATH": libraries()},
            patience_s=10,
        )  # fmt: skip

    @property
    def has_real_signatures(self) -> bool:
        """Whether more than EICAR is known; the demo's banner says so otherwise."""
        return any((self.folder / "signatures" / name).exists() for name in _REAL_SETS)

    def start(self) -> None:
        """Write configuration and signatures, start clamd; returns before it is ready."""
        require_free(self.port)
        signatures = self.folder / "signatures"
        temporary = self.folder / "tmp"
        for folder in (signatures, temporary):
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        (signatures / "eicar.hsb").write_text("".join(f"{line}\n" for line in _EICAR))
        (self.folder / "clamd.conf").write_text(
            f"TCPSocket {self.port}\nTCPAddr {LOOPBACK}\n"
            f"DatabaseDirectory {signatures}\nTemporaryDirectory {temporary}\n"
            # What the platform streams at most, with room for a larger setting of the city.
            f"StreamMaxLength {_mo()}M\nMaxScanSize {2 * _mo()}M\nMaxFileSize {_mo()}M\n"
            # Milliseconds: a large document must not pass for a bad one on a busy machine.
            "MaxScanTime 600000\n"
            "MaxThreads 8\nForeground yes\nLogTime yes\n"
            # A scan that hits a limit must not pass for a clean one.
            "AlertExceedsMax yes\nCommandReadTimeout 30\nConcurrentDatabaseReload no\n"
        )
        self.child.start()

    def wait_ready(self) -> None:
        """Return once clamd answers a ping. Raises: StartFailed."""
        self.child.wait_ready(self._pongs, timeout_s=120)

    def stop(self) -> None:
        """Stop clamd."""
        self.child.stop()

    def _pongs(self) -> bool:
        try:
            with socket.create_connection((LOOPBACK, self.port), timeout=2) as connection:
                connection.sendall(b"zPING\0")
                return connection.recv(8).startswith(b"PONG")
        except OSError:
            return False
