"""Second factors in a browser: passkeys of Chromium's virtual authenticator, codes, recovery.

The suite of this file asks a second factor of the staff, as every installation but the demo does.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import pyotp
import pytest
from playwright.sync_api import Browser, BrowserContext, Page

from tests.e2e.pages.test_pages import LARGEURS, violations
from tests.kit.suite import Suite, running

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.xdist_group("suite"),
    pytest.mark.exigence("IDN-20"),
]


@dataclass(frozen=True)
class Compte:
    """Somebody who can log in."""

    courriel: str
    mot_de_passe: str


@pytest.fixture(scope="module")
def suite(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Suite]:
    with running(
        tmp_path_factory.mktemp("facteurs"), {"IDENTITE_SECOND_FACTEUR_PERSONNEL": "true"}
    ) as started:
        yield started


@pytest.fixture(scope="module")
def site(suite: Suite) -> str:
    # A passkey belongs to a name: 127.0.0.1 has none.
    return suite.base_url.replace("127.0.0.1", "localhost")


@pytest.fixture
def compte(suite: Suite) -> Callable[..., Compte]:
    """Make an account: ``compte()`` a citizen, ``compte("admin")`` staff."""

    def creer(role: str = "") -> Compte:
        nom = secrets.token_hex(4)
        fait = Compte(f"{nom}@exemple.test", f"Érable-{secrets.token_urlsafe(16)}")
        qui = ("creer-agent", "--role", role) if role else ("creer-citoyen",)
        suite.espace(
            "identite", *qui, "--courriel", fait.courriel, "--prenom", "Rose", "--nom", "Roy",
            stdin=f"{fait.mot_de_passe}\n",
        )  # fmt: skip
        return fait

    return creer


@pytest.fixture
def fenetre(navigateur: Browser, site: str) -> Iterator[Callable[..., BrowserContext]]:
    ouverts: list[BrowserContext] = []

    def ouvrir(**options: Any) -> BrowserContext:
        ouverts.append(navigateur.new_context(base_url=site, locale="fr-CA", **options))
        return ouverts[-1]

    yield ouvrir
    for context in ouverts:
        context.close()


def authentificateur(page: Page) -> None:
    """Give the page a phone that recognises its owner."""
    cdp = page.context.new_cdp_session(page)
    cdp.send("WebAuthn.enable")
    cdp.send(
        "WebAuthn.addVirtualAuthenticator",
        {
            "options": {
                "protocol": "ctap2",
                "transport": "internal",
                "hasResidentKey": True,
                "hasUserVerification": True,
                "isUserVerified": True,
                "automaticPresenceSimulation": True,
            }
        },
    )


def entrer(page: Page, qui: Compte, porte: str = "/connexion") -> None:
    page.goto(porte)
    page.fill("#identifiant", qui.courriel)
    page.fill("#mot_de_passe", qui.mot_de_passe)
    page.click("main button[type=submit]:has-text('Se connecter')")


def sortir(page: Page) -> None:
    page.click("button:has-text('Me déconnecter')")


def enroler_application(page: Page, securite: str) -> tuple[pyotp.TOTP, list[str]]:
    page.goto(f"{securite}/application")
    secret = (page.text_content(".secret-facteur") or "").replace(" ", "")
    generateur = pyotp.TOTP(secret)
    page.fill("#code", generateur.now())
    page.click("main button:has-text('Confirmer')")
    page.wait_for_selector(".codes-secours")
    return generateur, page.locator(".codes-secours code").all_text_contents()


def accessible(page: Page) -> None:
    """No violation, nothing sideways, in both widths."""
    for largeur in LARGEURS:
        page.set_viewport_size({"width": largeur, "height": 900})
        assert page.evaluate("document.documentElement.scrollWidth") <= largeur, page.url
        assert violations(page) == [], page.url


def test_a_passkey_is_made_then_opens_the_door_alone(
    fenetre: Callable[..., BrowserContext], compte: Callable[..., Compte]
) -> None:
    page = fenetre().new_page()
    authentificateur(page)
    moi = compte()
    entrer(page, moi)
    page.wait_for_url("**/accueil")
    page.goto("/compte/securite/cle")
    accessible(page)
    page.fill("#nom", "Mon téléphone")
    page.click("[data-demander]")
    page.wait_for_selector(".codes-secours")
    accessible(page)
    page.click("text=J’ai noté mes codes")
    assert page.locator(".liste-facteurs strong").all_text_contents() == ["Mon téléphone"]
    sortir(page)

    # As the second step after the password.
    entrer(page, moi)
    page.wait_for_url(re.compile("/connexion/verification"))
    accessible(page)
    page.click("[data-demander]")
    page.wait_for_url("**/accueil")
    sortir(page)

    # And alone.
    page.goto("/connexion?suite=/cartes")
    page.click("text=Me connecter avec une clé d’accès")
    page.click("[data-demander]")
    # The path, not the end of the log-in's own address.
    page.wait_for_url(lambda url: urlsplit(url).path == "/cartes")
    page.goto("/compte/securite")
    accessible(page)
    page.click(".liste-facteurs a")
    accessible(page)
    page.click("main button:has-text('Retirer cette clé')")
    page.wait_for_selector("text=Le second facteur est retiré")


def test_without_javascript_a_code_and_a_recovery_code_are_enough(
    fenetre: Callable[..., BrowserContext], compte: Callable[..., Compte]
) -> None:
    page = fenetre(java_script_enabled=False).new_page()
    moi = compte()
    entrer(page, moi)
    _, codes = enroler_application(page, "/compte/securite")
    assert len(codes) == 10
    sortir(page)
    entrer(page, moi)
    assert "/connexion/verification" in page.url
    page.fill("#code", codes[0].lower())
    page.click("main button:has-text('Continuer')")
    assert "fait=code_secours" in page.url
    assert "Il vous reste 9 codes" in (page.text_content("main") or "")


@pytest.mark.parametrize("langue", ["fr", "en"])
def test_staff_enrol_before_anything_else(
    fenetre: Callable[..., BrowserContext], compte: Callable[..., Compte], langue: str
) -> None:
    page = fenetre().new_page()
    admin = compte("admin")
    entrer(page, admin, "/agents/connexion")
    page.wait_for_url("**/agents/securite")
    page.goto("/agents/droits")
    assert page.url.endswith("/agents/securite")
    page.goto(f"/agents/securite?lang={langue}")
    accessible(page)
    page.goto(f"/agents/securite/application?lang={langue}")
    accessible(page)
    page.goto("/agents/securite?lang=fr")
    enroler_application(page, "/agents/securite")
    page.goto(f"/agents/droits?lang={langue}")
    titre = "Droits du personnel" if langue == "fr" else "Staff rights"
    assert page.locator("h1").text_content() == titre
    accessible(page)
    page.goto("/agents/?lang=fr")
    assert page.url.split("?")[0].endswith("/agents/droits")


@pytest.mark.exigence("IDN-21")
def test_a_mandate_is_given_accepted_used_and_ended(
    fenetre: Callable[..., BrowserContext], compte: Callable[..., Compte]
) -> None:
    mere, fille = compte(), compte()
    chez_mere, chez_fille = fenetre().new_page(), fenetre().new_page()
    entrer(chez_mere, mere)
    chez_mere.goto("/compte/mandataires")
    accessible(chez_mere)
    chez_mere.fill("#courriel", fille.courriel)
    chez_mere.check("input[name=portee][value=cartes]")
    chez_mere.click("main button:has-text('Inviter')")
    chez_mere.wait_for_selector("text=L’invitation est faite")

    entrer(chez_fille, fille)
    chez_fille.goto("/compte/mandataires")
    accessible(chez_fille)
    chez_fille.click("button:has-text('Accepter')")
    chez_fille.click("button:has-text('Agir pour cette personne')")
    chez_fille.wait_for_url("**/cartes")
    assert "Vous agissez pour Rose Roy." in (chez_fille.text_content(".agit-pour") or "")
    accessible(chez_fille)
    # What the mandate does not say stays closed, by the service itself.
    for ferme in ("/stockage", "/avis"):
        assert chez_fille.goto(ferme).status == 403, ferme  # type: ignore[union-attr]
        assert chez_fille.locator(".agit-pour").count() == 1

    chez_mere.reload()
    chez_mere.click("button:has-text('Mettre fin')")
    chez_mere.wait_for_selector("text=Le mandat est terminé")
    # The gateway remembers a verified session for five seconds.
    chez_fille.wait_for_timeout(5_500)
    chez_fille.goto("/compte")
    assert chez_fille.locator(".agit-pour").count() == 0
    assert re.search("Mon profil", chez_fille.text_content("main") or "")
