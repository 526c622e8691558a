"""« Mon profil », contact points, and the desk that looks after accounts."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from flask.testing import FlaskClient

from espacecitoyen.identite.v1 import coordonnees_service_pb2 as pb
from espacecitoyen.identite.v1 import identite_service_pb2 as identite
from tests.kit.passerelle import AGENT, COMPTE, JETON, REFUS, SESSION, Fakes, log_in
from tests.kit.passerelle_coordonnees import (
    A_VERIFIER,
    RECUPERATION,
    VERIFIEE,
    mon_profil,
    une_coordonnee,
    une_recuperation,
)
from tests.unit.passerelle.portail.conftest import Envoyer, caches, texte

pytestmark = pytest.mark.unit

PROFIL = {
    "ligne": "12, rue Blainville",
    "municipalite": "Sainte-Thérèse",
    "code_postal": "j7e 1a1",
    "langue": "en",
    "categories": ["culture_loisirs"],
    "canaux": ["courriel", "texto"],
    "moyen_prefere": "telephone",
}
CODE = f"/compte/coordonnees/{A_VERIFIER}"


@pytest.fixture
def marie(client: FlaskClient) -> FlaskClient:
    log_in(client)
    return client


@pytest.fixture
def agente(client: FlaskClient, services: Fakes) -> Iterator[FlaskClient]:
    services.identite.answers["VerifierSession"] = identite.VerifierSessionResponse(
        compte_id="a0000000-0000-4000-8000-00000000000a",
        session_id=SESSION,
        roles=["agent_comptes"],
        permissions=["comptes.corriger", "comptes.recuperer"],
        prenom="Noé",
        nom="Roy",
        langue="fr",
        expire_le="2099-01-01T00:00:00Z",
    )
    client.application.extensions["visits"].drop(AGENT)
    client.set_cookie("session_agent", AGENT, path="/agents")
    yield client
    client.application.extensions["visits"].drop(AGENT)


@pytest.mark.exigence("IDN-06")
@pytest.mark.parametrize("page", ["/compte", "/accueil"])
def test_un_encadre_rouge_nomme_le_numero_et_lance_la_verification(
    marie: FlaskClient, services: Fakes, page: str
) -> None:
    services.identite.answers["GetProfil"] = identite.GetProfilResponse(profil=mon_profil().profil)
    lue = marie.get(page)
    (encadre,) = re.findall(r'<section class="encadre-rouge".*?</section>', lue.text, re.DOTALL)
    assert "À vérifier" in encadre
    assert "<svg" in encadre
    assert f'action="{CODE}/code"' in encadre
    assert 'value="texto"' in encadre
    assert 'value="appel"' in encadre
    # It comes before anything else of the page.
    assert lue.text.index("encadre-rouge") < lue.text.index(
        "<dl" if page == "/compte" else "a-faire"
    )


@pytest.mark.exigence("IDN-11")
def test_le_profil_dit_ce_qui_est_verrouille_et_par_ou_passer(marie: FlaskClient) -> None:
    page = texte(marie.get("/compte"))
    assert "impossible de modifier votre prénom, votre nom ou votre adresse courriel" in page
    assert "une personne de la Ville fera la correction" in page
    formulaire = marie.get("/compte/modifier").text
    for champ in ("prenom", "nom", "courriel"):
        assert f'name="{champ}"' not in formulaire
    assert "etoile" in formulaire


@pytest.mark.exigence("IDN-11", "IDN-05", "IDN-07")
@pytest.mark.usefixtures("marie")
def test_modifier_envoie_la_version_lue_et_les_choix(envoyer: Envoyer, services: Fakes) -> None:
    page = envoyer("/compte/modifier", PROFIL)
    assert page.location == "/compte?fait=profil_modifie"
    ((demande, qui),) = services.identite.calls("ModifierProfil")
    assert qui.subject == COMPTE
    assert (demande.version, demande.moyen_prefere, demande.langue) == (7, "telephone", "en")
    assert demande.adresse.code_postal == "J7E1A1"
    assert list(demande.categories) == ["culture_loisirs"]
    assert (demande.prenom, demande.date_naissance) == ("", "")
    assert re.fullmatch(r"[0-9a-f-]{36}", demande.request_id)


@pytest.mark.usefixtures("marie")
def test_un_profil_change_ailleurs_garde_la_saisie(envoyer: Envoyer, services: Fakes) -> None:
    services.identite.answers["ModifierProfil"] = REFUS["VERSION_PERIMEE"]()
    page = envoyer("/compte/modifier", PROFIL)
    assert page.status_code == 409
    assert 'role="alert"' in page.text
    assert "12, rue Blainville" in page.text


@pytest.mark.exigence("IDN-06")
def test_le_clic_demande_le_code_et_mene_au_champ(
    marie: FlaskClient, envoyer: Envoyer, services: Fakes
) -> None:
    page = envoyer("/compte", {"canal": "appel"}, f"{CODE}/code")
    assert page.location == f"{CODE}?canal=appel"
    ((demande, _),) = services.identite.calls("DemanderCode")
    assert (demande.canal, demande.coordonnee_id) == (pb.CANAL_CODE_APPEL, A_VERIFIER)
    assert demande.adresse_ip == "127.0.0.1"
    suite = texte(marie.get(page.location))
    assert "819 555-0143" in suite
    assert "d’une autre province" in suite
    assert "Comment savoir que c’est bien la Ville" in suite
    assert 'autocomplete="one-time-code"' in suite


@pytest.mark.exigence("IDN-06")
@pytest.mark.usefixtures("marie")
def test_le_code_tape_valide_le_numero(envoyer: Envoyer, services: Fakes) -> None:
    page = envoyer(f"{CODE}?canal=texto", {"code": " 471 903 "}, f"{CODE}/valider")
    assert page.location == "/compte?fait=numero_verifie"
    ((demande, qui),) = services.identite.calls("ValiderCoordonnee")
    assert (demande.code, qui.session) == ("471 903", SESSION)


@pytest.mark.parametrize(
    ("raison", "statut", "dit"),
    [
        ("CODE_INVALIDE", 422, "n’est pas le bon"),
        ("CODE_EXPIRE", 409, "Demandez-en un nouveau"),
        ("CELLULAIRE_DEJA_PRIS", 409, "déjà relié à un autre compte"),
    ],
)
@pytest.mark.usefixtures("marie")
def test_un_code_refuse_est_explique_sur_la_page(
    envoyer: Envoyer, services: Fakes, raison: str, statut: int, dit: str
) -> None:
    services.identite.answers["ValiderCoordonnee"] = REFUS[raison]()
    page = envoyer(f"{CODE}?canal=texto", {"code": "000000"}, f"{CODE}/valider")
    assert page.status_code == statut
    assert dit in texte(page)


@pytest.mark.usefixtures("marie")
def test_trop_de_codes_dit_d_attendre(envoyer: Envoyer, services: Fakes) -> None:
    services.identite.answers["DemanderCode"] = REFUS["TROP_DE_CODES"]()
    page = envoyer("/compte", {"canal": "texto"}, f"{CODE}/code")
    assert page.status_code == 429
    assert page.headers["Retry-After"]
    assert "Trop de codes" in texte(page)


@pytest.mark.usefixtures("marie")
def test_un_deuxieme_clic_apres_la_preuve_n_est_pas_une_faute(
    envoyer: Envoyer, services: Fakes
) -> None:
    services.identite.answers["ValiderCoordonnee"] = REFUS["COORDONNEE_DEJA_VERIFIEE"]()
    page = envoyer(f"{CODE}?canal=texto", {"code": "471903"}, f"{CODE}/valider")
    assert page.location == "/compte?fait=numero_verifie"


@pytest.mark.usefixtures("marie")
def test_ajouter_ou_changer_un_numero(envoyer: Envoyer, services: Fakes) -> None:
    champs = {"numero": "450 555-0160", "genre": "FIXE"}
    page = envoyer(f"/compte/coordonnees/ajouter?remplace={VERIFIEE}", champs)
    assert page.location == CODE
    ((demande, _),) = services.identite.calls("AjouterCoordonnee")
    assert (demande.numero, demande.remplace_id) == ("450 555-0160", VERIFIEE)
    vide = envoyer("/compte/coordonnees/ajouter", {"numero": "", "genre": "FIXE"})
    assert vide.status_code == 422
    assert 'href="#numero"' in vide.text


@pytest.mark.usefixtures("marie")
def test_retirer_demande_confirmation(envoyer: Envoyer, services: Fakes) -> None:
    page = envoyer(f"/compte/coordonnees/{VERIFIEE}/retirer", {})
    assert page.location == "/compte?fait=numero_retire"
    assert services.identite.calls("RetirerCoordonnee")[0][0].coordonnee_id == VERIFIEE


@pytest.mark.parametrize("chemin", [CODE, f"{CODE}/retirer"])
def test_le_numero_d_autrui_est_introuvable(
    marie: FlaskClient, services: Fakes, chemin: str
) -> None:
    autre = une_coordonnee(coordonnee_id=VERIFIEE)
    services.identite.answers["GetMonProfil"] = pb.GetMonProfilResponse(
        mon_profil=pb.MonProfil(coordonnees=[autre])
    )
    assert marie.get(chemin).status_code == 404


def actes() -> list[str]:
    return [
        "/compte/modifier",
        f"/compte/recuperation/{RECUPERATION}/arreter",
        "/compte/coordonnees/ajouter",
        f"{CODE}/code",
        f"{CODE}/valider",
        f"{CODE}/retirer",
        "/agents/comptes",
        f"/agents/comptes/{COMPTE}",
        f"/agents/comptes/{COMPTE}/recuperation",
        f"/agents/recuperations/{RECUPERATION}",
        f"/courriel/{JETON}",
    ]


@pytest.mark.parametrize("chemin", actes())
@pytest.mark.usefixtures("agente")
def test_aucun_acte_sans_jeton_anti_contrefacon(
    marie: FlaskClient, services: Fakes, chemin: str
) -> None:
    assert marie.post(chemin, data={"code": "471903"}).status_code == 403
    ailleurs = {"Sec-Fetch-Site": "cross-site"}
    assert marie.post(chemin, data={}, headers=ailleurs).status_code == 403
    writes = {"ModifierProfil", "DemanderCode", "ValiderCoordonnee", "CorrigerCompte"}
    assert not writes & {name for name, _, _ in services.identite.seen}


@pytest.mark.parametrize(
    "chemin",
    ["/compte", "/compte/modifier", CODE, f"{CODE}/retirer", "/compte/coordonnees/ajouter"],
)
def test_sans_session_on_va_se_connecter(client: FlaskClient, chemin: str) -> None:
    page = client.get(chemin)
    assert page.status_code == 303
    assert page.location.startswith("/connexion?suite=")


@pytest.mark.exigence("IDN-14")
def test_la_personne_voit_une_recuperation_et_l_arrete(
    marie: FlaskClient, envoyer: Envoyer, services: Fakes
) -> None:
    services.identite.answers["GetMonProfil"] = pb.GetMonProfilResponse(
        mon_profil=mon_profil(
            recuperation=pb.Recuperation(
                recuperation_id=RECUPERATION,
                statut=pb.STATUT_RECUPERATION_APPROUVEE,
                envoi_le="2026-11-23T15:00:00+00:00",
            )
        )
    )
    assert "Quelqu’un demande à reprendre votre compte" in texte(marie.get("/compte"))
    page = envoyer("/compte", {}, f"/compte/recuperation/{RECUPERATION}/arreter")
    assert page.location == "/compte?fait=recuperation_arretee"
    assert services.identite.calls("ArreterRecuperation")


@pytest.mark.exigence("IDN-14")
def test_le_lien_du_courriel_ne_fait_rien_avant_le_bouton(
    client: FlaskClient, envoyer: Envoyer, services: Fakes
) -> None:
    assert client.get(f"/courriel/{JETON}").status_code == 200
    assert not services.identite.calls("ConfirmerCourriel")
    page = envoyer(f"/courriel/{JETON}", {})
    assert page.location == "/connexion?fait=courriel_confirme"
    services.identite.answers["ConfirmerCourriel"] = pb.ConfirmerCourrielResponse(
        jeton_reinitialisation="R" * 43
    )
    assert envoyer(f"/courriel/{JETON}", {}).location == f"/mot-de-passe/{'R' * 43}"
    services.identite.answers["ConfirmerCourriel"] = REFUS["LIEN_EXPIRE"]()
    assert envoyer(f"/courriel/{JETON}", {}).status_code == 410


@pytest.mark.exigence("IDN-11")
def test_l_agent_cherche_sans_laisser_de_nom_dans_une_adresse(
    agente: FlaskClient, envoyer: Envoyer, services: Fakes
) -> None:
    page = envoyer("/agents/comptes", {"recherche": "Tremblay"})
    assert page.status_code == 200
    assert f'href="/agents/comptes/{COMPTE}"' in page.text
    ((demande, qui),) = services.identite.calls("ListComptes")
    assert (demande.recherche, qui.purpose) == ("Tremblay", "recherche")
    # A staff member of accounts alone is brought to their page from the first one.
    assert agente.get("/agents/").location == "/agents/comptes"


@pytest.mark.exigence("IDN-11")
def test_l_agent_corrige_avec_un_motif_et_la_version_vue(
    agente: FlaskClient, envoyer: Envoyer, services: Fakes
) -> None:
    chemin = f"/agents/comptes/{COMPTE}"
    assert "Mariage, certificat vu" in texte(agente.get(chemin))
    champs = {"prenom": "Marie", "nom": "Roy", "courriel": "marie@exemple.ca"}
    assert envoyer(chemin, champs).status_code == 422
    page = envoyer(chemin, {**champs, "motif": "Mariage, certificat vu"})
    assert page.location == f"{chemin}?fait=compte_corrige"
    ((demande, qui),) = services.identite.calls("CorrigerCompte")
    assert (demande.version, demande.nom, qui.purpose) == (7, "Roy", "correction")


@pytest.mark.exigence("IDN-14")
@pytest.mark.usefixtures("agente")
def test_demander_une_recuperation_exige_deux_controles_et_deux_fois_l_adresse(
    envoyer: Envoyer, services: Fakes
) -> None:
    chemin = f"/agents/comptes/{COMPTE}/recuperation"
    champs = {
        "nouveau_courriel": "neuve@exemple.ca",
        "nouveau_courriel_encore": "neuve@exemple.com",
        "controles": ["presence"],
        "note": "Permis vu",
    }
    page = envoyer(chemin, champs)
    assert page.status_code == 422
    assert "Les deux adresses sont différentes." in texte(page)
    assert "Faites au moins deux contrôles d’identité." in texte(page)
    champs |= {"nouveau_courriel_encore": "neuve@exemple.ca"}
    champs |= {"controles": ["presence", "piece_identite"]}
    page = envoyer(chemin, champs)
    assert page.location == "/agents/recuperations?fait=recuperation_demandee"
    ((demande, _),) = services.identite.calls("DemanderRecuperation")
    assert list(demande.controles) == ["piece_identite", "presence"] or len(demande.controles) == 2


@pytest.mark.exigence("IDN-14")
def test_le_deuxieme_agent_approuve_et_le_premier_ne_le_peut_pas(
    agente: FlaskClient, envoyer: Envoyer, services: Fakes
) -> None:
    action = f"/agents/recuperations/{RECUPERATION}"
    page = envoyer("/agents/recuperations", {"approuver": "1"}, action)
    assert page.location == "/agents/recuperations?fait=recuperation_approuvee"
    services.identite.answers["DeciderRecuperation"] = REFUS["MEME_AGENT"]()
    page = envoyer("/agents/recuperations", {"approuver": "1"}, action)
    assert page.status_code == 403
    assert "Deux personnes différentes" in texte(page)
    services.identite.answers["ListRecuperations"] = pb.ListRecuperationsResponse(
        recuperations=[une_recuperation(de_l_appelant=True)]
    )
    siennes = agente.get("/agents/recuperations")
    assert "une autre personne doit décider" in texte(siennes)
    with pytest.raises(AssertionError, match="no form"):
        caches(siennes.text, action)


def test_un_agent_des_cartes_n_entre_pas(client: FlaskClient, services: Fakes) -> None:
    client.set_cookie("session_agent", AGENT, path="/agents")
    for chemin in ("/agents/comptes", f"/agents/comptes/{COMPTE}", "/agents/recuperations"):
        assert client.get(chemin).status_code == 403
    assert not services.identite.calls("GetCompte")
