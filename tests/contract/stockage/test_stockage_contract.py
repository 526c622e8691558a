"""What stockage promises on the wire: access, reasons, events."""

from __future__ import annotations

import importlib
import json
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from google.protobuf import descriptor_pool
from google.protobuf.json_format import MessageToDict, ParseDict
from sqlalchemy.orm import sessionmaker

from espacecitoyen.stockage.v1 import evenements_pb2, stockage_service_pb2
from services.stockage import api, domain

pytestmark = pytest.mark.contract

ROOT = Path(__file__).resolve().parents[3]
FACTS = [
    thing
    for thing in vars(domain).values()
    if isinstance(thing, type)
    and issubclass(thing, domain.FaitStockage)
    and thing is not domain.FaitStockage
]


@pytest.mark.parametrize("fact", FACTS)
def test_each_fact_has_a_row_of_its_own_with_its_own_reason(fact):
    assert api.ERRORS[fact].reason == fact.raison


def test_reasons_stand_in_the_readme():
    text = (ROOT / "services/stockage/README.md").read_text()
    assert [row.reason for row in api.ERRORS.values() if f"`{row.reason}`" not in text] == []


def test_each_rpc_says_who_may_call_it():
    services = [
        descriptor_pool.Default().FindServiceByName(name) for name in (api.SERVICE, *api.OTHERS)
    ]
    assert set(api.ACCESS) == {rpc.name for each in services for rpc in each.methods}
    assert {rpc for rpc, roles in api.ACCESS.items() if "*" in roles} == set()


EVENTS = [path.name.partition(".")[0] for path in (ROOT / "protos/exemples/stockage").iterdir()]


def test_every_event_has_a_golden_sample():
    assert set(evenements_pb2.DESCRIPTOR.message_types_by_name) == set(EVENTS)


@pytest.mark.parametrize("name", EVENTS)
def test_events_read_their_golden_sample_and_ignore_what_is_newer(name):
    sample = json.loads((ROOT / f"protos/exemples/stockage/{name}.v1.json").read_text())
    message = getattr(evenements_pb2, name)
    newer = ParseDict({**sample, "plus_tard": 1}, message(), ignore_unknown_fields=True)
    assert MessageToDict(newer, preserving_proto_field_name=True) == sample


def test_enums_of_the_domain_and_of_the_contract_are_the_same():
    for kind, prefix, wire in (
        (domain.StatutPiece, "STATUT_PIECE_", stockage_service_pb2.StatutPiece),
        (domain.GenrePiece, "GENRE_PIECE_", stockage_service_pb2.GenrePiece),
        (domain.EtatValidite, "ETAT_VALIDITE_", stockage_service_pb2.EtatValidite),
        (domain.TriPiece, "TRI_PIECE_", stockage_service_pb2.TriPiece),
        (domain.QualiteLecteur, "QUALITE_LECTEUR_", stockage_service_pb2.QualiteLecteur),
    ):
        names = {name.removeprefix(prefix) for name in wire.keys()}  # noqa: SIM118 - not a dict
        assert names - {"UNSPECIFIED"} == {member.value for member in kind}


@pytest.mark.filterwarnings("ignore:\\nEventlet is deprecated:Warning")
def test_queues_are_those_of_the_handlers():
    events = importlib.import_module("services.stockage.events")
    consumer = importlib.import_module("chassis.consumer")
    service = events.build(
        sessions=sessionmaker(),
        lancer=lambda _: None,
        horloge=lambda: datetime.now(UTC),
        validite=domain.Validite(zone=ZoneInfo("America/Toronto"), rappel_jours=30),
        reprise_s=1,
        balayage_s=1,
        conservation_s=1,
        rappel_s=1,
        reexamen_s=1,
    )
    assert consumer.subscriptions(service) == events.SUBSCRIPTIONS
