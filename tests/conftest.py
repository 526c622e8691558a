"""Fixtures of all tests: real components, one database and one virtual host per xdist worker."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from pytest_socket import disable_socket, enable_socket

from deploy.components.rabbitmq import RabbitMQ
from tests.kit import components
from tests.kit.components import Courrier
from tests.kit.databases import Databases
from tests.kit.suite import Suite, running

# Shared machines are slow at times: a property is judged by its examples, never by the clock.
settings.register_profile(
    "espace", deadline=None, suppress_health_check=[HealthCheck.too_slow], print_blob=True
)
settings.load_profile("espace")


def _pytest_pid(config: pytest.Config) -> int:
    # A worker is a child of the pytest process that the person started.
    return os.getppid() if hasattr(config, "workerinput") else os.getpid()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Unit tests first: the quick answers come early."""
    order = ("unit", "architecture", "contract", "integration", "e2e")

    def rank(item: pytest.Item) -> int:
        return next((i for i, mark in enumerate(order) if item.get_closest_marker(mark)), 0)

    items.sort(key=rank)


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Stop the components when the whole run is over."""
    if not hasattr(session.config, "workerinput"):
        components.stop_all(os.getpid())


@pytest.fixture(autouse=True)
def sockets(request: pytest.FixtureRequest) -> Iterator[None]:
    """No network socket in a unit test; a socket pair inside the process is allowed."""
    if request.node.get_closest_marker("unit") is None:
        yield
        return
    disable_socket(allow_unix_socket=True)
    yield
    enable_socket()


@pytest.fixture(scope="session")
def worker(worker_id: str) -> str:
    """A word that no other worker of this run has: gw0, gw1, master."""
    return worker_id


@pytest.fixture(scope="session")
def databases(request: pytest.FixtureRequest, worker: str) -> Databases:
    """The databases of this worker on the run's PostgreSQL."""
    about = components.require("postgresql", _pytest_pid(request.config))
    return Databases(administrator=about["administrator"], port=about["port"], worker=worker)


@pytest.fixture(scope="session")
def database_url(databases: Databases) -> Callable[[str], str]:
    """``database_url("cartes")``: URL of this worker's migrated database of a service."""
    return databases.url


@pytest.fixture
def clean_database(databases: Databases) -> None:
    """Empty tables before the test; what migrations inserted stays."""
    databases.empty()


@pytest.fixture(scope="session")
def rabbitmq(request: pytest.FixtureRequest) -> RabbitMQ:
    """The run's broker: ``add_vhost``, ``url(vhost)``, ``evaluate``. It belongs to all: no stop."""
    about = components.require("rabbitmq", _pytest_pid(request.config))
    port, distribution_port, epmd_port = about["ports"]
    return RabbitMQ(
        Path(about["folder"]), port, distribution_port=distribution_port, epmd_port=epmd_port,
        log=Path(about["folder"]) / "rabbitmq.log",
    )  # fmt: skip


@pytest.fixture(scope="session")
def amqp_url(rabbitmq: RabbitMQ, worker: str) -> str:
    """A virtual host of this worker, with the topology of all services."""
    from chassis import topology  # noqa: PLC0415 - loads pika, and nameko through the services
    from deploy import job  # noqa: PLC0415 - idem

    rabbitmq.add_vhost(worker)
    url = rabbitmq.url(worker)
    topology.declare(url, services=job.SERVICES, subscriptions=job.subscriptions(job.SERVICES))
    return url


@pytest.fixture(scope="session")
def consul_url(request: pytest.FixtureRequest) -> str:
    """The run's Consul agent; register under names of your own."""
    url: str = components.require("consul", _pytest_pid(request.config))["url"]
    return url


@pytest.fixture(scope="session")
def clamd_address(request: pytest.FixtureRequest) -> str:
    """The run's clamd, as "127.0.0.1:port"."""
    address: str = components.require("clamav", _pytest_pid(request.config))["address"]
    return address


@pytest.fixture(scope="session")
def mailbox(request: pytest.FixtureRequest) -> Courrier:
    """The run's SMTP sink and its inbox."""
    about = components.require("mailbox", _pytest_pid(request.config))
    return Courrier(smtp_url=about["smtp_url"], api_url=about["api_url"])


@pytest.fixture(scope="session")
def suite(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Suite]:
    """The whole suite, shared by the tests of one worker: mark them ``xdist_group("suite")``."""
    with running(tmp_path_factory.mktemp("suite")) as started:
        yield started
