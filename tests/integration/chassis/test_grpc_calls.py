import time
from typing import Any

import grpc
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from chassis.current import caller, remaining
from chassis.discovery import StaticAddresses
from chassis.grpc_client import Remote, RemoteError
from chassis.identity import TokenMinter
from espacecitoyen.stockage.v1 import stockage_service_pb2 as pb
from espacecitoyen.stockage.v1.stockage_service_pb2_grpc import (
    StockageServiceStub,
)
from tests.integration.chassis.documents import CITIZEN, Servicer, get, serve
from tests.kit.identity import PRIVATE_KEY, token
from tests.kit.wait import wait_until

pytestmark = pytest.mark.integration


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
    assert 1.0 < left <= 1.6  # gRPC rounds the time left up


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
    # It ends in 3 s and is refused 2 s of leeway later: time for a first call on a busy machine.
    minter = TokenMinter(PRIVATE_KEY, lifetime_s=3)
    asker = minter.mint(subject="x", roles=["citoyen"])
    assert get(remote, "un", token=asker)

    def refused() -> bool:
        try:
            get(remote, "un", token=asker)
        except RemoteError as error:
            return error.reason == "JETON_INVALIDE"
        return False

    wait_until(refused, timeout=15, what="the end of the token")


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
