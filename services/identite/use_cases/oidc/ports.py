"""What OpenID Connect needs from outside, and the rules that an installation chose."""

import base64
import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from services.identite.config import Config
from services.identite.domain.oidc import DureesOidc

_CLE_OCTETS = 32


class Signataire(Protocol):
    """The keys that sign."""

    def signer(
        self, revendications: Mapping[str, object], *, algorithme: str, genre: str = "JWT"
    ) -> str:
        """Give a compact JWT; `genre` is its `typ`."""

    def publiques(self) -> str:
        """Give the JSON Web Key Set that clients verify with."""


class Fabrique(Protocol):
    """Maker of signing keys."""

    def __call__(self, algorithme: str) -> tuple[str, Mapping[str, object], str]:
        """Give a key id, the public JSON Web Key, and the private one as JSON."""


class AssertionRefusee(Exception):
    """A client's signed assertion proves nothing."""


@dataclass(frozen=True, kw_only=True)
class AssertionLue:
    """A client's assertion whose signature and claims are right."""

    jti: str
    expire_le: datetime


class Assertions(Protocol):
    """Verifier of private_key_jwt (RFC 7523)."""

    def __call__(
        self, assertion: str, *, client_id: str, jwks: str, maintenant: datetime
    ) -> AssertionLue:
        """Verify; raises AssertionRefusee."""


class Certificats(Protocol):
    """Reader of client certificates (RFC 8705)."""

    def sujet(self, certificat: bytes) -> str:
        """Give the RFC 4514 subject, "" for what is no certificate."""

    def connu(self, certificat: bytes, jwks: str) -> bool:
        """Tell whether a key set lists this certificate."""


class Postier(Protocol):
    """Sender of logout tokens."""

    def __call__(self, url: str, jeton: str) -> bool:
        """Post one; True when the client said that it had received it."""


@dataclass(frozen=True, kw_only=True)
class ReglesOidc:
    """The rules that the settings decide, in the types that the acts use."""

    # Origin that people type, without a final slash: the `iss` of everything that is signed.
    emetteur: str
    # 32 bytes that wrap the private keys at rest.
    cle: bytes
    durees: DureesOidc
    # The city's own systems need no consent page.
    consentement_maison: bool

    @property
    def audiences(self) -> tuple[str, ...]:
        """What a client's assertion may name us by."""
        return (self.emetteur, f"{self.emetteur}/oidc/jeton")

    @classmethod
    def de(cls, config: Config) -> "ReglesOidc":
        """Read the settings.

        Raises: ValueError when the wrapping key is not 32 bytes in base64.
        """
        if config.cle_oidc:
            cle = base64.b64decode(config.cle_oidc, validate=True)
        else:
            racine = base64.b64decode(config.cle_scelle, validate=True)
            cle = hmac.digest(racine, b"identite.oidc", "sha256")
        if len(cle) != _CLE_OCTETS:
            raise ValueError("IDENTITE_CLE_OIDC must be 32 bytes in base64")
        return cls(
            emetteur=config.url_publique.rstrip("/"),
            cle=cle,
            durees=DureesOidc(
                code=timedelta(seconds=config.oidc_code_s),
                acces=timedelta(seconds=config.oidc_acces_s),
                identite=timedelta(seconds=config.oidc_identite_s),
                renouvellement=timedelta(days=config.oidc_renouvellement_jours),
                billet=timedelta(minutes=config.oidc_billet_min),
                cle=timedelta(days=config.oidc_cle_jours),
                cle_avance=timedelta(hours=config.oidc_cle_avance_h),
                cle_retrait=timedelta(hours=config.oidc_cle_retrait_h),
            ),
            consentement_maison=config.oidc_consentement_maison,
        )
