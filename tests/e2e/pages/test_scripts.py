"""What scripts add to pages that work without them."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.e2e.pages.conftest import Contexte, Dossier, ouvrir_dossier
from tests.e2e.parcours.acces import Acces, photo

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("suite")]


def test_le_mot_de_passe_se_montre_et_se_cache(dossier: Dossier, contexte: Contexte) -> None:
    page = contexte(dossier).new_page()
    page.goto("/connexion")
    champ = page.locator("#mot_de_passe")
    bouton = page.locator("[data-secret] button")
    bouton.click()
    expect(champ).to_have_attribute("type", "text")
    expect(bouton).to_have_attribute("aria-pressed", "true")
    bouton.click()
    expect(champ).to_have_attribute("type", "password")


@pytest.mark.exigence("STO-01")
def test_un_filtre_change_la_liste_et_l_adresse(dossier: Dossier, contexte: Contexte) -> None:
    page = contexte(dossier, qui="citoyen").new_page()
    page.goto("/stockage")
    expect(page.locator(".pieces > li")).to_have_count(2)
    page.evaluate("window.restee = true")
    page.get_by_role("link", name="Pièces d’identité").click()
    expect(page.locator(".pieces > li")).to_have_count(1)
    page.wait_for_url("**/stockage?genre=identite")
    assert page.evaluate("window.restee"), "the page was not loaded again"
    expect(page.locator(".filtres [aria-current]")).to_have_text("Pièces d’identité")
    # A search stays in the kind that was chosen.
    page.locator("#recherche").press_sequentially("zzz")
    page.wait_for_url("**/stockage?*recherche=zzz*")
    assert "genre=identite" in page.url
    expect(page.locator("#pieces .vide")).to_be_visible()


@pytest.mark.exigence("DEM-01")
def test_la_recherche_repond_pendant_la_saisie(dossier: Dossier, contexte: Contexte) -> None:
    page = contexte(dossier).new_page()
    page.goto("/demandes/nouvelle")
    page.locator("#recherche").press_sequentially("zzzz")
    expect(page.locator("#resultats .vide")).to_be_visible()
    expect(page.locator("#recherche")).to_be_focused()


@pytest.mark.exigence("STO-01")
def test_un_fichier_ajoute_arrive_dans_la_liste(acces: Acces, contexte: Contexte) -> None:
    dossier = ouvrir_dossier(acces)
    page = contexte(dossier, qui="citoyen", largeur=360).new_page()
    page.goto("/stockage/ajouter")
    page.locator("#libelle").fill("Photo du passeport")
    page.locator("#fichier").set_input_files(
        {"name": "passeport.jpg", "mimeType": "image/jpeg", "buffer": photo("Exemple")}
    )
    expect(page.locator(".envois li")).to_contain_text("passeport.jpg")
    page.locator("main button[type=submit]").last.click()
    page.wait_for_url("**/stockage?fait=piece_ajoutee")
    expect(page.get_by_role("status").first).to_contain_text("enregistré")
    expect(page.get_by_role("link", name="Photo du passeport", exact=True)).to_be_visible()
    # A refused file leaves the form as it was filled in, on the same page.
    page.goto("/stockage/ajouter")
    page.locator("#libelle").fill("Un texte")
    page.locator("#fichier").set_input_files(
        {"name": "texte.pdf", "mimeType": "application/pdf", "buffer": b"pas un PDF"}
    )
    page.locator("main button[type=submit]").last.click()
    expect(page.locator(".sommaire-fautes")).to_contain_text("Ce type de fichier n’est pas accepté")
    expect(page.locator("#libelle")).to_have_value("Un texte")


@pytest.mark.exigence("PAS-02", "CAR-04")
def test_accepter_une_demande_complete_prend_quatre_clics(acces: Acces, contexte: Contexte) -> None:
    dossier = ouvrir_dossier(acces)
    page = contexte(dossier, qui="agent").new_page()
    page.goto("/agents/")
    while not (lien := page.get_by_role("link", name=dossier.nom)).count():
        page.get_by_role("link", name="Demandes suivantes").click()
    lien.click()
    images = page.locator(".vue img")
    expect(images).to_have_count(2)
    for rang in range(2):
        assert images.nth(rang).evaluate(
            "async image => (await image.decode(), image.naturalWidth)"
        )
    page.locator("input[name=identite-verdict][value=accepter]").click()
    page.locator("input[name=residence-verdict][value=accepter]").click()
    page.get_by_role("button", name="Enregistrer la décision").click()
    page.wait_for_url("**/agents/?fait=demande_approuvee")
    # The same decision once more, from a window that was left open, is told what happened.
    citoyen = contexte(dossier, qui="citoyen").new_page()
    citoyen.goto(f"/cartes/{dossier.adresses['carte']}")
    expect(citoyen.locator(".carte-citoyen")).to_contain_text("Échéance")
    expect(citoyen.locator(".portefeuilles li")).to_have_count(2)


@pytest.mark.exigence("CAR-04")
def test_les_champs_d_un_refus_viennent_avec_le_refus(dossier: Dossier, contexte: Contexte) -> None:
    page = contexte(dossier, qui="agent").new_page()
    page.goto(f"/agents/demandes/{dossier.adresses['demande']}")
    motif = page.locator("[name=residence-motif]")
    expect(motif).to_be_hidden()
    page.locator("input[name=residence-verdict][value=refuser]").click()
    expect(motif).to_be_visible()
    page.get_by_role("button", name="Agrandir : Pièce d’identité").click()
    expect(page.locator("#cadre-identite")).to_have_class("vue vue-agrandie")
