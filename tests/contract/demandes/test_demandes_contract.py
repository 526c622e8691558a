"""Contracts of demandes: its error table, its access table and what it tells."""

import inspect
import json
from pathlib import Path

import pytest
from google.protobuf.json_format import MessageToDict, ParseDict

from chassis.consumer import subscriptions
from espacecitoyen.demandes.v1 import demandes_service_pb2, evenements_pb2
from services.demandes import api, domain, events

pytestmark = pytest.mark.contract

EXEMPLES = Path(__file__).resolve().parents[3] / "protos" / "exemples"


def test_chaque_exception_du_domaine_a_sa_rangee():
    exceptions = {
        kind
        for _, kind in inspect.getmembers(domain, inspect.isclass)
        if issubclass(kind, Exception) and kind.__module__ == domain.__name__
    }
    assert exceptions == set(api.ERRORS)


def test_chaque_rpc_a_ses_roles():
    service = demandes_service_pb2.DESCRIPTOR.services_by_name["DemandesService"]
    assert set(api.ACCESS) == {method.name for method in service.methods}
    assert service.full_name == api.SERVICE


def test_les_abonnements_declares_sont_ceux_des_methodes():
    assert subscriptions(events.build()) == events.SUBSCRIPTIONS


def test_l_exemple_de_l_evenement_se_lit_et_se_reecrit_a_l_identique():
    exemple = json.loads((EXEMPLES / "demandes" / "TypeDemandePublie.v1.json").read_text())
    message = ParseDict(exemple, evenements_pb2.TypeDemandePublie())
    assert MessageToDict(message, preserving_proto_field_name=True) == exemple
