"""The heart of ``make chaos`` in every run of the tests: each fault once, on a suite of its own."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from deploy.places import free_ports
from deploy.plan import SPAN
from tests.chaos.__main__ import SCENARIOS
from tests.chaos.scenario import derouler
from tests.chaos.terrain import Terrain, ouvrir

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("suite")]

_GRAINE = 20_261_122
_CHOISIS = ("doubleclic", "agents", "televersements", "relais", "effet", "smtp", "base",
            "courtier", "livraisons", "poison")  # fmt: skip


@pytest.fixture(scope="module")
def terrain(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Terrain]:
    with ouvrir(tmp_path_factory.mktemp("pannes"), free_ports(SPAN)) as opened:
        yield opened


@pytest.fixture(scope="module")
def connus() -> set[str]:
    """Findings of the scenarios before: each one is told once."""
    return set()


@pytest.mark.exigence("IDN-01", "CAR-01", "AVI-07")
@pytest.mark.parametrize("nom", _CHOISIS)
def test_nothing_is_lost_or_doubled(nom: str, terrain: Terrain, connus: set[str]):
    scenario = next(each for each in SCENARIOS if each.nom == nom)
    line = derouler(scenario, terrain, graine=_GRAINE, essais=1, connus=connus)
    assert line.verdict.phrases() == []
    assert line.bilan.essais >= 1


def test_the_gateway_comes_back_at_once(terrain: Terrain):
    """A worker that outlived its arbiter would keep the port until its clients hang up."""
    with httpx.Client(base_url=terrain.suite.base_url) as visitor:
        assert visitor.get("/").status_code == 200  # and keeps its connection open
        terrain.tuer("passerelle")
        terrain.attendre_portail()
    assert "in use" not in terrain.suite.log_text("passerelle")
