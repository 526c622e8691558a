"""Build the Python code of the contracts into ``protos/gen`` (ADR-0010: it stays out of git).

Compiles into a fresh folder, then swaps it in with one rename, so that a reader never sees half a
tree. ``*_grpc.py`` is made for ``*_service.proto`` only: events must not import grpc.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from pathlib import Path

import grpc_tools
from grpc_tools import protoc

ROOT = Path(__file__).resolve().parent
BUNDLED = Path(grpc_tools.__file__).parent / "_proto"


def main() -> int:
    """Compile every contract; returns protoc's exit status."""
    target = ROOT / "gen"
    fresh = Path(tempfile.mkdtemp(prefix=".gen-", dir=ROOT))
    contracts = sorted(str(p.relative_to(ROOT)) for p in ROOT.glob("espacecitoyen/**/*.proto"))
    services = [name for name in contracts if name.endswith("_service.proto")]
    include = ["protoc", f"-I{ROOT}", f"-I{BUNDLED}"]
    status = protoc.main(
        [*include, f"--python_out={fresh}", f"--mypy_out=quiet:{fresh}", *contracts]
    )
    status = status or protoc.main(
        [*include, f"--grpc_python_out={fresh}", f"--mypy_grpc_out=quiet:{fresh}", *services]
    )
    if status == 0:
        for folder in (p for p in (fresh / "espacecitoyen").rglob("*") if p.is_dir()):
            (folder / "__init__.py").touch()
        (fresh / "espacecitoyen" / "__init__.py").touch()
        (fresh / "espacecitoyen" / "py.typed").touch()
        old = ROOT / ".gen-old"
        shutil.rmtree(old, ignore_errors=True)
        if target.exists():
            target.rename(old)
        fresh.rename(target)
        shutil.rmtree(old, ignore_errors=True)
    else:
        shutil.rmtree(fresh, ignore_errors=True)
    return status


if __name__ == "__main__":
    sys.exit(main())
