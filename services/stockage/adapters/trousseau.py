"""The ring of keys: master key (settings or KMS, versioned) > key of an account > data key.

A key is wrapped together with what it is for, so that it opens in its own place only.
"""

import base64
import binascii
import secrets
from uuid import UUID

from services.stockage.adapters.chiffrement import CLE_OCTETS, developper, envelopper
from services.stockage.domain import CleScellee, Espace, PieceAlteree
from services.stockage.use_cases.ports import CleEffacee, CleMaitresseInvalide, Maitresse

REGLAGE = "STOCKAGE_CLE_MAITRESSE"
_FORME = f"{REGLAGE} must be 32 bytes in base64, or such keys by version: 2:base64,1:base64"


class MaitresseEnvironnement:
    """`Maitresse` whose keys are in the settings; the first one wraps what is new."""

    def __init__(self, reglage: str) -> None:
        self._cles = dict(_lire(article.strip()) for article in reglage.split(","))
        if len(self._cles) != reglage.count(",") + 1:
            raise CleMaitresseInvalide(f"{REGLAGE} names a version twice")
        self.version = next(iter(self._cles))

    def envelopper(self, cle: bytes, *, contexte: bytes) -> CleScellee:
        """Wrap a key by the current version."""
        enveloppe = envelopper(cle, par=self._cles[self.version], contexte=contexte)
        return CleScellee(version=self.version, enveloppe=enveloppe)

    def developper(self, scellee: CleScellee, *, contexte: bytes) -> bytes:
        """Unwrap a key."""
        maitresse = self._cles.get(scellee.version)
        if maitresse is None:
            connues = ", ".join(str(version) for version in sorted(self._cles))
            raise CleMaitresseInvalide(
                f"{REGLAGE} lacks version {scellee.version}, which still wraps keys of accounts"
                f" (it has {connues})"
            )
        return developper(scellee.enveloppe, par=maitresse, contexte=contexte)


class Trousseau:
    """Keys of the accounts, under whoever holds the master keys."""

    def __init__(self, maitresse: Maitresse) -> None:
        self._maitresse = maitresse

    def creer(self, compte_id: UUID) -> CleScellee:
        """Make the key of an account."""
        cle = secrets.token_bytes(CLE_OCTETS)
        return self._maitresse.envelopper(cle, contexte=contexte("compte", compte_id))

    def ouvrir(self, espace: Espace) -> bytes:
        """Unwrap the key of an account. Raises: CleEffacee, CleMaitresseInvalide, PieceAlteree."""
        if not espace.cle.enveloppe:
            raise CleEffacee
        return self._maitresse.developper(espace.cle, contexte=contexte("compte", espace.compte_id))

    def renouveler(self, espace: Espace) -> CleScellee:
        """Wrap the same key by the current master key: no document changes (R52)."""
        cle = self.ouvrir(espace)
        return self._maitresse.envelopper(cle, contexte=contexte("compte", espace.compte_id))

    def temoin(self) -> CleScellee:
        """Wrap a key that opens nothing: who can unwrap it has the same master key."""
        vide = bytes(CLE_OCTETS)
        version = self._maitresse.version
        return self._maitresse.envelopper(vide, contexte=contexte("temoin", version))

    def reconnaitre(self, temoin: CleScellee) -> bool:
        """Tell whether the master key of that version made this. Raises: CleMaitresseInvalide."""
        try:
            self._maitresse.developper(temoin, contexte=contexte("temoin", temoin.version))
        except PieceAlteree:
            return False
        return True


def contexte(*parts: object) -> bytes:
    """What a key or a chunk is authenticated with."""
    # No part can hold the separator: an area, a UUID, a hexadecimal name, a number.
    return "|".join(("espace-citoyen", "stockage", "v1", *map(str, parts))).encode()


def _lire(article: str) -> tuple[int, bytes]:
    version, deux_points, cle = article.rpartition(":")
    try:
        numero = int(version) if deux_points else 1
        octets = base64.b64decode(cle, validate=True)
    except (ValueError, binascii.Error) as erreur:
        raise CleMaitresseInvalide(_FORME) from erreur
    if len(octets) != CLE_OCTETS:
        raise CleMaitresseInvalide(_FORME)
    return numero, octets
