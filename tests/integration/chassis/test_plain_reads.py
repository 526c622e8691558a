"""Plain reads: no transaction, the pool's own connections, SQLAlchemy's own errors."""

import psycopg
import pytest
from sqlalchemy.exc import OperationalError, ProgrammingError

from chassis.db import make_engine, plain, reader

pytestmark = pytest.mark.integration


@pytest.fixture
def engine(chassis_url, database):  # noqa: ARG001  (its tables are emptied first)
    engine = make_engine(chassis_url, name="essai", pool_size=1)
    yield engine
    engine.dispose()


def test_a_row_is_a_named_tuple_and_a_parameter_is_no_text(engine):
    with plain(reader(engine)) as cursor:
        row = cursor.execute("SELECT %(un)s AS un, 2 AS deux", {"un": "'; --"}).fetchone()
    assert row == ("'; --", 2)
    assert (row.un, row.deux) == ("'; --", 2)


def test_the_connection_goes_back_as_it_came(engine):
    for _ in range(3):
        with plain(engine) as cursor:
            cursor.execute("SELECT 1")
            assert engine.pool.checkedout() == 1
            assert cursor.connection.info.transaction_status.name == "IDLE"
    assert engine.pool.checkedout() == 0
    with engine.connect() as connection:
        assert connection.get_isolation_level() == "READ COMMITTED"
        assert connection.connection.driver_connection.autocommit is False


def test_the_errors_are_those_that_the_gate_knows(engine):
    with pytest.raises(ProgrammingError) as refused, plain(engine) as cursor:
        cursor.execute("SELECT rien")
    assert isinstance(refused.value.orig, psycopg.errors.UndefinedColumn)
    assert refused.value.statement is None
    nowhere = make_engine("postgresql://personne:rien@127.0.0.1:9/rien", name="essai")
    with pytest.raises(OperationalError), plain(nowhere):
        pytest.fail("nobody listens there")


def test_a_lost_connection_is_not_lent_again(engine):
    with pytest.raises(OperationalError), plain(engine) as cursor:
        cursor.execute("SELECT pg_terminate_backend(pg_backend_pid())")
    with plain(engine) as cursor:
        row = cursor.execute("SELECT 1 AS un").fetchone()
        assert row is not None
        assert row.un == 1


def test_an_error_of_the_caller_passes_and_leaves_the_connection_usable(engine):
    with pytest.raises(ZeroDivisionError), plain(engine):
        _ = 1 / 0
    with engine.connect() as connection:
        assert connection.connection.driver_connection.autocommit is False
