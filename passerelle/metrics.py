"""`/metrics`: the gateway's own measures in Prometheus's text format, for the inside only."""

import ipaddress
from typing import TYPE_CHECKING

from flask import Flask, Response, request

from passerelle.problems import Problem

if TYPE_CHECKING:
    from opentelemetry.exporter.prometheus import PrometheusMetricReader


def register(app: Flask) -> None:
    """Serve `/metrics`."""
    app.add_url_rule("/metrics", "metrics", page)


def reader() -> "PrometheusMetricReader":
    """Return the reader that `chassis.telemetry.setup` feeds and `page` shows."""
    # Imported here: an application without the page (every test) starts without it.
    from opentelemetry.exporter.prometheus import PrometheusMetricReader  # noqa: PLC0415

    return PrometheusMetricReader()


def page() -> Response:
    """Show the measures to a neighbour: how busy the city's services are is not for everybody."""
    if not _is_inside(request.remote_addr or ""):
        raise Problem("ACCES_REFUSE")
    from prometheus_client import CONTENT_TYPE_LATEST, generate_latest  # noqa: PLC0415

    return Response(generate_latest(), content_type=CONTENT_TYPE_LATEST)


def _is_inside(address: str) -> bool:
    try:
        return ipaddress.ip_address(address).is_private
    except ValueError:
        return False
