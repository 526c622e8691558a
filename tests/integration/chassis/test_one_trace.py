import json
import uuid
from pathlib import Path
from typing import Any

import pytest

from deploy.places import free_ports
from tests.kit.identity import PRIVATE_KEY, PUBLIC_KEY

pytestmark = pytest.mark.integration


def spans(path: Path) -> list[Any]:
    if not path.exists():
        return []
    return [
        {**span, "service": _service(resource)}
        for line in path.read_text().splitlines()
        for resource in json.loads(line).get("resourceSpans", ())
        for scope in resource["scopeSpans"]
        for span in scope["spans"]
    ]


def _service(resource: Any) -> Any:
    attributes = resource["resource"]["attributes"]
    return next(a["value"]["stringValue"] for a in attributes if a["key"] == "service.name")


def test_one_trace_runs_from_the_caller_through_grpc_outbox_and_broker_to_the_handler(
    program, tmp_path, waits_for_effects
):
    path = tmp_path / "otlp.jsonl"
    texte = f"trace {uuid.uuid4()}"
    settings = {
        "ESSAI_OTLP": f"file:{path}",
        "ESSAI_LISTEN": f"127.0.0.1:{free_ports(1)}",
        "ESSAI_CLE_PRIVEE": PRIVATE_KEY.decode(),
        "ESSAI_CLE_PUBLIQUE": PUBLIC_KEY.decode(),
        "ESSAI_TEXTE": texte,
    }
    server = program("serve", "grpc_programs.py", **settings)
    worker = program("worker-relay", **settings)
    assert program("call", "grpc_programs.py", **settings).wait(60) == 0
    waits_for_effects(texte)
    for process in (worker, server):
        process.terminate()
        assert process.wait(30) == 0
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
