"""The private components do what production's do."""

from __future__ import annotations

import smtplib
import socket
import uuid
from email.message import EmailMessage
from pathlib import Path

import httpx
import pika
import psycopg
import pytest

from deploy.components import postgresql
from deploy.components.rabbitmq import RabbitMQ
from deploy.places import free_ports
from deploy.plan import SPAN
from tests.kit.components import Courrier
from tests.kit.databases import Databases

pytestmark = pytest.mark.integration


def test_postgresql_asks_for_a_password_and_checks_its_pages(databases: Databases):
    with psycopg.connect(databases.administrator) as connection:
        settings: dict[str, str] = dict(
            connection.execute(
                "SELECT name, setting FROM pg_settings WHERE name IN ('data_checksums', "
                "'max_connections', 'listen_addresses', 'unix_socket_directories')"
            ).fetchall()
        )
    assert settings == {
        "data_checksums": "on",
        "listen_addresses": "127.0.0.1",
        "max_connections": "200",
        "unix_socket_directories": "",
    }
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(databases.administrator, password="un autre")


@pytest.mark.parametrize("namespaces", [True, False])
def test_postgresql_runs_where_root_may_not_and_keeps_what_was_committed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, namespaces: bool
):
    # Root without namespaces is Docker's default; an ordinary user needs neither way.
    tmp_path.chmod(0o700)
    if not namespaces:
        monkeypatch.setattr(postgresql, "namespaces_allowed", lambda: False)
    server = postgresql.PostgreSQL(
        tmp_path / "pg", free_ports(1), owners=["cartes"], log=tmp_path / "pg.log"
    )
    try:
        server.start()
        server.wait_ready()
        _execute(server.url("cartes"), "CREATE TABLE reste AS SELECT 1 AS un")
        server.child.kill()
        server.start()
        server.wait_ready()
        assert _execute(server.url("cartes"), "SELECT un FROM reste") == (1,)
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            _execute(server.url("cartes"), "CREATE ROLE intrus")
    finally:
        server.stop()


def _execute(url: str, statement: str) -> tuple[object, ...] | None:
    with psycopg.connect(url.replace("+psycopg", "")) as connection:
        cursor = connection.execute(statement)
        return cursor.fetchone() if cursor.description else None


def test_rabbitmq_keeps_quorum_queues_in_a_virtual_host_of_its_own(rabbitmq: RabbitMQ, worker: str):
    vhost = f"composants_{worker}"
    rabbitmq.add_vhost(vhost)
    connection = pika.BlockingConnection(pika.URLParameters(rabbitmq.url(vhost)))
    try:
        channel = connection.channel()
        channel.confirm_delivery()
        channel.queue_declare("essai", durable=True, arguments={"x-queue-type": "quorum"})
        channel.basic_publish("", "essai", b"bonjour", mandatory=True)
        method, _, body = channel.basic_get("essai", auto_ack=True)
        assert (method.routing_key, body) == ("essai", b"bonjour")
    finally:
        connection.close()


def test_consul_answers(consul_url: str):
    about = httpx.get(f"{consul_url}/v1/agent/self").json()
    assert about["Config"]["Version"].startswith("1.8.7")


def test_clamd_finds_eicar_and_lets_a_clean_file_pass(clamd_address: str):
    # Written in two parts: an antivirus on the developer's machine must not find this source.
    eicar = rb"X5O!P%@AP[4\PZX54(P^)7CC)7}$EICAR" + b"-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*"
    assert b"Eicar-Test-Signature" in _scan(clamd_address, eicar)
    assert _scan(clamd_address, eicar[::-1]) == b"stream: OK\0"


def test_the_mailbox_shows_what_was_sent(mailbox: Courrier):
    recipient = f"camille.{uuid.uuid4().hex}@exemple.test"
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = "ville@exemple.test", recipient, "Carte prête"
    mail.set_content("Bonjour à vous")
    host, port = mailbox.smtp_url.removeprefix("smtp://").split(":")
    with smtplib.SMTP(host, int(port)) as smtp:
        smtp.send_message(mail)
    [received] = mailbox.wait_for(to=recipient)
    assert received["subject"] == "Carte prête"
    assert b"Subject: Carte =?utf-8?" in mailbox.source(received)
    assert mailbox.messages(to="personne@exemple.test") == []


def test_free_ports_are_below_the_ephemeral_range():
    first = free_ports(SPAN)
    assert 10_000 <= first < 32_768 - SPAN


def _scan(address: str, content: bytes) -> bytes:
    host, port = address.split(":")
    with socket.create_connection((host, int(port)), timeout=10) as connection:
        connection.sendall(b"zINSTREAM\0" + len(content).to_bytes(4, "big") + content + bytes(4))
        return connection.recv(200)
