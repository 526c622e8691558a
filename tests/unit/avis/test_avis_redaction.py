import re
from html.parser import HTMLParser

import pytest

from services.avis.adapters.redaction import GABARITS, RedactionJinja
from services.avis.domain import AVEC_JETON, Gabarit, Langue

pytestmark = [pytest.mark.unit, pytest.mark.exigence("AVI-07")]

DONNEES = {
    "prenom": "Zoé",
    "jeton": "J3T0N",
    "echeance": "2028-03-01",
    "pieces": "IDENTITE=ILLISIBLE,RESIDENCE=ADRESSE_DIFFERENTE",
}
TOUS = [(gabarit, langue) for gabarit in Gabarit for langue in Langue]
# The signature's dashes end with the one trailing space that RFC 3676 wants.
SIGNATURE = "-- \n"


class Lecteur(HTMLParser):
    """Collects what a reader of the HTML sees and can follow."""

    def __init__(self):
        super().__init__(convert_charrefs=True)
        self.liens, self.textes, self.balises = [], [], []

    def handle_starttag(self, tag, attrs):
        self.balises.append((tag, dict(attrs)))
        if tag == "a":
            self.liens.append(dict(attrs)["href"])

    def handle_data(self, data):
        self.textes.append(data)


def lire(html):
    lecteur = Lecteur()
    lecteur.feed(html)
    return lecteur


@pytest.fixture(scope="module")
def redaction():
    return RedactionJinja(url_publique="https://ville.example/", ville="Ville de Sainte-Thérèse")


@pytest.mark.parametrize(("gabarit", "langue"), TOUS)
def test_les_deux_versions_ont_les_memes_liens_et_les_memes_phrases(redaction, gabarit, langue):
    contenu = redaction.rediger(gabarit=gabarit, langue=langue, donnees=DONNEES)
    lecteur = lire(contenu.html)
    assert set(lecteur.liens) == set(re.findall(r"https?://\S+", contenu.texte))
    plat = re.sub(r"\s+", " ", contenu.texte.replace("\u00a0", " "))
    corps = lecteur.textes[lecteur.textes.index(contenu.objet) + 1 :]
    for phrase in (texte.strip() for texte in corps):
        assert re.sub(r"\s+", " ", phrase).strip("· ") in plat or phrase == contenu.objet


@pytest.mark.parametrize(("gabarit", "langue"), TOUS)
def test_un_courriel_html_se_lit_avec_un_lecteur_d_ecran(redaction, gabarit, langue):
    balises = lire(redaction.rediger(gabarit=gabarit, langue=langue, donnees=DONNEES).html).balises
    noms = [nom for nom, _ in balises]
    assert balises[0] == ("html", {"lang": f"{langue}-CA"})
    assert noms.count("h1") == 1
    assert noms.count("main") == 1
    assert "title" in noms
    assert "table" not in noms
    assert "img" not in noms


@pytest.mark.parametrize(("gabarit", "langue"), TOUS)
def test_aucune_espace_ordinaire_la_ou_le_francais_en_veut_une_insecable(
    redaction, gabarit, langue
):
    contenu = redaction.rediger(gabarit=gabarit, langue=langue, donnees=DONNEES)
    for texte in (contenu.objet, contenu.texte, " ".join(lire(contenu.html).textes)):
        assert not re.search(r" [:»]|« |[a-z]'[a-z]|\.\.\.|\d [a-zé]", texte)


@pytest.mark.parametrize(("gabarit", "langue"), TOUS)
def test_le_texte_brut_tient_dans_76_colonnes(redaction, gabarit, langue):
    texte = redaction.rediger(gabarit=gabarit, langue=langue, donnees=DONNEES).texte
    lignes = [ligne for ligne in texte.splitlines() if not ligne.startswith("http")]
    assert max(map(len, lignes)) <= 76
    assert "\n\n\n" not in texte
    assert SIGNATURE in texte
    assert not re.search(r"[ \t]\n", texte.replace(SIGNATURE, ""))


@pytest.mark.parametrize(("gabarit", "langue"), TOUS)
def test_un_objet_ne_nomme_personne_et_tient_sur_une_ligne(redaction, gabarit, langue):
    objet = redaction.objet(gabarit=gabarit, langue=langue)
    assert 10 < len(objet) < 70
    assert "\n" not in objet
    assert "Zoé" not in objet


def test_les_objets_different_selon_la_langue(redaction):
    for gabarit in Gabarit:
        objets = {redaction.objet(gabarit=gabarit, langue=langue) for langue in Langue}
        assert len(objets) == 2


@pytest.mark.parametrize("langue", Langue)
def test_une_carte_approuvee_donne_les_deux_portefeuilles_et_l_echeance(redaction, langue):
    contenu = redaction.rediger(gabarit=Gabarit.CARTE_APPROUVEE, langue=langue, donnees=DONNEES)
    base = "https://ville.example/portefeuille/J3T0N"
    assert {base, f"{base}/apple", f"{base}/google"} <= set(lire(contenu.html).liens)
    attendu = "1er\u00a0mars\u00a02028" if langue is Langue.FR else "March\u00a01,\u00a02028"
    assert attendu in contenu.html
    assert attendu in contenu.texte


@pytest.mark.parametrize(
    ("gabarit", "chemin"),
    [
        (Gabarit.ACTIVATION, "activation/J3T0N"),
        (Gabarit.REINITIALISATION, "mot-de-passe/J3T0N"),
        (Gabarit.CARTE_DEMANDEE, "cartes"),
        (Gabarit.DEMANDE_INCOMPLETE, "cartes"),
        (Gabarit.MOT_DE_PASSE_CHANGE, ""),
        (Gabarit.MOT_DE_PASSE_BLOQUE, "mot-de-passe-oublie"),
        (Gabarit.IDENTIFIANTS_CHANGES, "pas-moi/J3T0N"),
        (Gabarit.NOUVEL_APPAREIL, "pas-moi/J3T0N"),
        (Gabarit.PIECE_BIENTOT_EXPIREE, "stockage"),
        (Gabarit.GEL_POSE, "stockage"),
    ],
)
def test_chaque_courriel_mene_a_sa_page(redaction, gabarit, chemin):
    contenu = redaction.rediger(gabarit=gabarit, langue=Langue.FR, donnees=DONNEES)
    assert f"https://ville.example/{chemin}" in contenu.texte.splitlines()


def test_deja_inscrit_sans_jeton_mene_a_l_accueil(redaction):
    sans = redaction.rediger(
        gabarit=Gabarit.DEJA_INSCRIT, langue=Langue.FR, donnees={"prenom": "Zoé"}
    )
    assert "mot-de-passe/" not in sans.texte
    assert "https://ville.example/" in sans.texte.splitlines()


@pytest.mark.exigence("CAR-02")
def test_une_demande_incomplete_dit_quelle_preuve_et_pourquoi(redaction):
    donnees = {"prenom": "Zoé", "pieces": "RESIDENCE=EXPIREE"}
    contenu = redaction.rediger(
        gabarit=Gabarit.DEMANDE_INCOMPLETE, langue=Langue.FR, donnees=donnees
    )
    assert "Preuve de résidence\u00a0: le document est expiré." in contenu.html
    assert "Pièce d’identité" not in contenu.html
    assert "Remplacer le document" in contenu.html


def test_un_motif_plus_recent_que_nous_donne_la_phrase_generale(redaction):
    contenu = redaction.rediger(
        gabarit=Gabarit.DEMANDE_INCOMPLETE,
        langue=Langue.EN,
        donnees={"pieces": "RESIDENCE=TACHE_DE_CAFE"},
    )
    assert "Proof of residence: we could not accept it as it is." in contenu.texte


def test_un_prenom_ne_peut_rien_glisser_dans_le_html(redaction):
    donnees = {"prenom": "<a href='http://mal.example'>x</a>", "jeton": '"><b>'}
    contenu = redaction.rediger(gabarit=Gabarit.ACTIVATION, langue=Langue.FR, donnees=donnees)
    assert not any("mal.example" in lien for lien in lire(contenu.html).liens)
    assert "<b>" not in contenu.html
    assert "Bonjour <a href" in contenu.texte


def test_sans_prenom_la_salutation_reste_une_phrase(redaction):
    for langue, salut in ((Langue.FR, "Bonjour,\n"), (Langue.EN, "Hello,\n")):
        contenu = redaction.rediger(
            gabarit=Gabarit.CARTE_DEMANDEE, langue=langue, donnees={"prenom": ""}
        )
        assert contenu.texte.startswith(salut)


def test_chaque_gabarit_a_ses_deux_langues_et_rien_de_plus():
    attendus = {f"{gabarit}.{langue}.j2" for gabarit, langue in TOUS}
    presents = {chemin.name for chemin in GABARITS.iterdir() if chemin.is_file()}
    assert presents == attendus | {"cadre.html.j2", "cadre.txt.j2"}
    assert set(Gabarit) >= AVEC_JETON


def test_un_document_bientot_expire_dit_lequel_et_quand(redaction):
    for langue, attendu in ((Langue.FR, "Une preuve de résidence"), (Langue.EN, "A proof of res")):
        contenu = redaction.rediger(
            gabarit=Gabarit.PIECE_BIENTOT_EXPIREE,
            langue=langue,
            donnees={"prenom": "Zoé", "genre": "RESIDENCE", "echeance": "2026-04-20"},
        )
        assert attendu in contenu.texte
        assert "2026" in contenu.texte
