"""A server of objects that answers 500, or nothing, at any request of an upload."""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Iterator
from uuid import uuid4

import grpc

from chassis.discovery import StaticAddresses
from chassis.grpc_client import Remote, RemoteError
from chassis.identity import TokenMinter
from deploy.children import Child
from deploy.components.objets import Objets
from deploy.places import ROOT, free_ports
from deploy.plan import settings_of
from espacecitoyen.stockage.v1 import stockage_service_pb2 as pb
from espacecitoyen.stockage.v1 import stockage_service_pb2_grpc as pb_grpc
from tests.chaos.coffre import commande
from tests.chaos.scenario import Bilan, Reglage, Scenario
from tests.chaos.terrain import Terrain
from tests.kit import stockage as kit
from tests.kit.entrepot import Panne, porte


def _objets(terrain: Terrain, reglage: Reglage) -> Bilan:
    """A second stockage keeps its documents on a server of objects that fails at any request."""
    bilan = Bilan()
    compte = str(uuid4())
    port = free_ports(1)
    serveur = Objets(
        terrain.suite.plan.folder / "objets", port, log=terrain.suite.plan.log("objets")
    )
    serveur.start()
    try:
        serveur.wait_ready()
        with porte(serveur.url) as ouverte, _stockage_s3(terrain, serveur, ouverte.url) as remote:
            gardee = _deposer_grpc(terrain, remote, compte)
            for essai in range(reglage.essais):
                panne = (Panne.ERREUR_500, Panne.MUETTE)[essai % 2]
                ouverte.casser(panne, des=reglage.alea.randrange(5))
                began = time.monotonic()
                raison = ""
                try:
                    piece = _deposer_grpc(terrain, remote, compte)
                except RemoteError as error:
                    raison = error.reason
                    bilan.exiger(raison == "ENTREPOT_INDISPONIBLE", f"{panne} : {raison}")
                bilan.exiger(time.monotonic() - began < 30, f"{panne} : réponse trop lente")
                ouverte.reparer()
                if not raison:
                    _supprimer_grpc(terrain, remote, compte, piece)
                bilan.essais += 1
            bilan.exiger(
                _compter(terrain, compte) == 1, "une rangée de trop après une panne d’entrepôt"
            )
            commande(
                terrain, "balayer", STOCKAGE_DELAI_ORPHELIN_S="0",
                **_reglages_s3(serveur, serveur.url),
            )  # fmt: skip
            objets = [chemin for chemin in serveur.folder.rglob("*") if chemin.is_file()]
            bilan.exiger(len(objets) == 1, f"{len(objets)} objets gardés au lieu d’un")
            _supprimer_grpc(terrain, remote, compte, gardee)
    finally:
        serveur.stop()
    return bilan


@contextlib.contextmanager
def _stockage_s3(
    terrain: Terrain, serveur: Objets, url: str
) -> Iterator[Remote[pb_grpc.StockageServiceStub]]:
    adresse = f"127.0.0.1:{free_ports(1)}"
    service = Child(
        name="stockage-s3",
        command=[sys.executable, "-m", "services.stockage.serve"],
        log=terrain.suite.plan.log("stockage-s3"),
        folder=ROOT,
        environment={
            **settings_of(terrain.suite.plan, terrain.suite.components)["stockage"],
            # The suite's other services must not find this one.
            "ESPACE_CONSUL_URL": "", "STOCKAGE_LISTEN": adresse, **_reglages_s3(serveur, url),
        },
    )  # fmt: skip
    service.start()
    remote = Remote(
        "stockage", stub=pb_grpc.StockageServiceStub, addresses=StaticAddresses([adresse])
    )
    try:
        service.wait_ready(lambda: _repond(adresse), timeout_s=60)
        yield remote
    finally:
        remote.close()
        service.stop()


def _reglages_s3(serveur: Objets, url: str) -> dict[str, str]:
    return {
        "STOCKAGE_S3_URL": url,
        "STOCKAGE_S3_SEAU": serveur.bucket,
        "STOCKAGE_S3_CLE": serveur.key,
        "STOCKAGE_S3_SECRET": serveur.secret,
        "STOCKAGE_S3_SILENCE_S": "2",
    }


def _repond(adresse: str) -> bool:
    with grpc.insecure_channel(adresse) as channel:
        try:
            grpc.channel_ready_future(channel).result(timeout=1)
        except grpc.FutureTimeoutError:
            return False
    return True


def _jeton(terrain: Terrain, compte: str) -> str:
    minter = TokenMinter(terrain.suite.plan.keys.token_private.read_bytes())
    return minter.mint(subject=compte, roles=["citoyen"])


def _deposer_grpc(
    terrain: Terrain, remote: Remote[pb_grpc.StockageServiceStub], compte: str
) -> str:
    octets = kit.un_pdf(remplissage=100_000)

    def parties() -> Iterator[pb.DeposerPieceRequest]:
        yield pb.DeposerPieceRequest(
            entete=pb.EntetePiece(
                request_id=str(uuid4()), nom_fichier="objet.pdf", genre=pb.GENRE_PIECE_AUTRE,
                taille_octets=len(octets),
            )
        )  # fmt: skip
        yield pb.DeposerPieceRequest(bloc=octets)
        yield pb.DeposerPieceRequest(fin=pb.FinPiece(taille_octets=len(octets)))

    reponse = remote.upload(
        lambda s: s.DeposerPiece, parties(), token=_jeton(terrain, compte), deadline=60
    )
    return str(reponse.piece.piece_id)


def _supprimer_grpc(
    terrain: Terrain, remote: Remote[pb_grpc.StockageServiceStub], compte: str, piece: str
) -> None:
    demande = pb.SupprimerPieceRequest(request_id=str(uuid4()), piece_id=piece)
    remote.call(lambda s: s.SupprimerPiece, demande, token=_jeton(terrain, compte), deadline=30)


def _compter(terrain: Terrain, compte: str) -> int:
    [(nombre,)] = terrain.lire(
        "stockage", "SELECT count(*) FROM piece WHERE compte_id = %s", compte
    )
    return int(nombre)


SCENARIOS = (
    Scenario(
        "objets_s3", "serveur d’objets qui répond 500 ou ne répond pas",
        "dit à temps, aucune rangée, rien de partiel", _objets, 4,
    ),
)  # fmt: skip
