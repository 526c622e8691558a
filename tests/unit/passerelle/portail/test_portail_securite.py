"""Second factors, step-up, mandates and staff rights, as pages (IDN-20, IDN-21, R36)."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.datastructures import MultiDict
from werkzeug.test import TestResponse

from espacecitoyen.identite.v1 import facteurs_service_pb2 as facteurs
from espacecitoyen.identite.v1 import identite_service_pb2 as identite
from espacecitoyen.identite.v1 import mandats_service_pb2 as mandats
from tests.kit.passerelle import AGENT, CITOYENNE, COMPTE, REFUS, SESSION, Fakes, bearer, log_in

pytestmark = [pytest.mark.unit, pytest.mark.exigence("IDN-20")]

CLE = "0b1f6f2e-7a53-4c55-9a5e-3f6f2b8f00c1"
OPTIONS = '{"challenge": "AAAA", "allowCredentials": []}'
EPREUVE = "E" * 43
NEUVE = "n" * 43


def jeton(page: str) -> str:
    trouve = re.search(r'name="csrf_token" value="([^"]+)"', page)
    assert trouve is not None
    return trouve.group(1)


def une_visite(**champs: Any) -> identite.VerifierSessionResponse:
    valeurs: dict[str, Any] = {
        "compte_id": COMPTE,
        "session_id": SESSION,
        "roles": ["citoyen"],
        "roles_propres": ["citoyen"],
        "prenom": "Marie",
        "nom": "Tremblay",
        "langue": "fr",
        "expire_le": "2099-01-01T00:00:00Z",
        "prouvee_le": datetime.now(UTC).isoformat(),
    }
    return identite.VerifierSessionResponse(**(valeurs | champs))


@pytest.fixture(autouse=True)
def reponses(client: FlaskClient, services: Fakes) -> None:
    visits = client.application.extensions["visits"]
    for secret in (CITOYENNE, AGENT, NEUVE):
        visits.drop(secret)
    services.identite.answers |= {
        "GetFacteurs": facteurs.GetFacteursResponse(
            cles=[facteurs.CleAcces(cle_id=CLE, nom="Téléphone", cree_le="2026-11-01T12:00:00Z")],
            totp=True,
            codes_restants=9,
        ),
        "CommencerTotp": facteurs.CommencerTotpResponse(
            secret="ABCDEFGH", uri="otpauth://totp/Espace:marie%40exemple.ca?secret=ABCDEFGH"
        ),
        "ConfirmerTotp": facteurs.ConfirmerTotpResponse(codes_secours=["ABCDE-12345"]),
        "CommencerCle": facteurs.CommencerCleResponse(epreuve=EPREUVE, options_json=OPTIONS),
        "EnregistrerCle": facteurs.EnregistrerCleResponse(),
        "RenommerCle": facteurs.RenommerCleResponse(),
        "RetirerCle": facteurs.RetirerCleResponse(),
        "RetirerTotp": facteurs.RetirerTotpResponse(),
        "RegenererCodes": facteurs.RegenererCodesResponse(codes_secours=["FGHJK-67890"]),
        "CommencerEpreuve": facteurs.CommencerEpreuveResponse(
            epreuve=EPREUVE, options_json=OPTIONS, totp=True, codes_secours=True
        ),
        "TerminerConnexion": facteurs.TerminerConnexionResponse(
            jeton_session=NEUVE, compte_id=COMPTE, expire_le="2099-01-01T00:00:00Z"
        ),
        "CommencerConfirmation": facteurs.CommencerConfirmationResponse(
            epreuve=EPREUVE, mot_de_passe=True
        ),
        "ConfirmerIdentite": facteurs.ConfirmerIdentiteResponse(jusqua="2099-01-01T00:00:00Z"),
        "ListMandats": mandats.ListMandatsResponse(),
        "CesserAgir": mandats.CesserAgirResponse(),
    }


def se_connecter(client: FlaskClient, porte: str = "/connexion") -> TestResponse:
    page = client.get(porte)
    return client.post(
        porte,
        data={
            "csrf_token": jeton(page.text),
            "identifiant": "marie@exemple.ca",
            "mot_de_passe": "girafe-lente-et-boussole",
        },
    )


@pytest.mark.parametrize(
    ("porte", "accueil", "temoin"),
    [("/connexion", "/accueil", "session"), ("/agents/connexion", "/agents/", "session_agent")],
)
def test_the_second_step_stands_between_the_password_and_the_session(
    client: FlaskClient, services: Fakes, porte: str, accueil: str, temoin: str
) -> None:
    services.identite.answers["OuvrirSession"] = identite.OuvrirSessionResponse(epreuve=EPREUVE)
    reponse = se_connecter(client, porte)
    assert reponse.location.startswith(f"{porte}/verification")
    assert client.get_cookie(temoin, path="/agents" if "agents" in porte else "/") is None
    page = client.get(reponse.location)
    assert "Avec une clé d’accès" in page.text
    assert EPREUVE not in page.text
    suivante = client.post(
        f"{porte}/verification", data={"csrf_token": jeton(page.text), "code": "123 456"}
    )
    assert suivante.location == accueil
    ouverte = client.get_cookie(temoin, path="/agents" if "agents" in porte else "/")
    assert ouverte is not None
    assert ouverte.value == NEUVE
    assert client.get_cookie("epreuve", path=porte) is None
    ((demande, _),) = services.identite.calls("TerminerConnexion")
    assert (demande.epreuve, demande.code) == (EPREUVE, "123 456")


def test_a_wrong_code_is_told_and_an_ended_step_leads_back(
    client: FlaskClient, services: Fakes
) -> None:
    services.identite.answers["OuvrirSession"] = identite.OuvrirSessionResponse(epreuve=EPREUVE)
    page = client.get(se_connecter(client).location)
    services.identite.answers["TerminerConnexion"] = REFUS["FACTEUR_REFUSE"](code="FACTEUR_REFUSE")
    envoi = {"csrf_token": jeton(page.text), "code": "000000"}
    refusee = client.post("/connexion/verification", data=envoi)
    assert (refusee.status_code, "Attendez le prochain code" in refusee.text) == (422, True)
    services.identite.answers["TerminerConnexion"] = REFUS["EPREUVE_EXPIREE"]()
    assert client.post("/connexion/verification", data=envoi).location == (
        "/connexion?fait=verification_expiree"
    )
    assert client.get("/connexion/verification").location == "/connexion"


def test_a_passkey_alone_opens_the_door(client: FlaskClient) -> None:
    page = client.get("/connexion")
    depart = client.post(
        "/connexion/cle", data={"csrf_token": jeton(page.text), "suite": "/cartes"}
    )
    assert depart.location == "/connexion/verification?suite=/cartes"
    page = client.get(depart.location)
    assert 'data-cle="prouver"' in page.text
    fini = client.post(
        "/connexion/verification",
        data={"csrf_token": jeton(page.text), "suite": "/cartes", "reponse": "{}"},
    )
    assert fini.location == "/cartes"


def test_an_api_client_goes_the_same_way(client: FlaskClient, services: Fakes) -> None:
    services.identite.answers["OuvrirSession"] = identite.OuvrirSessionResponse(epreuve=EPREUVE)
    premier = client.post(
        "/api/v1/session", json={"identifiant": "marie", "mot_de_passe": "girafe-lente"}
    )
    assert premier.status_code == 202
    assert premier.json == {
        "epreuve": EPREUVE,
        "cle": {"challenge": "AAAA", "allowCredentials": []},
        "application": True,
        "codes_secours": True,
    }
    second = client.post("/api/v1/session/verification", json={"epreuve": EPREUVE, "code": "1"})
    assert second.json is not None
    assert (second.status_code, second.json["jeton"]) == (201, NEUVE)


def test_factors_are_listed_added_and_removed(client: FlaskClient) -> None:
    log_in(client)
    page = client.get("/compte/securite")
    assert "Téléphone" in page.text
    assert "Il vous reste 9 codes" in page.text
    page = client.get("/compte/securite/application")
    assert "ABCD EFGH" in page.text
    assert "<svg" in page.text
    codes = client.post(
        "/compte/securite/application",
        data={"csrf_token": jeton(page.text), "request_id": "x", "code": "123456"},
    )
    assert "ABCDE-12345" in codes.text
    assert codes.headers["Cache-Control"] == "no-store"
    for adresse in (f"/compte/securite/cle/{CLE}/retirer", "/compte/securite/application/retirer"):
        fait = client.post(adresse, data={"csrf_token": jeton(page.text), "request_id": "x"})
        assert fait.location == "/compte/securite?fait=facteur_retire"


@pytest.mark.parametrize("chemin", ["/agents/", "/agents/droits"])
def test_staff_without_a_factor_are_led_to_enrol_one(
    client: FlaskClient, services: Fakes, chemin: str
) -> None:
    services.identite.answers["VerifierSession"] = une_visite(
        roles=["enrolement"], roles_propres=["enrolement"]
    )
    services.identite.answers["GetFacteurs"] = facteurs.GetFacteursResponse(obligatoire=True)
    log_in(client, agent=True)
    assert client.get(chemin).location == "/agents/securite"
    page = client.get("/agents/securite")
    assert "Ajoutez un second facteur pour ouvrir l’espace des agents." in page.text
    services.identite.answers["ConfirmerTotp"] = facteurs.ConfirmerTotpResponse(
        codes_secours=["ABCDE-12345"], jeton_session=NEUVE
    )
    page = client.get("/agents/securite/application")
    client.post(
        "/agents/securite/application",
        data={"csrf_token": jeton(page.text), "request_id": "x", "code": "123456"},
    )
    ouverte = client.get_cookie("session_agent", path="/agents")
    assert ouverte is not None
    assert ouverte.value == NEUVE


# Step-up


@pytest.fixture
def ancienne(client: FlaskClient, services: Fakes) -> FlaskClient:
    """A visitor whose last proof is twenty minutes old."""
    vieux = (datetime.now(UTC) - timedelta(minutes=20)).isoformat()
    services.identite.answers["VerifierSession"] = une_visite(prouvee_le=vieux)
    log_in(client)
    return client


def test_a_page_is_read_after_the_proof(ancienne: FlaskClient) -> None:
    assert ancienne.get("/compte/securite/cle").location == (
        "/confirmer?suite=/compte/securite/cle"
    )
    page = ancienne.get("/confirmer?suite=/compte/securite/cle")
    fait = ancienne.post(
        "/confirmer",
        data={
            "csrf_token": jeton(page.text),
            "suite": "/compte/securite/cle",
            "epreuve": EPREUVE,
            "mot_de_passe": "girafe",
        },
    )
    assert fait.location == "/compte/securite/cle"


def test_what_was_typed_survives_the_proof_but_no_secret(
    ancienne: FlaskClient, services: Fakes
) -> None:
    page = ancienne.get("/compte/mandataires")
    tape = {
        "csrf_token": jeton(page.text),
        "request_id": "0b1f6f2e-7a53-4c55-9a5e-3f6f2b8f00aa",
        "courriel": "fille@exemple.ca",
        "portee": ["cartes", "avis"],
        "fin": "2099-01-01",
        "mot_de_passe": "jamais",
    }
    confirmation = ancienne.post("/compte/mandataires", data=tape)
    assert services.identite.calls("ProposerMandat") == []
    assert "jamais" not in confirmation.text
    gardes = re.findall(r'name="(garde\.[^"]+)" value="([^"]*)"', confirmation.text)
    suite = ancienne.post(
        "/confirmer",
        data=MultiDict(
            [
                ("csrf_token", jeton(confirmation.text)),
                ("action", "/compte/mandataires"),
                ("epreuve", EPREUVE),
                ("mot_de_passe", "girafe"),
                *gardes,
            ]
        ),
    )
    rendus = re.findall(r'name="([^"]+)" value="([^"]*)"', suite.text)
    assert ("courriel", "fille@exemple.ca") in rendus
    assert [valeur for nom, valeur in rendus if nom == "portee"] == ["cartes", "avis"]
    assert 'action="/compte/mandataires"' in suite.text


def test_a_wrong_password_keeps_what_was_typed(ancienne: FlaskClient, services: Fakes) -> None:
    services.identite.answers["ConfirmerIdentite"] = REFUS["FACTEUR_REFUSE"](code="FACTEUR_REFUSE")
    page = ancienne.get("/confirmer?suite=/cartes")
    refusee = ancienne.post(
        "/confirmer",
        data={
            "csrf_token": jeton(page.text),
            "action": "/compte/mandataires",
            "garde.courriel": "fille@exemple.ca",
            "epreuve": EPREUVE,
            "mot_de_passe": "faux",
        },
    )
    assert refusee.status_code == 422
    assert "Le mot de passe est incorrect." in refusee.text
    assert 'name="garde.courriel" value="fille@exemple.ca"' in refusee.text


@pytest.mark.parametrize("adresse", ["https://ailleurs.example/", "//ailleurs.example", "x"])
def test_the_proof_never_leads_to_another_site(ancienne: FlaskClient, adresse: str) -> None:
    page = ancienne.get("/confirmer")
    donnees = {"csrf_token": jeton(page.text), "epreuve": EPREUVE, "suite": adresse}
    assert ancienne.post("/confirmer", data=donnees).location == "/"
    donnees["action"] = adresse
    assert "ailleurs.example" not in ancienne.post("/confirmer", data=donnees).text


# Acting for somebody


@pytest.mark.exigence("IDN-21")
def test_on_whose_behalf_one_acts_is_on_every_page_and_in_every_token(
    client: FlaskClient, services: Fakes
) -> None:
    autrui = identite.AgitPour(
        compte_id="0b1f6f2e-7a53-4c55-9a5e-3f6f2b8f0077",
        prenom="Rose",
        nom="Roy",
        genre="mandat",
        portee=["cartes"],
        fin_le="2099-01-01T00:00:00Z",
    )
    services.identite.answers["VerifierSession"] = une_visite(
        roles=["mandat_cartes"], agit_pour=autrui
    )
    log_in(client)
    for chemin in ("/cartes", "/compte/mandataires", "/aide", "/accueil", "/compte/securite"):
        assert "Vous agissez pour Rose Roy." in client.get(chemin).text, chemin
    _, appelant = services.cartes.calls("ListCartes")[0]
    assert (appelant.subject, appelant.acting_for, appelant.roles) == (
        COMPTE,
        autrui.compte_id,
        frozenset({"mandat_cartes"}),
    )
    # One's own delegations are one's own business.
    _, appelant = services.identite.calls("ListMandats")[0]
    assert (appelant.acting_for, appelant.roles) == ("", frozenset({"citoyen"}))
    page = client.get("/compte/mandataires")
    fait = client.post(
        "/compte/mandataires/cesser",
        data={"csrf_token": jeton(page.text), "request_id": "x"},
    )
    assert fait.location == "/compte/mandataires?fait=mandat_cesse"


@pytest.mark.exigence("IDN-21")
def test_the_matrix_is_shown_to_the_administration_alone(
    client: FlaskClient, services: Fakes
) -> None:
    services.identite.answers["GetMatrice"] = mandats.GetMatriceResponse(
        permissions=["cartes.traiter", "droits.attribuer"],
        roles=[
            mandats.RoleDecrit(role="agent_cartes", permissions=["cartes.traiter"]),
            mandats.RoleDecrit(role="admin", permissions=["droits.attribuer"]),
        ],
        personnel=[
            mandats.MembrePersonnel(
                compte_id=COMPTE, prenom="Marie", nom="Roy", roles=["admin"], courriel="m@x.ca"
            )
        ],
    )
    log_in(client, agent=True)
    assert client.get("/agents/droits").status_code == 403
    client.application.extensions["visits"].drop(AGENT)
    services.identite.answers["VerifierSession"] = une_visite(
        roles=["admin"], permissions=["droits.attribuer"]
    )
    page = client.get("/agents/droits")
    assert "Traiter les demandes de carte" in page.text
    assert "Marie Roy" in page.text
    services.identite.answers["ChangerRole"] = mandats.ChangerRoleResponse()
    fait = client.post(
        "/agents/droits",
        data={
            "csrf_token": jeton(page.text),
            "request_id": "x",
            "courriel": "m@x.ca",
            "role": "agent_cartes",
            "acte": "retirer",
            "motif": "Départ de l’équipe",
        },
    )
    assert fait.location == "/agents/droits?fait=role_change"
    ((demande, _),) = services.identite.calls("ChangerRole")
    assert (demande.role, demande.donner) == ("agent_cartes", False)


def test_an_api_token_is_not_affected_by_step_up_pages(client: FlaskClient) -> None:
    assert client.get("/api/v1/moi", headers=bearer()).status_code == 200
