"""The pages of the OpenID provider in Chromium: accessible, and a log-in that comes to its end.

The content policy stops a redirect that follows one of our forms; only a browser shows that people
reach the application all the same.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlencode, urlsplit
from uuid import uuid4

import pytest
from playwright.sync_api import Browser, Page

from services.identite.use_cases.courriels import empreinte
from tests.e2e.pages.test_pages import LARGEURS, violations
from tests.kit.identite import MOT_DE_PASSE
from tests.kit.oidc import Partie, inscrire, un_defi, une_personne
from tests.kit.oidc_portail import Portail, un_portail

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("suite")]

AGENT = "s" * 43


class _Application(BaseHTTPRequestHandler):
    recus: list[str]

    def do_GET(self) -> None:
        if self.path.startswith("/retour"):
            self.recus.append(self.path)
        self.send_response(200)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.end_headers()
        self.wfile.write(b"<!doctype html><title>Loisirs</title><h1>Bienvenue</h1>")

    def log_message(self, *arguments: object) -> None:
        """Say nothing."""


@dataclass
class Scene:
    """A provider, an application that waits for people, and somebody with a session."""

    portail: Portail
    partie: Partie
    retour: str
    recus: list[str]
    jeton: str
    secret: str

    def demande(self, **champs: str) -> str:
        """The address of an authorization request."""
        valeurs = {
            "response_type": "code",
            "client_id": self.partie.client_id,
            "redirect_uri": self.retour,
            "scope": "openid profile email address offline_access",
            "state": "etat",
            "code_challenge": un_defi()[1],
            "code_challenge_method": "S256",
        }
        return f"{self.portail.base}/oidc/autoriser?{urlencode(valeurs | champs)}"


@pytest.fixture
def scene(database_url, clean_database) -> Iterator[Scene]:
    """A running provider, its upstream button on, and an application on this machine."""
    del clean_database
    recus: list[str] = []
    classe = type("Application", (_Application,), {"recus": recus})
    application = HTTPServer(("127.0.0.1", 0), classe)
    fil = threading.Thread(target=application.serve_forever, daemon=True)
    fil.start()
    retour = f"http://127.0.0.1:{application.server_port}/retour"
    with un_portail(
        database_url("identite"),
        amont_emetteur="http://localhost:9",
        amont_client_id="espace",
        amont_nom_fr="mon compte Québec",
        amont_nom_en="my Québec account",
    ) as portail:
        partie = inscrire(portail.identite, redirections=[retour])
        inscrire(portail.identite, nom_fr="Taxes", nom_en="Taxes", premiere_main=True)
        jeton, secret = une_personne(portail.identite)
        yield Scene(portail, partie, retour, recus, jeton, secret)
    application.shutdown()
    fil.join(5)
    application.server_close()


def une_administratrice(scene: Scene) -> None:
    """A staff session with every factor proved, as identite stores it."""
    identite = scene.portail.identite
    identite.ecrire("UPDATE compte SET roles = ARRAY['citoyen', 'admin']")
    maintenant = identite.horloge()
    identite.ecrire(
        "INSERT INTO session_ouverte (empreinte, id, compte_id, roles, appareil, ouverte_le,"
        " vue_le, inactivite_s, fin_le, prouvee_le) SELECT :empreinte, :id, id, ARRAY['admin'],"
        " '', :maintenant, :maintenant, 900, :fin, :maintenant FROM compte",
        empreinte=empreinte(AGENT),
        id=uuid4(),
        maintenant=maintenant,
        fin=maintenant + timedelta(hours=1),
    )


@pytest.mark.exigence("IDN-19")
def test_somebody_logs_in_consents_and_reaches_the_application(
    scene: Scene, navigateur: Browser
) -> None:
    contexte = navigateur.new_context(locale="fr-CA")
    page = contexte.new_page()
    page.goto(scene.demande())
    page.get_by_label("Courriel ou nom d’utilisateur").fill("zoe.tremblay@exemple.ca")
    page.get_by_label("Mot de passe", exact=False).first.fill(MOT_DE_PASSE)
    page.get_by_role("button", name="Se connecter", exact=True).first.click()
    page.get_by_role("button", name="Donner accès").click()
    page.get_by_role("heading", name="Bienvenue").wait_for()
    dit = parse_qs(urlsplit(scene.recus[-1]).query)
    assert dit["state"] == ["etat"]
    assert len(dit["code"][0]) == 43
    # Remembered: the second time nothing is asked.
    page.goto(scene.demande(scope="openid email"))
    page.get_by_role("heading", name="Bienvenue").wait_for()
    contexte.close()


def regarder(page: Page, adresse: str, nom: str, dossier: Path) -> list[str]:
    """Open a page and say what is wrong with it; a picture is kept beside the test's files."""
    page.goto(adresse)
    page.screenshot(path=dossier / f"{nom}.png", full_page=True)
    faux = [f"{nom}: {faute}" for faute in violations(page)]
    if page.evaluate("document.documentElement.scrollWidth > window.innerWidth"):
        faux.append(f"{nom}: scrolls sideways")
    if page.locator("h1").count() != 1:
        faux.append(f"{nom}: not one h1")
    return faux


def test_the_pages_are_accessible_in_both_languages_on_a_phone_and_a_desk(
    scene: Scene, navigateur: Browser, tmp_path: Path
) -> None:
    code, verificateur = scene.partie.code(scene.jeton, redirection=scene.retour)
    demande = scene.partie.demande(code, verificateur)
    demande.code.redirection = scene.retour
    scene.portail.identite.appeler("ObtenirJetonsOidc", demande)
    une_administratrice(scene)
    base = scene.portail.base
    pages = {
        "consentement": scene.demande(prompt="consent"),
        "reconnexion": scene.demande(prompt="login"),
        "deconnexion": f"{base}/oidc/deconnexion?x=1",
        "applications": f"{base}/compte/applications?x=1",
        "lier": f"{base}/connexion/amont/lier?x=1",
        "clients": f"{base}/agents/applications?x=1",
        "client": f"{base}/agents/applications/nouvelle?x=1",
    }
    faux: list[str] = []
    for largeur in LARGEURS:
        contexte = navigateur.new_context(viewport={"width": largeur, "height": 900})
        for cookie, valeur, chemin in (
            ("session", scene.secret, "/"),
            ("session_agent", AGENT, "/agents"),
            ("amont_billet", "x" * 43, "/"),
        ):
            contexte.add_cookies(
                [{"name": cookie, "value": valeur, "domain": "127.0.0.1", "path": chemin}]
            )
        page = contexte.new_page()
        for langue in ("fr", "en"):
            for nom, adresse in pages.items():
                ou = f"{nom}-{largeur}-{langue}"
                faux += regarder(page, f"{adresse}&lang={langue}", ou, tmp_path)
        contexte.close()
    assert faux == []


def test_an_administrator_registers_an_application_and_sees_its_secret_once(
    scene: Scene, navigateur: Browser
) -> None:
    une_administratrice(scene)
    contexte = navigateur.new_context(locale="fr-CA")
    contexte.add_cookies(
        [{"name": "session_agent", "value": AGENT, "domain": "127.0.0.1", "path": "/agents"}]
    )
    page = contexte.new_page()
    page.goto(f"{scene.portail.base}/agents/applications")
    page.get_by_role("link", name="Inscrire une application").click()
    page.get_by_label("Nom en français").fill("Bibliothèque")
    page.get_by_label("Nom en anglais").fill("Library")
    page.get_by_label("Adresses de retour").fill("http://bibliotheque.exemple.ca/retour")
    page.get_by_role("button", name="Inscrire").click()
    assert "https" in page.locator("#redirections-faute").inner_text()
    page.get_by_label("Adresses de retour").fill("https://bibliotheque.exemple.ca/retour")
    page.get_by_role("button", name="Inscrire").click()
    secret = page.locator("#secret").inner_text()
    assert len(secret) == 43
    page.get_by_role("link", name="Retour aux applications").click()
    assert "Bibliothèque" in page.content()
    assert secret not in page.content()
    contexte.close()
