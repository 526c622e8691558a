"""The check of broken contracts works in full, shallow and detached clones."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from deploy import breaking

pytestmark = pytest.mark.integration

_PROTO = """syntax = "proto3";
package essai.v1;
message Carte {
  string nom = 1;
%s}
"""


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A repository with two commits; the second adds a field."""
    place = tmp_path / "origine"
    (place / "protos" / "essai" / "v1").mkdir(parents=True)
    (place / "protos" / "buf.yaml").write_text("version: v2\nbreaking:\n  use: [FILE]\n")
    _git(place, "init", "--quiet", "--initial-branch=main")
    for fields in ("", "  string numero = 2;\n"):
        _write(place, fields)
        _git(place, "add", "--all")
        _git(place, "commit", "--quiet", "--message=essai")
    return place


@pytest.mark.parametrize("kind", ["full", "shallow", "detached"])
def test_an_added_field_passes_and_a_removed_one_breaks(
    checkout: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
):
    clone = tmp_path / "clone"
    depth = ["--depth=1"] if kind == "shallow" else []
    _git(tmp_path, "clone", "--quiet", *depth, f"file://{checkout}", str(clone))
    if kind == "detached":
        _git(clone, "checkout", "--quiet", "--detach")
    monkeypatch.setattr(breaking, "ROOT", clone)
    _write(clone, "  string numero = 2;\n  string ville = 3;\n")
    assert breaking.main() == 0
    _write(clone, "")
    assert breaking.main() != 0


def test_a_branch_is_compared_with_where_it_left_main(
    checkout: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    clone = tmp_path / "clone"
    _git(tmp_path, "clone", "--quiet", f"file://{checkout}", str(clone))
    monkeypatch.setattr(breaking, "ROOT", clone)
    # Two commits that take a field of main away, so that neither of them alone shows it.
    for fields in ("", "  string autre = 3;\n"):
        _write(clone, fields)
        _git(clone, "commit", "--quiet", "--all", "--message=essai")
    assert breaking.main() != 0


def test_without_git_it_says_that_nothing_was_compared(
    checkout: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    shutil.rmtree(checkout / ".git")
    monkeypatch.setattr(breaking, "ROOT", checkout)
    assert breaking.main() == 0
    assert "nothing to compare" in capsys.readouterr().out


def _write(place: Path, fields: str) -> None:
    (place / "protos" / "essai" / "v1" / "carte.proto").write_text(_PROTO % fields)


def _git(folder: Path, *arguments: str) -> None:
    identity = ("-c", "user.name=Essai", "-c", "user.email=essai@exemple.test")
    subprocess.run(
        ["git", *identity, *arguments], check=True, cwd=folder, capture_output=True
    )  # fmt: skip
