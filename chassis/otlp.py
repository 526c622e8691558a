"""Exporters of traces and metrics: OTLP over HTTP, or as JSON lines in a file."""

import base64
import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from google.protobuf.json_format import MessageToDict
from google.protobuf.message import Message
from opentelemetry.exporter.otlp.proto.common.metrics_encoder import encode_metrics
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.sdk.metrics.export import MetricExporter, MetricExportResult, MetricsData
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult

# The JSON form of OTLP writes ids in hexadecimal where protobuf's own would write base64.
_IDS = frozenset({"traceId", "spanId", "parentSpanId"})


def exporters(endpoint: str) -> tuple[SpanExporter, MetricExporter]:
    """Give the exporters of an endpoint, `file:/path` or the base address of OTLP/HTTP."""
    if endpoint.startswith("file:"):
        path = Path(endpoint.removeprefix("file:"))
        path.parent.mkdir(parents=True, exist_ok=True)
        return _FileSpans(path), _FileMetrics(path)
    from opentelemetry.exporter.otlp.proto.http.metric_exporter import (  # noqa: PLC0415
        OTLPMetricExporter,
    )
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import (  # noqa: PLC0415
        OTLPSpanExporter,
    )

    base = endpoint.rstrip("/")
    return (
        OTLPSpanExporter(endpoint=f"{base}/v1/traces"),
        OTLPMetricExporter(endpoint=f"{base}/v1/metrics"),
    )


def _hexadecimal(value: Any) -> Any:
    if isinstance(value, list):
        return [_hexadecimal(item) for item in value]
    if isinstance(value, dict):
        return {
            key: base64.b64decode(item).hex() if key in _IDS else _hexadecimal(item)
            for key, item in value.items()
        }
    return value


def _append(path: Path, message: Message) -> None:
    fields = _hexadecimal(MessageToDict(message, use_integers_for_enums=True))
    line = json.dumps(fields, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"
    # One write of an appending descriptor: lines of several processes never mix.
    descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    try:
        os.write(descriptor, line)
    finally:
        os.close(descriptor)


class _FileSpans(SpanExporter):
    def __init__(self, path: Path) -> None:
        self._path = path

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        _append(self._path, encode_spans(spans))
        return SpanExportResult.SUCCESS


class _FileMetrics(MetricExporter):
    def __init__(self, path: Path) -> None:
        super().__init__()
        self._path = path

    def export(
        self, metrics_data: MetricsData, timeout_millis: float = 10_000, **_kwargs: object
    ) -> MetricExportResult:
        del timeout_millis
        _append(self._path, encode_metrics(metrics_data))
        return MetricExportResult.SUCCESS

    def force_flush(self, timeout_millis: float = 10_000) -> bool:
        del timeout_millis
        return True

    def shutdown(self, timeout_millis: float = 30_000, **_kwargs: object) -> None:
        """Nothing is held open."""
