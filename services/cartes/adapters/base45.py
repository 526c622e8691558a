"""Base45 of RFC 9285.

Our own because the package that exists takes half the time of a whole verification; it is the
oracle of the tests.
"""

import sys
from array import array
from typing import Final

_ALPHABET: Final = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:"
_BASE: Final = len(_ALPHABET)
_INVALIDE: Final = 255
_VALEURS: Final = bytes(
    _ALPHABET.index(octet) if octet in _ALPHABET else _INVALIDE for octet in range(256)
)
# Two octets are three characters; a last octet alone is two.
_TROIS: Final = 3
_DEUX: Final = 2


def encoder(octets: bytes) -> str:
    """Return the text of some bytes."""
    sortie = bytearray()
    for haut, bas in zip(octets[0::2], octets[1::2], strict=False):
        reste, premier = divmod(haut << 8 | bas, _BASE)
        troisieme, deuxieme = divmod(reste, _BASE)
        sortie += bytes((_ALPHABET[premier], _ALPHABET[deuxieme], _ALPHABET[troisieme]))
    if len(octets) % 2:
        deuxieme, premier = divmod(octets[-1], _BASE)
        sortie += bytes((_ALPHABET[premier], _ALPHABET[deuxieme]))
    return sortie.decode()


def decoder(texte: str) -> bytes:
    """Return the bytes of a text.

    Raises: ValueError for a character, a length or a value that no encoder makes.
    """
    valeurs = texte.encode("ascii").translate(_VALEURS)
    reste = len(valeurs) % _TROIS
    if _INVALIDE in valeurs or reste == 1:
        raise ValueError(texte)
    pleines = len(valeurs) - reste
    triplets = zip(
        valeurs[0:pleines:_TROIS], valeurs[1:pleines:_TROIS], valeurs[2:pleines:_TROIS], strict=True
    )
    try:
        mots = array("H", [a + b * _BASE + c * (_BASE * _BASE) for a, b, c in triplets])
        if sys.byteorder == "little":
            mots.byteswap()
        return mots.tobytes() + _dernier(valeurs[pleines:])
    except OverflowError:
        raise ValueError(texte) from None


def _dernier(paire: bytes) -> bytes:
    # One octet above 255 is the same fault as a word above 65535.
    return (paire[0] + paire[1] * _BASE).to_bytes(1) if len(paire) == _DEUX else b""
