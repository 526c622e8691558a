"""Calls to another service: bounded in time, spread over its processes, retried when safe."""

import ipaddress
import json
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any, Generic, TypeVar

import grpc
from google.rpc import error_details_pb2  # type: ignore[import-untyped]
from grpc_status import rpc_status

from chassis import current, telemetry
from chassis.discovery import Addresses
from chassis.grpc_tls import Files

S = TypeVar("S")
Q = TypeVar("Q")
R = TypeVar("R")

# A channel that was replaced closes after the longest deadline; at once it would cancel calls.
_LONGEST_S = 30.0
_RETRY = {
    "maxAttempts": 4,
    "initialBackoff": "0.1s",
    "maxBackoff": "1s",
    "backoffMultiplier": 2,
    "retryableStatusCodes": ["UNAVAILABLE"],
}
_SERVICE_CONFIG = {
    "loadBalancingConfig": [{"round_robin": {}}],
    "methodConfig": [{"name": [{}], "retryPolicy": _RETRY}],
}
_OPTIONS: tuple[tuple[str, Any], ...] = (
    ("grpc.service_config", json.dumps(_SERVICE_CONFIG)),
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.min_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 1000),
    ("grpc.keepalive_time_ms", 10_000),
    ("grpc.keepalive_timeout_ms", 3_000),
    # Channels to the same addresses are told apart, or closing an old one would hurt the new.
    ("grpc.use_local_subchannel_pool", 1),
)


class RemoteError(Exception):
    """A call failed: the other service's error, or none came in time.

    `reason` is the `ErrorInfo.reason` that the service lists, `INDISPONIBLE` when nothing
    answered, `DELAI_DEPASSE` after the deadline, "" when the server gave none; `fields` maps a
    request field to its own reason.
    """

    def __init__(self, service: str, code: grpc.StatusCode, reason: str = "") -> None:
        super().__init__(f"{service}: {code.name} {reason}")
        self.service = service
        self.code = code
        self.reason = reason
        self.domain = ""
        self.metadata: dict[str, str] = {}
        self.fields: dict[str, str] = {}

    @classmethod
    def of(cls, service: str, error: grpc.Call) -> "RemoteError":
        """Read the google.rpc.Status of a failed call."""
        failed = cls(service, error.code(), _SILENT.get(error.code(), ""))
        status = rpc_status.from_call(error)
        for detail in () if status is None else status.details:
            info, bad = error_details_pb2.ErrorInfo(), error_details_pb2.BadRequest()
            if detail.Unpack(info):
                failed.reason, failed.domain = info.reason, info.domain
                failed.metadata = dict(info.metadata)
                failed.args = (f"{service}: {failed.code.name} {info.reason}",)
            elif detail.Unpack(bad):
                failed.fields = {item.field: item.reason for item in bad.field_violations}
        return failed


_SILENT = {
    grpc.StatusCode.UNAVAILABLE: "INDISPONIBLE",
    grpc.StatusCode.DEADLINE_EXCEEDED: "DELAI_DEPASSE",
}


class Pending(Generic[R]):
    """A call under way; `result` waits for it and may be asked once."""

    def __init__(self, call: Any, finish: Callable[[grpc.Call | None], RemoteError | None]) -> None:
        self._call = call
        self._finish = finish

    def result(self) -> R:
        """Give the answer. Raises: RemoteError."""
        try:
            answer: R = self._call.result()
        except grpc.FutureCancelledError as error:
            raise RemoteError("", grpc.StatusCode.CANCELLED) from error
        except grpc.RpcError as error:
            raise self._finish(error) from None  # type: ignore[arg-type,misc]
        self._finish(None)
        return answer


class Remote(Generic[S]):
    """One other service; a process keeps one of each and shares it between threads.

    Args of its calls: `rpc` picks the method on the stub; `token` says who asks; `deadline` in
    seconds is cut to what the RPC being served has left. All raise RemoteError.
    """

    def __init__(
        self,
        name: str,
        *,
        stub: Callable[[grpc.Channel], S],
        addresses: Addresses,
        tls: Files | None = None,
    ) -> None:
        self._name = name
        self._stub = stub
        self._addresses = addresses
        self._tls = tls
        self._lock = threading.Lock()
        self._open: tuple[int, grpc.Channel, S] | None = None

    def call(
        self,
        rpc: "Callable[[S], grpc.UnaryUnaryMultiCallable[Q, R]]",
        request: Q,
        *,
        token: str,
        deadline: float = 2.0,
    ) -> R:
        """Ask and wait for the answer."""
        answer: R = self._wait(rpc(self._current()), request, token, deadline)
        return answer

    def future(
        self,
        rpc: "Callable[[S], grpc.UnaryUnaryMultiCallable[Q, R]]",
        request: Q,
        *,
        token: str,
        deadline: float = 2.0,
    ) -> Pending[R]:
        """Ask, and wait later: several services are asked at once."""
        method = rpc(self._current())
        timeout = self._timeout(deadline)
        metadata, finish = self._begin(method, token)
        return Pending(method.future(request, timeout=timeout, metadata=metadata), finish)

    def stream(
        self,
        rpc: "Callable[[S], grpc.UnaryStreamMultiCallable[Q, R]]",
        request: Q,
        *,
        token: str,
        deadline: float = _LONGEST_S,
    ) -> Iterator[R]:
        """Ask for a stream of answers; leaving the iteration early cancels the call."""
        method = rpc(self._current())
        timeout = self._timeout(deadline)
        metadata, finish = self._begin(method, token)
        answers = method(request, timeout=timeout, metadata=metadata)
        try:
            yield from answers
        except grpc.RpcError as error:
            raise finish(error) from None  # type: ignore[arg-type,misc]
        else:
            finish(None)
        finally:
            answers.cancel()

    def upload(
        self,
        rpc: "Callable[[S], grpc.StreamUnaryMultiCallable[Q, R]]",
        requests: Iterator[Q],
        *,
        token: str,
        deadline: float = _LONGEST_S,
    ) -> R:
        """Send a stream, read as fast as the server takes it, and wait for the one answer."""
        answer: R = self._wait(rpc(self._current()), requests, token, deadline)
        return answer

    def _wait(self, method: Any, argument: object, token: str, deadline: float) -> Any:
        timeout = self._timeout(deadline)
        metadata, finish = self._begin(method, token)
        try:
            answer = method(argument, timeout=timeout, metadata=metadata)
        except grpc.RpcError as error:
            raise finish(error) from None  # type: ignore[arg-type,misc]
        finish(None)
        return answer

    def close(self) -> None:
        """Close the channel; calls under way are cancelled."""
        with self._lock:
            if self._open is not None:
                self._open[1].close()
                self._open = None

    def _timeout(self, deadline: float) -> float:
        left = min(deadline, current.remaining())
        if left <= 0:
            raise RemoteError(self._name, grpc.StatusCode.DEADLINE_EXCEEDED, "DELAI_DEPASSE")
        return left

    def _begin(
        self, method: Any, token: str
    ) -> tuple[tuple[tuple[str, str], ...], Callable[[grpc.Call | None], RemoteError | None]]:
        rpc = method._method  # noqa: SLF001  (grpc keeps the path of a method nowhere else)
        path = rpc.decode() if isinstance(rpc, bytes) else rpc
        span = telemetry.start(path, "client", rpc__service=self._name)
        began = time.perf_counter()

        def finish(error: grpc.Call | None) -> RemoteError | None:
            failed = None if error is None else RemoteError.of(self._name, error)
            code = "OK" if failed is None else failed.code.name
            attributes = {"service": self._name, "code": code}
            telemetry.RPC_CLIENT.record(time.perf_counter() - began, attributes)
            if failed is not None:
                telemetry.fail(span, failed.reason or code)
            span.end()
            return failed

        metadata: tuple[tuple[str, str], ...] = (("authorization", f"Bearer {token}"),)
        header = telemetry.traceparent(span)
        if header:
            metadata += (("traceparent", header),)
        return metadata, finish

    def _current(self) -> S:
        opened = self._open
        if opened is not None and opened[0] == self._addresses.version():
            return opened[2]
        with self._lock:
            return self._reopen()

    def _reopen(self) -> S:
        self._addresses.get()  # waits for the first answer, which changes the version
        # The version before the set: a change in between is then seen at the next call.
        version, addresses = self._addresses.version(), self._addresses.get()
        if not addresses:
            raise RemoteError(self._name, grpc.StatusCode.UNAVAILABLE, "INDISPONIBLE")
        if self._open is not None:
            if self._open[0] == version:
                return self._open[2]
            closing = threading.Timer(_LONGEST_S, self._open[1].close)
            closing.daemon = True
            closing.start()
        channel = self._channel(target(addresses))
        self._open = (version, channel, self._stub(channel))
        return self._open[2]

    def _channel(self, address: str) -> grpc.Channel:
        if self._tls is None:
            return grpc.insecure_channel(address, options=_OPTIONS)
        # Certificates bear the service's name; its address may be any machine.
        name = ("grpc.ssl_target_name_override", self._name)
        return grpc.secure_channel(address, self._tls.client(), options=(*_OPTIONS, name))


def target(addresses: tuple[str, ...]) -> str:
    """Give gRPC's name of a set of addresses.

    Raises: ValueError for several host names: gRPC follows one name, or many numbers.
    """
    if all(_is_ipv4(address.rpartition(":")[0]) for address in addresses):
        return "ipv4:" + ",".join(addresses)
    if len(addresses) > 1:
        raise ValueError("several addresses must be IPv4 numbers")
    return "dns:///" + addresses[0]


def _is_ipv4(host: str) -> bool:
    try:
        ipaddress.IPv4Address(host)
    except ValueError:
        return False
    return True
