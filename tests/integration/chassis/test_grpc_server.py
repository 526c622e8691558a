import logging
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import grpc
import pytest
from google.protobuf.descriptor_pool import DescriptorPool
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import (
    ProtoReflectionDescriptorDatabase,
)

from chassis.discovery import StaticAddresses
from chassis.grpc_client import Remote, RemoteError
from espacecitoyen.stockage.v1 import stockage_service_pb2 as pb
from espacecitoyen.stockage.v1.stockage_service_pb2_grpc import (
    StockageServiceStub,
)
from tests.integration.chassis.documents import (
    ACCESS,
    CITIZEN,
    SERVICE,
    get,
    serve,
)
from tests.kit.wait import wait_until

pytestmark = pytest.mark.integration


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
