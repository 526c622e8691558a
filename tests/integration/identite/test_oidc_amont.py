"""Log-in with the identity of another provider, played by npm `oidc-provider` (IDN-19)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import parse_qs, urljoin, urlsplit

import httpx
import pytest

from deploy.children import Child
from deploy.places import ROOT, answers, free_ports, node
from tests.kit.oidc import une_personne
from tests.kit.oidc_portail import Portail, formulaire, un_portail

pytestmark = pytest.mark.integration

ZOE = "zoe.tremblay@exemple.ca"


@pytest.fixture
def portail(database_url, clean_database, tmp_path) -> Iterator[Portail]:
    """Our gateway, whose upstream provider is another program."""
    del clean_database
    port_amont, port = free_ports(1), free_ports(1)
    base = f"http://127.0.0.1:{port}"
    emetteur = f"http://localhost:{port_amont}"
    child = Child(
        name="oidc-provider",
        command=[
            node(),
            ROOT / "tests/kit/fournisseur_amont.mjs",
            str(port_amont),
            f"{base}/connexion/amont/retour",
            f"{base}/?fait=deconnecte",
        ],
        log=tmp_path / "amont.log",
    )
    child.start()
    try:
        child.wait_ready(lambda: answers(port_amont), timeout_s=60)
        with un_portail(
            database_url("identite"),
            port=port,
            amont_emetteur=emetteur,
            amont_client_id="espace",
            amont_secret="secret-de-l-espace-citoyen-pour-les-essais",
            amont_portees=("openid", "email"),
            amont_nom_fr="Québec",
            amont_nom_en="Québec",
        ) as service:
            yield service
    finally:
        child.stop()


def la_bas(adresse: str, qui: str) -> str:
    """Log in at the provider as ``qui`` and agree; gives where it sends the browser back to."""
    with httpx.Client(follow_redirects=True, trust_env=False) as chez_eux:
        page = chez_eux.get(adresse)
        for champs in ({"prompt": "login", "login": qui, "password": "x"}, {"prompt": "consent"}):
            action = re.search(r'action="([^"]+)"', page.text)
            assert action is not None, page.text
            reponse = chez_eux.post(action.group(1), data=champs, follow_redirects=False)
            while reponse.status_code in {302, 303}:
                suite = reponse.headers["Location"]
                if "/connexion/amont/retour" in suite:
                    return suite
                reponse = chez_eux.get(urljoin(adresse, suite), follow_redirects=False)
            page = reponse
    raise AssertionError(page.text)


def arriver(portail: Portail, navigateur: httpx.Client, qui: str) -> httpx.Response:
    """Log in through the provider; gives our answer to the return."""
    depart = navigateur.get("/connexion/amont", params={"suite": "/compte"})
    demande = parse_qs(urlsplit(depart.headers["Location"]).query)
    assert demande["code_challenge_method"] == ["S256"]
    assert demande["nonce"][0] != demande["state"][0]
    retour = la_bas(depart.headers["Location"], qui)
    assert retour.startswith(portail.base)
    return navigateur.get(retour)


@pytest.mark.exigence("IDN-19")
def test_an_upstream_identity_is_linked_by_a_log_in_here_then_opens_the_account(portail):
    _, secret = une_personne(portail.identite)
    with portail.navigateur() as navigateur:
        assert "Continuer avec Québec" in navigateur.get("/connexion").text
        premier = arriver(portail, navigateur, ZOE)
        # The e-mail alone opens nothing, verified or not.
        assert premier.headers["Location"] == "/connexion/amont/lier"
        assert "session" not in navigateur.cookies
        page = navigateur.get("/connexion/amont/lier")
        assert "Me connecter une fois ici" in page.text

        navigateur.cookies.set("session", secret, domain="127.0.0.1")
        page = navigateur.get("/connexion/amont/lier")
        action, champs = formulaire(page.text, "Relier les deux comptes")
        assert navigateur.post(action, data=champs).headers["Location"].endswith("identite_liee")

    with portail.navigateur() as navigateur:
        second = arriver(portail, navigateur, ZOE)
        assert second.headers["Location"] == "/compte"
        assert portail.identite.verifier(navigateur.cookies["session"]).prenom == "Zoé"

        # Log-out here passes by the provider's.
        accueil = navigateur.get("/compte/applications")
        action, champs = formulaire(accueil.text, "Me déconnecter")
        sortie = navigateur.post(action, data=champs)
        assert sortie.headers["Location"] == "/deconnexion/amont"
        page = navigateur.get("/deconnexion/amont")
        assert "/session/end?id_token_hint=" in page.text


def test_an_identity_of_another_or_unverified_e_mail_is_linked_to_nobody(portail):
    _, secret = une_personne(portail.identite)
    for qui in ("autre@exemple.ca", ZOE.replace("@", "+nu@")):
        with portail.navigateur() as navigateur:
            arriver(portail, navigateur, qui)
            navigateur.cookies.set("session", secret, domain="127.0.0.1")
            page = navigateur.get("/connexion/amont/lier")
            action, champs = formulaire(page.text, "Relier les deux comptes")
            refus = navigateur.post(action, data=champs)
            assert refus.status_code == 409
            assert "communiquez avec la Ville" in refus.text
    assert not portail.identite.lignes("SELECT 1 FROM identite_amont")


def test_a_return_that_this_browser_did_not_start_opens_nothing(portail):
    with portail.navigateur() as navigateur, portail.navigateur() as voleur:
        depart = navigateur.get("/connexion/amont")
        retour = la_bas(depart.headers["Location"], ZOE)
        chemin = retour.removeprefix(portail.base)
        # Another browser, another state, another provider, an error: refused, code unused.
        assert voleur.get(chemin).status_code == 403
        assert voleur.get("/connexion/amont").status_code == 303
        assert voleur.get(chemin).status_code == 403
        ailleurs = re.sub(r"iss=[^&]*", "iss=https%3A%2F%2Fvoleur.exemple.ca", chemin)
        assert ailleurs != chemin
        assert navigateur.get(ailleurs).status_code == 403
        sans = re.sub(r"&?iss=[^&]*", "", chemin)
        assert navigateur.get(sans).status_code == 403
        assert navigateur.get(f"{chemin}&error=access_denied").status_code == 403
        assert navigateur.get(chemin).headers["Location"] == "/connexion/amont/lier"
        assert navigateur.get(chemin).status_code == 403
