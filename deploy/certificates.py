"""The installation's own certificate authority, and one short-lived leaf for each process.

A leaf proves one name, the service's own, as a client and as a server: ``grpc_client`` refuses a
server of another name, ``grpc_tls.Files.peers`` a client of another one. Keys are P-256.

Run: ``python -m deploy.certificates --dossier deploy/secrets/tls`` makes the authority at first and
new leaves each time; an operator runs it from a timer and restarts the processes one by one.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from deploy import SERVICES

# Who shows a certificate: gRPC processes, Consul's agent for its health checks, the database.
BEARERS = (*SERVICES, "passerelle", "consul", "postgresql")
LEAF_LASTS = timedelta(days=7)
_AUTHORITY_LASTS = timedelta(days=1095)
# Clocks of two machines may differ.
_BEGINS_BEFORE = timedelta(minutes=5)


@dataclass(frozen=True)
class Leaf:
    """A certificate and its key, two PEM files that only their owner reads."""

    certificate: Path
    key: Path


class Authority:
    """A private authority that signs leaves and no other authority.

    Args:
        folder: keeps ``autorite.pem`` and ``autorite_cle.pem``; made at the first use. Processes
            get the first file, nobody gets the second.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.certificate = folder / "autorite.pem"
        self._key_file = folder / "autorite_cle.pem"
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        if not self.certificate.exists():
            self._make()
        key = load_pem_private_key(self._key_file.read_bytes(), password=None)
        assert isinstance(key, ec.EllipticCurvePrivateKey)  # noqa: S101 - ``_make`` wrote it
        self._key = key
        self._own = x509.load_pem_x509_certificate(self.certificate.read_bytes())

    def issue(
        self,
        name: str,
        *,
        lasts: timedelta = LEAF_LASTS,
        begins: datetime | None = None,
        addresses: Sequence[str] = (),
        folder: Path | None = None,
    ) -> Leaf:
        """Sign a new key for a name, over the files of an earlier one.

        Args:
            name: the one DNS name that the leaf proves, ``cartes``.
            lasts: from ``begins``, which is now by default.
            begins: aware; an earlier time makes an expired leaf.
            addresses: IPv4 addresses it proves too; a database is called by its address.
            folder: where ``<name>.pem`` and ``<name>_cle.pem`` go; the authority's own by default.
        """
        key = ec.generate_private_key(ec.SECP256R1())
        start = (begins or datetime.now(UTC)) - _BEGINS_BEFORE
        names: list[x509.GeneralName] = [x509.DNSName(name)]
        names += [x509.IPAddress(IPv4Address(address)) for address in addresses]
        certificate = (
            _builder(name, key.public_key(), self._own.subject, start, lasts + _BEGINS_BEFORE)
            .add_extension(x509.SubjectAlternativeName(names), critical=False)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_usage(signs_certificates=False), critical=True)
            .add_extension(
                x509.ExtendedKeyUsage(
                    [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]
                ),
                critical=False,
            )
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key()),
                critical=False,
            )
            .sign(self._key, hashes.SHA256())
        )
        place = folder or self.folder
        place.mkdir(parents=True, exist_ok=True, mode=0o700)
        leaf = Leaf(place / f"{name}.pem", place / f"{name}_cle.pem")
        _write(leaf.key, _pem(key))
        _write(leaf.certificate, certificate.public_bytes(Encoding.PEM))
        return leaf

    def _make(self) -> None:
        key = ec.generate_private_key(ec.SECP256R1())
        name = "Autorité privée de l’espace citoyen"
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        start = datetime.now(UTC) - _BEGINS_BEFORE
        own = (
            _builder(name, key.public_key(), subject, start, _AUTHORITY_LASTS)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(_usage(signs_certificates=True), critical=True)
            .add_extension(
                x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False
            )
            .sign(key, hashes.SHA256())
        )
        _write(self._key_file, _pem(key))
        # Last: its presence says that the pair is whole.
        _write(self.certificate, own.public_bytes(Encoding.PEM))


def _builder(
    name: str,
    key: ec.EllipticCurvePublicKey,
    issuer: x509.Name,
    start: datetime,
    lasts: timedelta,
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]))
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(start + lasts)
    )


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def _write(place: Path, content: bytes) -> None:
    """Write a file of the owner alone, whole or not at all."""
    fresh = place.with_name(f".{place.name}")
    fresh.unlink(missing_ok=True)
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(content)
    fresh.rename(place)


def main() -> int:
    """Issue a leaf for each bearer, or for those that are named."""
    parser = argparse.ArgumentParser(prog="python -m deploy.certificates")
    parser.add_argument("noms", nargs="*", metavar="nom", default=list(BEARERS))
    parser.add_argument("--dossier", type=Path, required=True)
    parser.add_argument("--jours", type=float, default=LEAF_LASTS / timedelta(days=1))
    options = parser.parse_args()
    authority = Authority(options.dossier)
    for name in options.noms:
        leaf = authority.issue(name, lasts=timedelta(days=options.jours))
        print(f"{name}: {leaf.certificate}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
