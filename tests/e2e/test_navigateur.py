"""The main journey in Chromium, as a person on a phone and an agent at a desk play it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, ViewportSize, expect

from tests.e2e.parcours import preuves
from tests.e2e.parcours.acces import Acces, Personne, document, photo
from tests.kit.wait import wait_until

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("suite")]

TELEPHONE: ViewportSize = {"width": 360, "height": 740}
BUREAU: ViewportSize = {"width": 1280, "height": 900}


def ouvrir(
    navigateur: Browser, acces: Acces, taille: ViewportSize, *, javascript: bool = True
) -> Page:
    contexte = navigateur.new_context(
        viewport=taille, locale="fr-CA", base_url=acces.portail, java_script_enabled=javascript
    )
    page = contexte.new_page()
    page.set_default_timeout(60_000)
    return page


def inscrire(page: Page, acces: Acces, personne: Personne) -> None:
    page.goto("/")
    page.get_by_role("link", name="Inscrivez-vous").first.click()
    page.get_by_label("Prénom", exact=False).fill(personne.prenom)
    page.locator("input[name=nom]").fill(personne.nom)
    page.locator("input[name=courriel]").fill(personne.courriel)
    page.locator("input[name=mot_de_passe]").fill(personne.mot_de_passe)
    page.locator("input[name=ligne]").fill(personne.adresse)
    page.locator("input[name=municipalite]").fill(personne.ville)
    page.locator("input[name=code_postal]").fill(personne.code_postal)
    page.locator("input[name=date_naissance]").fill(personne.date_naissance)
    page.locator("form:has(input[name=nom]) button[type=submit]").click()
    page.wait_for_url("**/inscription/verifiez-votre-boite")
    page.goto(acces.lien(personne.courriel, "/activation/"))
    page.locator("main form button[type=submit]").click()
    expect(page.locator("main")).to_contain_text("activé")


def se_connecter(page: Page, identifiant: str, mot_de_passe: str, *, chemin: str) -> None:
    """Log in with the keyboard alone: type, tab, type, return."""
    page.goto(chemin)
    page.locator("input[name=identifiant]").focus()
    page.keyboard.type(identifiant)
    page.locator("input[name=mot_de_passe]").focus()
    page.keyboard.type(mot_de_passe)
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile(r"^(?!.*connexion)"))


def deposer(page: Page, folder: Path, nom: str, contenu: bytes, genre: str) -> None:
    place = folder / nom
    place.write_bytes(contenu)
    page.goto("/stockage")
    page.get_by_role("link", name="Ajouter").first.click()
    page.locator("select[name=genre], input[name=genre]").first.wait_for()
    if page.locator("select[name=genre]").count():
        page.select_option("select[name=genre]", genre)
    else:
        page.locator(f"input[name=genre][value={genre}]").check()
    page.locator("input[name=libelle]").fill(nom)
    page.set_input_files("input[type=file]", place)
    page.locator("form[data-depot] button[type=submit]").click()
    page.wait_for_url(re.compile(r"/stockage(\?|/[0-9a-f-]{36}|$)"))


@pytest.mark.exigence("PAS-01", "PAS-02", "PAS-06", "CAR-02", "CAR-04", "CAR-05", "STO-03")
def test_de_l_inscription_a_la_carte_sur_un_telephone(
    acces: Acces, navigateur: Browser, tmp_path: Path
):
    personne = Personne(prenom="Inès")
    page = ouvrir(navigateur, acces, TELEPHONE)
    fautes: list[str] = []
    page.on("pageerror", lambda error: fautes.append(str(error)))
    inscrire(page, acces, personne)
    se_connecter(page, personne.courriel, personne.mot_de_passe, chemin="/connexion")
    expect(page.locator("h1")).to_contain_text(personne.prenom)

    deposer(page, tmp_path, "identite.jpg", photo("Carte exemple"), "IDENTITE")
    deposer(page, tmp_path, "residence.pdf", document("Facture exemple"), "RESIDENCE")
    page.goto("/stockage")
    page.get_by_role("link", name="residence.pdf").first.click()
    apercu = page.locator("img[src*='apercu']").first
    expect(apercu).to_be_visible()
    wait_until(
        lambda: apercu.evaluate("image => image.naturalWidth") > 0, what="the preview's image"
    )

    # A double click on the button is one request, and one card.
    page.goto("/cartes/demande")
    page.get_by_role("button", name="Demander ma carte").dblclick()
    page.wait_for_url(re.compile(r"/cartes/[0-9a-f-]{36}"))
    expect(page.locator("main")).to_contain_text("validation")
    demande = page.url

    agent = ouvrir(navigateur, acces, BUREAU)
    se_connecter(agent, *acces.agent, chemin="/agents/connexion")
    agent.get_by_role("link", name=re.compile(personne.nom)).first.click()
    images = agent.locator("img[src*='apercu']")
    expect(images).to_have_count(2)
    wait_until(
        lambda: all(image.evaluate("image => image.naturalWidth") > 0 for image in images.all()),
        what="both proofs side by side",
    )
    boites = [images.nth(rang).bounding_box() for rang in range(2)]
    assert boites[0] is not None
    assert boites[1] is not None
    assert abs(boites[0]["y"] - boites[1]["y"]) < 5, "side by side"
    agent.get_by_role("button", name="Tout accepter").click()
    agent.wait_for_url(re.compile(r"/agents/(\?|$)"))
    agent.context.close()

    acces.lien(personne.courriel, "/portefeuille/")
    page.goto(demande)
    expect(page.locator("main")).to_contain_text("20")
    page.goto("/" + "/".join(acces.lien(personne.courriel, "/portefeuille/").split("/")[1:3]))
    with page.expect_download() as recu:
        page.locator("a[href$='/apple']").first.click()
    preuves.verifier_passe(Path(recu.value.path()).read_bytes(), acces.racine)
    assert recu.value.suggested_filename.endswith(".pkpass")
    assert fautes == []
    page.context.close()


def test_ce_qui_est_faux_est_dit_a_cote_du_champ_et_rien_n_est_perdu(
    acces: Acces, navigateur: Browser
):
    page = ouvrir(navigateur, acces, TELEPHONE)
    page.goto("/inscription")
    page.locator("input[name=prenom]").fill("Inès")
    page.locator("input[name=courriel]").fill("pas-une-adresse")
    page.locator("input[name=mot_de_passe]").fill("court")
    page.locator("form:has(input[name=nom]) button[type=submit]").click()
    expect(page.locator("[data-fautes]")).to_be_focused()
    expect(page.locator("input[name=prenom]")).to_have_value("Inès")
    faux = page.locator("input[name=courriel]")
    expect(faux).to_have_attribute("aria-invalid", "true")
    assert page.locator(f"#{(faux.get_attribute('aria-describedby') or '').split()[0]}").count()
    page.context.close()


def test_sans_javascript_et_en_anglais(acces: Acces, navigateur: Browser):
    page = ouvrir(navigateur, acces, BUREAU, javascript=False)
    page.goto("/?lang=en")
    expect(page.locator("html")).to_have_attribute("lang", re.compile("^en"))
    expect(
        page.get_by_role("link", name=re.compile("Sign up|Register|Create", re.IGNORECASE)).first
    ).to_be_visible()
    page.context.close()
