"""A service's role enters its own database and no other, with a password, and over TLS."""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import text

from chassis import migrations
from chassis.db import make_engine
from deploy import SERVICES, database_roles
from deploy.certificates import Authority
from deploy.components.postgresql import NOBODY, PostgreSQL
from deploy.passwords import drawn
from deploy.places import ROOT, free_ports
from tests.kit import postgresql15
from tests.kit.wait import wait_until

pytestmark = [pytest.mark.integration, pytest.mark.xdist_group("roles")]


@dataclass
class Base:
    """A server with the five roles."""

    server: PostgreSQL
    passwords: dict[str, str]
    parameters: str = ""

    def url(self, role: str, database: str, *, password: str | None = None) -> str:
        secret = self.passwords[role] if password is None else password
        port = self.server.port
        return f"postgresql://{role}:{secret}@127.0.0.1:{port}/{database}{self.parameters}"


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Base]:
    """The server that the suite starts by default, roles made as it makes them."""
    folder = tmp_path_factory.mktemp("roles")
    server = PostgreSQL(
        folder / "pg", free_ports(1), owners=SERVICES, log=folder / "pg.log", durable=False
    )
    server.start()
    try:
        server.wait_ready()
        urls = {role: server.url(role) for role in SERVICES}
        yield Base(server, {role: urls[role].split(":")[2].split("@")[0] for role in urls})
    finally:
        server.stop()


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("autorite"))


@pytest.fixture(scope="module")
def debian(tmp_path_factory: pytest.TempPathFactory, authority: Authority) -> Iterator[Base]:
    """Debian's PostgreSQL 15 with the files that production gets: roles, pg_hba.conf, TLS."""
    folder = tmp_path_factory.mktemp("tls")
    folder.chmod(0o755)
    leaf = authority.issue("postgresql", addresses=["127.0.0.1"], folder=folder / "pg")
    hba = ROOT / "deploy" / "postgresql" / "pg_hba.conf"
    server = postgresql15.server(
        folder / "pg", free_ports(1), "ssl=on", f"ssl_cert_file={leaf.certificate}",
        f"ssl_key_file={leaf.key}", f"hba_file={hba}", "ssl_min_protocol_version=TLSv1.3",
    )  # fmt: skip
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LD_LIBRARY_PATH", postgresql15.library_path())
        server.start()
    _give(server, folder / "pg")
    passwords = drawn(folder / "secrets.json", SERVICES)
    try:
        server.wait_ready()
        with psycopg.connect(server.administrator(), autocommit=True) as connection:
            for statement in database_roles.statements(passwords).splitlines():
                connection.execute(statement.encode())
        yield Base(server, passwords, f"?sslmode=verify-full&sslrootcert={authority.certificate}")
    finally:
        server.stop()


def _give(server: PostgreSQL, folder: Path) -> None:
    """Give the files to the server's own user, where it has one (see the component)."""
    if server._prefix:
        for place in folder.glob("*.pem"):
            shutil.chown(place, NOBODY, NOBODY)


@pytest.fixture(params=["wheel", "debian"])
def base(request: pytest.FixtureRequest) -> Base:
    found: Base = request.getfixturevalue(request.param)
    return found


def refused(url: str) -> str:
    with pytest.raises(psycopg.OperationalError) as error:
        psycopg.connect(url).close()
    return str(error.value)


def test_a_role_enters_its_own_database_and_no_other(base: Base):
    entered = set()
    for role in SERVICES:
        for database in SERVICES:
            try:
                psycopg.connect(base.url(role, database)).close()
            except psycopg.OperationalError as error:
                assert f'permission denied for database "{database}"' in str(error)  # noqa: PT017
            else:
                entered.add((role, database))
    assert entered == {(service, service) for service in SERVICES}


def test_a_role_reads_nothing_of_another_from_its_own_database(base: Base):
    for role in SERVICES:
        with psycopg.connect(base.url(role, role), autocommit=True) as connection:
            about = connection.execute(
                "SELECT rolsuper, rolcreatedb, rolcreaterole, rolreplication, rolbypassrls"
                " FROM pg_roles WHERE rolname = current_user"
            ).fetchone()
            assert about == (False,) * 5
            for statement in (
                "SELECT rolpassword FROM pg_authid",
                "SELECT pg_read_file('/etc/passwd')",
                "COPY (SELECT 1) TO PROGRAM 'true'",
                f"ALTER ROLE {next(s for s in SERVICES if s != role)} PASSWORD 'x'",
                "CREATE DATABASE butin",
            ):
                with pytest.raises(psycopg.errors.InsufficientPrivilege):
                    connection.execute(statement)
            others = connection.execute(
                "SELECT count(*) FROM pg_stat_activity"
                " WHERE usename <> current_user AND query <> '<insufficient privilege>'"
                " AND query <> ''"
            ).fetchone()
            assert others == (0,)


def test_without_the_password_nobody_enters(base: Base):
    for password in ("", "faux", base.passwords["identite"]):
        said = refused(base.url("cartes", "cartes", password=password))
        assert ("no password supplied" if not password else "password authentication") in said
    with psycopg.connect(base.server.administrator()) as connection:
        stored = connection.execute(
            "SELECT DISTINCT split_part(rolpassword, '$', 1) FROM pg_authid WHERE rolcanlogin"
        ).fetchall()
    assert stored == [("SCRAM-SHA-256",)]


def test_production_s_roles_do_not_even_enter_the_administrator_s_databases(debian: Base):
    for database in ("postgres", "template1"):
        assert "permission denied for database" in refused(debian.url("cartes", database))


def test_every_connection_of_ours_is_encrypted(debian: Base):
    for service in SERVICES:
        url = debian.url(service, service)
        migrations.upgrade(f"services.{service}", url)
        engine = make_engine(url, name=service)
        with engine.connect() as connection:
            about = connection.execute(
                text("SELECT ssl, version FROM pg_stat_ssl WHERE pid = pg_backend_pid()")
            ).one()
            tables = connection.execute(text("SELECT count(*) FROM outbox")).scalar_one()
        engine.dispose()
        assert (tuple(about), tables) == ((True, "TLSv1.3"), 0)


def test_a_client_without_tls_or_with_another_authority_is_not_served(debian: Base, tmp_path: Path):
    plain = debian.url("cartes", "cartes").partition("?")[0]
    assert "no encryption" in refused(f"{plain}?sslmode=disable")
    theirs = Authority(tmp_path / "theirs").certificate
    assert "certificate verify failed" in refused(
        f"{plain}?sslmode=verify-full&sslrootcert={theirs}"
    )
    # The certificate proves `postgresql` and 127.0.0.1, and no other name of this machine.
    elsewhere = debian.url("cartes", "cartes").replace("127.0.0.1", "localhost")
    assert 'does not match host name "localhost"' in refused(elsewhere)


def test_a_renewed_certificate_needs_no_restart_and_an_expired_one_is_refused(
    debian: Base, authority: Authority
):
    folder = debian.server.folder
    url = debian.url("cartes", "cartes")

    def renew(begins: datetime) -> None:
        authority.issue(
            "postgresql", addresses=["127.0.0.1"], folder=folder, begins=begins,
            lasts=timedelta(hours=1),
        )  # fmt: skip
        _give(debian.server, folder)
        os.kill(debian.server.child.pid, signal.SIGHUP)

    with psycopg.connect(url, autocommit=True) as open_before:
        renew(datetime.now(UTC) - timedelta(days=2))
        wait_until(_fails(url, "certificate verify failed"), what="the refusal")
        # Who was connected stays so.
        assert open_before.execute("SELECT 1").fetchone() == (1,)
        renew(datetime.now(UTC))
        wait_until(_fails(url, ""), what="a connection")


def _fails(url: str, words: str) -> Callable[[], bool]:
    """Whether a connection fails with these words; with none, whether it succeeds."""

    def look() -> bool:
        try:
            psycopg.connect(url).close()
        except psycopg.OperationalError as error:
            return bool(words) and words in str(error)
        return not words

    return look
