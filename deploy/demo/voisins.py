"""The city's other systems in a demo: the reference servers, and what they exported before."""

from __future__ import annotations

import csv
import os
import secrets
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import bcrypt

from deploy.children import Child, StartFailed, die_with
from deploy.demo import loisirs
from deploy.places import ROOT, require_free
from deploy.plan import FAMILY, RECREATION, TAXES, Plan, Settings

# A tax account whose owner never signed up here; its password is shown at the start.
TAX_EMAIL = "maxime.exemple@exemple.test"
_TAX_COLUMNS = (
    "reference", "courriel", "nom_utilisateur", "prenom", "nom", "telephone", "langue",
    "empreinte", "actif",
)  # fmt: skip
_CONTACT_COLUMNS = ("reference", "canal", "coordonnee", "nom", "langue")
_CONTACTS = (
    ("U-1", "telephone", "450 555-0133", "Exemple", "fr"),
    ("U-2", "courriel", "abonne.ancien@exemple.test", "Modèle", "fr"),
    ("U-3", "courriel", "adresse-illisible", "Modèle", "fr"),
)


@contextmanager
def running(plan: Plan) -> Iterator[None]:
    """Run the three reference servers for as long as the suite runs.

    Raises: PortTaken, StartFailed.
    """
    parts = (("taxes", TAXES), ("espace_famille", FAMILY), ("loisirs", RECREATION))
    require_free(*(plan.base + offset for _, offset in parts))
    children = [
        Child(
            name=name,
            command=[
                sys.executable, "-m", f"deploy.demo.{name}",
                "--port", str(plan.base + offset), "--cle", plan.keys.secret(name),
            ],
            log=plan.log(name),
            folder=ROOT,
        )
        for name, offset in parts
    ]  # fmt: skip
    try:
        for child in children:
            child.start()
        yield
    finally:
        for child in children:
            child.stop()


def load(plan: Plan, settings: Settings) -> str:
    """Import what the other systems exported, once.

    Returns: the password that the imported tax account has had for years.
    Raises: StartFailed with the log of the command that failed.
    """
    folder = plan.folder / "heritage"
    folder.mkdir(exist_ok=True, mode=0o700)
    kept, done = folder / "mot_de_passe", folder / "fait"
    if done.exists():
        return kept.read_text()
    password = f"taxes-{secrets.token_hex(6)}"
    kept.touch(mode=0o600)
    kept.write_text(password)
    mark = bcrypt.hashpw(password.encode(), bcrypt.gensalt(10)).decode()
    rows = (
        ("M-3001", TAX_EMAIL, "maxime.exemple", "Maxime", "Exemple", "450 555-0134", "fr",
         mark, "oui"),
        ("M-3002", "camille.exemple@exemple.test", "", "Camille", "Exemple", "", "fr", "", "oui"),
        ("M-3003", "dormante@exemple.test", "", "Dominique", "Modèle", "", "fr", "", "non"),
        ("M-3004", "malformee@exemple.test", "", "", "Modèle", "", "fr", "", "oui"),
    )  # fmt: skip
    _write(folder / "taxes.csv", _TAX_COLUMNS, rows)
    (folder / "loisirs.csv").write_text(loisirs.export(), encoding="utf-8")
    _write(folder / "urgences.csv", _CONTACT_COLUMNS, _CONTACTS)
    for source in ("taxes", "loisirs", "urgences"):
        _import(plan, settings, source, folder / f"{source}.csv")
    done.touch()
    return password


def _write(place: Path, columns: tuple[str, ...], rows: tuple[tuple[str, ...], ...]) -> None:
    with place.open("w", encoding="utf-8", newline="") as text:
        csv.writer(text, lineterminator="\n").writerows((columns, *rows))


def _import(plan: Plan, settings: Settings, source: str, file: Path) -> None:
    log = plan.log("heritage")
    with log.open("ab") as output:
        done = subprocess.run(
            [sys.executable, "-m", "deploy.espace", "identite", f"importer-{source}", str(file)],
            cwd=ROOT, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT,
            env={**os.environ, **settings}, check=False,
            preexec_fn=die_with(os.getpid()),
        )  # fmt: skip
    if done.returncode:
        raise StartFailed("héritage · legacy accounts", log, f"importer-{source} failed")
