"""The two processes as they run: started by their module, killed, stopped, clamd away and back."""

from __future__ import annotations

import base64
import contextlib
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from operator import attrgetter
from pathlib import Path
from uuid import uuid4

import grpc
import pika
import psycopg
import pytest

from chassis.discovery import StaticAddresses
from chassis.grpc_client import Remote, RemoteError
from deploy.places import free_ports
from espacecitoyen.cartes.v1.evenements_pb2 import CarteApprouvee
from espacecitoyen.stockage.v1 import stockage_service_pb2 as pb
from espacecitoyen.stockage.v1 import stockage_service_pb2_grpc as pb_grpc
from tests.kit import stockage as kit
from tests.kit.avis import publier
from tests.kit.identity import PUBLIC_KEY, token
from tests.kit.wait import wait_until

pytestmark = [pytest.mark.integration, pytest.mark.exigence("STO-04")]


@pytest.fixture
def lancer(database_url, clean_database, amqp_url, cle_maitresse, tmp_path):
    """Start a process of stockage; the settings are the same for all."""
    del clean_database
    nes: list[subprocess.Popen[bytes]] = []
    (tmp_path / "cle").write_text(cle_maitresse)
    environnement = {
        "PATH": os.environ["PATH"],
        "STOCKAGE_DATABASE_URL": database_url("stockage"),
        "STOCKAGE_LISTEN": f"127.0.0.1:{free_ports(1)}",
        "STOCKAGE_DOSSIER": str(tmp_path / "pieces"),
        "STOCKAGE_CLE_MAITRESSE_FILE": str(tmp_path / "cle"),
        "STOCKAGE_REPRISE_S": "0.5",
        "ESPACE_AMQP_URL": amqp_url,
        "ESPACE_TOKEN_PUBLIC_KEY": PUBLIC_KEY.decode(),
    }

    def faire(sorte: str, **reglages: str) -> subprocess.Popen[bytes]:
        with (tmp_path / f"{sorte}.log").open("ab") as journal:
            ne = subprocess.Popen(
                [sys.executable, "-W", "ignore", "-m", f"services.stockage.{sorte}"],
                env={**environnement, **reglages},
                stderr=journal,
                stdout=journal,
            )
        nes.append(ne)
        return ne

    vars(faire)["adresse"] = environnement["STOCKAGE_LISTEN"]
    vars(faire)["url"] = environnement["STOCKAGE_DATABASE_URL"].replace("+psycopg", "")
    yield faire
    for ne in nes:
        if ne.poll() is None:
            ne.kill()
        ne.wait()


@contextlib.contextmanager
def relais(port: int, vers: str) -> Iterator[None]:
    """Let the port of clamd answer again, through to the real one."""
    hote, _, arrivee = vers.rpartition(":")

    def verser(source: socket.socket, puits: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while octets := source.recv(65536):
                puits.sendall(octets)
            puits.shutdown(socket.SHUT_WR)

    def servir() -> None:
        with contextlib.suppress(OSError):
            while True:
                prise, _ = ecoute.accept()
                with prise, socket.create_connection((hote, int(arrivee))) as reelle:
                    aller = threading.Thread(target=verser, args=(prise, reelle))
                    aller.start()
                    verser(reelle, prise)
                    aller.join()

    ecoute = socket.create_server(("127.0.0.1", port))
    fil = threading.Thread(target=servir)
    fil.start()
    yield
    # A close alone would not wake the thread that accepts.
    ecoute.shutdown(socket.SHUT_RDWR)
    fil.join()
    ecoute.close()


@contextlib.contextmanager
def client(adresse: str) -> Iterator[Remote[pb_grpc.StockageServiceStub]]:
    remote = Remote(
        "stockage", stub=pb_grpc.StockageServiceStub, addresses=StaticAddresses([adresse])
    )
    yield remote
    remote.close()


def deposer(remote, octets: bytes, *, jeton: str, request_id: str) -> pb.Piece:
    def parties():
        entete = pb.EntetePiece(
            request_id=request_id, nom_fichier="a.pdf", genre=pb.GENRE_PIECE_RESIDENCE
        )
        yield pb.DeposerPieceRequest(entete=entete)
        for debut in range(0, len(octets), 1 << 18):
            yield pb.DeposerPieceRequest(bloc=octets[debut : debut + (1 << 18)])
        yield pb.DeposerPieceRequest(fin=pb.FinPiece(taille_octets=len(octets)))

    return remote.upload(lambda s: s.DeposerPiece, parties(), token=jeton, deadline=30).piece


def repond(remote, jeton: str) -> bool:
    with contextlib.suppress(RemoteError):
        remote.call(lambda s: s.ListPieces, pb.ListPiecesRequest(), token=jeton)
        return True
    return False


def fichiers(tmp_path: Path) -> list[Path]:
    return [c for c in (tmp_path / "pieces").rglob("*") if c.is_file()]


def test_the_worker_takes_up_what_waited_and_tells_it(lancer, amqp_url, clamd_address, tmp_path):
    port_clamd = free_ports(1)
    reglages = {"STOCKAGE_CLAMD": f"127.0.0.1:{port_clamd}"}
    serve, work = lancer("serve", **reglages), lancer("work", **reglages)
    jeton = token(str(uuid4()), "citoyen")
    connexion = pika.BlockingConnection(pika.URLParameters(amqp_url))
    canal = connexion.channel()
    file = canal.queue_declare("", exclusive=True).method.queue
    canal.queue_bind(file, "stockage.events", "piece_deposee.v1")
    with client(lancer.adresse) as remote:
        wait_until(lambda: repond(remote, jeton), timeout=30, what="stockage answers")
        piece = deposer(remote, kit.un_pdf(), jeton=jeton, request_id=str(uuid4()))
        assert piece.statut == pb.STATUT_PIECE_EN_ANALYSE

        def saine() -> bool:
            demande = pb.GetPieceRequest(piece_id=piece.piece_id)
            lue = remote.call(lambda s: s.GetPiece, demande, token=jeton).piece
            return bool(lue.statut == pb.STATUT_PIECE_SAINE)

        with relais(port_clamd, clamd_address):
            wait_until(saine, timeout=40, what="the document is taken up")
    corps = wait_until(
        lambda: canal.basic_get(file, auto_ack=True)[2], timeout=20, what="the event"
    )
    assert piece.piece_id.encode() in corps
    connexion.close()
    assert len(fichiers(tmp_path)) == 1
    for ne in (serve, work):
        ne.send_signal(signal.SIGTERM)
        assert ne.wait(timeout=20) == 0


def enfants(pid: int) -> list[int]:
    return [
        int(fils)
        for tache in Path(f"/proc/{pid}/task").iterdir()
        for fils in (tache / "children").read_text().split()
    ]


def vit(pid: int) -> bool:
    etat = Path(f"/proc/{pid}/stat")
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):
        return etat.read_text().rpartition(")")[2].split()[0] != "Z"
    return False


def test_a_killed_server_leaves_no_row_no_process_and_loses_nothing_acknowledged(
    lancer, clamd_address, tmp_path
):
    serve = lancer("serve", STOCKAGE_CLAMD=clamd_address)
    jeton, request_id, milieu = token(str(uuid4()), "citoyen"), str(uuid4()), threading.Event()
    octets = kit.un_pdf(remplissage=300_000)

    def parties():
        entete = pb.EntetePiece(
            request_id=request_id, nom_fichier="a.pdf", genre=pb.GENRE_PIECE_RESIDENCE
        )
        yield pb.DeposerPieceRequest(entete=entete)
        yield pb.DeposerPieceRequest(bloc=octets[:200_000])
        milieu.wait(30)

    with client(lancer.adresse) as remote:
        wait_until(lambda: repond(remote, jeton), timeout=30, what="stockage answers")
        acquise = deposer(remote, kit.un_pdf(), jeton=jeton, request_id=str(uuid4()))
        (modele,) = enfants(serve.pid)

        def couper() -> None:
            wait_until(lambda: len(fichiers(tmp_path)) == 2, what="the upload has begun")
            serve.kill()
            milieu.set()

        fil = threading.Thread(target=couper)
        fil.start()
        with pytest.raises(RemoteError) as erreur:
            remote.upload(lambda s: s.DeposerPiece, parties(), token=jeton, deadline=5)
        fil.join()
    assert erreur.value.code in {grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED}
    serve.wait()
    wait_until(lambda: not vit(modele), what="the parsers end with the server")
    with psycopg.connect(lancer.url) as connexion:
        rangees = connexion.execute("SELECT piece_id::text FROM piece").fetchall()
    assert rangees == [(acquise.piece_id,)]
    lancer("serve", STOCKAGE_CLAMD=clamd_address)
    with client(lancer.adresse) as remote:
        wait_until(lambda: repond(remote, jeton), timeout=30, what="stockage is back")
        reprise = deposer(remote, octets, jeton=jeton, request_id=request_id)
        demande = pb.LirePieceRequest(piece_id=acquise.piece_id, variante=pb.VARIANTE_PIECE_FICHIER)
        lues = b"".join(r.bloc for r in remote.stream(lambda s: s.LirePiece, demande, token=jeton))
    assert reprise.statut == pb.STATUT_PIECE_SAINE
    assert lues == kit.un_pdf()


@pytest.mark.exigence("IDN-22")
def test_the_worker_ends_retentions_and_reminds(lancer, amqp_url, clamd_address, tmp_path):
    reglages = {
        "STOCKAGE_CLAMD": clamd_address,
        "STOCKAGE_CONSERVATION_S": "0.5",
        "STOCKAGE_CONSERVATION_JOURS": "cartes=0",
        "STOCKAGE_RAPPEL_S": "0.5",
    }
    serve, work = lancer("serve", **reglages), lancer("work", **reglages)
    jeton, demande_id = token(str(uuid4()), "citoyen"), str(uuid4())
    connexion = pika.BlockingConnection(pika.URLParameters(amqp_url))
    canal = connexion.channel()
    file = canal.queue_declare("", exclusive=True).method.queue
    for cle in ("retenue_purgee.v1", "piece_bientot_expiree.v1"):
        canal.queue_bind(file, "stockage.events", cle)
    with client(lancer.adresse) as remote:
        wait_until(lambda: repond(remote, jeton), timeout=30, what="stockage answers")
        tenue = deposer(remote, kit.un_pdf(), jeton=jeton, request_id=str(uuid4()))
        garde = deposer(remote, kit.un_pdf(pages=1), jeton=jeton, request_id=str(uuid4()))
        demain = datetime.now(UTC).date() + timedelta(days=2)
        for demande in (
            pb.RetenirPiecesRequest(
                request_id=str(uuid4()),
                service="cartes",
                dossier_id=demande_id,
                piece_ids=[tenue.piece_id],
            ),
            pb.SupprimerPieceRequest(request_id=str(uuid4()), piece_id=tenue.piece_id),
            pb.ModifierPieceRequest(
                request_id=str(uuid4()),
                piece_id=garde.piece_id,
                genre=pb.GENRE_PIECE_IDENTITE,
                valide_jusqu_au=demain.isoformat(),
            ),
        ):
            rpc = type(demande).__name__.removesuffix("Request")
            remote.call(attrgetter(rpc), demande, token=jeton)
    decision = CarteApprouvee(carte_id=str(uuid4()), demande_id=demande_id)
    publier(amqp_url, decision)
    corps: list[bytes] = []

    def deux_evenements() -> bool:
        recu = canal.basic_get(file, auto_ack=True)[2]
        corps.extend([recu] if recu else [])
        return len(corps) == 2

    wait_until(deux_evenements, timeout=40, what="the purge and the reminder are told")
    ensemble = b"".join(corps)
    assert tenue.piece_id.encode() in ensemble
    assert demain.isoformat().encode() in ensemble
    wait_until(lambda: len(fichiers(tmp_path)) == 1, timeout=20, what="the copy is gone")
    connexion.close()
    for ne in (serve, work):
        ne.send_signal(signal.SIGTERM)
        assert ne.wait(timeout=20) == 0


@pytest.mark.parametrize("manque", ["STOCKAGE_CLAMD", "STOCKAGE_CLE_MAITRESSE"])
def test_a_missing_setting_stops_the_start_and_is_named(lancer, manque, clamd_address, tmp_path):
    reglages = {"STOCKAGE_CLAMD": clamd_address}
    if manque == "STOCKAGE_CLE_MAITRESSE":
        reglages["STOCKAGE_CLE_MAITRESSE_FILE"] = ""
    else:
        del reglages["STOCKAGE_CLAMD"]
    assert lancer("serve", **reglages).wait(timeout=30) != 0
    assert f"{manque} is missing" in (tmp_path / "serve.log").read_text()


def test_another_master_key_stops_the_start_with_one_sentence(lancer, tmp_path, cle_maitresse):
    reglages = {"STOCKAGE_CLAMD": "127.0.0.1:1"}
    serve = lancer("serve", **reglages)
    with client(lancer.adresse) as remote:
        jeton = token(str(uuid4()), "citoyen")
        wait_until(lambda: repond(remote, jeton), timeout=30, what="stockage answers")
    serve.terminate()
    assert serve.wait(20) == 0
    autre = base64.b64encode(os.urandom(32)).decode()
    faux = lancer("serve", STOCKAGE_CLE_MAITRESSE=autre, **reglages)
    assert faux.wait(30) == 2
    manque = lancer("serve", STOCKAGE_CLE_MAITRESSE=f"2:{autre}", **reglages)
    assert manque.wait(30) == 2
    journal = (tmp_path / "serve.log").read_text()
    assert "version 1 is not the key that wrapped the keys of the accounts" in journal
    assert "lacks version 1" in journal
    assert "Traceback" not in journal
    assert autre not in journal
    assert cle_maitresse not in journal
