"""Days of a renewal, and what it adds (CAR-09); what proves a physical card (CAR-03)."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.cartes import domain
from services.cartes.domain import (
    Carte,
    CarteDejaAssociee,
    CarteNonRenouvelable,
    CarteTropTardRenouvelee,
    CarteTropTotRenouvelee,
    DonneesInvalides,
    Fenetre,
    StatutCarte,
    age_au,
    composer_numero,
    lire_preuve,
)

pytestmark = pytest.mark.unit

ZONE = ZoneInfo("America/Toronto")
ECHEANCE = date(2028, 3, 14)
FENETRE = Fenetre()
NUMERO = composer_numero("0042", 123)


def une_carte(**changes: object) -> Carte:
    valeurs: dict[str, Any] = {
        "carte_id": UUID(int=1),
        "personne_id": "compte",
        "compte_id": "compte",
        "prenom": "Émilie",
        "nom": "Tremblay",
        "serie": "opaque",
        "physique": False,
        "demandee_le": datetime(2026, 3, 1, tzinfo=UTC),
        "statut": StatutCarte.ACTIVE,
        "numero": NUMERO,
        "echeance": ECHEANCE,
    }
    return Carte(**{**valeurs, **changes})


def a(jours: int) -> date:
    return ECHEANCE + timedelta(days=jours)


def midi(jour: date) -> datetime:
    return datetime(jour.year, jour.month, jour.day, 12, tzinfo=ZONE).astimezone(UTC)


@pytest.mark.exigence("CAR-09")
@pytest.mark.parametrize(
    ("ecart", "fait"),
    [
        pytest.param(-31, CarteTropTotRenouvelee, id="D-31"),
        pytest.param(-30, None, id="D-30"),
        pytest.param(-29, None, id="D-29"),
        pytest.param(0, None, id="D-0"),
        pytest.param(1, None, id="D+1"),
        pytest.param(90, None, id="D+90"),
        pytest.param(91, CarteTropTardRenouvelee, id="D+91"),
    ],
)
def test_the_days_when_a_card_can_be_renewed(ecart, fait):
    carte = une_carte()
    assert carte.est_renouvelable(a(ecart), FENETRE) is (fait is None)
    if fait is None:
        carte.exiger_renouvelable(a(ecart), FENETRE)
    else:
        with pytest.raises(fait):
            carte.exiger_renouvelable(a(ecart), FENETRE)


@pytest.mark.exigence("CAR-09")
@pytest.mark.parametrize(
    ("ecart", "attendue"),
    [
        pytest.param(-30, date(2030, 3, 14), id="D-30"),
        pytest.param(0, date(2030, 3, 14), id="D-0"),
        pytest.param(1, date(2030, 3, 15), id="D+1"),
        pytest.param(90, date(2030, 6, 12), id="D+90"),
        # Filed in time, decided late: the city's delay takes nothing from the holder.
        pytest.param(120, date(2030, 7, 12), id="D+120"),
    ],
)
def test_the_new_last_day(ecart, attendue):
    carte = une_carte()
    carte.renouveler(maintenant=midi(a(ecart)), zone=ZONE)
    assert carte.echeance == attendue
    assert (carte.numero, carte.serie) == (NUMERO, "opaque")


@pytest.mark.exigence("CAR-09")
def test_the_last_evening_in_the_city_is_still_the_last_day():
    carte = une_carte()
    # 23:30 in Toronto is the next day in UTC.
    soir = datetime(2028, 3, 14, 23, 30, tzinfo=ZONE).astimezone(UTC)
    assert soir.date() == date(2028, 3, 15)
    carte.renouveler(maintenant=soir, zone=ZONE)
    assert carte.echeance == date(2030, 3, 14)


def test_a_card_of_29_february_is_renewed_to_28_february():
    carte = une_carte(echeance=date(2028, 2, 29))
    carte.renouveler(maintenant=midi(date(2028, 2, 20)), zone=ZONE)
    assert carte.echeance == date(2030, 2, 28)


@pytest.mark.parametrize("statut", [s for s in StatutCarte if s is not StatutCarte.ACTIVE])
def test_only_an_active_card_is_renewed(statut):
    carte = une_carte(statut=statut)
    with pytest.raises(CarteNonRenouvelable):
        carte.exiger_renouvelable(a(-5), FENETRE)
    with pytest.raises(CarteNonRenouvelable):
        carte.renouveler(maintenant=midi(a(-5)), zone=ZONE)
    assert carte.echeance == ECHEANCE


def test_the_city_may_choose_other_days():
    fenetre = Fenetre(timedelta(days=60), timedelta(0))
    assert une_carte().est_renouvelable(a(-60), fenetre)
    assert not une_carte().est_renouvelable(a(1), fenetre)


@given(st.integers(-400, 400))
def test_a_renewal_never_takes_a_day_away(ecart):
    carte = une_carte()
    carte.renouveler(maintenant=midi(a(ecart)), zone=ZONE)
    assert carte.echeance is not None
    assert carte.echeance >= ECHEANCE.replace(year=ECHEANCE.year + 2)


def test_an_associated_card_is_not_given_twice():
    carte = une_carte(compte_id="", personne_id="registre:1")
    maintenant = midi(a(-100))
    carte.associer("moi", physique=True, maintenant=maintenant)
    assert (carte.compte_id, carte.personne_id, carte.numerique) == ("moi", "moi", True)
    with pytest.raises(CarteDejaAssociee):
        carte.associer("autre", physique=True, maintenant=maintenant)


@pytest.mark.exigence("CAR-03")
def test_a_proof_is_read_as_people_type_it():
    groupe = f"{NUMERO[0]} {NUMERO[1:5]} {NUMERO[5:13]}-{NUMERO[13:]}"
    preuve = lire_preuve(
        numero=groupe, date_naissance=" 1990-05-17 ", code_postal="j7e-3l1", jour=a(0)
    )
    assert preuve == domain.Preuve(NUMERO, date(1990, 5, 17), "J7E 3L1")


@pytest.mark.parametrize(
    ("numero", "code"),
    [
        ("", "REQUIS"),
        ("2004", "FORMAT_INVALIDE"),
        (f"{NUMERO}0", "FORMAT_INVALIDE"),
        ("2" + "٣" * 13, "FORMAT_INVALIDE"),
        (f"{NUMERO[:-1]}{(int(NUMERO[-1]) + 1) % 10}", "NUMERO_INVALIDE"),
    ],
)
def test_every_wrong_field_is_told_at_once(numero, code):
    with pytest.raises(DonneesInvalides) as fait:
        lire_preuve(numero=numero, date_naissance="17 mai", code_postal="H0H", jour=a(0))
    assert fait.value.fields == {
        "numero": code,
        "date_naissance": "FORMAT_INVALIDE",
        "code_postal": "FORMAT_INVALIDE",
    }


@pytest.mark.parametrize(
    ("naissance", "jour", "age"),
    [
        (date(2008, 2, 29), date(2026, 2, 28), 17),
        (date(2008, 2, 29), date(2026, 3, 1), 18),
        (date(2012, 11, 22), date(2026, 11, 21), 13),
        (date(2012, 11, 22), date(2026, 11, 22), 14),
    ],
)
def test_ages(naissance, jour, age):
    assert age_au(naissance, jour) == age
