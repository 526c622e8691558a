"""The gateway's process: gunicorn, one worker of threads (`python -m passerelle.serve`)."""

import ctypes
import signal
import sys
from collections.abc import Callable
from typing import Any

from gunicorn.app.base import BaseApplication

from chassis import settings, telemetry
from passerelle.app import create_app
from passerelle.config import Config

# R90: one header line, their number, and the request line; about 16 KiB of headers in all.
_LINE_BYTES = 4094
_HEADER_BYTES = 4094
_HEADERS = 64
_KEEPALIVE_S = 15
_GRACE_S = 15
_BACKLOG = 1000
_PR_SET_PDEATHSIG = 1


class Server(BaseApplication):  # type: ignore[misc]  # gunicorn ships no types
    """Gunicorn fed from our settings instead of its own files and flags."""

    def __init__(self, config: Config) -> None:
        self._config = config
        super().__init__()

    def load_config(self) -> None:
        """Give gunicorn its settings."""
        for name, value in options(self._config).items():
            self.cfg.set(name, value)

    def load(self) -> Callable[..., Any]:
        """Build the application inside the worker: channels do not survive a fork."""
        return create_app()


def options(config: Config) -> dict[str, Any]:
    """Return gunicorn's settings."""
    return {
        "bind": [config.listen],
        "worker_class": "gthread",
        "workers": 1,
        "threads": config.fils,
        "worker_connections": _BACKLOG,
        "backlog": _BACKLOG,
        "keepalive": _KEEPALIVE_S,
        "graceful_timeout": _GRACE_S,
        "limit_request_line": _LINE_BYTES,
        "limit_request_field_size": _HEADER_BYTES,
        "limit_request_fields": _HEADERS,
        # Client addresses are believed from the hops that `mandataires` counts, by the application.
        "forwarded_allow_ips": "",
        # Our own access line writes routes; gunicorn's would write the secrets of mailed links.
        "accesslog": None,
        "errorlog": "-",
        "proc_name": "passerelle",
        "control_socket_disable": True,
        "post_fork": _die_with_arbiter,
        # The worker set telemetry up; what it has not exported yet leaves with it.
        "worker_exit": _flush,
    }


def _die_with_arbiter(_server: object, _worker: object) -> None:
    """Have the kernel end this worker with its arbiter.

    Left alone it would drain its connections for `_GRACE_S`, and its successor could not listen.
    """
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)


def _flush(_server: object, _worker: object) -> None:
    telemetry.shutdown()


def main() -> int:
    """Serve until a signal."""
    try:
        config = settings.load(Config, prefix="PASSERELLE")
    except settings.SettingsError as error:
        sys.stderr.write(f"passerelle: {error}\n")
        return 2
    Server(config).run()
    return 0


if __name__ == "__main__":
    sys.exit(main())
