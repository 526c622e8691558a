"""Second factors: what proves who is there besides a password (IDN-20, R04, R36)."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final
from uuid import UUID

from services.identite.domain.compte import ROLES_PERSONNEL

CODES_SECOURS: Final = 10
# 50 bits as two blocks of five characters.
CODE_SECOURS_SIGNES: Final = 10
CLES_MAX: Final = 10
NOM_CLE_MAX: Final = 60
ESSAIS_EPREUVE: Final = 5
DUREE_EPREUVE: Final = timedelta(minutes=10)
PAS_TOTP_S: Final = 30
_CHIFFRES_TOTP: Final = 6
# Crockford's base 32: no I, L, O or U, so that a code read aloud or off paper has one spelling.
ALPHABET_SECOURS: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_LUS_COMME: Final = str.maketrans("ILO", "110", " -")


class GenreEpreuve(StrEnum):
    """What a proof is asked for."""

    CONNEXION = "connexion"
    CLE = "cle"
    ENREGISTREMENT = "enregistrement"
    CONFIRMATION = "confirmation"


class EpreuveExpiree(Exception):
    """The proof came too late, after too many tries, or was never asked for."""


class FacteurRefuse(Exception):
    """The code or the passkey's answer proves nothing."""

    def __init__(self) -> None:
        super().__init__("the proof was refused")
        self.fields: Mapping[str, str] = {"code": "FACTEUR_REFUSE"}


class FacteurIntrouvable(Exception):
    """The account has no such factor."""


class DernierFacteur(Exception):
    """Staff may not be left without a second factor."""


class PreuveRequise(Exception):
    """A sensitive act needs a proof younger than the session has (R36)."""


@dataclass(frozen=True, kw_only=True)
class CleAcces:
    """A passkey as the database keeps it."""

    id: UUID
    compte_id: UUID
    identifiant: bytes
    cle_publique: bytes
    # Times that the authenticator says it was used; 0 for those that do not count.
    compteur: int
    nom: str
    cree_le: datetime
    utilisee_le: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class Facteurs:
    """What an account may prove itself with."""

    cles: tuple[CleAcces, ...] = ()
    totp: bool = False
    codes_restants: int = 0

    @property
    def presents(self) -> bool:
        """True when a log-in needs a second step; recovery codes alone are no factor."""
        return self.totp or bool(self.cles)

    def exiger_un_autre(self, *, obligatoire: bool) -> None:
        """Check that a factor may go.

        Raises: DernierFacteur when it is the last one of somebody who must have one.
        """
        if obligatoire and len(self.cles) + self.totp <= 1:
            raise DernierFacteur


@dataclass(frozen=True, kw_only=True)
class Epreuve:
    """A proof that was asked for and has not come yet."""

    compte_id: UUID | None
    genre: GenreEpreuve
    agent: bool
    appareil: str
    # WebAuthn challenge, when a passkey was asked for.
    defi: bytes | None
    essais: int
    expire_le: datetime

    def exiger(self, genres: Iterable[GenreEpreuve], maintenant: datetime) -> None:
        """Check that the proof may come now, and for this act.

        Raises: EpreuveExpiree.
        """
        fini = maintenant >= self.expire_le or self.essais >= ESSAIS_EPREUVE
        if fini or self.genre not in genres:
            raise EpreuveExpiree


def facteur_obligatoire(roles: Iterable[str], *, regle: bool) -> bool:
    """Tell whether an account must have a second factor: staff, when the setting says so."""
    return regle and bool(ROLES_PERSONNEL & frozenset(roles))


def code_totp(texte: str) -> str | None:
    """Read the six digits of an application; None for anything else."""
    serre = "".join(texte.split())
    est_code = len(serre) == _CHIFFRES_TOTP and serre.isascii() and serre.isdecimal()
    return serre if est_code else None


def code_secours(texte: str) -> str | None:
    """Read a recovery code however it was typed; None for what cannot be one."""
    serre = "".join(texte.split()).upper().translate(_LUS_COMME)
    tous = len(serre) == CODE_SECOURS_SIGNES and all(s in ALPHABET_SECOURS for s in serre)
    return serre if tous else None


def code_secours_ecrit(code: str) -> str:
    """Write a recovery code in two blocks, as people read it."""
    return f"{code[:5]}-{code[5:]}"


def pas_totp(maintenant: datetime) -> int:
    """Give the number of the current 30-second step (RFC 6238)."""
    return int(maintenant.timestamp()) // PAS_TOTP_S


def pas_acceptables(maintenant: datetime, *, dernier: int) -> range:
    """Give the steps whose code may be used: this one and its neighbours, none twice (R04)."""
    pas = pas_totp(maintenant)
    return range(max(pas - 1, dernier + 1), pas + 2)


def preuve_recente(prouvee_le: datetime | None, *, duree: timedelta, maintenant: datetime) -> bool:
    """Tell whether a proof still opens sensitive acts (R36)."""
    return prouvee_le is not None and maintenant - prouvee_le < duree
