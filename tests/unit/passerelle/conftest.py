"""One set of fake services for the folder, answering as on a fine day before each test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.kit.passerelle import Fakes, fakes, gateway


@pytest.fixture(scope="session")
def _services() -> Iterator[Fakes]:
    with fakes() as found:
        yield found


@pytest.fixture
def services(_services: Fakes) -> Fakes:
    _services.reset()
    return _services


@pytest.fixture(scope="session")
def app(_services: Fakes) -> Iterator[Flask]:
    with gateway(_services.adresses) as found:
        yield found


@pytest.fixture
def client(app: Flask, services: Fakes) -> FlaskClient:
    del services
    return app.test_client()
