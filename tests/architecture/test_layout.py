"""The layout of the house (ADR-0001, ADR-0008) as tests."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

pytestmark = pytest.mark.architecture

ROOT = Path(__file__).resolve().parents[2]
SERVICES = ("identite", "cartes", "demandes", "avis", "stockage")
TOP_FOLDERS = {
    ".ci", "bench", "chassis", "deploy", "docs", "passerelle", "protos", "services", "tests",
}  # fmt: skip
TEN_NAMES = {
    "serve", "work", "api", "events", "adapters", "use_cases",
    "persistence", "domain", "config", "migrations",
}  # fmt: skip
FORBIDDEN_NAMES = {
    "utils", "util", "helpers", "helper", "common", "misc", "manager", "managers", "base", "core",
    "tools",
}  # fmt: skip
# Words of the citizen: their presence in the chassis would make it a drawer (style of ADR-0001).
CITIZEN_WORDS = (
    "carte", "citoyen", "demande", "piece", "compte", "avis", "courriel", "residence", "entente",
    "renouvel", "rendez", "creneau", "ticket", "titulaire", "echeance", "abonne", "mairie", "ville",
)  # fmt: skip


def tracked(*patterns: str) -> list[Path]:
    """Files that git tracks or would track, as they are in the working tree."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "--", *patterns],
        cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    return [ROOT / line for line in listed.stdout.splitlines() if (ROOT / line).is_file()]


def test_top_level_holds_no_other_folder():
    folders = {path.relative_to(ROOT).parts[0] for path in tracked() if path.parent != ROOT}
    assert folders == TOP_FOLDERS


@pytest.mark.parametrize("service", SERVICES)
def test_each_service_has_the_same_names(service):
    folder = ROOT / "services" / service
    names = {
        path.stem if path.suffix == ".py" else path.name
        for path in folder.iterdir()
        if path.name not in {"__init__.py", "__pycache__", "README.md"}
    }
    code = {
        name for name in names if (folder / f"{name}.py").exists() or _is_package(folder / name)
    }
    assert code == TEN_NAMES | {"commandes"}
    assert (folder / "README.md").exists()


def _is_package(folder: Path) -> bool:
    return folder.is_dir() and any(folder.glob("**/*.py"))


def test_no_drawer_names():
    guilty = [
        path.relative_to(ROOT)
        for path in tracked("*.py")
        if FORBIDDEN_NAMES & {part.removesuffix(".py") for part in path.relative_to(ROOT).parts}
    ]
    assert guilty == []


def test_files_stay_readable():
    long = {
        str(path.relative_to(ROOT)): lines
        for path in tracked("*.py", "*.html", "*.js", "*.scss")
        if (lines := len(path.read_text().splitlines())) > 400
    }
    assert long == {}


def test_the_chassis_keeps_its_budget():
    sizes = {p.name: len(p.read_text().splitlines()) for p in (ROOT / "chassis").glob("*.py")}
    assert {name: size for name, size in sizes.items() if size > 300} == {}
    statements = sum(_code_lines(p.read_text()) for p in (ROOT / "chassis").glob("*.py"))
    assert statements <= 2000


def _code_lines(text: str) -> int:
    """Lines that hold code: docstrings, comments and blank lines are free (explaining is)."""
    without = re.sub(r'"""(?:.|\n)*?"""', "", text)
    return sum(
        1 for line in without.splitlines() if line.strip() and not line.strip().startswith("#")
    )


def test_the_chassis_knows_no_citizen_word():
    words = re.compile(rf"(?<![a-z])({'|'.join(CITIZEN_WORDS)})", re.IGNORECASE)
    found = {
        f"{path.name}:{number}": line.strip()
        for path in (ROOT / "chassis").rglob("*.py")
        for number, line in enumerate(path.read_text().splitlines(), 1)
        if words.search(line)
    }
    assert found == {}


def test_migrations_have_a_single_head():
    for service in SERVICES:
        folder = ROOT / "services" / service / "migrations"
        revisions = sorted(p.name[:4] for p in (folder / "versions").glob("[0-9]*.py"))
        assert revisions == [f"{number:04d}" for number in range(1, len(revisions) + 1)]
        assert (folder / ".head").read_text().strip() == revisions[-1]


def test_decisions_follow_their_form():
    for path in (ROOT / "docs" / "adr").glob("*.md"):
        text = path.read_text()
        for part in ("**Status:**", "## Context", "## Decision", "## Consequences", "## Rejected"):
            assert part in text, (path.name, part)
        assert len(text.splitlines()) <= 60, path.name


def test_no_secret_is_tracked():
    guilty = [
        path.relative_to(ROOT)
        for path in tracked()
        if b"PRIVATE KEY-----\n" in path.read_bytes() or path.suffix in {".pem", ".key", ".p12"}
    ]
    assert guilty == []
