"""What anybody needs to verify a card offline: the town's keys and its status lists (CAR-16).

Both are public and the same for everybody, so that a verifier never tells us whose card it checks;
each is asked of cartes once a minute at most, whatever the number of verifiers.
"""

import base64
import threading
import time
from collections.abc import Callable
from typing import Final

from flask import Flask, Response, current_app, jsonify

from espacecitoyen.cartes.v1 import code_service_pb2 as messages
from passerelle import clients

STATUTS: Final = "application/statuslist+cwt"
JWKS: Final = "application/jwk-set+json"
_MEMOIRE_S: Final = 60.0
_LISTES_MAX: Final = 64


class Memoire:
    """Answers kept for a minute, by address."""

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._connues: dict[int, tuple[float, messages.GetListeStatutsResponse]] = {}

    def liste(self, liste_id: int) -> messages.GetListeStatutsResponse:
        """Return a status list, at most a minute old."""
        now = self._clock()
        with self._lock:
            connue = self._connues.get(liste_id)
        if connue is not None and now - connue[0] < _MEMOIRE_S:
            return connue[1]
        services = clients.current()
        answer: messages.GetListeStatutsResponse = services.codes.call(
            lambda s: s.GetListeStatuts,
            messages.GetListeStatutsRequest(liste_id=liste_id),
            token=services.anonymous_token(),
            deadline=services.config.delai_appel_s,
        )
        with self._lock:
            if len(self._connues) >= _LISTES_MAX:
                self._connues.clear()
            self._connues[liste_id] = (now, answer)
        return answer


def register(app: Flask) -> None:
    """Serve the keys and the lists."""
    app.extensions["listes_statuts"] = Memoire()
    app.add_url_rule("/.well-known/carte-citoyen/jwks.json", "carte_jwks", jwks)
    app.add_url_rule("/statuts/<int(max=1000000):liste_id>", "carte_statuts", statuts)


def jwks() -> Response:
    """Return the public keys (RFC 7517); a retired year stays until its last card has expired."""
    services = clients.current()
    answer: messages.ListClesPubliquesResponse = services.codes.call(
        lambda s: s.ListClesPubliques,
        messages.ListClesPubliquesRequest(),
        token=services.anonymous_token(),
        deadline=services.config.delai_appel_s,
    )
    response = jsonify(
        {
            "iss": answer.emetteur,
            "keys": [
                {
                    "kty": "EC",
                    "crv": "P-256",
                    "alg": "ES256",
                    "use": "sig",
                    "kid": _b64(cle.kid),
                    "x": _b64(cle.x),
                    "y": _b64(cle.y),
                }
                for cle in answer.cles
            ],
        }
    )
    response.mimetype = JWKS
    return _publique(response, int(_MEMOIRE_S) * 60)


def statuts(liste_id: int) -> Response:
    """Return a status list."""
    memoire: Memoire = current_app.extensions["listes_statuts"]
    answer = memoire.liste(liste_id)
    response = Response(answer.contenu, mimetype=STATUTS)
    return _publique(response, answer.rafraichir_s)


def _publique(response: Response, secondes: int) -> Response:
    response.headers["Cache-Control"] = f"public, max-age={secondes}"
    # Pages of partners and of other towns verify cards too.
    response.headers["Access-Control-Allow-Origin"] = "*"
    response.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
    return response


def _b64(octets: bytes) -> str:
    return base64.urlsafe_b64encode(octets).rstrip(b"=").decode()
