import json
import logging
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from opentelemetry import trace

from chassis import telemetry

pytestmark = pytest.mark.unit


def lines(program: str, endpoint: str) -> tuple[list[Any], list[Any]]:
    """Run a program after `setup` in a process of its own; give its spans and log lines."""
    head = f"from chassis import telemetry\ntelemetry.setup('essai', endpoint={endpoint!r})\n"
    ended = subprocess.run(
        [sys.executable, "-c", head + program + "\ntelemetry.shutdown()"],
        check=True,
        capture_output=True,
        text=True,
        env={**os.environ, "OTEL_RESOURCE_ATTRIBUTES": ""},
    )
    logs = [json.loads(line) for line in ended.stderr.splitlines()]
    path = Path(endpoint.removeprefix("file:"))
    exported = [json.loads(line) for line in path.read_text().splitlines()] if endpoint else []
    return exported, logs


def spans(exported: list[Any]) -> dict[str, Any]:
    return {
        span["name"]: span
        for line in exported
        for resource in line.get("resourceSpans", ())
        for scope in resource["scopeSpans"]
        for span in scope["spans"]
    }


PROGRAM = """
import logging
parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
try:
    with telemetry.span("dehors", "server", parent=parent, espace__carte_id="42"):
        with telemetry.span("dedans", "client"):
            print(telemetry.traceparent())
            logging.getLogger("x").info("bonjour", extra={"fields": {"carte_id": "42"}})
            raise ValueError("courriel@exemple.org")
except ValueError:
    logging.getLogger("x").exception("raté")
telemetry.RPC_SERVER.record(0.02, {"rpc": "GetCarte", "code": "OK"})
"""


def test_spans_metrics_and_logs_tell_one_story_without_personal_data(tmp_path):
    endpoint = f"file:{tmp_path}/dossier/otlp.jsonl"
    exported, logs = lines(PROGRAM, endpoint)
    found = spans(exported)
    outer, inner = found["dehors"], found["dedans"]
    assert outer["traceId"] == inner["traceId"] == "0af7651916cd43dd8448eb211c80319c"
    assert outer["parentSpanId"] == "b7ad6b7169203331"
    assert inner["parentSpanId"] == outer["spanId"]
    assert (outer["kind"], inner["kind"]) == (2, 3)
    assert {"key": "espace.carte_id", "value": {"stringValue": "42"}} in outer["attributes"]
    assert inner["status"]["code"] == 2
    assert {"key": "error.type", "value": {"stringValue": "ValueError"}} in inner["attributes"]
    assert logs[0]["trace_id"] == outer["traceId"]
    assert logs[0]["span_id"] == inner["spanId"]
    assert (logs[0]["message"], logs[0]["carte_id"]) == ("bonjour", "42")
    assert "trace_id" not in logs[1]
    assert logs[1]["error"] == ["builtins.ValueError"]
    metrics = [
        metric["name"]
        for line in exported
        for resource in line.get("resourceMetrics", ())
        for scope in resource["scopeMetrics"]
        for metric in scope["metrics"]
    ]
    assert "rpc.server.duration" in metrics
    assert "exemple.org" not in json.dumps([exported, logs])


def test_without_endpoint_nothing_is_recorded_or_loaded():
    program = """
import sys
with telemetry.span("x", "server", parent="00-0af7651916cd43dd8448eb211c80319c-b7ad6b71692033-01"):
    assert telemetry.traceparent() == ""
assert "opentelemetry.sdk.trace" not in sys.modules
assert "requests" not in sys.modules
"""
    assert lines(program, "") == ([], [])


def test_an_off_span_is_one_shared_object():
    assert telemetry.span("a") is telemetry.span("b", "server", parent="x", y=1)
    assert telemetry.start("a") is trace.INVALID_SPAN


def test_a_chain_of_causes_is_named_by_types_alone():
    record = logging.LogRecord("x", logging.ERROR, "", 0, "raté", None, None)
    try:
        try:
            os.environ["COURRIEL@EXEMPLE.ORG"]
        except KeyError as error:
            raise ValueError("courriel@exemple.org") from error
    except ValueError:
        record.exc_info = sys.exc_info()
    line = json.loads(telemetry._JsonLines("essai").format(record))
    assert line["error"] == ["builtins.ValueError", "builtins.KeyError"]
    assert "test_telemetry.py" in line["frames"][0]
    assert "exemple.org" not in json.dumps(line).lower()
