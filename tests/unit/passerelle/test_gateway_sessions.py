"""Who is visiting, who may enter, and what other sites cannot make a browser do."""

from __future__ import annotations

import re

import pytest
from flask import Flask, g
from flask.testing import FlaskClient

from passerelle import clients, security, session, visits
from passerelle.problems import Problem
from tests.kit.identity import VERIFIER
from tests.kit.passerelle import (
    AGENT,
    CITOYENNE,
    COMPTE,
    PIECE,
    REFUS,
    SESSION,
    Fakes,
    bearer,
    gateway,
    log_in,
)

pytestmark = pytest.mark.unit


def token_of(client: FlaskClient) -> str:
    """The anti-forgery token that a cookie's client may ask for."""
    found: str = client.get("/api/v1/session").get_json()["jeton_csrf"]
    return found


def test_le_jeton_des_services_dit_qui_demande(client: FlaskClient, services: Fakes) -> None:
    client.get("/api/v1/moi", headers=bearer())
    ((_, who),) = services.identite.calls("GetProfil")
    assert (who.subject, who.roles, who.session) == (COMPTE, frozenset({"citoyen"}), SESSION)
    ((_, asker),) = services.identite.calls("VerifierSession")
    assert (asker.subject, asker.roles) == ("", frozenset({"anonyme"}))


def test_la_lecture_d_une_preuve_dit_pourquoi(client: FlaskClient, services: Fakes) -> None:
    path = f"/api/v1/agents/demandes-carte/{PIECE}/pieces/{PIECE}/apercu"
    response = client.get(path, headers=bearer(AGENT))
    assert response.get_data() == b"abcdef"
    ((request, who),) = services.stockage.calls("LirePiece")
    assert (who.purpose, request.dossier_id) == ("validation_carte", PIECE)


def test_une_session_inconnue_est_401(client: FlaskClient) -> None:
    response = client.get("/api/v1/moi", headers=bearer("x" * 43))
    assert (response.status_code, response.get_json()["code"]) == (401, "SESSION_EXPIREE")
    assert response.headers["WWW-Authenticate"].startswith("Bearer")


def test_une_autre_autorisation_ne_retombe_pas_sur_le_cookie(client: FlaskClient) -> None:
    log_in(client)
    response = client.get("/api/v1/moi", headers={"Authorization": "Basic eDp5"})
    assert response.status_code == 401


def test_une_session_verifiee_sert_cinq_secondes_et_la_fermeture_est_immediate(
    services: Fakes,
) -> None:
    services.identite.seen.clear()
    with gateway(services.adresses, cache_session_s=5.0) as app:
        client = app.test_client()
        for _ in range(3):
            client.get("/api/v1/moi", headers=bearer())
        assert len(services.identite.calls("VerifierSession")) == 1
        assert client.delete("/api/v1/session", headers=bearer()).status_code == 204
        services.identite.answers["VerifierSession"] = REFUS["SESSION_EXPIREE"]()
        assert client.get("/api/v1/moi", headers=bearer()).status_code == 401


def test_la_cache_oublie_a_l_age_dit() -> None:
    now = [0.0]
    cache = visits.VisitCache(clock=lambda: now[0])
    visit = visits.Visit(compte_id=COMPTE)
    cache.put(CITOYENNE, visit)
    now[0] = 5.0
    assert cache.get(CITOYENNE, 5.0) is visit
    now[0] = 5.1
    assert cache.get(CITOYENNE, 5.0) is None


def test_identite_absente_on_lit_encore_mais_on_n_agit_plus(services: Fakes) -> None:
    with gateway(services.adresses) as app:
        client = app.test_client()
        assert client.get("/api/v1/cartes", headers=bearer()).status_code == 200
        services.identite.answers["VerifierSession"] = ConnectionError("base de données")
        read = client.get("/api/v1/cartes", headers=bearer())
        act = client.delete(f"/api/v1/pieces/{PIECE}", headers=bearer())
        stranger = client.get("/api/v1/cartes", headers=bearer("x" * 43))
    assert (read.status_code, act.status_code, stranger.status_code) == (200, 500, 500)
    assert services.stockage.calls("SupprimerPiece") == []


def test_le_jeton_est_frappe_une_fois_par_but(app: Flask, services: Fakes) -> None:
    del services
    with app.test_request_context("/"):
        g.visit = visits.Visit(compte_id=COMPTE, session_id=SESSION, roles=frozenset({"citoyen"}))
        found = clients.current()
        assert found.token() == found.token()
        assert found.token() != found.token("validation_carte")
        assert VERIFIER.verify(found.token("audit")).purpose == "audit"


# -- cookies


def test_les_cookies_suivent_le_schema_public(services: Fakes) -> None:
    for url, name, agent_name, secure in (
        ("http://localhost", "session", "session_agent", False),
        ("https://citoyen.ville.ca", "__Host-session", "__Secure-session_agent", True),
    ):
        with gateway(services.adresses, url_publique=url) as app, app.test_request_context("/"):
            response = app.make_response("")
            session.open_session(response, CITOYENNE)
            session.open_session(response, AGENT, agent=True)
            citizen, staff = response.headers.getlist("Set-Cookie")
        for line in (citizen, staff):
            assert "HttpOnly" in line
            assert "SameSite=Lax" in line
            assert ("Secure;" in line) == secure
        assert citizen.startswith(f"{name}={CITOYENNE}")
        assert citizen.endswith("Path=/; SameSite=Lax")
        assert staff.startswith(f"{agent_name}={AGENT}")
        assert "Path=/agents;" in staff


def test_chaque_porte_lit_son_cookie(app: Flask) -> None:
    cookies = {"HTTP_COOKIE": f"session={CITOYENNE}; session_agent={AGENT}"}
    for path, secret in (("/", CITOYENNE), ("/agents", AGENT), ("/agents/cartes", AGENT)):
        with app.test_request_context(path, environ_overrides=cookies):
            assert session.session_secret() == secret
    with app.test_request_context("/agentsx", environ_overrides=cookies):
        assert session.session_secret() == CITOYENNE


def test_se_deconnecter_retire_le_cookie_meme_sans_identite(services: Fakes) -> None:
    with gateway(services.adresses) as app:
        cookie = {"HTTP_COOKIE": f"session={CITOYENNE}"}
        services.identite.answers["FermerSession"] = RuntimeError("arrêt")
        with app.test_request_context("/deconnexion", method="POST", environ_overrides=cookie):
            response = app.make_response("")
            session.close_session(response)
    assert "session=;" in response.headers["Set-Cookie"]
    assert "Clear-Site-Data" in response.headers


# -- guards


@pytest.mark.parametrize(
    ("value", "safe"),
    [
        ("/cartes", "/cartes"),
        ("/cartes?x=1&y=//z", "/cartes?x=1&y=//z"),
        ("//ailleurs.ca", "/"),
        ("/\\ailleurs.ca", "/"),
        ("\\\\ailleurs.ca", "/"),
        ("https://ailleurs.ca", "/"),
        ("javascript:alert(1)", "/"),
        ("/\t/ailleurs.ca", "/"),
        ("/a\r\nSet-Cookie: x", "/"),
        ("cartes", "/"),
        ("", "/"),
        ("/\x00", "/"),
    ],
)
def test_on_ne_suit_qu_un_chemin_d_ici(value: str, safe: str) -> None:
    assert session.local_path(value) == safe


def test_une_page_gardee_mene_a_la_connexion(app: Flask) -> None:
    with app.test_request_context("/cartes?vue=1"):
        response = app.make_response(session.login_required(lambda: "page")())
        assert response.status_code == 303
        assert response.headers["Location"] == "/connexion?suite=/cartes%3Fvue%3D1"
    with app.test_request_context("/agents/cartes"):
        response = app.make_response(session.agent_required("agent_cartes")(lambda: "page")())
        assert response.headers["Location"] == "/agents/connexion?suite=/agents/cartes"
    with app.test_request_context("//ailleurs.ca", headers={"HX-Request": "true"}):
        response = app.make_response(session.login_required(lambda: "page")())
        assert response.status_code == 401
        assert response.headers["HX-Redirect"] == "/connexion?suite=/"


# -- forgery


def test_sans_jeton_un_cookie_ne_peut_rien(client: FlaskClient, services: Fakes) -> None:
    log_in(client)
    path = f"/api/v1/pieces/{PIECE}"
    response = client.delete(path)
    assert (response.status_code, response.get_json()["code"]) == (403, "FORMULAIRE_PERIME")
    wrong = client.delete(path, headers={"X-CSRF-Token": "A" * 64})
    assert wrong.status_code == 403
    assert services.stockage.calls("SupprimerPiece") == []
    good = client.delete(path, headers={"X-CSRF-Token": token_of(client)})
    assert good.status_code == 204


def test_le_jeton_d_une_autre_session_ne_vaut_rien(client: FlaskClient, app: Flask) -> None:
    log_in(client)
    token = token_of(client)
    other = app.test_client()
    other.set_cookie("session", "z" * 43)
    response = other.delete(f"/api/v1/pieces/{PIECE}", headers={"X-CSRF-Token": token})
    assert response.status_code == 403


def test_deux_jetons_ne_se_ressemblent_pas(client: FlaskClient) -> None:
    log_in(client)
    first, second = token_of(client), token_of(client)
    assert first != second


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": "https://ailleurs.ca"},
        {"Origin": "http://localhost.ailleurs.ca"},
        {"Origin": "http://localhost:81"},
    ],
)
def test_un_autre_site_est_refuse(client: FlaskClient, headers: dict[str, str]) -> None:
    log_in(client)
    token = token_of(client)
    response = client.delete(f"/api/v1/pieces/{PIECE}", headers={"X-CSRF-Token": token, **headers})
    assert (response.status_code, response.get_json()["code"]) == (403, "ORIGINE_REFUSEE")


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "same-origin", "Origin": "http://localhost"},
        {"Sec-Fetch-Site": "same-origin", "Origin": "null"},
        {},
    ],
)
def test_notre_site_est_accepte(client: FlaskClient, headers: dict[str, str]) -> None:
    log_in(client)
    token = token_of(client)
    response = client.delete(f"/api/v1/pieces/{PIECE}", headers={"X-CSRF-Token": token, **headers})
    assert response.status_code == 204


def test_chaque_acte_du_portail_refuse_un_formulaire_sans_jeton(app: Flask) -> None:
    """The list comes from the URL map: a new route cannot be forgotten (T6)."""
    unsafe = [
        (method, rule)
        for rule in app.url_map.iter_rules()
        for method in (rule.methods or set()) - session.SAFE_METHODS
        if not rule.rule.startswith("/api/")
        and not getattr(app.view_functions[rule.endpoint], "without_cookies", False)
    ]
    assert unsafe
    for method, rule in unsafe:
        values = {name: "J" * 43 if name == "jeton" else PIECE for name in rule.arguments}
        with app.test_request_context():
            path = app.url_map.bind("localhost").build(rule.endpoint, values, method=method)
        client = app.test_client()
        agent = path.startswith("/agents")
        log_in(client, agent=agent)
        response = client.open(path, method=method, data={"x": "1"})
        assert response.status_code == 403, rule
        body = (
            b'--b\r\nContent-Disposition: form-data; name="f"; filename="a.pdf"\r\n\r\nx\r\n--b--'
        )
        response = client.open(
            path, method=method, data=body, content_type="multipart/form-data; boundary=b"
        )
        assert response.status_code == 403, rule


def test_seules_les_adresses_du_protocole_se_passent_de_jeton(app: Flask) -> None:
    """Machines call them with a secret of their own; a person's POST there only becomes a GET."""
    sans = {
        rule.rule
        for rule in app.url_map.iter_rules()
        if getattr(app.view_functions[rule.endpoint], "without_cookies", False)
    }
    assert sans == {
        "/oidc/autoriser",
        "/oidc/deconnexion",
        "/oidc/infos",
        "/oidc/introspection",
        "/oidc/jeton",
        "/oidc/revocation",
    }


def test_un_visiteur_recoit_un_jeton_lie_a_son_navigateur(app: Flask) -> None:
    with app.test_request_context("/connexion"):
        token = security.csrf_token()
        response = app.process_response(app.make_response(""))
        cookie = response.headers["Set-Cookie"]
    found = re.match(r"presession=([\w-]{43}); HttpOnly; Path=/; SameSite=Lax", cookie)
    assert found
    assert response.headers["Cache-Control"] == "no-store"
    known = {"HTTP_COOKIE": f"presession={found[1]}"}
    with app.test_request_context("/connexion", method="POST", environ_overrides=known):
        security.check_token(token)
    with (
        app.test_request_context("/connexion", method="POST"),
        pytest.raises(Problem, match="FORMULAIRE_PERIME"),
    ):
        security.check_token(token)


# -- hosts and headers


@pytest.mark.parametrize("host", ["ailleurs.ca", "localhost:81", "localhost.ailleurs.ca"])
def test_un_autre_nom_de_site_est_refuse(client: FlaskClient, host: str) -> None:
    response = client.get("/api/v1/problemes", headers={"Host": host})
    assert (response.status_code, response.get_json()["code"]) == (400, "HOTE_INCONNU")


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "LOCALHOST"])
def test_les_noms_de_la_boucle_locale_sont_acceptes(client: FlaskClient, host: str) -> None:
    assert client.get("/api/v1/problemes", headers={"Host": host}).status_code == 200


def test_des_entetes_trop_gros_sont_refuses(client: FlaskClient) -> None:
    response = client.get("/api/v1/problemes", headers={"X-Gros": "x" * 17_000})
    assert (response.status_code, response.get_json()["code"]) == (431, "ENTETES_TROP_GRANDS")


@pytest.mark.parametrize("path", ["/api/v1/problemes", "/api/v1/moi", "/rien", "/sante"])
def test_chaque_reponse_porte_les_entetes_de_securite(client: FlaskClient, path: str) -> None:
    headers = client.get(path).headers
    for name, value in security.HEADERS.items():
        assert headers[name] == value
    assert "unsafe-inline" not in headers["Content-Security-Policy"]


def test_ce_que_voit_une_personne_connectee_n_est_pas_garde(client: FlaskClient) -> None:
    assert client.get("/api/v1/moi", headers=bearer()).headers["Cache-Control"] == "no-store"


def test_https_annonce_hsts(services: Fakes) -> None:
    with gateway(services.adresses, url_publique="https://citoyen.ville.ca") as app:
        response = app.test_client().get("/api/v1/problemes", headers={"Host": "citoyen.ville.ca"})
    assert "includeSubDomains" in response.headers["Strict-Transport-Security"]


def test_l_adresse_du_client_ne_se_forge_pas(services: Fakes) -> None:
    """R16: only the hops that the settings count are believed."""
    for hops, seen in ((0, "127.0.0.1"), (1, "203.0.113.9")):
        services.identite.seen.clear()
        with gateway(services.adresses, mandataires=hops) as app:
            app.test_client().post(
                "/api/v1/session",
                json={"identifiant": "m", "mot_de_passe": "x"},
                headers={"X-Forwarded-For": "198.51.100.1, 203.0.113.9"},
            )
        ((request, _),) = services.identite.calls("OuvrirSession")
        assert request.adresse_ip == seen
