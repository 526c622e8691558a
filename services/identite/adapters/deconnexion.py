"""Logout tokens posted to clients: plain HTTP with short waits, no redirect followed."""

import logging
import urllib.error
import urllib.parse
import urllib.request
from http.client import HTTPException
from typing import Final

_log = logging.getLogger(__name__)

_ATTENTE_S: Final = 5.0
_RECU: Final = frozenset({200, 204})


class _SansDetour(urllib.request.HTTPRedirectHandler):
    """A redirect would lead where staff registered nothing."""

    def redirect_request(self, *_arguments: object) -> None:
        """Follow none."""


class PostierHttp:
    """Sender of logout tokens (OpenID Connect Back-Channel Logout 1.0, section 2.5)."""

    def __init__(self) -> None:
        # No proxy of the environment: the address is the one that staff registered.
        self._ouvreur = urllib.request.build_opener(urllib.request.ProxyHandler({}), _SansDetour())

    def __call__(self, url: str, jeton: str) -> bool:
        """Post one; True when the client answered that it had received it."""
        corps = urllib.parse.urlencode({"logout_token": jeton}).encode()
        demande = urllib.request.Request(  # noqa: S310  (registration accepts http(s) alone)
            url,
            data=corps,
            headers={"Content-Type": "application/x-www-form-urlencoded"},
        )
        try:
            with self._ouvreur.open(demande, timeout=_ATTENTE_S) as reponse:
                return reponse.status in _RECU
        except (urllib.error.URLError, HTTPException, OSError) as error:
            _log.info("log-out not posted: %s", type(error).__name__)
            return False
