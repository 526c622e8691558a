"""The provider over HTTP: what it refuses, what it asks people, what machines read (IDN-19)."""

from __future__ import annotations

import base64
import json
import re
from typing import Any
from urllib.parse import parse_qs, quote, urlencode, urlsplit

import httpx
import pytest
from authlib.oidc.discovery import OpenIDProviderMetadata

from espacecitoyen.identite.v1 import identite_service_pb2 as compte_pb
from tests.integration.identite.test_identite_oidc_preuves import un_certificat
from tests.kit.oidc import Partie, inscrire, un_defi, une_personne
from tests.kit.oidc_portail import consentir, formulaire, un_portail

pytestmark = pytest.mark.integration

RETOUR = "https://loisirs.exemple.ca/retour"


@pytest.fixture
def portail(database_url, clean_database):
    """The provider, which believes the certificate header of this machine."""
    del clean_database
    with un_portail(
        database_url("identite"),
        certificat_entete="Client-Cert",
        certificat_mandataires=("127.0.0.1",),
        mandataires=1,
    ) as service:
        yield service


def demande(partie: Partie, **champs: str | None) -> str:
    """The path of an authorization request, changed by ``champs``; None leaves one out."""
    valeurs = {
        "response_type": "code",
        "client_id": partie.client_id,
        "redirect_uri": RETOUR,
        "scope": "openid email",
        "state": "é tat&=",
        "nonce": "n",
        "code_challenge": un_defi()[1],
        "code_challenge_method": "S256",
    }
    tout = valeurs | champs
    return "/oidc/autoriser?" + urlencode({n: v for n, v in tout.items() if v is not None})


def lu(adresse: str) -> dict[str, str]:
    """What a client is told, by name."""
    return {nom: valeurs[0] for nom, valeurs in parse_qs(urlsplit(adresse).query).items()}


@pytest.mark.exigence("IDN-19")
def test_discovery_says_what_is_true(portail):
    with portail.navigateur() as navigateur:
        dit = navigateur.get("/.well-known/openid-configuration").json()
        assert dit["issuer"] == portail.base
        assert dit["response_types_supported"] == ["code"]
        assert dit["code_challenge_methods_supported"] == ["S256"]
        cles = navigateur.get(urlsplit(dit["jwks_uri"]).path)
        assert {cle["alg"] for cle in cles.json()["keys"]} == {"ES256", "RS256"}
        assert "max-age=3600" in cles.headers["Cache-Control"]
        assert "Set-Cookie" not in cles.headers
    sur = json.loads(json.dumps(dit).replace(portail.base, "https://espace.exemple.ca"))
    OpenIDProviderMetadata(sur).validate()


INCONNUES: list[dict[str, Any]] = [
    {"client_id": "inconnu"},
    {"client_id": None},
    {"redirect_uri": None},
    {"redirect_uri": "https://voleur.exemple.ca/"},
    {"redirect_uri": RETOUR + "/"},
    {"redirect_uri": RETOUR + "?suite=https://voleur.exemple.ca"},
    {"redirect_uri": "//voleur.exemple.ca"},
    {"redirect_uri": "javascript:alert(1)"},
    {"redirect_uri": 'https://x"é<>'},
    {"response_type": "token", "redirect_uri": "https://voleur.exemple.ca/"},
]


def test_an_unknown_address_is_never_gone_to(portail):
    partie = inscrire(portail.identite)
    _, secret = une_personne(portail.identite)
    for jeton in ("", secret):
        with portail.navigateur(jeton) as navigateur:
            for champs in INCONNUES:
                reponse = navigateur.get(demande(partie, **champs))
                assert reponse.status_code == 400, champs
                assert "Location" not in reponse.headers
                assert 'href="https://voleur' not in reponse.text


FAUTES: list[tuple[dict[str, Any], str]] = [
    ({"code_challenge": None, "code_challenge_method": None}, "invalid_request"),
    ({"code_challenge_method": "plain"}, "invalid_request"),
    ({"code_challenge_method": None}, "invalid_request"),
    ({"code_challenge": "court"}, "invalid_request"),
    ({"response_type": "token"}, "unsupported_response_type"),
    ({"response_type": "id_token"}, "unsupported_response_type"),
    ({"response_type": "code id_token"}, "unsupported_response_type"),
    ({"response_mode": "fragment"}, "invalid_request"),
    ({"scope": "email"}, "invalid_scope"),
    ({"scope": "openid admin"}, "invalid_scope"),
    ({"request": "e30.e30."}, "request_not_supported"),
    ({"request_uri": "https://interne.exemple.ca/"}, "request_not_supported"),
    ({"prompt": "none login"}, "invalid_request"),
    ({"prompt": "danser"}, "invalid_request"),
    ({"max_age": "-1"}, "invalid_request"),
    ({"max_age": "demain"}, "invalid_request"),
    ({"nonce": "n" * 600}, "invalid_request"),
    ({"prompt": "none"}, "login_required"),
]


def test_a_fault_is_told_to_the_client_with_its_state_and_our_name(portail):
    partie = inscrire(portail.identite)
    with portail.navigateur() as navigateur:
        for champs, erreur in FAUTES:
            reponse = navigateur.get(demande(partie, **champs))
            assert reponse.status_code == 303, champs
            assert reponse.headers["Location"].startswith(RETOUR + "?")
            dit = lu(reponse.headers["Location"])
            assert (dit["error"], dit["state"], dit["iss"]) == (erreur, "é tat&=", portail.base)
            assert "code" not in dit


def test_a_parameter_given_twice_is_refused(portail):
    partie = inscrire(portail.identite)
    with portail.navigateur() as navigateur:
        deux = navigateur.get(
            demande(partie) + "&redirect_uri=" + quote("https://voleur.exemple.ca")
        )
        assert deux.status_code == 400
        defis = navigateur.get(demande(partie) + "&code_challenge=" + un_defi()[1])
    assert lu(defis.headers["Location"])["error"] == "invalid_request"


def test_somebody_who_is_not_logged_in_logs_in_and_comes_back(portail):
    partie = inscrire(portail.identite)
    chemin = demande(partie)
    with portail.navigateur() as navigateur:
        reponse = navigateur.get(chemin)
        assert reponse.status_code == 303
        page = navigateur.get(reponse.headers["Location"])
        suite = re.search(r'name="suite" value="([^"]*)"', page.text)
    assert suite is not None
    retour = suite.group(1).replace("&amp;", "&")
    assert parse_qs(urlsplit(retour).query) == parse_qs(urlsplit(chemin).query)


def test_consent_is_asked_refused_given_remembered_and_forged_never(portail):
    partie = inscrire(portail.identite)
    _, secret = une_personne(portail.identite)
    with portail.navigateur(secret) as navigateur:
        muet = navigateur.get(demande(partie, prompt="none"))
        assert lu(muet.headers["Location"])["error"] == "consent_required"
        refus = lu(consentir(navigateur, demande(partie), "refuser"))
        assert (refus["error"], refus["state"]) == ("access_denied", "é tat&=")
        page = navigateur.get(demande(partie))
        assert "Loisirs en ligne" in page.text
        assert "frame-ancestors 'none'" in page.headers["Content-Security-Policy"]
        action, _ = formulaire(page.text, "Donner accès")
        forge = navigateur.post(action, data={"decision": "accepter"})
        assert forge.status_code == 403
        assert lu(consentir(navigateur, demande(partie)))["code"]
        # Now remembered, and answered at once.
        encore = navigateur.get(demande(partie, prompt="none"))
        assert lu(encore.headers["Location"])["code"]
        anglais = navigateur.get(demande(partie, prompt="consent", lang="en"))
        assert "Recreation online" in anglais.text


def test_a_browser_that_comes_from_our_pages_gets_a_page_that_moves_on(portail):
    partie = inscrire(portail.identite, premiere_main=True)
    _, secret = une_personne(portail.identite)
    with portail.navigateur(secret) as navigateur:
        page = navigateur.get(demande(partie), headers={"Sec-Fetch-Site": "same-origin"})
    assert page.status_code == 200
    assert f'http-equiv="refresh" content="0; url={RETOUR}?code=' in page.text
    assert page.headers["Cache-Control"] == "no-store"


def test_a_client_that_wants_a_new_log_in_gets_one(portail):
    partie = inscrire(portail.identite, premiere_main=True)
    _, secret = une_personne(portail.identite)
    with portail.navigateur(secret) as navigateur:
        page = navigateur.get(demande(partie, prompt="login"))
        action, champs = formulaire(page.text, "Me connecter de nouveau")
        # A word that we did not sign does not replace the log-in.
        faux = navigateur.get(demande(partie, prompt="login", reprise="2030-01-01T00:00:00.x"))
        assert "Me connecter de nouveau" in faux.text
        depart = navigateur.post(action, data=champs)
        assert depart.headers["Location"].startswith("/connexion?suite=")
    assert (
        portail.identite.refus(
            "VerifierSession", compte_pb.VerifierSessionRequest(jeton_session=secret)
        ).reason
        == "SESSION_EXPIREE"
    )
    suite = parse_qs(urlsplit(depart.headers["Location"]).query)["suite"][0]
    portail.identite.horloge.advance(seconds=5)
    neuve = portail.identite.ouvrir().jeton_session
    with portail.navigateur(neuve) as navigateur:
        assert lu(navigateur.get(suite).headers["Location"])["code"]


def test_max_age_asks_again_only_when_the_log_in_is_too_old(portail):
    partie = inscrire(portail.identite, premiere_main=True)
    _, secret = une_personne(portail.identite)
    portail.identite.horloge.advance(minutes=5)
    with portail.navigateur(secret) as navigateur:
        assert lu(navigateur.get(demande(partie, max_age="600")).headers["Location"])["code"]
        assert "Me connecter de nouveau" in navigateur.get(demande(partie, max_age="60")).text
        muet = navigateur.get(demande(partie, max_age="60", prompt="none"))
    assert lu(muet.headers["Location"])["error"] == "login_required"


def echange(navigateur: httpx.Client, partie: Partie, **champs: str) -> httpx.Response:
    """A code of the person, exchanged over HTTP by the client's Basic header."""
    verificateur, defi = un_defi()
    adresse = consentir(navigateur, demande(partie, code_challenge=defi))
    corps = {
        "grant_type": "authorization_code",
        "code": lu(adresse)["code"],
        "redirect_uri": RETOUR,
        "code_verifier": verificateur,
    }
    return navigateur.post(
        "/oidc/jeton", data=corps | champs, auth=(partie.client_id, partie.secret)
    )


def test_tokens_claims_introspection_and_revocation_over_http(portail):
    partie = inscrire(portail.identite)
    _, secret = une_personne(portail.identite)
    with portail.navigateur(secret) as navigateur:
        jetons = echange(navigateur, partie)
        assert jetons.headers["Cache-Control"] == "no-store"
        corps = jetons.json()
        assert (corps["token_type"], corps["expires_in"]) == ("Bearer", 300)
        porteur = {"Authorization": f"Bearer {corps['access_token']}"}
        infos = navigateur.get("/oidc/infos", headers=porteur)
        assert infos.json()["email"] == "zoe.tremblay@exemple.ca"
        client = (partie.client_id, partie.secret)
        etat = navigateur.post(
            "/oidc/introspection", data={"token": corps["access_token"]}, auth=client
        )
        assert etat.json()["active"]
        for _ in range(2):
            fin = navigateur.post(
                "/oidc/revocation", data={"token": corps["refresh_token"]}, auth=client
            )
            assert fin.status_code == 200
        perdu = navigateur.post("/oidc/infos", headers=porteur)
        assert perdu.status_code == 401
        assert 'error="invalid_token"' in perdu.headers["WWW-Authenticate"]
        nu = navigateur.get("/oidc/infos")
        assert "error" not in nu.headers["WWW-Authenticate"]


REFUS: list[tuple[dict[str, str], bool, int, str]] = [
    ({"grant_type": "password"}, True, 400, "unsupported_grant_type"),
    ({"grant_type": "client_credentials"}, True, 400, "unsupported_grant_type"),
    ({"grant_type": "authorization_code"}, True, 400, "invalid_request"),
    ({"grant_type": "refresh_token"}, True, 400, "invalid_request"),
    ({"grant_type": "refresh_token", "refresh_token": "x"}, True, 400, "invalid_grant"),
    ({"grant_type": "refresh_token", "refresh_token": "x"}, False, 401, "invalid_client"),
    (
        {"grant_type": "refresh_token", "refresh_token": "x", "client_secret": "y"},
        True,
        400,
        "invalid_request",
    ),
]


def test_the_token_endpoint_answers_faults_as_rfc_6749_says(portail):
    partie = inscrire(portail.identite)
    with portail.navigateur() as navigateur:
        for corps, auth, statut, erreur in REFUS:
            secret = partie.secret if auth else "faux"
            reponse = navigateur.post("/oidc/jeton", data=corps, auth=(partie.client_id, secret))
            assert (reponse.status_code, reponse.json()["error"]) == (statut, erreur)
            assert reponse.headers["Content-Type"].startswith("application/json")
            assert ("WWW-Authenticate" in reponse.headers) == (statut == 401)
        for entete in (b"Basic \xff===", b"Basic /////w==", b"Basic"):
            casse = navigateur.post(
                "/oidc/jeton",
                data={"grant_type": "refresh_token", "refresh_token": "x"},
                headers={b"Authorization": entete},
            )
            assert casse.json()["error"] == "invalid_client"


def test_a_certificate_is_believed_from_the_terminator_alone(portail):
    der = un_certificat("loisirs")

    entete = f":{base64.b64encode(der).decode()}:"
    partie = inscrire(portail.identite, methode="tls_client_auth", tls_sujet="O=Loisirs,CN=loisirs")
    corps = {"grant_type": "refresh_token", "refresh_token": "x", "client_id": partie.client_id}
    with portail.navigateur() as navigateur:
        bon = navigateur.post("/oidc/jeton", data=corps, headers={"Client-Cert": entete})
        assert bon.json()["error"] == "invalid_grant"
        sans = navigateur.post("/oidc/jeton", data=corps)
        assert sans.json()["error"] == "invalid_client"


def test_a_certificate_header_of_anybody_else_is_worth_nothing(database_url, clean_database):
    del clean_database

    entete = f":{base64.b64encode(un_certificat('loisirs')).decode()}:"
    for reglages in (
        {"certificat_entete": "Client-Cert"},
        {"certificat_entete": "Client-Cert", "certificat_mandataires": ("192.0.2.1",)},
        {"certificat_mandataires": ("127.0.0.1",)},
    ):
        with un_portail(database_url("identite"), mandataires=1, **reglages) as portail:
            partie = inscrire(
                portail.identite, methode="tls_client_auth", tls_sujet="O=Loisirs,CN=loisirs"
            )
            corps = {
                "grant_type": "refresh_token",
                "refresh_token": "x",
                "client_id": partie.client_id,
            }
            with portail.navigateur() as navigateur:
                # Claiming to come from the terminator changes nothing either (R16).
                reponse = navigateur.post(
                    "/oidc/jeton",
                    data=corps,
                    headers={"Client-Cert": entete, "X-Forwarded-For": "192.0.2.1"},
                )
        assert reponse.json()["error"] == "invalid_client"


def test_log_out_asks_unless_the_token_names_this_session(portail):
    partie = inscrire(portail.identite)
    _, secret = une_personne(portail.identite)
    with portail.navigateur(secret) as navigateur:
        jeton = echange(navigateur, partie).json()["id_token"]
        adieu = "https://loisirs.exemple.ca/adieu"
        for requete in (
            {},
            {"post_logout_redirect_uri": adieu, "client_id": partie.client_id},
        ):
            page = navigateur.get("/oidc/deconnexion", params=requete)
            assert "Vous déconnecter" in page.text
        for mauvais in ("x.y.z", jeton[:-4] + "AAAA"):
            refus = navigateur.get(
                "/oidc/deconnexion",
                params={"id_token_hint": mauvais, "post_logout_redirect_uri": adieu},
            )
            assert refus.status_code == 400
            assert "Location" not in refus.headers
        forge = navigateur.post("/oidc/deconnexion/confirmer", data={})
        assert forge.status_code == 403
        # Another site's form arrives without our cookie and becomes a link.
        detour = navigateur.post(
            "/oidc/deconnexion",
            data={
                "id_token_hint": jeton,
                "post_logout_redirect_uri": "https://voleur.exemple.ca",
                "state": "s",
            },
        )
        assert detour.status_code == 303
        fin = navigateur.get(detour.headers["Location"])
        assert fin.headers["Location"] == "/?fait=deconnecte"
    assert (
        portail.identite.refus(
            "VerifierSession", compte_pb.VerifierSessionRequest(jeton_session=secret)
        ).reason
        == "SESSION_EXPIREE"
    )


def test_a_person_sees_and_withdraws_what_they_agreed_to(portail):
    partie = inscrire(portail.identite)
    _, secret = une_personne(portail.identite)
    with portail.navigateur(secret) as navigateur:
        vide = navigateur.get("/compte/applications")
        assert "Aucune application" in vide.text
        porteur = {"Authorization": f"Bearer {echange(navigateur, partie).json()['access_token']}"}
        page = navigateur.get("/compte/applications")
        assert "Loisirs en ligne" in page.text
        action, champs = formulaire(page.text, "Retirer l’accès")
        retour = navigateur.post(action, data=champs)
        assert "acces_retire" in retour.headers["Location"]
        assert navigateur.get("/oidc/infos", headers=porteur).status_code == 401
