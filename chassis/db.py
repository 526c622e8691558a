"""Connections to a service's own PostgreSQL: short waits, live connections, cheap plain reads."""

import select
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from psycopg.rows import namedtuple_row
from sqlalchemy import Engine, create_engine, event, make_url
from sqlalchemy.exc import DBAPIError, DisconnectionError
from sqlalchemy.orm import Session, sessionmaker

from chassis import telemetry

Sessions = sessionmaker[Session]

# Lock wait below statement time, so that a stuck lock is told apart from a slow statement.
_OPTIONS = "-c statement_timeout=5000 -c lock_timeout=4000 -c timezone=UTC"
_PARAMETERS: dict[str, Any] = {
    "options": _OPTIONS,
    "connect_timeout": 3,
    # A peer that vanished without a word is noticed in seconds, not after the kernel's hours.
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 3,
    "tcp_user_timeout": 8000,
}


def driver_url(url: str) -> str:
    """Give the SQLAlchemy address, with the psycopg 3 driver, of a plain `postgresql://` one."""
    parsed = make_url(url).set(drivername="postgresql+psycopg")
    return parsed.render_as_string(hide_password=False)


def make_engine(url: str, *, name: str, pool_size: int = 8) -> Engine:
    """Open the pool of one process.

    Args:
        url: `postgresql://role:secret@host:port/database`, with or without a driver.
        name: shown by PostgreSQL as the application name.
        pool_size: connections kept; half as many again may open for a moment.
    Returns: an engine whose connections are live when they are lent, with statements cut at 5 s
        and lock waits at 4 s. Parameters never appear in error texts, for they hold personal data.
    """
    # The cheap test of `_discard_dead` needs poll(), which eventlet takes away: there SQLAlchemy's
    # own round trip does it.
    has_poll = hasattr(select, "poll")
    engine = create_engine(
        driver_url(url),
        pool_size=pool_size,
        max_overflow=pool_size // 2,
        pool_timeout=2,
        pool_pre_ping=not has_poll,
        hide_parameters=True,
        connect_args={**_PARAMETERS, "application_name": name},
    )
    if has_poll:
        event.listen(engine, "checkout", _discard_dead)
    return engine


def _discard_dead(connection: Any, _record: object, _proxy: object) -> None:
    """Refuse to lend a connection that the server has closed.

    PostgreSQL sends nothing on an idle connection but its farewell, so one that has something to
    read is suspect and only then pays a round trip: 2 µs instead of 100 on each loan.
    """
    poller = select.poll()
    poller.register(connection.fileno(), select.POLLIN)
    if not poller.poll(0):
        return
    try:
        connection.execute("SELECT 1")
        connection.rollback()
    except Exception as error:
        raise DisconnectionError from error


def make_sessions(engine: Engine) -> Sessions:
    """Give the session factory of a service: `with sessions.begin() as session:`.

    In a traced process a commit is a span of what is being served, with the events it commits.
    """
    sessions = sessionmaker(engine, expire_on_commit=False)
    if telemetry.is_on():
        event.listen(sessions, "before_commit", _commit_begins)
        event.listen(sessions, "after_commit", _commit_ends)
        event.listen(sessions, "after_rollback", _commit_fails)
    return sessions


def _commit_begins(session: Session) -> None:
    if telemetry.traceparent():  # a timer's commit belongs to no trace and would begin one
        span = telemetry.start("sql.commit", "client", db__system__name="postgresql")
        span.set_attribute("outbox.events", session.info.pop("outbox", ()))
        session.info["commit"] = span


def _commit_ends(session: Session) -> None:
    span = session.info.pop("commit", None)
    if span is not None:
        span.end()


def _commit_fails(session: Session) -> None:
    if "commit" in session.info:
        telemetry.fail(session.info["commit"], "rollback")
    _commit_ends(session)


def reader(engine: Engine) -> Engine:
    """Give the same pool for plain Core reads, which then need no BEGIN and no ROLLBACK."""
    return engine.execution_options(isolation_level="AUTOCOMMIT")


Cursor = psycopg.Cursor[Any]


@contextmanager
def plain(engine: Engine) -> Iterator[Cursor]:
    """Lend a connection of the pool for plain reads, at the price of the driver alone.

    On the reads of a busy page SQLAlchemy costs five times the question itself. Here there is no
    transaction, no statement object and no mapping: `cursor.execute(sql, parameters)`, `%(name)s`
    for a parameter, a named tuple for a row.

    Raises: SQLAlchemy's OperationalError and its kin, as the other ways to the database do.
    """
    try:
        fairy = engine.raw_connection()
    except psycopg.Error as error:
        raise _wrapped(error) from error
    connection: psycopg.Connection[Any] = fairy.driver_connection  # type: ignore[assignment]  # psycopg's
    try:
        connection.autocommit = True
        with connection.cursor(row_factory=namedtuple_row) as cursor:
            yield cursor
    except psycopg.Error as error:
        raise _wrapped(error) from error
    finally:
        if connection.closed:
            fairy.invalidate()
        else:
            connection.autocommit = False
        fairy.close()


def _wrapped(error: psycopg.Error) -> Exception:
    """Give the SQLAlchemy error of a driver's, without the statement, which may quote a person."""
    wrapped: Exception = DBAPIError.instance(None, None, error, psycopg.Error)
    return wrapped
