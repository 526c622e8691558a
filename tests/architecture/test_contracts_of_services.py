"""Contracts, access tables, error tables, subscriptions and golden samples agree."""

from __future__ import annotations

import importlib
import json
import subprocess
import sys
from pathlib import Path

import pytest
from google.protobuf import json_format

pytestmark = pytest.mark.architecture

ROOT = Path(__file__).resolve().parents[2]
SERVICES = ("identite", "cartes", "demandes", "avis", "stockage")
# Parts of other messages: they never travel alone.
NESTED = {"PieceRefusee"}


def methods(service: str):
    """Every RPC of a service, of all the contracts in its folder."""
    folder = ROOT / "protos" / "espacecitoyen" / service / "v1"
    modules = [
        importlib.import_module(f"espacecitoyen.{service}.v1.{path.stem}_pb2")
        for path in sorted(folder.glob("*.proto"))
    ]
    contracts = [each for module in modules for each in module.DESCRIPTOR.services_by_name.values()]
    return [method for each in contracts for method in each.methods]


def events(service: str):
    """Event message classes of a service, by name."""
    module = importlib.import_module(f"espacecitoyen.{service}.v1.evenements_pb2")
    return {name: getattr(module, name) for name in module.DESCRIPTOR.message_types_by_name}


@pytest.mark.parametrize("service", SERVICES)
def test_every_rpc_says_who_may_call_it(service):
    api = importlib.import_module(f"services.{service}.api")
    assert set(api.ACCESS) == {method.name for method in methods(service)}


@pytest.mark.parametrize("service", SERVICES)
def test_every_write_takes_a_request_id(service):
    reads = ("Get", "List", "Lire", "Telecharger", "Obtenir", "Verifier", "Ouvrir", "Fermer")
    streamed = {"DeposerPiece"}  # its request_id is in the first part
    for method in methods(service):
        if not method.name.startswith(reads) and method.name not in streamed:
            assert "request_id" in method.input_type.fields_by_name, method.name


@pytest.mark.parametrize("service", SERVICES)
def test_every_event_has_its_golden_sample(service):
    for name, message in events(service).items():
        if name in NESTED:
            continue
        sample = ROOT / "protos" / "exemples" / service / f"{name}.v1.json"
        assert sample.exists(), f"{sample.relative_to(ROOT)} is missing"
        parsed = json_format.ParseDict(json.loads(sample.read_text()), message())
        written = json_format.MessageToDict(parsed, preserving_proto_field_name=True)
        assert written == json.loads(sample.read_text())
        filled = {field.name for field, _ in parsed.ListFields()}
        assert filled == set(message.DESCRIPTOR.fields_by_name), f"{name}: fill every field"


def test_subscriptions_name_events_that_exist():
    # A worker's modules may not be loaded beside grpc (ADR-0002): another process reads them.
    script = (
        "import importlib, json\n"
        "rows = []\n"
        f"for service in {SERVICES!r}:\n"
        "    module = importlib.import_module(f'services.{service}.events')\n"
        "    rows += [(s.consumer, s.source, s.event) for s in module.SUBSCRIPTIONS]\n"
        "print(json.dumps(rows))\n"
    )
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", script],
        cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    known = {
        (service, "".join(f"_{c.lower()}" if c.isupper() else c for c in name).lstrip("_") + ".v1")
        for service in SERVICES
        for name in events(service)
    }
    rows = json.loads(done.stdout.splitlines()[-1])
    assert rows, "nobody listens to anybody"
    for consumer, source, event in rows:
        assert consumer in SERVICES
        assert (source, event) in known


@pytest.mark.parametrize("service", SERVICES)
def test_every_exception_of_the_domain_has_a_row(service):
    api = importlib.import_module(f"services.{service}.api")
    domain = importlib.import_module(f"services.{service}.domain")
    facts = {
        thing
        for thing in vars(domain).values()
        if isinstance(thing, type)
        and issubclass(thing, Exception)
        and thing.__module__.startswith(f"services.{service}.domain")
    }
    uncovered = {
        fact.__name__ for fact in facts if not any(issubclass(fact, row) for row in api.ERRORS)
    }
    assert uncovered == set()
