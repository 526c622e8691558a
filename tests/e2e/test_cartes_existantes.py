"""A physical card is joined to an account, then renewed, in Chromium (CAR-03, 09, 18)."""

from __future__ import annotations

import re
from datetime import date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import psycopg
import pytest
from playwright.sync_api import Browser, Page, expect

from services.cartes.domain import composer_numero
from tests.e2e.parcours.acces import Acces
from tests.e2e.parcours.navigation import Visite
from tests.e2e.test_navigateur import BUREAU, TELEPHONE, ouvrir, se_connecter
from tests.kit.suite import Suite
from tests.kit.wait import wait_until

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("suite")]

NUMERO = composer_numero("0042", 90_000_001)


def aujourd_hui() -> date:
    """The day that the city's clocks show: in the evening it is tomorrow in UTC."""
    return datetime.now(ZoneInfo("America/Toronto")).date()


def inscrire_au_registre(suite: Suite, visite: Visite, dossier: Path) -> None:
    """The city's clerk imports a register that holds the person's plastic card."""
    who = visite.personne
    fichier = dossier / "registre.csv"
    fichier.write_text(
        "numero;prenom;nom;date_naissance;code_postal;classe;echeance\n"
        f"{NUMERO};{who.prenom};{who.nom};{who.date_naissance};{who.code_postal};resident;"
        f"{aujourd_hui() + timedelta(days=300)}\n"
    )
    assert "AJOUTEE: 1" in suite.espace("cartes", "importer-registre", str(fichier))


def avancer_a(suite: Suite, jours: int) -> date:
    """Bring the card's last day near, as time would."""
    echeance = aujourd_hui() + timedelta(days=jours)
    url = suite.database_url("cartes").replace("postgresql+psycopg", "postgresql")
    with psycopg.connect(url) as connexion:
        connexion.execute("UPDATE carte SET echeance = %s WHERE numero = %s", (echeance, NUMERO))
    return echeance


def citoyenne(acces: Acces, navigateur: Browser) -> tuple[Visite, Page]:
    """Somebody with an account and two documents, on a phone."""
    visite = Visite(acces)
    for etape in (visite.s_inscrire, visite.activer, visite.se_connecter, visite.deposer):
        etape()
    page = ouvrir(navigateur, acces, TELEPHONE)
    se_connecter(page, visite.personne.courriel, visite.personne.mot_de_passe, chemin="/connexion")
    return visite, page


@pytest.mark.exigence("CAR-03", "CAR-09", "CAR-18")
def test_une_carte_physique_est_associee_puis_renouvelee(
    suite: Suite, acces: Acces, navigateur: Browser, tmp_path: Path
) -> None:
    visite, page = citoyenne(acces, navigateur)
    inscrire_au_registre(suite, visite, tmp_path)

    page.goto("/cartes")
    page.get_by_role("link", name="Associer mon compte à une carte existante").click()
    # The profile already knows two of the three answers.
    expect(page.locator("input[name=code_postal]")).not_to_have_value("")
    faux = composer_numero("0042", 90_000_002)
    page.locator("input[name=numero]").fill(faux)
    page.get_by_role("button", name="Associer la carte").click()
    expect(page.get_by_role("alert")).to_contain_text("Aucune carte valide ne correspond")
    expect(page.locator("input[name=numero]")).to_have_value(faux)
    page.locator("input[name=numero]").fill(NUMERO)
    page.get_by_role("button", name="Associer la carte").click()
    page.wait_for_url(re.compile(r"/cartes/[0-9a-f-]{36}"))
    expect(page.locator("main")).to_contain_text("associée à votre compte")
    carte = page.url.partition("?")[0]
    acces.lien(visite.personne.courriel, "/portefeuille/")
    expect(page.get_by_role("link", name=re.compile("Renouveler"))).to_have_count(0)

    avancer_a(suite, 31)
    page.goto(carte)
    expect(page.get_by_role("link", name=re.compile("Renouveler"))).to_have_count(0)
    echeance = avancer_a(suite, 30)
    page.goto("/cartes")
    page.get_by_role("link", name=re.compile("Renouveler")).click()
    page.get_by_label("residence.pdf").first.check()
    page.get_by_role("button", name="Demander le renouvellement").dblclick()
    page.wait_for_url(re.compile(r"/cartes/[0-9a-f-]{36}\?"))
    expect(page.locator("main")).to_contain_text("renouvellement en cours")

    agent = ouvrir(navigateur, acces, BUREAU)
    se_connecter(agent, *acces.agent, chemin="/agents/connexion")
    agent.get_by_role("link", name=re.compile(visite.personne.nom)).first.click()
    expect(agent.locator("h1")).to_contain_text("Renouvellement")
    expect(agent.locator("section.preuve")).to_have_count(1)
    agent.get_by_role("button", name="Tout accepter").click()
    agent.wait_for_url(re.compile(r"/agents/(\?|$)"))
    agent.context.close()

    page.goto(carte)
    neuve = echeance.replace(year=echeance.year + 2)
    expect(page.locator(".carte-citoyen")).to_contain_text(str(neuve.year))
    expect(page.get_by_role("link", name=re.compile("Renouveler"))).to_have_count(0)
    wait_until(
        lambda: any("renouvelée" in sujet for sujet in acces.courriels(visite.personne.courriel)),
        timeout=30,
        what="the mail of the renewal",
    )
    page.context.close()
