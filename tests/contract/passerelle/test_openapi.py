"""Every route of the API is in its document, and every answer is what the document says."""

from __future__ import annotations

import copy
import re
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]
from openapi_spec_validator import OpenAPIV31SpecValidator

from tests.kit.passerelle import (
    AGENT,
    CARTE,
    CITOYENNE,
    DEMANDE,
    PIECE,
    REFUS,
    RESIDENCE,
    TELEVERSEMENT,
    Fakes,
    bearer,
    multipart,
)

pytestmark = pytest.mark.contract

_COMPTE = {
    "courriel": "marie@exemple.ca",
    "mot_de_passe": "quatre mots sans lien",
    "prenom": "Marie",
    "nom": "Tremblay",
    "adresse": {"ligne": "1, rue Turgeon", "ville": "Sainte-Thérèse", "code_postal": "J7E 1A1"},
    "langue": "fr",
    "categories": ["collectes_environnement"],
    "canaux": ["courriel"],
}
_TITULAIRE = {
    "prenom": "Marie",
    "nom": "Tremblay",
    "date_naissance": "1990-02-28",
    "adresse": "1, rue Turgeon",
    "ville": "Sainte-Thérèse",
    "code_postal": "J7E 1A1",
}
_DECISION = {
    "version": 2,
    "decisions": [
        {"role": "IDENTITE", "acceptee": True},
        {"role": "RESIDENCE", "acceptee": False, "motif": "ILLISIBLE", "precision": "Floue"},
    ],
}
_TUS = {"Tus-Resumable": "1.0.0"}
_BODY, _TYPE = multipart({"genre": "IDENTITE"}, ("photo.jpg", b"\xff\xd8\xff"))

# One good call of each operation: operationId -> path, status, keyword arguments of the client.
CALLS: dict[str, tuple[str, int, dict[str, Any]]] = {
    "creer_compte": ("/comptes", 202, {"json": _COMPTE}),
    "activer_compte": ("/comptes/activation", 200, {"json": {"jeton": "j" * 43}}),
    "renvoyer_activation": ("/comptes/activation/renvoi", 202, {"json": {"courriel": "m@ex.ca"}}),
    "demander_reinitialisation": (
        "/comptes/reinitialisation",
        202,
        {"json": {"courriel": "m@ex.ca"}},
    ),
    "reinitialiser_mot_de_passe": (
        "/comptes/reinitialisation/mot-de-passe",
        204,
        {"json": {"jeton": "j" * 43, "mot_de_passe": "quatre mots sans lien"}},
    ),
    "ouvrir_session": ("/session", 201, {"json": {"identifiant": "m", "mot_de_passe": "x"}}),
    "commencer_cle": ("/session/cle", 202, {"json": {"agent": False}}),
    "terminer_connexion": (
        "/session/verification",
        201,
        {"json": {"epreuve": "e" * 43, "code": "123456"}},
    ),
    "lire_session": ("/session", 200, {}),
    "fermer_session": ("/session", 204, {}),
    "demander_defi": ("/defi?usage=connexion", 200, {}),
    "lire_mon_profil": ("/moi/profil", 200, {}),
    "modifier_mon_profil": (
        "/moi/profil",
        200,
        {"json": {"version": 7, "langue": "fr", "moyen_prefere": "courriel"}},
    ),
    "ajouter_coordonnee": (
        "/moi/coordonnees",
        201,
        {"json": {"numero": "450 555-0123", "genre": "CELLULAIRE"}},
    ),
    "retirer_coordonnee": (f"/moi/coordonnees/{PIECE}", 204, {}),
    "demander_code": (f"/moi/coordonnees/{PIECE}/code", 202, {"json": {"canal": "TEXTO"}}),
    "valider_coordonnee": (
        f"/moi/coordonnees/{PIECE}/validation",
        200,
        {"json": {"code": "471903"}},
    ),
    "lister_sessions": ("/moi/sessions", 200, {}),
    "terminer_session": (f"/moi/sessions/{PIECE}", 204, {}),
    "terminer_autres_sessions": ("/moi/sessions", 204, {}),
    "oublier_appareil": (f"/moi/appareils/{PIECE}", 204, {}),
    "changer_mot_de_passe": (
        "/moi/mot-de-passe",
        200,
        {"json": {"actuel": "un", "nouveau": "quatre mots sans lien"}},
    ),
    "changer_nom_utilisateur": (
        "/moi/nom-utilisateur",
        204,
        {"json": {"actuel": "un", "nom_utilisateur": "marie.t"}},
    ),
    "annuler_changement": ("/comptes/protection", 204, {"json": {"jeton": "j" * 43}}),
    "lire_profil": ("/moi", 200, {}),
    "lire_accueil": ("/accueil", 200, {}),
    "lister_pieces": ("/pieces?taille=10&genre=IDENTITE", 200, {}),
    "deposer_piece": ("/pieces", 201, {"data": _BODY, "content_type": _TYPE}),
    "lire_piece": (f"/pieces/{PIECE}", 200, {}),
    "modifier_piece": (f"/pieces/{PIECE}", 200, {"json": {"libelle": "Permis"}}),
    "supprimer_piece": (f"/pieces/{PIECE}", 204, {}),
    "telecharger_piece": (f"/pieces/{PIECE}/fichier", 200, {}),
    "remplacer_fichier": (
        f"/pieces/{PIECE}/fichier",
        200,
        {"data": _BODY, "content_type": _TYPE},
    ),
    "lister_versions": (f"/pieces/{PIECE}/versions", 200, {}),
    "lister_utilisations": (f"/pieces/{PIECE}/utilisations", 200, {}),
    "lister_consultations": (f"/pieces/{PIECE}/consultations", 200, {}),
    "apercevoir_piece": (f"/pieces/{PIECE}/apercu?page=1", 200, {}),
    "creer_televersement": ("/televersements", 201, {"headers": _TUS | {"Upload-Length": "8"}}),
    "lire_televersement": (f"/televersements/{TELEVERSEMENT}", 200, {}),
    "poursuivre_televersement": (
        f"/televersements/{TELEVERSEMENT}",
        204,
        {
            "headers": _TUS | {"Upload-Offset": "0"},
            "data": b"12345678",
            "content_type": "application/offset+octet-stream",
        },
    ),
    "abandonner_televersement": (f"/televersements/{TELEVERSEMENT}", 204, {"headers": _TUS}),
    "lister_cartes": ("/cartes", 200, {}),
    "demander_carte": (
        "/cartes",
        201,
        {
            "json": {
                "piece_identite_id": PIECE,
                "piece_residence_id": RESIDENCE,
                "titulaire": _TITULAIRE,
            }
        },
    ),
    "associer_carte": (
        "/cartes/associations",
        201,
        {
            "json": {
                "numero": "2 0042 00000123 7",
                "date_naissance": "1990-05-17",
                "code_postal": "J7E 3L1",
            }
        },
    ),
    "renouveler_carte": (
        f"/cartes/{CARTE}/renouvellements",
        201,
        {
            "json": {
                "piece_residence_id": RESIDENCE,
                "adresse": {
                    "adresse": "12, rue Turgeon",
                    "ville": "Sainte-Thérèse",
                    "code_postal": "J7E 3H2",
                },
            }
        },
    ),
    "lire_carte": (f"/cartes/{CARTE}", 200, {}),
    "remplacer_piece": (
        f"/cartes/{CARTE}/demande/pieces/residence",
        200,
        {"json": {"piece_id": PIECE}},
    ),
    "telecharger_passe": (f"/cartes/{CARTE}/passe.pkpass", 200, {}),
    "obtenir_lien_google": (f"/cartes/{CARTE}/google", 200, {}),
    "lister_types_demande": ("/types-demande?recherche=nid", 200, {}),
    "lire_avis": ("/avis?messages=3", 200, {}),
    "lister_demandes_carte": ("/agents/demandes-carte?statut=DEPOSEE", 200, {}),
    "lire_demande_carte": (f"/agents/demandes-carte/{DEMANDE}", 200, {}),
    "decider_demande_carte": (
        f"/agents/demandes-carte/{DEMANDE}/decision",
        200,
        {"json": _DECISION},
    ),
    "apercevoir_preuve": (f"/agents/demandes-carte/{DEMANDE}/pieces/{PIECE}/apercu", 200, {}),
    "lire_openapi": ("/openapi.json", 200, {}),
    "lister_problemes": ("/problemes", 200, {}),
}


@pytest.fixture
def document(client: FlaskClient) -> dict[str, Any]:
    found: dict[str, Any] = client.get("/api/v1/openapi.json").get_json()
    return found


def operations(document: dict[str, Any]) -> dict[str, tuple[str, str, dict[str, Any]]]:
    return {
        operation["operationId"]: (method, path, operation)
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    }


def strict(document: dict[str, Any]) -> dict[str, Any]:
    """The document's components, with no property that they do not name."""
    components = copy.deepcopy(document["components"])
    for schema in components["schemas"].values():
        if "properties" in schema:
            schema.setdefault("additionalProperties", False)
    return {"components": components}


def check(schema: dict[str, Any], value: Any, document: dict[str, Any]) -> None:
    validator = Draft202012Validator({**strict(document), **schema})
    assert [f"{error.json_path}: {error.message}" for error in validator.iter_errors(value)] == []


@pytest.mark.exigence("PAS-04")
def test_le_document_est_un_openapi_3_1_valide(document: dict[str, Any]) -> None:
    assert document["openapi"].startswith("3.1")
    assert [str(error) for error in OpenAPIV31SpecValidator(document).iter_errors()] == []


@pytest.mark.exigence("PAS-04")
def test_chaque_route_est_dans_le_document_et_inversement(
    app: Flask, document: dict[str, Any]
) -> None:
    served = {
        (method, re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule.rule))
        for rule in app.url_map.iter_rules()
        if rule.rule.startswith("/api/")
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }
    described = {(method.upper(), path) for method, path, _ in operations(document).values()}
    assert served == described
    assert set(operations(document)) == set(CALLS)


@pytest.mark.parametrize("name", sorted(CALLS))
def test_chaque_reponse_suit_son_schema(
    client: FlaskClient, document: dict[str, Any], name: str
) -> None:
    method, _, operation = operations(document)[name]
    path, status, arguments = CALLS[name]
    secret = AGENT if "x-role" in operation else CITOYENNE
    sent = {**arguments, "headers": {**bearer(secret), **arguments.get("headers", {})}}
    response = client.open(f"/api/v1{path}", method=method.upper(), **sent)
    assert response.status_code == status, response.get_data(as_text=True)
    content = operation["responses"][str(status)].get("content", {})
    if not content:
        assert response.get_data() == b""
    elif "application/json" in content:
        check(content["application/json"]["schema"], response.get_json(), document)
    else:
        assert response.mimetype in content
        assert response.get_data()


@pytest.mark.parametrize("name", sorted(name for name in CALLS if "json" in CALLS[name][2]))
def test_le_corps_de_chaque_exemple_suit_le_schema_annonce(
    document: dict[str, Any], name: str
) -> None:
    _, _, operation = operations(document)[name]
    schema = operation["requestBody"]["content"]["application/json"]["schema"]
    check(schema, CALLS[name][2]["json"], document)


@pytest.mark.parametrize("name", sorted(CALLS))
def test_sans_session_une_route_gardee_repond_401(
    client: FlaskClient, document: dict[str, Any], name: str
) -> None:
    method, _, operation = operations(document)[name]
    path, _, arguments = CALLS[name]
    response = client.open(f"/api/v1{path}", method=method.upper(), **arguments)
    if operation["security"] == [{}]:
        assert response.status_code < 400
    else:
        assert response.status_code == 401
        assert response.mimetype == "application/problem+json"
        check({"$ref": "#/components/schemas/Probleme"}, response.get_json(), document)


@pytest.mark.parametrize(
    "name", sorted(name for name in CALLS if CALLS[name][0].startswith("/agents"))
)
def test_une_citoyenne_n_entre_pas_chez_les_agents(
    client: FlaskClient, document: dict[str, Any], name: str
) -> None:
    method, _, _ = operations(document)[name]
    path, _, arguments = CALLS[name]
    response = client.open(f"/api/v1{path}", method=method.upper(), headers=bearer(), **arguments)
    assert (response.status_code, response.get_json()["code"]) == (403, "ACCES_REFUSE")


def test_un_probleme_avec_champs_suit_son_schema(
    client: FlaskClient, services: Fakes, document: dict[str, Any]
) -> None:
    services.identite.answers["CreerCompte"] = REFUS["DONNEES_INVALIDES"](
        courriel="COURRIEL_INVALIDE"
    )
    response = client.post("/api/v1/comptes", json=_COMPTE)
    assert response.status_code == 422
    check({"$ref": "#/components/schemas/Probleme"}, response.get_json(), document)
    assert response.get_json()["champs"]["courriel"]["code"] == "COURRIEL_INVALIDE"
