"""The parsers' own processes, and a clamd that misbehaves."""

from __future__ import annotations

import base64
import os
import signal
import socket
import threading
import time
from pathlib import Path
from uuid import uuid4

import pytest

from services.stockage.adapters.analyseur import AnalyseurIsole
from services.stockage.adapters.antivirus import AntivirusClamd
from services.stockage.adapters.coffre import CoffreDossier
from services.stockage.domain import (
    Bornes,
    ControleImpossible,
    ControleIndisponible,
    Espace,
    PieceTronquee,
    TypeMedia,
    Zone,
)
from tests.kit import stockage as kit
from tests.kit.wait import wait_until

pytestmark = [pytest.mark.integration, pytest.mark.exigence("STO-04")]


@pytest.fixture(scope="module")
def grosse_photo() -> bytes:
    """25 megapixels, the most that is opened."""
    return kit.une_photo(largeur=5000, hauteur=5000)


@pytest.fixture
def ouvrir(tmp_path):
    """Store bytes and open them, as the quarantine does."""
    coffre = CoffreDossier(tmp_path, cle_maitresse=base64.b64encode(os.urandom(32)).decode())
    compte_id = uuid4()
    espace = Espace(compte_id=compte_id, cle=coffre.nouvelle_cle(compte_id))

    def faire(octets: bytes):
        with coffre.ecrire(espace, Zone.QUARANTAINE) as ecriture:
            ecriture.ajouter(octets)
            objet = ecriture.valider(durable=False)
        return coffre.ouvrir(espace, Zone.QUARANTAINE, objet)

    return faire


def isole(**reglages) -> AnalyseurIsole:
    defauts = {"memoire_octets": 512 << 20, "cpu_s": 10, "delai_s": 30, "simultanes": 2}
    return AnalyseurIsole(bornes=Bornes(pixels=25_000_000, pages=50), **{**defauts, **reglages})


def assainir(analyseur, lecture, type_media=TypeMedia.JPEG):
    sortie = bytearray()
    constat = analyseur.assainir(lecture, type_media, sortie.extend)
    return constat, bytes(sortie)


def test_the_largest_photo_fits_in_the_memory_of_a_parser(ouvrir, grosse_photo):
    with isole() as analyseur, ouvrir(grosse_photo) as lecture:
        constat, octets = assainir(analyseur, lecture)
    assert constat.reecrit
    assert octets.startswith(b"\xff\xd8")


def test_a_file_that_asks_for_too_much_memory_is_refused_and_the_next_one_passes(
    ouvrir, grosse_photo
):
    with isole(memoire_octets=64 << 20) as analyseur:
        with ouvrir(grosse_photo) as lecture, pytest.raises(PieceTronquee):
            assainir(analyseur, lecture)
        with ouvrir(kit.une_photo()) as lecture:
            assert assainir(analyseur, lecture)[0].reecrit


def test_a_file_that_takes_too_long_is_refused(ouvrir, grosse_photo):
    with isole(delai_s=0.02) as analyseur:
        analyseur.demarrer()
        debut = time.monotonic()
        with ouvrir(grosse_photo) as lecture, pytest.raises(PieceTronquee):
            assainir(analyseur, lecture)
        assert time.monotonic() - debut < 5


def test_the_parsers_hold_no_setting_and_no_other_file(ouvrir, monkeypatch):
    monkeypatch.setenv("STOCKAGE_CLE_MAITRESSE", "secret")
    with isole() as analyseur:
        analyseur.demarrer()
        assert analyseur._modele is not None
        modele = analyseur._modele.pid
        # The model has read its own environment once its interpreter runs.
        wait_until(lambda: Path(f"/proc/{modele}/environ").read_bytes(), what="the model")
        environnement = Path(f"/proc/{modele}/environ").read_bytes()
        assert b"secret" not in environnement
        assert b"STOCKAGE" not in environnement
        with ouvrir(kit.un_pdf()) as lecture:
            assert assainir(analyseur, lecture, TypeMedia.PDF)[0].pages == 2


def test_a_model_that_was_killed_is_replaced(ouvrir):
    with isole() as analyseur:
        analyseur.demarrer()
        assert analyseur._modele is not None
        os.kill(analyseur._modele.pid, signal.SIGKILL)
        os.waitid(os.P_PID, analyseur._modele.pid, os.WEXITED | os.WNOWAIT)
        with ouvrir(kit.un_pdf()) as lecture:
            assert assainir(analyseur, lecture, TypeMedia.PDF)[0].pages == 2


def test_the_model_ends_with_its_parent(ouvrir):
    analyseur = isole()
    with ouvrir(kit.un_pdf()) as lecture:
        assainir(analyseur, lecture, TypeMedia.PDF)
    assert analyseur._controle is not None
    assert analyseur._modele is not None
    analyseur._controle.close()
    assert analyseur._modele.wait(timeout=5) == 0


def test_many_documents_at_once_wait_for_their_turn(ouvrir):
    pages: list[int] = []

    def un():
        with ouvrir(kit.un_pdf()) as lecture:
            pages.append(assainir(analyseur, lecture, TypeMedia.PDF)[0].pages)

    with isole() as analyseur:
        fils = [threading.Thread(target=un) for _ in range(12)]
        for fil in fils:
            fil.start()
        for fil in fils:
            fil.join()
    assert pages == [2] * 12


@pytest.fixture
def faux_clamd():
    """A server that answers what the test says, once; None closes without a word."""
    ecoute = socket.create_server(("127.0.0.1", 0))
    fils: list[threading.Thread] = []

    def repondre(reponse: bytes | None, *, lire: bool = True) -> AntivirusClamd:
        def servir():
            prise, _ = ecoute.accept()
            with prise:
                while lire and not prise.recv(65536).endswith(b"\0\0\0\0"):
                    pass
                if reponse is not None:
                    prise.sendall(reponse)

        fil = threading.Thread(target=servir)
        fil.start()
        fils.append(fil)
        return AntivirusClamd(f"127.0.0.1:{ecoute.getsockname()[1]}", silence_s=0.5)

    yield repondre
    for fil in fils:
        fil.join()
    ecoute.close()


def test_clear_answers_are_understood(faux_clamd):
    assert faux_clamd(b"stream: OK\0").examiner([b"abc"]) is None
    assert faux_clamd(b"stream: Win.Test FOUND\0").examiner([b"abc"]) == "Win.Test"


@pytest.mark.parametrize(
    ("reponse", "fait"),
    [
        (b"stream: Can't allocate memory ERROR\0", ControleImpossible),
        (b"INSTREAM size limit exceeded. ERROR\0", ControleImpossible),
        (b"\xff\xfe?\0", ControleImpossible),
        (b"stream: OK", ControleIndisponible),
        (b"", ControleIndisponible),
        (None, ControleIndisponible),
    ],
)
def test_whatever_is_not_a_clear_answer_leaves_the_document_unjudged(faux_clamd, reponse, fait):
    with pytest.raises(ControleIndisponible) as erreur:
        faux_clamd(reponse).examiner([b"abc"])
    assert type(erreur.value) is fait


def test_a_clamd_that_hangs_or_is_absent_is_away(faux_clamd):
    muet = socket.create_server(("127.0.0.1", 0))
    with muet, pytest.raises(ControleIndisponible):
        AntivirusClamd(f"127.0.0.1:{muet.getsockname()[1]}", silence_s=0.3).examiner([b"abc"])
    with pytest.raises(ControleIndisponible):
        AntivirusClamd("127.0.0.1:1").examiner([b"abc"])
    with pytest.raises(ControleIndisponible):
        faux_clamd(None, lire=False).examiner([bytes(1 << 20)] * 20)


def test_the_real_clamd_judges(clamd_address):
    antivirus = AntivirusClamd(clamd_address)
    assert antivirus.examiner([kit.un_pdf()]) is None
    trouve = antivirus.examiner([kit.EICAR[:10], kit.EICAR[10:]])
    assert trouve is not None
    assert "eicar" in trouve.lower()
