"""The promises of identite to other processes: rules of access, reasons, events."""

from __future__ import annotations

import base64
import importlib
import json
import pkgutil
from pathlib import Path

import pytest
from google.protobuf import descriptor_pool, json_format

from espacecitoyen.identite.v1 import evenements_pb2, identite_service_pb2
from services.identite import api, domain

pytestmark = pytest.mark.contract

EXEMPLES = Path(__file__).resolve().parents[3] / "protos" / "exemples" / "identite"
EVENEMENTS = sorted(evenements_pb2.DESCRIPTOR.message_types_by_name)


def test_every_rpc_has_a_rule_of_access():
    service = identite_service_pb2.DESCRIPTOR.services_by_name["IdentiteService"]
    assert service.full_name == api.SERVICE
    services = [
        descriptor_pool.Default().FindServiceByName(name) for name in (api.SERVICE, *api.OTHERS)
    ]
    assert set(api.ACCESS) == {rpc.name for each in services for rpc in each.methods}


def test_a_profile_is_never_read_without_a_session():
    assert not api.ACCESS["GetProfil"] & {"*", "anonyme"}


def test_every_fact_of_the_domain_has_a_reason():
    faits = set()
    for info in pkgutil.walk_packages(domain.__path__, f"{domain.__name__}."):
        module = importlib.import_module(info.name)
        faits |= {
            chose
            for chose in vars(module).values()
            if isinstance(chose, type)
            and issubclass(chose, Exception)
            and chose.__module__ == info.name
        }
    # A field's refusal always leaves the domain inside DonneesInvalides.
    internes = {fait for fait in faits if fait.__name__ == "ChampInvalide"}
    assert faits - internes == set(api.ERRORS)


def test_reasons_are_distinct_and_described():
    raisons = [row.reason for row in api.ERRORS.values()]
    lisez_moi = (Path(api.__file__).parents[1] / "README.md").read_text()
    assert len(set(raisons)) == len(raisons)
    assert [raison for raison in raisons if f"`{raison}`" not in lisez_moi] == []


@pytest.mark.parametrize("nom", EVENEMENTS)
def test_a_golden_event_is_read_by_the_current_code(nom):
    exemple = json.loads((EXEMPLES / f"{nom}.v1.json").read_text())
    lu = json_format.ParseDict(exemple, getattr(evenements_pb2, nom)())
    assert json_format.MessageToDict(lu, preserving_proto_field_name=True) == exemple


@pytest.mark.parametrize("nom", EVENEMENTS)
def test_a_later_field_does_not_break_a_reader(nom):
    exemple = json.loads((EXEMPLES / f"{nom}.v1.json").read_text()) | {"champ_futur": "x"}
    json_format.ParseDict(exemple, getattr(evenements_pb2, nom)(), ignore_unknown_fields=True)


def test_golden_sealed_fields_are_in_the_sealed_format():
    for nom in ("CourrielDemande", "CoordonneesValidees"):
        exemple = json.loads((EXEMPLES / f"{nom}.v1.json").read_text())
        assert base64.b64decode(exemple["scelle"])[:1] == b"\x01"
