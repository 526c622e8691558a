"""The gateway with two more routes, which are what its home is compared with.

``python -m bench.temoin``, with the settings of ``passerelle.serve`` and ``BANC_RIEN``, the
addresses of five processes of ``bench.rien``.

- ``/api/v1/rien``: five no-op calls at once, behind the same session check, with the same token.
- ``/page-constante``: the home page rendered from what it showed last, without any call.
"""

from __future__ import annotations

import os
import sys
from typing import Any

from flask import Flask, Response, jsonify, render_template, template_rendered
from google.protobuf.empty_pb2 import Empty

from bench.rien import RienStub
from chassis import settings
from chassis.discovery import StaticAddresses
from chassis.grpc_client import Remote
from passerelle import clients, session
from passerelle.app import create_app
from passerelle.config import Config
from passerelle.serve import Server

PAGE = "accueil.html"


class Temoin(Server):
    """The gateway's own server around the gateway's own application."""

    def load(self) -> Flask:
        """Build the application inside the worker."""
        app = create_app()
        _add_calls(app, os.environ["BANC_RIEN"].split(","))
        _add_page(app)
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


def _add_page(app: Flask) -> None:
    shown: dict[str, Any] = {}

    def remember(_app: Flask, template: Any, context: dict[str, Any], **_: object) -> None:
        if template.name == PAGE and not shown:
            shown.update({name: context[name] for name in ("accueil", "actions", "complet")})

    template_rendered.connect(remember, app, weak=False)

    def constante() -> str:
        return render_template(PAGE, **shown)

    app.add_url_rule("/page-constante", "page_constante", session.login_required(constante))


def main() -> int:
    """Serve until a signal."""
    Temoin(settings.load(Config, prefix="PASSERELLE")).run()
    return 0


if __name__ == "__main__":
    sys.exit(main())
