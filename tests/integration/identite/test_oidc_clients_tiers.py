"""A certified kind of client that nobody here wrote: idpyoidc logs in, refreshes, logs out."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import pytest
from cryptojwt import KeyJar
from idpyoidc.client.rp_handler import RPHandler

from espacecitoyen.identite.v1 import identite_service_pb2 as compte_pb
from tests.kit.oidc import inscrire, une_personne
from tests.kit.oidc_portail import consentir, un_portail

pytestmark = pytest.mark.integration

ICI = "http://127.0.0.1:9999"


@pytest.fixture
def portail(database_url, clean_database):
    """The provider over HTTP."""
    del clean_database
    with un_portail(database_url("identite")) as service:
        yield service


def un_handler(portail, partie, algorithme="ES256", methode="client_secret_basic"):
    """An idpyoidc client of this provider, which finds everything by discovery."""
    return RPHandler(
        base_url=ICI,
        # It signs nothing; by default it would make keys and write them where the tests run.
        keyjar=KeyJar(),
        client_configs={
            "espace": {
                "client_type": "oidc",
                "issuer": portail.base,
                "client_id": partie.client_id,
                "client_secret": partie.secret,
                "redirect_uris": [f"{ICI}/retour"],
                "post_logout_redirect_uris": [f"{ICI}/adieu"],
                "response_types_supported": ["code"],
                "scopes_supported": ["openid", "profile", "email", "offline_access"],
                "id_token_signed_response_alg": algorithme,
                "token_endpoint_auth_method": methode,
                "client_authn_methods": [methode, "bearer_header"],
                "add_ons": {
                    "pkce": {
                        "function": "idpyoidc.client.oauth2.add_on.pkce.add_support",
                        "kwargs": {"code_challenge_length": 64, "code_challenge_method": "S256"},
                    }
                },
                "services": {
                    nom: {"class": f"idpyoidc.client.oidc.{classe}"}
                    for nom, classe in (
                        ("discovery", "provider_info_discovery.ProviderInfoDiscovery"),
                        ("authorization", "authorization.Authorization"),
                        ("accesstoken", "access_token.AccessToken"),
                        ("refresh_token", "refresh_access_token.RefreshAccessToken"),
                        ("userinfo", "userinfo.UserInfo"),
                        ("end_session", "end_session.EndSession"),
                    )
                },
            }
        },
    )


@pytest.mark.exigence("IDN-19")
@pytest.mark.parametrize("algorithme", ["ES256", "RS256"])
def test_idpyoidc_discovers_logs_in_refreshes_and_logs_out(portail, algorithme):
    partie = inscrire(
        portail.identite,
        redirections=[f"{ICI}/retour"],
        redirections_fin=[f"{ICI}/adieu"],
        algorithme=algorithme,
    )
    _, secret = une_personne(portail.identite)
    handler = un_handler(portail, partie, algorithme)
    adresse = handler.begin("espace")
    assert adresse.startswith(f"{portail.base}/oidc/autoriser?")

    with portail.navigateur(secret) as navigateur:
        retour = consentir(navigateur, adresse)
        dit = {nom: valeurs[0] for nom, valeurs in parse_qs(urlsplit(retour).query).items()}
        assert dit["iss"] == portail.base
        fini = handler.finalize(portail.base, dit)
        assert fini["userinfo"]["email"] == "zoe.tremblay@exemple.ca"
        assert fini["id_token"]["aud"] == [partie.client_id]

        etat = fini["state"]
        avant = fini["token"]
        suite = handler.refresh_access_token(etat)
        assert suite["access_token"] != avant

        sortie = handler.logout(etat)["url"]
        assert sortie.startswith(f"{portail.base}/oidc/deconnexion?")
        reponse = navigateur.get(sortie)
        assert reponse.status_code == 303
        assert reponse.headers["Location"].startswith(f"{ICI}/adieu")
    refus = portail.identite.refus(
        "VerifierSession", compte_pb.VerifierSessionRequest(jeton_session=secret)
    )
    assert refus.reason == "SESSION_EXPIREE"
