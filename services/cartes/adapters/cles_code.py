"""The keys that sign codes: made here, sealed for the database, loaded once (CAR-16)."""

import base64
import hashlib
import threading
from collections.abc import Iterable
from datetime import datetime, timedelta

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_der_private_key,
    load_der_public_key,
)

from chassis import seal
from services.cartes.adapters import liste_statuts
from services.cartes.adapters.code_signe import KID_OCTETS, Signataire
from services.cartes.domain import Attestation, StatutCode
from services.cartes.persistence.codes import CleLue

_CONTEXTE = "cle_signature"


class ClesDeCode:
    """Signs with the town's keys; used by all the threads of a process.

    The database keeps a private key sealed with `cle` (32 bytes of the settings): a copy of the
    database alone signs nothing.
    """

    def __init__(self, *, cle: bytes, emetteur: str, ville: int) -> None:
        self._cle = cle
        self._verrou = threading.Lock()
        self._privees: dict[bytes, ec.EllipticCurvePrivateKey] = {}
        self.emetteur = emetteur.rstrip("/")
        self.ville = ville

    def creer(self, annee: int) -> CleLue:
        """Make the key of a year."""
        privee = ec.generate_private_key(ec.SECP256R1())
        der = privee.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
        publique = privee.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        scellee = seal.seal(
            {"privee": base64.b64encode(der).decode()}, key=self._cle, context=_CONTEXTE
        )
        kid = hashlib.sha256(publique).digest()[:KID_OCTETS]
        return CleLue(kid, annee, publique, scellee)

    def coordonnees(self, cle: CleLue) -> tuple[bytes, bytes]:
        """Return x and y of a public key, 32 bytes each, as a JWK writes them (RFC 7518 6.2)."""
        publique = load_der_public_key(cle.publique)
        if not isinstance(publique, ec.EllipticCurvePublicKey):
            raise TypeError("cle_signature holds a key of another kind")
        nombres = publique.public_numbers()
        return nombres.x.to_bytes(32), nombres.y.to_bytes(32)

    def adresse_liste(self, liste_id: int) -> str:
        """Return where a status list is served."""
        return f"{self.emetteur}/statuts/{liste_id}"

    def signer(self, cle: CleLue, attestation: Attestation) -> str:
        """Return the text of a code."""
        signataire = Signataire(self._privee(cle), kid=cle.kid, emetteur=self.emetteur)
        return signataire.signer(attestation)

    def signer_liste(
        self,
        cle: CleLue,
        *,
        liste_id: int,
        taille: int,
        statuts: Iterable[tuple[int, StatutCode]],
        maintenant: datetime,
        rafraichir: timedelta,
        duree: timedelta,
    ) -> bytes:
        """Return a signed status list."""
        return liste_statuts.signer(
            liste_statuts.composer(taille, statuts),
            cle=self._privee(cle),
            kid=cle.kid,
            adresse=self.adresse_liste(liste_id),
            maintenant=maintenant,
            rafraichir=rafraichir,
            duree=duree,
        )

    def _privee(self, cle: CleLue) -> ec.EllipticCurvePrivateKey:
        with self._verrou:
            connue = self._privees.get(cle.kid)
            if connue is None:
                ouverte = seal.unseal(cle.privee_scellee, key=self._cle, context=_CONTEXTE)
                lue = load_der_private_key(base64.b64decode(ouverte["privee"]), None)
                if not isinstance(lue, ec.EllipticCurvePrivateKey):
                    raise TypeError("cle_signature holds a key of another kind")
                connue = self._privees[cle.kid] = lue
        return connue
