"""Contracts of avis: its error table, its access table, what it hears and what it tells."""

import inspect
import json
from datetime import timedelta
from pathlib import Path
from typing import Any, cast

import pytest
from google.protobuf.json_format import MessageToDict, ParseDict

from chassis.consumer import subscriptions
from espacecitoyen.avis.v1 import avis_service_pb2, evenements_pb2
from espacecitoyen.cartes.v1 import evenements_pb2 as cartes_pb2
from espacecitoyen.identite.v1 import evenements_pb2 as identite_pb2
from services.avis import api, domain, events
from tests.kit.avis import CLE_CARTES, CLE_IDENTITE, MAINTENANT

pytestmark = pytest.mark.contract

EXEMPLES = Path(__file__).resolve().parents[3] / "protos" / "exemples"
ENTENDUS = {
    "cartes": (
        cartes_pb2.CarteApprouvee,
        cartes_pb2.CarteDemandee,
        cartes_pb2.DemandeIncomplete,
    ),
    "identite": (
        identite_pb2.CompteActive,
        identite_pb2.CoordonneesValidees,
        identite_pb2.CourrielDemande,
    ),
}


def test_chaque_exception_du_domaine_a_sa_rangee():
    exceptions = {
        kind
        for _, kind in inspect.getmembers(domain, inspect.isclass)
        if issubclass(kind, Exception) and kind.__module__ == domain.__name__
    }
    assert exceptions == set(api.ERRORS)


def test_chaque_rpc_a_ses_roles():
    service = avis_service_pb2.DESCRIPTOR.services_by_name["AvisService"]
    assert set(api.ACCESS) == {method.name for method in service.methods}
    assert service.full_name == api.SERVICE


def test_les_abonnements_declares_sont_ceux_des_methodes():
    service: Any = events.build(
        expedition=cast("Any", None),  # no handler runs
        messagerie=cast("Any", None),
        cle_identite=CLE_IDENTITE,
        cle_cartes=CLE_CARTES,
        horloge=lambda: MAINTENANT,
        retention_donnees=timedelta(1),
        retention_envois=timedelta(1),
    )
    assert subscriptions(service) == events.SUBSCRIPTIONS
    assert service.name == "avis"


def test_les_etats_sont_ceux_du_contrat():
    noms = {f"STATUT_ENVOI_{etat}" for etat in domain.EtatEnvoi}
    assert noms | {"STATUT_ENVOI_UNSPECIFIED"} == set(avis_service_pb2.StatutEnvoi.keys())


def test_l_exemple_de_l_evenement_se_lit_et_se_reecrit_a_l_identique():
    exemple = json.loads((EXEMPLES / "avis" / "EnvoiTermine.v1.json").read_text())
    message = ParseDict(exemple, evenements_pb2.EnvoiTermine())
    assert MessageToDict(message, preserving_proto_field_name=True) == exemple
    assert domain.EtatEnvoi(message.statut)
    assert domain.Gabarit(message.gabarit)


@pytest.mark.parametrize(
    ("source", "kind"), [(source, kind) for source, kinds in ENTENDUS.items() for kind in kinds]
)
def test_les_exemples_des_autres_se_lisent(source, kind):
    fichiers = sorted((EXEMPLES / source).glob(f"{kind.DESCRIPTOR.name}.v1*.json"))
    assert fichiers, f"{source} keeps a sample of each event"
    for fichier in fichiers:
        exemple = json.loads(fichier.read_text())
        message = ParseDict(exemple | {"champ_de_demain": 1}, kind(), ignore_unknown_fields=True)
        assert message.compte_id
        for champ in ("gabarit", "langue", "canal"):
            if champ in kind.DESCRIPTOR.fields_by_name:
                assert getattr(domain, champ)(getattr(message, champ))
