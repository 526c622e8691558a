"""Each field of a profile: what is accepted, in which form, and the reason of each refusal."""

from __future__ import annotations

import unicodedata
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.identite.adapters.domaine import domaine_ascii
from services.identite.domain import champs

pytestmark = [pytest.mark.unit, pytest.mark.exigence("IDN-01")]

JOUR = date(2026, 3, 2)


def refus(lire, *valeurs, **autres) -> str:
    with pytest.raises(champs.ChampInvalide) as capture:
        lire(*valeurs, **autres)
    return str(capture.value)


@pytest.mark.parametrize(
    ("saisi", "adresse", "plie"),
    [
        ("  Zoe.T@Exemple.CA ", "Zoe.T@exemple.ca", "zoe.t@exemple.ca"),
        ("zoe+ville@exemple.ca", "zoe+ville@exemple.ca", "zoe+ville@exemple.ca"),
        ("zoe@québec.ca", "zoe@xn--qubec-csa.ca", "zoe@xn--qubec-csa.ca"),
        ("zoe@que\u0301bec.ca", "zoe@xn--qubec-csa.ca", "zoe@xn--qubec-csa.ca"),
        ("zoe@XN--QUBEC-CSA.ca", "zoe@xn--qubec-csa.ca", "zoe@xn--qubec-csa.ca"),
    ],
)
def test_an_email_is_kept_in_one_form(saisi, adresse, plie):
    assert champs.courriel(saisi, domaine_ascii=domaine_ascii) == (adresse, plie)


def test_distinct_domains_stay_distinct():
    # IDNA 2003 would fold both into "fass.de".
    un = champs.courriel("a@faß.de", domaine_ascii=domaine_ascii)
    autre = champs.courriel("a@fass.de", domaine_ascii=domaine_ascii)
    assert un.plie != autre.plie


@pytest.mark.parametrize(
    "saisi",
    [
        "zoe", "@exemple.ca", "zoe@", "zoe@exemple", "zoe@@exemple.ca", "zoe@exemple..ca",
        ".zoe@exemple.ca", "zoe.@exemple.ca", "zo..e@exemple.ca", "zoe @exemple.ca",
        "zoé@exemple.ca", '"zoe"@exemple.ca', "zoe@[127.0.0.1]", "zoe@127.0.0.1",
        "zoe@-exemple.ca", "zoe@exemple.ca\r\nBcc: b@c.ca", "zoe\x00@exemple.ca",
        "a" * 65 + "@exemple.ca", "zoe@" + "a" * 64 + ".ca",
        "a" * 9 + "@" + ("a" * 60 + ".") * 4 + "ca",
        "zoe@exemple.ca,autre@exemple.ca", "zoe@exemple_ville.ca",
    ],
)  # fmt: skip
def test_what_is_no_email_is_refused(saisi):
    assert refus(champs.courriel, saisi, domaine_ascii=domaine_ascii) == "COURRIEL_INVALIDE"


def test_an_empty_email_is_required():
    assert refus(champs.courriel, "  ", domaine_ascii=domaine_ascii) == "CHAMP_REQUIS"


@given(st.text(max_size=60))
def test_any_text_is_an_email_or_a_named_refusal(saisi):
    try:
        lu = champs.courriel(saisi, domaine_ascii=domaine_ascii)
    except champs.ChampInvalide:
        return
    assert champs.courriel(lu.adresse, domaine_ascii=domaine_ascii) == lu
    assert lu.adresse.isascii()


@pytest.mark.parametrize(
    ("saisi", "garde"),
    [
        ("Zoé", "Zoé"),
        ("Zoe\u0301", "Zoé"),
        ("  Marie \t Ève ", "Marie Ève"),
        ("O’Neil-Gagné", "O’Neil-Gagné"),
        ("Nguyễn", "Nguyễn"),
        ("李小龙", "李小龙"),
        ("محمد", "محمد"),
        ("می\u200cخواهم", "می\u200cخواهم"),  # noqa: RUF001  (Persian needs its joiner)
        ("J.-P. 2e", "J.-P. 2e"),
    ],
)
def test_names_of_any_script_are_kept(saisi, garde):
    assert champs.nom_de_personne(saisi, "NOM_INVALIDE") == garde


@pytest.mark.parametrize(
    ("saisi", "raison"),
    [
        ("", "CHAMP_REQUIS"),
        (" \t ", "CHAMP_REQUIS"),
        ("Zo\x00é", "CARACTERE_INVALIDE"),
        ("Zo\x1bé", "CARACTERE_INVALIDE"),
        ("Zoé\u202egnp", "CARACTERE_INVALIDE"),
        ("Zo\ue000é", "CARACTERE_INVALIDE"),
        ("a" * 81, "TROP_LONG"),
        ("12345", "NOM_INVALIDE"),
        ("<b>Zoé</b>", "NOM_INVALIDE"),
        ("http://exemple.ca", "NOM_INVALIDE"),
    ],
)
def test_what_is_no_name_is_refused(saisi, raison):
    assert refus(champs.nom_de_personne, saisi, "NOM_INVALIDE") == raison


@given(st.text(max_size=100))
def test_a_kept_name_is_stable_and_normal(saisi):
    try:
        garde = champs.nom_de_personne(saisi, "NOM_INVALIDE")
    except champs.ChampInvalide:
        return
    assert champs.nom_de_personne(garde, "NOM_INVALIDE") == garde
    assert unicodedata.is_normalized("NFC", garde)


@pytest.mark.exigence("IDN-02")
@pytest.mark.parametrize(
    ("saisi", "garde"), [("", ""), (" Zoe.T ", "zoe.t"), ("a_b-9", "a_b-9"), ("a" * 30, "a" * 30)]
)
def test_a_user_name_is_folded(saisi, garde):
    assert champs.nom_utilisateur(saisi) == garde


@pytest.mark.exigence("IDN-02")
@pytest.mark.parametrize(
    "saisi",
    ["ab", "a" * 31, "zoé", "zoe t", "zoe@t", "zoe\n.t", "zoe/..", "ｚｏｅ"],  # noqa: RUF001
)
def test_what_is_no_user_name_is_refused(saisi):
    assert refus(champs.nom_utilisateur, saisi) == "NOM_UTILISATEUR_INVALIDE"


@pytest.mark.parametrize(
    ("saisi", "garde"),
    [
        ("", None),
        ("2026-03-02", JOUR),
        ("2024-02-29", date(2024, 2, 29)),
        ("1896-01-01", date(1896, 1, 1)),
    ],
)
def test_a_birth_date_is_read(saisi, garde):
    assert champs.date_naissance(saisi, aujourd_hui=JOUR) == garde


@pytest.mark.parametrize(
    ("saisi", "raison"),
    [
        ("2026-03-03", "DATE_FUTURE"),
        ("1895-12-31", "DATE_NAISSANCE_INVALIDE"),
        ("2023-02-29", "DATE_NAISSANCE_INVALIDE"),
        ("17/05/1988", "DATE_NAISSANCE_INVALIDE"),
        ("19880517", "DATE_NAISSANCE_INVALIDE"),
        ("1988-W20-2", "DATE_NAISSANCE_INVALIDE"),
        ("１９８８-05-17", "DATE_NAISSANCE_INVALIDE"),  # noqa: RUF001
        ("1988-05-17\n", "DATE_NAISSANCE_INVALIDE"),
        ("hier", "DATE_NAISSANCE_INVALIDE"),
    ],
)
def test_what_is_no_birth_date_is_refused(saisi, raison):
    assert refus(champs.date_naissance, saisi, aujourd_hui=JOUR) == raison


@pytest.mark.parametrize("saisi", ["J7E 3L1", "j7e3l1", " J7E-3L1 ", "j 7 e 3 l 1"])
def test_a_postal_code_has_one_form(saisi):
    assert champs.code_postal(saisi) == "J7E3L1"


@pytest.mark.parametrize(
    "saisi", ["J7E 3L", "D7E 3L1", "W7E 3L1", "J7E 3O1", "12345", "J\u0667E3L1"]
)
def test_what_is_no_postal_code_is_refused(saisi):
    assert refus(champs.code_postal, saisi) == "CODE_POSTAL_INVALIDE"


@pytest.mark.parametrize(
    ("saisi", "garde"),
    [
        ("", ""),
        ("450 434-4440", "+14504344440"),
        ("(450) 434.4440", "+14504344440"),
        ("1-450-434-4440", "+14504344440"),
        ("+1 450 434 4440", "+14504344440"),
        ("+33 1 42 68 53 00", "+33142685300"),
    ],
)
def test_a_phone_number_is_kept_in_e164(saisi, garde):
    assert champs.telephone(saisi) == garde


@pytest.mark.parametrize(
    "saisi",
    ["434-4440", "450 134-4440", "150 434-4440", "+1 450 434 444", "+0123456789", "450434444x",
     "+1234567890123456", "٤٥٠٤٣٤٤٤٤٠", "++14504344440"],
)  # fmt: skip
def test_what_is_no_phone_number_is_refused(saisi):
    assert refus(champs.telephone, saisi) == "TELEPHONE_INVALIDE"


def test_a_language_is_french_english_or_refused():
    assert [champs.langue(v) for v in ("", "fr", "en")] == ["fr", "fr", "en"]
    assert refus(champs.langue, "de") == "LANGUE_INVALIDE"


@pytest.mark.exigence("IDN-05")
def test_categories_are_kept_once_in_order():
    assert champs.categories(["b_c", "a", "b_c"]) == ("b_c", "a")
    assert champs.categories([]) == ()


@pytest.mark.exigence("IDN-05")
@pytest.mark.parametrize(
    "valeurs", [["Info"], [""], ["a b"], ["a" * 41], [f"a{'b' * n}" for n in range(31)]]
)
def test_what_has_not_the_form_of_a_category_is_refused(valeurs):
    assert refus(champs.categories, valeurs) == "CATEGORIE_INCONNUE"


@pytest.mark.exigence("IDN-05")
def test_channels_default_to_email():
    assert champs.canaux([]) == ("courriel",)
    assert champs.canaux(["texto", "courriel", "texto"]) == ("courriel", "texto")
    assert refus(champs.canaux, ["pigeon"]) == "CANAL_INCONNU"


def test_an_address_line_needs_something_to_read():
    assert champs.ligne_adresse(" 6,  rue de l’Église ") == "6, rue de l’Église"
    assert refus(champs.ligne_adresse, "---") == "ADRESSE_INVALIDE"
    assert refus(champs.ligne_adresse, "a" * 121) == "TROP_LONG"
