"""The password hashes that other systems kept, in the four formats that they may bring (IDN-08)."""

import base64
import binascii
import re
from enum import StrEnum
from typing import Final

from services.identite.domain.ponts.erreurs import EmpreinteIllisible


class Format(StrEnum):
    """How a hash was made."""

    BCRYPT = "bcrypt"
    PBKDF2_SHA256 = "pbkdf2_sha256"
    SHA512_CRYPT = "sha512_crypt"
    ASPNET_V3 = "aspnet_v3"


# More work than any real system asks for: one log-in must not cost minutes of a core.
_BCRYPT_MAX: Final = 15
_PBKDF2_MAX: Final = 2_000_000
_SHA512_MAX: Final = 1_000_000

_BCRYPT: Final = re.compile(r"\$2[aby]\$(\d\d)\$[./A-Za-z0-9]{53}")
# Django's spelling, then the one of the modular crypt format.
_DJANGO: Final = re.compile(r"pbkdf2_sha256\$(\d{1,8})\$[^$\s]{1,128}\$[A-Za-z0-9+/]{43}=")
_PBKDF2: Final = re.compile(r"\$pbkdf2-sha256\$(\d{1,8})\$[./A-Za-z0-9]{0,128}\$[./A-Za-z0-9]{43}")
_SHA512: Final = re.compile(r"\$6\$(?:rounds=(\d{1,9})\$)?[./A-Za-z0-9]{0,16}\$[./A-Za-z0-9]{86}")
_BASE64: Final = re.compile(r"[A-Za-z0-9+/]{56,344}={0,2}")

# ASP.NET Core Identity, version 3: 0x01, then three big-endian words, salt, subkey.
_ASPNET_VERSION: Final = 1
_ASPNET_ENTETE: Final = 13
_ASPNET_SEL_MIN: Final = 16
_ASPNET_PRF: Final = ("sha1", "sha256", "sha512")


def reconnaitre(texte: str) -> Format:
    """Tell the format of a hash; the work that it asks for is bounded.

    Raises: EmpreinteIllisible.
    """
    if trouve := _BCRYPT.fullmatch(texte):
        return _borne(Format.BCRYPT, int(trouve[1]), _BCRYPT_MAX)
    if trouve := _DJANGO.fullmatch(texte) or _PBKDF2.fullmatch(texte):
        return _borne(Format.PBKDF2_SHA256, int(trouve[1]), _PBKDF2_MAX)
    if trouve := _SHA512.fullmatch(texte):
        return _borne(Format.SHA512_CRYPT, int(trouve[1] or 5000), _SHA512_MAX)
    if _BASE64.fullmatch(texte):
        aspnet(texte)
        return Format.ASPNET_V3
    raise EmpreinteIllisible


def aspnet(texte: str) -> tuple[str, int, bytes, bytes]:
    """Read a hash of ASP.NET Core Identity, version 3.

    Returns: hash function, iterations, salt, subkey.
    Raises: EmpreinteIllisible.
    """
    try:
        octets = base64.b64decode(texte, validate=True)
    except binascii.Error as error:
        raise EmpreinteIllisible from error
    if len(octets) < _ASPNET_ENTETE or octets[0] != _ASPNET_VERSION:
        raise EmpreinteIllisible
    prf, tours, sel = (int.from_bytes(octets[i : i + 4], "big") for i in (1, 5, 9))
    cle = octets[_ASPNET_ENTETE + sel :]
    if prf >= len(_ASPNET_PRF) or sel < _ASPNET_SEL_MIN or len(cle) < _ASPNET_SEL_MIN:
        raise EmpreinteIllisible
    _borne(Format.ASPNET_V3, tours, _PBKDF2_MAX)
    return _ASPNET_PRF[prf], tours, octets[_ASPNET_ENTETE : _ASPNET_ENTETE + sel], cle


def _borne(trouve: Format, travail: int, maximum: int) -> Format:
    if not 0 < travail <= maximum:
        raise EmpreinteIllisible
    return trouve
