"""« Mon espace de stockage » as a citizen uses it: drag, photograph, look, replace, delete, use."""

from __future__ import annotations

import base64
import io
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.e2e.pages.conftest import Dossier
from tests.e2e.pages.test_pages import ecouter, violations
from tests.e2e.parcours.acces import Acces, document
from tests.e2e.parcours.navigation import Visite
from tests.kit import stockage as kit

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("suite")]

DEPOSER = """
([zone, fichiers]) => {
  const transfert = new DataTransfer();
  for (const [nom, type, base64] of fichiers) {
    const octets = Uint8Array.from(atob(base64), (c) => c.charCodeAt(0));
    transfert.items.add(new File([octets], nom, { type }));
  }
  for (const genre of ["dragenter", "dragover", "drop"])
    zone.dispatchEvent(
      new DragEvent(genre, { dataTransfer: transfert, bubbles: true, cancelable: true }),
    );
}
"""


@pytest.fixture(scope="module")
def citoyen(connue: Acces) -> Iterator[Dossier]:
    """Somebody with an account and an empty space."""
    visite = Visite(connue)
    for etape in (visite.s_inscrire, visite.activer, visite.se_connecter):
        etape()
    yield Dossier(
        portail=connue.portail,
        nom=visite.personne.nom,
        adresses={},
        cookies={"citoyen": visite.web.http.cookies["session"]},
    )
    connue.fermer()


def fenetre(
    navigateur: Browser,
    citoyen: Dossier,
    *,
    largeur: int = 1280,
    langue: str = "fr",
    js: bool = True,
) -> BrowserContext:
    context = navigateur.new_context(
        base_url=citoyen.portail,
        viewport={"width": largeur, "height": 900},
        locale="fr-CA",
        has_touch=largeur < 600,
        java_script_enabled=js,
    )
    context.set_default_timeout(30_000)
    context.add_cookies(
        [
            {"name": "session", "value": citoyen.cookies["citoyen"], "url": citoyen.portail},
            {"name": "langue", "value": langue, "url": citoyen.portail},
        ]
    )
    return context


def glisser(page: Page, *fichiers: tuple[str, str, bytes]) -> None:
    """Drop files on the zone, as from a folder of the desktop."""
    zone = page.locator(".depot").element_handle()
    codes = [(nom, genre, base64.b64encode(octets).decode()) for nom, genre, octets in fichiers]
    page.evaluate(DEPOSER, [zone, codes])


@pytest.mark.exigence("STO-01", "STO-03", "STO-05")
def test_glisser_voir_remplacer_et_supprimer(
    citoyen: Dossier, navigateur: Browser, tmp_path: Path
) -> None:
    context = fenetre(navigateur, citoyen)
    page = context.new_page()
    fautes = ecouter(page)
    # Two files at once, dropped.
    page.goto("/stockage/ajouter")
    page.select_option("#genre", "RESIDENCE")
    page.locator("#libelle").fill("Bail")
    page.locator("#valide_jusqu_au").fill("2020-01-31")
    glisser(
        page,
        ("bail-1.pdf", "application/pdf", document("Bail, page un")),
        ("bail-2.pdf", "application/pdf", document("Bail, page deux")),
    )
    expect(page.locator(".envois li")).to_have_count(2)
    page.locator("form[data-depot] button[type=submit]").click()
    page.wait_for_url("**/stockage?fait=piece_ajoutee")
    expect(page.locator(".pieces > li")).to_have_count(2)
    expect(page.locator(".pieces > li").first).to_contain_text("Expirée")
    assert violations(page) == []
    # A photograph as a telephone makes it: 12 megapixels, lying on its side, with its place.
    photo = tmp_path / "permis.jpg"
    photo.write_bytes(kit.une_photo(largeur=4000, hauteur=3000))
    page.goto("/stockage/ajouter?genre=identite")
    page.locator("#libelle").fill("Permis")
    page.locator("#fichier").set_input_files(photo)
    page.locator("form[data-depot] button[type=submit]").click()
    page.wait_for_url("**/stockage?fait=piece_ajoutee")
    page.get_by_role("link", name="Permis", exact=True).click()
    apercu = page.locator(".apercu img")
    large, haut = apercu.evaluate(
        "async i => (await i.decode(), [i.naturalWidth, i.naturalHeight])"
    )
    assert large < haut, "upright"
    with page.expect_download() as recu:
        page.get_by_role("link", name="Télécharger").click()
    octets = Path(recu.value.path()).read_bytes()
    assert recu.value.suggested_filename == "permis.jpg"
    assert not dict(Image.open(io.BytesIO(octets)).getexif())
    # Replace: the earlier version can still be seen.
    page.get_by_role("link", name="Remplacer").click()
    glisser(page, ("nouveau.png", "image/png", kit.un_png()))
    page.locator("form[data-depot] button[type=submit]").click()
    page.wait_for_url("**/stockage?fait=piece_ajoutee")
    expect(page.locator(".pieces > li", has_text="Permis")).to_contain_text("Version 2")
    page.get_by_role("link", name="Permis", exact=True).click()
    expect(page.locator(".versions li")).to_have_count(2)
    assert violations(page) == []
    page.get_by_role("link", name="Version 1").click()
    expect(page.locator("main")).to_contain_text("une ancienne version")
    page.get_by_role("link", name="Voir la version actuelle").click()
    # Delete, after it was said what goes.
    page.get_by_role("link", name="Supprimer").click()
    expect(page.locator("main")).to_contain_text("Ses 2 versions seront supprimées.")
    page.get_by_role("button", name="Supprimer").click()
    page.wait_for_url("**/stockage?fait=piece_supprimee")
    expect(page.get_by_role("link", name="Permis", exact=True)).to_have_count(0)
    # Search, without loading the page again.
    page.evaluate("window.restee = true")
    page.locator("#recherche").press_sequentially("bail 2")
    expect(page.locator(".pieces > li")).to_have_count(1)
    assert page.evaluate("window.restee")
    assert fautes == []
    context.close()


@pytest.mark.exigence("STO-05")
def test_un_envoi_coupe_reprend_tout_seul(
    citoyen: Dossier, navigateur: Browser, tmp_path: Path
) -> None:
    context = fenetre(navigateur, citoyen, largeur=360)
    page = context.new_page()
    page.goto("/stockage/ajouter")
    expect(page.get_by_role("button", name="Prendre une photo")).to_be_visible()
    page.locator("#libelle").fill("Gros document")
    gros = tmp_path / "gros.pdf"
    gros.write_bytes(kit.un_pdf(remplissage=9_000_000))
    page.locator("#fichier").set_input_files(gros)
    # The first request that carries bytes is cut by the network.
    coupes: list[str] = []

    def couper(route: object) -> None:
        requete = route.request  # type: ignore[attr-defined]
        if requete.method == "PATCH" and not coupes:
            coupes.append(requete.url)
            route.abort("connectionreset")  # type: ignore[attr-defined]
        else:
            route.continue_()  # type: ignore[attr-defined]

    page.route("**/api/v1/televersements/**", couper)
    page.locator("form[data-depot] button[type=submit]").click()
    page.wait_for_url("**/stockage?fait=piece_ajoutee")
    assert coupes
    expect(page.get_by_role("link", name="Gros document", exact=True)).to_be_visible()
    assert not page.evaluate("document.documentElement.scrollWidth > innerWidth")
    context.close()


@pytest.mark.exigence("STO-04")
def test_un_refus_est_dit_en_une_phrase_dans_les_deux_langues(
    citoyen: Dossier, navigateur: Browser
) -> None:
    for langue, phrase in (
        ("fr", "Ce fichier contient un virus. Il a été refusé et n’a pas été conservé."),
        ("en", "This file contains a virus. It was refused and was not kept."),
    ):
        context = fenetre(navigateur, citoyen, langue=langue)
        page = context.new_page()
        page.goto("/stockage/ajouter")
        page.locator("#fichier").set_input_files(
            {"name": "virus.pdf", "mimeType": "application/pdf", "buffer": kit.EICAR}
        )
        page.locator("form[data-depot] button[type=submit]").click()
        expect(page.locator("[data-refus]")).to_be_focused()
        expect(page.locator("[data-refus] li")).to_have_text(phrase)
        assert violations(page) == []
        context.close()


@pytest.mark.exigence("STO-02", "CAR-02")
def test_un_document_ajoute_depuis_la_demande_de_carte_y_revient(
    citoyen: Dossier, navigateur: Browser
) -> None:
    context = fenetre(navigateur, citoyen)
    page = context.new_page()
    page.goto("/cartes/demande")
    for champ, nom in (("piece_identite", "Passeport"), ("piece_residence", "Facture")):
        page.locator(f"#{champ}").get_by_role("link", name=re.compile("^Ajouter")).click()
        page.locator("#libelle").fill(nom)
        glisser(page, (f"{nom}.pdf", "application/pdf", document(nom)))
        page.locator("form[data-depot] button[type=submit]").click()
        page.wait_for_url(re.compile(r"/cartes/demande\?piece="))
        expect(page.locator(f"#{champ} .coche", has_text=nom).locator("input")).to_be_checked()
    page.get_by_role("button", name="Demander ma carte").click()
    page.wait_for_url(re.compile(r"/cartes/[0-9a-f-]{36}"))
    # The space says where it is used, and deleting it says that the request keeps its copy.
    page.goto("/stockage")
    rangee = page.locator(".pieces > li", has_text="Passeport")
    expect(rangee).to_contain_text("Utilisée dans 1 demande")
    rangee.get_by_role("link", name="Supprimer").click()
    expect(page.locator("main")).to_contain_text("la demande garde sa copie")
    expect(page.locator(".utilisations")).to_contain_text("Demande de carte citoyen")
    page.get_by_role("button", name="Supprimer").click()
    page.wait_for_url("**/stockage?fait=piece_supprimee")
    context.close()


@pytest.mark.exigence("STO-01")
def test_tout_se_fait_sans_javascript_et_en_anglais(citoyen: Dossier, navigateur: Browser) -> None:
    context = fenetre(navigateur, citoyen, langue="en", js=False, largeur=360)
    page = context.new_page()
    page.goto("/stockage/ajouter")
    page.locator("#libelle").fill("Water bill")
    page.locator("#fichier").set_input_files(
        {"name": "eau.pdf", "mimeType": "application/pdf", "buffer": document("Eau")}
    )
    page.locator("form[data-depot] button[type=submit]").click()
    page.wait_for_url("**/stockage?fait=piece_ajoutee")
    page.locator("#recherche").fill("WATER")
    page.get_by_role("button", name="Search").click()
    expect(page.locator(".pieces > li")).to_have_count(1)
    page.get_by_role("link", name="Replace").click()
    page.locator("#fichier").set_input_files(
        {"name": "eau2.pdf", "mimeType": "application/pdf", "buffer": document("Eau, suite")}
    )
    page.locator("form[data-depot] button[type=submit]").click()
    expect(page.locator(".versions li")).to_have_count(2)
    page.get_by_role("link", name="Delete").click()
    page.get_by_role("button", name="Delete").click()
    page.wait_for_url("**/stockage?fait=piece_supprimee")
    expect(page.get_by_role("link", name="Water bill", exact=True)).to_have_count(0)
    context.close()
