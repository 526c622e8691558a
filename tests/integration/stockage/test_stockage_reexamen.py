"""New signatures judge what passed before; clamd says how old its own are (R48)."""

from __future__ import annotations

import base64
import contextlib
import os
import socket
import threading
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from sqlalchemy import text

from chassis.db import make_engine, make_sessions
from services.stockage import persistence
from services.stockage.adapters.antivirus import AntivirusClamd
from services.stockage.adapters.coffre import CoffreDossier
from services.stockage.domain import ControleIndisponible, Fiche, GenrePiece
from services.stockage.use_cases import depot, reexamen
from tests.kit import stockage as kit

pytestmark = [pytest.mark.integration, pytest.mark.exigence("STO-04")]

LE = datetime(2026, 11, 2, 15, tzinfo=UTC)
FAITES_LE = datetime(2026, 11, 20, 8, 36, 46, tzinfo=UTC)
PLUS_TARD = LE + timedelta(days=1)
CLE = base64.b64encode(os.urandom(32)).decode()


@pytest.fixture
def sessions(database_url, clean_database):
    del clean_database
    engine = make_engine(database_url("stockage"), name="essai-reexamen")
    yield make_sessions(engine)
    engine.dispose()


@pytest.fixture
def coffre(tmp_path):
    return CoffreDossier(tmp_path, cle_maitresse=CLE)


class Ignorant:
    """clamd as it was before it knew."""

    def examiner(self, blocs):
        for _ in blocs:
            pass


@pytest.fixture
def deposer(sessions, coffre, analyseur):
    def faire(octets, *, compte_id=None):
        return depot.deposer_piece(
            sessions=sessions,
            controle=depot.Controle(coffre=coffre, antivirus=Ignorant(), analyseur=analyseur),
            depot=depot.Depot(
                compte_id=compte_id or uuid4(), request_id=str(uuid4()), nom_fichier="piece.pdf",
                fiche=Fiche(genre=GenrePiece.AUTRE), taille_annoncee=0,
            ),
            blocs=iter([octets]), taille_max=1 << 25, quota=1 << 30, maintenant=LE,
        )  # fmt: skip

    return faire


def reexaminer(sessions, coffre, antivirus, *, avant=PLUS_TARD):
    return reexamen.reexaminer(
        sessions=sessions, coffre=coffre, antivirus=antivirus, avant=avant,
        horloge=lambda: PLUS_TARD,
    )  # fmt: skip


def un_pdf_infecte():
    """A PDF that our parsers accept and that holds the harmless test file as a page's content."""
    entete, corps = kit.un_pdf(pages=2).split(b"\n", 1)
    return entete + b"\n%" + kit.EICAR + b"\n" + corps


class Savant:
    """clamd with a signature that it did not have: the real one knows EICAR from the start."""

    def examiner(self, blocs):
        return "Nouveau" if kit.EICAR in b"".join(blocs) else None


def test_what_new_signatures_recognise_ends_and_is_told(sessions, coffre, deposer, tmp_path):
    compte_id = uuid4()
    bonne = deposer(kit.un_pdf(), compte_id=compte_id)
    mauvaise = deposer(un_pdf_infecte(), compte_id=compte_id)
    bilan = reexaminer(sessions, coffre, Savant())
    assert (bilan.saines, bilan.infectees, bilan.complet) == (1, 1, True)
    with sessions() as session:
        lue = persistence.lire_pieces(session, compte_id=compte_id, piece_ids=[mauvaise.piece_id])[
            mauvaise.piece_id
        ]
        assert (lue.statut, lue.objet) == ("INFECTEE", None)
        espace = persistence.lire_espace(session, compte_id)
        assert espace is not None
        assert espace.octets_utilises == bonne.taille_octets
        cles = session.scalars(text("SELECT routing_key FROM outbox ORDER BY id")).all()
    assert cles[-1] == "piece_rejetee.v1"
    assert [c.name for c in tmp_path.rglob("*") if c.is_file()] == [bonne.objet.nom]
    # Each was judged by these signatures: there is nothing to do until newer ones.
    assert reexaminer(sessions, coffre, Savant()) == reexamen.BilanReexamen()


def test_the_real_clamd_lets_pass_what_is_sound(sessions, coffre, deposer, clamd_address):
    deposer(kit.un_pdf())
    assert reexaminer(sessions, coffre, AntivirusClamd(clamd_address)).saines == 1


def test_when_clamd_goes_away_the_rest_waits_for_the_next_pass(sessions, coffre, deposer):
    for _ in range(3):
        deposer(kit.un_pdf())

    class Mourant(Ignorant):
        reste = 1

        def examiner(self, blocs):
            if not self.reste:
                raise ControleIndisponible
            self.reste -= 1
            super().examiner(blocs)

    bilan = reexaminer(sessions, coffre, Mourant())
    assert (bilan.saines, bilan.complet) == (1, False)
    assert reexaminer(sessions, coffre, Ignorant()).saines == 2


def test_a_legal_hold_and_lost_bytes_are_left_to_people(sessions, coffre, deposer, tmp_path):
    gelee = deposer(un_pdf_infecte())
    perdue = deposer(kit.un_pdf())
    (tmp_path / "objets" / perdue.objet.nom[:2] / perdue.objet.nom).unlink()
    with sessions.begin() as session:
        session.execute(
            text("INSERT INTO gel (gel_id, compte_id, motif, sans_avis, pose_par, pose_le)"
                 " VALUES (:g, :c, 'enquête', false, :g, now())"),
            {"g": uuid4(), "c": gelee.compte_id},
        )  # fmt: skip
    bilan = reexaminer(sessions, coffre, Savant())
    assert (bilan.gelees, bilan.illisibles, bilan.infectees) == (1, 1, 0)
    assert len([c for c in tmp_path.rglob("*") if c.is_file()]) == 1


@contextlib.contextmanager
def clamd_qui_dit(reponse):
    """A server that answers VERSION as clamd(8) does with the sets of its publisher."""
    with socket.create_server(("127.0.0.1", 0)) as ecoute:

        def servir():
            with contextlib.suppress(OSError):
                while True:
                    prise, _ = ecoute.accept()
                    with prise:
                        assert prise.recv(64) == b"zVERSION\0"
                        prise.sendall(reponse)

        threading.Thread(target=servir, daemon=True).start()
        yield f"127.0.0.1:{ecoute.getsockname()[1]}"


@pytest.mark.parametrize(
    ("reponse", "du"),
    [
        (b"ClamAV 1.0.7/27468/Fri Nov 20 08:36:46 2026\0", FAITES_LE),
        (b"ClamAV 1.0.7\0", None),
        (b"ClamAV 1.0.7/27468/hier\0", None),
    ],
)  # fmt: skip
def test_clamd_says_when_its_signatures_were_made(reponse, du):
    with clamd_qui_dit(reponse) as adresse:
        assert AntivirusClamd(adresse).signatures_du() == du


def test_the_private_clamd_has_local_signatures_only(clamd_address):
    assert AntivirusClamd(clamd_address).signatures_du() is None
    with pytest.raises(ControleIndisponible):
        AntivirusClamd("127.0.0.1:1").signatures_du()
