"""Reminders of the end of validity: one for each end, whatever the worker went through."""

from __future__ import annotations

import datetime as dt
from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest

from chassis.db import make_sessions
from espacecitoyen.stockage.v1 import stockage_service_pb2 as pb
from services.stockage.domain import Validite
from services.stockage.use_cases import avis
from tests.kit import stockage as kit

pytestmark = pytest.mark.integration

VALIDITE = Validite(zone=ZoneInfo("America/Toronto"), rappel_jours=30)


def rappeler(banc) -> int:
    return avis.rappeler_validites(
        sessions=make_sessions(banc.engine), validite=VALIDITE, maintenant=banc.horloge.now
    )


@pytest.mark.exigence("STO-01")
def test_an_end_of_validity_is_told_once_even_after_days_of_absence(banc):
    banc.horloge.now = dt.datetime(2026, 3, 10, 15, 0, tzinfo=dt.UTC)
    piece = banc.deposer(kit.un_pdf(), valide_jusqu_au="2026-04-20")
    banc.deposer(kit.un_pdf(pages=2), valide_jusqu_au="2026-03-09")
    banc.deposer(kit.un_pdf(pages=3))
    assert rappeler(banc) == 0
    # The worker was away from the 30th day before to the 12th.
    banc.horloge.advance(days=29)
    with ThreadPoolExecutor(3) as fils:
        assert sum(fils.map(lambda _: rappeler(banc), range(3))) == 1
    banc.horloge.advance(days=5)
    assert rappeler(banc) == 0
    [(corps,)] = banc.rangees(
        "SELECT convert_from(body, 'UTF8')::jsonb FROM outbox WHERE routing_key LIKE 'piece_bient%'"
    )
    assert corps == {
        "piece_id": piece.piece_id,
        "compte_id": banc.compte_id,
        "genre": "RESIDENCE",
        "valide_jusqu_au": "2026-04-20",
    }


def test_another_end_is_another_reminder_and_a_replaced_version_has_none(banc):
    banc.horloge.now = dt.datetime(2026, 3, 10, 15, 0, tzinfo=dt.UTC)
    piece = banc.deposer(kit.un_pdf(), valide_jusqu_au="2026-03-20")
    assert rappeler(banc) == 1
    demande = pb.ModifierPieceRequest(
        request_id=str(uuid4()),
        piece_id=piece.piece_id,
        genre=pb.GENRE_PIECE_RESIDENCE,
        valide_jusqu_au="2026-03-25",
    )
    banc.appeler("ModifierPiece", demande)
    assert rappeler(banc) == 1
    banc.deposer(
        kit.un_pdf(pages=2),
        genre=pb.GENRE_PIECE_RESIDENCE,
        valide_jusqu_au="2030-01-01",
        remplace_piece_id=piece.piece_id,
    )
    assert rappeler(banc) == 0
    banc.horloge.now = dt.datetime(2029, 12, 15, 15, 0, tzinfo=dt.UTC)
    assert rappeler(banc) == 1
