"""Words of SMS and calls, and the mailbox that shows them."""

from __future__ import annotations

import re
from typing import Any
from uuid import uuid4

import pytest

from services.avis.adapters.boite_telephonique import BoiteTelephonique, voie
from services.avis.adapters.courriel import CourrielSmtp
from services.avis.adapters.redaction_messages import GABARITS, RedactionMessages
from services.avis.domain import Canal, GabaritInconnu, Langue
from services.avis.use_cases import CourrielDefinitif, CourrielIncertain, CourrielTemporaire
from services.avis.use_cases.messages import Message, MessageRefuse
from tests.kit.avis import CourrielEssai

pytestmark = pytest.mark.unit

TEXTES = ("code", "coordonnees_changees", "recuperation_annoncee")
VOIES = (Canal.TEXTO, Canal.TELEPHONE)
# One SMS of the GSM alphabet holds 160 signs; accents of ours make it UCS-2, 70 a part.
PARTIES_MAX = 4


@pytest.fixture(scope="module")
def redaction():
    return RedactionMessages(ville="Ville de Sainte-Thérèse")


@pytest.mark.parametrize("langue", Langue)
@pytest.mark.parametrize("canal", VOIES)
@pytest.mark.parametrize("gabarit", TEXTES)
def test_chaque_texte_existe_en_une_ligne_et_nomme_la_ville(redaction, gabarit, canal, langue):
    texte = redaction.ecrire(
        gabarit=gabarit, canal=canal, langue=langue, donnees={"code": "471903"}
    )
    assert "\n" not in texte
    assert "Ville de Sainte-Thérèse" in texte
    # Nobody clicks a link in a message that says not to trust messages.
    assert "http" not in texte
    if canal is Canal.TEXTO:
        assert len(texte) <= 70 * PARTIES_MAX


def test_il_n_y_a_pas_d_autre_source():
    noms = {f"{g}.{c}.{langue}.j2" for g in TEXTES for c in VOIES for langue in Langue}
    assert {chemin.name for chemin in GABARITS.iterdir()} == noms


@pytest.mark.exigence("IDN-06")
@pytest.mark.parametrize("langue", Langue)
def test_un_code_dicte_est_lu_deux_fois_chiffre_par_chiffre(redaction, langue):
    texte = redaction.ecrire(
        gabarit="code", canal=Canal.TELEPHONE, langue=langue, donnees={"code": "471903"}
    )
    assert texte.count("4, 7, 1, 9, 0, 3") == 2
    assert "471903" not in texte


@pytest.mark.parametrize("gabarit", ["inconnu", "../activation", "code.texto.fr", ""])
def test_un_texte_inconnu_est_refuse(redaction, gabarit):
    with pytest.raises(GabaritInconnu):
        redaction.ecrire(gabarit=gabarit, canal=Canal.TEXTO, langue=Langue.FR, donnees={})


def un_message(**champs: Any) -> Message:
    valeurs: dict[str, Any] = {
        "event_id": uuid4(),
        "canal": Canal.TEXTO,
        "numero": "+14505550123",
        "langue": Langue.FR,
        "texte": "Votre code est 471903 <b>",
    }
    return Message(**(valeurs | champs))


def test_la_boite_montre_ce_que_le_telephone_recevrait():
    courriel = CourrielEssai()
    boite = BoiteTelephonique(courriel=courriel, domaine="ville.example")
    boite.donner(un_message())
    boite.donner(un_message(canal=Canal.TELEPHONE, langue=Langue.EN))
    premier, second = courriel.lettres
    assert premier.adresse == "14505550123@texto.ville.example"
    assert premier.contenu.objet == "SMS (texto) au +14505550123"
    assert "&lt;b&gt;" in premier.contenu.html
    assert second.contenu.objet == "Voice call to +14505550123"
    assert re.fullmatch(r"<[0-9a-f-]{36}\.telephone@ville\.example>", second.message_id)


@pytest.mark.parametrize(
    "refus", [CourrielTemporaire(451), CourrielDefinitif(550), CourrielIncertain()]
)
def test_ce_que_la_boite_ne_prend_pas_est_un_refus(refus):
    boite = BoiteTelephonique(courriel=CourrielEssai(reponses=[refus]), domaine="ville.example")
    with pytest.raises(MessageRefuse):
        boite.donner(un_message())


def test_un_reglage_inconnu_arrete_le_demarrage():
    courriel = CourrielSmtp(
        url="smtp://127.0.0.1:25", expediteur="ville@ville.example", delai_s=1.0
    )
    with pytest.raises(ValueError, match="AVIS_TEXTO"):
        voie("pigeon", courriel)
    assert voie("", courriel) is None
