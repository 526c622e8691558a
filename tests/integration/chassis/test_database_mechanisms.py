import subprocess
import sys
import threading
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psycopg
import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, OperationalError

from chassis import idempotency, inbox, migrations
from chassis.db import make_engine, reader
from chassis.idempotency import InvalidRequestId, RequestIdReused
from tests.kit.wait import wait_until

pytestmark = pytest.mark.integration

SCOPE = "DemanderCarte:citoyen-1"


def ask(sessions, request_id: str, *, scope=SCOPE, fingerprint=b"a", result="resultat-1"):
    """One write RPC: claim, effect, complete."""
    with sessions.begin() as session:
        known = idempotency.claim(
            session, request_id=request_id, scope=scope, fingerprint=fingerprint
        )
        if known is not None:
            return known
        session.execute(text("INSERT INTO effet (texte) VALUES (:texte)"), {"texte": result})
        idempotency.complete(session, request_id=request_id, scope=scope, result=result)
        return result


def test_a_repeated_request_gets_the_first_answer_and_no_second_effect(sessions, effects):
    request_id = str(uuid.uuid4())
    assert ask(sessions, request_id) == "resultat-1"
    assert ask(sessions, request_id, result="resultat-2") == "resultat-1"
    assert effects() == ["resultat-1"]


def test_the_same_id_with_another_content_is_refused(sessions, effects):
    request_id = str(uuid.uuid4())
    ask(sessions, request_id)
    with pytest.raises(RequestIdReused):
        ask(sessions, request_id, fingerprint=b"b")
    assert effects() == ["resultat-1"]


def test_someone_elses_request_id_reveals_nothing(sessions):
    request_id = str(uuid.uuid4())
    ask(sessions, request_id)
    other = ask(sessions, request_id, scope="DemanderCarte:citoyen-2", result="le sien")
    assert other == "le sien"


def test_a_failed_request_can_be_sent_again(sessions):
    request_id = str(uuid.uuid4())
    with sessions() as session:
        idempotency.claim(session, request_id=request_id, scope=SCOPE, fingerprint=b"a")
        session.rollback()
    assert ask(sessions, request_id) == "resultat-1"


@pytest.mark.parametrize("request_id", ["", "42", "x" * 36, "' OR 1=1 --"])
def test_an_id_that_is_no_uuid_is_refused(sessions, request_id):
    with pytest.raises(InvalidRequestId):
        ask(sessions, request_id)


def test_of_concurrent_twins_one_acts_and_the_others_wait_for_its_answer(sessions, effects):
    request_id = str(uuid.uuid4())
    inside, go = threading.Event(), threading.Event()

    def first() -> str | None:
        with sessions.begin() as session:
            claimed = idempotency.claim(
                session, request_id=request_id, scope=SCOPE, fingerprint=b"a"
            )
            inside.set()
            assert go.wait(5)
            session.execute(text("INSERT INTO effet (texte) VALUES ('un')"))
            idempotency.complete(session, request_id=request_id, scope=SCOPE, result="un")
            return claimed

    with ThreadPoolExecutor(8) as pool:
        leader = pool.submit(first)
        assert inside.wait(5)
        twins = [pool.submit(ask, sessions, request_id, result="deux") for _ in range(6)]
        query = "SELECT count(*) FROM pg_locks WHERE NOT granted"
        with psycopg.connect(_url(sessions), autocommit=True) as connection:
            wait_until(
                lambda: connection.execute(query).fetchall()[0][0] >= 6, what="waiting twins"
            )
        assert not any(twin.done() for twin in twins)
        go.set()
        assert leader.result() is None
        assert {twin.result() for twin in twins} == {"un"}
    assert effects() == ["un"]


def _url(sessions: Any) -> Any:
    url = sessions.kw["bind"].url.set(drivername="postgresql")
    return url.render_as_string(hide_password=False)


def test_when_the_first_twin_fails_the_second_acts(sessions, effects):
    request_id = str(uuid.uuid4())
    inside, go = threading.Event(), threading.Event()

    def first() -> None:
        with sessions.begin() as session:
            idempotency.claim(session, request_id=request_id, scope=SCOPE, fingerprint=b"a")
            inside.set()
            assert go.wait(5)
            raise ZeroDivisionError

    with ThreadPoolExecutor(2) as pool:
        leader = pool.submit(first)
        assert inside.wait(5)
        twin = pool.submit(ask, sessions, request_id, result="deux")
        go.set()
        with pytest.raises(ZeroDivisionError):
            leader.result()
        assert twin.result() == "deux"
    assert effects() == ["deux"]


def test_the_inbox_knows_an_event_per_consumer_and_forgets_with_the_rollback(sessions):
    event_id = uuid.uuid4()
    with sessions() as session:
        assert not inbox.already_seen(session, event_id=event_id, consumer="un")
        session.rollback()
    with sessions.begin() as session:
        assert not inbox.already_seen(session, event_id=event_id, consumer="un")
    with sessions.begin() as session:
        assert inbox.already_seen(session, event_id=event_id, consumer="un")
        assert not inbox.already_seen(session, event_id=event_id, consumer="deux")


def test_a_connection_that_the_server_closed_is_never_lent(chassis_url, database):
    engine = make_engine(chassis_url, name="essai-mort", pool_size=3)
    try:
        for read in (engine, reader(engine)):
            connections = [read.connect() for _ in range(3)]
            for connection in connections:
                connection.execute(text("SELECT 1"))
                connection.close()
            database.execute(
                "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
                " WHERE application_name = 'essai-mort' AND datname = current_database()"
            )
            for _ in range(4):
                with read.connect() as connection:
                    assert connection.scalar(text("SELECT 1")) == 1
    finally:
        engine.dispose()


def test_a_notice_waiting_on_a_connection_is_no_reason_to_lose_it(chassis_url):
    engine = make_engine(chassis_url, name="essai", pool_size=1)
    try:
        with engine.connect() as connection:
            pid = connection.scalar(text("SELECT pg_backend_pid()"))
            connection.execute(text("LISTEN essai"))
            connection.commit()
        with psycopg.connect(chassis_url, autocommit=True) as other:
            other.execute("NOTIFY essai")
        with engine.connect() as connection:
            assert connection.scalar(text("SELECT pg_backend_pid()")) == pid
    finally:
        engine.dispose()


def test_plain_reads_need_no_transaction(chassis_url):
    engine = make_engine(chassis_url, name="essai", pool_size=1)
    try:
        with reader(engine).connect() as connection:
            query = text("SELECT xact_start = statement_timestamp() FROM pg_stat_activity"
                         " WHERE pid = pg_backend_pid()")  # fmt: skip
            connection.execute(text("SELECT 1"))
            assert connection.scalar(query) is True
    finally:
        engine.dispose()


def test_slow_statements_and_long_lock_waits_are_cut(chassis_url):
    engine = make_engine(chassis_url, name="essai", pool_size=1)
    try:
        with reader(engine).connect() as connection:
            timeouts = [
                connection.scalar(text(f"SHOW {name}"))
                for name in ("statement_timeout", "lock_timeout", "timezone", "application_name")
            ]
            assert timeouts == ["5s", "4s", "UTC", "essai"]
            began = time.monotonic()
            with pytest.raises(OperationalError):
                connection.execute(text("SET statement_timeout = 100; SELECT pg_sleep(5)"))
            assert time.monotonic() - began < 2
    finally:
        engine.dispose()


def test_error_texts_hold_no_parameter(chassis_url):
    engine = make_engine(chassis_url, name="essai", pool_size=1)
    try:
        with reader(engine).connect() as connection, pytest.raises(DBAPIError) as failed:
            connection.execute(text("SELECT 1 / (length(:c) - 3)"), {"c": "nom"})
        assert "nom" not in str(failed.value)
    finally:
        engine.dispose()


MIGRATION = """
from alembic import op

revision = "{revision}"
down_revision = {down!r}
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("{statement}")
"""


@pytest.fixture
def package(tmp_path, monkeypatch) -> str:
    """The name of a package with two migrations, the second of which may fail."""
    name = f"essai_{uuid.uuid4().hex[:8]}"
    versions = tmp_path / name / "migrations" / "versions"
    versions.mkdir(parents=True)
    (tmp_path / name / "__init__.py").touch()
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    for revision, down, statement in (
        ("0001", None, "CREATE TABLE un (a int)"),
        ("0002", "0001", "CREATE TABLE deux (a int)"),
        ("0003", "0002", "CREATE TABLE rien (a inconnu)"),
    ):
        content = MIGRATION.format(revision=revision, down=down, statement=statement)
        (versions / f"{revision}_essai.py").write_text(content)
    return name


@pytest.fixture
def empty_url(databases, worker):
    name = f"migrations_{worker}_{uuid.uuid4().hex[:6]}"
    with psycopg.connect(databases.administrator, autocommit=True) as connection:
        connection.execute(f"CREATE ROLE {name} LOGIN PASSWORD 'essai'")
        connection.execute(f"CREATE DATABASE {name} OWNER {name}")
    return f"postgresql://{name}:essai@127.0.0.1:{databases.port}/{name}"


def tables(url: str) -> set[str]:
    query = "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"
    with psycopg.connect(url) as connection:
        return {row[0] for row in connection.execute(query)}


def test_migrations_go_up_once_and_only_once_even_by_two_jobs_at_once(package, empty_url):
    migrations.upgrade(package, empty_url, "0001")
    assert tables(empty_url) == {"alembic_version", "un"}
    program = f"from chassis.migrations import upgrade; upgrade({package!r}, {empty_url!r}, '0002')"
    jobs = [subprocess.Popen([sys.executable, "-c", program]) for _ in range(2)]
    assert [job.wait(30) for job in jobs] == [0, 0]
    assert tables(empty_url) == {"alembic_version", "un", "deux"}


def test_a_failed_migration_leaves_nothing_behind(package, empty_url):
    with pytest.raises(DBAPIError):
        migrations.upgrade(package, empty_url)
    assert tables(empty_url) == set()
