"""Tokens that our services accept, from a key pair made at import."""

from __future__ import annotations

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from chassis.identity import TokenMinter, TokenVerifier

_KEY = Ed25519PrivateKey.generate()
PRIVATE_KEY = _KEY.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
PUBLIC_KEY = _KEY.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
MINTER = TokenMinter(PRIVATE_KEY, lifetime_s=3600)
VERIFIER = TokenVerifier(PUBLIC_KEY)


def token(
    subject: str, *roles: str, purpose: str = "", acting_for: str = "", session: str = ""
) -> str:
    """A valid token of an hour: ``token(citoyen_id, "citoyen")``."""
    return MINTER.mint(
        subject=subject, roles=roles, purpose=purpose, acting_for=acting_for, session=session
    )
