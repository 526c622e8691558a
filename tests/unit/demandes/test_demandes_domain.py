import pytest

from services.demandes import domain
from services.demandes.commandes import CATALOGUE, lire_catalogue
from tests.kit.demandes import un_catalogue, un_theme, un_type

pytestmark = [pytest.mark.unit, pytest.mark.exigence("DEM-01")]


def trouve(recherche: str, *textes: str) -> bool:
    type_demande = un_type(titre_fr=textes[0], mots_cles=textes[1:])
    stocke = domain.texte_de_recherche(type_demande, un_theme())
    return all(f" {mot}" in stocke for mot in domain.mots_cherches(recherche))


@pytest.mark.parametrize(
    ("recherche", "texte"),
    [
        ("deneigement", "Déneigement"),
        ("DÉNEIGEMENT", "Déneigement"),
        ("neige", "neiges"),
        ("neiges", "Neige"),
        ("animal", "Animaux errants"),
        ("animaux errants", "Animal errant"),
        ("travail", "Travaux publics"),
        ("travaux", "Travail de nuit"),
        ("eau", "Conduite d’eau"),
        ("l'eau", "Les eaux usées"),
        ("bœuf", "Boeufs"),
        ("oeuvre", "Œuvres d’art"),
        ("collect", "Collectes oubliées"),
        ("cities", "A city"),
        ("bac de recyclage", "Recyclage : bacs"),
        ("prix", "Prix"),
        ("  !?", "N’importe quoi"),
    ],
)
def test_la_recherche_ignore_accents_casse_et_pluriels(recherche, texte):
    assert trouve(recherche, texte)


@pytest.mark.parametrize(
    ("recherche", "texte"),
    [("bruit", "Arbre"), ("neige noire", "Neige"), ("igement", "Déneigement")],
)
def test_la_recherche_veut_le_debut_de_chaque_mot(recherche, texte):
    assert not trouve(recherche, texte)


def test_des_mots_cherches_ne_peuvent_pas_porter_de_joker():
    assert domain.mots_cherches("100 % _neige\\'; DROP") == ("100", "neige", "drop")


def test_une_recherche_trop_longue_nomme_son_champ():
    domain.mots_cherches("é" * 100)
    with pytest.raises(domain.RechercheInvalide) as refus:
        domain.mots_cherches("é" * 101)
    assert refus.value.fields == {"recherche": "TROP_LONGUE"}


def test_les_titres_se_trient_comme_dans_un_dictionnaire_francais():
    ordre = ["abri", "Arbre", "arbre public", "cote", "côte", "coté", "côté", "écho", "œuf", "zone"]
    melange = ordre[::-1]
    assert sorted(melange, key=domain.cle_de_tri) == ordre


def test_la_ponctuation_ne_compte_pas_dans_le_tri():
    assert domain.cle_de_tri("\u0301« Abri »") == domain.cle_de_tri("Abri")
    assert domain.cle_de_tri("Bac : échange") < domain.cle_de_tri("Bac, fête")
    assert domain.cle_de_tri("Nid-de-poule") == domain.cle_de_tri("Nid de poule")


def test_toutes_les_fautes_d_un_catalogue_sont_dites_ensemble():
    catalogue = un_catalogue(
        un_type("Mauvais Code"),
        un_type("double"),
        un_type("double"),
        un_type("perdu", theme="ailleurs"),
        un_type("vide", description_en="  "),
    )
    with pytest.raises(domain.CatalogueInvalide) as refus:
        domain.verifier(catalogue)
    assert len(refus.value.fautes) == 4
    for mot in ("Mauvais Code", "double", "ailleurs", "vide"):
        assert mot in str(refus.value)


def test_le_catalogue_d_exemple_est_valide_et_complet():
    catalogue = lire_catalogue(CATALOGUE)
    domain.verifier(catalogue)
    assert len(catalogue.themes) == 6
    assert len(catalogue.types) >= 14
    assert {type_demande.theme for type_demande in catalogue.types} == {
        theme.code for theme in catalogue.themes
    }
    par_code = {type_demande.code: type_demande for type_demande in catalogue.types}
    assert par_code["requete_generale"].titre_fr == "Requête générale"
    assert not par_code["requete_generale"].compte_requis
    assert sum(type_demande.compte_requis for type_demande in catalogue.types) >= 3
    assert not any("'" in type_demande.titre_fr for type_demande in catalogue.types)


@pytest.mark.parametrize(
    ("contenu", "faute"),
    [
        ("[]", "list indices"),
        ("{", "Expecting"),
        ('{"themes": []}', "types is missing"),
        ('{"themes": [{"code": 1}], "types": []}', "code is a text"),
        ('{"themes": [], "types": [{"code": "a", "mots_cles": "b"}]}', "mots_cles of a"),
        ('{"themes": [], "types": [{"code": "a", "compte_requis": "oui"}]}', "compte_requis of a"),
    ],
)
def test_un_fichier_mal_forme_est_refuse_avec_sa_faute(tmp_path, contenu, faute):
    fichier = tmp_path / "catalogue.json"
    fichier.write_text(contenu)
    with pytest.raises(domain.CatalogueInvalide) as refus:
        lire_catalogue(fichier)
    assert faute in str(refus.value)
