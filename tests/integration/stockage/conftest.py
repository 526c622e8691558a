"""One stockage in the process of the tests: real gRPC, PostgreSQL, clamd, folder and parsers."""

from __future__ import annotations

import base64
import os
import secrets
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import boto3
import grpc
import psycopg
import pytest
from sqlalchemy import Engine

from chassis.db import make_engine, make_sessions, reader
from chassis.discovery import StaticAddresses
from chassis.grpc_client import Remote
from espacecitoyen.stockage.v1 import stockage_service_pb2 as pb
from espacecitoyen.stockage.v1 import stockage_service_pb2_grpc as pb_grpc
from services.stockage import api
from services.stockage.adapters.analyseur import AnalyseurIsole
from services.stockage.adapters.antivirus import AntivirusClamd
from services.stockage.adapters.coffre import CoffreDossier
from services.stockage.api import conservation, pieces, televersement
from services.stockage.domain import Bornes, Zone
from services.stockage.use_cases.depot import Controle
from services.stockage.use_cases.segments import Regles
from tests.kit import components
from tests.kit.clock import FixedClock
from tests.kit.grpc import running
from tests.kit.identity import token

CLE_MAITRESSE = base64.b64encode(os.urandom(32)).decode()


class AntivirusMobile:
    """The real client, at an address that a test may change: clamd goes away and comes back."""

    def __init__(self, adresse: str) -> None:
        self.adresse = adresse

    def examiner(self, blocs: Iterable[bytes]) -> str | None:
        return AntivirusClamd(self.adresse, silence_s=5).examiner(blocs)


@dataclass(kw_only=True)
class Banc:
    """A running service and one citizen; `antivirus.adresse` and `horloge.now` may be changed."""

    url: str
    dossier: Path
    engine: Engine
    coffre: CoffreDossier
    antivirus: AntivirusMobile
    controle: Controle
    horloge: FixedClock
    remote: Remote[pb_grpc.StockageServiceStub]
    adresse: str = ""
    compte_id: str = field(default_factory=lambda: str(uuid4()))

    def jeton(self, *roles: str, sujet: str = "", motif: str = "") -> str:
        return token(sujet or self.compte_id, *(roles or ("citoyen",)), purpose=motif)

    def deposer(
        self,
        octets: bytes,
        *,
        nom: str = "piece.pdf",
        taille: int | None = None,
        request_id: str = "",
        jeton: str = "",
        **champs: Any,
    ) -> pb.Piece:
        entete = pb.EntetePiece(
            request_id=request_id or str(uuid4()),
            nom_fichier=nom,
            genre=champs.pop("genre", pb.GENRE_PIECE_RESIDENCE),
            taille_octets=len(octets) if taille is None else taille,
            **champs,
        )

        def parties() -> Iterator[pb.DeposerPieceRequest]:
            yield pb.DeposerPieceRequest(entete=entete)
            for debut in range(0, len(octets), 256 * 1024):
                yield pb.DeposerPieceRequest(bloc=octets[debut : debut + 256 * 1024])
            yield pb.DeposerPieceRequest(fin=pb.FinPiece(taille_octets=len(octets)))

        return self.remote.upload(
            lambda s: s.DeposerPiece, parties(), token=jeton or self.jeton(), deadline=60
        ).piece

    def appeler(self, nom: str, demande: Any, *, jeton: str = "") -> Any:
        return self.remote.call(
            lambda s: getattr(s, nom), demande, token=jeton or self.jeton(), deadline=10
        )

    def lire(
        self, piece_id: str, *, apercu: bool = False, jeton: str = "", **champs: Any
    ) -> tuple[pb.EnteteLecture, bytes]:
        variante = pb.VARIANTE_PIECE_APERCU if apercu else pb.VARIANTE_PIECE_FICHIER
        demande = pb.LirePieceRequest(piece_id=piece_id, variante=variante, **champs)
        parties = list(
            self.remote.stream(lambda s: s.LirePiece, demande, token=jeton or self.jeton())
        )
        assert parties[0].WhichOneof("partie") == "entete"
        return parties[0].entete, b"".join(partie.bloc for partie in parties[1:])

    def lister(self, **champs: Any) -> pb.ListPiecesResponse:
        reponse: pb.ListPiecesResponse = self.appeler("ListPieces", pb.ListPiecesRequest(**champs))
        return reponse

    def supprimer(self, piece_id: str, *, request_id: str = "") -> None:
        demande = pb.SupprimerPieceRequest(request_id=request_id or str(uuid4()), piece_id=piece_id)
        self.appeler("SupprimerPiece", demande)

    def retenir(self, *piece_ids: str, dossier: str, request_id: str = "", jeton: str = "") -> Any:
        demande = pb.RetenirPiecesRequest(
            request_id=request_id or str(uuid4()),
            piece_ids=piece_ids,
            service="cartes",
            dossier_id=dossier,
        )
        return self.appeler("RetenirPieces", demande, jeton=jeton)

    def liberer(self, *piece_ids: str, dossier: str) -> None:
        demande = pb.LibererPiecesRequest(
            request_id=str(uuid4()), service="cartes", dossier_id=dossier, piece_ids=piece_ids
        )
        self.appeler("LibererPieces", demande)

    def fichiers(self) -> list[Path]:
        """Every file of the store, quarantine included."""
        return [chemin for chemin in self.dossier.rglob("*") if chemin.is_file()]

    def rangees(self, requete: str) -> list[tuple[Any, ...]]:
        """Rows of the database."""
        libpq = self.url.replace("+psycopg", "", 1)
        with psycopg.connect(libpq) as connexion:
            return connexion.execute(requete).fetchall()

    def evenements(self) -> list[str]:
        """Keys of the events, in the order of their commit."""
        return [cle for (cle,) in self.rangees("SELECT routing_key FROM outbox ORDER BY id")]

    def rien_ne_reste(self) -> bool:
        """No row and no byte: what a refusal must leave."""
        return not self.fichiers() and not self.rangees("SELECT 1 FROM piece")

    def chemin(self, zone: Zone = Zone.OBJETS) -> Path:
        """The only file of an area."""
        (trouve,) = [c for c in (self.dossier / zone.value).rglob("*") if c.is_file()]
        return trouve


@pytest.fixture(scope="session")
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
def banc(
    database_url: Callable[[str], str],
    clean_database: None,
    clamd_address: str,
    analyseur: AnalyseurIsole,
    tmp_path: Path,
) -> Iterator[Banc]:
    del clean_database
    url = database_url("stockage")
    engine = make_engine(url, name="essai-stockage")
    coffre = CoffreDossier(tmp_path, cle_maitresse=CLE_MAITRESSE)
    antivirus = AntivirusMobile(clamd_address)
    controle = Controle(coffre=coffre, antivirus=antivirus, analyseur=analyseur)
    horloge = FixedClock()
    servicer = pieces.Servicer(
        sessions=make_sessions(engine),
        lecteur=reader(engine),
        controle=controle,
        taille_max=25 * 1024 * 1024,
        quota=40 * 1024 * 1024,
        horloge=horloge,
    )
    envois = televersement.Servicer(
        sessions=make_sessions(engine),
        controle=controle,
        limites=Regles(
            taille_max=25 * 1024 * 1024,
            quota=40 * 1024 * 1024,
            duree=timedelta(hours=24),
            segment_octets=256 * 1024,
        ),
        horloge=horloge,
    )

    gels = conservation.Servicer(
        sessions=make_sessions(engine), lecteur=reader(engine), horloge=horloge
    )

    def register(server: grpc.Server) -> None:
        pieces.register(server, servicer)
        televersement.register(server, envois)
        conservation.register(server, gels)

    with running(
        register=register,
        service=api.SERVICE,
        others=api.OTHERS,
        access=api.ACCESS,
        errors=api.ERRORS,
        name="stockage",
    ) as adresse:
        remote = Remote(
            "stockage", stub=pb_grpc.StockageServiceStub, addresses=StaticAddresses([adresse])
        )
        yield Banc(
            url=url,
            dossier=tmp_path,
            engine=engine,
            coffre=coffre,
            antivirus=antivirus,
            controle=controle,
            horloge=horloge,
            remote=remote,
            adresse=adresse,
        )
        remote.close()
    engine.dispose()


@pytest.fixture(scope="session")
def cle_maitresse() -> str:
    return CLE_MAITRESSE


@pytest.fixture
def objets(request: pytest.FixtureRequest) -> dict[str, str]:
    """The run's S3 server: ``url``, ``seau``, ``cle``, ``secret``; the bucket is this test's alone.

    Tests sweep what no row of theirs names: in a shared bucket that is the neighbours' documents.
    """
    config = request.config
    pid = os.getppid() if hasattr(config, "workerinput") else os.getpid()
    about = components.require("objets", pid)
    seau = f"essai-{secrets.token_hex(8)}"
    client = boto3.client(
        "s3",
        endpoint_url=str(about["url"]),
        aws_access_key_id=str(about["cle"]),
        aws_secret_access_key=str(about["secret"]),
        region_name="us-east-1",
    )
    client.create_bucket(Bucket=seau)
    client.close()
    return {"seau": seau, **{nom: str(about[nom]) for nom in ("url", "cle", "secret")}}
