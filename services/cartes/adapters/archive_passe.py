"""The ZIP of a pass, with its unchanging members prepared once.

Hashing and deflating the images for each pass costs twice the signature (cartes.md 9). Here the
fixed members come first, so that their headers, offsets and directory entries never change either:
a pass is their bytes, three more members, and the end record.
"""

import hashlib
import struct
import zlib
from collections.abc import Mapping, Sequence

_LOCAL = struct.Struct("<4s5H3L2H")
_CENTRALE = struct.Struct("<4s6H3L5H2L")
_FIN = struct.Struct("<4s4H2LH")
_VERSION = 20
_STOCKE, _DEFLATE = 0, 8
# 1 January 1980, the first day of a ZIP's clock: equal passes have equal bytes.
_HEURE, _JOUR = 0, 0x21


def empreinte(octets: bytes) -> str:
    """Return what a manifest holds: lower-case hex SHA-1, Apple's choice, of the raw bytes."""
    return hashlib.sha1(octets, usedforsecurity=False).hexdigest()


class MembresFixes:
    """Members that every pass shares: images and texts."""

    def __init__(self, membres: Mapping[str, bytes]) -> None:
        corps, centrale = bytearray(), bytearray()
        for nom, octets in membres.items():
            # A PNG is deflated already; trying again costs time and gains nothing.
            methode = _STOCKE if nom.endswith(".png") else _DEFLATE
            _ecrire(corps, centrale, nom, octets, methode)
        self._corps = bytes(corps)
        self._centrale = bytes(centrale)
        self._nombre = len(membres)
        self._manifeste = "".join(f'"{nom}":"{empreinte(o)}",' for nom, o in membres.items())

    def manifeste(self, pass_json: bytes) -> bytes:
        """Return manifest.json: compact, without a line end (cartes.md 2.4)."""
        return f'{{{self._manifeste}"pass.json":"{empreinte(pass_json)}"}}'.encode()

    def archive(self, membres: Sequence[tuple[str, bytes]]) -> bytes:
        """Return the whole ZIP with `membres`, stored, after the fixed ones."""
        corps, centrale = bytearray(self._corps), bytearray(self._centrale)
        for nom, octets in membres:
            _ecrire(corps, centrale, nom, octets, _STOCKE)
        nombre = self._nombre + len(membres)
        fin = _FIN.pack(b"PK\5\6", 0, 0, nombre, nombre, len(centrale), len(corps), 0)
        return b"".join((corps, centrale, fin))


def _ecrire(corps: bytearray, centrale: bytearray, nom: str, octets: bytes, methode: int) -> None:
    ecrits = octets
    if methode == _DEFLATE:
        compresseur = zlib.compressobj(9, zlib.DEFLATED, -15)
        ecrits = compresseur.compress(octets) + compresseur.flush()
    champs = (0, methode, _HEURE, _JOUR, zlib.crc32(octets), len(ecrits), len(octets))
    nom_brut = nom.encode("ascii")
    position = len(corps)
    corps += _LOCAL.pack(b"PK\3\4", _VERSION, *champs, len(nom_brut), 0) + nom_brut + ecrits
    centrale += _CENTRALE.pack(
        b"PK\1\2", _VERSION, _VERSION, *champs, len(nom_brut), 0, 0, 0, 0, 0, position
    )
    centrale += nom_brut
