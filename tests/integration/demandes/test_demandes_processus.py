"""Both processes, as they are started in production."""

import signal
import subprocess
import sys

import grpc
import psycopg
import pytest

from chassis.db import make_engine, make_sessions
from deploy.places import free_ports
from espacecitoyen.demandes.v1 import demandes_service_pb2 as pb
from espacecitoyen.demandes.v1 import demandes_service_pb2_grpc
from services.demandes import use_cases
from services.demandes.commandes import CATALOGUE, lire_catalogue
from tests.kit.clock import FixedClock
from tests.kit.demandes import environnement
from tests.kit.identity import token
from tests.kit.wait import wait_until

pytestmark = pytest.mark.integration


@pytest.fixture
def url(database_url, clean_database):  # noqa: ARG001 - empties the tables first
    url = database_url("demandes")
    engine = make_engine(url, name="essai-demandes")
    use_cases.charger_catalogue(
        sessions=make_sessions(engine),
        catalogue=lire_catalogue(CATALOGUE),
        maintenant=FixedClock()(),
    )
    engine.dispose()
    return url


def lancer(module, environ, journal):
    with journal.open("wb") as sortie:
        return subprocess.Popen(
            [sys.executable, "-m", module], env=environ, stdout=sortie, stderr=sortie
        )


def arreter(processus, journal):
    processus.send_signal(signal.SIGTERM)
    assert processus.wait(timeout=20) == 0, journal.read_text()


def test_le_serveur_donne_le_catalogue(url, tmp_path):
    adresse, journal = f"127.0.0.1:{free_ports(1)}", tmp_path / "serve.log"
    environ = environnement(database_url=url, amqp_url="", DEMANDES_LISTEN=adresse)
    processus = lancer("services.demandes.serve", environ, journal)
    try:
        with grpc.insecure_channel(adresse) as channel:
            reponse = demandes_service_pb2_grpc.DemandesServiceStub(channel).ListTypesDemande(
                pb.ListTypesDemandeRequest(),
                timeout=20,
                wait_for_ready=True,
                metadata=(("authorization", f"Bearer {token('', 'anonyme')}"),),
            )
        assert len(reponse.types) == 16
    finally:
        arreter(processus, journal)


def test_l_ouvrier_relaie_ce_que_le_catalogue_annonce(url, amqp_url, tmp_path):
    journal = tmp_path / "work.log"
    processus = lancer(
        "services.demandes.work", environnement(database_url=url, amqp_url=amqp_url), journal
    )
    try:
        libpq = url.replace("postgresql+psycopg:", "postgresql:")
        with psycopg.connect(libpq, autocommit=True) as base:
            wait_until(
                lambda: (
                    base.execute(
                        "SELECT count(*) = 16 FROM outbox WHERE published_at IS NOT NULL"
                    ).fetchone()
                    == (True,)
                ),
                timeout=20,
                what="16 published events",
            )
    finally:
        arreter(processus, journal)
