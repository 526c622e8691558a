from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address

import grpc
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from chassis import grpc_server
from chassis.discovery import StaticAddresses
from chassis.grpc_client import Remote, RemoteError
from chassis.grpc_tls import Files
from espacecitoyen.avis.v1 import avis_service_pb2_grpc as rpc
from espacecitoyen.avis.v1.avis_service_pb2 import GetMesAvisRequest, GetMesAvisResponse
from tests.kit.identity import VERIFIER, token

pytestmark = pytest.mark.integration


class Authority:
    """A certificate authority of the test, that signs certificates by name."""

    def __init__(self, folder, name: str) -> None:
        self._folder = folder / name
        self._folder.mkdir()
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        own = self._builder(self._name, self._key).add_extension(
            x509.BasicConstraints(ca=True, path_length=0), critical=True
        )
        self.path = self._folder / "ca.pem"
        self.path.write_bytes(own.sign(self._key, hashes.SHA256()).public_bytes(Encoding.PEM))

    def _builder(self, name: x509.Name, key) -> x509.CertificateBuilder:
        now = datetime.now(UTC)
        return (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(self._name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(hours=1))
            .not_valid_after(now + timedelta(hours=1))
        )

    def files(self, name: str, *, trusts: "Authority | None" = None, peers=()) -> Files:
        key = ec.generate_private_key(ec.SECP256R1())
        names = [x509.DNSName(name), x509.IPAddress(IPv4Address("127.0.0.1"))]
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        certificate = self._builder(subject, key).add_extension(
            x509.SubjectAlternativeName(names), critical=False
        )
        paths = self._folder / f"{name}.pem", self._folder / f"{name}.key"
        paths[0].write_bytes(
            certificate.sign(self._key, hashes.SHA256()).public_bytes(Encoding.PEM)
        )
        paths[1].write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        authority = (trusts or self).path
        return Files(certificate=paths[0], key=paths[1], authority=authority, peers=peers)


class Servicer(rpc.AvisServiceServicer):
    def GetMesAvis(self, _request, _context):  # noqa: N802
        return GetMesAvisResponse()


@pytest.fixture
def ours(tmp_path):
    return Authority(tmp_path, "ours")


@pytest.fixture
def theirs(tmp_path):
    return Authority(tmp_path, "theirs")


@pytest.fixture
def address(ours):
    running = grpc_server.start(
        name="avis",
        listen="127.0.0.1:0",
        register=lambda server: rpc.add_AvisServiceServicer_to_server(Servicer(), server),
        service="espacecitoyen.avis.v1.AvisService",
        access={"GetMesAvis": frozenset({"*"})},
        errors={},
        verifier=VERIFIER,
        healthy=lambda: True,
        tls=ours.files("avis", peers=("passerelle", "cartes")),
    )
    yield running.address
    running.stop(0.5)


def outcome(address: str, tls: Files | None, service: str = "avis") -> str:
    remote = Remote(
        service, stub=rpc.AvisServiceStub, addresses=StaticAddresses([address]), tls=tls
    )
    try:
        remote.call(lambda stub: stub.GetMesAvis, GetMesAvisRequest(), token=token("x", "c"))
    except RemoteError as error:
        return error.reason
    finally:
        remote.close()
    return "OK"


def test_only_an_allowed_name_of_our_authority_may_call(address, ours, theirs):
    assert outcome(address, ours.files("passerelle")) == "OK"
    assert outcome(address, ours.files("cartes")) == "OK"
    # A process of ours that has no business here.
    assert outcome(address, ours.files("stockage")) == "ACCES_REFUSE"
    # A right name, signed by someone else; no certificate at all; no encryption.
    assert outcome(address, theirs.files("passerelle", trusts=ours)) == "INDISPONIBLE"
    assert outcome(address, None) == "INDISPONIBLE"


def test_a_client_refuses_a_server_of_another_name_or_authority(address, ours, theirs):
    assert outcome(address, ours.files("passerelle"), service="identite") == "INDISPONIBLE"
    assert outcome(address, ours.files("cartes", trusts=theirs)) == "INDISPONIBLE"


def test_a_client_without_certificate_is_stopped_before_any_rpc(address, ours):
    credentials = grpc.ssl_channel_credentials(ours.path.read_bytes())
    channel = grpc.secure_channel(address, credentials)
    with channel, pytest.raises(grpc.RpcError) as failed:
        rpc.AvisServiceStub(channel).GetMesAvis(GetMesAvisRequest(), timeout=2)
    assert failed.value.code() is grpc.StatusCode.UNAVAILABLE
