"""What the forms of the portal do, and what they keep when a service refuses."""

from __future__ import annotations

import re

import pytest
from flask.testing import FlaskClient

from espacecitoyen.cartes.v1 import cartes_service_pb2 as cartes
from espacecitoyen.stockage.v1 import stockage_service_pb2 as stockage
from tests.kit.passerelle import (
    CARTE,
    JETON,
    PIECE,
    REFUS,
    RESIDENCE,
    Fakes,
    log_in,
    multipart,
)
from tests.kit.passerelle_answers import une_piece
from tests.unit.passerelle.portail.conftest import Envoyer, caches, texte

pytestmark = pytest.mark.unit

INSCRIPTION = {
    "prenom": " Marie ",
    "nom": "Tremblay",
    "courriel": "marie@exemple.ca",
    "mot_de_passe": "un érable au bord de la rivière",
    "code_postal": "j7e 1a1",
    "telephone": "450 555-0123",
    "langue": "en",
    "categories": ["info_travaux", "vie_democratique"],
    "canaux": ["courriel", "texto"],
}


@pytest.mark.exigence("IDN-01", "IDN-05")
def test_s_inscrire_envoie_le_profil_et_les_choix(envoyer: Envoyer, services: Fakes) -> None:
    page = envoyer("/inscription", INSCRIPTION)
    assert page.location == "/inscription/verifiez-votre-boite"
    ((demande, _),) = services.identite.calls("CreerCompte")
    assert (demande.prenom, demande.langue) == ("Marie", "en")
    assert demande.adresse.code_postal == "J7E1A1"
    assert demande.telephone == "+14505550123"
    assert list(demande.categories) == ["info_travaux", "vie_democratique"]
    assert list(demande.canaux) == ["courriel", "texto"]
    assert re.fullmatch(r"[0-9a-f-]{36}", demande.request_id)


@pytest.mark.exigence("IDN-01")
def test_une_inscription_incomplete_garde_la_saisie(envoyer: Envoyer, services: Fakes) -> None:
    page = envoyer("/inscription", {**INSCRIPTION, "nom": "", "courriel": "marie"})
    assert page.status_code == 422
    assert 'role="alert"' in page.text
    assert 'href="#nom"' in page.text
    assert 'href="#courriel"' in page.text
    assert "Écrivez votre nom de famille." in texte(page)
    assert 'value="marie"' in page.text
    assert str(INSCRIPTION["mot_de_passe"]) not in texte(page)
    assert not services.identite.calls("CreerCompte")


@pytest.mark.exigence("IDN-01")
def test_ce_que_le_service_refuse_est_dit_a_cote_du_champ(
    envoyer: Envoyer, services: Fakes
) -> None:
    services.identite.answers["CreerCompte"] = REFUS["DONNEES_INVALIDES"](
        mot_de_passe="MOT_DE_PASSE_FAIBLE"
    )
    page = envoyer("/inscription", INSCRIPTION)
    assert page.status_code == 422
    assert 'id="mot_de_passe-faute"' in page.text


@pytest.mark.exigence("IDN-05")
def test_un_texto_demande_un_numero(envoyer: Envoyer) -> None:
    page = envoyer("/inscription", {**INSCRIPTION, "telephone": ""})
    assert page.status_code == 422
    assert "écrivez un numéro de téléphone" in texte(page)


@pytest.mark.exigence("IDN-04")
def test_ouvrir_le_lien_n_active_rien_le_bouton_oui(
    client: FlaskClient, envoyer: Envoyer, services: Fakes
) -> None:
    client.get(f"/activation/{JETON}")
    assert not services.identite.calls("ActiverCompte")
    suite = envoyer(f"/activation/{JETON}", {})
    assert suite.location == "/connexion?fait=compte_active"
    assert "Votre compte est activé" in texte(client.get(suite.location))


@pytest.mark.exigence("IDN-04")
@pytest.mark.parametrize("raison", ["LIEN_EXPIRE", "LIEN_DEJA_UTILISE", "LIEN_INCONNU"])
def test_un_lien_inutile_dit_pourquoi_et_quoi_faire(
    envoyer: Envoyer, services: Fakes, raison: str
) -> None:
    services.identite.answers["ActiverCompte"] = REFUS[raison]
    page = envoyer(f"/activation/{JETON}", {})
    assert page.status_code in {404, 410}
    assert "Ce lien ne peut plus servir" in texte(page)
    assert "/activation/renvoyer" in page.text


@pytest.mark.exigence("IDN-04", "IDN-12")
@pytest.mark.parametrize(
    ("chemin", "rpc", "suite"),
    [
        ("/activation/renvoyer", "RenvoyerActivation", "/inscription/verifiez-votre-boite"),
        ("/mot-de-passe-oublie", "DemanderReinitialisation", "/mot-de-passe-oublie/envoye"),
    ],
)
def test_un_courriel_est_demande_de_nouveau(
    envoyer: Envoyer, services: Fakes, chemin: str, rpc: str, suite: str
) -> None:
    assert envoyer(chemin, {"courriel": "x"}).status_code == 422
    assert envoyer(chemin, {"courriel": "marie@exemple.ca"}).location == suite
    assert len(services.identite.calls(rpc)) == 1


@pytest.mark.exigence("IDN-12")
def test_choisir_un_nouveau_mot_de_passe(envoyer: Envoyer, services: Fakes) -> None:
    page = envoyer(f"/mot-de-passe/{JETON}", {"mot_de_passe": "un autre érable rouge"})
    assert page.location == "/connexion?fait=mot_de_passe_change"
    services.identite.answers["ReinitialiserMotDePasse"] = REFUS["LIEN_EXPIRE"]
    page = envoyer(f"/mot-de-passe/{JETON}", {"mot_de_passe": "un autre érable rouge"})
    assert page.status_code == 410
    assert "/mot-de-passe-oublie" in page.text


@pytest.mark.exigence("IDN-02")
@pytest.mark.parametrize(
    ("suite", "arrivee"),
    [("/stockage", "/stockage"), ("//ailleurs.test/", "/accueil"), ("", "/accueil")],
)
def test_se_connecter_revient_a_la_page_voulue(
    client: FlaskClient, services: Fakes, suite: str, arrivee: str
) -> None:
    page = client.get("/connexion", query_string={"suite": suite})
    champs = {**caches(page.text, "/connexion"), "suite": suite}
    envoi = {**champs, "identifiant": "marie@exemple.ca", "mot_de_passe": "x"}
    entree = client.post("/connexion", data=envoi)
    assert entree.location == arrivee
    assert client.get("/accueil").status_code == 200
    ((demande, _),) = services.identite.calls("OuvrirSession")
    assert not demande.agent


@pytest.mark.exigence("IDN-02")
def test_un_mauvais_mot_de_passe_garde_l_identifiant_seul(
    envoyer: Envoyer, services: Fakes
) -> None:
    services.identite.answers["OuvrirSession"] = REFUS["IDENTIFIANTS_INVALIDES"]
    page = envoyer("/connexion", {"identifiant": "marie", "mot_de_passe": "secret-saisi"})
    assert page.status_code == 401
    assert 'value="marie"' in page.text
    assert "secret-saisi" not in page.text


def test_se_deconnecter_se_fait_par_un_bouton(client: FlaskClient, services: Fakes) -> None:
    log_in(client)
    assert client.get("/deconnexion").status_code == 405
    champs = caches(client.get("/accueil").text, "/deconnexion")
    assert client.post("/deconnexion", data=champs).location == "/?fait=deconnecte"
    assert services.identite.calls("FermerSession")
    assert client.get("/accueil").status_code == 303


@pytest.mark.exigence("STO-01")
def test_ajouter_un_document_et_revenir_ou_l_on_etait(client: FlaskClient) -> None:
    log_in(client)
    page = client.get("/stockage/ajouter?genre=residence&suite=/cartes/demande")
    assert '<option selected value="RESIDENCE">' in page.text
    champs = {**caches(page.text, "/stockage/ajouter"), "genre": "RESIDENCE", "libelle": "Bail"}
    corps, media = multipart(champs, ("bail.pdf", b"%PDF-1.7"))
    suite = client.post("/stockage/ajouter", data=corps, content_type=media)
    assert suite.location == f"/cartes/demande?piece={PIECE}"


@pytest.mark.exigence("STO-01")
def test_un_document_refuse_garde_ses_champs(client: FlaskClient, services: Fakes) -> None:
    log_in(client)
    services.stockage.answers["DeposerPiece"] = REFUS["PIECE_INFECTEE"]
    champs = caches(client.get("/stockage/ajouter").text, "/stockage/ajouter")
    champs |= {"genre": "IDENTITE", "libelle": "Mon passeport"}
    corps, media = multipart(champs, ("passeport.jpg", b"x"))
    page = client.post("/stockage/ajouter", data=corps, content_type=media)
    assert page.status_code == 422
    assert 'value="Mon passeport"' in page.text
    assert 'role="alert"' in page.text


@pytest.mark.exigence("STO-01")
def test_modifier_et_supprimer_un_document(envoyer: Envoyer, client: FlaskClient, services) -> None:
    log_in(client)
    champs = {"genre": "RESIDENCE", "libelle": "Bail", "valide_jusqu_au": "2027-06-30"}
    assert envoyer(f"/stockage/{PIECE}/modifier", champs).location.endswith("piece_modifiee")
    ((modifiee, _),) = services.stockage.calls("ModifierPiece")
    assert modifiee.genre == stockage.GENRE_PIECE_RESIDENCE
    assert modifiee.valide_jusqu_au == "2027-06-30"
    faute = envoyer(f"/stockage/{PIECE}/modifier", {**champs, "valide_jusqu_au": "bientôt"})
    assert faute.status_code == 422
    assert 'value="bientôt"' in faute.text
    assert envoyer(f"/stockage/{PIECE}/supprimer", {}).location.endswith("piece_supprimee")


@pytest.mark.exigence("STO-03")
def test_l_apercu_est_une_image(client: FlaskClient) -> None:
    log_in(client)
    assert client.get(f"/stockage/{PIECE}/apercu?page=1").mimetype == "image/png"
    assert (
        client.get(f"/stockage/{PIECE}/fichier")
        .headers["Content-Disposition"]
        .startswith("attachment")
    )


def _deux_pieces(services: Fakes) -> None:
    residence = une_piece(
        piece_id=RESIDENCE, genre=stockage.GENRE_PIECE_RESIDENCE, libelle="Compte de taxes"
    )
    services.stockage.answers["ListPieces"] = stockage.ListPiecesResponse(
        pieces=[une_piece(), residence], total=2
    )


@pytest.mark.exigence("CAR-02")
def test_la_demande_de_carte_est_remplie_d_avance(client: FlaskClient, services: Fakes) -> None:
    log_in(client)
    _deux_pieces(services)
    page = client.get("/cartes/demande")
    assert 'value="1, rue Turgeon"' in page.text
    assert re.search(rf'name="piece_identite" value="{PIECE}" checked', page.text)
    assert re.search(rf'name="piece_residence" value="{RESIDENCE}" checked', page.text)


@pytest.mark.exigence("CAR-02")
def test_un_document_expire_ne_peut_pas_etre_choisi(client: FlaskClient, services: Fakes) -> None:
    log_in(client)
    services.stockage.answers["ListPieces"] = stockage.ListPiecesResponse(
        pieces=[une_piece(valide_jusqu_au="2020-01-01")], total=1
    )
    page = client.get("/cartes/demande")
    assert re.search(rf'name="piece_identite" value="{PIECE}" disabled', page.text)
    assert "<strong>expiré</strong>" in page.text


TITULAIRE = {
    "prenom": "Marie",
    "nom": "Tremblay",
    "date_naissance": "1990-02-28",
    "adresse": "1, rue Turgeon",
    "municipalite": "Sainte-Thérèse",
    "code_postal": "J7E 1A1",
}


@pytest.mark.exigence("CAR-02")
def test_un_double_clic_est_une_seule_demande(client: FlaskClient, services: Fakes) -> None:
    log_in(client)
    _deux_pieces(services)
    champs = {**caches(client.get("/cartes/demande").text, "/cartes/demande"), **TITULAIRE}
    champs |= {"piece_identite": PIECE, "piece_residence": RESIDENCE, "carte_physique": "y"}
    for _ in range(2):
        assert client.post("/cartes/demande", data=champs).location == (
            f"/cartes/{CARTE}?fait=carte_demandee"
        )
    (une, _), (deux, _) = services.cartes.calls("DemanderCarte")
    assert une.request_id == deux.request_id
    assert une.carte_physique
    assert une.titulaire.code_postal == "J7E1A1"


@pytest.mark.exigence("CAR-02")
def test_la_meme_piece_deux_fois_ou_aucune_est_refusee(
    client: FlaskClient, envoyer: Envoyer, services: Fakes
) -> None:
    log_in(client)
    _deux_pieces(services)
    deux_fois = {**TITULAIRE, "piece_identite": PIECE, "piece_residence": PIECE}
    page = envoyer("/cartes/demande", deux_fois)
    assert page.status_code == 422
    assert "Choisissez un document différent" in texte(page)
    assert "Choisissez une pièce d’identité." in texte(envoyer("/cartes/demande", TITULAIRE))
    assert not services.cartes.calls("DemanderCarte")


@pytest.mark.exigence("CAR-02")
def test_une_demande_pendant_qu_une_autre_attend_le_dit(
    client: FlaskClient, envoyer: Envoyer, services: Fakes
) -> None:
    log_in(client)
    _deux_pieces(services)
    services.cartes.answers["DemanderCarte"] = REFUS["CARTE_DEJA_DEMANDEE"]
    champs = {**TITULAIRE, "piece_identite": PIECE, "piece_residence": RESIDENCE}
    page = envoyer("/cartes/demande", champs)
    assert page.status_code == 409
    assert "une demande de carte en cours" in texte(page)
    assert 'value="Marie"' in page.text


@pytest.mark.exigence("CAR-04")
def test_seule_la_piece_refusee_est_remplacee(
    client: FlaskClient, envoyer: Envoyer, services: Fakes
) -> None:
    log_in(client)
    nouvelle = "0b1f6f2e-7a53-4c55-9a5e-3f6f2b8f0099"
    services.stockage.answers["ListPieces"] = stockage.ListPiecesResponse(
        pieces=[une_piece(), une_piece(piece_id=nouvelle, libelle="Bail")], total=2
    )
    page = client.get(f"/cartes/{CARTE}")
    assert "Le document est illisible." in texte(page)
    assert "La date ne se lit pas." in texte(page)
    assert f'value="{PIECE}"' not in page.text
    suite = envoyer(f"/cartes/{CARTE}", {"piece_id": nouvelle})
    assert suite.location.endswith("fait=piece_remplacee")
    ((demande, _),) = services.cartes.calls("RemplacerPiece")
    assert (demande.role, demande.piece_id) == (cartes.ROLE_PIECE_RESIDENCE, nouvelle)


@pytest.mark.exigence("CAR-05")
def test_le_titulaire_prend_sa_carte_dans_son_portefeuille(client: FlaskClient) -> None:
    log_in(client)
    assert client.get(f"/cartes/{CARTE}/apple").mimetype == "application/vnd.apple.pkpass"
    assert client.get(f"/cartes/{CARTE}/google").location.startswith("https://pay.google.com/")
