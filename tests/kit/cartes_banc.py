"""A cartes service over real gRPC and PostgreSQL, inside the process of the tests."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from sqlalchemy import text

from chassis.db import make_engine
from chassis.discovery import StaticAddresses
from chassis.grpc_client import Remote
from espacecitoyen.cartes.v1 import cartes_service_pb2 as m
from espacecitoyen.cartes.v1.cartes_service_pb2_grpc import CartesServiceStub
from espacecitoyen.cartes.v1.code_service_pb2_grpc import CodeServiceStub
from espacecitoyen.cartes.v1.parcours_service_pb2_grpc import ParcoursServiceStub
from services.cartes import api, serve
from services.cartes.api import cartes
from services.cartes.config import Config
from tests.kit.cartes import CLE_SCELLE, SAISIE, StockageEnMemoire, ecrire_compte_google, une_chaine
from tests.kit.clock import FixedClock
from tests.kit.grpc import running
from tests.kit.identity import token

if TYPE_CHECKING:
    from pathlib import Path

    from sqlalchemy import Engine


class Stubs:
    """Every contract of the service over one channel: RPC names are unique over the process."""

    def __init__(self, channel: Any) -> None:
        for stub in (CartesServiceStub, ParcoursServiceStub, CodeServiceStub):
            vars(self).update(vars(stub(channel)))


@dataclass
class Banc:
    """A running cartes, its clock, its document space and a client."""

    servicer: cartes.Cartes
    horloge: FixedClock
    stockage: StockageEnMemoire
    engine: Engine
    client: Remote[Stubs]

    def appeler(self, rpc: str, request: Any, jeton: str) -> Any:
        return self.client.call(lambda stub: getattr(stub, rpc), request, token=jeton, deadline=10)

    def sql(self, question: str, **parametres: Any) -> list[Any]:
        with self.engine.connect() as connexion:
            return list(connexion.execute(text(question), parametres).all())

    def evenements(self) -> list[str]:
        return [ligne[0] for ligne in self.sql("SELECT routing_key FROM outbox ORDER BY id")]

    def deux_pieces(self) -> tuple[str, str]:
        return (
            self.stockage.deposer(str(uuid4()), "IDENTITE"),
            self.stockage.deposer(str(uuid4()), "RESIDENCE"),
        )

    def demander(self, compte: str, **changes: Any) -> m.Carte:
        if "piece_identite_id" not in changes:
            identite, residence = self.deux_pieces()
            changes = {
                "piece_identite_id": identite,
                "piece_residence_id": residence,
                **changes,
            }
        request = m.DemanderCarteRequest(
            **{"request_id": str(uuid4()), "titulaire": m.Titulaire(**SAISIE), **changes}
        )
        carte: m.Carte = self.appeler("DemanderCarte", request, citoyen(compte)).carte
        return carte

    def decider(
        self,
        demande: m.Demande,
        agent: str = "agent-1",
        refuses: Mapping[m.RolePiece.ValueType, m.MotifRefus.ValueType] | None = None,
    ) -> m.Demande:
        """Decide every proof that waits, on the version given; `refuses` maps role to reason."""
        refuses = refuses or {}
        request = m.DeciderDemandeRequest(
            request_id=str(uuid4()),
            demande_id=demande.demande_id,
            version=demande.version,
            decisions=[
                m.DecisionPiece(
                    role=piece.role,
                    acceptee=piece.role not in refuses,
                    motif=refuses.get(piece.role, m.MOTIF_REFUS_UNSPECIFIED),
                )
                for piece in demande.pieces
                if piece.statut == m.STATUT_PIECE_JUSTIFICATIVE_A_VERIFIER
            ],
        )
        decidee: m.Demande = self.appeler("DeciderDemande", request, agent_de(agent)).demande
        return decidee


def citoyen(compte: str) -> str:
    return token(compte, "citoyen")


def agent_de(agent: str) -> str:
    return token(agent, "agent_cartes", purpose="validation_carte")


def anonyme() -> str:
    return token("", "anonyme")


@contextmanager
def un_banc(config: Config, stockage: Any = None) -> Iterator[Banc]:
    """Start cartes; `stockage` is its adapter to the document space, in memory by default."""
    with ExitStack() as pile:
        engine = make_engine(config.database_url, name="cartes-essai", pool_size=16)
        pile.callback(engine.dispose)
        horloge, memoire = FixedClock(), StockageEnMemoire()
        compose = serve.composer(config, engine)
        champs = {nom: getattr(compose, nom) for nom in cartes.Cartes.__dataclass_fields__}
        servicer = cartes.Cartes(**{**champs, "horloge": horloge, "stockage": stockage or memoire})
        adresse = pile.enter_context(
            running(
                register=lambda server: serve.register(
                    server, servicer, config=config, engine=engine, horloge=horloge
                ),
                service=api.SERVICE,
                others=api.OTHERS,
                access=api.ACCESS,
                errors=api.ERRORS,
                name="cartes",
            )
        )
        client = Remote("cartes", stub=Stubs, addresses=StaticAddresses([adresse]))
        pile.callback(client.close)
        yield Banc(servicer, horloge, memoire, engine, client)


def une_config(database_url: str, dossier: Path, **changes: Any) -> Config:
    """Settings of a city with both wallets; their files are written in `dossier`."""
    chemins = une_chaine().ecrire(dossier)
    valeurs: dict[str, Any] = {
        "database_url": database_url,
        "adresses": {"stockage": "127.0.0.1:9"},
        "cle_scelle": base64.b64encode(CLE_SCELLE).decode(),
        "apple_certificat": chemins["certificat"],
        "apple_cle": chemins["cle"],
        "apple_wwdr": chemins["wwdr"],
        "google_compte": ecrire_compte_google(dossier),
        "google_emetteur": "3388000000012345678",
        "code_cle": base64.b64encode(CLE_SCELLE).decode(),
        "code_emetteur": "https://carte.exemple.ca",
    }
    return Config(**{**valeurs, **changes})
