"""Identity between processes: a short signed token that each service verifies by itself."""

import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import cast

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_pem_public_key

AUDIENCE = "espace"
_ALGORITHM = "EdDSA"
_CACHE_SIZE = 4096
_LEEWAY_S = 2


class InvalidToken(Exception):
    """A token is absent, expired, altered, or not signed by the issuer that we trust."""


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks, as the verified token says.

    `subject` is "" for a visitor without a session; `acting_for` is the person on whose behalf;
    `purpose` says why someone else's data is read; `token` can be passed on to another service.
    """

    subject: str
    roles: frozenset[str]
    acting_for: str
    purpose: str
    token: str
    session: str


class TokenMinter:
    """Signs tokens (RFC 7519, EdDSA of RFC 8037); only the gateway holds the private key."""

    def __init__(
        self, private_key_pem: bytes, issuer: str = "passerelle", lifetime_s: int = 60
    ) -> None:
        self._key = cast("Ed25519PrivateKey", load_pem_private_key(private_key_pem, password=None))
        self._issuer = issuer
        self._lifetime_s = lifetime_s

    def mint(
        self,
        *,
        subject: str,
        roles: Iterable[str],
        session: str = "",
        acting_for: str = "",
        purpose: str = "",
    ) -> str:
        """Sign a token that says who asks, for `lifetime_s` seconds."""
        now = int(time.time())
        claims = {
            "iss": self._issuer,
            "aud": AUDIENCE,
            "iat": now,
            "exp": now + self._lifetime_s,
            "sub": subject,
            "roles": sorted(roles),
            "sid": session,
            "act": acting_for,
            "purpose": purpose,
        }
        return jwt.encode(claims, self._key, algorithm=_ALGORITHM)


class TokenVerifier:
    """Verifies tokens; a token that was verified is remembered until it expires.

    The memory holds 4,096 tokens, which bounds what a flood of valid ones can take.
    """

    def __init__(self, public_key_pem: bytes, issuer: str = "passerelle") -> None:
        self._key = cast("Ed25519PublicKey", load_pem_public_key(public_key_pem))
        self._issuer = issuer
        self._seen: dict[str, tuple[float, Caller]] = {}
        self._lock = threading.Lock()

    def verify(self, token: str) -> Caller:
        """Give the caller that a token names.

        Raises: InvalidToken, without saying why: the reason would only help a forger.
        """
        now = time.time()
        known = self._seen.get(token)
        if known is not None and known[0] > now:
            return known[1]
        expires, caller = self._decode(token)
        with self._lock:
            if len(self._seen) >= _CACHE_SIZE:
                self._forget(now)
            self._seen[token] = (expires, caller)
        return caller

    def _decode(self, token: str) -> tuple[float, Caller]:
        try:
            claims = jwt.decode(
                token,
                self._key,
                algorithms=[_ALGORITHM],
                audience=AUDIENCE,
                issuer=self._issuer,
                leeway=_LEEWAY_S,
                options={"require": ["exp", "iat", "sub", "iss", "aud"]},
            )
            caller = Caller(
                subject=claims["sub"],
                roles=frozenset(claims["roles"]),
                acting_for=claims["act"],
                purpose=claims["purpose"],
                token=token,
                session=claims["sid"],
            )
        except (jwt.InvalidTokenError, KeyError, TypeError) as error:
            raise InvalidToken from error
        return float(claims["exp"]) + _LEEWAY_S, caller

    def _forget(self, now: float) -> None:
        for token, (expires, _) in list(self._seen.items()):
            if expires <= now:
                del self._seen[token]
        for token in list(self._seen)[: max(0, len(self._seen) - _CACHE_SIZE // 2)]:
            del self._seen[token]
