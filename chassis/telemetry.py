"""Traces, metrics and logs of a process; never over gRPC, which a worker may not load (ADR-0002).

With no endpoint a span costs one comparison and nothing is propagated. Spans and log lines carry
ids and types, never the text of an exception: it may quote what a person typed.
"""

import contextlib
import json
import logging
import os
import sys
import time
import traceback
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any, Final

from opentelemetry import metrics, trace
from opentelemetry.context import Context, attach, detach
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

if TYPE_CHECKING:
    from types import TracebackType

    from opentelemetry.sdk.metrics.export import MetricReader

_KINDS: Final = {
    "internal": trace.SpanKind.INTERNAL,
    "server": trace.SpanKind.SERVER,
    "client": trace.SpanKind.CLIENT,
    "producer": trace.SpanKind.PRODUCER,
    "consumer": trace.SpanKind.CONSUMER,
}
_PROPAGATOR = TraceContextTextMapPropagator()
_OFF: AbstractContextManager[trace.Span] = contextlib.nullcontext(trace.INVALID_SPAN)

# Every metric of the suite. Durations are in seconds; buckets from 1 ms to 10 s.
_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
_METER = metrics.get_meter("chassis")
RPC_SERVER = _METER.create_histogram(
    "rpc.server.duration", "s", explicit_bucket_boundaries_advisory=_SECONDS
)  # rpc, code
RPC_CLIENT = _METER.create_histogram(
    "rpc.client.duration", "s", explicit_bucket_boundaries_advisory=_SECONDS
)  # service, code
HTTP_SERVER = _METER.create_histogram(
    "http.server.request.duration", "s", explicit_bucket_boundaries_advisory=_SECONDS
)  # route, method, status
EVENT_HANDLED = _METER.create_histogram(
    "event.handled.duration", "s", explicit_bucket_boundaries_advisory=_SECONDS
)  # consumer, event, outcome
EVENT_PUBLISHED = _METER.create_counter("event.published", "1")  # service, outcome
OUTBOX_WAITING = _METER.create_gauge("outbox.waiting", "1")  # events not yet published
OUTBOX_AGE = _METER.create_gauge("outbox.age", "s")  # age of the oldest of them
QUEUE_WAITING = _METER.create_gauge("queue.waiting", "1")  # queue; messages ready in it


class _State:
    """The process's tracer, and what its end has to flush."""

    tracer: trace.Tracer | None = None
    closers: tuple[Callable[[], object], ...] = ()


class _Active(AbstractContextManager[trace.Span]):
    """A started span, current inside the block."""

    def __init__(self, span: trace.Span) -> None:
        self._span = span

    def __enter__(self) -> trace.Span:
        self._token = attach(trace.set_span_in_context(self._span))
        return self._span

    def __exit__(
        self,
        kind: type[BaseException] | None,
        _error: BaseException | None,
        _frames: "TracebackType | None",
    ) -> None:
        if kind is not None:
            fail(self._span, kind.__name__)
        detach(self._token)
        self._span.end()


def start(name: str, kind: str = "internal", *, parent: str = "", **attributes: Any) -> trace.Span:
    """Start a span that the caller ends itself (a call whose answer comes in another thread)."""
    if _State.tracer is None:
        return trace.INVALID_SPAN
    return _State.tracer.start_span(
        name,
        context=_context(parent),
        kind=_KINDS[kind],
        attributes={key.replace("__", "."): value for key, value in attributes.items()},
    )


def span(
    name: str, kind: str = "internal", *, parent: str = "", **attributes: Any
) -> AbstractContextManager[trace.Span]:
    """Open a span for the block.

    Args:
        name: low cardinality, such as `"orders.PlaceOrder"`.
        kind: internal, server, client, producer or consumer.
        parent: `traceparent` received (W3C Trace Context); "" continues the current span.
        attributes: ids and types only; two underscores in a name stand for a dot.
    """
    if _State.tracer is None:
        return _OFF
    return _Active(start(name, kind, parent=parent, **attributes))


def is_on() -> bool:
    """Tell whether this process exports what it records."""
    return _State.tracer is not None


def fail(span: trace.Span, error_type: str) -> None:
    """Mark a span as failed, by the type of its error alone."""
    span.set_attribute("error.type", error_type)
    span.set_status(trace.StatusCode.ERROR)


def traceparent(span: trace.Span | None = None) -> str:
    """Give the W3C header of a span, by default the current one; "" without one."""
    if _State.tracer is None:
        return ""
    context = (span or trace.get_current_span()).get_span_context()
    if not context.is_valid:
        return ""
    return f"00-{context.trace_id:032x}-{context.span_id:016x}-{context.trace_flags:02x}"


def _context(parent: str) -> Context | None:
    return _PROPAGATOR.extract({"traceparent": parent}) if parent else None


def setup(name: str, *, endpoint: str, readers: "Sequence[MetricReader]" = ()) -> None:
    """Set the logs, traces and metrics of this process up, once, at its start.

    Args:
        name: service name shown everywhere.
        endpoint: "" for none, `file:/path/x.jsonl` for OTLP as JSON lines (several processes may
            share the file), `http://collector:4318` for OTLP/HTTP.
        readers: more metric readers (the gateway's /metrics page).
    """
    _logs(name)
    if not endpoint and not readers:
        return
    # Imported here: without telemetry no process pays their memory.
    from opentelemetry.sdk.metrics import MeterProvider  # noqa: PLC0415
    from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader  # noqa: PLC0415
    from opentelemetry.sdk.resources import Resource  # noqa: PLC0415
    from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415
    from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415

    from chassis.otlp import exporters  # noqa: PLC0415

    resource = Resource.create({"service.name": name, "process.pid": os.getpid()})
    all_readers = list(readers)
    if endpoint:
        spans, measures = exporters(endpoint)
        provider = TracerProvider(resource=resource)
        provider.add_span_processor(BatchSpanProcessor(spans, schedule_delay_millis=1000))
        all_readers.append(PeriodicExportingMetricReader(measures, export_interval_millis=10_000))
        trace.set_tracer_provider(provider)
        _State.tracer = provider.get_tracer("chassis")
        _State.closers += (provider.shutdown,)
    meters = MeterProvider(metric_readers=all_readers, resource=resource)
    metrics.set_meter_provider(meters)
    _State.closers += (meters.shutdown,)


def shutdown() -> None:
    """Flush what was recorded; called once, at the end of the process."""
    closers, _State.closers = _State.closers, ()
    for close in closers:
        close()


class _JsonLines(logging.Formatter):
    """One JSON object per line: time, level, logger, service, message, trace, and fields.

    A caller adds fields by `extra={"fields": {...}}`: ids, codes and durations only.
    """

    def __init__(self, service: str) -> None:
        super().__init__()
        self._service = service

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, object] = {
            "time": time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created))
            + f".{int(record.msecs):03d}Z",
            "level": record.levelname,
            "service": self._service,
            "logger": record.name,
            "message": record.getMessage(),
        }
        header = traceparent()
        if header:
            line["trace_id"], line["span_id"] = header.split("-")[1:3]
        line.update(getattr(record, "fields", {}))
        if record.exc_info and record.exc_info[1]:
            line["error"], line["frames"] = _anonymous(record.exc_info[1])
        return json.dumps(line, ensure_ascii=False, default=str)


def _anonymous(error: BaseException) -> tuple[list[str], list[str]]:
    """Give the types of an exception and its causes, and where it was raised, without its text."""
    kinds: list[str] = []
    cause: BaseException | None = error
    while cause is not None and len(kinds) < 8:  # noqa: PLR2004  (a chain is short, or it loops)
        kinds.append(f"{type(cause).__module__}.{type(cause).__qualname__}")
        cause = cause.__cause__ or (None if cause.__suppress_context__ else cause.__context__)
    frames = traceback.extract_tb(error.__traceback__)
    return kinds, [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames]


def _logs(name: str) -> None:
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_JsonLines(name))
    logging.root.handlers[:] = [handler]
    logging.root.setLevel(logging.INFO)
    for noisy in ("pika", "nameko", "kombu", "amqp", "alembic", "opentelemetry", "urllib3"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
