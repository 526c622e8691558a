"""Sealed fields of events: readable by the two services that hold the key, and by nobody else."""

import json
import os
from collections.abc import Mapping

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

_VERSION = b"\x01"
_NONCE = 12


class SealBroken(Exception):
    """A sealed value was altered, sealed with another key, or taken from another message type."""


def seal(plain: Mapping[str, str], *, key: bytes, context: str) -> bytes:
    """Seal a flat JSON object with AES-256-GCM.

    Args:
        plain: what to seal; a few short texts.
        key: 32 bytes, of the pair of services.
        context: message type such as `"OrderPlaced"`, authenticated but not stored: a value
            copied into another message does not open.
    Returns: version byte 1, 12 random bytes, ciphertext with its 16-byte tag.
    """
    nonce = os.urandom(_NONCE)
    body = json.dumps(dict(plain), ensure_ascii=False).encode()
    return _VERSION + nonce + AESGCM(key).encrypt(nonce, body, context.encode())


def unseal(sealed: bytes, *, key: bytes, context: str) -> dict[str, str]:
    """Open what `seal` made with the same key and context.

    Raises: SealBroken.
    """
    nonce, ciphertext = sealed[1 : 1 + _NONCE], sealed[1 + _NONCE :]
    if sealed[:1] != _VERSION or len(nonce) != _NONCE:
        raise SealBroken
    try:
        body = AESGCM(key).decrypt(nonce, ciphertext, context.encode())
    except InvalidTag as error:
        raise SealBroken from error
    opened: dict[str, str] = json.loads(body)
    return opened
