"""Keys and secrets of a demo, made at its first start, each in a file that only its owner reads.

The Apple chain is home-made: our own root in the place of Apple's, an intermediate in the place of
WWDR, and a Pass Type ID certificate of the shape that Apple issues (cartes.md 2.4). A phone refuses
its passes, everything else about them is real.
"""

from __future__ import annotations

import base64
import json
import os
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from cryptography.x509.oid import NameOID

PASS_TYPE = "pass.ca.qc.exemple.carte"  # noqa: S105 - a name
TEAM = "A1B2C3D4E5"
GOOGLE_ISSUER = "3388000000012345678"
_PASS_TYPE_EXTENSION = x509.ObjectIdentifier("1.2.840.113635.100.6.1.16")
_PASS_USAGE = x509.ObjectIdentifier("1.2.840.113635.100.4.14")
_UTF8_STRING = 0x0C
# Apple's leaf lasts a year; an old demo gets a new one before the platform's alarm at 60 days.
_LEAF_LASTS = timedelta(days=398)
_RENEW_BEFORE = timedelta(days=61)
_AUTHORITY_LASTS = timedelta(days=3650)


@dataclass(frozen=True)
class Keys:
    """Where the secrets of one installation lie."""

    folder: Path

    @property
    def token_private(self) -> Path:
        """Ed25519 key (PEM) that the gateway signs tokens with."""
        return self.folder / "jetons_privee.pem"

    @property
    def token_public(self) -> Path:
        """Its public half (PEM), which every service verifies with."""
        return self.folder / "jetons_publique.pem"

    @property
    def apple(self) -> Path:
        """Folder of ``racine.pem``, ``wwdr.pem``, ``passe.pem``, ``passe_cle.pem``."""
        return self.folder / "apple"

    @property
    def google(self) -> Path:
        """The service account's JSON."""
        return self.folder / "google.json"

    def secret(self, name: str) -> Path:
        """A file of 32 random bytes in base64, made when first asked for."""
        place = self.folder / name
        if not place.exists():
            _write(place, base64.b64encode(secrets.token_bytes(32)))
        return place


def prepare(folder: Path) -> Keys:
    """Make what is missing; an interrupted earlier start is completed."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    keys = Keys(folder)
    _token_keys(keys)
    _once(keys.google, _google_account)
    if _apple_chain_is_old(keys.apple):
        make_apple_chain(keys.apple)
    return keys


def make_apple_chain(folder: Path, pass_type: str = PASS_TYPE, team: str = TEAM) -> None:
    """Write a root, an intermediate and a Pass Type ID certificate with its key."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    root_key, authority_key, leaf_key = (_rsa_key() for _ in range(3))
    root_name = _name(("CN", "Racine de démonstration"), ("O", "Espace citoyen"))
    authority_name = _name(
        ("CN", "Relations développeurs de démonstration"), ("OU", "G4"), ("O", "Espace citoyen")
    )
    leaf_name = _name(
        ("UID", pass_type), ("CN", f"Pass Type ID: {pass_type}"), ("OU", team), ("C", "CA")
    )
    root = _authority(root_name, root_key, root_name, root_key, path_length=1)
    authority = _authority(authority_name, authority_key, root_name, root_key, path_length=0)
    text = pass_type.encode()
    leaf = (
        _certificate(leaf_name, leaf_key, authority_name, _LEAF_LASTS)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(digital_signature=True), critical=True)
        .add_extension(x509.ExtendedKeyUsage([_PASS_USAGE]), critical=False)
        .add_extension(
            x509.UnrecognizedExtension(
                _PASS_TYPE_EXTENSION, bytes((_UTF8_STRING, len(text))) + text
            ),
            critical=False,
        )
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(authority_key.public_key()),
            critical=False,
        )
        .sign(authority_key, hashes.SHA256())
    )
    _write(folder / "racine.pem", root.public_bytes(Encoding.PEM))
    _write(folder / "wwdr.pem", authority.public_bytes(Encoding.PEM))
    _write(folder / "passe_cle.pem", _pem(leaf_key))
    # Last: its presence says that the chain is whole.
    _write(folder / "passe.pem", leaf.public_bytes(Encoding.PEM))


def _token_keys(keys: Keys) -> None:
    if keys.token_private.exists() and keys.token_public.exists():
        return
    key = Ed25519PrivateKey.generate()
    public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    _write(keys.token_private, _pem(key))
    _write(keys.token_public, public)


def _google_account() -> bytes:
    account = {
        "type": "service_account",
        "project_id": "espace-citoyen-demonstration",
        "private_key_id": secrets.token_hex(20),
        "private_key": _pem(_rsa_key()).decode(),
        "client_email": "carte@espace-citoyen-demonstration.iam.gserviceaccount.com",
        "token_uri": "https://oauth2.googleapis.com/token",
    }
    return json.dumps(account, indent=1).encode()


def _apple_chain_is_old(folder: Path) -> bool:
    leaf = folder / "passe.pem"
    if not leaf.exists():
        return True
    ends = x509.load_pem_x509_certificate(leaf.read_bytes()).not_valid_after_utc
    return ends - datetime.now(UTC) < _RENEW_BEFORE


def _authority(
    subject: x509.Name,
    key: RSAPrivateKey,
    issuer: x509.Name,
    issuer_key: RSAPrivateKey,
    *,
    path_length: int,
) -> x509.Certificate:
    return (
        _certificate(subject, key, issuer, _AUTHORITY_LASTS)
        .add_extension(x509.BasicConstraints(ca=True, path_length=path_length), critical=True)
        .add_extension(_usage(key_cert_sign=True, crl_sign=True), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(issuer_key, hashes.SHA256())
    )


def _certificate(
    subject: x509.Name, key: RSAPrivateKey, issuer: x509.Name, lasts: timedelta
) -> x509.CertificateBuilder:
    # A day early: the machine that verifies may have a slow clock.
    begins = datetime.now(UTC) - timedelta(days=1)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(begins)
        .not_valid_after(begins + lasts)
    )


def _usage(
    *, digital_signature: bool = False, key_cert_sign: bool = False, crl_sign: bool = False
) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=digital_signature,
        key_cert_sign=key_cert_sign,
        crl_sign=crl_sign,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


_ATTRIBUTES = {
    "CN": NameOID.COMMON_NAME,
    "O": NameOID.ORGANIZATION_NAME,
    "OU": NameOID.ORGANIZATIONAL_UNIT_NAME,
    "UID": NameOID.USER_ID,
    "C": NameOID.COUNTRY_NAME,
}


def _name(*parts: tuple[str, str]) -> x509.Name:
    return x509.Name([x509.NameAttribute(_ATTRIBUTES[kind], value) for kind, value in parts])


def _rsa_key() -> RSAPrivateKey:
    return generate_private_key(public_exponent=65_537, key_size=2048)


def _pem(key: RSAPrivateKey | Ed25519PrivateKey) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def _once(place: Path, make: Callable[[], bytes]) -> None:
    if not place.exists():
        _write(place, make())


def _write(place: Path, content: bytes) -> None:
    """Write a file of the owner alone, whole or not at all."""
    fresh = place.with_name(f".{place.name}")
    fresh.unlink(missing_ok=True)
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    fresh.rename(place)
