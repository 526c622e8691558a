"""The report of an import reads well to a clerk, in both languages (IDN-08, 09)."""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from typing import Any
from uuid import UUID

import pytest

from services.identite.adapters import rapport
from services.identite.domain.ponts import SANS_HISTOIRE, Regle, Source
from services.identite.persistence.imports import Collision
from services.identite.use_cases.ponts.importation import Bilan

pytestmark = [pytest.mark.unit, pytest.mark.exigence("IDN-08")]

QUI = "Zoé Tremblay <zoe@exemple.ca>"


def un_bilan(**champs):
    collisions = [
        Collision(rang, regle, f"M-{rang}", QUI, "")
        for rang, regle in enumerate(sorted(set(Regle) - SANS_HISTOIRE), 2)
    ]
    valeurs: dict[str, Any] = {
        "source": Source.TAXES,
        "fichier": "taxes.csv",
        "nombres": Counter({"OUVERT": 5, "=lues": 20} | dict.fromkeys(
            [each.regle for each in collisions], 1)),
        "collisions": collisions,
        "lignes": 20,
    }  # fmt: skip
    return Bilan(**(valeurs | champs))


@pytest.mark.parametrize("langue", rapport.LANGUES)
def test_every_rule_says_who_and_what_happens(langue):
    texte = rapport.texte(un_bilan(), langue)
    assert texte.count(QUI) == len(set(Regle) - SANS_HISTOIRE)
    assert not re.search(r"[A-Z]{4,}_", texte)
    assert max(map(len, texte.splitlines())) <= 90
    assert re.search(r"^ +20  (Lignes lues|Rows read)$", texte, re.MULTILINE)


def test_french_keeps_its_no_break_spaces():
    texte = rapport.texte(un_bilan(), "fr")
    assert not re.search(r"« | »| [;!?]", texte)
    assert "Ce qui arrive\u00a0:" in texte


@pytest.mark.parametrize("langue", rapport.LANGUES)
def test_a_dry_run_and_a_second_import_say_so(langue):
    dit = rapport.texte(un_bilan(), langue).splitlines()[1]
    assert dit in {"Essai\u00a0: rien n’a été écrit.", "Dry run: nothing was written."}
    fait = un_bilan(importation_id=UUID(int=1), deja_fait=True, collisions=[])
    assert f"annuler-import {UUID(int=1)}" in rapport.texte(fait, langue)


@pytest.mark.parametrize("langue", rapport.LANGUES)
def test_the_csv_opens_in_a_spreadsheet_and_runs_nothing_there(langue):
    mauvais = Collision(3, Regle.LIGNE_INVALIDE, "=1+1", "@SOMME(A1)", "courriel=COURRIEL_INVALIDE")
    lignes = list(
        csv.reader(
            io.StringIO(rapport.ecrire_csv(un_bilan(collisions=[mauvais]), langue)[1:]),
            delimiter=";",
        )
    )
    assert len(lignes) == 2
    assert lignes[1][1:3] == ["'=1+1", "'@SOMME(A1)"]
    attendu = {"fr": "courriel\u00a0: adresse impossible", "en": "e-mail: impossible address"}
    assert lignes[1][4] == attendu[langue]


def test_long_lists_are_cut_in_the_text_alone():
    collisions = [Collision(n, Regle.COMPTE_EXISTANT, "", QUI, "") for n in range(2, 60)]
    bilan = un_bilan(collisions=collisions)
    assert "… + 38" in rapport.texte(bilan, "fr")
    assert len(rapport.ecrire_csv(bilan, "fr").splitlines()) == 59


def test_every_reason_has_its_words():
    for langue in rapport.LANGUES:
        for raison in ("langue=LANGUE_INVALIDE", "canal=CANAL_INCONNU", "ligne=LIGNE_MALFORMEE"):
            assert "_" not in rapport.traduire(raison, langue)
