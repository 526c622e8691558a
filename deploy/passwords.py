"""Passwords of an installation, drawn once and kept in a file that only its owner reads."""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Iterable
from pathlib import Path


def drawn(place: Path, names: Iterable[str]) -> dict[str, str]:
    """Read a JSON file ``name -> password`` after drawing those that are missing (mode 0600)."""
    known: dict[str, str] = json.loads(place.read_text()) if place.exists() else {}
    missing = [name for name in names if name not in known]
    if missing:
        known |= {name: secrets.token_urlsafe(24) for name in missing}
        fresh = place.with_name(f".{place.name}")
        fresh.unlink(missing_ok=True)
        with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            json.dump(known, file, indent=1)
        fresh.rename(place)
    return known
