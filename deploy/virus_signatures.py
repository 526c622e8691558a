"""ClamAV's real signatures, fetched beside a running demo; without network it stays with EICAR."""

from __future__ import annotations

import getpass
from pathlib import Path

import psutil

from deploy.children import Child
from deploy.components.clamav import ClamAV
from deploy.places import DEBIAN, libraries

# clamd holds the set in 1.3 GB; what is left must be enough for the suite.
_MEMORY_NEEDED = 3 * 1024**3


def fresh_signatures(clamav: ClamAV, log: Path) -> Child | None:
    """Start freshclam once; clamd reloads when it is done.

    Returns: the program, or None when it is missing or the machine is too small for the set.
    """
    program = DEBIAN / "usr/bin/freshclam"
    if not program.exists() or psutil.virtual_memory().available < _MEMORY_NEEDED:
        return None
    configuration = clamav.folder / "freshclam.conf"
    configuration.write_text(
        f"DatabaseDirectory {clamav.folder / 'signatures'}\n"
        # It would otherwise change to a user of Debian's package, who does not exist here.
        f"DatabaseOwner {getpass.getuser()}\n"
        "DatabaseMirror database.clamav.net\nForeground yes\n"
        "ConnectTimeout 10\nReceiveTimeout 300\nMaxAttempts 1\n"
        f"NotifyClamd {clamav.folder / 'clamd.conf'}\n"
    )
    child = Child(
        name="freshclam",
        command=["nice", program, "--config-file", configuration],
        log=log,
        environment={"LD_LIBRARY_PATH": libraries()},
        patience_s=3,
    )
    child.start()
    return child
