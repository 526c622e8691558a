"""Rules of the card, without a database: states, dates, numbers."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.cartes.domain import (
    CarteNonActive,
    DonneesInvalides,
    GenreNonAccepte,
    Lien,
    LienExpire,
    MemePieceDeuxFois,
    PieceExpiree,
    PieceRetenue,
    RolePiece,
    StatutCarte,
    chiffre_de_controle,
    composer_numero,
    composer_passe,
    echeance_depuis,
    exiger_pieces_distinctes,
    fin_de_journee,
    grouper_numero,
    identifiant_demande,
    jour_local,
    lire_titulaire,
    verifier_preuve,
)
from tests.kit.cartes import MAINTENANT, SAISIE, ZONE, une_demande

pytestmark = pytest.mark.unit

JOUR = date(2026, 3, 14)


# --- dates ---------------------------------------------------------------------------------------


@pytest.mark.exigence("CAR-01")
@pytest.mark.parametrize(
    ("jour", "attendue"),
    [
        (date(2026, 3, 14), date(2028, 3, 14)),
        (date(2028, 2, 29), date(2030, 2, 28)),
        (date(2026, 2, 28), date(2028, 2, 28)),
        (date(2026, 12, 31), date(2028, 12, 31)),
    ],
)
def test_la_carte_vaut_deux_ans_et_le_29_fevrier_donne_le_28(jour, attendue) -> None:
    assert echeance_depuis(jour) == attendue


@pytest.mark.exigence("CAR-01")
@settings(deadline=None)  # a busy machine is not a fault of the rule
@given(st.dates(date(2020, 1, 1), date(2090, 1, 1)))
def test_echeance_est_le_meme_jour_deux_ans_apres(jour: date) -> None:
    echeance = echeance_depuis(jour)
    assert echeance.year == jour.year + 2
    assert (echeance.month, echeance.day) in {(jour.month, jour.day), (2, 28)}


@pytest.mark.exigence("CAR-01")
@pytest.mark.parametrize(
    ("jour", "decalage"),
    [
        (date(2028, 3, 11), "-05:00"),
        (date(2028, 3, 12), "-04:00"),  # the clocks go forward at 2 a.m.
        (date(2028, 11, 4), "-04:00"),
        (date(2028, 11, 5), "-05:00"),  # the clocks go back at 2 a.m.
    ],
)
def test_fin_de_journee_porte_le_decalage_du_jour(jour, decalage) -> None:
    assert fin_de_journee(jour, ZONE).isoformat() == f"{jour}T23:59:59{decalage}"


@pytest.mark.exigence("CAR-01")
@settings(deadline=None)  # a busy machine is not a fault of the rule
@given(
    st.datetimes(datetime(2024, 1, 1), datetime(2060, 1, 1)).map(lambda d: d.replace(tzinfo=UTC))  # noqa: DTZ001  (made aware on the same line)
)
def test_une_carte_est_active_le_dernier_jour_entier_et_plus_le_lendemain(instant) -> None:
    carte, _ = une_demande(maintenant=instant)
    carte.approuver(numero="20042000001230", maintenant=instant, zone=ZONE)
    assert carte.echeance is not None
    assert carte.statut_au(carte.echeance) is StatutCarte.ACTIVE
    assert carte.statut_au(carte.echeance + timedelta(days=1)) is StatutCarte.EXPIREE
    assert jour_local(fin_de_journee(carte.echeance, ZONE), ZONE) == carte.echeance
    lendemain = fin_de_journee(carte.echeance, ZONE).astimezone(UTC) + timedelta(seconds=1)
    assert jour_local(lendemain, ZONE) == carte.echeance + timedelta(days=1)


def test_approbation_tard_le_soir_compte_le_jour_de_la_ville() -> None:
    soir = datetime(2026, 3, 15, 3, 30, tzinfo=UTC)  # 23:30 on the 14th in Toronto
    carte, _ = une_demande(maintenant=soir)
    carte.approuver(numero="20042000001230", maintenant=soir, zone=ZONE)
    assert carte.echeance == date(2028, 3, 14)


# --- number --------------------------------------------------------------------------------------


def luhn_valide(numero: str) -> bool:
    """Return the textbook check, written the other way round."""
    chiffres = [int(c) for c in numero][::-1]
    doubles = [d * 2 - 9 if d > 4 else d * 2 for d in chiffres[1::2]]
    return (sum(chiffres[::2]) + sum(doubles)) % 10 == 0


@settings(deadline=None)  # a busy machine is not a fault of the rule
@given(st.integers(1, 99_999_999))
def test_numero_de_quatorze_chiffres_avec_luhn(sequence: int) -> None:
    numero = composer_numero("0042", sequence)
    assert len(numero) == 14
    assert numero.startswith("20042")
    assert int(numero[5:13]) == sequence
    assert luhn_valide(numero)


@settings(deadline=None)  # a busy machine is not a fault of the rule
@given(st.integers(1, 99_999_999), st.integers(0, 13), st.integers(1, 9))
def test_un_chiffre_faux_se_voit(sequence: int, rang: int, ecart: int) -> None:
    numero = composer_numero("0042", sequence)
    faux = str((int(numero[rang]) + ecart) % 10)
    assert not luhn_valide(numero[:rang] + faux + numero[rang + 1 :])


def test_luhn_connu() -> None:
    assert chiffre_de_controle("7992739871") == "3"  # the example of ISO/IEC 7812-1 texts
    assert grouper_numero("20042000001230") == "2 0042 00000123 0"


def test_identifiant_de_demande_est_le_meme_pour_le_meme_acte() -> None:
    assert identifiant_demande("a", "r") == identifiant_demande("a", "r")
    assert identifiant_demande("a", "r") != identifiant_demande("b", "r")


# --- holder --------------------------------------------------------------------------------------


def test_titulaire_est_normalise() -> None:
    saisie = {**SAISIE, "prenom": "  E\u0301milie ", "nom": "Tremblay   Roy"}
    titulaire = lire_titulaire(saisie, jour=JOUR, age_minimal=14)
    assert titulaire.prenom == "Émilie"
    assert titulaire.nom == "Tremblay Roy"
    assert titulaire.code_postal == "J7E 3L1"


@pytest.mark.parametrize(
    ("champ", "valeur", "code"),
    [
        ("prenom", "", "REQUIS"),
        ("nom", " \u00a0 ", "REQUIS"),
        ("nom", "x" * 61, "TROP_LONG"),
        ("nom", "123", "FORMAT_INVALIDE"),
        ("nom", "Trem\u0000blay", "FORMAT_INVALIDE"),
        ("adresse", "y" * 121, "TROP_LONG"),
        ("date_naissance", "", "REQUIS"),
        ("date_naissance", "17/05/1990", "FORMAT_INVALIDE"),
        ("date_naissance", "2026-03-15", "DATE_FUTURE"),
        ("date_naissance", "1850-01-01", "DATE_INVRAISEMBLABLE"),
        ("date_naissance", "2012-03-15", "AGE_INSUFFISANT"),
        ("code_postal", "", "REQUIS"),
        ("code_postal", "75001", "FORMAT_INVALIDE"),
        ("code_postal", "D7E 3L1", "FORMAT_INVALIDE"),
    ],
)
def test_titulaire_dit_le_champ_faux(champ, valeur, code) -> None:
    with pytest.raises(DonneesInvalides) as faits:
        lire_titulaire({**SAISIE, champ: valeur}, jour=JOUR, age_minimal=14)
    assert faits.value.fields == {f"titulaire.{champ}": code}


def test_titulaire_dit_tous_les_champs_a_la_fois() -> None:
    with pytest.raises(DonneesInvalides) as faits:
        lire_titulaire({}, jour=JOUR, age_minimal=14)
    assert len(faits.value.fields) == 6


def test_quatorze_ans_le_jour_meme_suffit() -> None:
    lire_titulaire({**SAISIE, "date_naissance": "2012-03-14"}, jour=JOUR, age_minimal=14)


# --- proofs --------------------------------------------------------------------------------------


@pytest.mark.exigence("CAR-02")
def test_preuve_echue_est_refusee_avec_son_role() -> None:
    piece = PieceRetenue("p", "RESIDENCE", date(2026, 3, 13))
    with pytest.raises(PieceExpiree) as faits:
        verifier_preuve(piece, RolePiece.RESIDENCE, genres={"RESIDENCE"}, jour=JOUR)
    assert faits.value.details() == {"role": "RESIDENCE", "valide_jusqu_au": "2026-03-13"}


@pytest.mark.exigence("CAR-02")
def test_preuve_vaut_encore_son_dernier_jour() -> None:
    piece = PieceRetenue("p", "IDENTITE", JOUR)
    verifier_preuve(piece, RolePiece.IDENTITE, genres={"IDENTITE"}, jour=JOUR)


@pytest.mark.exigence("CAR-02")
def test_genre_non_accepte_pour_le_role() -> None:
    with pytest.raises(GenreNonAccepte) as faits:
        verifier_preuve(
            PieceRetenue("p", "AUTRE", None), RolePiece.IDENTITE, genres={"IDENTITE"}, jour=JOUR
        )
    assert faits.value.details() == {"role": "IDENTITE"}


@pytest.mark.exigence("CAR-02")
def test_meme_document_pour_les_deux_preuves() -> None:
    with pytest.raises(MemePieceDeuxFois):
        exiger_pieces_distinctes({RolePiece.IDENTITE: "p", RolePiece.RESIDENCE: "p"})
    with pytest.raises(DonneesInvalides) as faits:
        exiger_pieces_distinctes({RolePiece.IDENTITE: "p", RolePiece.RESIDENCE: ""})
    assert faits.value.fields == {"piece_residence_id": "REQUIS"}


# --- wallet --------------------------------------------------------------------------------------


@pytest.mark.exigence("CAR-05")
def test_seule_une_carte_active_va_au_portefeuille() -> None:
    carte, _ = une_demande()
    with pytest.raises(CarteNonActive):
        composer_passe(carte, jour=JOUR, zone=ZONE)
    carte.approuver(numero="20042000001230", maintenant=MAINTENANT, zone=ZONE)
    passe = composer_passe(carte, jour=JOUR, zone=ZONE)
    assert passe.expire_le.isoformat() == "2028-03-14T23:59:59-04:00"
    assert passe.code.startswith("20042000001230")
    assert passe.numero not in passe.serie
    with pytest.raises(CarteNonActive):
        composer_passe(carte, jour=date(2028, 3, 15), zone=ZONE)
    carte.statut = StatutCarte.SUSPENDUE
    with pytest.raises(CarteNonActive):
        composer_passe(carte, jour=JOUR, zone=ZONE)


def test_lien_expire_a_l_heure_dite() -> None:
    carte, _ = une_demande()
    lien = Lien(b"x", carte.carte_id, MAINTENANT, MAINTENANT + timedelta(days=14))
    lien.exiger_valide(MAINTENANT + timedelta(days=14) - timedelta(seconds=1))
    with pytest.raises(LienExpire):
        lien.exiger_valide(MAINTENANT + timedelta(days=14))
