"""Authenticated encryption of documents in chunks, and the wrapping of their keys (R50, R51).

A stored object is `MAGIE`, the chunk size, then chunks of 64 KiB, each followed by its GCM tag.
The nonce of a chunk is its number and a flag that is 1 on the last chunk alone (the STREAM
construction of Hoang, Reyhanitabar, Rogaway and Vizard, 2015): a chunk that is altered, moved,
repeated or missing fails its tag. Each object has a fresh key, so that no nonce is used twice with
one key, and the context (account, object, area) is authenticated with every chunk, so that an
object put in the place of another fails too.
"""

import hashlib
import io
import os
import secrets
import struct
from collections.abc import Iterator
from typing import TYPE_CHECKING, BinaryIO, Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from services.stockage.domain import PieceAlteree

if TYPE_CHECKING:
    # The standard library has this name from Python 3.12 only.
    from typing_extensions import Buffer

CLE_OCTETS = 32
BLOC = 64 * 1024
SCEAU = 16
MAGIE = b"EPC1"
ENTETE = MAGIE + struct.pack(">I", BLOC)
_NONCE_ENVELOPPE = 12
# Chunks that a whole reading takes at once: fewer messages and calls, half a megabyte of memory.
_LOT = 8
_PAS = BLOC + SCEAU


class Puits(Protocol):
    """Where encrypted bytes go."""

    def write(self, data: bytes, /) -> object:
        """Take the bytes."""


def _nonce(numero: int, *, dernier: bool) -> bytes:
    # 2^64 chunks is more than any disk; the seven bytes in between stay zero.
    return struct.pack(">QxxxB", numero, dernier)


class Chiffreur:
    """Encrypts a stream of any length in constant memory.

    Invariant: a chunk is written only once it is known whether it is the last one.
    """

    def __init__(
        self, *, cle: bytes, contexte: bytes, puits: Puits, condenser: bool = True
    ) -> None:
        self._aes = AESGCM(cle)
        self._contexte = ENTETE + contexte
        self._puits = puits
        self._attente = bytearray()
        self._numero = 0
        self._sha256 = hashlib.sha256() if condenser else None
        self.taille_octets = 0
        self._ecrire(ENTETE)

    def ajouter(self, donnees: bytes) -> None:
        """Take plain bytes; any length."""
        self.taille_octets += len(donnees)
        self._attente += donnees
        # A full chunk that could still be the last one stays in memory.
        if len(self._attente) <= BLOC:
            return
        with memoryview(self._attente) as vue:
            fin = 0
            while len(vue) - fin > BLOC:
                self._chiffrer(vue[fin : fin + BLOC], dernier=False)
                fin += BLOC
        del self._attente[:fin]

    def terminer(self) -> bytes:
        """Write the last chunk.

        Returns: the SHA-256 of all the bytes written, nothing when it was not to be computed.
        """
        self._chiffrer(self._attente, dernier=True)
        return self._sha256.digest() if self._sha256 is not None else b""

    def _chiffrer(self, clair: bytes | bytearray | memoryview, *, dernier: bool) -> None:
        nonce = _nonce(self._numero, dernier=dernier)
        self._ecrire(self._aes.encrypt(nonce, clair, self._contexte))
        self._numero += 1

    def _ecrire(self, donnees: bytes) -> None:
        if self._sha256 is not None:
            self._sha256.update(donnees)
        self._puits.write(donnees)


class Dechiffreur(io.RawIOBase):
    """A seekable reader of an encrypted object: parsers need random access to it.

    Opening checks the last chunk, so that a truncated object is refused before a byte is read.
    """

    def __init__(self, fichier: BinaryIO, *, cle: bytes, contexte: bytes) -> None:
        super().__init__()
        self._fichier = fichier
        self._aes = AESGCM(cle)
        self._contexte = ENTETE + contexte
        chiffre = fichier.seek(0, os.SEEK_END) - len(ENTETE)
        fichier.seek(0)
        if chiffre < SCEAU or fichier.read(len(ENTETE)) != ENTETE:
            raise PieceAlteree
        self._blocs = -(-chiffre // (_PAS))
        self.taille_octets = chiffre - self._blocs * SCEAU
        self._position = 0
        self._cache: tuple[int, bytes] = (-1, b"")
        self._bloc(self._blocs - 1)

    def readable(self) -> bool:
        """Always."""
        return True

    def seekable(self) -> bool:
        """Always."""
        return True

    def tell(self) -> int:
        """Position in the plain bytes."""
        return self._position

    def seek(self, offset: int, whence: int = os.SEEK_SET, /) -> int:
        """Move in the plain bytes; past the end is allowed, as for a file."""
        depart = {os.SEEK_SET: 0, os.SEEK_CUR: self._position, os.SEEK_END: self.taille_octets}
        self._position = max(depart[whence] + offset, 0)
        return self._position

    def readinto(self, buffer: "Buffer", /) -> int:
        """Fill the whole buffer when the object is long enough: pdfium takes less for the end.

        Raises: PieceAlteree.
        """
        with memoryview(buffer).cast("B") as vue:
            lus = 0
            while lus < len(vue) and self._position < self.taille_octets:
                numero, debut = divmod(self._position, BLOC)
                part = self._bloc(numero)[debut : debut + len(vue) - lus]
                vue[lus : lus + len(part)] = part
                lus += len(part)
                self._position += len(part)
        return lus

    def blocs(self) -> Iterator[bytes]:
        """Iterate over the plain bytes from the start, some chunks at a time.

        An empty object gives none.
        """
        total = -(-self.taille_octets // BLOC)
        for numero in range(0, total, _LOT):
            self._fichier.seek(len(ENTETE) + numero * (_PAS))
            with memoryview(self._fichier.read(_LOT * _PAS)) as lot:
                yield b"".join(
                    # A chunk that is not there any more is an empty one, which fails its tag.
                    self._ouvrir(numero + rang, lot[rang * _PAS : (rang + 1) * _PAS])
                    for rang in range(min(_LOT, total - numero))
                )

    def _bloc(self, numero: int) -> bytes:
        if self._cache[0] == numero:
            return self._cache[1]
        self._fichier.seek(len(ENTETE) + numero * (_PAS))
        clair = self._ouvrir(numero, self._fichier.read(_PAS))
        self._cache = (numero, clair)
        return clair

    def _ouvrir(self, numero: int, chiffre: bytes | memoryview) -> bytes:
        nonce = _nonce(numero, dernier=numero == self._blocs - 1)
        try:
            return self._aes.decrypt(nonce, chiffre, self._contexte)
        except (InvalidTag, ValueError) as erreur:
            raise PieceAlteree from erreur


def envelopper(cle: bytes, *, par: bytes, contexte: bytes) -> bytes:
    """Wrap a key by another one. Returns: nonce and AES-256-GCM, 60 bytes for a 32-byte key."""
    nonce = secrets.token_bytes(_NONCE_ENVELOPPE)
    return nonce + AESGCM(par).encrypt(nonce, cle, contexte)


def developper(enveloppe: bytes, *, par: bytes, contexte: bytes) -> bytes:
    """Unwrap a key. Raises: PieceAlteree when the key or the context is another one."""
    nonce, chiffre = enveloppe[:_NONCE_ENVELOPPE], enveloppe[_NONCE_ENVELOPPE:]
    try:
        return AESGCM(par).decrypt(nonce, chiffre, contexte)
    except (InvalidTag, ValueError) as erreur:
        raise PieceAlteree from erreur
