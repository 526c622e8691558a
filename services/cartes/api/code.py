"""The gRPC side of verification without asking: keys and status lists (CAR-16)."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

import grpc

from chassis.db import Sessions
from chassis.grpc_server import ErrorRow
from espacecitoyen.cartes.v1 import code_service_pb2 as messages
from espacecitoyen.cartes.v1.code_service_pb2_grpc import (
    CodeServiceServicer,
    add_CodeServiceServicer_to_server,
)
from services.cartes import domain, use_cases
from services.cartes.domain import Regles

SERVICE = messages.DESCRIPTOR.services_by_name["CodeService"].full_name

# Public by nature: whoever asks learns nothing of whose card is checked.
_TOUS = frozenset({"anonyme", "citoyen"})
ACCESS: dict[str, frozenset[str]] = {"ListClesPubliques": _TOUS, "GetListeStatuts": _TOUS}

_Code = grpc.StatusCode
ERRORS: dict[type[Exception], ErrorRow] = {
    domain.CodesNonOfferts: ErrorRow(_Code.FAILED_PRECONDITION, "CODES_NON_OFFERTS"),
    domain.ListeInconnue: ErrorRow(_Code.NOT_FOUND, "LISTE_INCONNUE"),
}


@dataclass(frozen=True, kw_only=True)
class Code(CodeServiceServicer):
    """The servicer. `horloge` gives the time, once per call; `lectures` are AUTOCOMMIT sessions."""

    sessions: Sessions
    lectures: Sessions
    codes: use_cases.Codes | None
    regles: Regles
    horloge: Callable[[], datetime]

    def ListClesPubliques(  # noqa: N802  (named by the contract)
        self, request: messages.ListClesPubliquesRequest, context: grpc.ServicerContext
    ) -> messages.ListClesPubliquesResponse:
        """The public keys."""
        del request, context
        if self.codes is None:
            return messages.ListClesPubliquesResponse()
        cles = use_cases.lister_cles(
            lectures=self.lectures, regles=self.regles, maintenant=self.horloge()
        )
        reponse = messages.ListClesPubliquesResponse(emetteur=self.codes.emetteur)
        for cle in cles:
            x, y = self.codes.coordonnees(cle)
            reponse.cles.add(kid=cle.kid, x=x, y=y, annee=cle.annee)
        return reponse

    def GetListeStatuts(  # noqa: N802  (named by the contract)
        self, request: messages.GetListeStatutsRequest, context: grpc.ServicerContext
    ) -> messages.GetListeStatutsResponse:
        """One status list."""
        del context
        contenu = use_cases.lire_liste(
            sessions=self.sessions,
            codes=self.codes,
            regles=self.regles,
            liste_id=request.liste_id,
            maintenant=self.horloge(),
        )
        return messages.GetListeStatutsResponse(
            contenu=contenu, rafraichir_s=int(use_cases.RAFRAICHIR.total_seconds())
        )


def register(server: grpc.Server, servicer: Code) -> None:
    """Add the servicer to a server."""
    add_CodeServiceServicer_to_server(servicer, server)
