"""`/sante`: 200 only when the five services answer that they are well."""

from http import HTTPStatus

from flask import Flask, Response, jsonify
from grpc_health.v1 import health_pb2

from chassis.grpc_client import Pending, RemoteError
from passerelle import clients

_DEADLINE_S = 1.0


def register(app: Flask) -> None:
    """Serve `/sante`."""
    app.add_url_rule("/sante", "sante", page)


def page() -> Response:
    """Ask the five services at once, and tell of each "EN_MARCHE" or "EN_PANNE"."""
    services = clients.current()
    asked = {name: _ask(services, name) for name in clients.SERVICES}
    found = {name: _is_serving(pending) for name, pending in asked.items()}
    well = all(found.values())
    response = jsonify(
        {
            "statut": _word(well=well),
            "services": {name: {"statut": _word(well=up)} for name, up in found.items()},
        }
    )
    response.status_code = HTTPStatus.OK if well else HTTPStatus.SERVICE_UNAVAILABLE
    response.headers["Cache-Control"] = "no-store"
    return response


def _ask(services: clients.Clients, name: str) -> Pending[health_pb2.HealthCheckResponse] | None:
    try:
        return services.health[name].future(
            lambda s: s.Check,
            health_pb2.HealthCheckRequest(),
            token=services.anonymous_token(),
            deadline=_DEADLINE_S,
        )
    except RemoteError:
        return None


def _is_serving(pending: Pending[health_pb2.HealthCheckResponse] | None) -> bool:
    if pending is None:
        return False
    try:
        return bool(pending.result().status == health_pb2.HealthCheckResponse.SERVING)
    except RemoteError:
        return False


def _word(*, well: bool) -> str:
    return "EN_MARCHE" if well else "EN_PANNE"
