"""One citizen whose card waits, one member of staff, and a browser that visits as each of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest
from playwright.sync_api import Browser, BrowserContext

from tests.e2e.parcours.acces import Acces
from tests.e2e.parcours.formulaires import Navigateur, Page
from tests.e2e.parcours.navigation import Visite

Contexte = Callable[..., BrowserContext]
BUREAU = "/agents/"


@dataclass(frozen=True)
class Dossier:
    """A citizen, a request that waits, and the cookies that open both doors.

    Attributes:
        adresses: ids by the names that the paths of the tests use.
        cookies: session secret of "citoyen" and of "agent".
    """

    portail: str
    nom: str
    adresses: dict[str, str]
    cookies: dict[str, str]


def ouvrir_dossier(acces: Acces) -> Dossier:
    """Sign up, deposit two documents, ask for a card; log a member of staff in."""
    visite = Visite(acces)
    for etape in (
        visite.s_inscrire, visite.activer, visite.se_connecter, visite.deposer, visite.demander,
    ):  # fmt: skip
        etape()
    agent = Navigateur(acces.client())
    file = connecter_agent(acces, agent)
    return Dossier(
        portail=acces.portail,
        nom=visite.personne.nom,
        adresses={
            "piece": _id(visite.web.ouvrir("/stockage"), "/stockage/", "/modifier"),
            "carte": _id(visite.web.ouvrir("/cartes"), "/cartes/"),
            "demande": _demande(agent, file, visite.personne.nom),
            "jeton": "J" * 43,
        },
        cookies={
            "citoyen": visite.web.http.cookies["session"],
            "agent": agent.http.cookies["session_agent"],
        },
    )


def connecter_agent(acces: Acces, web: Navigateur) -> Page:
    """Log in at the staff door; returns the queue."""
    porte = web.ouvrir("/agents/connexion")
    courriel, mot_de_passe = acces.agent
    formulaire = porte.formulaire("identifiant", "mot_de_passe")
    return web.envoyer(porte, formulaire, {"identifiant": courriel, "mot_de_passe": mot_de_passe})


def _id(page: Page, debut: str, fin: str = "") -> str:
    lien = next(
        lien
        for lien in page.links
        if lien.startswith(debut) and lien.endswith(fin) and lien[len(debut) :].count("-") >= 4
    )
    return lien.removeprefix(debut).removesuffix(fin)


def _demande(web: Navigateur, file: Page, nom: str) -> str:
    for lien in [lien for lien in file.links if lien.startswith("/agents/demandes/")]:
        if nom in web.ouvrir(lien).text:
            return lien.removeprefix("/agents/demandes/")
    suivante = next(lien for lien in file.links if "suivant=" in lien)
    return _demande(web, web.ouvrir(suivante), nom)


@pytest.fixture(scope="session")
def dossier(connue: Acces) -> Iterator[Dossier]:
    """The same citizen for every page that is only looked at."""
    yield ouvrir_dossier(connue)
    connue.fermer()


@pytest.fixture
def contexte(navigateur: Browser) -> Iterator[Contexte]:
    """Windows of a visitor: `contexte(dossier, qui="citoyen", langue="en", largeur=360)`."""
    ouverts: list[BrowserContext] = []

    def ouvrir(
        dossier: Dossier, *, qui: str = "", langue: str = "fr", largeur: int = 1280
    ) -> BrowserContext:
        context = navigateur.new_context(
            base_url=dossier.portail, viewport={"width": largeur, "height": 900}, locale="fr-CA"
        )
        ouverts.append(context)
        context.add_cookies([{"name": "langue", "value": langue, "url": dossier.portail}])
        if qui:
            chemin = BUREAU if qui == "agent" else "/"
            context.add_cookies(
                [
                    {
                        "name": "session_agent" if qui == "agent" else "session",
                        "value": dossier.cookies[qui],
                        "url": f"{dossier.portail}{chemin}",
                    }
                ]
            )
        return context

    yield ouvrir
    for context in ouverts:
        context.close()
