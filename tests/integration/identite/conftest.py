"""A running identite for the tests of this folder."""

from __future__ import annotations

import pytest

from tests.kit.identite import une_identite


@pytest.fixture
def identite(database_url, clean_database):
    """Identite behind gRPC on an empty database, with a clock that the test moves."""
    del clean_database
    with une_identite(database_url("identite")) as service:
        yield service
