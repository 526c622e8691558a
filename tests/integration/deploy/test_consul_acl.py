"""Consul denies by default: a service enters its own name, finds the others, and that is all."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from chassis import grpc_server
from chassis.discovery import ConsulAddresses, Registration
from chassis.grpc_client import Remote, RemoteError
from chassis.grpc_tls import Files
from deploy import SERVICES
from deploy.certificates import Authority, Leaf
from deploy.components.consul import Consul
from deploy.places import ROOT, free_ports
from deploy.registry_rights import READER
from espacecitoyen.avis.v1.avis_service_pb2 import GetMesAvisRequest, GetMesAvisResponse
from espacecitoyen.avis.v1.avis_service_pb2_grpc import (
    AvisServiceServicer,
    AvisServiceStub,
    add_AvisServiceServicer_to_server,
)
from tests.kit.identity import VERIFIER, token
from tests.kit.wait import wait_until

pytestmark = [pytest.mark.integration, pytest.mark.xdist_group("registre")]


@dataclass
class Registre:
    """An agent with access control, the operator's command run on it, and an authority."""

    url: str
    folder: Path
    authority: Authority

    def jeton(self, name: str) -> str:
        return (self.folder / f"consul_{name}").read_text()

    def ask(
        self, method: str, path: str, *, jeton: str = "", body: object = None
    ) -> httpx.Response:
        headers = {"X-Consul-Token": jeton} if jeton else {}
        return httpx.request(method, f"{self.url}/v1/{path}", headers=headers, json=body)

    def passing(self, service: str) -> list[str]:
        entries = self.ask(
            "GET", f"health/service/{service}?passing=1", jeton=self.jeton(READER)
        ).json()
        return [f"{e['Service']['Address']}:{e['Service']['Port']}" for e in entries]

    def waits_for(self, service: str, address: str) -> None:
        """Wait until one process of a service is found and healthy; a failure says what was."""
        try:
            wait_until(lambda: self.passing(service) == [address], timeout=30)
        except AssertionError as error:
            path = f"health/service/{service}"
            error.add_note(self.ask("GET", path, jeton=self.jeton("gestion")).text)
            raise


@pytest.fixture(scope="module")
def registre(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registre]:
    folder = tmp_path_factory.mktemp("registre")
    authority = Authority(folder / "tls")
    consul = Consul(folder / "consul", free_ports(5), log=folder / "consul.log")
    own = authority.issue("consul")
    # The shipped configuration of the agent; only its folders are those of the test.
    shipped = (ROOT / "deploy/consul/agent.hcl").read_text()
    for mounted, here in (
        ("/run/secrets/tls_autorite", authority.certificate),
        ("/run/secrets/tls_certificat", own.certificate),
        ("/run/secrets/tls_cle", own.key),
        ("/consul/data", folder / "donnees"),
    ):
        assert mounted in shipped
        shipped = shipped.replace(mounted, str(here))
    consul.folder.mkdir()
    (consul.folder / "supplement.hcl").write_text(shipped)
    consul.start()
    try:
        consul.wait_ready()
        made = Registre(consul.url, folder / "secrets", authority)
        wait_until(lambda: _run(made) == 0, timeout=30, what="the operator's command")
        yield made
    finally:
        consul.stop()


def _run(registre: Registre, management: str = "") -> int:
    return subprocess.run(
        [sys.executable, "-m", "deploy.registry_rights", "--consul", registre.url,
         "--dossier", registre.folder],
        cwd=ROOT, check=False, capture_output=True,
        env={**os.environ, "CONSUL_HTTP_TOKEN": management},
    ).returncode  # fmt: skip


def test_the_command_repeats_itself_and_secrets_are_the_owner_s_alone(registre: Registre):
    files = sorted(registre.folder.iterdir())
    assert [place.name for place in files] == sorted(
        f"consul_{name}" for name in (*SERVICES, READER, "gestion")
    )
    assert {place.stat().st_mode & 0o777 for place in files} == {0o600}
    before = [place.read_text() for place in files]
    assert _run(registre, registre.jeton("gestion")) == 0
    assert [place.read_text() for place in files] == before
    # The first management token is given once.
    assert _run(registre) == 1


def test_without_a_token_nothing_is_told_and_nothing_entered(registre: Registre):
    entry = {"Name": "cartes", "ID": "intrus", "Address": "127.0.0.1", "Port": 9}
    for jeton in ("", "00000000-0000-4000-8000-000000000000"):
        answer = registre.ask("PUT", "agent/service/register", jeton=jeton, body=entry)
        assert answer.status_code == httpx.codes.FORBIDDEN
        assert registre.ask("GET", "acl/tokens", jeton=jeton).status_code == httpx.codes.FORBIDDEN
        put = registre.ask("PUT", "kv/espace", jeton=jeton, body="x")
        assert put.status_code == httpx.codes.FORBIDDEN
    entered = Registration(registre.url, "stockage", "127.0.0.1:9", registre.jeton("stockage"))
    assert entered.register()
    assert registre.ask("GET", "health/service/stockage").json() == []
    assert registre.ask("GET", "catalog/services").json() == {}
    assert registre.ask("GET", "health/service/stockage", jeton=registre.jeton(READER)).json()
    entered.deregister()


@pytest.mark.parametrize("bearer", [*SERVICES, READER])
def test_a_token_enters_its_own_name_and_no_other(registre: Registre, bearer: str):
    entered = {
        name: Registration(registre.url, name, "127.0.0.1:9", registre.jeton(bearer))
        for name in (*SERVICES, "consul", "autre")
    }
    assert [name for name in entered if entered[name].register()] == (
        [bearer] if bearer in SERVICES else []
    )
    # Nor may it take another's entry away, or change what it may do.
    owner = Registration(registre.url, "cartes", "127.0.0.1:9", registre.jeton("cartes"))
    assert owner.register()
    entered["cartes"].deregister()
    left = registre.ask("GET", "agent/services", jeton=registre.jeton("gestion")).json()
    assert ("cartes-127.0.0.1-9" in left) is (bearer != "cartes")
    rights = registre.ask("PUT", "acl/token", jeton=registre.jeton(bearer), body={"Policies": []})
    assert rights.status_code == httpx.codes.FORBIDDEN
    for each in entered.values():
        each.deregister()
    owner.deregister()


class Servicer(AvisServiceServicer):
    def GetMesAvis(self, _request: object, _context: object) -> GetMesAvisResponse:  # noqa: N802
        return GetMesAvisResponse()


def _files(leaf: Leaf, authority: Authority, *peers: str) -> Files:
    return Files(
        certificate=leaf.certificate, key=leaf.key, authority=authority.certificate, peers=peers
    )


def test_a_server_that_wants_certificates_is_checked_found_and_called(registre: Registre):
    port = free_ports(1)
    authority = registre.authority
    running = grpc_server.start(
        name="avis",
        # All interfaces, as in a container: the entry holds an address that others can call.
        listen=f"0.0.0.0:{port}",
        register=lambda server: add_AvisServiceServicer_to_server(Servicer(), server),
        service="espacecitoyen.avis.v1.AvisService",
        access={"GetMesAvis": frozenset({"*"})},
        errors={},
        verifier=VERIFIER,
        healthy=lambda: True,
        registration=Registration(
            registre.url, "avis", f"0.0.0.0:{port}", registre.jeton("avis")
        ),
        tls=_files(authority.issue("avis"), authority, "passerelle"),
    )  # fmt: skip
    addresses = ConsulAddresses(registre.url, "avis", registre.jeton(READER))
    remote = Remote(
        "avis", stub=AvisServiceStub, addresses=addresses,
        tls=_files(authority.issue("passerelle"), authority),
    )  # fmt: skip
    try:
        registre.waits_for("avis", f"127.0.0.1:{port}")
        assert addresses.get() == (f"127.0.0.1:{port}",)
        remote.call(lambda stub: stub.GetMesAvis, GetMesAvisRequest(), token=token("x", "c"))
    finally:
        remote.close()
        running.stop(0.5)
    assert registre.passing("avis") == []


def test_a_rogue_entry_of_a_stolen_token_is_refused_by_its_certificate(registre: Registre):
    """What the registry cannot know: whoever holds the token of avis is not avis (F36)."""
    authority = registre.authority
    port = free_ports(1)
    running = grpc_server.start(
        name="avis",
        listen=f"127.0.0.1:{port}",
        register=lambda server: add_AvisServiceServicer_to_server(Servicer(), server),
        service="espacecitoyen.avis.v1.AvisService",
        access={"GetMesAvis": frozenset({"*"})},
        errors={},
        verifier=VERIFIER,
        healthy=lambda: True,
        registration=Registration(
            registre.url, "avis", f"127.0.0.1:{port}", registre.jeton("avis")
        ),
        tls=_files(authority.issue("demandes"), authority),
    )  # fmt: skip
    remote = Remote(
        "avis", stub=AvisServiceStub,
        addresses=ConsulAddresses(registre.url, "avis", registre.jeton(READER)),
        tls=_files(authority.issue("passerelle"), authority),
    )  # fmt: skip
    try:
        registre.waits_for("avis", f"127.0.0.1:{port}")
        with pytest.raises(RemoteError) as failed:
            remote.call(lambda stub: stub.GetMesAvis, GetMesAvisRequest(), token=token("x", "c"))
        assert failed.value.reason == "INDISPONIBLE"
    finally:
        remote.close()
        running.stop(0.5)
