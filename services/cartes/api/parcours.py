"""The gRPC side of what a holder does with a card that exists (CAR-03, 09)."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

import grpc

from chassis.db import Sessions
from chassis.grpc_server import ErrorRow, caller
from espacecitoyen.cartes.v1 import cartes_service_pb2
from espacecitoyen.cartes.v1 import parcours_service_pb2 as messages
from espacecitoyen.cartes.v1.parcours_service_pb2_grpc import (
    ParcoursServiceServicer,
    add_ParcoursServiceServicer_to_server,
)
from services.cartes import domain, use_cases
from services.cartes.api.cartes import carte_du_contrat, piece_id
from services.cartes.domain import Regles, RolePiece, jour_local, lire_preuve
from services.cartes.persistence import CarteLue, identifiant

SERVICE = messages.DESCRIPTOR.services_by_name["ParcoursService"].full_name

_CITOYEN = frozenset({"citoyen"})
ACCESS: dict[str, frozenset[str]] = {
    "AssocierCarte": _CITOYEN,
    "RenouvelerCarte": _CITOYEN,
}

_Code = grpc.StatusCode
ERRORS: dict[type[Exception], ErrorRow] = {
    domain.AssociationRefusee: ErrorRow(_Code.NOT_FOUND, "ASSOCIATION_REFUSEE"),
    domain.CarteDejaAssociee: ErrorRow(_Code.ALREADY_EXISTS, "CARTE_DEJA_ASSOCIEE"),
    domain.TropDeTentatives: ErrorRow(_Code.RESOURCE_EXHAUSTED, "TROP_DE_TENTATIVES"),
    domain.CarteTropTotRenouvelee: ErrorRow(_Code.FAILED_PRECONDITION, "RENOUVELLEMENT_TROP_TOT"),
    domain.CarteTropTardRenouvelee: ErrorRow(_Code.FAILED_PRECONDITION, "RENOUVELLEMENT_TROP_TARD"),
    domain.RenouvellementDejaDemande: ErrorRow(_Code.ALREADY_EXISTS, "RENOUVELLEMENT_DEJA_DEMANDE"),
}


@dataclass(frozen=True, kw_only=True)
class Parcours(ParcoursServiceServicer):
    """The servicer. `horloge` gives the time, once per call."""

    sessions: Sessions
    stockage: use_cases.Stockage
    regles: Regles
    cle_scelle: bytes
    codes: use_cases.Codes | None
    horloge: Callable[[], datetime]

    def AssocierCarte(  # noqa: N802  (named by the contract)
        self, request: messages.AssocierCarteRequest, context: grpc.ServicerContext
    ) -> messages.AssocierCarteResponse:
        """Join a physical card to the caller's account."""
        del context
        maintenant = self.horloge()
        lue = use_cases.associer_carte(
            sessions=self.sessions,
            regles=self.regles,
            cle_scelle=self.cle_scelle,
            codes=self.codes,
            request_id=request.request_id,
            compte_id=caller().subject,
            preuve=lire_preuve(
                numero=request.numero,
                date_naissance=request.date_naissance,
                code_postal=request.code_postal,
                jour=jour_local(maintenant, self.regles.zone),
            ),
            carte_physique=request.carte_physique,
            maintenant=maintenant,
        )
        return messages.AssocierCarteResponse(carte=self._carte(lue, maintenant))

    def RenouvelerCarte(  # noqa: N802  (named by the contract)
        self, request: messages.RenouvelerCarteRequest, context: grpc.ServicerContext
    ) -> messages.RenouvelerCarteResponse:
        """Ask for two more years on the same card."""
        del context
        maintenant = self.horloge()
        donnees = (
            (RolePiece.RESIDENCE, request.piece_residence_id),
            (RolePiece.IDENTITE, request.piece_identite_id),
        )
        lue = use_cases.renouveler_carte(
            sessions=self.sessions,
            stockage=self.stockage,
            regles=self.regles,
            request_id=request.request_id,
            compte_id=caller().subject,
            carte_id=identifiant(request.carte_id, domain.CarteIntrouvable),
            adresse={
                "adresse": request.adresse.adresse,
                "ville": request.adresse.ville,
                "code_postal": request.adresse.code_postal,
            },
            pieces={role: piece_id(donnee, role) for role, donnee in donnees if donnee},
            carte_physique=request.carte_physique,
            maintenant=maintenant,
        )
        return messages.RenouvelerCarteResponse(carte=self._carte(lue, maintenant))

    def _carte(self, lue: CarteLue, maintenant: datetime) -> cartes_service_pb2.Carte:
        jour = jour_local(maintenant, self.regles.zone)
        return carte_du_contrat(lue.carte, lue.demande, jour, self.regles)


def register(server: grpc.Server, servicer: Parcours) -> None:
    """Add the servicer to a server."""
    add_ParcoursServiceServicer_to_server(servicer, server)
