"""The doors: checks against robots, devices, sessions, identifiers, and what an attacker tries."""

from __future__ import annotations

import json
import re
import zlib

import pytest
from flask import Flask
from flask.testing import FlaskClient

from espacecitoyen.identite.v1 import identite_service_pb2 as identite
from passerelle import reprise
from tests.kit.passerelle import CITOYENNE, COMPTE, JETON, REFUS, Fakes, log_in
from tests.kit.passerelle_answers import AUTRE_SESSION, DEFI, FIREFOX
from tests.unit.passerelle.portail.conftest import Envoyer, caches, texte
from tests.unit.passerelle.portail.test_portail_actes import INSCRIPTION

pytestmark = pytest.mark.unit

CONNEXION = {"identifiant": "marie@exemple.ca", "mot_de_passe": "un érable"}
ACTES = (
    "/connexion",
    "/inscription",
    "/compte/sessions/terminer",
    "/compte/sessions/terminer-autres",
    "/compte/sessions/oublier-appareil",
    "/compte/identifiants/mot-de-passe",
    "/compte/identifiants/nom-utilisateur",
    f"/pas-moi/{JETON}",
)


@pytest.mark.exigence("IDN-03")
def test_le_formulaire_porte_un_defi_que_tout_client_peut_resoudre(
    client: FlaskClient, envoyer: Envoyer, services: Fakes
) -> None:
    page = client.get("/inscription").text
    champs = caches(page, "/inscription")
    assert (champs["defi"], champs["bits"], champs["preuve"]) == (DEFI, "4", "")
    sans_script = " ".join(re.findall(r"<noscript>(.*?)</noscript>", page, re.DOTALL))
    assert f"/code-securite/image/{DEFI}" in sans_script
    assert f"/code-securite/son/{DEFI}" in sans_script
    envoyer("/inscription", {**INSCRIPTION, "preuve": "12"})
    ((demande, _),) = services.identite.calls("CreerCompte")
    assert (demande.defi, demande.preuve, demande.adresse_ip) == (DEFI, "12", "127.0.0.1")


@pytest.mark.exigence("IDN-03")
@pytest.mark.parametrize("raison", ["DEFI_REQUIS", "DEFI_PERIME", "CODE_SECURITE_INVALIDE"])
def test_un_refus_montre_le_code_et_garde_la_saisie(
    envoyer: Envoyer, services: Fakes, raison: str
) -> None:
    services.identite.answers["CreerCompte"] = REFUS[raison](code_securite=raison)
    page = envoyer("/inscription", INSCRIPTION)
    assert page.status_code == 422
    assert "<template" not in page.text
    assert 'name="code_securite"' in page.text
    assert 'href="#code_securite"' in page.text
    assert 'value="marie@exemple.ca"' in page.text
    assert str(INSCRIPTION["mot_de_passe"]) not in texte(page)


@pytest.mark.exigence("IDN-03")
def test_un_autre_code_garde_la_saisie(envoyer: Envoyer, services: Fakes) -> None:
    page = envoyer("/inscription", {**INSCRIPTION, "autre_code": "1"})
    assert page.status_code == 200
    assert 'value="marie@exemple.ca"' in page.text
    assert not services.identite.calls("CreerCompte")
    assert len(services.identite.calls("ObtenirDefi")) == 2


@pytest.mark.exigence("IDN-03")
def test_un_champ_refuse_garde_la_preuve(envoyer: Envoyer, services: Fakes) -> None:
    services.identite.answers["CreerCompte"] = REFUS["DONNEES_INVALIDES"](
        mot_de_passe="MOT_DE_PASSE_FAIBLE"
    )
    page = envoyer("/inscription", {**INSCRIPTION, "preuve": "12"})
    assert caches(page.text, "/inscription")["preuve"] == "12"
    assert len(services.identite.calls("ObtenirDefi")) == 1


@pytest.mark.exigence("IDN-03")
@pytest.mark.parametrize(("forme", "genre"), [("image", "image/png"), ("son", "audio/wav")])
def test_le_code_vient_de_chez_nous(client: FlaskClient, forme: str, genre: str) -> None:
    reponse = client.get(f"/code-securite/{forme}/{DEFI}")
    assert (reponse.status_code, reponse.mimetype) == (200, genre)
    assert reponse.headers["Cache-Control"] == "no-store"
    assert "media-src 'self'" in reponse.headers["Content-Security-Policy"]


@pytest.mark.exigence("IDN-02")
def test_un_nom_pris_vient_avec_des_noms_libres(envoyer: Envoyer, services: Fakes) -> None:
    services.identite.answers["CreerCompte"] = REFUS["NOM_UTILISATEUR_PRIS"](
        nom_utilisateur="NOM_UTILISATEUR_PRIS"
    )
    page = envoyer("/inscription", {**INSCRIPTION, "nom_utilisateur": "marie", "preuve": "12"})
    assert 'href="#nom_utilisateur"' in page.text
    # The proof is spent: the page has another challenge.
    assert caches(page.text, "/inscription")["preuve"] == ""


@pytest.mark.exigence("IDN-02")
def test_apres_un_refus_la_connexion_porte_un_defi(envoyer: Envoyer, services: Fakes) -> None:
    services.identite.answers["OuvrirSession"] = REFUS["IDENTIFIANTS_INVALIDES"]()
    page = envoyer("/connexion", CONNEXION)
    assert caches(page.text, "/connexion")["defi"] == DEFI
    sans_script = " ".join(re.findall(r"<noscript>(.*?)</noscript>", page.text, re.DOTALL))
    assert "code-securite" not in sans_script
    services.identite.answers["OuvrirSession"] = REFUS["DEFI_REQUIS"](code_securite="DEFI_REQUIS")
    page = envoyer("/connexion", CONNEXION)
    assert f"/code-securite/image/{DEFI}" in page.text


@pytest.mark.exigence("IDN-20")
def test_l_appareil_est_retenu_et_presente(
    client: FlaskClient, envoyer: Envoyer, services: Fakes
) -> None:
    services.identite.answers["OuvrirSession"] = identite.OuvrirSessionResponse(
        jeton_session=CITOYENNE, jeton_appareil="A" * 43
    )
    reponse = envoyer("/connexion", CONNEXION)
    (temoin,) = [t for t in reponse.headers.getlist("Set-Cookie") if t.startswith("appareil=")]
    assert "HttpOnly" in temoin
    assert "SameSite=Lax" in temoin
    client.delete_cookie("session")
    envoyer("/connexion", CONNEXION)
    assert services.identite.calls("OuvrirSession")[-1][0].jeton_appareil == "A" * 43


# Sessions and identifiers


@pytest.mark.exigence("IDN-20")
def test_mes_sessions_se_lisent_et_se_terminent(
    client: FlaskClient, envoyer: Envoyer, services: Fakes
) -> None:
    log_in(client)
    page = client.get("/compte/sessions")
    assert "Firefox sur Linux" in texte(page)
    assert "okhttp/4.12" in texte(page)
    assert AUTRE_SESSION in page.text
    action = "/compte/sessions/terminer"
    assert envoyer("/compte/sessions", {}, action).status_code == 303
    ((demande, qui),) = services.identite.calls("TerminerSession")
    assert (demande.session_id, qui.subject) == (AUTRE_SESSION, COMPTE)
    assert envoyer("/compte/sessions", {}, f"{action}-autres").status_code == 303
    assert services.identite.calls("TerminerAutresSessions")
    assert envoyer("/compte/sessions", {}, "/compte/sessions/oublier-appareil").status_code == 303
    assert services.identite.calls("OublierAppareil")[0][0].appareil_id


@pytest.mark.parametrize(
    ("agent", "mots"),
    [
        (FIREFOX, "Firefox sur Linux"),
        ("Mozilla/5.0 (Windows NT 10.0) Chrome/140.0 Safari/537.36 Edg/140.0", "Edge sur Windows"),
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 19) Version/19 Safari/604.1", "Safari sur iPhone"),
        ("curl/8.0", "curl/8.0"),
        ("", "Appareil ou application inconnu"),
    ],
)
def test_un_appareil_se_dit_en_mots(app: Flask, agent: str, mots: str) -> None:
    from passerelle.portail.appareils import en_mots  # noqa: PLC0415 - needs an application

    with app.test_request_context("/"):
        assert en_mots(agent).replace("\u00a0", " ") == mots


@pytest.mark.exigence("IDN-16")
def test_changer_son_mot_de_passe_renouvelle_la_session(
    client: FlaskClient, envoyer: Envoyer, services: Fakes
) -> None:
    log_in(client)
    champs = {"actuel": "un érable", "nouveau": "deux érables au bord de l’eau"}
    action = "/compte/identifiants/mot-de-passe"
    reponse = envoyer("/compte/identifiants", champs, action)
    assert reponse.status_code == 303
    assert any(t.startswith("session=") for t in reponse.headers.getlist("Set-Cookie"))
    services.identite.answers["ChangerMotDePasse"] = REFUS["DONNEES_INVALIDES"](
        actuel="MOT_DE_PASSE_INCORRECT"
    )
    refusee = envoyer("/compte/identifiants", champs, action)
    assert refusee.status_code == 422
    assert "Ce n’est pas votre mot de passe actuel." in texte(refusee)
    assert "un érable" not in texte(refusee)


@pytest.mark.exigence("IDN-16")
def test_changer_son_nom_d_utilisateur(
    client: FlaskClient, envoyer: Envoyer, services: Fakes
) -> None:
    log_in(client)
    champs = {"actuel": "un érable", "nom_utilisateur": "marie.t"}
    reponse = envoyer("/compte/identifiants", champs, "/compte/identifiants/nom-utilisateur")
    assert reponse.status_code == 303
    ((demande, _),) = services.identite.calls("ChangerNomUtilisateur")
    assert (demande.nom_utilisateur, demande.actuel) == ("marie.t", "un érable")


@pytest.mark.exigence("IDN-16")
def test_pas_moi_agit_par_un_bouton_et_non_par_le_lien(
    client: FlaskClient, envoyer: Envoyer, services: Fakes
) -> None:
    client.get(f"/pas-moi/{JETON}")
    assert not services.identite.calls("AnnulerChangement")
    assert envoyer(f"/pas-moi/{JETON}", {}).status_code == 303
    assert services.identite.calls("AnnulerChangement")[0][0].jeton == JETON


# What an expired session leaves


def expirer(services: Fakes) -> None:
    services.identite.answers["VerifierSession"] = REFUS["SESSION_EXPIREE"]()


@pytest.mark.exigence("IDN-20")
def test_ce_qui_etait_ecrit_survit_a_la_session(client: FlaskClient, services: Fakes) -> None:
    log_in(client)
    verifier = services.identite.answers["VerifierSession"]
    page = client.get("/compte/sessions")
    champs = caches(page.text, "/compte/sessions/terminer")
    expirer(services)
    reponse = client.post("/compte/sessions/terminer", data={**champs, "note": "l’été\n<b>"})
    assert reponse.location == "/connexion?suite=/reprise"
    assert "l’été" not in str(reponse.headers)
    services.identite.answers["VerifierSession"] = verifier
    gardee = client.get("/reprise")
    assert "l’été" in texte(gardee)
    assert "<b>" not in gardee.text
    repris = caches(gardee.text, "/compte/sessions/terminer")
    assert repris["session_id"] == champs["session_id"]
    assert repris["request_id"] == champs["request_id"]
    assert client.post("/compte/sessions/terminer", data=repris).status_code == 303
    # Shown once.
    assert client.get("/reprise").location == "/accueil"


@pytest.mark.exigence("IDN-20")
def test_ce_qui_etait_ecrit_ne_revient_a_personne_d_autre(app: Flask, client: FlaskClient) -> None:
    log_in(client)
    for contenu in (
        {"compte": "quelqu’un d’autre", "chemin": "/avis", "champs": []},
        {"compte": COMPTE, "chemin": "https://ailleurs.test/", "champs": []},
    ):
        with app.app_context():
            scelle = reprise._cle().encrypt(zlib.compress(json.dumps(contenu).encode()))
        client.set_cookie("reprise0", scelle.decode())
        assert client.get("/reprise").location == "/accueil"
    client.set_cookie("reprise0", "forge")
    assert client.get("/reprise").location == "/accueil"


@pytest.mark.exigence("IDN-20")
def test_un_mot_de_passe_ecrit_n_est_jamais_garde(client: FlaskClient, services: Fakes) -> None:
    log_in(client)
    champs = caches(client.get("/compte/identifiants").text, "/compte/identifiants/mot-de-passe")
    expirer(services)
    reponse = client.post(
        "/compte/identifiants/mot-de-passe", data={**champs, "actuel": "a", "nouveau": "b"}
    )
    assert reponse.location == "/connexion"
    assert not [t for t in reponse.headers.getlist("Set-Cookie") if t.startswith("reprise")]


@pytest.mark.exigence("IDN-20")
def test_une_page_previent_avant_la_fin_et_se_prolonge(client: FlaskClient) -> None:
    log_in(client)
    page = client.get("/compte/sessions")
    assert "data-session-fin=" in page.text
    assert 'href="/compte/sessions/prolonger"' in page.text
    suite = client.get("/compte/sessions/prolonger", headers={"Accept": "application/json"})
    assert suite.json
    assert suite.json["expire_le"]


# Attacks


@pytest.mark.exigence("IDN-20")
@pytest.mark.parametrize("acte", ACTES)
def test_chaque_acte_refuse_une_requete_d_ailleurs(
    client: FlaskClient, services: Fakes, acte: str
) -> None:
    log_in(client)
    services.identite.seen.clear()
    for entetes in ({}, {"Sec-Fetch-Site": "cross-site"}, {"Origin": "https://ailleurs.test"}):
        assert client.post(acte, data=CONNEXION, headers=entetes).status_code == 403
    assert {rpc for rpc, _, _ in services.identite.seen} <= {"VerifierSession", "GetProfil"}
    assert client.post(acte, data=CONNEXION, headers={"Host": "ailleurs.test"}).status_code == 400


@pytest.mark.exigence("IDN-20")
def test_une_session_fixee_d_avance_n_est_pas_ouverte(
    client: FlaskClient, envoyer: Envoyer, services: Fakes
) -> None:
    fixee = "F" * 43
    client.set_cookie("session", fixee)
    expirer(services)
    reponse = envoyer("/connexion", CONNEXION)
    (temoin,) = [t for t in reponse.headers.getlist("Set-Cookie") if t.startswith("session=")]
    assert fixee not in temoin
    assert CITOYENNE in temoin


@pytest.mark.exigence("IDN-20")
@pytest.mark.parametrize(
    "suite",
    [
        "https://ailleurs.test/",
        "//ailleurs.test",
        "/\\ailleurs.test",
        "/\tx",
        "javascript:alert(1)",
    ],
)
def test_la_connexion_ne_mene_jamais_ailleurs(envoyer: Envoyer, suite: str) -> None:
    assert envoyer("/connexion", {**CONNEXION, "suite": suite}).location == "/accueil"
