"""What a refusal becomes outside: one status, one code, two sentences, never an inside word."""

from __future__ import annotations

import json
from unittest.mock import patch

import grpc
import pytest
from flask import Flask
from flask.testing import FlaskClient

from chassis.grpc_client import RemoteError
from passerelle import messages, problems
from tests.kit.passerelle import AGENT, DEMANDE, PIECE, REFUS, Fakes, bearer, gateway

pytestmark = pytest.mark.unit

_SESSION = {"identifiant": "marie", "mot_de_passe": "x"}
_DECISION = {"version": 1, "decisions": [{"role": "IDENTITE", "acceptee": True}]}


@pytest.mark.parametrize("code", sorted(problems.STATUSES))
def test_chaque_code_du_tableau_a_ses_deux_phrases(code: str) -> None:
    if problems.STATUSES[code] == 500 and code not in {"INTERNE", "PIECE_ALTEREE"}:
        return  # told as INTERNE
    sentence = messages.MESSAGES[code]
    assert sentence.fr
    assert sentence.en
    assert sentence.fr != sentence.en


@pytest.mark.parametrize("code", sorted(messages.MESSAGES))
def test_la_typographie_francaise_est_celle_du_quebec(code: str) -> None:
    fr = messages.MESSAGES[code].fr
    assert "'" not in fr
    assert " :" not in fr
    assert fr.endswith(".")


@pytest.mark.parametrize(
    ("reason", "status"),
    [
        ("IDENTIFIANTS_INVALIDES", 401),
        ("TROP_DE_TENTATIVES", 429),
        ("LIEN_EXPIRE", 410),
        ("DONNEES_INVALIDES", 422),
        ("CARTE_DEJA_DEMANDEE", 409),
    ],
)
def test_une_raison_devient_un_statut_et_deux_phrases(
    client: FlaskClient, services: Fakes, reason: str, status: int
) -> None:
    services.identite.answers["OuvrirSession"] = REFUS[reason]()
    response = client.post("/api/v1/session", json=_SESSION, headers={"Accept-Language": "en"})
    found = response.get_json()
    assert response.status_code == found["status"] == status
    assert response.mimetype == "application/problem+json"
    assert found["code"] == reason
    assert found["message_fr"] == messages.text(reason, "fr")
    assert found["detail"] == found["message_en"] == messages.text(reason, "en")
    assert len(found["trace_id"]) == 32
    assert ("Retry-After" in response.headers) == (status == 429)


def test_une_raison_sans_phrase_ne_sort_pas(client: FlaskClient, services: Fakes) -> None:
    services.identite.answers["OuvrirSession"] = REFUS["RAISON_SANS_PHRASE"]()
    response = client.post("/api/v1/session", json=_SESSION)
    assert (response.status_code, response.get_json()["code"]) == (409, "DONNEES_INVALIDES")
    assert "RAISON_SANS_PHRASE" not in response.get_data(as_text=True)


def test_une_panne_interne_ne_dit_rien_d_elle(client: FlaskClient, services: Fakes) -> None:
    services.identite.answers["OuvrirSession"] = ValueError("mot de passe secret")
    response = client.post("/api/v1/session", json=_SESSION)
    assert (response.status_code, response.get_json()["code"]) == (500, "INTERNE")
    assert "secret" not in response.get_data(as_text=True)


def test_une_erreur_du_programme_ne_montre_pas_sa_pile(app: Flask, services: Fakes) -> None:
    del services
    app.config["PROPAGATE_EXCEPTIONS"] = False
    with patch("passerelle.api.v1.moi.shapes.profil", side_effect=RuntimeError("Traceback")):
        response = app.test_client().get("/api/v1/moi", headers=bearer())
    assert (response.status_code, response.get_json()["code"]) == (500, "INTERNE")
    assert "Traceback" not in response.get_data(as_text=True)


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/api/v1/rien", 404, "ADRESSE_INCONNUE"),
        ("GET", "/api/v1/pieces/pas-un-uuid", 404, "ADRESSE_INCONNUE"),
        ("DELETE", "/api/v1/accueil", 405, "METHODE_NON_PERMISE"),
        ("TRACE", "/api/v1/moi", 405, "METHODE_NON_PERMISE"),
    ],
)
def test_une_adresse_inconnue_est_un_probleme(
    client: FlaskClient, method: str, path: str, status: int, code: str
) -> None:
    response = client.open(path, method=method)
    assert (response.status_code, response.get_json()["code"]) == (status, code)
    assert response.mimetype == "application/problem+json"


@pytest.mark.parametrize(
    ("body", "content_type", "status", "code"),
    [
        (b"{", "application/json", 400, "JSON_MALFORME"),
        (b"\xff\xfe", "application/json", 400, "JSON_MALFORME"),
        (b'{"a":1,"a":2}', "application/json", 400, "JSON_MALFORME"),
        (b'{"identifiant":NaN}', "application/json", 400, "JSON_MALFORME"),
        (b"[" * 100_000, "application/json", 400, "JSON_TROP_PROFOND"),
        (b'{"a":' * 30 + b"1" + b"}" * 30, "application/json", 400, "JSON_TROP_PROFOND"),
        (b"[]", "application/json", 422, "DONNEES_INVALIDES"),
        (b"{}", "text/plain", 415, "TYPE_DE_CONTENU_NON_ACCEPTE"),
        (b" " * 10_000_000, "application/json", 413, "CORPS_TROP_GRAND"),
    ],
)
def test_un_mauvais_corps_est_refuse(
    client: FlaskClient, body: bytes, content_type: str, status: int, code: str
) -> None:
    response = client.post("/api/v1/session", data=body, content_type=content_type)
    assert (response.status_code, response.get_json()["code"]) == (status, code)


@pytest.mark.parametrize(
    ("change", "code", "fields"),
    [
        ({"extra": 1}, "CHAMP_INCONNU", {"extra": "CHAMP_INCONNU"}),
        ({"identifiant": 3}, "DONNEES_INVALIDES", {"identifiant": "TYPE_INVALIDE"}),
        ({"identifiant": "x" * 300}, "DONNEES_INVALIDES", {"identifiant": "TROP_LONG"}),
        ({"identifiant": "a\0b"}, "DONNEES_INVALIDES", {"identifiant": "CARACTERE_INVALIDE"}),
        ({"agent": "oui"}, "DONNEES_INVALIDES", {"agent": "TYPE_INVALIDE"}),
    ],
)
def test_un_mauvais_champ_est_nomme(
    client: FlaskClient,
    services: Fakes,
    change: dict[str, object],
    code: str,
    fields: dict[str, str],
) -> None:
    response = client.post("/api/v1/session", json={**_SESSION, **change})
    assert (response.status_code, response.get_json()["code"]) == (422, code)
    found = {name: value["code"] for name, value in response.get_json()["champs"].items()}
    assert found == fields
    assert services.identite.calls("OuvrirSession") == []


def test_un_demi_caractere_ne_casse_rien(client: FlaskClient) -> None:
    body = b'{"identifiant":"\\ud800","mot_de_passe":"x"}'
    response = client.post("/api/v1/session", data=body, content_type="application/json")
    assert response.get_json()["champs"]["identifiant"]["code"] == "CARACTERE_INVALIDE"


@pytest.mark.parametrize("version", [-1, 2**31, 1.5, True, "1"])
def test_un_nombre_hors_de_32_bits_est_refuse(client: FlaskClient, version: object) -> None:
    response = client.post(
        f"/api/v1/agents/demandes-carte/{DEMANDE}/decision",
        json={**_DECISION, "version": version},
        headers=bearer(AGENT),
    )
    assert response.status_code == 422
    assert list(response.get_json()["champs"]) == ["version"]


@pytest.mark.parametrize(
    "query", ["taille=0", "taille=101", "taille=x", "taille=99999999", "genre=Z"]
)
def test_un_mauvais_parametre_est_nomme(client: FlaskClient, query: str) -> None:
    response = client.get(f"/api/v1/pieces?{query}", headers=bearer())
    assert response.status_code == 422
    assert list(response.get_json()["champs"]) == [query.partition("=")[0]]


def test_la_cle_d_idempotence_devient_le_request_id(client: FlaskClient, services: Fakes) -> None:
    key = "7f1a4f1e-3f0b-4b0f-8a53-1d2e3f4a5b6c"
    path = f"/api/v1/pieces/{PIECE}"
    for headers in ({"Idempotency-Key": key}, {}, {}):
        client.delete(path, headers={**bearer(), **headers})
    first, second, third = [r.request_id for r, _ in services.stockage.calls("SupprimerPiece")]
    assert first == key
    assert len({first, second, third}) == 3
    refused = client.delete(path, headers={**bearer(), "Idempotency-Key": "1"})
    assert (refused.status_code, refused.get_json()["code"]) == (400, "CLE_IDEMPOTENCE_INVALIDE")


@pytest.mark.exigence("PAS-04")
def test_une_lecture_porte_un_etag_et_repond_304(client: FlaskClient, services: Fakes) -> None:
    first = client.get("/api/v1/cartes", headers=bearer())
    etag = first.headers["ETag"]
    assert not etag.startswith("W/")
    again = client.get("/api/v1/cartes", headers={**bearer(), "If-None-Match": etag})
    assert (again.status_code, again.get_data()) == (304, b"")
    services.cartes.answers["ListCartes"].ClearField("cartes")
    changed = client.get("/api/v1/cartes", headers={**bearer(), "If-None-Match": etag})
    assert changed.status_code == 200


def test_modifier_une_piece_garde_ce_qui_n_est_pas_nomme(
    client: FlaskClient, services: Fakes
) -> None:
    client.patch(f"/api/v1/pieces/{PIECE}", json={"valide_jusqu_au": None}, headers=bearer())
    ((request, _),) = services.stockage.calls("ModifierPiece")
    assert (request.libelle, request.valide_jusqu_au, request.genre) == ("Passeport", "", 1)


def test_un_service_absent_repond_503_avec_un_delai(services: Fakes) -> None:
    adresses = {**services.adresses, "demandes": "127.0.0.1:21599"}
    with gateway(adresses) as app:
        response = app.test_client().get("/api/v1/types-demande")
    assert (response.status_code, response.get_json()["code"]) == (503, "SERVICE_INDISPONIBLE")
    assert response.headers["Retry-After"] == "5"


def test_un_code_grpc_sans_raison_garde_son_sens(app: Flask) -> None:
    with app.test_request_context("/api/v1/moi"):
        for code, status in (
            (grpc.StatusCode.NOT_FOUND, 404),
            (grpc.StatusCode.UNKNOWN, 500),
            (grpc.StatusCode.DEADLINE_EXCEEDED, 504),
        ):
            problem = problems.from_remote(RemoteError("cartes", code))
            assert problem.status == status
            assert messages.known(problem.code)


def test_hors_de_l_api_une_erreur_est_une_page(client: FlaskClient) -> None:
    response = client.get("/rien-du-tout")
    assert response.status_code == 404
    assert response.mimetype == "text/html"
    assert messages.text("ADRESSE_INCONNUE", "fr") in response.get_data(as_text=True)


def test_la_liste_des_codes_est_publique(client: FlaskClient) -> None:
    rows = json.loads(client.get("/api/v1/problemes").get_data())["problemes"]
    assert {row["code"] for row in rows} == set(messages.MESSAGES)
