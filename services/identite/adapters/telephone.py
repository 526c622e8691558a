"""Phone numbers by the tables of `phonenumbers` (Google's libphonenumber)."""

from collections.abc import Sequence
from typing import Final

import phonenumbers
from phonenumbers import NumberParseException, PhoneNumber, PhoneNumberFormat, PhoneNumberType

from services.identite.config import Config

# A call to these is paid to whoever holds the number: what SMS pumping lives on (R26).
_PAYANTS: Final = frozenset(
    {
        PhoneNumberType.PREMIUM_RATE,
        PhoneNumberType.SHARED_COST,
        PhoneNumberType.UAN,
        PhoneNumberType.VOICEMAIL,
        PhoneNumberType.PAGER,
    }
)
# The hyphens and the no-break spaces that a copied number has.
_ECRITURES: Final = str.maketrans(
    {"\u2010": "-", "\u2011": "-", "\u2012": "-", "\u2013": "-", "\u00a0": " ", "\u202f": " "}
)


class Telephones:
    """Reads numbers as people of one country write them, and says where no code may go."""

    def __init__(self, *, pays: str, desservis: Sequence[str], refuses: Sequence[str]) -> None:
        self._pays = pays
        self._desservis = frozenset(desservis)
        self._refuses = tuple(refuses)

    def e164(self, saisie: str) -> str:
        """Give a number in E.164.

        Args:
            saisie: as typed; without a country it is one of this country.
        Raises: ValueError for what is no possible number. Whether it is a cellular cannot be told
            in North America: the proof does (IDN-01).
        """
        lu = self._lire(saisie)
        if not phonenumbers.is_valid_number(lu):
            raise ValueError("not a number")
        return phonenumbers.format_number(lu, PhoneNumberFormat.E164)

    def joignable(self, e164: str) -> bool:
        """Tell whether a code may be sent to a number: a served country, no premium prefix."""
        lu = self._lire(e164)
        return (
            phonenumbers.region_code_for_number(lu) in self._desservis
            and phonenumbers.number_type(lu) not in _PAYANTS
            and not e164.startswith(self._refuses)
        )

    def _lire(self, saisie: str) -> PhoneNumber:
        saisie = saisie.translate(_ECRITURES)
        # A letter would be read as the digit of its key, an extension kept apart: neither is a
        # number that a code reaches.
        if not saisie.isascii() or any(signe.isalpha() for signe in saisie):
            raise ValueError("not a number")
        try:
            return phonenumbers.parse(saisie, self._pays)
        except NumberParseException as error:
            raise ValueError("not a number") from error


def telephones(config: Config) -> Telephones:
    """Read the settings."""
    return Telephones(
        pays=config.telephone_pays,
        desservis=config.telephone_pays_servis,
        refuses=config.telephone_prefixes_refuses,
    )
