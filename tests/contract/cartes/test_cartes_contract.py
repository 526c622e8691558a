"""What cartes promises on the wire: access, reasons, enums, events, queues."""

from __future__ import annotations

import importlib
import inspect
import json
from pathlib import Path
from typing import Any
from unittest.mock import sentinel

import pytest
from google.protobuf import descriptor_pool
from google.protobuf.json_format import MessageToDict, ParseDict

from chassis.outbox import address
from espacecitoyen.cartes.v1 import cartes_service_pb2, evenements_pb2
from services.cartes import api, domain
from services.cartes.domain import faits

pytestmark = pytest.mark.contract

RACINE = Path(__file__).resolve().parents[3]
FAITS = [
    chose
    for nom, chose in vars(faits).items()
    if inspect.isclass(chose) and issubclass(chose, Exception) and not nom.startswith("_")
]
EVENEMENTS = [
    "CarteDemandee",
    "CarteApprouvee",
    "DemandeIncomplete",
    "PieceRemplacee",
    "DemandeConsultee",
    "CarteAssociee",
    "AssociationRefusee",
    "RenouvellementDemande",
    "CarteRenouvelee",
    "RappelEcheance",
]


@pytest.mark.parametrize("fait", FAITS)
def test_chaque_fait_du_domaine_a_sa_ligne(fait: type[Exception]) -> None:
    assert fait in api.ERRORS
    assert getattr(domain, fait.__name__) is fait


def test_chaque_raison_est_dans_le_readme() -> None:
    texte = (RACINE / "services/cartes/README.md").read_text(encoding="utf-8")
    assert [r.reason for r in api.ERRORS.values() if f"`{r.reason}`" not in texte] == []
    raisons = [ligne.reason for ligne in api.ERRORS.values()]
    assert len(set(raisons)) == len(raisons)


def test_chaque_rpc_dit_qui_peut_l_appeler() -> None:
    services = [
        descriptor_pool.Default().FindServiceByName(nom) for nom in (api.SERVICE, *api.OTHERS)
    ]
    assert set(api.ACCESS) == {rpc.name for chaque in services for rpc in chaque.methods}
    assert not any("*" in roles for roles in api.ACCESS.values())
    ouverts = {rpc for rpc, roles in api.ACCESS.items() if "anonyme" in roles}
    assert ouverts == {
        "TelechargerPasse",
        "ObtenirLienGoogle",
        "ListClesPubliques",
        "GetListeStatuts",
    }


@pytest.mark.parametrize(
    ("enum", "prefixe", "message"),
    [
        (domain.StatutCarte, "STATUT_CARTE_", cartes_service_pb2.StatutCarte),
        (domain.StatutDemande, "STATUT_DEMANDE_", cartes_service_pb2.StatutDemande),
        (domain.GenreDemande, "GENRE_DEMANDE_", cartes_service_pb2.GenreDemande),
        (domain.RolePiece, "ROLE_PIECE_", cartes_service_pb2.RolePiece),
        (domain.MotifRefus, "MOTIF_REFUS_", cartes_service_pb2.MotifRefus),
        (
            domain.StatutPieceJustificative,
            "STATUT_PIECE_JUSTIFICATIVE_",
            cartes_service_pb2.StatutPieceJustificative,
        ),
    ],
)
def test_enums_du_domaine_et_du_contrat_sont_les_memes(
    enum: Any, prefixe: str, message: Any
) -> None:
    noms = {descripteur.name for descripteur in message.DESCRIPTOR.values}
    assert noms == {f"{prefixe}UNSPECIFIED", *(f"{prefixe}{membre.value}" for membre in enum)}


@pytest.mark.parametrize("nom", EVENEMENTS)
def test_evenement_relit_son_exemple_et_ignore_ce_qui_est_plus_recent(nom: str) -> None:
    chemin = RACINE / f"protos/exemples/cartes/{nom}.v1.json"
    exemple = json.loads(chemin.read_text(encoding="utf-8"))
    lu = ParseDict(
        {**exemple, "plus_tard": 1}, getattr(evenements_pb2, nom)(), ignore_unknown_fields=True
    )
    assert MessageToDict(lu, preserving_proto_field_name=True) == exemple
    # A sample names every field of its version: one that is left out would be tested by nobody.
    assert set(exemple) == {champ.name for champ in lu.DESCRIPTOR.fields}
    assert address(lu.DESCRIPTOR)[0] == "cartes"


def test_tous_les_evenements_publies_ont_leur_exemple() -> None:
    messages = set(evenements_pb2.DESCRIPTOR.message_types_by_name) - {"PieceRefusee"}
    assert messages == set(EVENEMENTS)


def test_evenements_sans_donnee_personnelle() -> None:
    interdits = {"nom", "prenom", "courriel", "adresse", "date_naissance", "code_postal", "numero"}
    for nom in EVENEMENTS:
        champs = {champ.name for champ in getattr(evenements_pb2, nom).DESCRIPTOR.fields}
        assert not champs & interdits


@pytest.mark.filterwarnings("ignore:\\nEventlet is deprecated:Warning")
def test_abonnements_declares_sont_ceux_de_la_classe() -> None:
    events = importlib.import_module("services.cartes.events")
    consumer = importlib.import_module("chassis.consumer")
    classe = events.build(
        sessions=sentinel.sessions, regles=sentinel.regles, horloge=sentinel.horloge
    )
    assert consumer.subscriptions(classe) == events.SUBSCRIPTIONS
    assert classe.name == "cartes"
