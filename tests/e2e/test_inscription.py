"""The check against robots in Chromium: found unseen, copied by choice, or without JavaScript."""

from __future__ import annotations

import base64
import hmac
import json

import pytest
from playwright.sync_api import Browser, Page, expect

from services.identite.domain.defi import code_de
from tests.e2e.parcours.acces import Acces, Personne
from tests.kit.suite import Suite

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("suite"), pytest.mark.exigence("IDN-03")]


def remplir(page: Page, personne: Personne) -> None:
    page.goto("/inscription")
    page.locator("input[name=prenom]").fill(personne.prenom)
    page.locator("input[name=nom]").fill(personne.nom)
    page.locator("input[name=courriel]").fill(personne.courriel)
    page.locator("input[name=mot_de_passe]").fill(personne.mot_de_passe)


def lire_le_code(suite: Suite, page: Page) -> str:
    """What the picture shows: the code follows from the installation's key."""
    jeton = page.locator("input[name=defi]").input_value()
    cle = base64.b64decode(suite.plan.keys.secret("scelle_identite").read_text())
    corps = json.dumps(["code_securite", {"defi": jeton.split(".")[3]}], sort_keys=True).encode()
    return code_de(hmac.digest(cle, b"identite.digest\0" + corps, "sha256"))


def envoyer(page: Page) -> None:
    page.locator("input[name=prenom]").press("Enter")


def test_la_preuve_est_trouvee_pendant_que_l_on_ecrit(acces: Acces, navigateur: Browser) -> None:
    page = navigateur.new_context(base_url=acces.portail, locale="fr-CA").new_page()
    demandes: list[str] = []
    page.on("request", lambda demande: demandes.append(demande.url))
    remplir(page, Personne())
    # Whether or not it is found by now: the form waits for it.
    envoyer(page)
    page.wait_for_url("**/inscription/verifiez-votre-boite")
    assert [url for url in demandes if "code-securite" in url] == []
    assert {url.split("/")[2] for url in demandes} == {acces.portail.split("/")[2]}
    page.context.close()


def test_on_peut_recopier_ou_ecouter_le_code(
    acces: Acces, suite: Suite, navigateur: Browser
) -> None:
    page = navigateur.new_context(base_url=acces.portail, locale="fr-CA").new_page()
    # A browser that cannot look for the proof.
    page.add_init_script("window.Worker = function () { throw new Error('none'); }")
    remplir(page, Personne())
    champ = page.get_by_label("Caractères du code")
    champ.wait_for()
    premier = page.locator("[data-image]").get_attribute("src")
    page.get_by_role("button", name="Un autre code").click()
    expect(page.locator("[data-image]")).not_to_have_attribute("src", str(premier))
    expect(champ).to_be_focused()
    duree = page.locator("audio").evaluate(
        """son => new Promise((dire, refuser) => {
             son.onloadedmetadata = () => dire(son.duration);
             son.onerror = () => refuser(new Error(son.error.message));
             son.preload = "auto";
             son.load();
           })"""
    )
    assert duree > 5
    champ.fill(lire_le_code(suite, page).lower())
    envoyer(page)
    page.wait_for_url("**/inscription/verifiez-votre-boite")
    page.context.close()


def test_sans_javascript_le_code_suffit(acces: Acces, suite: Suite, navigateur: Browser) -> None:
    page = navigateur.new_context(
        base_url=acces.portail, locale="fr-CA", java_script_enabled=False
    ).new_page()
    personne = Personne()
    remplir(page, personne)
    page.get_by_label("Caractères du code").fill("AAAAAA")
    envoyer(page)
    expect(page.locator(".sommaire-fautes")).to_contain_text("code")
    expect(page.locator("input[name=courriel]")).to_have_value(personne.courriel)
    page.locator("input[name=mot_de_passe]").fill(personne.mot_de_passe)
    page.get_by_label("Caractères du code").fill(lire_le_code(suite, page))
    envoyer(page)
    page.wait_for_url("**/inscription/verifiez-votre-boite")
    page.context.close()
