"""Signing keys and what clients sign: JSON Web Keys, JWTs, certificates (joserfc, cryptography)."""

import base64
import hashlib
import json
import threading
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Final

from cryptography import x509
from joserfc import jwk, jwt
from joserfc.errors import JoseError
from joserfc.jws import JWSRegistry
from sqlalchemy import Engine

from services.identite.domain.oidc import en_base64url
from services.identite.domain.oidc_cles import CleSignature, cle_courante
from services.identite.persistence import oidc_suite
from services.identite.use_cases.oidc import AssertionLue, AssertionRefusee, jeu_public, ouvrir_cle

_RSA_BITS: Final = 2048
# Signing algorithms that a client's assertion may use: never a shared secret, never "none".
_ALGORITHMES_CLIENT: Final = ("ES256", "ES384", "RS256", "PS256", "EdDSA")
_MARGE_S: Final = 60
_ASSERTION_MAX: Final = timedelta(minutes=10)
_JTI_MAX: Final = 200
_FRAICHEUR_S: Final = 30.0


def nouvelle_cle(algorithme: str) -> tuple[str, Mapping[str, object], str]:
    """Make a signing key: its id, its public JSON Web Key, its private one as JSON."""
    cle: jwk.ECKey | jwk.RSAKey
    if algorithme == "ES256":
        cle = jwk.ECKey.generate_key("P-256")
    else:
        cle = jwk.RSAKey.generate_key(_RSA_BITS)
    kid = cle.thumbprint()
    publique = {**cle.as_dict(private=False), "kid": kid, "use": "sig", "alg": algorithme}
    return kid, publique, json.dumps(cle.as_dict(private=True))


class Trousseau:
    """The key ring in memory, read again twice a minute; an empty one is filled at once."""

    def __init__(
        self,
        *,
        lecture: Engine,
        cle: bytes,
        remplir: Callable[[], None],
        horloge: Callable[[], datetime],
    ) -> None:
        self._lecture, self._cle = lecture, cle
        self._remplir, self._horloge = remplir, horloge
        self._verrou = threading.Lock()
        self._lues: list[CleSignature] = []
        self._privees: dict[str, jwk.Key] = {}
        self._lues_le = 0.0

    def signer(
        self, revendications: Mapping[str, object], *, algorithme: str, genre: str = "JWT"
    ) -> str:
        """Give a compact JWT signed by the key of the moment."""
        cles, privees = self._anneau()
        courante = cle_courante(cles, algorithme, self._horloge())
        if courante is None:
            raise LookupError(f"no {algorithme} key signs now")
        entete = {"alg": algorithme, "kid": courante.kid, "typ": genre}
        return jwt.encode(
            entete, dict(revendications), privees[courante.kid], algorithms=[algorithme]
        )

    def publiques(self) -> str:
        """Give the JSON Web Key Set."""
        return jeu_public(self._anneau()[0])

    def _anneau(self) -> tuple[list[CleSignature], Mapping[str, jwk.Key]]:
        with self._verrou:
            if not self._lues or time.monotonic() - self._lues_le > _FRAICHEUR_S:
                self._lire()
            return self._lues, self._privees

    def _lire(self) -> None:
        stockees = oidc_suite.lire_cles(self._lecture)
        if not stockees:
            self._remplir()
            stockees = oidc_suite.lire_cles(self._lecture)
        # Unwrapped once each: opening an RSA key costs more than signing with it.
        self._privees = {
            s.cle.kid: self._privees.get(s.cle.kid)
            or jwk.import_key(json.loads(ouvrir_cle(s, cle=self._cle)))
            for s in stockees
        }
        self._lues = [s.cle for s in stockees]
        self._lues_le = time.monotonic()


class AssertionsClient:
    """Verifier of private_key_jwt (RFC 7523, OpenID Connect Core 9)."""

    def __init__(self, audiences: tuple[str, ...]) -> None:
        self._audiences = audiences

    def __call__(
        self, assertion: str, *, client_id: str, jwks: str, maintenant: datetime
    ) -> AssertionLue:
        """Verify a client's assertion. Raises: AssertionRefusee."""
        regles = jwt.JWTClaimsRegistry(
            now=int(maintenant.timestamp()),
            leeway=_MARGE_S,
            iss={"essential": True, "value": client_id},
            sub={"essential": True, "value": client_id},
            aud={"essential": True, "values": list(self._audiences)},
            exp={"essential": True},
            jti={"essential": True},
        )
        try:
            cles = jwk.KeySet.import_key_set(json.loads(jwks))
            lue = jwt.decode(
                assertion,
                cles,
                registry=JWSRegistry(algorithms=list(_ALGORITHMES_CLIENT)),
            )
            regles.validate(lue.claims)
            expire_le = datetime.fromtimestamp(int(lue.claims["exp"]), UTC)
        except (JoseError, ValueError, TypeError, KeyError) as error:
            raise AssertionRefusee from error
        jti = lue.claims["jti"]
        if not isinstance(jti, str) or not 0 < len(jti) <= _JTI_MAX:
            raise AssertionRefusee
        # What is remembered against replay must not have to be remembered for ever.
        if expire_le - maintenant > _ASSERTION_MAX:
            raise AssertionRefusee
        return AssertionLue(jti=jti, expire_le=expire_le + timedelta(seconds=_MARGE_S))


class CertificatsClient:
    """Reader of client certificates (RFC 8705)."""

    def sujet(self, certificat: bytes) -> str:
        """Give the RFC 4514 subject, "" for what is no certificate."""
        try:
            return x509.load_der_x509_certificate(certificat).subject.rfc4514_string()
        except ValueError:
            return ""

    def connu(self, certificat: bytes, jwks: str) -> bool:
        """Tell whether a key of the set carries this certificate, whole or by its digest."""
        trouve = en_base64url(hashlib.sha256(certificat).digest())
        entier = base64.b64encode(certificat).decode()
        try:
            cles = json.loads(jwks)["keys"]
        except (ValueError, KeyError, TypeError):
            return False
        return any(
            cle.get("x5t#S256") == trouve or entier in cle.get("x5c", ())[:1] for cle in cles
        )
