"""The home, health, measures, access lines, wallet links and documents."""

from __future__ import annotations

import json
import logging
import subprocess
import sys
import time
from dataclasses import asdict
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

from espacecitoyen.cartes.v1 import cartes_service_pb2 as cartes
from passerelle import serve
from passerelle.documents import disposition
from tests.kit.identity import PRIVATE_KEY
from tests.kit.passerelle import JETON, PIECE, REFUS, Fakes, bearer, gateway, une_config
from tests.kit.wait import wait_until

pytestmark = pytest.mark.unit

ABSENT = "127.0.0.1:21599"
BLOCS = ("profil", "cartes", "demandes", "avis", "stockage")


@pytest.mark.exigence("PAS-03")
def test_l_accueil_montre_les_cinq_services(client: FlaskClient) -> None:
    home = client.get("/api/v1/accueil", headers=bearer()).get_json()
    assert home["complet"] is True
    assert all(home[name]["valeur"] and home[name]["erreur"] is None for name in BLOCS)


@pytest.mark.exigence("PAS-03")
@pytest.mark.parametrize("down", ["cartes", "demandes", "avis", "stockage"])
def test_un_service_absent_ne_cache_pas_les_autres(services: Fakes, down: str) -> None:
    with gateway({**services.adresses, down: ABSENT}) as app:
        began = time.monotonic()
        home = app.test_client().get("/api/v1/accueil", headers=bearer()).get_json()
        took = time.monotonic() - began
    assert home["complet"] is False
    assert home[down]["valeur"] is None
    assert home[down]["erreur"]["code"] == "SERVICE_INDISPONIBLE"
    assert all(home[name]["valeur"] for name in BLOCS if name != down)
    assert took < 3


def test_un_service_lent_est_laisse_a_son_delai(services: Fakes) -> None:
    slow = services.cartes.answers["ListCartes"]

    def wait(_: object) -> cartes.ListCartesResponse:
        time.sleep(0.6)  # the fake is slow on purpose: the gateway's deadline is what is tested
        answer: cartes.ListCartesResponse = slow
        return answer

    services.cartes.answers["ListCartes"] = wait
    with gateway(services.adresses, delai_accueil_s=0.3) as app:
        home = app.test_client().get("/api/v1/accueil", headers=bearer()).get_json()
    assert home["cartes"]["erreur"]["code"] == "DELAI_DEPASSE"
    assert home["avis"]["valeur"]


def test_identite_en_panne_l_accueil_le_dit(client: FlaskClient, services: Fakes) -> None:
    services.identite.answers["GetProfil"] = RuntimeError("panne")
    home = client.get("/api/v1/accueil", headers=bearer()).get_json()
    assert home["profil"]["erreur"]["code"] == "INTERNE"
    assert home["cartes"]["valeur"]


# -- health and measures


def test_sante_est_200_quand_les_cinq_repondent(client: FlaskClient) -> None:
    wait_until(
        lambda: client.get("/sante").status_code == 200,
        what="the five fakes to say that they serve",
    )
    response = client.get("/sante")
    assert response.get_json()["statut"] == "EN_MARCHE"
    assert set(response.get_json()["services"]) == {
        "identite", "cartes", "demandes", "avis", "stockage",
    }  # fmt: skip


def test_sante_est_503_et_nomme_l_absent(services: Fakes) -> None:
    with gateway({**services.adresses, "avis": ABSENT}) as app:
        response = app.test_client().get("/sante", headers={"Host": "10.0.0.7:8080"})
    assert response.status_code == 503
    assert response.get_json()["services"]["avis"]["statut"] == "EN_PANNE"
    assert response.get_json()["services"]["cartes"]["statut"] == "EN_MARCHE"


def test_les_mesures_sont_pour_l_interieur(client: FlaskClient) -> None:
    inside = client.get("/metrics")
    assert inside.status_code == 200
    assert inside.mimetype == "text/plain"
    outside = client.get("/metrics", environ_overrides={"REMOTE_ADDR": "8.8.8.8"})
    assert outside.status_code == 403


def test_le_processus_compte_ses_requetes() -> None:
    """In a process of its own: the meter provider is set once for all."""
    program = """
from passerelle.app import create_app
client = create_app().test_client()
client.get("/api/v1/problemes", headers={"Host": "127.0.0.1:8080"})
print(client.get("/metrics").get_data(as_text=True))
"""
    found = subprocess.run(
        [sys.executable, "-c", program],
        env={
            "PATH": "/usr/bin",
            "PYTHONPATH": ".:protos/gen",
            "PASSERELLE_TOKEN_PRIVATE_KEY": PRIVATE_KEY.decode(),
            "PASSERELLE_SECRET": "s" * 40,
            "ESPACE_ADRESSES": ",".join(f"{name}={ABSENT}" for name in (
                "identite", "cartes", "demandes", "avis", "stockage")),
        },
        cwd=Path(__file__).parents[3],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )  # fmt: skip
    assert 'route="/api/v1/problemes"' in found.stdout
    line = next(json.loads(row) for row in found.stderr.splitlines() if '"request"' in row)
    assert (line["route"], line["status"], line["method"]) == ("/api/v1/problemes", 200, "GET")


def test_la_ligne_d_acces_ne_porte_ni_jeton_ni_adresse(
    client: FlaskClient, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO):
        client.get(f"/portefeuille/{JETON}/apple")
        client.get(f"/api/v1/pieces/{PIECE}?curseur=secret", headers=bearer())
        client.get("/rien/courriel@exemple.ca")
    rows = [record.fields for record in caplog.records if record.name == "passerelle.acces"]  # type: ignore[attr-defined]
    assert [row["route"] for row in rows] == [
        "/portefeuille/<jeton:jeton>/apple",
        "/api/v1/pieces/<uuid:piece_id>",
        "(inconnue)",
    ]
    everything = json.dumps(rows) + caplog.text
    for secret in (JETON, PIECE, "secret", "exemple.ca"):
        assert secret not in everything


# -- wallet


@pytest.mark.exigence("CAR-05")
def test_le_lien_apple_donne_le_passe(client: FlaskClient, services: Fakes) -> None:
    response = client.get(f"/portefeuille/{JETON}/apple")
    assert response.get_data() == b"PK\x03\x04passe"
    assert response.headers["Content-Type"] == "application/vnd.apple.pkpass"
    assert 'attachment; filename="carte-citoyen.pkpass"' in response.headers["Content-Disposition"]
    assert response.headers["Cache-Control"] == "no-store"
    ((request, who),) = services.cartes.calls("TelechargerPasse")
    assert (request.jeton, request.carte_id) == (JETON, "")
    assert who.roles == {"anonyme"}


@pytest.mark.exigence("CAR-05")
def test_le_lien_google_y_mene(client: FlaskClient) -> None:
    response = client.get(f"/portefeuille/{JETON}/google")
    assert response.status_code == 303
    assert response.headers["Location"].startswith("https://pay.google.com/gp/v/save/")
    assert response.headers["Cache-Control"] == "no-store"


def test_un_lien_qui_n_est_pas_de_google_n_est_pas_suivi(
    client: FlaskClient, services: Fakes
) -> None:
    services.cartes.answers["ObtenirLienGoogle"] = cartes.ObtenirLienGoogleResponse(
        url="https://pay.google.com.ailleurs.ca/"
    )
    assert client.get(f"/portefeuille/{JETON}/google").status_code == 500


@pytest.mark.parametrize("jeton", ["court", "x" * 44, "é" * 43, "a" * 42 + "."])
def test_un_jeton_mal_forme_n_est_pas_une_adresse(client: FlaskClient, jeton: str) -> None:
    assert client.get(f"/portefeuille/{jeton}/apple").status_code == 404


def test_un_lien_expire_est_une_page(client: FlaskClient, services: Fakes) -> None:
    services.cartes.answers["TelechargerPasse"] = REFUS["LIEN_EXPIRE"]()
    response = client.get(f"/portefeuille/{JETON}/apple")
    assert (response.status_code, response.mimetype) == (410, "text/html")


# -- documents


def test_un_document_est_toujours_une_piece_jointe(client: FlaskClient) -> None:
    response = client.get(f"/api/v1/pieces/{PIECE}/fichier", headers=bearer())
    assert response.get_data() == b"abcdef"
    assert response.headers["Content-Length"] == "6"
    assert response.headers["Content-Disposition"].startswith("attachment;")
    assert "sandbox" in response.headers["Content-Security-Policy"]
    apercu = client.get(f"/api/v1/pieces/{PIECE}/apercu", headers=bearer())
    assert apercu.headers["Content-Disposition"].startswith("inline;")


def test_un_document_introuvable_est_404(client: FlaskClient, services: Fakes) -> None:
    services.stockage.answers["LirePiece"] = REFUS["PIECE_INTROUVABLE"]()
    response = client.get(f"/api/v1/pieces/{PIECE}/fichier", headers=bearer())
    assert (response.status_code, response.get_json()["code"]) == (404, "PIECE_INTROUVABLE")


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ('a"b.pdf', "attachment; filename=\"a_b.pdf\"; filename*=UTF-8''a%22b.pdf"),
        ("été.pdf", "attachment; filename=\"_t_.pdf\"; filename*=UTF-8''%C3%A9t%C3%A9.pdf"),
        ("a\r\nX: y", "attachment; filename=\"aX: y\"; filename*=UTF-8''aX%3A%20y"),
        ("", "attachment; filename=\"document\"; filename*=UTF-8''document"),
    ],
)
def test_un_nom_de_fichier_ne_sort_pas_de_son_entete(name: str, expected: str) -> None:
    assert disposition(name) == expected


# -- language and settings


@pytest.mark.parametrize(
    ("path", "cookie", "accept", "langue"),
    [
        ("/rien?lang=en", "", "fr", "en"),
        ("/rien", "en", "fr", "en"),
        ("/rien", "", "en-CA,en;q=0.9", "en"),
        ("/rien", "", "de", "fr"),
        ("/rien?lang=xx", "", "", "fr"),
    ],
)
def test_la_langue_est_celle_qu_on_demande(
    client: FlaskClient, path: str, cookie: str, accept: str, langue: str
) -> None:
    if cookie:
        client.set_cookie("langue", cookie)
    response = client.get(f"/api/v1{path}", headers={"Accept-Language": accept})
    found = response.get_json()
    assert found["detail"] == found[f"message_{langue}"]
    assert ("Set-Cookie" in response.headers) == ("lang=en" in path)


def test_un_secret_trop_court_arrete_le_depart(services: Fakes) -> None:
    with (
        pytest.raises(ValueError, match="PASSERELLE_SECRET"),
        gateway(services.adresses, secret="court"),
    ):
        pass


def test_gunicorn_accepte_nos_reglages(services: Fakes) -> None:
    server = serve.Server(une_config(services.adresses, listen="127.0.0.1:21500"))
    assert server.cfg.worker_class_str == "gthread"
    assert server.cfg.accesslog is None
    assert server.cfg.address == [("127.0.0.1", 21500)]
    assert set(serve.options(une_config({}))) <= set(server.cfg.settings)


def test_les_reglages_viennent_tous_de_l_environnement(app: Flask) -> None:
    assert all(name.isascii() for name in asdict(app.extensions["config"]))
