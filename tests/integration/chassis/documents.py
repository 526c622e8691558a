"""A service that the tests of calls run: its answers, its failures, and how to ask it."""

import threading
from typing import Any, ClassVar

import grpc
from sqlalchemy.exc import OperationalError

from chassis import grpc_server
from chassis.current import caller, remaining
from chassis.grpc_client import RemoteError
from chassis.grpc_server import ErrorRow
from chassis.idempotency import InvalidRequestId, RequestIdReused
from espacecitoyen.stockage.v1 import stockage_service_pb2 as pb
from espacecitoyen.stockage.v1.stockage_service_pb2_grpc import (
    StockageServiceServicer,
    add_StockageServiceServicer_to_server,
)
from tests.kit.identity import VERIFIER, token

SERVICE = "espacecitoyen.stockage.v1.StockageService"
ACCESS = {
    "DeposerPiece": frozenset({"citoyen"}),
    "ListPieces": frozenset({"*"}),
    "GetPiece": frozenset({"citoyen", "agent_cartes"}),
    "LirePiece": frozenset({"citoyen"}),
    "ModifierPiece": frozenset({"admin"}),
    "SupprimerPiece": frozenset({"citoyen"}),
    "RetenirPieces": frozenset({"citoyen"}),
    "LibererPieces": frozenset({"citoyen"}),
    "ListVersions": frozenset({"citoyen"}),
    "ListUtilisations": frozenset({"citoyen"}),
    "ListConsultations": frozenset({"citoyen"}),
    "LireEspace": frozenset({"citoyen"}),
    "EffacerEspace": frozenset({"citoyen"}),
}


class PieceAbsente(Exception):
    def __init__(self, piece_id: str = "") -> None:
        super().__init__("une phrase avec courriel@exemple.org")
        self.piece_id = piece_id

    def details(self) -> dict[str, str]:
        return {"piece_id": self.piece_id}


class PieceAbsenteIci(PieceAbsente):
    pass


class DonneesInvalides(Exception):
    fields: ClassVar = {"libelle": "TROP_LONG", "genre": "INCONNU"}


ERRORS = {
    PieceAbsente: ErrorRow(grpc.StatusCode.NOT_FOUND, "PIECE_INTROUVABLE"),
    DonneesInvalides: ErrorRow(grpc.StatusCode.INVALID_ARGUMENT, "DONNEES_INVALIDES"),
}
FAILURES = {
    "absente": PieceAbsente("42"),
    "absente-ici": PieceAbsenteIci("43"),
    "invalide": DonneesInvalides(),
    "reutilise": RequestIdReused(),
    "mauvais-id": InvalidRequestId(),
    "base": OperationalError("SELECT", {}, Exception("secret")),
    "autre-muet": RemoteError("stockage", grpc.StatusCode.UNAVAILABLE, "INDISPONIBLE"),
    "autre": RemoteError("stockage", grpc.StatusCode.NOT_FOUND, "X"),
    "imprevu": KeyError("courriel@exemple.org"),
}


class Servicer(StockageServiceServicer):
    def __init__(self, name: str = "") -> None:
        self.name = name
        self.calls = 0
        self.seen: list[object] = []
        self.release = threading.Event()
        self.entered = threading.Event()

    def _unused(self, _request, _context):
        raise NotImplementedError  # no test of the calls asks them

    ModifierPiece = SupprimerPiece = RetenirPieces = LibererPieces = _unused
    ListVersions = ListUtilisations = ListConsultations = LireEspace = EffacerEspace = _unused

    def ListPieces(self, _request, _context):  # noqa: N802
        self.calls += 1
        self.seen.append((caller(), remaining()))
        return pb.ListPiecesResponse(next_page_token=self.name or caller().subject)

    def GetPiece(self, request, _context):  # noqa: N802
        self.calls += 1
        if request.piece_id == "lent":
            self.entered.set()
            self.release.wait(10)
            return pb.GetPieceResponse()
        if request.piece_id == "deux-fois" and self.calls < 3:
            raise FAILURES["base"]
        if request.piece_id in FAILURES:
            raise FAILURES[request.piece_id]
        return pb.GetPieceResponse(piece=pb.Piece(piece_id=request.piece_id))

    def LirePiece(self, request, _context):  # noqa: N802
        self.seen.append(caller().subject)
        for number in range(5):
            if request.piece_id == "coupe" and number == 2:
                raise PieceAbsente("44")
            yield pb.LirePieceResponse(bloc=b"%d" % number)

    def DeposerPiece(self, request_iterator, _context):  # noqa: N802
        size = sum(len(request.bloc) for request in request_iterator)
        if size == 0:
            raise DonneesInvalides
        return pb.DeposerPieceResponse(piece=pb.Piece(taille_octets=size))


def serve(
    servicer: Any,
    *,
    healthy: Any = lambda: True,
    listen: str = "127.0.0.1:0",
    access: Any = None,
) -> grpc_server.Running:
    return grpc_server.start(
        name="essai",
        listen=listen,
        register=lambda server: add_StockageServiceServicer_to_server(servicer, server),
        service=SERVICE,
        access=access or ACCESS,
        errors=ERRORS,
        verifier=VERIFIER,
        healthy=healthy,
        workers=8,
    )


CITIZEN = token("citoyen-1", "citoyen")


def get(remote, piece_id: str, **more):
    more = {"token": CITIZEN, **more}
    return remote.call(lambda stub: stub.GetPiece, pb.GetPieceRequest(piece_id=piece_id), **more)
