"""What the reference servers share: JSON over HTTP, one bearer key, nothing else."""

from __future__ import annotations

import argparse
import hmac
import json
from collections.abc import Callable, Mapping
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Final

_BODY_MAX: Final = 64 * 1024

# Path and body in, status and body out.
Route = Callable[[str, Any], tuple[int, object]]


class Server(ThreadingHTTPServer):
    """Serves routes by method and by the beginning of the path."""

    daemon_threads = True

    def __init__(
        self, address: tuple[str, int], routes: Mapping[tuple[str, str], Route], key: str
    ) -> None:
        super().__init__(address, _Handler)
        self.routes = routes
        self.key = key


class _Handler(BaseHTTPRequestHandler):
    server: Server
    timeout = 10  # a client that says nothing does not hold a thread for ever

    def do_GET(self) -> None:
        self._serve()

    def do_POST(self) -> None:
        self._serve()

    def do_DELETE(self) -> None:
        self._serve()

    def _serve(self) -> None:
        given = self.headers.get("Authorization", "").removeprefix("Bearer ")
        if not hmac.compare_digest(given.encode(), self.server.key.encode()):
            self._answer(HTTPStatus.FORBIDDEN, {"erreur": "cle_refusee"})
            return
        for (method, prefix), route in self.server.routes.items():
            if method == self.command and self.path.startswith(prefix):
                try:
                    body = self._body()
                except ValueError:
                    self._answer(HTTPStatus.BAD_REQUEST, {"erreur": "corps_illisible"})
                    return
                self._answer(*route(self.path.removeprefix(prefix), body))
                return
        self._answer(HTTPStatus.NOT_FOUND, {"erreur": "adresse_inconnue"})

    def _body(self) -> Any:
        length = int(self.headers.get("Content-Length") or 0)
        if not 0 <= length <= _BODY_MAX:
            raise ValueError("length")
        return json.loads(self.rfile.read(length)) if length else None

    def _answer(self, status: int, body: object) -> None:
        is_text = isinstance(body, str)
        content = body.encode() if isinstance(body, str) else json.dumps(body).encode()
        self.send_response(status)
        kind = "text/csv; charset=utf-8" if is_text else "application/json"
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - http.server names it
        """Write no log: paths name accounts."""


def serve(routes: Mapping[tuple[str, str], Route]) -> None:
    """Serve on the loopback until told to stop; the key comes in a file."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--cle", type=Path, required=True, help="file of the bearer key")
    options = parser.parse_args()
    key = options.cle.read_text().strip()
    with Server(("127.0.0.1", options.port), routes, key) as server:
        server.serve_forever()
