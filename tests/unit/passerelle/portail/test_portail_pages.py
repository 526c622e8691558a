"""Every page of the portal, in both languages, and what all templates have in common."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from flask.testing import FlaskClient

import passerelle
from tests.kit.passerelle import (
    CARTE,
    DEMANDE,
    JETON,
    PIECE,
    REFUS,
    Fakes,
    gateway,
    log_in,
)
from tests.unit.passerelle.portail.conftest import texte

pytestmark = pytest.mark.unit

MODELES = Path(passerelle.__file__).parent / "templates"
PUBLIQUES = (
    "/",
    "/inscription",
    "/inscription/verifiez-votre-boite",
    "/activation/renvoyer",
    f"/activation/{JETON}",
    "/connexion",
    "/mot-de-passe-oublie",
    "/mot-de-passe-oublie/envoye",
    f"/mot-de-passe/{JETON}",
    f"/pas-moi/{JETON}",
    "/demandes/nouvelle",
    "/demandes/type/requete_generale",
    "/demandes/ticket",
    "/aide",
    "/aide/questions",
    "/aide/carte-citoyen",
    "/aide/creer-un-compte",
    "/confidentialite",
    "/temoins",
    f"/portefeuille/{JETON}",
    "/agents/connexion",
)
PERSONNELLES = (
    "/accueil",
    "/compte",
    "/compte/identifiants",
    "/compte/sessions",
    "/compte/sessions/prolonger",
    "/demandes",
    "/stockage",
    "/stockage/ajouter",
    f"/stockage/{PIECE}",
    f"/stockage/{PIECE}/modifier",
    f"/stockage/{PIECE}/supprimer",
    "/cartes",
    "/cartes/demande",
    f"/cartes/{CARTE}",
    "/avis",
)
AGENTS = ("/agents/", f"/agents/demandes/{DEMANDE}")


@pytest.mark.exigence("PAS-01")
@pytest.mark.parametrize("langue", ["fr", "en"])
@pytest.mark.parametrize("chemin", [*PUBLIQUES, *PERSONNELLES, *AGENTS])
def test_chaque_page_a_un_titre_et_dit_sa_langue(
    client: FlaskClient, chemin: str, langue: str
) -> None:
    log_in(client, agent=chemin in AGENTS) if chemin not in PUBLIQUES else None
    page = client.get(chemin, query_string={"lang": langue})
    assert page.status_code == 200, texte(page)
    assert f'<html lang="{langue}-CA">' in page.text
    assert page.text.count("<h1") == 1
    assert 'href="#contenu"' in page.text


@pytest.mark.exigence("PAS-01")
@pytest.mark.parametrize("chemin", PERSONNELLES)
def test_une_page_personnelle_mene_a_la_connexion(client: FlaskClient, chemin: str) -> None:
    page = client.get(chemin)
    assert page.status_code == 303
    assert page.location == f"/connexion?suite={chemin}"


@pytest.mark.exigence("PAS-02")
@pytest.mark.parametrize("chemin", AGENTS)
def test_la_session_d_un_citoyen_n_ouvre_pas_le_bureau(client: FlaskClient, chemin: str) -> None:
    log_in(client)
    assert client.get(chemin).status_code == 303


@pytest.mark.exigence("PAS-03")
@pytest.mark.parametrize("absent", ["cartes", "demandes", "avis", "stockage"])
def test_l_accueil_dit_ce_qui_manque_et_montre_le_reste(services: Fakes, absent: str) -> None:
    with gateway({**services.adresses, absent: "127.0.0.1:21598"}) as app:
        client = app.test_client()
        log_in(client)
        page = client.get("/accueil")
    assert page.status_code == 200
    assert "Une partie de votre espace ne répond pas" in texte(page)
    assert "Cette partie n’est pas disponible" in texte(page)
    assert "marie@exemple.ca" in page.text


@pytest.mark.exigence("PAS-01")
def test_l_accueil_public_reste_debout_sans_le_catalogue(services: Fakes) -> None:
    with gateway({**services.adresses, "demandes": "127.0.0.1:21598"}) as app:
        page = app.test_client().get("/")
    assert page.status_code == 200
    assert "Cette partie n’est pas disponible" in texte(page)


@pytest.mark.exigence("PAS-01")
def test_qui_est_connecte_arrive_a_son_accueil(client: FlaskClient) -> None:
    log_in(client)
    assert client.get("/").location == "/accueil"


@pytest.mark.exigence("PAS-01")
def test_les_21_questions_ont_leur_reponse(client: FlaskClient) -> None:
    for langue in ("fr", "en"):
        page = client.get("/aide/questions", query_string={"lang": langue})
        assert re.findall(r'id="question-(\d+)"', page.text) == [str(n) for n in range(1, 22)]


@pytest.mark.exigence("PAS-01")
@pytest.mark.parametrize(("numero", "statut"), [("", 422), ("?!", 422), ("ABCD-1234", 404)])
def test_un_ticket_inconnu_le_dit_clairement(client: FlaskClient, numero: str, statut: int) -> None:
    page = client.get("/demandes/ticket", query_string={"numero": numero})
    assert page.status_code == statut
    assert ("Aucune demande ne porte ce numéro" in texte(page)) is (statut == 404)


@pytest.mark.exigence("DEM-01")
def test_un_cadenas_precede_ce_qui_demande_un_compte(client: FlaskClient, services: Fakes) -> None:
    types = services.demandes.answers["ListTypesDemande"].types
    avant = client.get("/demandes/nouvelle").text
    assert "Compte citoyen requis" not in avant
    types[0].compte_requis = True
    try:
        assert "Compte citoyen requis" in client.get("/demandes/nouvelle").text
    finally:
        types[0].compte_requis = False


def test_la_recherche_va_au_service(client: FlaskClient, services: Fakes) -> None:
    client.get("/demandes/nouvelle", query_string={"recherche": f" {'é' * 200} "})
    (demande, _), *_ = services.demandes.calls("ListTypesDemande")
    assert demande.recherche == "é" * 100


@pytest.mark.exigence("PAS-01")
def test_l_avis_sur_les_temoins_ne_revient_pas(client: FlaskClient) -> None:
    page = client.get("/aide")
    assert "En savoir plus" in page.text
    jeton = re.search(r'name="csrf_token" value="([^"]+)"', page.text)
    assert jeton
    suite = client.post("/temoins", data={"csrf_token": jeton[1], "suite": "/aide"})
    assert suite.location == "/aide"
    assert "Ce site utilise seulement" not in client.get("/aide").text


@pytest.mark.exigence("CAR-05")
@pytest.mark.parametrize(("appareil", "premier"), [("iPhone", "apple"), ("Android 14", "google")])
def test_le_portefeuille_de_l_appareil_vient_d_abord(
    client: FlaskClient, appareil: str, premier: str
) -> None:
    page = client.get(f"/portefeuille/{JETON}", headers={"User-Agent": appareil})
    liens = re.findall(rf"/portefeuille/{JETON}/(\w+)", page.text)
    assert liens[0] == premier
    assert set(liens) == {"apple", "google"}
    assert page.headers["Cache-Control"] == "no-store"


def test_les_couleurs_de_la_ville_sont_une_feuille_de_style(client: FlaskClient) -> None:
    feuille = client.get("/theme.css")
    assert feuille.mimetype == "text/css"
    assert "--ville-primaire:#0b4f5f" in feuille.text


def test_une_page_inconnue_est_une_page(client: FlaskClient) -> None:
    page = client.get("/n-existe-pas")
    assert page.status_code == 404
    assert page.text.count("<h1") == 1
    assert "Page introuvable" in page.text


@pytest.mark.exigence("PAS-06")
@pytest.mark.parametrize(
    "modele", sorted(MODELES.rglob("*.html")), ids=lambda p: str(p.relative_to(MODELES))
)
def test_aucun_modele_n_a_de_script_ni_de_style_en_ligne(modele: Path) -> None:
    source = modele.read_text(encoding="utf-8")
    assert not re.search(r"<style|\sstyle=|<script(?![^>]*\ssrc=)|\son\w+=|javascript:", source)


def test_une_carte_d_autrui_est_introuvable(client: FlaskClient, services: Fakes) -> None:
    log_in(client)
    services.cartes.answers["GetCarte"] = REFUS["CARTE_INTROUVABLE"]
    page = client.get(f"/cartes/{CARTE}")
    assert page.status_code == 404
    assert "Cette carte est introuvable" in page.text
