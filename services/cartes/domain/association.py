"""What proves that one holds a physical card (CAR-03)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from services.cartes.domain.faits import DonneesInvalides
from services.cartes.domain.numero import chiffre_de_controle
from services.cartes.domain.titulaire import lire_code_postal, lire_naissance

if TYPE_CHECKING:
    from datetime import date

LONGUEUR_NUMERO = 14


@dataclass(frozen=True)
class Preuve:
    """Number, birth date and postal code, well formed; whether they are true is not known yet."""

    numero: str
    date_naissance: date
    code_postal: str


def lire_preuve(*, numero: str, date_naissance: str, code_postal: str, jour: date) -> Preuve:
    """Check and normalise what the person typed; `jour` is today in the city.

    Raises: DonneesInvalides with every wrong field at once.
    """
    fautes: dict[str, str] = {}
    chiffres = lire_numero(numero, fautes)
    naissance = lire_naissance(date_naissance, jour, 0, fautes)
    code = lire_code_postal(code_postal, fautes)
    if fautes or naissance is None:
        raise DonneesInvalides(fautes)
    return Preuve(chiffres, naissance, code)


def lire_numero(brut: str, fautes: dict[str, str]) -> str:
    """Return 14 digits; a number that no card can bear is noted in `fautes`."""
    chiffres = "".join(brut.split()).replace("-", "")
    if not chiffres:
        fautes["numero"] = "REQUIS"
    elif not (chiffres.isascii() and chiffres.isdigit() and len(chiffres) == LONGUEUR_NUMERO):
        fautes["numero"] = "FORMAT_INVALIDE"
    elif chiffre_de_controle(chiffres[:-1]) != chiffres[-1]:
        # One digit typed for another: told at once, it says nothing of any card.
        fautes["numero"] = "NUMERO_INVALIDE"
    return chiffres
