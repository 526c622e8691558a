"""The agreement and its prices (CAR-12)."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.cartes.domain import Categorie, DonneesInvalides
from services.cartes.domain.tarif import (
    PRIX_MAX,
    Activite,
    Adhesion,
    Motif,
    Passage,
    Tarif,
    classer,
    cle_municipalite,
    lire_activite,
    majorer,
    simuler,
    tarifer,
)

pytestmark = pytest.mark.unit

VILLE = "Sainte-Thérèse"
DEBUT = date(2020, 1, 1)
ENTENTE = [
    Adhesion(municipalite=nom, du=DEBUT)
    for nom in (
        "Sainte-Thérèse", "Blainville", "Bois-des-Filion", "Boisbriand", "Lorraine", "Rosemère",
        "Sainte-Anne-des-Plaines",
    )
]  # fmt: skip
JOUR = date(2027, 1, 11)


def une_activite(prix: int = 80_00, **changes: int | None) -> Activite:
    valeurs: dict[str, Any] = {"prix_preferentiel": None, "majoration": 50, **changes}
    return lire_activite(prix_resident=prix, premier_jour=JOUR, **valeurs)


@pytest.mark.exigence("CAR-12")
@pytest.mark.parametrize(
    ("municipalite", "categorie", "prix"),
    [
        ("Sainte-Thérèse", Categorie.RESIDENT, 80_00),
        ("Blainville", Categorie.ENTENTE, 80_00),
        ("Bois-des-Filion", Categorie.ENTENTE, 80_00),
        ("Boisbriand", Categorie.ENTENTE, 80_00),
        ("Lorraine", Categorie.ENTENTE, 80_00),
        ("Rosemère", Categorie.ENTENTE, 80_00),
        ("Sainte-Anne-des-Plaines", Categorie.ENTENTE, 80_00),
        ("Mirabel", Categorie.AUTRE, 120_00),
    ],
)
def test_seven_towns_pay_the_preferential_price_and_others_half_more(municipalite, categorie, prix):
    trouvee = classer(municipalite, ville=VILLE, adhesions=ENTENTE, jour=JOUR)
    assert trouvee is categorie
    assert tarifer(une_activite(), trouvee).prix == prix


@pytest.mark.exigence("CAR-12")
def test_a_price_says_why():
    activite = une_activite(prix_preferentiel=90_00)
    assert tarifer(activite, Categorie.RESIDENT) == Tarif(
        Categorie.RESIDENT, 80_00, Motif.RESIDENT, 80_00
    )
    assert tarifer(activite, Categorie.ENTENTE) == Tarif(
        Categorie.ENTENTE, 90_00, Motif.ENTENTE_PREFERENTIEL, 80_00
    )
    # On the resident's price, whatever the preferential one is.
    assert tarifer(activite, Categorie.AUTRE) == Tarif(
        Categorie.AUTRE, 120_00, Motif.HORS_ENTENTE, 80_00, 50
    )


@pytest.mark.exigence("CAR-12")
def test_membership_is_judged_by_its_days():
    adhesions = [Adhesion(municipalite="Blainville", du=date(2026, 1, 1), au=date(2026, 12, 31))]
    jours = {
        date(2025, 12, 31): Categorie.AUTRE,
        date(2026, 1, 1): Categorie.ENTENTE,
        date(2026, 12, 31): Categorie.ENTENTE,
        date(2027, 1, 1): Categorie.AUTRE,
    }
    assert {
        jour: classer("Blainville", ville=VILLE, adhesions=adhesions, jour=jour) for jour in jours
    } == jours


def test_a_town_that_left_and_came_back_is_two_rows():
    adhesions = [
        Adhesion(municipalite="Lorraine", du=date(2020, 1, 1), au=date(2022, 6, 30)),
        Adhesion(municipalite="Lorraine", du=date(2026, 1, 1)),
    ]
    classes = [
        classer("Lorraine", ville=VILLE, adhesions=adhesions, jour=date(annee, 7, 1))
        for annee in (2021, 2023, 2026)
    ]
    assert classes == [Categorie.ENTENTE, Categorie.AUTRE, Categorie.ENTENTE]


@pytest.mark.parametrize(
    "ecriture",
    [
        "Sainte-Thérèse",
        "sainte therese",
        "STE-THERESE",
        "Ste-Thérèse ",
        # A hyphen that does not break the line, as word processors write it.
        "Sainte\u2011Thérèse",
        "SAINTE THÉRÈSE",
    ],
)
def test_a_town_is_the_same_however_it_is_typed(ecriture):
    assert cle_municipalite(ecriture) == "sainte-therese"


def test_two_towns_stay_two():
    assert cle_municipalite("Sainte-Anne-des-Plaines") != cle_municipalite("Sainte-Anne")


@pytest.mark.exigence("CAR-12")
@pytest.mark.parametrize(
    ("prix", "majore"), [(0, 0), (1, 2), (3, 5), (80_00, 120_00), (33_33, 50_00), (99_99, 149_99)]
)
def test_half_a_cent_goes_up(prix, majore):
    assert majorer(prix, 50) == majore


@given(st.integers(0, PRIX_MAX), st.integers(0, 1_000))
def test_money_is_what_decimal_says(prix, majoration):
    attendu = (Decimal(prix) * (100 + majoration) / 100).quantize(Decimal(1), ROUND_HALF_UP)
    assert majorer(prix, majoration) == int(attendu)


@pytest.mark.parametrize(
    ("changes", "champ"),
    [
        ({"prix": -1}, "prix_resident"),
        ({"prix": PRIX_MAX + 1}, "prix_resident"),
        ({"prix_preferentiel": -1}, "prix_preferentiel"),
        ({"majoration": -1}, "majoration"),
        ({"majoration": 1_001}, "majoration"),
    ],
)
def test_an_impossible_price_is_refused(changes, champ):
    with pytest.raises(DonneesInvalides) as fait:
        une_activite(**changes)
    assert fait.value.fields == {champ: "HORS_LIMITES"}


@pytest.mark.exigence("CAR-12")
def test_what_if_a_town_joins_or_leaves():
    habitants = [("Mirabel", 120), ("MIRABEL", 3), ("Blainville", 800), ("Sainte-Thérèse", 9_000)]
    projet = [a for a in ENTENTE if a.municipalite != "Blainville"]
    projet.append(Adhesion(municipalite="Mirabel", du=JOUR))
    passages = simuler(habitants, ville=VILLE, adhesions=ENTENTE, projet=projet, jour=JOUR)
    assert passages == [
        Passage("Blainville", Categorie.ENTENTE, Categorie.AUTRE, 800),
        Passage("Mirabel", Categorie.AUTRE, Categorie.ENTENTE, 123),
    ]
    veille = JOUR - timedelta(days=1)
    la_veille = simuler(habitants, ville=VILLE, adhesions=ENTENTE, projet=projet, jour=veille)
    assert [passage.municipalite for passage in la_veille] == ["Blainville"]
