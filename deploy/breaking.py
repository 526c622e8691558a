"""``buf breaking`` against what the contracts were: works in a full, shallow or detached clone.

Compares with the last commit (nothing uncommitted may break it) and with the commit where this
branch left ``origin/main``, or, on main itself, with the one before the last. A commit that a
shallow clone does not have cannot be compared; what was compared is said.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

from deploy.places import ROOT


def main() -> int:
    """Compare; returns buf's exit status."""
    head = _commit("HEAD")
    if head is None:
        print("breaking: not a git checkout, nothing to compare with")
        return 0
    status = 0
    for commit in dict.fromkeys((head, _ancestor(head))):
        found = _compare(commit)
        print(f"breaking: compared with {commit[:12]}: {'ok' if found == 0 else 'broken'}")
        status = status or found
    return status


def _ancestor(head: str) -> str:
    merge_base = _git("merge-base", "HEAD", "origin/main").strip() if _commit("origin/main") else ""
    if merge_base and merge_base != head:
        return merge_base
    return _commit("HEAD~1") or head


def _commit(name: str) -> str | None:
    return _git("rev-parse", "--verify", "--quiet", f"{name}^{{commit}}").strip() or None


def _git(*arguments: str) -> str:
    return subprocess.run(
        ["git", *arguments], check=False, cwd=ROOT, capture_output=True, text=True
    ).stdout


def _compare(commit: str) -> int:
    archive = subprocess.run(
        ["git", "archive", commit, "protos"], check=False, cwd=ROOT, capture_output=True
    )
    if archive.returncode != 0:
        print(f"breaking: {commit[:12]} has no contracts yet")
        return 0
    with tempfile.TemporaryDirectory() as folder:
        # Debian 12's Python 3.11.2 has no safe extraction of its own yet; tar has.
        subprocess.run(["tar", "-x", "-C", folder], check=True, input=archive.stdout)
        buf = Path(sys.executable).parent / "buf"
        return subprocess.run(
            [str(buf), "breaking", "--against", f"{folder}/protos"], check=False,
            cwd=ROOT / "protos",
        ).returncode  # fmt: skip


if __name__ == "__main__":
    sys.exit(main())
