"""The bench at a small size: every row exists and its measure can tell slow from quick."""

import json
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from bench import ligne, passe
from bench.__main__ import MEASURES
from deploy.places import ROOT

pytestmark = pytest.mark.integration

FIELDS = ["nom", "valeur", "unite", "reference", "ratio", "but", "plancher"]
ABSOLUTE = {"demarrage", "import_comptes", "memoire", "memoire_depot", "session"}


@pytest.fixture(scope="module")
def sortie(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What ``make bench`` writes, at a small size."""
    folder = tmp_path_factory.mktemp("banc")
    done = subprocess.run(
        [sys.executable, "-m", "bench", "--petit", "--sortie", str(folder)],
        check=False, cwd=ROOT, capture_output=True, text=True, timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


@pytest.fixture(scope="module")
def rows(sortie: Path) -> list[dict[str, object]]:
    found: list[dict[str, object]] = json.loads((sortie / "resultats.json").read_text())
    return found


@pytest.mark.xdist_group("bench")
def test_every_row_is_measured_in_the_published_form(rows):
    assert [row["nom"] for row in rows] == list(MEASURES)
    for row in rows:
        assert list(row) == FIELDS
        assert row["valeur"] > 0
        assert row["ratio"] > 0
        assert (row["reference"] is None) == (row["nom"] in ABSOLUTE)
        if row["reference"] is None:
            assert row["ratio"] == row["valeur"]
        else:
            assert row["reference"] > 0


@pytest.mark.xdist_group("bench")
def test_every_row_has_its_picture(sortie):
    pictures = {picture.stem: picture for picture in (sortie / "images").iterdir()}
    assert set(pictures) == set(MEASURES)
    for name, picture in pictures.items():
        assert ET.parse(picture).getroot().tag.endswith("svg"), name  # noqa: S314 - our own file


@pytest.mark.xdist_group("bench")
def test_each_row_is_explained_in_the_readme():
    text = (ROOT / "bench" / "README.md").read_text()
    assert [name for name in MEASURES if f"`{name}`" not in text] == []


@pytest.mark.xdist_group("bench")
def test_committed_results_are_those_of_the_rows():
    committed = json.loads((ROOT / "bench" / "resultats.json").read_text())
    assert [row["nom"] for row in committed] == list(MEASURES)
    assert all(list(row) == FIELDS for row in committed)


def test_a_slower_builder_gives_a_lower_ratio(tmp_path):
    """The measure of ``passe`` sees that each pass is built three times instead of once."""
    construire = passe.constructeur(tmp_path)

    def trois_fois(quoi):
        construire(quoi)
        construire(quoi)
        return construire(quoi)

    quick = passe.comparer(construire, rondes=1, secondes=0.3)
    slow = passe.comparer(trois_fois, rondes=1, secondes=0.3)
    assert slow.ratio < quick.ratio * 0.6


def test_interleaving_cancels_a_machine_that_becomes_slower():
    """Each round takes both, so that a drift of the machine's speed leaves the ratio alone."""
    speed = iter((100.0, 100.0, 50.0, 50.0, 25.0, 25.0))

    pairs, ours, baseline, ratio = ligne.compare(
        lambda: next(speed) * 0.6, lambda: next(speed), rounds=3
    )

    assert len(pairs) == 3
    assert (ours, baseline) == (30.0, 50.0)
    assert ratio == pytest.approx(0.6)


@pytest.mark.parametrize(
    ("ratio", "moins", "tenu"),
    [(0.5, False, True), (0.49, False, False), (0.5, True, True), (0.51, True, False)],
)
def test_a_floor_is_kept_on_its_own_side(ratio, moins, tenu):
    row = ligne.Ligne(
        nom="x", valeur=1, unite="s", reference=2, ratio=ratio, but=0, plancher=0.5,
        moins_est_mieux=moins,
    )  # fmt: skip
    assert row.tenu is tenu


def test_new_rows_replace_their_name_and_leave_the_others(tmp_path):
    target = tmp_path / "resultats.json"

    def row(nom: str, valeur: float) -> ligne.Ligne:
        return ligne.Ligne(
            nom=nom, valeur=valeur, unite="s", reference=None, ratio=valeur, but=1, plancher=2
        )

    ligne.write([row("b", 1), row("a", 1)], target, order=("a", "b"))
    ligne.write([row("b", 2)], target, order=("a", "b"))

    assert [(each["nom"], each["valeur"]) for each in json.loads(target.read_text())] == [
        ("a", 1),
        ("b", 2),
    ]
