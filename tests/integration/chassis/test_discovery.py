import http.server
import json
import threading
import urllib.parse
import urllib.request
import uuid

import pytest

from chassis import grpc_server
from chassis.discovery import ConsulAddresses, Registration
from chassis.grpc_client import Remote, RemoteError
from deploy.places import free_ports
from espacecitoyen.avis.v1 import avis_service_pb2 as pb
from espacecitoyen.avis.v1.avis_service_pb2_grpc import (
    AvisServiceServicer,
    AvisServiceStub,
    add_AvisServiceServicer_to_server,
)
from tests.kit.identity import VERIFIER, token
from tests.kit.wait import wait_until

pytestmark = pytest.mark.integration


class Servicer(AvisServiceServicer):
    def GetMesAvis(self, _request, _context):  # noqa: N802
        return pb.GetMesAvisResponse()


@pytest.fixture
def service() -> str:
    """A service name of this test alone: the agent is shared by the whole run."""
    return f"essai-{uuid.uuid4().hex[:8]}"


@pytest.fixture
def start(consul_url, service):
    """Start a registered server; all are stopped after the test."""
    running = []

    def begin(healthy=lambda: True, listen="127.0.0.1:0"):
        server = grpc_server.start(
            name=service,
            listen=listen,
            register=lambda server: add_AvisServiceServicer_to_server(Servicer(), server),
            service="espacecitoyen.avis.v1.AvisService",
            access={"GetMesAvis": frozenset({"*"})},
            errors={},
            verifier=VERIFIER,
            healthy=healthy,
            registration=Registration(consul_url, service, listen),
            workers=4,
        )
        running.append(server)
        return server

    yield begin
    for server in running:
        server.stop(0.5)


def free_addresses(count: int) -> list[str]:
    first = free_ports(count)
    return [f"127.0.0.1:{first + number}" for number in range(count)]


def ask(consul_url: str, path: str):
    with urllib.request.urlopen(consul_url + path, timeout=5) as answer:  # noqa: S310  (our agent)
        return json.load(answer)


def passing(consul_url: str, service: str) -> list[str]:
    entries = ask(consul_url, f"/v1/health/service/{service}?passing=1")
    return sorted(f"{e['Service']['Address']}:{e['Service']['Port']}" for e in entries)


def test_a_server_registers_is_checked_and_leaves(consul_url, service, start):
    state = {"well": True}
    [listen] = free_addresses(1)
    server = start(lambda: state["well"], listen)
    wait_until(lambda: passing(consul_url, service) == [listen], what="a passing check")
    [entry] = ask(consul_url, f"/v1/health/service/{service}")
    definition = next(check for check in entry["Checks"] if check["ServiceID"])["Definition"]
    assert definition.get("Interval", "1s") in {"1s", ""}
    state["well"] = False
    wait_until(lambda: passing(consul_url, service) == [], what="a failing check")
    state["well"] = True
    wait_until(lambda: passing(consul_url, service) == [listen], what="a passing check")
    server.stop(0.5)
    assert ask(consul_url, f"/v1/health/service/{service}") == []


def test_clients_follow_the_addresses_and_keep_the_last_set(consul_url, service, start):
    one, two = free_addresses(2)
    first = start(listen=one)
    addresses = ConsulAddresses(consul_url, service)
    wait_until(lambda: addresses.get() == (one,), what="the first address")
    version = addresses.version()
    second = start(listen=two)
    wait_until(lambda: addresses.get() == (one, two), what="both addresses")
    assert addresses.version() > version
    first.stop(0.5)
    wait_until(lambda: addresses.get() == (two,), what="the second address")
    version = addresses.version()
    second.stop(0.5)
    wait_until(lambda: passing(consul_url, service) == [])
    # An empty answer keeps the last set.
    assert addresses.get() == (two,)
    assert addresses.version() == version


def test_a_client_moves_to_the_process_that_took_over(consul_url, service, start):
    one, two = free_addresses(2)
    first = start(listen=one)
    remote = Remote(service, stub=AvisServiceStub, addresses=ConsulAddresses(consul_url, service))

    def answers() -> bool:
        try:
            remote.call(lambda s: s.GetMesAvis, pb.GetMesAvisRequest(), token=token("x", "c"))
        except RemoteError:
            return False
        return True

    wait_until(answers)
    start(listen=two)
    wait_until(lambda: passing(consul_url, service) == [one, two])
    first.stop(0.5)
    for _ in range(50):
        assert answers()
    wait_until(lambda: passing(consul_url, service) == [two])
    assert answers()
    remote.close()


def test_a_process_that_consul_forgot_registers_again(consul_url, service, start):
    [listen] = free_addresses(1)
    start(listen=listen)
    wait_until(lambda: passing(consul_url, service) == [listen])
    Registration(consul_url, service, listen).deregister()
    assert passing(consul_url, service) == []
    wait_until(lambda: passing(consul_url, service) == [listen], timeout=10)


def test_registering_twice_does_not_fail_the_check(consul_url, service, start):
    [listen] = free_addresses(1)
    start(listen=listen)
    wait_until(lambda: passing(consul_url, service) == [listen])
    for _ in range(5):
        assert Registration(consul_url, service, listen).register()
        assert passing(consul_url, service) == [listen]


def test_without_an_answer_the_first_question_ends_within_two_seconds():
    [nowhere] = free_addresses(1)
    addresses = ConsulAddresses(f"http://{nowhere}", "essai")
    assert addresses.get() == ()
    assert not Registration(f"http://{nowhere}", "essai", "127.0.0.1:1").register()


def test_a_consul_whose_index_goes_back_or_that_fails_is_followed_again():
    """The rules of Consul's blocking queries, against an agent that breaks in every way."""
    answers = iter(
        [
            (200, "7", _entries(1)),
            (500, "8", "No cluster leader"),
            (200, "9", "not JSON"),
            (200, "3", _entries(2)),
            (200, "4", "[]"),
            (200, "2", _entries(3)),
        ]
    )
    asked: list[str] = []
    done = threading.Event()

    class Agent(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            # A first question carries no index: it is answered at once.
            query = urllib.parse.parse_qs(urllib.parse.urlsplit(self.path).query)
            asked.append(query.get("index", ["0"])[0])
            try:
                status, index, body = next(answers)
            except StopIteration:
                done.wait(20)
                return
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("X-Consul-Index", index)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, *_args: object) -> None: ...

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Agent)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    addresses = ConsulAddresses(f"http://127.0.0.1:{server.server_port}", "essai")
    try:
        wait_until(lambda: addresses.get() == ("127.0.0.1:3",), timeout=15)
        assert addresses.version() == 3
        wait_until(lambda: len(asked) == 7)
        assert asked == ["0", "7", "0", "0", "3", "4", "0"]
    finally:
        done.set()
        server.shutdown()
        thread.join()
        server.server_close()


def _entries(port: int) -> str:
    node, service = {"Address": "127.0.0.1"}, {"Address": "", "Port": port}
    return json.dumps([{"Node": node, "Service": service}])
