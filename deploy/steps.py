"""Steps of an installation: done once, said in one line each, skipped while their inputs stand.

Standard library only: it runs before anything is installed.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

from deploy import refusal
from deploy.places import PROGRAMS, ROOT

_STAMPS = PROGRAMS / "etapes"
_LOGS = PROGRAMS / "journaux"
_AUTHORITIES = Path("/etc/ssl/certs/ca-certificates.crt")
_POLL_S = 0.1
_SIGN_OF_LIFE_S = 10
_BEGAN = time.monotonic()


def fingerprint(*parts: str | Path) -> str:
    """A digest of texts and of files, folders walked."""
    digest = hashlib.sha256()
    for part in parts:
        if isinstance(part, str):
            digest.update(part.encode() + b"\0")
            continue
        for file in _files(part):
            digest.update(str(file).encode() + b"\0" + file.read_bytes() + b"\0")
    return digest.hexdigest()


def _files(place: Path) -> Iterable[Path]:
    if place.is_file():
        return [place]
    return sorted(file for file in place.rglob("*") if file.is_file())


def say(text: str) -> None:
    """One line of progress, with the seconds since the start."""
    print(f"[{time.monotonic() - _BEGAN:5.1f} s] {text}", flush=True)


def step(name: str, title: str, inputs: str, work: Callable[[Path], None], *made: Path) -> None:
    """Do ``work`` unless it was done with the same inputs and what it made still exists.

    Args:
        name: of the stamp and of the log.
        title: what the person reads.
        work: does it; receives the path of the step's log.
        inputs: fingerprint of all that the result depends on.
        made: what must exist afterwards.
    """
    stamp = _STAMPS / name
    if stamp.exists() and stamp.read_text() == inputs and all(place.exists() for place in made):
        return
    for folder in (_STAMPS, _LOGS):
        folder.mkdir(parents=True, exist_ok=True)
    say(f"{title}…")
    began = time.monotonic()
    log = _LOGS / f"{name}.log"
    log.write_text("")
    work(log)
    for place in made:
        if not place.exists():
            raise refusal.of_log(title, log)
    stamp.write_text(inputs)
    say(f"{title} ✓ ({time.monotonic() - began:.1f} s)")


def run(
    title: str,
    command: Sequence[str | Path],
    log: Path,
    environment: Mapping[str, str] | None = None,
) -> None:
    """Run a program, its output to the log, a sign of life every ten seconds.

    Raises: Refusal when it fails or is missing.
    """
    with log.open("ab") as output:
        try:
            process = subprocess.Popen(
                [str(part) for part in command],
                cwd=ROOT,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env={**_trust(), **os.environ, **(environment or {})},
            )
        except FileNotFoundError as error:
            raise refusal.Refusal(
                f"Il manque le programme {error.filename} : ce script attend Debian 12.",
                f"The program {error.filename} is missing: this script expects Debian 12.",
            ) from error
        _watch(process, title)
    if process.returncode != 0:
        raise refusal.of_log(title, log)


def _trust() -> dict[str, str]:
    """Have every downloader trust the machine's authorities: a company's proxy has its own."""
    if not _AUTHORITIES.exists():
        return {}
    place = str(_AUTHORITIES)
    return {
        "UV_SYSTEM_CERTS": "1",
        "SSL_CERT_FILE": place,
        "PIP_CERT": place,
        "NODE_EXTRA_CA_CERTS": place,
    }


def _watch(process: subprocess.Popen[bytes], title: str) -> None:
    next_sign = time.monotonic() + _SIGN_OF_LIFE_S
    try:
        while process.poll() is None:
            if time.monotonic() > next_sign:
                say(f"{title}…")
                next_sign += _SIGN_OF_LIFE_S
            time.sleep(_POLL_S)  # a sign of life while it works
    finally:
        if process.poll() is None:
            process.terminate()
            process.wait()
