"""A gRPC server on threads: every RPC behind the gate, honest health, graceful stop."""

import logging
import signal
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NotRequired, TypedDict, Unpack

import grpc
from google.protobuf import descriptor_pool
from grpc_health.v1 import (
    health,
    health_pb2,
    health_pb2_grpc,
)
from grpc_reflection.v1alpha import reflection

from chassis import discovery, grpc_tls, telemetry
from chassis.current import caller, remaining
from chassis.grpc_gate import ErrorRow, Gate
from chassis.identity import TokenVerifier

__all__ = ["ErrorRow", "Running", "caller", "remaining", "run", "start"]

_log = logging.getLogger(__name__)

_DRAIN_S = 10.0
_ENSURE_EVERY = 5  # health rounds of 1 s between two looks at our entry in Consul
_OPTIONS: tuple[tuple[str, Any], ...] = (
    # A port that another process holds is an error, not a silent share.
    ("grpc.so_reuseport", 0),
    ("grpc.http2.min_ping_interval_without_data_ms", 5_000),
    ("grpc.keepalive_permit_without_calls", 1),
)


class Running:
    """A started server: `address` to call it, `stop` to end it."""

    def __init__(
        self,
        server: grpc.Server,
        address: str,
        services: tuple[str, ...],
        healthy: Callable[[], bool],
        registration: discovery.Registration | None,
        servicer: health.HealthServicer,
    ) -> None:
        self.address = address
        self._server, self._services, self._healthy = server, services, healthy
        self._registration, self._servicer = registration, servicer
        self._stopping = threading.Event()
        self._poller = threading.Thread(target=self._poll, name="health", daemon=True)
        self._poller.start()

    def _poll(self) -> None:
        """Tell the truth each second; a failing question is an unhealthy answer."""
        rounds = 0
        while not self._stopping.is_set():
            self._say(self._is_healthy())
            if self._registration is not None and rounds % _ENSURE_EVERY == 0:
                self._registration.register()
            rounds += 1
            self._stopping.wait(1.0)

    def _is_healthy(self) -> bool:
        try:
            return self._healthy()
        except Exception as error:  # noqa: BLE001  (whatever it is, the process is not well)
            _log.warning("health: %s", type(error).__name__)
            return False

    def _say(self, well: bool) -> None:  # noqa: FBT001  (one yes or no is the whole message)
        kinds = health_pb2.HealthCheckResponse
        for service in ("", *self._services):
            self._servicer.set(service, kinds.SERVING if well else kinds.NOT_SERVING)

    def stop(self, drain_s: float = _DRAIN_S) -> None:
        """Leave Consul, take no new call, let those under way end within `drain_s` seconds."""
        self._stopping.set()
        self._poller.join(drain_s)
        if self._registration is not None:
            self._registration.deregister()
        self._servicer.enter_graceful_shutdown()
        self._server.stop(drain_s).wait()


class Service(TypedDict):
    """What a server is made of; `run` and `start` take these as keywords."""

    name: str  # service name; domain of its errors
    listen: str  # `host:port`; port 0 takes a free one
    register: Callable[[grpc.Server], None]  # adds the servicer to the server
    service: str  # full proto name, such as `shop.orders.v1.OrdersService`
    others: NotRequired[
        tuple[str, ...]
    ]  # further proto services of this process; no RPC name twice
    access: Mapping[str, frozenset[str]]  # RPC -> roles, `"*"` for any valid token; all RPCs
    errors: Mapping[type[Exception], ErrorRow]  # a subclass takes its nearest ancestor's row
    verifier: TokenVerifier
    healthy: Callable[[], bool]  # asked each second: can the process do its work?
    registration: NotRequired[discovery.Registration | None]  # entry in Consul
    workers: NotRequired[int]  # threads, that is calls served at once; 16
    tls: NotRequired[grpc_tls.Files | None]  # mutual TLS


def start(**given: Unpack[Service]) -> Running:
    """Start a server and return.

    Raises: ValueError when `access` and the service's RPCs differ, RuntimeError when the address
        is taken.
    """
    name, listen = given["name"], given["listen"]
    services = (given["service"], *given.get("others", ()))
    access = given["access"]
    tls = given.get("tls")
    gate = Gate(
        name=name,
        services=frozenset(services),
        access=access,
        errors=given["errors"],
        verifier=given["verifier"],
        tls=tls,
    )
    threads = ThreadPoolExecutor(given.get("workers", 16), thread_name_prefix=name)
    server = grpc.server(threads, interceptors=[gate], options=_OPTIONS)
    given["register"](server)
    _check_access(services, access)
    servicer = health.HealthServicer()
    servicer.set("", health_pb2.HealthCheckResponse.NOT_SERVING)
    health_pb2_grpc.add_HealthServicer_to_server(servicer, server)
    names = (*services, health.SERVICE_NAME, reflection.SERVICE_NAME)
    reflection.enable_server_reflection(names, server)
    if tls is None:
        port = server.add_insecure_port(listen)
    else:
        port = server.add_secure_port(listen, tls.server())
    server.start()
    address = f"{listen.rpartition(':')[0]}:{port}"
    registration = given.get("registration")
    if registration is not None:
        registration.over_tls = tls is not None
    return Running(server, address, services, given["healthy"], registration, servicer)


def _check_access(services: tuple[str, ...], access: Mapping[str, frozenset[str]]) -> None:
    pool = descriptor_pool.Default()
    rpcs = [rpc.name for name in services for rpc in pool.FindServiceByName(name).methods]
    if len(set(rpcs)) != len(rpcs):
        # One table rules all of them: the same name twice would give one the other's roles.
        raise ValueError(f"an RPC name twice in {services}")
    if set(rpcs) != set(access):
        unruled, unknown = sorted(set(rpcs) - set(access)), sorted(set(access) - set(rpcs))
        raise ValueError(f"access of {services}: no rule for {unruled}, unknown {unknown}")


def run(**given: Unpack[Service]) -> int:
    """Serve until SIGTERM or SIGINT; the keywords are those of `Service`.

    Returns: exit status: 0 after a graceful stop, 1 when the address is taken.
    Raises: ValueError when `access` and the service's RPCs differ.
    """
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    try:
        running = start(**given)
    except RuntimeError as error:
        fields = {"address": given["listen"], "error": type(error).__name__}
        _log.critical("cannot listen", extra={"fields": fields})
        return 1
    _log.info("listening", extra={"fields": {"address": running.address}})
    stop.wait()
    running.stop()
    telemetry.shutdown()
    return 0
