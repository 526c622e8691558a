"""What somebody pays for an activity: three classes under a dated agreement (CAR-12).

The agreement is rows with dates, never constants: which towns are in it is asked for the day that
the city judges by, the activity's first one. Money is whole cents.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

from services.cartes.domain.code import Categorie
from services.cartes.domain.faits import DonneesInvalides

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import date

POUR_CENT = 100
MAJORATION_MAX = 1_000
PRIX_MAX = 100_000_00


class Motif(Enum):
    """Why a price is what it is; the sentence is made of it, in the reader's language."""

    RESIDENT = "RESIDENT"
    ENTENTE = "ENTENTE"
    ENTENTE_PREFERENTIEL = "ENTENTE_PREFERENTIEL"
    HORS_ENTENTE = "HORS_ENTENTE"


@dataclass(frozen=True, kw_only=True)
class Adhesion:
    """A town's membership of the agreement: from `du` to `au`, both inclusive, open when None."""

    municipalite: str
    du: date
    au: date | None = None

    def couvre(self, jour: date) -> bool:
        """Tell whether the town belongs to the agreement on `jour`."""
        return self.du <= jour and (self.au is None or jour <= self.au)


@dataclass(frozen=True, kw_only=True)
class Activite:
    """What is judged of an activity.

    Attributes:
        prix_resident: cents that a resident pays.
        prix_preferentiel: cents for towns of the agreement; None: the resident's price.
        majoration: per cent added for everybody else, on the resident's price.
        premier_jour: the day by which the class is judged.
    """

    prix_resident: int
    premier_jour: date
    prix_preferentiel: int | None = None
    majoration: int = 50


@dataclass(frozen=True)
class Tarif:
    """A price and its reason; `base` is the resident's price, `majoration` per cent added."""

    categorie: Categorie
    prix: int
    motif: Motif
    base: int
    majoration: int = 0


def lire_activite(
    *, prix_resident: int, prix_preferentiel: int | None, majoration: int, premier_jour: date
) -> Activite:
    """Check what a recreation system asks a price for.

    Raises: DonneesInvalides.
    """
    fautes: dict[str, str] = {}
    for champ, prix in (
        ("prix_resident", prix_resident),
        ("prix_preferentiel", prix_preferentiel),
    ):
        if prix is not None and not 0 <= prix <= PRIX_MAX:
            fautes[champ] = "HORS_LIMITES"
    if not 0 <= majoration <= MAJORATION_MAX:
        fautes["majoration"] = "HORS_LIMITES"
    if fautes:
        raise DonneesInvalides(fautes)
    return Activite(
        prix_resident=prix_resident,
        prix_preferentiel=prix_preferentiel,
        majoration=majoration,
        premier_jour=premier_jour,
    )


def cle_municipalite(nom: str) -> str:
    """Return one spelling of a town's name: « Sainte Thérèse » and « STE-THERESE » are the same."""
    sans_accents = "".join(
        lettre for lettre in unicodedata.normalize("NFKD", nom) if not unicodedata.combining(lettre)
    )
    mots = "".join(
        lettre if lettre.isalnum() else " " for lettre in sans_accents.casefold()
    ).split()
    return "-".join({"ste": "sainte", "st": "saint"}.get(mot, mot) for mot in mots)


def classer(
    municipalite: str, *, ville: str, adhesions: Iterable[Adhesion], jour: date
) -> Categorie:
    """Return the class of somebody who lives in `municipalite`, for the city `ville`, on `jour`."""
    cle = cle_municipalite(municipalite)
    if cle == cle_municipalite(ville):
        return Categorie.RESIDENT
    if any(
        cle_municipalite(adhesion.municipalite) == cle and adhesion.couvre(jour)
        for adhesion in adhesions
    ):
        return Categorie.ENTENTE
    return Categorie.AUTRE


def tarifer(activite: Activite, categorie: Categorie) -> Tarif:
    """Return what a class pays (CAR-12)."""
    base = activite.prix_resident
    if categorie is Categorie.RESIDENT:
        return Tarif(categorie, base, Motif.RESIDENT, base)
    if categorie is Categorie.ENTENTE:
        if activite.prix_preferentiel is None:
            return Tarif(categorie, base, Motif.ENTENTE, base)
        return Tarif(categorie, activite.prix_preferentiel, Motif.ENTENTE_PREFERENTIEL, base)
    return Tarif(
        categorie,
        majorer(base, activite.majoration),
        Motif.HORS_ENTENTE,
        base,
        activite.majoration,
    )


def majorer(prix: int, majoration: int) -> int:
    """Return a price with per cent added, half a cent rounded up."""
    return (prix * (POUR_CENT + majoration) + POUR_CENT // 2) // POUR_CENT


@dataclass(frozen=True)
class Passage:
    """A town that changes class when the agreement changes, with how many people hold a card."""

    municipalite: str
    avant: Categorie
    apres: Categorie
    personnes: int


def simuler(
    habitants: Iterable[tuple[str, int]],
    *,
    ville: str,
    adhesions: Iterable[Adhesion],
    projet: Iterable[Adhesion],
    jour: date,
) -> list[Passage]:
    """Say who would pay another price if `projet` replaced `adhesions` on `jour`.

    `habitants` are towns as cards name them, with how many valid cards each has.
    Returns: one row per town that changes, the most people first.
    """
    avant, apres = list(adhesions), list(projet)
    comptes: dict[str, tuple[str, int]] = {}
    for municipalite, personnes in habitants:
        cle = cle_municipalite(municipalite)
        nom, deja = comptes.get(cle, (municipalite, 0))
        comptes[cle] = (nom, deja + personnes)
    passages = [
        Passage(
            nom,
            classer(nom, ville=ville, adhesions=avant, jour=jour),
            classer(nom, ville=ville, adhesions=apres, jour=jour),
            personnes,
        )
        for nom, personnes in comptes.values()
    ]
    return sorted(
        (passage for passage in passages if passage.avant is not passage.apres),
        key=lambda passage: (-passage.personnes, passage.municipalite),
    )
