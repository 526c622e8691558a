"""The Google save link: an RS256 JWT under 1,800 characters that needs nothing made before it."""

import json
from datetime import datetime
from typing import Any

import jwt
import pytest

from services.cartes.adapters.portefeuille_google import (
    BASE,
    LONGUEUR_MAX,
    CompteRefuse,
    LienTropLong,
    PortefeuilleGoogle,
    PortefeuilleGoogleAbsent,
    charger_compte,
)
from services.cartes.domain import LONGUEUR_NOM, PortefeuilleNonOffert
from tests.kit.cartes import MAINTENANT, cles, ecrire_compte_google, un_passe

pytestmark = [pytest.mark.unit, pytest.mark.exigence("CAR-05")]

EMETTEUR = "3388000000012345678"


@pytest.fixture(scope="module")
def portefeuille(tmp_path_factory):
    compte = charger_compte(ecrire_compte_google(tmp_path_factory.mktemp("google")))
    return PortefeuilleGoogle(
        compte,
        emetteur=EMETTEUR,
        ville_nom="Ville de Sainte-Anne-des-Plaines",
        couleur_fond="#003c71",
        origines=("https://espace-citoyen.sainte-anne-des-plaines.qc.ca",),
    )


def lire(lien: str) -> dict[str, Any]:
    assert lien.startswith(BASE)
    lu: dict[str, Any] = jwt.decode(
        lien.removeprefix(BASE),
        cles()[0].public_key(),
        algorithms=["RS256"],
        audience="google",
        options={"verify_iat": False},  # the sample clock is not today's
    )
    return lu


def test_jeton_rs256_avec_ses_revendications(portefeuille) -> None:
    lien = portefeuille.lien(un_passe(), MAINTENANT)
    entetes = jwt.get_unverified_header(lien.removeprefix(BASE))
    assert entetes == {
        "alg": "RS256",
        "typ": "JWT",
        "kid": "0123456789abcdef0123456789abcdef01234567",
    }
    lu = lire(lien)
    assert lu["iss"].endswith("gserviceaccount.com")
    assert lu["aud"] == "google"
    assert lu["typ"] == "savetowallet"
    assert lu["iat"] == int(MAINTENANT.timestamp())
    assert type(lu["iat"]) is int
    assert lu["origins"] == ["https://espace-citoyen.sainte-anne-des-plaines.qc.ca"]


def test_objet_complet_et_sa_classe(portefeuille) -> None:
    charge = lire(portefeuille.lien(un_passe(), MAINTENANT))["payload"]
    (classe,) = charge["genericClasses"]
    (objet,) = charge["genericObjects"]
    assert classe["id"] == objet["classId"] == f"{EMETTEUR}.carte-citoyen"
    assert objet["id"] == f"{EMETTEUR}.{un_passe().serie}"
    assert objet["cardTitle"]["defaultValue"]["value"] == "Ville de Sainte-Anne-des-Plaines"
    assert objet["header"]["defaultValue"] == {"language": "fr", "value": "Émilie Tremblay"}
    assert objet["barcode"] == {
        "type": "QR_CODE",
        "value": "20042000001230",
        "alternateText": "2 0042 00000123 0",
    }
    fin = datetime.fromisoformat(objet["validTimeInterval"]["end"]["date"])
    assert fin == un_passe().expire_le
    assert fin.utcoffset() is not None
    # Name, number and dates only: no birth date, address or photo leaves for Google.
    assert "1990" not in json.dumps(objet)


@pytest.mark.parametrize("lettre", ["W", "É", "文", "𝒜"])  # noqa: RUF001  (letters outside Latin-1 and the BMP)
def test_lien_reste_court_avec_les_noms_les_plus_longs(portefeuille, lettre) -> None:
    passe = un_passe(prenom=lettre * LONGUEUR_NOM, nom=lettre * LONGUEUR_NOM)
    lien = portefeuille.lien(passe, MAINTENANT)
    assert len(lien) < LONGUEUR_MAX
    nom = lire(lien)["payload"]["genericObjects"][0]["header"]["defaultValue"]["value"]
    assert nom.endswith("…")
    assert len(nom.encode()) >= 60
    assert nom.startswith(lettre * 5)


def test_un_nom_ordinaire_n_est_pas_abrege(portefeuille) -> None:
    passe = un_passe(
        prenom="Marie-Françoise-Élisabeth", nom="Charbonneau-Archambault de Repentigny"
    )
    objet = lire(portefeuille.lien(passe, MAINTENANT))["payload"]["genericObjects"][0]
    assert objet["header"]["defaultValue"]["value"] == f"{passe.prenom} {passe.nom}"


def test_lien_trop_long_est_une_faute_de_construction(portefeuille) -> None:
    with pytest.raises(LienTropLong):
        portefeuille.lien(un_passe(numero="2" * 900), MAINTENANT)


def test_compte_illisible_est_refuse_au_depart(tmp_path) -> None:
    chemin = tmp_path / "compte.json"
    for contenu in ("{}", "[]", "rien", '{"private_key": "x"}'):
        chemin.write_text(contenu, encoding="utf-8")
        with pytest.raises(CompteRefuse):
            charger_compte(chemin)
    with pytest.raises(CompteRefuse):
        charger_compte(tmp_path / "absent.json")


def test_ville_sans_compte_n_offre_pas_le_lien() -> None:
    with pytest.raises(PortefeuilleNonOffert):
        PortefeuilleGoogleAbsent().lien(un_passe(), MAINTENANT)
