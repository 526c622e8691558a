"""What journeys need besides the suite: an agent, the catalogue, a browser."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect, sync_playwright

from deploy.browser import chromium_path
from tests.e2e.parcours.acces import Acces
from tests.kit.suite import Suite

# Pages wait for five services on a machine that runs two suites of tests: slow is not wrong.
expect.set_options(timeout=30_000)

_AGENT = "agente.exemple@exemple.test"


@pytest.fixture
def acces(connue: Acces) -> Iterator[Acces]:
    """The suite as an outside client knows it, with its catalogue and one agent of the cards."""
    yield connue
    connue.fermer()


@pytest.fixture(scope="session")
def connue(suite: Suite) -> Acces:
    """What `acces` tells, made once."""
    mot_de_passe = f"Érable-{secrets.token_urlsafe(16)}"
    suite.espace("demandes", "charger-catalogue")
    suite.espace(
        "identite", "creer-agent", "--courriel", _AGENT, "--prenom", "Andrée", "--nom", "Exemple",
        "--role", "agent_cartes", stdin=f"{mot_de_passe}\n",
    )  # fmt: skip
    # The same person looks after accounts too: the second call gives the role and nothing else.
    suite.espace(
        "identite", "creer-agent", "--courriel", _AGENT, "--prenom", "Andrée", "--nom", "Exemple",
        "--role", "agent_comptes", stdin=f"{mot_de_passe}\n",
    )  # fmt: skip
    return Acces(
        portail=suite.base_url,
        courrier=suite.mailbox.api_url,
        agent=(_AGENT, mot_de_passe),
        racine=suite.plan.keys.apple / "racine.pem",
        compte_google=suite.plan.keys.google,
    )


@pytest.fixture(scope="session")
def navigateur() -> Iterator[Browser]:
    """A headless Chromium, Debian's or npm's."""
    path, environment = chromium_path()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=str(path),
            env={**os.environ, **environment},
            args=["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
                  "--disable-background-networking", "--disable-component-update",
                  "--disable-sync"],
        )  # fmt: skip
        yield browser
        browser.close()
