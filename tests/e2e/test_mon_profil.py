"""« Mon profil » in Chromium: a red box, a code by SMS, one by a call (IDN-06, IDN-11)."""

from __future__ import annotations

import re
import secrets

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.e2e.pages.test_pages import ecouter, violations
from tests.e2e.parcours.acces import Acces
from tests.e2e.parcours.navigation import Visite
from tests.kit.components import Courrier
from tests.kit.wait import wait_until

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("suite")]

DOMAINE = "sainte-therese.example"


def un_numero() -> str:
    """A number that no other test has: the suite and its mailbox are shared."""
    return f"+1450555{secrets.randbelow(10_000):04d}"


def lire_code(acces: Acces, numero: str, canal: str) -> str:
    """The six digits of the message that the demo's mailbox shows for a number."""
    boite = Courrier(smtp_url="", api_url=acces.courrier)
    adresse = f"{numero.removeprefix('+')}@{canal}.{DOMAINE}"

    def code() -> str | None:
        for mail in boite.messages(to=adresse):
            if trouve := re.search(r"\d, \d, \d, \d, \d, \d|\b\d{6}\b", str(mail["text"])):
                return trouve[0].replace(", ", "")
        return None

    # The target of the call is ten seconds from the click.
    trouve = wait_until(code, timeout=10, what=f"the code to {numero}")
    assert trouve is not None
    return trouve


def ouvrir(navigateur: Browser, acces: Acces, *, langue: str, largeur: int) -> Page:
    """A person who has just signed up and logged in, at their profile."""
    visite = Visite(acces)
    for etape in (visite.s_inscrire, visite.activer, visite.se_connecter):
        etape()
    contexte = navigateur.new_context(
        viewport={"width": largeur, "height": 900}, locale="fr-CA", base_url=acces.portail
    )
    contexte.add_cookies(
        [
            {"name": "session", "value": visite.web.http.cookies["session"], "url": acces.portail},
            {"name": "langue", "value": langue, "url": acces.portail},
        ]
    )
    page = contexte.new_page()
    page.set_default_timeout(20_000)
    page.goto("/compte")
    return page


def ajouter(page: Page, numero: str) -> None:
    page.goto("/compte/coordonnees/ajouter")
    page.locator("input[name=numero]").fill(numero)
    page.locator("main form:has(input[name=numero]) button[type=submit]").click()
    page.wait_for_url(re.compile(r"/compte/coordonnees/[0-9a-f-]{36}$"))


@pytest.mark.exigence("IDN-06", "IDN-11", "IDN-01")
@pytest.mark.parametrize(("langue", "largeur"), [("fr", 1280), ("en", 360)])
def test_prouver_changer_et_retirer_un_numero(
    navigateur: Browser, acces: Acces, langue: str, largeur: int
) -> None:
    page = ouvrir(navigateur, acces, langue=langue, largeur=largeur)
    fautes = ecouter(page)
    numero, nouveau = un_numero(), un_numero()
    ajouter(page, numero)

    for chemin in ("/accueil", "/compte"):
        page.goto(chemin)
        encadre = page.locator(".encadre-rouge")
        expect(encadre).to_have_count(1)
        expect(encadre.locator("svg").first).to_be_visible()
        assert violations(page) == []
    encadre.locator("button[value=texto]").click()
    page.wait_for_url("**canal=texto")
    expect(page.locator("main")).to_contain_text("819")
    assert violations(page) == []
    page.locator("input[name=code]").fill("000000")
    page.keyboard.press("Enter")
    expect(page.locator(".sommaire-fautes")).to_be_visible()
    page.locator("input[name=code]").fill(lire_code(acces, numero, "texto"))
    page.keyboard.press("Enter")
    page.wait_for_url("**/compte?fait=numero_verifie")
    expect(page.locator(".encadre-rouge")).to_have_count(0)
    assert violations(page) == []

    page.locator("a[href*='remplace=']").click()
    page.locator("input[name=numero]").fill(nouveau)
    page.keyboard.press("Enter")
    page.locator("button[value=appel]").click()
    page.wait_for_url("**canal=appel")
    page.locator("input[name=code]").fill(lire_code(acces, nouveau, "telephone"))
    page.keyboard.press("Enter")
    page.wait_for_url("**/compte?fait=numero_verifie")
    table = page.locator("main table")
    expect(table).to_contain_text(nouveau[-4:])
    expect(table).not_to_contain_text(f"{numero[5:8]}-{numero[-4:]}")
    assert page.evaluate("document.documentElement.scrollWidth") <= largeur
    # A refused code answers 422, which Chromium writes to the console by itself.
    assert [faute for faute in fautes if "status of 422" not in faute] == []
    page.context.close()


@pytest.mark.exigence("IDN-11", "IDN-05", "IDN-07")
def test_modifier_son_profil_sans_script(navigateur: Browser, acces: Acces) -> None:
    page = ouvrir(navigateur, acces, langue="fr", largeur=360)
    sans = navigateur.new_context(
        viewport={"width": 360, "height": 900}, base_url=acces.portail, java_script_enabled=False
    )
    sans.add_cookies(
        [
            {"name": temoin["name"], "value": temoin["value"], "url": acces.portail}
            for temoin in page.context.cookies()
        ]
    )
    page.context.close()
    page = sans.new_page()
    page.goto("/compte")
    page.locator("a[href='/compte/modifier']").click()
    page.locator("input[name=ligne]").fill("12, rue Blainville Ouest")
    page.locator("input[name=categories][value=culture_loisirs]").check()
    page.locator("main form button[type=submit]").last.click()
    page.wait_for_url("**/compte?fait=profil_modifie")
    expect(page.locator("main")).to_contain_text("12, rue Blainville Ouest")

    # avis learns of the choice from the event.
    def choisie() -> bool:
        page.goto("/accueil")
        return "culture" in page.locator("main").inner_text().lower()

    wait_until(choisie, timeout=15, what="the category on the home")
    sans.close()
