"""Reminders before a card's last day (CAR-09), over real gRPC and PostgreSQL."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from services.cartes.use_cases import rappeler_echeances
from tests.kit.cartes_banc import Banc
from tests.kit.cartes_parcours import (
    au_jour,
    au_registre,
    ensemble,
    la_carte,
    renouveler,
    une_carte_active,
)

pytestmark = pytest.mark.integration


def rappeler(banc: Banc) -> int:
    return rappeler_echeances(
        sessions=banc.servicer.sessions, regles=banc.servicer.regles, maintenant=banc.horloge()
    )


def genres(banc: Banc) -> list[str]:
    rows = banc.sql("SELECT body FROM outbox WHERE routing_key = 'rappel_echeance.v1' ORDER BY id")
    return [json.loads(bytes(row[0]))["genre"] for row in rows]


@pytest.mark.exigence("CAR-09")
def test_one_reminder_at_thirty_days_and_a_last_one(banc: Banc) -> None:
    carte = une_carte_active(banc)
    envoyes = []
    for ecart in range(-33, 3):
        au_jour(banc, carte, ecart)
        envoyes += [ecart] * (rappeler(banc) + rappeler(banc))
    assert envoyes == [-30, -3]
    assert genres(banc) == ["PREMIER", "DERNIER"]


@pytest.mark.exigence("CAR-09")
def test_a_timer_that_slept_for_days_misses_nothing_and_doubles_nothing(banc: Banc) -> None:
    carte = une_carte_active(banc)
    au_jour(banc, carte, -17)
    assert rappeler(banc) == 1
    au_jour(banc, carte, -1)
    assert rappeler(banc) == 1
    assert genres(banc) == ["PREMIER", "DERNIER"]


def test_a_timer_that_slept_for_a_month_sends_the_last_one_alone(banc: Banc) -> None:
    carte = une_carte_active(banc)
    au_jour(banc, carte, -2)
    assert rappeler(banc) == 1
    assert genres(banc) == ["DERNIER"]
    au_jour(banc, carte, -1)
    assert rappeler(banc) == 0


def test_who_asked_already_is_left_in_peace_and_reminded_two_years_later(banc: Banc) -> None:
    carte = une_carte_active(banc)
    au_jour(banc, carte, -30)
    demande = renouveler(banc, carte).demande
    assert rappeler(banc) == 0
    banc.decider(demande)
    assert rappeler(banc) == 0
    au_jour(banc, la_carte(banc, carte), -30)
    assert rappeler(banc) == 1


def test_two_timers_at_once_send_one(banc: Banc) -> None:
    carte = une_carte_active(banc)
    au_jour(banc, carte, -30)
    assert sum(ensemble([lambda: rappeler(banc)] * 6)) >= 1
    assert genres(banc) == ["PREMIER"]


def test_a_card_that_no_account_holds_is_not_written_to(banc: Banc) -> None:
    au_registre(banc, echeance=banc.horloge().date() + timedelta(days=10))
    assert rappeler(banc) == 0
