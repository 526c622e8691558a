"""Every page in Chromium: accessible, in both languages, on a phone and on a desk.

axe finds no violation, nothing scrolls sideways, there is one `h1`, and the console is silent: the
content policy refuses no file of ours.
"""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Page

from deploy.places import NODE_MODULES
from tests.e2e.pages.conftest import Contexte, Dossier

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("suite")]

PAGES = {
    "": (
        "/",
        "/inscription",
        "/inscription/verifiez-votre-boite",
        "/activation/renvoyer",
        "/activation/{jeton}",
        "/connexion",
        "/mot-de-passe-oublie",
        "/mot-de-passe-oublie/envoye",
        "/mot-de-passe/{jeton}",
        "/pas-moi/{jeton}",
        "/courriel/{jeton}",
        "/demandes/nouvelle",
        "/demandes/ticket?numero=ABCD-1234",
        "/aide",
        "/aide/questions",
        "/aide/carte-citoyen",
        "/aide/creer-un-compte",
        "/confidentialite",
        "/temoins",
        "/portefeuille/{jeton}",
        "/n-existe-pas",
        "/agents/connexion",
    ),
    "citoyen": (
        "/accueil",
        "/compte",
        "/compte/modifier",
        "/compte/coordonnees/ajouter",
        "/compte/comptes-lies",
        "/compte/espace-famille",
        "/compte/identifiants",
        "/compte/securite",
        "/compte/securite/application",
        "/compte/securite/cle",
        "/compte/mandataires",
        "/confirmer",
        "/compte/sessions",
        "/compte/sessions/prolonger",
        "/demandes",
        "/stockage",
        "/stockage?recherche=introuvable&tri=nom",
        "/stockage/ajouter",
        "/stockage/{piece}",
        "/stockage/{piece}/modifier",
        "/stockage/{piece}/remplacer",
        "/stockage/{piece}/supprimer",
        "/cartes",
        "/cartes/demande",
        "/cartes/{carte}",
        "/avis",
    ),
    "agent": (
        "/agents/",
        "/agents/?statut=approuvees",
        "/agents/demandes/{demande}",
        "/agents/securite",
        "/agents/comptes",
        "/agents/recuperations",
    ),
}
AXE = (NODE_MODULES / "axe-core" / "axe.min.js").read_text(encoding="utf-8")
REGLES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
LARGEURS = (360, 1280)
# What a phone on a slow link downloads for its first page, compressed or not (PAS-06).
POIDS_MAX = 450_000


def violations(page: Page) -> list[str]:
    """What axe finds, with the element and the reason."""
    page.evaluate(AXE)
    found: Any = page.evaluate(f"axe.run(document, {{runOnly: {REGLES}}})")
    return [
        f"{rule['id']}: {node['target']} {node['failureSummary']}"
        for rule in found["violations"]
        for node in rule["nodes"]
    ]


def ecouter(page: Page) -> list[str]:
    """Errors that the page writes to the console from now on."""
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on(
        "console",
        lambda message: errors.append(message.text) if message.type == "error" else None,
    )
    return errors


@pytest.mark.exigence("PAS-01", "PAS-06")
@pytest.mark.parametrize("langue", ["fr", "en"])
@pytest.mark.parametrize(
    ("qui", "chemin"), [(qui, chemin) for qui, chemins in PAGES.items() for chemin in chemins]
)
def test_chaque_page_est_accessible(
    dossier: Dossier, contexte: Contexte, qui: str, chemin: str, langue: str
) -> None:
    page = contexte(dossier, qui=qui, langue=langue).new_page()
    errors = ecouter(page)
    attendu = 404 if chemin in {"/n-existe-pas", "/demandes/ticket?numero=ABCD-1234"} else 200
    reponse = page.goto(chemin.format(**dossier.adresses), wait_until="load")
    assert reponse is not None
    assert reponse.status == attendu
    assert page.locator("html").get_attribute("lang") == f"{langue}-CA"
    assert page.locator("h1").count() == 1
    # One that its visitor may not see would be as accessible as it likes.
    assert "/connexion" in chemin or "/connexion" not in page.url
    for largeur in LARGEURS:
        page.set_viewport_size({"width": largeur, "height": 900})
        assert page.evaluate("document.documentElement.scrollWidth") <= largeur
        assert violations(page) == []
    assert [error for error in errors if f"status of {attendu}" not in error] == []


@pytest.mark.exigence("PAS-06")
@pytest.mark.parametrize("langue", ["fr", "en"])
def test_une_faute_de_saisie_est_accessible(
    dossier: Dossier, contexte: Contexte, langue: str
) -> None:
    page = contexte(dossier, langue=langue, largeur=360).new_page()
    page.goto("/inscription")
    page.locator("main button[type=submit]").last.click()
    sommaire = page.locator(".sommaire-fautes")
    sommaire.wait_for()
    assert sommaire.evaluate("element => element === document.activeElement")
    assert violations(page) == []
    sommaire.locator("a").first.click()
    assert page.evaluate("document.activeElement.id") == "prenom"


@pytest.mark.exigence("PAS-06")
def test_le_premier_accueil_est_leger(dossier: Dossier, contexte: Contexte) -> None:
    page = contexte(dossier, largeur=360).new_page()
    poids: list[int] = []
    page.on("response", lambda reponse: poids.append(len(reponse.body())))
    page.goto("/", wait_until="networkidle")
    assert sum(poids) < POIDS_MAX


@pytest.mark.exigence("PAS-06")
def test_le_clavier_saute_l_entete(dossier: Dossier, contexte: Contexte) -> None:
    page = contexte(dossier, qui="citoyen").new_page()
    page.goto("/accueil")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "evitement"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "contenu"
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.closest('main') !== null")
