"""What the signed code of a card says, and what a verifier may answer (CAR-16)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, IntEnum
from typing import TYPE_CHECKING

from services.cartes.domain.etats import StatutCarte
from services.cartes.domain.temps import age_au

if TYPE_CHECKING:
    from datetime import date, datetime


class Categorie(IntEnum):
    """Class of the holder under the agreement; the numbers travel in the code."""

    RESIDENT = 1
    ENTENTE = 2
    AUTRE = 3


class ClasseAge(IntEnum):
    """All that a code says of an age; the numbers travel in the code."""

    ADULTE = 1
    ENFANT = 2


class StatutCode(IntEnum):
    """State of one index of a status list; the numbers are those of the list's 2 bits."""

    VALIDE = 0
    INVALIDE = 1
    SUSPENDU = 2


class Verdict(Enum):
    """What a verifier shows; only VALIDE opens a door."""

    VALIDE = "VALIDE"
    EXPIREE = "EXPIREE"
    REVOQUEE = "REVOQUEE"
    SUSPENDUE = "SUSPENDUE"
    SIGNATURE_INVALIDE = "SIGNATURE_INVALIDE"
    EMETTEUR_INCONNU = "EMETTEUR_INCONNU"
    ILLISIBLE = "ILLISIBLE"


MAJORITE = 18


def statut_du_code(statut: StatutCarte) -> StatutCode:
    """Return what the status list says of a card in that state; expiry is in the code itself."""
    if statut in {StatutCarte.ACTIVE, StatutCarte.EXPIREE}:
        return StatutCode.VALIDE
    return StatutCode.SUSPENDU if statut is StatutCarte.SUSPENDUE else StatutCode.INVALIDE


def classe_age(naissance: date | None, jour: date) -> ClasseAge:
    """Return the age class on `jour`; who has no birth date here signed up as an adult."""
    enfant = naissance is not None and age_au(naissance, jour) < MAJORITE
    return ClasseAge.ENFANT if enfant else ClasseAge.ADULTE


@dataclass(frozen=True, kw_only=True)
class Attestation:
    """Content of a code: no birth date, address, photo or e-mail, for anyone can read it.

    Attributes:
        emetteur: https address of the issuing town, the `iss` of its keys.
        identifiant: 16 bytes of this code alone.
        numero: 14 digits, the same as in front of the code.
        titulaire: « NOM, PRÉNOM », upper case.
        ville: geographic code of the issuing town, five digits.
        indice: place of the card in the status list at `liste`.
        emise_le, expire_le: aware times, whole seconds.
    """

    emetteur: str
    identifiant: bytes
    numero: str
    titulaire: str
    ville: int
    categorie: Categorie
    classe_age: ClasseAge
    liste: str
    indice: int
    emise_le: datetime
    expire_le: datetime
