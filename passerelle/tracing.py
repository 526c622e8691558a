"""One span, one measure and one access line for each request.

The route's pattern is written, never the path: paths hold the secrets of mailed links and the ids
of people's documents.
"""

import contextlib
import logging
import time
from typing import Final

from flask import Flask, Response, g, request

from chassis import telemetry

_LOG: Final = logging.getLogger("passerelle.acces")
_SERVER_ERROR: Final = 500


def register(app: Flask) -> None:
    """Trace and log every request of the application."""
    app.before_request(_begin)
    app.after_request(_end)
    app.teardown_request(_close)


def route() -> str:
    """Return the pattern of the current route, `(inconnue)` when none matched."""
    return request.url_rule.rule if request.url_rule is not None else "(inconnue)"


def _begin() -> None:
    g.began = time.perf_counter()
    g.stack = contextlib.ExitStack()
    g.span = g.stack.enter_context(
        telemetry.span(
            f"{request.method} {route()}",
            "server",
            parent=request.headers.get("traceparent", ""),
            http__request__method=request.method,
            http__route=route(),
        )
    )


def _end(response: Response) -> Response:
    if "began" not in g:
        return response
    took = time.perf_counter() - g.began
    status = response.status_code
    g.span.set_attribute("http.response.status_code", status)
    if status >= _SERVER_ERROR:
        telemetry.fail(g.span, str(status))
    telemetry.HTTP_SERVER.record(
        took, {"route": route(), "method": request.method, "status": status}
    )
    fields = {
        "method": request.method,
        "route": route(),
        "status": status,
        "duration_ms": round(took * 1000, 1),
    }
    _LOG.info("request", extra={"fields": fields})
    return response


def _close(_error: BaseException | None) -> None:
    stack: contextlib.ExitStack | None = g.pop("stack", None)
    if stack is not None:
        stack.close()
