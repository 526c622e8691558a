"""A disk that is full, read-only or broken, and a server that is away, in the middle of an act."""

from __future__ import annotations

import base64
import contextlib
import os
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from sqlalchemy import text

from chassis.db import make_engine, make_sessions
from services.stockage import persistence
from services.stockage.adapters.coffre import CoffreChiffre, CoffreDossier
from services.stockage.adapters.s3 import EntrepotS3
from services.stockage.adapters.trousseau import MaitresseEnvironnement, Trousseau
from services.stockage.domain import (
    ControleIndisponible,
    Fiche,
    GenrePiece,
    StatutPiece,
    Zone,
)
from services.stockage.use_cases import depot, entretien, integrite
from services.stockage.use_cases.ports import EntrepotIndisponible, EspacePlein
from tests.kit import disque
from tests.kit import stockage as kit
from tests.kit.entrepot import Panne, porte

pytestmark = [pytest.mark.integration, pytest.mark.exigence("STO-05")]

LE = datetime(2026, 11, 2, 15, tzinfo=UTC)
DISQUE = 2 << 20
CLE = base64.b64encode(os.urandom(32)).decode()


@pytest.fixture
def sessions(database_url, clean_database):
    del clean_database
    engine = make_engine(database_url("stockage"), name="essai-pannes")
    yield make_sessions(engine)
    engine.dispose()


class Sain:
    def examiner(self, blocs):
        for _ in blocs:
            pass


class Absent:
    def examiner(self, blocs):
        del blocs
        raise ControleIndisponible


@pytest.fixture
def deposer(sessions, analyseur):
    def faire(coffre, octets, *, compte_id=None, antivirus=None):
        return depot.deposer_piece(
            sessions=sessions,
            controle=depot.Controle(
                coffre=coffre, antivirus=antivirus or Sain(), analyseur=analyseur
            ),
            depot=depot.Depot(
                compte_id=compte_id or uuid4(), request_id=str(uuid4()), nom_fichier="piece.pdf",
                fiche=Fiche(genre=GenrePiece.AUTRE), taille_annoncee=0,
            ),
            blocs=(octets[n : n + 65536] for n in range(0, len(octets), 65536)),
            taille_max=1 << 25, quota=1 << 30, maintenant=LE,
        )  # fmt: skip

    return faire


@pytest.fixture
def reprendre(sessions, analyseur):
    def faire(coffre):
        return entretien.reprendre_pieces(
            sessions=sessions,
            controle=depot.Controle(coffre=coffre, antivirus=Sain(), analyseur=analyseur),
            horloge=lambda: LE,
        )

    return faire


def pieces(sessions):
    with sessions() as session:
        return session.execute(text("SELECT statut FROM piece ORDER BY piece_id")).scalars().all()


def lire(sessions, coffre, piece):
    with sessions() as session:
        espace = persistence.lire_espace(session, piece.compte_id)
    with coffre.ouvrir(espace, piece.zone, piece.objet) as lecture:
        return b"".join(lecture.blocs())


def fichiers(dossier):
    return [chemin for chemin in dossier.rglob("*") if chemin.is_file()]


def un_pdf_de(octets):
    return kit.un_pdf(remplissage=octets)


@pytest.mark.parametrize("taille", [3 << 20, (1 << 20) + 100_000], ids=["quarantaine", "rangement"])
def test_a_disk_that_fills_in_the_middle_keeps_nothing_and_heals(
    sessions, deposer, tmp_path, taille
):
    dossier = tmp_path / "disque"
    with disque.petit_disque(dossier, octets=DISQUE) as vrai:
        coffre = CoffreDossier(dossier, cle_maitresse=CLE)
        avant = deposer(coffre, un_pdf_de(300_000))
        libre = os.statvfs(dossier).f_bavail
        for _ in range(3):
            with pytest.raises(EspacePlein):
                deposer(coffre, un_pdf_de(taille))
        assert len(fichiers(dossier)) == 1
        assert pieces(sessions) == ["SAINE"]
        # Reading goes on, no block is lost, and what fits is taken at once.
        assert len(lire(sessions, coffre, avant)) > 300_000
        if vrai:
            assert os.statvfs(dossier).f_bavail == libre
        assert deposer(coffre, un_pdf_de(300_000)).statut is StatutPiece.SAINE


def test_what_waits_stays_when_the_disk_is_full_and_is_taken_up_after(
    sessions, deposer, reprendre, tmp_path
):
    dossier = tmp_path / "disque"
    with disque.petit_disque(dossier, octets=DISQUE) as vrai:
        coffre = CoffreDossier(dossier, cle_maitresse=CLE)
        deposer(coffre, un_pdf_de(900_000), antivirus=Absent())
        boulet = dossier / "boulet"
        if vrai:
            with contextlib.suppress(OSError), boulet.open("wb", buffering=0) as plein:
                while plein.write(bytes(4096)) == 4096:
                    pass
            with pytest.raises(EspacePlein):
                reprendre(coffre)
            assert pieces(sessions) == ["EN_ANALYSE"]
            boulet.unlink()
        assert reprendre(coffre).saines == 1
        assert pieces(sessions) == ["SAINE"]


def test_a_read_only_disk_refuses_uploads_and_serves_what_it_has(sessions, deposer, tmp_path):
    dossier = tmp_path / "disque"
    with disque.petit_disque(dossier, octets=8 * DISQUE):
        coffre = CoffreDossier(dossier, cle_maitresse=CLE)
        piece = deposer(coffre, kit.un_pdf())
        with disque.lecture_seule(dossier):
            for _ in range(2):
                with pytest.raises(EntrepotIndisponible):
                    deposer(coffre, kit.un_pdf())
            assert lire(sessions, coffre, piece) == kit.un_pdf()
        assert deposer(coffre, kit.un_pdf()).statut is StatutPiece.SAINE
        assert pieces(sessions) == ["SAINE", "SAINE"]


def test_a_disk_that_cannot_be_read_is_not_an_altered_document(sessions, deposer, tmp_path):
    coffre = CoffreDossier(tmp_path, cle_maitresse=CLE)
    piece = deposer(coffre, kit.un_pdf())
    [chemin] = fichiers(tmp_path)
    disque.secteur_illisible(chemin)
    with pytest.raises(EntrepotIndisponible):
        lire(sessions, coffre, piece)
    with pytest.raises(EntrepotIndisponible) as fait:
        coffre.empreinte(Zone.OBJETS, piece.objet.nom)
    assert fait.value.details() == {"cause": "EIO"}


def test_a_document_whose_bytes_cannot_be_read_now_is_not_refused(
    sessions, deposer, reprendre, tmp_path
):
    """A parser would call it a bad file: the disk's fault is told before."""
    coffre = CoffreDossier(tmp_path, cle_maitresse=CLE)
    deposer(coffre, kit.un_pdf(), antivirus=Absent())
    [chemin] = fichiers(tmp_path)
    octets = chemin.read_bytes()
    disque.secteur_illisible(chemin)
    with pytest.raises(EntrepotIndisponible):
        reprendre(coffre)
    assert pieces(sessions) == ["EN_ANALYSE"]
    chemin.unlink()
    chemin.write_bytes(octets)
    assert reprendre(coffre).saines == 1


def un_coffre_s3(objets, url):
    return CoffreChiffre(
        EntrepotS3(
            url=url, seau=objets["seau"], cle=objets["cle"], secret=objets["secret"],
            region="us-east-1", silence_s=1,
        ),
        Trousseau(MaitresseEnvironnement(CLE)),
    )  # fmt: skip


@pytest.mark.parametrize("panne", [Panne.ERREUR_500, Panne.MUETTE])
def test_a_server_of_objects_that_is_away_keeps_nothing_partial(
    sessions, deposer, reprendre, objets, panne
):
    with porte(objets["url"]) as ouverte:
        coffre = un_coffre_s3(objets, ouverte.url)
        directe = un_coffre_s3(objets, objets["url"])
        bonne = deposer(coffre, kit.un_pdf())
        attend = deposer(coffre, kit.un_pdf(pages=2), antivirus=Absent())
        assert attend.statut is StatutPiece.EN_ANALYSE
        avant = {z: {nom for nom, _ in directe.lister(z)} for z in Zone}
        for des in (0, 3):
            ouverte.casser(panne, des=des)
            with pytest.raises(EntrepotIndisponible):
                deposer(coffre, kit.un_pdf(pages=3))
        with pytest.raises(EntrepotIndisponible):
            reprendre(coffre)
        ouverte.reparer()
        assert sorted(pieces(sessions)) == ["EN_ANALYSE", "SAINE"]
        assert {nom for nom, _ in directe.lister(Zone.OBJETS)} == avant[Zone.OBJETS]
        integrite.balayer(
            sessions=sessions, coffre=coffre, maintenant=datetime.now(UTC),
            delai=-timedelta(seconds=5),
        )  # fmt: skip
        noms = {nom for z in Zone for nom, _ in directe.lister(z)}
        assert noms == {bonne.objet.nom, attend.objet.nom}
        assert lire(sessions, coffre, bonne) == kit.un_pdf()
        assert reprendre(coffre).saines == 1
        for z in Zone:
            for nom, _ in directe.lister(z):
                directe.supprimer(z, nom)


@pytest.mark.exigence("STO-04")
def test_a_photo_goes_through_the_parsers_from_a_server_of_objects(sessions, deposer, objets):
    coffre = un_coffre_s3(objets, objets["url"])
    piece = deposer(coffre, kit.une_photo())
    clair = lire(sessions, coffre, piece)
    assert clair.startswith(b"\xff\xd8")
    assert kit.AUTEUR.encode() not in clair
    coffre.supprimer(Zone.OBJETS, piece.objet.nom)
