import json
import uuid
from pathlib import Path

import pytest

from tests.kit.wait import wait_until

pytestmark = pytest.mark.integration


def spans(path: Path) -> list[dict]:
    if not path.exists():
        return []
    return [
        {**span, "service": _service(resource)}
        for line in path.read_text().splitlines()
        for resource in json.loads(line).get("resourceSpans", ())
        for scope in resource["scopeSpans"]
        for span in scope["spans"]
    ]


def _service(resource: dict) -> str:
    attributes = resource["resource"]["attributes"]
    return next(a["value"]["stringValue"] for a in attributes if a["key"] == "service.name")


def test_one_trace_runs_from_the_caller_through_grpc_outbox_and_broker_to_the_handler(
    program, tmp_path, waits_for_effects
):
    path = tmp_path / "otlp.jsonl"
    endpoint = f"file:{path}"
    server = program("serve", ESSAI_OTLP=endpoint, ESSAI_LISTEN_FILE=str(tmp_path / "listen"))
    worker = program("worker-relay", ESSAI_OTLP=endpoint)
    wait_until((tmp_path / "listen").exists, what="a listening server")
    texte = f"trace {uuid.uuid4()}"
    caller = program(
        "call", ESSAI_OTLP=endpoint, ESSAI_ADDRESS=(tmp_path / "listen").read_text(),
        ESSAI_TEXTE=texte,
    )  # fmt: skip
    assert caller.wait(20) == 0
    waits_for_effects(texte)
    for process in (worker, server):
        process.terminate()
        assert process.wait(15) == 0
    found = {span["name"]: span for span in spans(path)}
    chain = [
        ("POST /essai", "essai-call", 2),
        ("/espacecitoyen.avis.v1.AvisService/GetMesAvis", "essai-call", 3),
        ("essai.GetMesAvis", "essai-serve", 2),
        ("publish carte_demandee.v1", "essai-worker-relay", 4),
        ("handle carte_demandee.v1", "essai-worker-relay", 5),
    ]
    assert {found[name]["traceId"] for name, _, _ in chain} == {found["POST /essai"]["traceId"]}
    assert [(found[name]["service"], found[name]["kind"]) for name, _, _ in chain] == [
        (service, kind) for _, service, kind in chain
    ]
    parent = ""
    for name, _, _ in chain:
        assert found[name].get("parentSpanId", "") == parent
        parent = found[name]["spanId"]
