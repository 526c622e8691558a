"""The gRPC process, as it is started in production."""

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from deploy.places import free_ports
from tests.kit.avis import environnement, ouvrier
from tests.kit.wait import wait_until

pytestmark = pytest.mark.integration


def test_le_serveur_repond_de_sa_sante_et_s_arrete_poliment(avis_url, tmp_path):
    adresse = f"127.0.0.1:{free_ports(1)}"
    environ = environnement(database_url=avis_url, amqp_url="", AVIS_LISTEN=adresse)
    journal = tmp_path / "serveur.log"
    with (
        ouvrier(journal, environ, module="services.avis.serve") as processus,
        grpc.insecure_channel(adresse) as channel,
    ):
        sante = health_pb2_grpc.HealthStub(channel)
        question = health_pb2.HealthCheckRequest(service="espacecitoyen.avis.v1.AvisService")

        def en_service():
            reponse = sante.Check(question, timeout=20, wait_for_ready=True)
            return reponse.status == health_pb2.HealthCheckResponse.SERVING

        wait_until(en_service, timeout=20, what="SERVING")
    assert processus.returncode == 0, journal.read_text()
