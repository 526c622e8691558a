"""Reference server of an Espace Famille: ``python -m deploy.demo.espace_famille --port 8099 …``.

``POST /v1/liens`` exchanges a code and a password for a revocable token (201), ``POST /v1/famille``
reads with it, ``DELETE /v1/liens`` ends it (docs/ponts.md). Code ``F-1001`` with password
``famille-exemple`` is the sample family; tokens live as long as the process.
"""

from __future__ import annotations

import hashlib
import secrets
import threading
from http import HTTPStatus
from typing import Any

from deploy.demo.serveur import serve

SAMPLE_CODE = "F-1001"
SAMPLE_PASSWORD = "famille-exemple"  # noqa: S105 - of a made-up family, shown at the start

_FAMILIES = {
    SAMPLE_CODE: {
        "famille": "Famille Exemple",
        "inscriptions": [
            {"enfant": "Noa", "activite": "Natation, niveau 3", "debut": "2027-01-11"},
            {"enfant": "Lou", "activite": "Camp de jour, semaine 1", "debut": "2027-06-28"},
        ],
    }
}
_LOCK = threading.Lock()
_TOKENS: dict[bytes, str] = {}
_UNKNOWN = (HTTPStatus.UNAUTHORIZED, {"erreur": "code_ou_mot_de_passe"})


def _exchange(_path: str, body: Any) -> tuple[int, object]:
    code = _known(body)
    if code is None:
        return _UNKNOWN
    token = secrets.token_urlsafe(32)
    with _LOCK:
        _TOKENS[_mark(token)] = code
    return HTTPStatus.CREATED, {"jeton": token}


def _read(_path: str, body: Any) -> tuple[int, object]:
    token = body.get("jeton", "") if isinstance(body, dict) else ""
    with _LOCK:
        code = _TOKENS.get(_mark(str(token)))
    code = code or _known(body)
    return (HTTPStatus.OK, _FAMILIES[code]) if code else _UNKNOWN


def _revoke(_path: str, body: Any) -> tuple[int, object]:
    token = body.get("jeton", "") if isinstance(body, dict) else ""
    with _LOCK:
        _TOKENS.pop(_mark(str(token)), None)
    return HTTPStatus.OK, {}


def _known(body: Any) -> str | None:
    """Return the code of a family whose password this is."""
    if not isinstance(body, dict):
        return None
    code, password = str(body.get("code", "")), str(body.get("mot_de_passe", ""))
    right = secrets.compare_digest(password.encode(), SAMPLE_PASSWORD.encode())
    return code if right and code in _FAMILIES else None


def _mark(token: str) -> bytes:
    """Return what is kept of a token."""
    return hashlib.sha256(token.encode()).digest()


ROUTES = {
    ("POST", "/v1/liens"): _exchange,
    ("DELETE", "/v1/liens"): _revoke,
    ("POST", "/v1/famille"): _read,
}

if __name__ == "__main__":
    serve(ROUTES)
