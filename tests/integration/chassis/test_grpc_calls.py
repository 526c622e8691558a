import logging
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, ClassVar

import grpc
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from google.protobuf.descriptor_pool import DescriptorPool
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import (
    ProtoReflectionDescriptorDatabase,
)
from sqlalchemy.exc import OperationalError

from chassis import grpc_server
from chassis.current import caller, remaining
from chassis.discovery import StaticAddresses
from chassis.grpc_client import Remote, RemoteError
from chassis.grpc_server import ErrorRow
from chassis.idempotency import InvalidRequestId, RequestIdReused
from chassis.identity import TokenMinter
from espacecitoyen.stockage.v1 import stockage_service_pb2 as pb
from espacecitoyen.stockage.v1.stockage_service_pb2_grpc import (
    StockageServiceServicer,
    StockageServiceStub,
    add_StockageServiceServicer_to_server,
)
from tests.kit.identity import PRIVATE_KEY, VERIFIER, token
from tests.kit.wait import wait_until

pytestmark = pytest.mark.integration

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
        raise NotImplementedError

    ModifierPiece = SupprimerPiece = RetenirPieces = LibererPieces = _unused

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


@pytest.fixture
def servicer():
    return Servicer()


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


@pytest.fixture
def server(servicer):
    running = serve(servicer)
    yield running
    servicer.release.set()
    running.stop(1.0)


@pytest.fixture
def remote(server):
    remote = Remote(
        "stockage", stub=StockageServiceStub, addresses=StaticAddresses([server.address])
    )
    yield remote
    remote.close()


CITIZEN = token("citoyen-1", "citoyen")


def get(remote, piece_id: str, **more):
    more = {"token": CITIZEN, **more}
    return remote.call(lambda stub: stub.GetPiece, pb.GetPieceRequest(piece_id=piece_id), **more)


def test_the_servicer_knows_its_caller_and_its_time(remote, servicer):
    asker = token("a", "citoyen", "agent_cartes", acting_for="b", purpose="p", session="s")
    answer = remote.call(
        lambda stub: stub.ListPieces, pb.ListPiecesRequest(), token=asker, deadline=1.5
    )
    assert answer.next_page_token == "a"
    [(seen, left)] = servicer.seen
    assert (seen.subject, seen.roles) == ("a", {"citoyen", "agent_cartes"})
    assert (seen.acting_for, seen.purpose, seen.session) == ("b", "p", "s")
    assert seen.token == asker
    assert 1.0 < left <= 1.5


def test_outside_a_call_there_is_no_caller_and_no_limit():
    with pytest.raises(LookupError):
        caller()
    assert remaining() == float("inf")


@pytest.mark.parametrize(
    ("piece_id", "code", "reason", "metadata", "fields"),
    [
        ("absente", "NOT_FOUND", "PIECE_INTROUVABLE", {"piece_id": "42"}, {}),
        ("absente-ici", "NOT_FOUND", "PIECE_INTROUVABLE", {"piece_id": "43"}, {}),
        (
            "invalide",
            "INVALID_ARGUMENT",
            "DONNEES_INVALIDES",
            {},
            {"libelle": "TROP_LONG", "genre": "INCONNU"},
        ),
        ("reutilise", "ALREADY_EXISTS", "REQUEST_ID_REUTILISE", {}, {}),
        (
            "mauvais-id",
            "INVALID_ARGUMENT",
            "REQUEST_ID_INVALIDE",
            {},
            {"request_id": "REQUEST_ID_INVALIDE"},
        ),
        ("base", "UNAVAILABLE", "INDISPONIBLE", {}, {}),
        ("autre-muet", "UNAVAILABLE", "INDISPONIBLE", {}, {}),
        ("autre", "INTERNAL", "INTERNE", {}, {}),
        ("imprevu", "INTERNAL", "INTERNE", {}, {}),
    ],
)
def test_the_error_table_goes_over_the_wire(remote, piece_id, code, reason, metadata, fields):
    with pytest.raises(RemoteError) as failed:
        get(remote, piece_id)
    error = failed.value
    assert (error.code.name, error.reason, error.domain) == (code, reason, "essai")
    assert (error.metadata, error.fields, error.service) == (metadata, fields, "stockage")
    # The text of the exception stays at home.
    assert "exemple.org" not in str(error)


def test_a_raw_client_reads_the_same_status(server):
    with grpc.insecure_channel(server.address) as channel:
        stub = StockageServiceStub(channel)
        with pytest.raises(grpc.RpcError) as failed:
            stub.GetPiece(
                pb.GetPieceRequest(piece_id="imprevu"),
                timeout=2,
                metadata=(("authorization", f"Bearer {CITIZEN}"),),
            )
    assert failed.value.details() == "INTERNE"
    # As text: gRPC's binary details show their ASCII parts so.
    assert "exemple.org" not in str(failed.value.trailing_metadata())


def other_minter() -> TokenMinter:
    key = Ed25519PrivateKey.generate()
    return TokenMinter(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))


@pytest.mark.parametrize(
    ("asker", "code", "reason"),
    [
        ("", "UNAUTHENTICATED", "JETON_INVALIDE"),
        ("pas.un.jeton", "UNAUTHENTICATED", "JETON_INVALIDE"),
        (CITIZEN[:-4] + "AAAA", "UNAUTHENTICATED", "JETON_INVALIDE"),
        (other_minter().mint(subject="x", roles=["citoyen"]), "UNAUTHENTICATED", "JETON_INVALIDE"),
        (token("x"), "PERMISSION_DENIED", "ACCES_REFUSE"),
        (token("x", "anonyme"), "PERMISSION_DENIED", "ACCES_REFUSE"),
        (token("x", "*"), "PERMISSION_DENIED", "ACCES_REFUSE"),
    ],
)
def test_no_call_passes_without_a_true_token_and_a_right_role(
    remote, servicer, asker, code, reason
):
    with pytest.raises(RemoteError) as failed:
        get(remote, "un", token=asker)
    assert (failed.value.code.name, failed.value.reason) == (code, reason)
    stream = remote.stream(lambda stub: stub.LirePiece, pb.LirePieceRequest(), token=asker)
    with pytest.raises(RemoteError, match=reason):
        next(stream)
    assert servicer.calls == 0
    assert servicer.seen == []


def test_an_expired_token_is_refused_even_after_it_was_accepted(remote):
    minter = TokenMinter(PRIVATE_KEY, lifetime_s=-1)  # expired, but within the 2 s of leeway
    asker = minter.mint(subject="x", roles=["citoyen"])
    assert get(remote, "un", token=asker)

    def refused() -> bool:
        try:
            get(remote, "un", token=asker)
        except RemoteError as error:
            return error.reason == "JETON_INVALIDE"
        return False

    wait_until(refused, timeout=4, what="the end of the token")


def test_a_call_without_deadline_is_refused(server):
    with grpc.insecure_channel(server.address) as channel:
        stub = StockageServiceStub(channel)
        with pytest.raises(grpc.RpcError) as failed:
            stub.ListPieces(
                pb.ListPiecesRequest(), metadata=(("authorization", f"Bearer {CITIZEN}"),)
            )
    assert failed.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert failed.value.details() == "DELAI_ABSENT"


def test_the_deadline_ends_a_call_that_is_too_slow(remote, servicer):
    began = time.monotonic()
    with pytest.raises(RemoteError) as failed:
        get(remote, "lent", deadline=0.3)
    assert (failed.value.code.name, failed.value.reason) == ("DEADLINE_EXCEEDED", "DELAI_DEPASSE")
    assert time.monotonic() - began < 1
    servicer.release.set()


def test_a_call_inside_a_call_has_no_more_time_than_is_left(remote, monkeypatch):
    monkeypatch.setattr("chassis.grpc_client.current.remaining", lambda: 0.2)
    began = time.monotonic()
    with pytest.raises(RemoteError, match="DEADLINE_EXCEEDED"):
        get(remote, "lent", deadline=5.0)
    assert time.monotonic() - began < 1
    monkeypatch.setattr("chassis.grpc_client.current.remaining", lambda: -0.1)
    with pytest.raises(RemoteError, match="DEADLINE_EXCEEDED"):
        get(remote, "un")


def test_several_services_are_asked_at_once(remote):
    pending = [
        remote.future(
            lambda stub: stub.ListPieces, pb.ListPiecesRequest(), token=token(f"{n}", "c")
        )
        for n in range(5)
    ]
    assert [one.result().next_page_token for one in pending] == ["0", "1", "2", "3", "4"]


def test_streams_go_both_ways_and_carry_errors(remote, servicer):
    def read(piece_id: str) -> list[bytes]:
        request = pb.LirePieceRequest(piece_id=piece_id)
        return [
            answer.bloc
            for answer in remote.stream(lambda stub: stub.LirePiece, request, token=CITIZEN)
        ]

    assert read("un") == [b"0", b"1", b"2", b"3", b"4"]
    assert servicer.seen == ["citoyen-1"]
    with pytest.raises(RemoteError) as failed:
        read("coupe")
    assert failed.value.metadata == {"piece_id": "44"}

    def upload(*sizes: int):
        requests = (pb.DeposerPieceRequest(bloc=b"x" * size) for size in sizes)
        return remote.upload(lambda stub: stub.DeposerPiece, requests, token=CITIZEN)

    assert upload(1000, 100_000, 3_000_000).piece.taille_octets == 3_101_000
    with pytest.raises(RemoteError, match="DONNEES_INVALIDES"):
        upload()


def test_leaving_a_stream_early_cancels_it(remote):
    stream = remote.stream(lambda stub: stub.LirePiece, pb.LirePieceRequest(), token=CITIZEN)
    assert next(stream).bloc == b"0"
    stream.close()
    assert get(remote, "apres").piece.piece_id == "apres"


def test_unavailable_is_retried_and_nothing_else(remote, servicer):
    assert get(remote, "deux-fois").piece.piece_id == "deux-fois"
    assert servicer.calls == 3
    servicer.calls = 0
    with pytest.raises(RemoteError):
        get(remote, "absente")
    assert servicer.calls == 1


def test_a_service_that_nobody_runs_is_said_unavailable_at_once():
    for addresses in ([], ["127.0.0.1:1"]):
        remote = Remote("stockage", stub=StockageServiceStub, addresses=StaticAddresses(addresses))
        began = time.monotonic()
        with pytest.raises(RemoteError) as failed:
            get(remote, "un")
        assert (failed.value.code.name, failed.value.reason) == ("UNAVAILABLE", "INDISPONIBLE")
        assert time.monotonic() - began < 2
        remote.close()


def test_calls_are_spread_over_the_processes_and_survive_the_end_of_one():
    servicers = [Servicer("a"), Servicer("b")]
    servers = [serve(one) for one in servicers]
    remote = Remote(
        "stockage",
        stub=StockageServiceStub,
        addresses=StaticAddresses([one.address for one in servers]),
    )

    def ask() -> Any:
        request = pb.ListPiecesRequest()
        return remote.call(lambda stub: stub.ListPieces, request, token=CITIZEN).next_page_token

    wait_until(lambda: {ask() for _ in range(10)} == {"a", "b"}, what="both processes")
    servers[0].stop(1.0)
    assert {ask() for _ in range(20)} == {"b"}
    # The same process comes back at its address and is used again within its reconnect back-off.
    servers[0] = serve(servicers[0], listen=servers[0].address)
    wait_until(lambda: {ask() for _ in range(10)} == {"a", "b"}, what="both processes again")
    for one in servers:
        one.stop(1.0)
    remote.close()


def test_an_rpc_without_an_access_rule_prevents_the_start(servicer):
    access = {**ACCESS, "RpcInconnu": frozenset({"*"})}
    del access["GetPiece"]
    with pytest.raises(ValueError, match=r"no rule for \['GetPiece'\], unknown \['RpcInconnu'\]"):
        serve(servicer, access=access)


def test_a_taken_address_is_an_error(server, servicer):
    with pytest.raises(RuntimeError):
        serve(servicer, listen=server.address)


def health(address: str, service: str) -> Any:
    with grpc.insecure_channel(address) as channel:
        stub = health_pb2_grpc.HealthStub(channel)
        answer = stub.Check(health_pb2.HealthCheckRequest(service=service), timeout=2)
    return health_pb2.HealthCheckResponse.ServingStatus.Name(answer.status)


HEALTH = {True: "SERVING", False: "NOT_SERVING", None: "NOT_SERVING"}


def _says(address: str, service: str, expected: str) -> bool:
    return bool(health(address, service) == expected)


def test_health_tells_the_truth_each_second(servicer):
    state: dict[str, Any] = {"well": True}

    def healthy() -> Any:
        if state["well"] is None:
            raise RuntimeError("a question that fails is an unhealthy answer")
        return state["well"]

    running = serve(servicer, healthy=healthy)
    try:
        for service in ("", SERVICE):
            for well, expected in HEALTH.items():
                state["well"] = well
                said = partial(_says, running.address, service, expected)
                wait_until(said, timeout=5, what=expected)
            state["well"] = True
    finally:
        running.stop(1.0)


def test_reflection_lists_the_service(server):
    with grpc.insecure_channel(server.address) as channel:
        database = ProtoReflectionDescriptorDatabase(channel)
        assert SERVICE in database.get_services()
        pool = DescriptorPool(database)
        assert "GetPiece" in pool.FindServiceByName(SERVICE).methods_by_name


def test_a_stop_lets_calls_end_and_refuses_new_ones(servicer):
    running = serve(servicer)
    remote = Remote(
        "stockage", stub=StockageServiceStub, addresses=StaticAddresses([running.address])
    )
    with ThreadPoolExecutor(2) as pool:
        slow = pool.submit(get, remote, "lent", deadline=5.0)
        assert servicer.entered.wait(5)
        stopping = pool.submit(running.stop, 5.0)

        def refuses() -> bool:
            with grpc.insecure_channel(running.address) as channel:
                try:
                    StockageServiceStub(channel).ListPieces(
                        pb.ListPiecesRequest(),
                        timeout=1,
                        metadata=(("authorization", f"Bearer {CITIZEN}"),),
                    )
                except grpc.RpcError as error:
                    return error.code() is grpc.StatusCode.UNAVAILABLE
                return False

        wait_until(refuses)
        servicer.release.set()
        assert slow.result().SerializeToString() == b""
        stopping.result(5)
    remote.close()


def test_the_access_log_has_durations_and_codes_and_nothing_personal(remote, caplog):
    caplog.set_level(logging.INFO, "chassis.access")
    get(remote, "un")
    with pytest.raises(RemoteError):
        get(remote, "absente")
    wait_until(lambda: len(caplog.records) == 2)
    first, second = (record.fields for record in caplog.records)
    assert (first["rpc"], first["code"]) == ("GetPiece", "OK")
    assert 0 < first["ms"] < 2000
    assert (second["code"], second["reason"]) == ("NOT_FOUND", "PIECE_INTROUVABLE")
    assert "citoyen-1" not in str([record.__dict__ for record in caplog.records])
