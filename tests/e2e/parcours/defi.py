"""The check against robots, answered as a browser does: by a proof of work."""

from __future__ import annotations

import hashlib
import itertools
from typing import Any


def preuve(jeton: str, bits: str | int) -> str:
    """The first number whose SHA-256, after the challenge, starts with enough zero bits."""
    begun = hashlib.sha256(f"{jeton}:".encode())
    limit = 1 << (256 - int(bits))
    for count in itertools.count():
        digest = begun.copy()
        digest.update(b"%d" % count)
        if int.from_bytes(digest.digest()) < limit:
            return str(count)
    raise AssertionError("unreachable")


def reponse(defi: dict[str, Any]) -> dict[str, str]:
    """The fields of a JSON request that answer what ``GET /api/v1/defi`` gave."""
    return {"defi": defi["defi"], "preuve": preuve(defi["defi"], defi["bits"])}
