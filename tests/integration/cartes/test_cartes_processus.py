"""The two processes of the service, started as production starts them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from services.cartes import api
from tests.kit.cartes_banc import Banc
from tests.kit.identity import PUBLIC_KEY
from tests.kit.wait import wait_until

if TYPE_CHECKING:
    from services.cartes.config import Config

pytestmark = pytest.mark.integration

RACINE = Path(__file__).resolve().parents[3]
COMPTE = "11111111-1111-4111-8111-111111111111"


def environ(config: Config, **changes: str) -> dict[str, str]:
    return {
        **os.environ,
        "PYTHONPATH": f"{RACINE}:{RACINE / 'protos/gen'}",
        "CARTES_DATABASE_URL": config.database_url,
        "CARTES_CLE_SCELLE": config.cle_scelle,
        "CARTES_APPLE_CERTIFICAT": str(config.apple_certificat),
        "CARTES_APPLE_CLE": str(config.apple_cle),
        "CARTES_APPLE_WWDR": str(config.apple_wwdr),
        "ESPACE_ADRESSES": "stockage=127.0.0.1:9",
        "ESPACE_TOKEN_PUBLIC_KEY": PUBLIC_KEY.decode(),
        **changes,
    }


def lancer(role: str, variables: dict[str, str]) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", f"services.cartes.{role}"],
        env=variables,
        stderr=subprocess.PIPE,
        text=True,
        cwd=RACINE,
    )


def arreter(processus: subprocess.Popen[str]) -> tuple[int, str]:
    processus.send_signal(signal.SIGTERM)
    try:
        _, erreurs = processus.communicate(timeout=60)
    except subprocess.TimeoutExpired:
        processus.kill()
        _, erreurs = processus.communicate()
    return processus.returncode, erreurs


def test_serve_est_sain_puis_s_arrete_proprement(
    clean_database: None, config: Config, worker: str
) -> None:
    del clean_database
    port = 21300 + sum(worker.encode()) % 100
    processus = lancer("serve", environ(config, CARTES_LISTEN=f"127.0.0.1:{port}"))
    try:
        with grpc.insecure_channel(f"127.0.0.1:{port}") as canal:
            sante = health_pb2_grpc.HealthStub(canal)

            def sain() -> bool:
                try:
                    demande = health_pb2.HealthCheckRequest(service=api.SERVICE)
                    reponse = sante.Check(demande, timeout=1)
                except grpc.RpcError:
                    return False
                return bool(reponse.status == health_pb2.HealthCheckResponse.SERVING)

            wait_until(sain, timeout=30, what="a healthy cartes")
    finally:
        code, erreurs = arreter(processus)
    assert code == 0, erreurs


def test_serve_dit_en_une_ligne_le_reglage_faux(config: Config) -> None:
    processus = lancer("serve", environ(config, CARTES_APPLE_EQUIPE="ZZZZZZZZZZ"))
    _, erreurs = processus.communicate(timeout=60)
    assert processus.returncode == 2
    assert "cartes: the certificate's OU is A1B2C3D4E5, settings say ZZZZZZZZZZ" in erreurs


def test_work_publie_les_evenements_puis_s_arrete(
    banc: Banc, config: Config, amqp_url: str
) -> None:
    banc.demander(COMPTE)
    processus = lancer("work", environ(config, ESPACE_AMQP_URL=amqp_url))
    try:
        wait_until(
            lambda: banc.sql("SELECT count(*) FROM outbox WHERE published_at IS NOT NULL")[0][0],
            timeout=30,
            what="a published event",
        )
    finally:
        code, erreurs = arreter(processus)
    assert code == 0, erreurs
