"""The gRPC side of the chassis tests: a server whose one RPC appends an event, and its caller."""

import os
import socket
import sys
import time

from chassis import grpc_server, outbox, telemetry
from chassis.db import make_engine, make_sessions
from chassis.discovery import StaticAddresses
from chassis.grpc_client import Remote
from chassis.identity import TokenMinter, TokenVerifier
from espacecitoyen.avis.v1 import avis_service_pb2_grpc as rpc
from espacecitoyen.avis.v1.avis_service_pb2 import GetMesAvisRequest, GetMesAvisResponse
from espacecitoyen.cartes.v1.evenements_pb2 import CarteDemandee

LISTEN = os.environ["ESSAI_LISTEN"]
TEXTE = os.environ["ESSAI_TEXTE"]
SESSIONS = make_sessions(make_engine(os.environ["ESSAI_DATABASE_URL"], name="essai"))


class Servicer(rpc.AvisServiceServicer):
    def GetMesAvis(self, _request, _context):  # noqa: N802
        with SESSIONS.begin() as session:
            outbox.append(session, CarteDemandee(carte_id=TEXTE), aggregate="1")
        return GetMesAvisResponse()


def serve() -> int:
    return grpc_server.run(
        name="essai",
        listen=LISTEN,
        register=lambda server: rpc.add_AvisServiceServicer_to_server(Servicer(), server),
        service="espacecitoyen.avis.v1.AvisService",
        access={"GetMesAvis": frozenset({"citoyen"})},
        errors={},
        verifier=TokenVerifier(os.environ["ESSAI_CLE_PUBLIQUE"].encode()),
        healthy=lambda: True,
    )


def call() -> int:
    """Call as the gateway does: inside the span of a browser's request."""
    remote = Remote("essai", stub=rpc.AvisServiceStub, addresses=StaticAddresses([LISTEN]))
    minter = TokenMinter(os.environ["ESSAI_CLE_PRIVEE"].encode())
    token = minter.mint(subject="c", roles=["citoyen"])
    while not _listening():
        time.sleep(0.1)  # the server of the other process is starting
    with telemetry.span("POST /essai", "server"):
        request = GetMesAvisRequest()
        remote.call(lambda stub: stub.GetMesAvis, request, token=token, deadline=20)
    telemetry.shutdown()
    return 0


def _listening() -> bool:
    host, _, port = LISTEN.rpartition(":")
    with socket.socket() as probe:
        return probe.connect_ex((host, int(port))) == 0


if __name__ == "__main__":
    telemetry.setup(f"essai-{sys.argv[1]}", endpoint=os.environ["ESSAI_OTLP"])
    sys.exit({"serve": serve, "call": call}[sys.argv[1]]())
