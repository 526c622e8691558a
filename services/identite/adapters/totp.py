"""Codes of authenticator applications: RFC 6238 by pyotp (IDN-20)."""

import hmac

import pyotp

from services.identite.domain import PAS_TOTP_S


class Totp:
    """SHA-1, six digits, 30 seconds: what every application reads."""

    def __init__(self, *, nom: str) -> None:
        self._nom = nom

    def nouveau(self) -> str:
        """Give 160 random bits in base 32."""
        return pyotp.random_base32()

    def uri(self, secret: str, *, courriel: str) -> str:
        """Give the address that an application reads from a picture."""
        return pyotp.TOTP(secret).provisioning_uri(name=courriel, issuer_name=self._nom)

    def pas_du_code(self, secret: str, code: str, pas: range) -> int | None:
        """Find the step, among some, whose code this is; every one is compared."""
        generateur = pyotp.TOTP(secret)
        trouves = [p for p in pas if hmac.compare_digest(generateur.at(p * PAS_TOTP_S), code)]
        return trouves[-1] if trouves else None
