"""`docs/exigences.md` is true: each row has a proving test, each mark has its row."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

pytestmark = pytest.mark.architecture

ROOT = Path(__file__).resolve().parents[2]
ROW = re.compile(r"^\|\s*([A-Z]{3}-\d{2})\s*\|([^|]*)\|([^|]*)\|([^|]*)\|", re.MULTILINE)


def rows() -> dict[str, tuple[str, str]]:
    """Requirement id -> (where it is built, what proves it)."""
    text = (ROOT / "docs" / "exigences.md").read_text()
    return {key: (where.strip(), proof.strip()) for key, _, where, proof in ROW.findall(text)}


def marks() -> dict[str, set[str]]:
    """Requirement id -> test files that carry it."""
    found: dict[str, set[str]] = {}
    for path in (ROOT / "tests").rglob("test_*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and ast.unparse(node.func).endswith("mark.exigence"):
                for argument in node.args:
                    found.setdefault(ast.literal_eval(argument), set()).add(
                        str(path.relative_to(ROOT))
                    )
    return found


def test_every_row_has_a_proving_test():
    assert sorted(set(rows()) - set(marks())) == []


def test_every_mark_has_its_row():
    assert sorted(set(marks()) - set(rows())) == []


def test_the_files_that_rows_name_exist():
    missing = [
        (key, name)
        for key, cells in rows().items()
        for cell in cells
        for name in re.findall(r"`([\w./-]+)`", cell)
        if not (ROOT / name).exists()
    ]
    assert missing == []
