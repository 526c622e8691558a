"""cartes and the real stockage: real gRPC between them, real PostgreSQL, clamd and parsers."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest

from chassis.db import make_engine, make_sessions, reader
from chassis.discovery import StaticAddresses
from chassis.grpc_client import Remote, RemoteError
from chassis.grpc_server import caller
from espacecitoyen.cartes.v1 import cartes_service_pb2 as m
from espacecitoyen.stockage.v1 import stockage_service_pb2 as s
from espacecitoyen.stockage.v1.stockage_service_pb2_grpc import StockageServiceStub
from services.cartes.adapters import stockage as adaptateur
from services.stockage import api as api_stockage
from services.stockage.adapters.analyseur import AnalyseurIsole
from services.stockage.adapters.antivirus import AntivirusClamd
from services.stockage.adapters.coffre import CoffreDossier
from services.stockage.api import pieces
from services.stockage.domain import Bornes
from services.stockage.use_cases.depot import Controle
from tests.kit.cartes_banc import Banc, agent_de, citoyen, un_banc
from tests.kit.clock import FixedClock
from tests.kit.grpc import running
from tests.kit.stockage import un_pdf, une_photo

if TYPE_CHECKING:
    from pathlib import Path

    from services.cartes.config import Config

pytestmark = pytest.mark.integration

AGENT = "33333333-3333-4333-8333-333333333333"
COMPTE, AUTRE = "11111111-1111-4111-8111-111111111111", "22222222-2222-4222-8222-222222222222"


@dataclass
class Suite:
    """Both services, and what a citizen does in their document space."""

    cartes: Banc
    stockage: Remote[StockageServiceStub]

    def deposer(self, genre: str, *, compte: str = COMPTE, valide_jusqu_au: str = "") -> str:
        octets = une_photo() if genre == "IDENTITE" else un_pdf(titre=str(uuid4()))
        entete = s.EntetePiece(
            request_id=str(uuid4()),
            nom_fichier="piece.jpg" if genre == "IDENTITE" else "piece.pdf",
            genre=s.GenrePiece.Value(f"GENRE_PIECE_{genre}"),
            libelle="Preuve",
            valide_jusqu_au=valide_jusqu_au,
            taille_octets=len(octets),
        )
        parties = [
            s.DeposerPieceRequest(entete=entete),
            s.DeposerPieceRequest(bloc=octets),
            s.DeposerPieceRequest(fin=s.FinPiece(taille_octets=len(octets))),
        ]
        piece = self.stockage.upload(
            lambda stub: stub.DeposerPiece, iter(parties), token=citoyen(compte)
        ).piece
        assert piece.statut == s.STATUT_PIECE_SAINE
        identifiant: str = piece.piece_id
        return identifiant

    def utilisee(self, piece_id: str) -> bool:
        request = s.GetPieceRequest(piece_id=piece_id)
        reponse = self.stockage.call(
            lambda stub: stub.GetPiece, request, token=citoyen(COMPTE), deadline=10
        )
        return bool(reponse.piece.utilisee)

    def lire(self, piece_id: str, demande_id: str, jeton: str) -> bytes:
        request = s.LirePieceRequest(
            piece_id=piece_id, variante=s.VARIANTE_PIECE_FICHIER, dossier_id=demande_id
        )
        parties = self.stockage.stream(lambda stub: stub.LirePiece, request, token=jeton)
        return b"".join(partie.bloc for partie in parties)

    def demander(self, identite: str, residence: str, **changes: Any) -> m.Carte:
        return self.cartes.demander(
            COMPTE, piece_identite_id=identite, piece_residence_id=residence, **changes
        )


@pytest.fixture(scope="module")
def analyseur() -> Iterator[AnalyseurIsole]:
    with AnalyseurIsole(
        bornes=Bornes(pixels=25_000_000, pages=50),
        memoire_octets=512 * 1024 * 1024,
        cpu_s=10,
        delai_s=30,
        simultanes=2,
    ) as ouvert:
        yield ouvert


@pytest.fixture
def suite(
    database_url: Callable[[str], str],
    clamd_address: str,
    analyseur: AnalyseurIsole,
    config: Config,
    request: pytest.FixtureRequest,
    tmp_path: Path,
) -> Iterator[Suite]:
    engine = make_engine(database_url("stockage"), name="stockage-essai")
    request.getfixturevalue("clean_database")
    coffre = CoffreDossier(
        tmp_path / "coffre", cle_maitresse=base64.b64encode(bytes(range(32))).decode()
    )
    servicer = pieces.Servicer(
        sessions=make_sessions(engine),
        lecteur=reader(engine),
        controle=Controle(
            coffre=coffre, antivirus=AntivirusClamd(clamd_address), analyseur=analyseur
        ),
        taille_max=25 * 1024 * 1024,
        quota=1024 * 1024 * 1024,
        horloge=FixedClock(),
    )
    with running(
        register=lambda server: pieces.register(server, servicer),
        service=api_stockage.SERVICE,
        others=api_stockage.OTHERS,
        access=api_stockage.ACCESS,
        errors=api_stockage.ERRORS,
        name="stockage",
    ) as adresse:
        adresses = StaticAddresses([adresse])
        adapte = adaptateur.ouvrir(adresses, tls=None, jeton=lambda: caller().token)
        client = Remote("stockage", stub=StockageServiceStub, addresses=adresses)
        with un_banc(config, adapte) as banc:
            yield Suite(banc, client)
        client.close()
    engine.dispose()


def refus(acte: Callable[[], Any]) -> RemoteError:
    with pytest.raises(RemoteError) as fait:
        acte()
    return fait.value


@pytest.mark.exigence("CAR-02", "CAR-04", "STO-02")
def test_parcours_demande_refus_remplacement_approbation(suite: Suite) -> None:
    identite, residence = suite.deposer("IDENTITE"), suite.deposer("RESIDENCE")
    carte = suite.demander(identite, residence)
    demande_id = carte.demande.demande_id
    assert suite.utilisee(identite)
    assert suite.utilisee(residence)
    # The agent reads the proof because this request holds it, and only through it.
    assert suite.lire(residence, demande_id, agent_de(AGENT)).startswith(b"%PDF")
    autre = refus(lambda: suite.lire(residence, str(uuid4()), agent_de(AGENT)))
    assert autre.reason == "PIECE_INTROUVABLE"

    demande = suite.cartes.decider(
        carte.demande, refuses={m.ROLE_PIECE_RESIDENCE: m.MOTIF_REFUS_ILLISIBLE}
    )
    neuve = suite.deposer("RESIDENCE")
    request = m.RemplacerPieceRequest(
        request_id=str(uuid4()),
        demande_id=demande_id,
        role=m.ROLE_PIECE_RESIDENCE,
        piece_id=neuve,
    )
    apres = suite.cartes.appeler("RemplacerPiece", request, citoyen(COMPTE)).carte
    assert suite.utilisee(neuve)
    assert suite.utilisee(identite)
    assert not suite.utilisee(residence), "the refused proof was given back"
    assert demande.version + 1 == apres.demande.version
    decidee = suite.cartes.decider(apres.demande)
    assert decidee.statut == m.STATUT_DEMANDE_APPROUVEE


@pytest.mark.exigence("CAR-02")
def test_piece_d_autrui_semble_inconnue_et_rien_ne_reste(suite: Suite) -> None:
    identite = suite.deposer("IDENTITE")
    d_autrui = suite.deposer("RESIDENCE", compte=AUTRE)
    fait = refus(lambda: suite.demander(identite, d_autrui))
    assert (fait.reason, fait.metadata) == ("PIECE_INTROUVABLE", {"role": "RESIDENCE"})
    assert not suite.utilisee(identite)


@pytest.mark.exigence("CAR-02")
def test_piece_echue_et_genre_sont_refuses_et_les_pieces_rendues(suite: Suite) -> None:
    identite = suite.deposer("IDENTITE")
    vieille = suite.deposer("RESIDENCE", valide_jusqu_au="2026-03-01")
    fait = refus(lambda: suite.demander(identite, vieille))
    assert fait.reason == "PIECE_EXPIREE"
    assert fait.metadata["role"] == "RESIDENCE"
    assert refus(lambda: suite.demander(vieille, identite)).reason == "GENRE_NON_ACCEPTE"
    assert not suite.utilisee(identite)
    assert not suite.utilisee(vieille)


@pytest.mark.exigence("CAR-01")
def test_seconde_demande_rend_ses_pieces_et_la_reprise_garde_les_siennes(suite: Suite) -> None:
    identite, residence = suite.deposer("IDENTITE"), suite.deposer("RESIDENCE")
    request_id = str(uuid4())
    carte = suite.demander(identite, residence, request_id=request_id)
    autre_identite, autre_residence = suite.deposer("IDENTITE"), suite.deposer("RESIDENCE")
    fait = refus(lambda: suite.demander(autre_identite, autre_residence))
    assert fait.reason == "CARTE_DEJA_DEMANDEE"
    assert not suite.utilisee(autre_identite)
    assert suite.demander(identite, residence, request_id=request_id) == carte
    assert suite.utilisee(identite)
    assert suite.utilisee(residence)


def test_stockage_eteint_est_dit(suite: Suite, config: Config) -> None:
    identite, residence = suite.deposer("IDENTITE"), suite.deposer("RESIDENCE")
    ferme = adaptateur.ouvrir(
        StaticAddresses(["127.0.0.1:9"]), tls=None, jeton=lambda: caller().token
    )
    with un_banc(config, ferme) as banc:
        fait = refus(
            lambda: banc.demander(COMPTE, piece_identite_id=identite, piece_residence_id=residence)
        )
    assert fait.reason == "INDISPONIBLE"
    assert suite.demander(identite, residence).carte_id
