"""clamd away and back, what a crash leaves, integrity, and the worker's commands."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import timedelta
from uuid import uuid4

import pytest

from chassis.db import make_sessions
from chassis.grpc_client import RemoteError
from espacecitoyen.stockage.v1 import stockage_service_pb2 as pb
from services.stockage.domain import ControleImpossible, Zone
from services.stockage.use_cases import entretien, integrite
from tests.kit import stockage as kit

pytestmark = pytest.mark.integration

ABSENT = "127.0.0.1:1"


def reprendre(banc):
    return entretien.reprendre_pieces(
        sessions=make_sessions(banc.engine), controle=banc.controle, horloge=banc.horloge
    )


def lire(banc, piece_id):
    return banc.appeler("GetPiece", pb.GetPieceRequest(piece_id=piece_id)).piece


@pytest.fixture
def en_attente(banc):
    """Upload while clamd is away; gives the function."""
    present = banc.antivirus.adresse

    def deposer(octets, **champs):
        banc.antivirus.adresse = ABSENT
        try:
            return banc.deposer(octets, **champs)
        finally:
            banc.antivirus.adresse = present

    return deposer


@pytest.mark.exigence("STO-04")
def test_without_clamd_a_document_waits_and_is_taken_up_when_it_returns(banc, en_attente):
    octets = kit.une_photo()
    piece = en_attente(octets, nom="photo.pdf")
    assert piece.statut == pb.STATUT_PIECE_EN_ANALYSE
    assert (piece.type_media, piece.nom_fichier) == ("", "photo.pdf")
    assert kit.AUTEUR.encode() not in banc.chemin(Zone.QUARANTAINE).read_bytes()
    assert banc.evenements() == []
    for appel in (
        lambda: banc.lire(piece.piece_id),
        lambda: banc.lire(piece.piece_id, apercu=True),
        lambda: banc.retenir(piece.piece_id, dossier="d1"),
    ):
        with pytest.raises(RemoteError) as erreur:
            appel()
        assert erreur.value.reason == "PIECE_NON_SAINE"
    assert reprendre(banc).saines == 1
    saine = lire(banc, piece.piece_id)
    assert (saine.statut, saine.nom_fichier) == (pb.STATUT_PIECE_SAINE, "photo.jpg")
    assert banc.evenements() == ["piece_deposee.v1"]
    assert len(banc.fichiers()) == 1
    assert banc.lister().octets_utilises == saine.taille_octets == len(banc.lire(piece.piece_id)[1])
    assert reprendre(banc) == entretien.Bilan()


def test_while_clamd_is_away_nothing_changes(banc, en_attente):
    en_attente(kit.un_pdf())
    en_attente(kit.un_pdf(pages=3))
    banc.antivirus.adresse = ABSENT
    assert reprendre(banc).en_attente == 2
    assert len(banc.fichiers()) == 2
    assert banc.lister().total == 2


@pytest.mark.parametrize(
    ("octets", "statut", "raison"),
    [
        (kit.EICAR, pb.STATUT_PIECE_INFECTEE, "PIECE_INFECTEE"),
        (kit.une_page_html(), pb.STATUT_PIECE_ERREUR, "TYPE_NON_ACCEPTE"),
        (kit.une_bombe_png(), pb.STATUT_PIECE_ERREUR, "PIECE_TROP_GRANDE"),
    ],
    ids=["eicar", "html", "bombe"],
)
@pytest.mark.exigence("STO-04")
def test_what_waited_and_is_bad_is_refused_and_told(banc, en_attente, octets, statut, raison):
    piece_id = en_attente(octets).piece_id
    assert reprendre(banc).refusees == 1
    assert lire(banc, piece_id).statut == statut
    assert banc.fichiers() == []
    assert banc.lister().octets_utilises == 0
    assert banc.evenements() == ["piece_rejetee.v1"]
    [(dite,)] = banc.rangees("SELECT raison FROM piece")
    assert dite == raison
    banc.supprimer(piece_id)
    assert banc.rien_ne_reste()


def test_a_clamd_that_cannot_judge_is_asked_five_times(banc, en_attente, monkeypatch):
    piece_id = en_attente(kit.un_pdf()).piece_id

    def incapable(_blocs):
        raise ControleImpossible

    monkeypatch.setattr(banc.antivirus, "examiner", incapable)
    for essai in range(4):
        assert reprendre(banc).en_attente == 1, essai
        assert reprendre(banc) == entretien.Bilan(), "it is not asked again at once"
        banc.horloge.advance(hours=1)
    assert reprendre(banc).refusees == 1
    assert lire(banc, piece_id).statut == pb.STATUT_PIECE_ERREUR
    assert banc.evenements() == ["piece_rejetee.v1"]
    assert banc.fichiers() == []


def test_a_document_deleted_while_it_waited_is_not_brought_back(banc, en_attente, monkeypatch):
    piece_id = en_attente(kit.un_pdf()).piece_id
    vrai = banc.antivirus.examiner

    def supprimer_pendant(blocs):
        banc.supprimer(piece_id)
        return vrai(blocs)

    monkeypatch.setattr(banc.antivirus, "examiner", supprimer_pendant)
    reprendre(banc)
    assert banc.rien_ne_reste()
    assert banc.evenements() == []


def test_two_workers_take_up_one_document_once(banc, en_attente, monkeypatch):
    en_attente(kit.une_photo())
    vrai = banc.antivirus.examiner

    def l_autre_d_abord(blocs):
        monkeypatch.undo()
        reprendre(banc)
        return vrai(blocs)

    monkeypatch.setattr(banc.antivirus, "examiner", l_autre_d_abord)
    reprendre(banc)
    assert banc.evenements() == ["piece_deposee.v1"]
    assert len(banc.fichiers()) == 1


def test_a_retried_upload_of_a_waiting_document_gives_it_as_it_is(banc, en_attente):
    octets, request_id = kit.un_pdf(), str(uuid4())
    piece = en_attente(octets, request_id=request_id)
    assert en_attente(octets, request_id=request_id) == piece
    assert len(banc.fichiers()) == 1


def verifier(banc, delai=timedelta(hours=1)):
    avance = []
    ecarts = list(
        integrite.verifier(
            sessions=make_sessions(banc.engine),
            coffre=banc.coffre,
            maintenant=banc.horloge.now,
            delai=delai,
            avancer=lambda lus, total: avance.append((lus, total)),
        )
    )
    return sorted(ecart.nature for ecart in ecarts), avance


def vieillir(chemin, banc, **duree):
    ecrit_le = (banc.horloge.now - timedelta(**duree)).timestamp()
    os.utime(chemin, (ecrit_le, ecrit_le))


@pytest.mark.exigence("STO-05")
def test_verifier_finds_what_is_missing_altered_and_orphaned(banc, en_attente):
    bonne, alteree, perdue = (banc.deposer(kit.un_pdf(pages=n)).piece_id for n in (1, 2, 3))
    en_attente(kit.un_pdf(pages=4))
    assert verifier(banc) == ([], [(n, 4) for n in range(1, 5)])
    noms = dict(banc.rangees("SELECT piece_id::text, objet_nom FROM piece"))
    objets = banc.dossier / "objets"
    chemin = objets / noms[alteree][:2] / noms[alteree]
    chemin.write_bytes(chemin.read_bytes()[:-1])
    (objets / noms[perdue][:2] / noms[perdue]).unlink()
    orphelin = objets / noms[bonne][:2] / "0123456789abcdef"
    orphelin.write_bytes(b"x")
    vieillir(orphelin, banc, minutes=59)
    assert verifier(banc)[0] == ["ALTERE", "MANQUANT"]
    vieillir(orphelin, banc, minutes=61)
    assert verifier(banc)[0] == ["ALTERE", "MANQUANT", "ORPHELIN"]


def test_balayer_deletes_old_orphans_and_nothing_else(banc, en_attente):
    banc.deposer(kit.un_pdf())
    en_attente(kit.un_pdf())
    gardes = set(banc.fichiers())
    for zone in ("objets", "quarantaine"):
        dossier = banc.dossier / zone / "ff"
        dossier.mkdir(exist_ok=True)
        for nom in ("ff01", "ff02.tmp"):
            (dossier / nom).write_bytes(b"x")
            vieillir(dossier / nom, banc, hours=2)
        (dossier / "ff03.tmp").write_bytes(b"x")
        vieillir(dossier / "ff03.tmp", banc, minutes=5)
    for chemin in gardes:
        vieillir(chemin, banc, days=30)
    supprimes = integrite.balayer(
        sessions=make_sessions(banc.engine),
        coffre=banc.coffre,
        maintenant=banc.horloge.now,
        delai=timedelta(hours=1),
    )
    assert supprimes == 4
    restes = {chemin for chemin in banc.fichiers() if chemin.name != "ff03.tmp"}
    assert restes == gardes


def commande(banc, nom, cle):
    environnement = {
        "PATH": os.environ["PATH"],
        "STOCKAGE_DATABASE_URL": banc.url,
        "STOCKAGE_DOSSIER": str(banc.dossier),
        "STOCKAGE_CLAMD": banc.antivirus.adresse,
        "STOCKAGE_CLE_MAITRESSE": cle,
    }
    return subprocess.run(
        [sys.executable, "-m", "services.stockage.commandes", "--avec-parent", nom],
        env=environnement,
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_operator_commands_do_it_from_the_shell(banc, en_attente, cle_maitresse):
    piece_id = en_attente(kit.une_photo()).piece_id
    fait = commande(banc, "reprendre", cle_maitresse)
    assert (fait.returncode, fait.stdout) == (0, "sound: 1, refused: 0, still waiting: 0\n")
    assert lire(banc, piece_id).statut == pb.STATUT_PIECE_SAINE
    sain = commande(banc, "verifier", cle_maitresse)
    assert (sain.returncode, sain.stdout) == (0, "differences: 0\n")
    assert "1/1" in sain.stderr
    banc.chemin().unlink()
    malade = commande(banc, "verifier", cle_maitresse)
    assert malade.returncode == 1
    assert malade.stdout.startswith("MANQUANT objets/")
    assert commande(banc, "balayer", cle_maitresse).stdout == "deleted: 0\n"
