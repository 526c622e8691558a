"""The city's existing register of cards, and what an import does with each row (CAR-18)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import Enum
from typing import TYPE_CHECKING

from services.cartes.domain.association import lire_numero
from services.cartes.domain.code import Categorie
from services.cartes.domain.etats import Origine
from services.cartes.domain.faits import DonneesInvalides
from services.cartes.domain.titulaire import (
    LONGUEUR_NOM,
    lire_code_postal,
    lire_naissance,
    lire_texte,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from services.cartes.domain.carte import Carte

COLONNES = ("numero", "prenom", "nom", "date_naissance", "code_postal", "classe", "echeance")
_CLASSES = {
    "resident": Categorie.RESIDENT,
    "entente": Categorie.ENTENTE,
    "non-resident": Categorie.AUTRE,
}


class Sort(Enum):
    """What happens to a row of the file."""

    AJOUTEE = "AJOUTEE"
    MODIFIEE = "MODIFIEE"
    IDENTIQUE = "IDENTIQUE"
    # Collisions: the card here is kept as it is.
    INVALIDE = "INVALIDE"
    EN_DOUBLE = "EN_DOUBLE"
    DEJA_ASSOCIEE = "DEJA_ASSOCIEE"
    NUMERO_EMIS = "NUMERO_EMIS"


COLLISIONS = frozenset({Sort.INVALIDE, Sort.EN_DOUBLE, Sort.DEJA_ASSOCIEE, Sort.NUMERO_EMIS})


@dataclass(frozen=True, kw_only=True)
class Inscription:
    """One card of the register, its fields checked."""

    numero: str
    prenom: str
    nom: str
    date_naissance: date
    code_postal: str
    categorie: Categorie
    echeance: date


def lire_inscription(saisie: Mapping[str, str], *, jour: date) -> Inscription:
    """Check and normalise a row; `jour` is today in the city.

    Raises: DonneesInvalides with every wrong column at once.
    """
    fautes: dict[str, str] = {}
    numero = lire_numero(saisie.get("numero", ""), fautes)
    noms = {
        champ: lire_texte(champ, saisie.get(champ, ""), LONGUEUR_NOM, fautes)
        for champ in ("prenom", "nom")
    }
    naissance = lire_naissance(saisie.get("date_naissance", ""), jour, 0, fautes)
    code_postal = lire_code_postal(saisie.get("code_postal", ""), fautes)
    categorie = _CLASSES.get(saisie.get("classe", "").strip().casefold())
    if categorie is None:
        fautes["classe"] = "FORMAT_INVALIDE"
    echeance = _lire_echeance(saisie.get("echeance", ""), fautes)
    if fautes or naissance is None or categorie is None or echeance is None:
        raise DonneesInvalides(fautes)
    return Inscription(
        numero=numero,
        date_naissance=naissance,
        code_postal=code_postal,
        categorie=categorie,
        echeance=echeance,
        **noms,
    )


def _lire_echeance(brut: str, fautes: dict[str, str]) -> date | None:
    try:
        return date.fromisoformat(brut.strip())
    except ValueError:
        fautes["echeance"] = "FORMAT_INVALIDE" if brut.strip() else "REQUIS"
        return None


def juger(inscription: Inscription, carte: Carte | None) -> Sort:
    """Say what an import does with a row, against the card that bears its number here.

    A card that its holder joined to an account, or that this service made, is never rewritten.
    """
    if carte is None:
        return Sort.AJOUTEE
    if carte.origine is not Origine.REGISTRE:
        return Sort.NUMERO_EMIS
    if all(
        getattr(carte, champ) == getattr(inscription, champ)
        for champ in Inscription.__dataclass_fields__
    ):
        return Sort.IDENTIQUE
    return Sort.DEJA_ASSOCIEE if carte.est_associee() else Sort.MODIFIEE


def appliquer(inscription: Inscription, carte: Carte) -> None:
    """Write a row over a card that no account holds."""
    for champ in Inscription.__dataclass_fields__:
        setattr(carte, champ, getattr(inscription, champ))
