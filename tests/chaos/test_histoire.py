"""A judge that cannot condemn proves nothing: each crafted bad history has to turn it red."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import pytest

from tests.chaos.histoire import (
    ACTIVATION,
    APPROUVEE,
    DEMANDE,
    Carte,
    Constat,
    Courriel,
    Promesses,
    juger,
)

pytestmark = pytest.mark.unit

_QUI = "emilie@exemple.test"


def _promesses() -> Promesses:
    promis = Promesses()
    promis.compte(_QUI)
    promis.actif(_QUI)
    promis.piece(_QUI, "piece-1")
    promis.piece(_QUI, "piece-2")
    promis.carte(_QUI, "carte-1")
    promis.approuvee(_QUI, "carte-1")
    return promis


def _constat() -> Constat:
    constat = Constat()
    constat.comptes[_QUI] = 1
    constat.actifs, constat.abonnes, constat.joignables = {_QUI}, {_QUI}, {_QUI}
    constat.pieces = [(_QUI, "piece-1", "aa"), (_QUI, "piece-2", "bb")]
    constat.cartes = [Carte("carte-1", _QUI, "ACTIVE", "00420000000011")]
    constat.courriels = [
        Courriel("<1@x>", _QUI, ACTIVATION),
        Courriel("<2@x>", _QUI, DEMANDE),
        Courriel("<3@x>", _QUI, APPROUVEE),
    ]
    constat.evenements["cartes", "carte-1", "carte_demandee.v1"] = 1
    constat.files = {"avis.mort": 0}
    return constat


def test_what_was_promised_and_is_there_is_clean():
    assert juger(_promesses(), _constat()).net


Degat = Callable[[Promesses, Constat], None]

_PERDUS: dict[str, Degat] = {
    "un compte": lambda _, c: c.comptes.clear(),
    "une activation": lambda _, c: c.actifs.clear(),
    "un abonnement": lambda _, c: c.abonnes.clear(),
    "une adresse prouvée": lambda _, c: c.joignables.clear(),
    "une pièce": lambda _, c: c.pieces.clear(),
    "une carte": lambda _, c: c.cartes.clear(),
    "une décision": lambda _, c: c.cartes.__setitem__(
        0, dataclasses.replace(c.cartes[0], statut="EN_ATTENTE_VALIDATION")
    ),
    "un courriel": lambda _, c: c.courriels.clear(),
    "un message resté dans une file": lambda _, c: c.files.update({"avis.mort": 1}),
    "un acte sans réponse": lambda p, _: p.manque("aucune réponse"),
}
_DOUBLES: dict[str, Degat] = {
    "un compte": lambda _, c: c.comptes.update([_QUI]),
    "une pièce": lambda _, c: c.pieces.append((_QUI, "piece-3", "aa")),
    "une carte ouverte": lambda _, c: c.cartes.append(
        Carte("carte-2", _QUI, "EN_ATTENTE_VALIDATION", "")
    ),
    "un numéro de carte": lambda _, c: c.cartes.append(
        Carte("carte-2", "sacha@exemple.test", "ACTIVE", "00420000000011")
    ),
    "un courriel": lambda _, c: c.courriels.append(Courriel("<4@x>", _QUI, APPROUVEE)),
    "un courriel remis deux fois": lambda _, c: c.courriels.append(c.courriels[0]),
    "un événement": lambda _, c: c.evenements.update([("cartes", "carte-1", "carte_demandee.v1")]),
}


@pytest.mark.parametrize("degat", _PERDUS.values(), ids=_PERDUS.keys())
def test_a_loss_is_seen(degat: Degat):
    promis, constat = _promesses(), _constat()
    degat(promis, constat)
    assert juger(promis, constat).perdus


@pytest.mark.parametrize("degat", _DOUBLES.values(), ids=_DOUBLES.keys())
def test_a_double_is_seen(degat: Degat):
    promis, constat = _promesses(), _constat()
    degat(promis, constat)
    assert juger(promis, constat).doubles


def test_a_mail_that_nobody_asked_for_is_seen():
    constat = _constat()
    constat.courriels.append(Courriel("<9@x>", _QUI, "Vous avez déjà un compte Espace citoyen"))
    verdict = juger(_promesses(), constat)
    assert verdict.inattendus
    assert not verdict.perdus
