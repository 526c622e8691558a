"""The eight import contracts hold, and each one breaks when its violation is planted.

A contract that cannot fail proves nothing: the tree is copied, one forbidden line is added, and the
linter must turn red on the contract meant for it.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.architecture

ROOT = Path(__file__).resolve().parents[2]
COPIED = ("chassis", "services", "passerelle", "protos/gen")
VIOLATIONS = {
    "1": ("services/cartes/use_cases.py", "import services.stockage.domain"),
    "2": ("services/cartes/persistence.py", "import services.cartes.use_cases"),
    "3": ("services/cartes/domain.py", "import sqlalchemy"),
    "4": ("services/avis/events.py", "import grpc"),
    "5": ("passerelle/clients.py", "import services.cartes.domain"),
    "6": ("services/cartes/api.py", "import flask"),
    "7": ("chassis/db.py", "import espacecitoyen"),
    "8": ("services/cartes/persistence.py", "import espacecitoyen.cartes.v1.evenements_pb2"),
}


def lint(folder: Path, contract: str | None = None) -> subprocess.CompletedProcess[str]:
    """Run import-linter on the tree in ``folder``."""
    program = Path(sys.executable).with_name("lint-imports")
    chosen = ["--contract", contract] if contract else []
    # The copy must be found before the installed tree.
    path = os.pathsep.join([str(folder), str(folder / "protos" / "gen")])
    return subprocess.run(
        [str(program), "--no-cache", "--config", str(folder / ".importlinter"), *chosen],
        cwd=folder, capture_output=True, text=True, check=False,
        env={**os.environ, "PYTHONPATH": path},
    )  # fmt: skip


def copy_of_the_tree(folder: Path) -> Path:
    """A copy of what the contracts speak of, with their file."""
    for name in COPIED:
        shutil.copytree(
            ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__", "static")
        )
    shutil.copy(ROOT / ".importlinter", folder)
    return folder


def test_the_contracts_hold(tmp_path):
    outcome = lint(copy_of_the_tree(tmp_path))
    assert outcome.returncode == 0, outcome.stdout


@pytest.mark.parametrize("contract", sorted(VIOLATIONS))
def test_a_planted_violation_breaks_its_contract(contract, tmp_path):
    folder = copy_of_the_tree(tmp_path)
    name, line = VIOLATIONS[contract]
    target = folder / name
    if not target.exists():  # the file became a package of the same name
        target = folder / name.removesuffix(".py") / "__init__.py"
    target.write_text(f"{target.read_text()}\n{line}\n")
    outcome = lint(folder, contract)
    assert outcome.returncode != 0, f"contract {contract} stayed green"
    assert "BROKEN" in outcome.stdout


def test_a_new_file_name_in_a_service_is_refused(tmp_path):
    folder = copy_of_the_tree(tmp_path)
    (folder / "services" / "cartes" / "magasin.py").write_text('"""An eleventh name."""\n')
    assert lint(folder, "2").returncode != 0
