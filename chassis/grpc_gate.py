"""The gate in front of every RPC: deadline, peer, token, role, trace, error table, access log."""

import logging
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

import grpc
from google.protobuf import any_pb2
from google.rpc import error_details_pb2, status_pb2  # type: ignore[import-untyped]
from grpc_status import rpc_status
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from chassis import current, grpc_tls, telemetry
from chassis.grpc_client import RemoteError
from chassis.idempotency import InvalidRequestId, RequestIdReused
from chassis.identity import InvalidToken, TokenVerifier

_log = logging.getLogger(__name__)
_access = logging.getLogger("chassis.access")

# grpc gives a very large number, not None, for a call without a deadline.
_FOREVER_S = 24 * 3600.0
_Handler = Callable[[Any, grpc.ServicerContext], Any]


class ErrorRow(NamedTuple):
    """What an exception becomes on the wire."""

    code: grpc.StatusCode
    reason: str


class Refused(Exception):
    """A call that does not reach its servicer; the row says why."""

    def __init__(self, row: ErrorRow) -> None:
        super().__init__(row.reason)
        self.row = row


_INTERNAL = ErrorRow(grpc.StatusCode.INTERNAL, "INTERNE")
_UNAVAILABLE = ErrorRow(grpc.StatusCode.UNAVAILABLE, "INDISPONIBLE")
_NO_DEADLINE = ErrorRow(grpc.StatusCode.INVALID_ARGUMENT, "DELAI_ABSENT")
_TOO_LATE = ErrorRow(grpc.StatusCode.DEADLINE_EXCEEDED, "DELAI_DEPASSE")
_DENIED = ErrorRow(grpc.StatusCode.PERMISSION_DENIED, "ACCES_REFUSE")
_OWN_ERRORS: dict[type[Exception], ErrorRow] = {
    RequestIdReused: ErrorRow(grpc.StatusCode.ALREADY_EXISTS, "REQUEST_ID_REUTILISE"),
    InvalidRequestId: ErrorRow(grpc.StatusCode.INVALID_ARGUMENT, "REQUEST_ID_INVALIDE"),
    InvalidToken: ErrorRow(grpc.StatusCode.UNAUTHENTICATED, "JETON_INVALIDE"),
    OperationalError: _UNAVAILABLE,
    InterfaceError: _UNAVAILABLE,
    PoolTimeout: _UNAVAILABLE,
}
_SILENT = frozenset({grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED})


class Gate(grpc.ServerInterceptor):
    """One interceptor for all duties: each call passes one Python frame, not four."""

    def __init__(
        self,
        *,
        name: str,
        services: frozenset[str],
        access: Mapping[str, frozenset[str]],
        errors: Mapping[type[Exception], ErrorRow],
        verifier: TokenVerifier,
        tls: grpc_tls.Files | None,
    ) -> None:
        self._name = name
        self._services = services
        self._access = access
        self._errors = {**_OWN_ERRORS, **errors}
        self._verifier = verifier
        self._tls = tls
        self._gated: dict[str, Any] = {}

    def intercept_service(
        self, continuation: Callable[[Any], Any], handler_call_details: Any
    ) -> Any:
        """Give the guarded handler of a method; health and reflection pass untouched."""
        method = handler_call_details.method
        gated = self._gated.get(method)
        if gated is not None:
            return gated
        handler = continuation(handler_call_details)
        service, _, rpc = method.removeprefix("/").rpartition("/")
        if handler is None or service not in self._services:
            return handler
        gated = self._gated[method] = self._guard(rpc, handler)
        return gated

    def _guard(self, rpc: str, handler: Any) -> Any:
        if handler.response_streaming:
            inner = handler.stream_stream or handler.unary_stream
            kind = "stream_stream" if handler.request_streaming else "unary_stream"
            guarded: _Handler = self._streaming(rpc, inner)
        else:
            inner = handler.stream_unary or handler.unary_unary
            kind = "stream_unary" if handler.request_streaming else "unary_unary"
            guarded = self._single(rpc, inner)
        make = getattr(grpc, f"{kind}_rpc_method_handler")
        return make(
            guarded,
            request_deserializer=handler.request_deserializer,
            response_serializer=handler.response_serializer,
        )

    def _single(self, rpc: str, inner: _Handler) -> _Handler:
        def serve(request: Any, context: grpc.ServicerContext) -> Any:
            call = _Call(self._name, rpc, context)
            try:
                with call.span():
                    self._admit(call, rpc, context)
                    return inner(request, context)
            except Exception as error:  # noqa: BLE001  (the edge of the process: nothing escapes)
                call.fail(error, self._row(error))
            finally:
                call.end()

        return serve

    def _streaming(self, rpc: str, inner: _Handler) -> _Handler:
        def serve(request: Any, context: grpc.ServicerContext) -> Iterator[Any]:
            call = _Call(self._name, rpc, context)
            try:
                with call.span():
                    self._admit(call, rpc, context)
                    yield from inner(request, context)
            except Exception as error:  # noqa: BLE001  (the edge of the process: nothing escapes)
                call.fail(error, self._row(error))
            finally:
                call.end()

        return serve

    def _admit(self, call: "_Call", rpc: str, context: grpc.ServicerContext) -> None:
        """Let a call pass that has a deadline, an allowed peer, a true token and a right role."""
        if self._tls is not None and not self._tls.accepts(context):
            raise Refused(_DENIED)
        left = context.time_remaining()
        if left is None or left > _FOREVER_S:
            raise Refused(_NO_DEADLINE)
        if left <= 0:
            raise Refused(_TOO_LATE)
        asker = self._verifier.verify(call.authorization.removeprefix("Bearer "))
        allowed = self._access.get(rpc, frozenset())
        if "*" not in allowed and not (allowed & asker.roles):
            raise Refused(_DENIED)
        current.rpc.set(current.Rpc(asker, call.began + left))

    def _row(self, error: Exception) -> ErrorRow:
        if isinstance(error, Refused):
            return error.row
        if isinstance(error, RemoteError):
            return _UNAVAILABLE if error.code in _SILENT else _INTERNAL
        for kind in type(error).__mro__:
            row = self._errors.get(kind)
            if row is not None:
                return row
        return _INTERNAL


class _Call:
    """One call: its span, its outcome, its line in the access log."""

    def __init__(self, name: str, rpc: str, context: grpc.ServicerContext) -> None:
        self._name, self._rpc, self._context = name, rpc, context
        self._code, self._reason = grpc.StatusCode.OK, ""
        self._trace = ""
        self.began = time.monotonic()
        self.authorization = self._parent = ""
        for key, value in context.invocation_metadata():
            if key == "authorization":
                self.authorization = str(value)
            elif key == "traceparent":
                self._parent = str(value)

    def span(self) -> Any:
        """Open the server span, child of the client's."""
        opened = telemetry.span(f"{self._name}.{self._rpc}", "server", parent=self._parent)
        self._trace = self._parent[3:35]
        return opened

    def fail(self, error: Exception, row: ErrorRow) -> None:
        """End the call with the google.rpc.Status of an exception."""
        if row is _INTERNAL:
            _log.error("%s failed", self._rpc, exc_info=error, extra={"fields": {"rpc": self._rpc}})
        self._code, self._reason = row
        status = rpc_status.to_status(_status(error, row, self._name))
        self._context.abort_with_status(status)

    def end(self) -> None:
        """Note the outcome; the line holds no personal data."""
        current.rpc.set(None)
        seconds = time.monotonic() - self.began
        code = self._code.name
        telemetry.RPC_SERVER.record(seconds, {"rpc": self._rpc, "code": code})
        fields = {"rpc": self._rpc, "code": code, "ms": round(seconds * 1000, 2)}
        if self._reason:
            fields["reason"] = self._reason
        if self._trace:
            fields["trace_id"] = self._trace
        _access.info("rpc", extra={"fields": fields})


def _status(error: Exception, row: ErrorRow, domain: str) -> status_pb2.Status:
    status = status_pb2.Status(code=row.code.value[0], message=row.reason)
    info = error_details_pb2.ErrorInfo(reason=row.reason, domain=domain)
    details = getattr(error, "details", None)
    if callable(details) and row is not _INTERNAL:
        info.metadata.update(details())
    status.details.append(_packed(info))
    fields: Mapping[str, str] = getattr(error, "fields", {}) if row is not _INTERNAL else {}
    if fields:
        bad = error_details_pb2.BadRequest()
        for field, reason in fields.items():
            bad.field_violations.add(field=field, reason=reason)
        status.details.append(_packed(bad))
    return status


def _packed(detail: Any) -> any_pb2.Any:
    packed = any_pb2.Any()
    packed.Pack(detail)
    return packed
