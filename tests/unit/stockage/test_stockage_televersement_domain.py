"""Rules of an upload that can be taken up again."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from uuid import uuid4

import pytest

from services.stockage import domain
from services.stockage.domain import PieceInfectee, PieceTropGrande, PieceVide, PositionDifferente
from services.stockage.domain import televersement as regles

pytestmark = pytest.mark.unit

OUVERT = regles.Televersement(
    televersement_id=uuid4(),
    compte_id=uuid4(),
    nom_fichier="bail.pdf",
    fiche=None,
    taille_octets=10,
    recus_octets=4,
    expire_le=datetime(2026, 3, 3, tzinfo=UTC),
)


def test_seule_la_position_suivante_est_recue():
    OUVERT.exiger_position(4)
    for position in (0, 3, 5, 10):
        with pytest.raises(PositionDifferente) as leve:
            OUVERT.exiger_position(position)
        assert leve.value.details() == {"position": "4"}


@pytest.mark.parametrize("fin", [{"piece_id": uuid4()}, {"raison": "PIECE_INFECTEE"}])
def test_ce_qui_est_fini_ne_recoit_plus_rien(fin):
    fini = replace(OUVERT, recus_octets=10, **fin)
    assert fini.fini
    with pytest.raises(PositionDifferente):
        fini.exiger_position(10)


def test_la_fin_annoncee_n_est_pas_depassee():
    OUVERT.exiger_suite(4, 6)
    with pytest.raises(PieceTropGrande) as leve:
        OUVERT.exiger_suite(4, 7)
    assert leve.value.details() == {"limite": "ANNONCE", "maximum": "10"}


def test_la_taille_annoncee_suffit_a_refuser():
    regles.exiger_taille(25, maximum=25)
    with pytest.raises(PieceTropGrande):
        regles.exiger_taille(26, maximum=25)
    for octets in (0, -1):
        with pytest.raises(PieceVide):
            regles.exiger_taille(octets, maximum=25)


def test_un_refus_se_redit_tel_quel():
    regles.exiger_acceptable("")
    with pytest.raises(PieceInfectee):
        regles.exiger_acceptable("PIECE_INFECTEE")
    faits: tuple[type[domain.FaitStockage], ...] = (
        *domain.REFUS,
        domain.QuotaDepasse,
        domain.NomInvalide,
    )
    for fait in faits:
        with pytest.raises(fait):
            regles.exiger_acceptable(fait.raison)


def test_entier_quand_tout_est_la():
    assert not OUVERT.entier
    assert replace(OUVERT, recus_octets=10).entier
