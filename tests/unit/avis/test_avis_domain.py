from datetime import timedelta

import pytest

from services.avis import domain
from services.avis.domain import Canal

pytestmark = pytest.mark.unit

CLE = bytes(32)


@pytest.mark.parametrize(
    ("adresse", "normale"),
    [
        ("Zoe.Roy@Ville.CA", "Zoe.Roy@ville.ca"),
        ("  zoe@ville.ca ", "zoe@ville.ca"),
        ("zoé@ville.ca", "zoé@ville.ca"),
        ("zoe@thérèse.ca", "zoe@xn--thrse-6raf.ca"),
    ],
)
def test_une_adresse_garde_sa_partie_locale_et_replie_son_domaine(adresse, normale):
    assert domain.normaliser_courriel(adresse) == normale


@pytest.mark.parametrize(
    "adresse",
    [
        "",
        "zoe",
        "@ville.ca",
        "zoe@",
        "zoe roy@ville.ca",
        "a@b@ville.ca",
        "zoe@ville.ca>\r\nRCPT TO:<autre@ville.ca",
        "zoe\r\n@ville.ca",
        "zoe@vil\nle.ca",
        "a" * 65 + "@ville.ca",
        "zoe@" + "a" * 64 + ".ca",
        "zoe@" + ".".join(["a" * 60] * 5),
        "zoe@ville..ca",
    ],
)
def test_une_adresse_qui_ne_tient_pas_dans_une_enveloppe_smtp_est_refusee(adresse):
    with pytest.raises(domain.AdresseInvalide):
        domain.normaliser_courriel(adresse)


@pytest.mark.parametrize("numero", ["450 434-1440", "(450) 434 1440", "+1 450-434-1440"])
def test_un_numero_a_une_seule_forme(numero):
    assert domain.normaliser(Canal.TEXTO, numero) == "+14504341440"


@pytest.mark.parametrize("numero", ["", "911", "434-1440", "+33 1 23 45 67 89 10", "24504341440"])
def test_un_numero_hors_du_plan_nord_americain_est_refuse(numero):
    with pytest.raises(domain.AdresseInvalide):
        domain.normaliser(Canal.TELEPHONE, numero)


def test_une_empreinte_ne_depend_pas_de_la_casse_mais_depend_de_la_cle():
    empreinte = domain.empreinte("Zoe@ville.ca", cle=CLE)
    assert empreinte == domain.empreinte("zoe@VILLE.ca", cle=CLE)
    assert empreinte != domain.empreinte("zoe@ville.ca", cle=bytes(31) + b"\x01")
    assert len(empreinte) == 32


def test_les_reprises_s_espacent_sans_depasser_une_minute():
    secondes = [domain.delai_reprise(essai).total_seconds() for essai in range(1, 9)]
    assert secondes == [2, 4, 8, 16, 32, 60, 60, 60]
    assert domain.delai_reprise(4320) == timedelta(minutes=1)


@pytest.mark.parametrize(("demande", "rendu"), [(0, 5), (1, 1), (50, 50)])
def test_le_nombre_de_messages_a_un_defaut_et_des_bornes(demande, rendu):
    assert domain.nombre_messages(demande) == rendu


@pytest.mark.parametrize("demande", [-1, 51])
def test_un_nombre_de_messages_hors_bornes_nomme_son_champ(demande):
    with pytest.raises(domain.NombreMessagesInvalide) as refus:
        domain.nombre_messages(demande)
    assert refus.value.fields == {"messages": "HORS_LIMITES"}


@pytest.mark.parametrize(
    ("lecture", "erreur"),
    [
        (domain.gabarit, domain.GabaritInconnu),
        (domain.langue, domain.LangueInconnue),
        (domain.canal, domain.CanalInconnu),
    ],
)
def test_une_valeur_inconnue_est_nommee(lecture, erreur):
    with pytest.raises(erreur) as refus:
        lecture("pigeon")
    assert refus.value.valeur == "pigeon"


def test_sans_langue_on_ecrit_en_francais():
    assert domain.langue("") is domain.Langue.FR
