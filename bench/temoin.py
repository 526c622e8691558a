"""The gateway with one more route, which is what its home is compared with.

``python -m bench.temoin``, with the settings of ``passerelle.serve`` and ``BANC_RIEN``, the
addresses of five processes of ``bench.rien``. ``/api/v1/rien`` makes five no-op calls at once,
behind the same session check and with the same token.
"""

from __future__ import annotations

import os
import sys

from flask import Flask, Response, jsonify
from google.protobuf.empty_pb2 import Empty

from bench.rien import RienStub
from chassis import settings
from chassis.discovery import StaticAddresses
from chassis.grpc_client import Remote
from passerelle import clients, session
from passerelle.app import create_app
from passerelle.config import Config
from passerelle.serve import Server


class Temoin(Server):
    """The gateway's own server around the gateway's own application."""

    def load(self) -> Flask:
        """Build the application inside the worker."""
        app = create_app()
        _add_calls(app, os.environ["BANC_RIEN"].split(","))
        return app


def _add_calls(app: Flask, addresses: list[str]) -> None:
    remotes = [
        Remote("rien", stub=RienStub, addresses=StaticAddresses([address])) for address in addresses
    ]

    def rien() -> Response:
        services = clients.current()
        token, deadline = services.token(), services.config.delai_accueil_s
        pending = [
            remote.future(lambda s: s.Rien, Empty(), token=token, deadline=deadline)
            for remote in remotes
        ]
        for each in pending:
            each.result()
        return jsonify({"complet": True})

    app.add_url_rule("/api/v1/rien", "rien", session.login_required(rien))


def main() -> int:
    """Serve until a signal."""
    Temoin(settings.load(Config, prefix="PASSERELLE")).run()
    return 0


if __name__ == "__main__":
    sys.exit(main())
