"""The person as declared in a request."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

from services.cartes.domain.faits import DonneesInvalides
from services.cartes.domain.temps import age_au

if TYPE_CHECKING:
    from collections.abc import Mapping

AGE_MAXIMAL_ANNEES = 130
LONGUEUR_NOM = 60
LONGUEUR_ADRESSE = 120

_CODE_POSTAL = re.compile(r"[ABCEGHJ-NPRSTVXY]\d[ABCEGHJ-NPRSTV-Z]\d[ABCEGHJ-NPRSTV-Z]\d")


@dataclass(frozen=True)
class Titulaire:
    """The person as declared in the request; staff compare it with the proofs."""

    prenom: str
    nom: str
    date_naissance: date
    adresse: str
    ville: str
    code_postal: str


def lire_titulaire(saisie: Mapping[str, str], *, jour: date, age_minimal: int) -> Titulaire:
    """Check and normalise what the person typed.

    Args:
        saisie: the six fields of `Titulaire` as text, `date_naissance` as an ISO date.
        jour: today in the city.
        age_minimal: age in years from which a person asks alone (IDN-18).
    Raises: DonneesInvalides with every wrong field at once, as ``titulaire.<champ>``.
    """
    fautes: dict[str, str] = {}
    valeurs = {
        champ: lire_texte(champ, saisie.get(champ, ""), longueur, fautes)
        for champ, longueur in (
            ("prenom", LONGUEUR_NOM),
            ("nom", LONGUEUR_NOM),
            ("adresse", LONGUEUR_ADRESSE),
            ("ville", LONGUEUR_NOM),
        )
    }
    naissance = lire_naissance(saisie.get("date_naissance", ""), jour, age_minimal, fautes)
    code_postal = lire_code_postal(saisie.get("code_postal", ""), fautes)
    if fautes or naissance is None:
        raise DonneesInvalides({f"titulaire.{champ}": code for champ, code in fautes.items()})
    return Titulaire(date_naissance=naissance, code_postal=code_postal, **valeurs)


def lire_texte(champ: str, brut: str, longueur: int, fautes: dict[str, str]) -> str:
    """Return a line of text with single spaces; a wrong one is noted in `fautes`."""
    texte = " ".join(unicodedata.normalize("NFC", brut).split())
    if not texte:
        fautes[champ] = "REQUIS"
    elif len(texte) > longueur:
        fautes[champ] = "TROP_LONG"
    elif not all(c.isprintable() for c in texte) or not any(c.isalpha() for c in texte):
        fautes[champ] = "FORMAT_INVALIDE"
    return texte


def lire_naissance(brut: str, jour: date, age_minimal: int, fautes: dict[str, str]) -> date | None:
    """Return a birth date; a wrong one is noted in `fautes`."""
    if not brut.strip():
        fautes["date_naissance"] = "REQUIS"
        return None
    try:
        naissance = date.fromisoformat(brut.strip())
    except ValueError:
        fautes["date_naissance"] = "FORMAT_INVALIDE"
        return None
    age = age_au(naissance, jour)
    if naissance > jour:
        fautes["date_naissance"] = "DATE_FUTURE"
    elif age > AGE_MAXIMAL_ANNEES:
        fautes["date_naissance"] = "DATE_INVRAISEMBLABLE"
    elif age < age_minimal:
        fautes["date_naissance"] = "AGE_INSUFFISANT"
    return naissance


def lire_code_postal(brut: str, fautes: dict[str, str]) -> str:
    """Return a Canadian postal code as « A1A 1A1 »; a wrong one is noted in `fautes`."""
    compact = "".join(brut.split()).replace("-", "").upper()
    if not compact:
        fautes["code_postal"] = "REQUIS"
    elif not _CODE_POSTAL.fullmatch(compact):
        fautes["code_postal"] = "FORMAT_INVALIDE"
    return f"{compact[:3]} {compact[3:]}"
