"""The service over real gRPC and PostgreSQL, with a document space in memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from services.cartes.config import Config
from tests.kit.cartes_banc import Banc, un_banc, une_config


@pytest.fixture
def config(database_url: Callable[[str], str], tmp_path: Path) -> Config:
    return une_config(database_url("cartes"), tmp_path)


@pytest.fixture
def banc(clean_database: None, config: Config) -> Iterator[Banc]:
    del clean_database
    with un_banc(config) as ouvert:
        yield ouvert
