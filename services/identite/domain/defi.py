"""What a visitor without a session shows before an act that machines abuse (IDN-03, R14, R15).

A challenge is answered by a proof of work, or by the code that its picture shows and its sound
says. Nothing of it is stored until it is answered: it carries its own seal, and the code follows
from its identifier.
"""

import hashlib
import unicodedata
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Final
from uuid import UUID

from services.identite.domain.erreurs import TropDeTentatives

# Sixteen signs that are neither alike to the eye (0 O, 1 I, 5 S, 8 B) nor, with the word that is
# said after each letter, to the ear. Sixteen, so that a digest's half byte chooses one evenly.
ALPHABET_CODE: Final = "234679ACFHKLRTXY"
CODE_SIGNES: Final = 6
# R22 for codes in general; a picture is harder to read than a message.
ESSAIS_CODE: Final = 5
# The picture and the sound of one code, each asked for again a few times.
RENDUS_CODE: Final = 12
_PREUVE_MAX: Final = 64
_CHAMPS: Final = 4


class UsageDefi(StrEnum):
    """The act that a challenge opens."""

    INSCRIPTION = "inscription"
    CONNEXION = "connexion"


class DefiRequis(Exception):
    """The act needs a challenge to be answered first."""

    fields = {"code_securite": "DEFI_REQUIS"}  # noqa: RUF012  (read by the server's interceptor)


class DefiInvalide(Exception):
    """The challenge is not ours, is over, has served, or is not what was answered."""

    fields = {"code_securite": "DEFI_PERIME"}  # noqa: RUF012


class CodeSecuriteInvalide(Exception):
    """The security code is not the one of the picture, or was tried too often."""

    fields = {"code_securite": "CODE_SECURITE_INVALIDE"}  # noqa: RUF012


class SonIndisponible(Exception):
    """This installation cannot speak codes."""


@dataclass(frozen=True, kw_only=True)
class Reponse:
    """What came with a request to answer a challenge; every part may be empty."""

    defi: str = ""
    # Whatever makes the digest of "<defi>:<preuve>" start with enough zero bits.
    preuve: str = ""
    code: str = ""


SANS_REPONSE: Final = Reponse()


@dataclass(frozen=True, kw_only=True)
class Defi:
    """One challenge, good for one act."""

    id: UUID
    usage: UsageDefi
    bits: int
    expire_le: datetime

    def texte(self) -> str:
        """Give what is sealed: `inscription.18.1790000000.<id>`."""
        return f"{self.usage}.{self.bits}.{int(self.expire_le.timestamp())}.{self.id.hex}"

    @classmethod
    def lire(cls, texte: str) -> "Defi":
        """Read a text whose seal was good.

        Raises: DefiInvalide.
        """
        champs = texte.split(".")
        if len(champs) != _CHAMPS:
            raise DefiInvalide
        try:
            return cls(
                usage=UsageDefi(champs[0]),
                bits=int(champs[1]),
                expire_le=datetime.fromtimestamp(int(champs[2]), UTC),
                id=UUID(hex=champs[3]),
            )
        except (ValueError, OverflowError, OSError) as error:
            raise DefiInvalide from error

    def exiger(self, usage: UsageDefi, maintenant: datetime) -> None:
        """Refuse a challenge of another act, or one that is over.

        Raises: DefiInvalide.
        """
        if self.usage is not usage or maintenant >= self.expire_le:
            raise DefiInvalide


@dataclass(frozen=True, kw_only=True)
class LimitesAcces:
    """How much a visitor may do before, and at, the doors; from the settings."""

    defi_bits: int
    defi_duree: timedelta
    # R14: codes shown to one address in ten minutes, sign-ups and resets asked for by one address
    # in an hour.
    codes: int
    inscriptions: int
    reinitialisations: int
    # R15: failures after which a log-in needs a proof of work, for one account and one address.
    echecs_preuve: int
    echecs_preuve_adresse: int
    # R12: consecutive failures after which a password opens nothing until a reset.
    echecs_blocage: int
    # R31.
    sessions_agent: int
    appareil: timedelta
    annulation: timedelta


def est_prouve(jeton: str, preuve: str, bits: int) -> bool:
    """Tell whether the SHA-256 of `jeton:preuve` starts with `bits` zero bits."""
    if not preuve or len(preuve) > _PREUVE_MAX:
        return False
    condense = hashlib.sha256(f"{jeton}:{preuve}".encode("utf-8", "replace")).digest()
    return int.from_bytes(condense) >> (len(condense) * 8 - bits) == 0


def code_de(condense: bytes) -> str:
    """Give the code that a keyed digest stands for."""
    demis = (octet >> decalage & 0x0F for octet in condense for decalage in (4, 0))
    return "".join(ALPHABET_CODE[demi] for demi, _ in zip(demis, range(CODE_SIGNES), strict=False))


def code_saisi(texte: str) -> str:
    """Give a typed code as it is compared: capitals, without spaces or hyphens."""
    propre = unicodedata.normalize("NFKC", texte[:40]).upper()
    return "".join(signe for signe in propre if signe.isalnum())


def compter_passage(
    *, nombre: int, limite: int, debut: datetime, fenetre: timedelta, maintenant: datetime
) -> None:
    """Refuse what comes after `limite` passages within `fenetre` of the first.

    Raises: TropDeTentatives, with the seconds until the window ends.
    """
    if nombre > limite:
        reste = (debut + fenetre - maintenant).total_seconds()
        raise TropDeTentatives(max(1, int(reste) + 1))
