"""Sample people of a demo, made once through the services' own operator commands.

Everything about them is visibly invented: names, ``.test`` addresses, an address that does not
exist. Passwords are random, kept in ``comptes.json`` (mode 0600) and shown at every start.
"""

from __future__ import annotations

import json
import os
import secrets
import subprocess
import sys
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from deploy.children import StartFailed, die_with
from deploy.places import ROOT
from deploy.plan import Settings

_WORDS = (
    "erable", "riviere", "bouleau", "cardinal", "tramway", "bleuet", "harfang", "lilas", "moulin",
    "canot", "cedre", "verger", "lanterne", "patinoire", "sentier", "tourbiere", "geai", "nacelle",
)  # fmt: skip
_WORDS_IN_PASSWORD = 4
_ADDRESS = ("--adresse", "1, rue de l’Exemple", "--ville", "Sainte-Thérèse",
            "--code-postal", "J7E 0A0")  # fmt: skip


@dataclass(frozen=True)
class Account:
    """A sample account: who, how to log in, and the command that makes it."""

    who: str
    email: str
    command: tuple[str, ...]


ACCOUNTS = (
    Account(
        "citoyenne · citizen",
        "camille.exemple@exemple.test",
        ("creer-citoyen", "--prenom", "Camille", "--nom", "Exemple",
         "--date-naissance", "1990-05-14", *_ADDRESS),
    ),
    Account(
        "citoyen · citizen",
        "sacha.exemple@exemple.test",
        ("creer-citoyen", "--prenom", "Sacha", "--nom", "Exemple", "--langue", "en",
         "--date-naissance", "1984-11-02", *_ADDRESS),
    ),
    Account(
        "agente des cartes · card clerk",
        "agent.exemple@exemple.test",
        ("creer-agent", "--prenom", "Andrée", "--nom", "Exemple", "--role", "agent_cartes"),
    ),
    Account(
        "agente des comptes · account clerk",
        "comptes.exemple@exemple.test",
        ("creer-agent", "--prenom", "Claire", "--nom", "Exemple", "--role", "agent_comptes"),
    ),
    Account(
        "second agent des comptes · second account clerk",
        "comptes2.exemple@exemple.test",
        ("creer-agent", "--prenom", "Félix", "--nom", "Exemple", "--role", "agent_comptes"),
    ),
    Account(
        "administration · administrator",
        "admin.exemple@exemple.test",
        ("creer-agent", "--prenom", "Dominique", "--nom", "Exemple", "--role", "admin"),
    ),
)  # fmt: skip


@dataclass(frozen=True)
class PlasticCard:
    """A card of the city's register that nobody has joined to an account yet (CAR-03, 18)."""

    number: str
    first_name: str
    name: str
    born: str
    postal_code: str
    # A year from the first start: whenever the demo is tried, the card is valid.
    lasts: timedelta = timedelta(days=365)


PLASTIC_CARD = PlasticCard("20042009000017", "Sacha", "Exemple", "1984-11-02", "J7E 0A0")


def load(folder: Path, settings: dict[str, Settings], log: Path) -> dict[str, str]:
    """Make the accounts and the catalogue unless they were made before.

    Returns: password by e-mail address.
    Raises: StartFailed with the log of the command that failed.
    """
    passwords = _passwords(folder)
    done = folder / "echantillon_fait"
    if not done.exists():
        commands: list[tuple[str, tuple[str, ...], str]] = [
            ("demandes", ("charger-catalogue",), ""),
            *(
                (
                    "identite",
                    (*account.command, "--courriel", account.email),
                    passwords[account.email],
                )
                for account in ACCOUNTS
            ),
        ]
        # Together: each spends its second on loading Python and on one Argon2id hash.
        running = [
            (_espace(service, arguments, settings[service], log), password)
            for service, arguments, password in commands
        ]
        for process, password in running:
            process.communicate(f"{password}\n".encode())
        if any(process.returncode for process, _ in running):
            raise StartFailed("échantillon · samples", log, "a command failed")
        _register(folder, settings["cartes"], log)
        done.touch()
    return passwords


def _register(folder: Path, settings: Settings, log: Path) -> None:
    """Import the sample register of plastic cards; a second time it changes nothing."""
    card, register = PLASTIC_CARD, folder / "registre.csv"
    if not register.exists():
        until = datetime.now(UTC).date() + card.lasts
        register.write_text(
            "numero;prenom;nom;date_naissance;code_postal;classe;echeance\n"
            f"{card.number};{card.first_name};{card.name};{card.born};{card.postal_code};"
            f"resident;{until}\n",
            encoding="utf-8",
        )
    process = _espace("cartes", ("importer-registre", str(register)), settings, log)
    process.communicate()
    if process.returncode:
        raise StartFailed("registre · register", log, "importer-registre failed")


def _passwords(folder: Path) -> dict[str, str]:
    place = folder / "comptes.json"
    if not place.exists():
        made = {account.email: _password() for account in ACCOUNTS}
        fresh = place.with_name(".comptes.json")
        fresh.touch(mode=0o600)
        fresh.write_text(json.dumps(made, indent=1))
        fresh.rename(place)
    known: dict[str, str] = json.loads(place.read_text())
    return known


def _password() -> str:
    words = "-".join(secrets.choice(_WORDS) for _ in range(_WORDS_IN_PASSWORD))
    return f"{words}-{secrets.randbelow(9000) + 1000}"


def _espace(
    service: str, arguments: tuple[str, ...], settings: Settings, log: Path
) -> subprocess.Popen[bytes]:
    """Start an operator command; its password comes by standard input, never in a process list."""
    with log.open("ab") as output:
        return subprocess.Popen(
            [sys.executable, "-m", "deploy.espace", service, *arguments],
            cwd=ROOT, stdin=subprocess.PIPE, stdout=output, stderr=subprocess.STDOUT,
            env={**os.environ, **settings},
            preexec_fn=die_with(os.getpid()),  # noqa: PLW1509 - ctypes only
        )  # fmt: skip
