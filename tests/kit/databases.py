"""Databases of one xdist worker: made when asked for, migrated, emptied between tests."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field

import psycopg
from psycopg import sql

from chassis import migrations


@dataclass
class Databases:
    """The databases of a worker.

    Args:
        administrator: libpq string of the superuser; ``port`` as in it.
        worker: a word that no other worker of the run has.
    """

    administrator: str
    port: int
    worker: str
    _urls: dict[str, str] = field(default_factory=dict)
    _emptied: dict[str, list[str]] = field(default_factory=dict)

    def url(self, service: str) -> str:
        """The URL of a service's migrated database, made at the first call."""
        if service not in self._urls:
            self._urls[service] = self._make(service)
        return self._urls[service]

    def empty(self) -> None:
        """Empty the tables of every database made so far, reference data of migrations apart."""
        for service, tables in self._emptied.items():
            if tables:
                with psycopg.connect(_libpq(self._urls[service]), autocommit=True) as connection:
                    names = sql.SQL(", ").join(map(sql.Identifier, tables))
                    connection.execute(
                        sql.SQL("TRUNCATE {} RESTART IDENTITY CASCADE").format(names)
                    )

    def _make(self, service: str) -> str:
        name, password = f"{service}_{self.worker}", secrets.token_urlsafe(12)
        role = sql.Identifier(name)
        with psycopg.connect(self.administrator, autocommit=True) as connection:
            connection.execute(
                sql.SQL("CREATE ROLE {} LOGIN PASSWORD {}").format(role, sql.Literal(password))
            )
            connection.execute(
                sql.SQL("CREATE DATABASE {} OWNER {} TEMPLATE template0").format(role, role)
            )
        url = f"postgresql+psycopg://{name}:{password}@127.0.0.1:{self.port}/{name}"
        migrations.upgrade(f"services.{service}", url)
        with psycopg.connect(_libpq(url)) as connection:
            tables = [
                row[0]
                for row in connection.execute(
                    "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"
                )
            ]
            self._emptied[service] = [
                table
                for table in tables
                if connection.execute(
                    sql.SQL("SELECT 1 FROM {} LIMIT 1").format(sql.Identifier(table))
                ).fetchone()
                is None
            ]
        return url


def _libpq(url: str) -> str:
    return url.replace("postgresql+psycopg:", "postgresql:", 1)
