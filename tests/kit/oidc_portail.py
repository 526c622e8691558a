"""The provider as other programs meet it: the gateway over HTTP, before a real identite."""

from __future__ import annotations

import contextlib
import re
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from html import unescape
from typing import Any

import httpx
from werkzeug.serving import make_server

from deploy.places import free_ports
from passerelle.app import create_app
from passerelle.config import Config
from tests.kit.identite import Identite, une_identite
from tests.kit.identity import PRIVATE_KEY

# Nothing listens there: these pages need identite alone.
_PERSONNE = "127.0.0.1:9"


@dataclass
class Portail:
    """A running provider."""

    base: str
    identite: Identite

    def navigateur(self, jeton: str = "") -> httpx.Client:
        """A browser, logged in with a session's secret; it follows no redirect by itself."""
        client = httpx.Client(base_url=self.base, follow_redirects=False, trust_env=False)
        if jeton:
            client.cookies.set("session", jeton, domain="127.0.0.1")
        return client


@contextlib.contextmanager
def un_portail(database_url: str, port: int = 0, **reglages: Any) -> Iterator[Portail]:
    """Serve the gateway and identite; ``reglages`` are the gateway's."""
    port = port or free_ports(1)
    base = f"http://127.0.0.1:{port}"
    with une_identite(database_url, url_publique=base) as identite:
        # Clients judge signed times by the clock of the machine.
        identite.horloge.now = datetime.now(UTC)
        adresses = dict.fromkeys(("cartes", "demandes", "avis", "stockage"), _PERSONNE)
        adresses["identite"] = identite.adresse
        app = create_app(
            Config(
                token_private_key=PRIVATE_KEY.decode(),
                secret="s" * 40,
                url_publique=base,
                adresses=adresses,
                cache_session_s=0.0,
                **reglages,
            )
        )
        serveur = make_server("127.0.0.1", port, app, threaded=True)
        fil = threading.Thread(target=serveur.serve_forever, daemon=True)
        fil.start()
        try:
            yield Portail(base, identite)
        finally:
            serveur.shutdown()
            fil.join(10)
            serveur.server_close()
            app.extensions["clients"].close()


def formulaire(page: str, bouton: str) -> tuple[str, dict[str, str]]:
    """The form of a page that holds a button with these words: its action and hidden fields."""
    for action, corps in re.findall(
        r'<form method="post" action="([^"]*)"[^>]*>(.*?)</form>', page, re.DOTALL
    ):
        if bouton in unescape(corps):
            champs = {
                nom: unescape(valeur)
                for nom, valeur in re.findall(
                    r'<input type="hidden" name="([^"]*)" value="([^"]*)"', corps
                )
            }
            return unescape(action), champs
    raise AssertionError(f"no form with {bouton!r}")


def consentir(navigateur: httpx.Client, adresse: str, decision: str = "accepter") -> str:
    """Open a client's request and answer its consent page; gives where the client gets told."""
    reponse = navigateur.get(adresse)
    if reponse.status_code == 200:
        action, champs = formulaire(reponse.text, "Donner accès")
        reponse = navigateur.post(action, data={**champs, "decision": decision})
    assert reponse.status_code == 303, reponse.text
    return str(reponse.headers["Location"])
