"""Under mutual TLS the suite does all its work, and serves nobody who lacks the right name."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import grpc
import httpx
import pytest

from chassis import grpc_server
from chassis.discovery import StaticAddresses
from chassis.grpc_client import Remote, RemoteError
from chassis.grpc_tls import Files
from chassis.identity import TokenMinter
from deploy import SERVICES
from deploy.certificates import Authority
from deploy.places import ROOT
from espacecitoyen.avis.v1.avis_service_pb2 import GetMesAvisRequest, GetMesAvisResponse
from espacecitoyen.avis.v1.avis_service_pb2_grpc import (
    AvisServiceServicer,
    AvisServiceStub,
    add_AvisServiceServicer_to_server,
)
from espacecitoyen.cartes.v1.cartes_service_pb2 import ListCartesRequest
from espacecitoyen.cartes.v1.cartes_service_pb2_grpc import CartesServiceStub
from espacecitoyen.demandes.v1.demandes_service_pb2 import ListTypesDemandeRequest
from espacecitoyen.demandes.v1.demandes_service_pb2_grpc import DemandesServiceStub
from espacecitoyen.identite.v1.identite_service_pb2 import GetProfilRequest
from espacecitoyen.identite.v1.identite_service_pb2_grpc import IdentiteServiceStub
from espacecitoyen.stockage.v1.stockage_service_pb2 import ListPiecesRequest
from espacecitoyen.stockage.v1.stockage_service_pb2_grpc import StockageServiceStub
from tests.e2e.parcours import etapes
from tests.e2e.parcours.mobile import Citoyen
from tests.integration.deploy.conftest import PEERS, Protegee
from tests.kit.identity import VERIFIER, token
from tests.kit.wait import wait_until

pytestmark = [pytest.mark.integration, pytest.mark.xdist_group("protegee")]

SOMEBODY = "44444444-4444-4444-8444-444444444444"
# One plain read of each service: its stub, its method, its request.
READS: dict[str, tuple[Any, str, Any]] = {
    "identite": (IdentiteServiceStub, "GetProfil", GetProfilRequest()),
    "cartes": (CartesServiceStub, "ListCartes", ListCartesRequest()),
    "demandes": (DemandesServiceStub, "ListTypesDemande", ListTypesDemandeRequest()),
    "avis": (AvisServiceStub, "GetMesAvis", GetMesAvisRequest()),
    "stockage": (StockageServiceStub, "ListPieces", ListPiecesRequest()),
}
SERVED = dict.fromkeys(SERVICES, "OK") | {"identite": "COMPTE_INTROUVABLE"}
REFUSED_BY_NAME, REFUSED_BY_TLS = "ACCES_REFUSE", "INDISPONIBLE"


@dataclass
class Client:
    """Someone on the same network, with a valid token: only certificates are in question."""

    protegee: Protegee
    token: str

    def files(self, name: str, *, authority: Authority | None = None, **leaf: Any) -> Files:
        """A certificate of our authority, or of another one, in a folder of its own."""
        signer = authority or self.protegee.authority
        made = signer.issue(name, folder=signer.folder / "essais", **leaf)
        trusted = self.protegee.authority.certificate
        return Files(certificate=made.certificate, key=made.key, authority=trusted)

    def ask(self, service: str, tls: Files | None, *, as_: str = "") -> str:
        """The reason of the answer, or OK. ``as_`` expects another name of the server."""
        stub, method, request = READS[service]
        addresses = StaticAddresses([self.protegee.suite.plan.grpc_address(service)])
        with closing(Remote(as_ or service, stub=stub, addresses=addresses, tls=tls)) as remote:
            try:
                remote.call(
                    lambda s: getattr(s, method), request, token=self.token, deadline=5.0
                )  # fmt: skip
            except RemoteError as error:
                return error.reason
        return "OK"

    def everywhere(self, tls: Files | None) -> dict[str, str]:
        """What each service answers to the same caller."""
        return {service: self.ask(service, tls) for service in SERVICES}


@pytest.fixture
def client(protegee: Protegee) -> Client:
    minter = TokenMinter(protegee.suite.plan.keys.token_private.read_bytes())
    return Client(protegee, minter.mint(subject=SOMEBODY, roles=["citoyen"]))


def jouer(parcours: Iterator[tuple[str, Callable[[], object]]]) -> None:
    for _sentence, step in parcours:
        step()


def test_the_journey_goes_through_with_certificates_everywhere(protegee: Protegee):
    assert httpx.get(f"{protegee.suite.base_url}/sante").status_code == 200
    jouer(etapes.acceptee(protegee.acces))


@pytest.mark.parametrize("caller", [*SERVICES, "passerelle", "consul"])
def test_a_service_serves_the_names_that_call_it_and_no_other(client: Client, caller: str):
    wanted = {
        service: SERVED[service] if caller in PEERS[service] else REFUSED_BY_NAME
        for service in SERVICES
    }
    assert client.everywhere(client.files(caller)) == wanted


def test_without_tls_or_certificate_nobody_is_served(client: Client):
    assert set(client.everywhere(None).values()) == {REFUSED_BY_TLS}
    root = client.protegee.authority.certificate.read_bytes()
    for service in SERVICES:
        stub, method, request = READS[service]
        address = client.protegee.suite.plan.grpc_address(service)
        name = (("grpc.ssl_target_name_override", service),)
        with grpc.secure_channel(address, grpc.ssl_channel_credentials(root), name) as channel:
            with pytest.raises(grpc.RpcError) as failed:
                getattr(stub(channel), method)(request, timeout=5)
            assert failed.value.code() is grpc.StatusCode.UNAVAILABLE


def test_an_expired_or_future_certificate_is_refused(client: Client):
    hour = timedelta(hours=1)
    for begins in (datetime.now(UTC) - 2 * hour, datetime.now(UTC) + hour):
        files = client.files("passerelle", begins=begins, lasts=hour)
        assert set(client.everywhere(files).values()) == {REFUSED_BY_TLS}


def test_a_certificate_of_another_authority_or_of_no_authority_is_refused(
    client: Client, tmp_path: Path
):
    theirs = Authority(tmp_path / "theirs")
    assert set(client.everywhere(client.files("passerelle", authority=theirs)).values()) == {
        REFUSED_BY_TLS
    }
    # A leaf of ours signs nothing: it is no authority.
    ours = client.files("cartes")
    (tmp_path / "leaf").mkdir()
    (tmp_path / "leaf" / "autorite.pem").write_bytes(ours.certificate.read_bytes())
    (tmp_path / "leaf" / "autorite_cle.pem").write_bytes(ours.key.read_bytes())
    forged = client.files("passerelle", authority=Authority(tmp_path / "leaf"))
    assert set(client.everywhere(forged).values()) == {REFUSED_BY_TLS}


def test_a_client_refuses_a_server_of_another_name_or_authority(client: Client, tmp_path: Path):
    files = client.files("passerelle")
    for service in SERVICES:
        others = [other for other in SERVICES if other != service]
        assert {client.ask(service, files, as_=other) for other in others} == {REFUSED_BY_TLS}
    elsewhere = replace(files, authority=Authority(tmp_path / "theirs").certificate)
    assert set(client.everywhere(elsewhere).values()) == {REFUSED_BY_TLS}


def test_a_renewed_certificate_serves_and_an_expired_one_is_noticed(protegee: Protegee):
    suite, authority = protegee.suite, protegee.authority
    citoyen = Citoyen.nouveau(protegee.acces)
    for step in (citoyen.s_inscrire, citoyen.activer, citoyen.se_connecter):
        step()

    def health() -> str:
        answer = httpx.get(f"{suite.base_url}/sante", timeout=10)
        statut: str = answer.json()["services"]["demandes"]["statut"]
        return statut

    assert health() == "EN_MARCHE"
    yesterday = datetime.now(UTC) - timedelta(days=1)
    authority.issue("demandes", begins=yesterday, lasts=timedelta(hours=1))
    suite.restart("demandes.serve")
    wait_until(lambda: health() != "EN_MARCHE", timeout=30, what="the refusal")
    home = citoyen.accueil()
    assert {name for name, block in home.items() if name != "complet" and block["erreur"]} == {
        "demandes"
    }
    authority.issue("demandes")
    suite.restart("demandes.serve")
    wait_until(lambda: health() == "EN_MARCHE", timeout=60, what="the renewed one")
    wait_until(lambda: citoyen.accueil()["complet"], timeout=30, what="the home to be whole again")


class Servicer(AvisServiceServicer):
    def GetMesAvis(self, _request: object, _context: object) -> GetMesAvisResponse:  # noqa: N802
        return GetMesAvisResponse()


def test_an_authority_is_replaced_without_a_moment_when_nobody_is_served(tmp_path: Path):
    """Old and new stand in one file until every process has a leaf of the new one."""
    old, new = Authority(tmp_path / "old"), Authority(tmp_path / "new")
    both = tmp_path / "autorite.pem"
    both.write_bytes(new.certificate.read_bytes() + old.certificate.read_bytes())

    def files(signer: Authority, name: str, trusts: Path) -> Files:
        leaf = signer.issue(name)
        return Files(certificate=leaf.certificate, key=leaf.key, authority=trusts)

    for own, caller, trusts in ((old, new, both), (new, old, both), (new, new, new.certificate)):
        running = grpc_server.start(
            name="avis",
            listen="127.0.0.1:0",
            register=lambda server: add_AvisServiceServicer_to_server(Servicer(), server),
            service="espacecitoyen.avis.v1.AvisService",
            access={"GetMesAvis": frozenset({"*"})},
            errors={},
            verifier=VERIFIER,
            healthy=lambda: True,
            tls=files(own, "avis", trusts),
        )
        remote = Remote(
            "avis", stub=AvisServiceStub, addresses=StaticAddresses([running.address]),
            tls=files(caller, "passerelle", trusts),
        )  # fmt: skip
        with closing(remote):
            remote.call(lambda s: s.GetMesAvis, GetMesAvisRequest(), token=token("x", "c"))
        running.stop(0.5)


@pytest.mark.parametrize("module", [*(f"services.{name}" for name in SERVICES)])
def test_a_service_with_half_of_its_certificate_does_not_start_bare(
    protegee: Protegee, module: str
):
    name = module.rpartition(".")[2]
    environment = {
        **os.environ,
        **_exported(protegee.suite.plan.folder / "espace.env"),
        f"{name.upper()}_LISTEN": "127.0.0.1:0",
        f"{name.upper()}_TLS_KEY": "",
        "ESPACE_OTLP": "",
    }
    done = subprocess.run(
        [sys.executable, "-m", f"{module}.serve"],
        check=False, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert done.returncode != 0
    assert "TLS_CERTIFICATE, TLS_KEY and TLS_AUTHORITY" in done.stderr


def _exported(place: Path) -> dict[str, str]:
    """The operator's settings, as a shell reads them."""
    done = subprocess.run(
        ["sh", "-c", '. "$0" && env -0', str(place)], check=True, capture_output=True, text=True
    )
    return dict(line.split("=", 1) for line in done.stdout.split("\0") if "=" in line)
