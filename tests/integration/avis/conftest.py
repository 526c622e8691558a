"""A database, a virtual host and a sender that belong to these tests alone."""

import os

import psycopg
import pytest

from chassis import topology
from chassis.db import make_engine, make_sessions
from services.avis import events
from services.avis.adapters.presence import PresencePostgres
from tests.kit.avis import une_expedition


@pytest.fixture(scope="session")
def avis_url(database_url):
    return database_url("avis")


@pytest.fixture(scope="session")
def avis_amqp_url(rabbitmq, worker):
    """Our own virtual host: other tests publish events that avis would hear."""
    vhost = f"avis-{worker}-{os.getpid()}"
    rabbitmq.add_vhost(vhost)
    url = rabbitmq.url(vhost)
    topology.declare(
        url, services=("identite", "cartes", "stockage", "avis"), subscriptions=events.SUBSCRIPTIONS
    )
    return url


@pytest.fixture
def base(avis_url):
    """A plain connection to the database of avis."""
    url = avis_url.replace("postgresql+psycopg:", "postgresql:")
    with psycopg.connect(url, autocommit=True, row_factory=psycopg.rows.dict_row) as connection:
        yield connection


@pytest.fixture
def sessions(avis_url, clean_database):  # noqa: ARG001 - empties the tables first
    engine = make_engine(avis_url, name="essai-avis", pool_size=12)
    yield make_sessions(engine)
    engine.dispose()


@pytest.fixture
def presence(avis_url):
    engine = make_engine(avis_url, name="essai-presence", pool_size=1)
    presence = PresencePostgres(engine)
    yield presence
    presence.fermer()
    engine.dispose()


@pytest.fixture
def autre_presence(avis_url):
    """Another sender, whose life the test ends when it wants."""
    engine = make_engine(avis_url, name="essai-presence-2", pool_size=1)
    presence = PresencePostgres(engine)
    presence.assurer()
    yield presence
    presence.fermer()
    engine.dispose()


@pytest.fixture
def expedition(sessions, presence):
    return une_expedition(sessions=sessions, presence=presence)
