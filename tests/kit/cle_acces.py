"""A software authenticator: what a phone or a security key does, in a few lines (WebAuthn 3)."""

from __future__ import annotations

import hashlib
import json
import secrets
from base64 import urlsafe_b64encode
from dataclasses import dataclass, field

import cbor2
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

_PRESENTE = 0x01
_VERIFIEE = 0x04
_CLE_JOINTE = 0x40


def texte(valeur: bytes) -> str:
    """Write base64url."""
    return urlsafe_b64encode(valeur).rstrip(b"=").decode()


@dataclass
class CleLogicielle:
    """One ES256 passkey; ``verifiee`` False answers without user verification."""

    origine: str = "http://localhost:8080"
    rp_id: str = "localhost"
    compteur: int = 0
    verifiee: bool = True
    identifiant: bytes = field(default_factory=lambda: secrets.token_bytes(32))
    privee: ec.EllipticCurvePrivateKey = field(
        default_factory=lambda: ec.generate_private_key(ec.SECP256R1())
    )

    def creer(self, options_json: str) -> str:
        """Answer the options of a registration."""
        defi = json.loads(options_json)["challenge"]
        numeros = self.privee.public_key().public_numbers()
        cle = cbor2.dumps(
            {1: 2, 3: -7, -1: 1, -2: numeros.x.to_bytes(32), -3: numeros.y.to_bytes(32)}
        )
        donnees = self._donnees(_CLE_JOINTE)
        donnees += bytes(16) + len(self.identifiant).to_bytes(2) + self.identifiant + cle
        attestation = cbor2.dumps({"fmt": "none", "attStmt": {}, "authData": donnees})
        return self._reponse(
            {
                "clientDataJSON": texte(self._client("webauthn.create", defi)),
                "attestationObject": texte(attestation),
            }
        )

    def prouver(self, options_json: str) -> str:
        """Answer the options of a log-in."""
        self.compteur += 1
        client = self._client("webauthn.get", json.loads(options_json)["challenge"])
        donnees = self._donnees(0)
        signe = donnees + hashlib.sha256(client).digest()
        return self._reponse(
            {
                "clientDataJSON": texte(client),
                "authenticatorData": texte(donnees),
                "signature": texte(self.privee.sign(signe, ec.ECDSA(hashes.SHA256()))),
            }
        )

    def _donnees(self, drapeaux: int) -> bytes:
        drapeaux |= _PRESENTE | (_VERIFIEE if self.verifiee else 0)
        site = hashlib.sha256(self.rp_id.encode()).digest()
        return site + bytes([drapeaux]) + self.compteur.to_bytes(4)

    def _client(self, genre: str, defi: str) -> bytes:
        return json.dumps({"type": genre, "challenge": defi, "origin": self.origine}).encode()

    def _reponse(self, reponse: dict[str, str]) -> str:
        cle = texte(self.identifiant)
        return json.dumps({"id": cle, "rawId": cle, "type": "public-key", "response": reponse})
