"""How long a request body may take, and what happens to one that nobody wants."""

import socket
import time
from http import HTTPStatus
from typing import Final

from flask import Flask, Response, current_app, request

from passerelle.config import Config

_BLOCK: Final = 64 * 1024
# A refused body is read and thrown away up to here, so that the client hears why before its
# connection closes; a longer one is cut.
_DRAIN_MAX: Final = 64 * 1024 * 1024
_DRAIN_S: Final = 5.0


def register(app: Flask) -> None:
    """Bound the wait for a client in every request, and answer 413 to a client that listens."""
    app.before_request(limit_wait)
    app.after_request(_after)


def limit_wait() -> None:
    """Let one read of this body wait `delai_corps_s` at most: a thread is not for a slow client."""
    config: Config = current_app.extensions["config"]
    connection = request.environ.get("gunicorn.socket")
    if isinstance(connection, socket.socket):
        connection.settimeout(config.delai_corps_s)


def _after(response: Response) -> Response:
    if response.status_code == HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
        _drain()
        # What is left of the body makes the connection useless for another request.
        response.headers["Connection"] = "close"
    return response


def _drain() -> None:
    """Read what the client is still sending; a reset would hide the answer from a browser."""
    stream = request.environ["wsgi.input"]
    announced = request.content_length
    if announced is None and "wsgi.input_terminated" not in request.environ:
        return
    left = _DRAIN_MAX if announced is None else min(announced, _DRAIN_MAX)
    end = time.monotonic() + _DRAIN_S
    while left > 0 and time.monotonic() < end:
        try:
            data = stream.read(min(left, _BLOCK))
        except (OSError, ValueError):
            return
        if not data:
            return
        left -= len(data)
