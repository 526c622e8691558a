"""Uploads that are taken up again: what is kept, what is refused, and what nobody else sees."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from chassis.db import make_sessions
from chassis.discovery import StaticAddresses
from chassis.grpc_client import Remote, RemoteError
from espacecitoyen.stockage.v1 import stockage_service_pb2 as pieces_pb
from espacecitoyen.stockage.v1 import televersement_service_pb2 as pb
from espacecitoyen.stockage.v1.televersement_service_pb2_grpc import TeleversementServiceStub
from services.stockage.domain import Zone
from services.stockage.use_cases.integrite import balayer, verifier
from services.stockage.use_cases.segments import Regles
from services.stockage.use_cases.televersement import (
    balayer_televersements,
    reprendre_televersements,
)
from tests.kit import stockage as kit
from tests.kit.identity import token

pytestmark = [pytest.mark.integration, pytest.mark.exigence("STO-05")]

MIO = 1024 * 1024
PDF = kit.un_pdf(remplissage=900_000)


class Envois:
    """The RPCs of uploads, as the owner of a bench or as somebody else."""

    def __init__(self, banc: Any, remote: Remote[TeleversementServiceStub]) -> None:
        self.banc = banc
        self.remote = remote

    def appeler(self, nom: str, demande: Any, jeton: str = "") -> Any:
        return self.remote.call(
            lambda s: getattr(s, nom), demande, token=jeton or self.banc.jeton(), deadline=20
        )

    def creer(self, taille: int = len(PDF), **champs: Any) -> str:
        jeton = champs.pop("jeton", "")
        demande = pb.CreerTeleversementRequest(
            request_id=champs.pop("request_id", "") or str(uuid4()),
            nom_fichier=champs.pop("nom", "hydro.pdf"),
            genre=champs.pop("genre", pieces_pb.GENRE_PIECE_RESIDENCE),
            taille_octets=taille,
            **champs,
        )
        return str(
            self.appeler("CreerTeleversement", demande, jeton).televersement.televersement_id
        )

    def ajouter(
        self, un_id: str, octets: bytes, *, position: int = 0, fin: bool = True, **champs: Any
    ) -> pb.Televersement:
        jeton = champs.pop("jeton", "") or self.banc.jeton()
        entete = pb.EnteteSegment(televersement_id=un_id, position=position, **champs)

        def parties() -> Iterator[pb.AjouterSegmentRequest]:
            yield pb.AjouterSegmentRequest(request_id=str(uuid4()), entete=entete)
            for debut in range(0, len(octets), 64 * 1024):
                yield pb.AjouterSegmentRequest(bloc=octets[debut : debut + 64 * 1024])
            if fin:
                yield pb.AjouterSegmentRequest(fin=pb.FinSegment())

        return self.remote.upload(
            lambda s: s.AjouterSegment, parties(), token=jeton, deadline=20
        ).televersement

    def lire(self, un_id: str, jeton: str = "") -> pb.Televersement:
        demande = pb.GetTeleversementRequest(televersement_id=un_id)
        found: pb.Televersement = self.appeler("GetTeleversement", demande, jeton).televersement
        return found

    def terminer(self, un_id: str, jeton: str = "") -> pb.Televersement:
        demande = pb.TerminerTeleversementRequest(request_id=str(uuid4()), televersement_id=un_id)
        found: pb.Televersement = self.appeler(
            "TerminerTeleversement", demande, jeton
        ).televersement
        return found

    def abandonner(self, un_id: str, jeton: str = "") -> None:
        demande = pb.AbandonnerTeleversementRequest(request_id=str(uuid4()), televersement_id=un_id)
        self.appeler("AbandonnerTeleversement", demande, jeton)

    @property
    def limites(self) -> Regles:
        return Regles(
            taille_max=25 * MIO, quota=40 * MIO, duree=timedelta(hours=24), segment_octets=MIO
        )


@pytest.fixture
def envois(banc: Any) -> Iterator[Envois]:
    remote = Remote(
        "stockage", stub=TeleversementServiceStub, addresses=StaticAddresses([banc.adresse])
    )
    yield Envois(banc, remote)
    remote.close()


def refus(acte: Any, *arguments: Any, **champs: Any) -> RemoteError:
    with pytest.raises(RemoteError) as leve:
        acte(*arguments, **champs)
    return leve.value


def test_un_envoi_coupe_deux_fois_donne_le_document_entier(banc: Any, envois: Envois) -> None:
    un_id = envois.creer(libelle="Hydro")
    premier = envois.ajouter(un_id, PDF[:300_001], fin=False)
    assert premier.recus_octets == 300_001
    suite = envois.ajouter(un_id, PDF[300_001:700_000], position=300_001, fin=False)
    assert envois.lire(un_id).recus_octets == suite.recus_octets == 700_000
    assert banc.lister().total == 0, "nothing is visible before the end"
    assert envois.ajouter(un_id, PDF[700_000:], position=700_000).recus_octets == len(PDF)
    fini = envois.terminer(un_id)
    piece = banc.appeler("GetPiece", pieces_pb.GetPieceRequest(piece_id=fini.piece_id)).piece
    assert piece.statut == pieces_pb.STATUT_PIECE_SAINE
    assert piece.sha256_recu == hashlib.sha256(PDF).hexdigest()
    assert (piece.libelle, piece.nom_fichier) == ("Hydro", "hydro.pdf")
    assert banc.lire(piece.piece_id)[1] == PDF
    # The same end asked again is the same document, and its segments are gone.
    assert envois.terminer(un_id).piece_id == fini.piece_id
    assert banc.lister().total == 1
    assert len(banc.fichiers()) == 1


def test_les_octets_en_attente_sont_chiffres_chacun_sous_sa_cle(banc: Any, envois: Envois) -> None:
    un_id = envois.creer()
    envois.ajouter(un_id, PDF[:600_000], fin=False)
    fichiers = [c for c in (banc.dossier / Zone.QUARANTAINE.value).rglob("*") if c.is_file()]
    assert len(fichiers) == 3, "one segment each 256 KiB"
    assert all(b"%PDF" not in c.read_bytes() for c in fichiers)
    enveloppes = banc.rangees("SELECT DISTINCT objet_enveloppe FROM segment")
    assert len(enveloppes) == 3


def test_la_position_doit_etre_la_suivante(envois: Envois) -> None:
    un_id = envois.creer()
    envois.ajouter(un_id, PDF[:1000], fin=False)
    for position in (0, 999, 1001):
        erreur = refus(envois.ajouter, un_id, b"x" * 10, position=position)
        assert (erreur.reason, erreur.metadata["position"]) == ("POSITION_DIFFERENTE", "1000")


def test_deux_suites_a_la_fois_une_seule_compte(banc: Any, envois: Envois) -> None:
    un_id = envois.creer()
    issues: list[str] = []

    def envoyer() -> None:
        try:
            issues.append(str(envois.ajouter(un_id, PDF[:100_000]).recus_octets))
        except RemoteError as erreur:
            issues.append(erreur.reason)

    fils = [threading.Thread(target=envoyer) for _ in range(4)]
    for un in fils:
        un.start()
    for un in fils:
        un.join()
    assert sorted(issues) == ["100000", *["POSITION_DIFFERENTE"] * 3]
    assert len(banc.fichiers()) == 1


def test_plus_d_octets_que_l_annonce_ne_sont_pas_gardes(banc: Any, envois: Envois) -> None:
    un_id = envois.creer(taille=1000)
    assert refus(envois.ajouter, un_id, PDF[:1001]).reason == "PIECE_TROP_GRANDE"
    assert envois.lire(un_id).recus_octets == 0
    assert not banc.fichiers()


@pytest.mark.parametrize("algorithme", ["md5", "sha1", "sha256"])
def test_une_somme_juste_garde_tout_une_fausse_rien(
    banc: Any, envois: Envois, algorithme: str
) -> None:
    un_id = envois.creer()
    somme = hashlib.new(algorithme, PDF[:500_000]).digest()
    fausse = refus(envois.ajouter, un_id, PDF[1:500_001], algorithme=algorithme, somme=somme)
    assert fausse.reason == "SOMME_DIFFERENTE"
    # A cut leaves bytes that nobody can check.
    coupe = envois.ajouter(un_id, PDF[:400_000], algorithme=algorithme, somme=somme, fin=False)
    assert (coupe.recus_octets, banc.fichiers()) == (0, [])
    juste = envois.ajouter(un_id, PDF[:500_000], algorithme=algorithme, somme=somme)
    assert juste.recus_octets == 500_000


def test_ce_qui_n_est_pas_a_soi_est_inconnu(envois: Envois) -> None:
    un_id, autre = envois.creer(), token(str(uuid4()), "citoyen")
    for acte in (
        lambda: envois.lire(un_id, autre),
        lambda: envois.terminer(un_id, autre),
        lambda: envois.abandonner(un_id, autre),
        lambda: envois.ajouter(un_id, b"x", jeton=autre),
        lambda: envois.lire("pas-un-id"),
    ):
        assert refus(acte).reason == "TELEVERSEMENT_INTROUVABLE"
    assert envois.lire(un_id).recus_octets == 0


def test_trop_grand_est_refuse_avant_le_premier_octet(banc: Any, envois: Envois) -> None:
    assert refus(envois.creer, taille=5 * 1024 * MIO).reason == "PIECE_TROP_GRANDE"
    assert refus(envois.creer, taille=0).reason == "PIECE_VIDE"
    assert not banc.rangees("SELECT 1 FROM televersement")


def test_les_envois_ouverts_comptent_dans_le_quota(envois: Envois) -> None:
    premier = envois.creer(taille=24 * MIO)
    assert refus(envois.creer, taille=20 * MIO).reason == "QUOTA_DEPASSE"
    envois.abandonner(premier)
    envois.creer(taille=20 * MIO)


def test_la_meme_demande_ouvre_un_seul_envoi(envois: Envois) -> None:
    request_id = str(uuid4())
    assert envois.creer(request_id=request_id) == envois.creer(request_id=request_id)
    assert refus(envois.creer, request_id=request_id, nom="autre.pdf").reason == (
        "REQUEST_ID_REUTILISE"
    )


def test_un_fichier_refuse_dit_chaque_fois_pourquoi(banc: Any, envois: Envois) -> None:
    un_id = envois.creer(taille=len(kit.EICAR))
    envois.ajouter(un_id, kit.EICAR)
    for _ in range(2):
        assert refus(envois.terminer, un_id).reason == "PIECE_INFECTEE"
    assert envois.lire(un_id).raison == "PIECE_INFECTEE"
    assert refus(envois.ajouter, un_id, b"x", position=len(kit.EICAR)).reason == (
        "POSITION_DIFFERENTE"
    )
    assert banc.rien_ne_reste()


def test_un_envoi_incomplet_ne_se_termine_pas(envois: Envois) -> None:
    un_id = envois.creer()
    envois.ajouter(un_id, PDF[:10])
    erreur = refus(envois.terminer, un_id)
    assert (erreur.reason, erreur.metadata["position"]) == ("TELEVERSEMENT_INCOMPLET", "10")


def test_abandonner_efface_ce_qui_etait_arrive(banc: Any, envois: Envois) -> None:
    un_id = envois.creer()
    envois.ajouter(un_id, PDF[:600_000], fin=False)
    envois.abandonner(un_id)
    assert not banc.fichiers()
    assert refus(envois.lire, un_id).reason == "TELEVERSEMENT_INTROUVABLE"


def test_un_envoi_expire_est_inconnu_puis_balaye(banc: Any, envois: Envois) -> None:
    un_id = envois.creer()
    envois.ajouter(un_id, PDF[:600_000], fin=False)
    banc.horloge.now += timedelta(hours=25)
    assert refus(envois.lire, un_id).reason == "TELEVERSEMENT_INTROUVABLE"
    balayes = balayer_televersements(
        sessions=make_sessions(banc.engine), coffre=banc.coffre, maintenant=banc.horloge.now
    )
    assert (balayes, banc.fichiers()) == (1, [])
    assert not banc.rangees("SELECT 1 FROM segment")


def test_un_envoi_entier_que_personne_n_a_termine_l_est_par_le_service(
    banc: Any, envois: Envois
) -> None:
    envois.ajouter(envois.creer(), PDF)
    envois.ajouter(envois.creer(taille=len(kit.EICAR), nom="virus.pdf"), kit.EICAR)
    envois.creer()

    def reprendre() -> int:
        return reprendre_televersements(
            sessions=make_sessions(banc.engine),
            controle=banc.controle,
            limites=envois.limites,
            horloge=banc.horloge,
        )

    assert reprendre() == 0, "their client may still be there"
    banc.horloge.advance(seconds=61)
    assert reprendre() == 2
    assert [piece.nom_fichier for piece in banc.lister().pieces] == ["hydro.pdf"]
    assert reprendre() == 0


def test_le_balayage_des_orphelins_laisse_les_segments(banc: Any, envois: Envois) -> None:
    un_id = envois.creer()
    envois.ajouter(un_id, PDF[:600_000], fin=False)
    # A clock a day ahead makes every file older than any upload could be.
    loin = banc.horloge.now + timedelta(days=3650)
    balayer(
        sessions=make_sessions(banc.engine),
        coffre=banc.coffre,
        maintenant=loin,
        delai=timedelta(hours=1),
    )
    assert len(banc.fichiers()) == 3
    ecarts = verifier(
        sessions=make_sessions(banc.engine),
        coffre=banc.coffre,
        maintenant=loin,
        delai=timedelta(hours=1),
        avancer=lambda *_: None,
    )
    assert list(ecarts) == []
    envois.ajouter(un_id, PDF[600_000:], position=600_000)
    assert envois.terminer(un_id).piece_id


def test_un_envoi_peut_etre_la_version_suivante(banc: Any, envois: Envois) -> None:
    premiere = banc.deposer(kit.un_pdf(pages=1), libelle="Bail")
    un_id = envois.creer(remplace_piece_id=premiere.piece_id, genre=0)
    envois.ajouter(un_id, PDF)
    (piece,) = banc.lister().pieces
    assert piece.piece_id == premiere.piece_id
    envois.terminer(un_id)
    (piece,) = banc.lister().pieces
    assert (piece.version, piece.versions, piece.libelle) == (2, 2, "Bail")
    autre = refus(envois.creer, remplace_piece_id=str(uuid4()), genre=0)
    assert autre.reason == "PIECE_INTROUVABLE"
