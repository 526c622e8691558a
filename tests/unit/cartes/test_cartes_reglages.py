"""Settings that cannot be used stop the start with a sentence; the operator's command says why."""

from __future__ import annotations

import base64
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from sqlalchemy import create_engine

from chassis import settings
from services.cartes import serve
from services.cartes.adapters.portefeuille_apple import PortefeuilleApple, PortefeuilleAppleAbsent
from services.cartes.adapters.portefeuille_google import (
    PortefeuilleGoogle,
    PortefeuilleGoogleAbsent,
)
from services.cartes.commandes import cartes
from services.cartes.config import Config
from services.cartes.domain import lire_regles
from tests.kit.cartes import CLE_SCELLE, EQUIPE, ecrire_compte_google, une_chaine

pytestmark = pytest.mark.unit

CLE = base64.b64encode(CLE_SCELLE).decode()


def reglages(dossier: Path, **changes: Any) -> Config:
    chemins = une_chaine().ecrire(dossier)
    environ = {
        "CARTES_DATABASE_URL": "postgresql://cartes@127.0.0.1:1/cartes",
        "ESPACE_ADRESSES": "stockage=127.0.0.1:2",
        "CARTES_CLE_SCELLE": CLE,
        "CARTES_APPLE_CERTIFICAT": str(chemins["certificat"]),
        "CARTES_APPLE_CLE": str(chemins["cle"]),
        "CARTES_APPLE_WWDR": str(chemins["wwdr"]),
        "CARTES_GOOGLE_COMPTE": str(ecrire_compte_google(dossier)),
        "CARTES_GOOGLE_EMETTEUR": "3388000000012345678",
        **changes,
    }
    return settings.load(Config, prefix="CARTES", environ=environ)


def composer(config: Config) -> Any:
    return serve.composer(config, create_engine("sqlite://"))


def test_ville_avec_et_sans_portefeuilles(tmp_path: Path) -> None:
    avec = composer(reglages(tmp_path))
    assert isinstance(avec.apple, PortefeuilleApple)
    assert isinstance(avec.google, PortefeuilleGoogle)
    sans = composer(
        reglages(
            tmp_path,
            CARTES_APPLE_CERTIFICAT="",
            CARTES_APPLE_CLE="",
            CARTES_APPLE_WWDR="",
            CARTES_GOOGLE_COMPTE="",
            CARTES_GOOGLE_EMETTEUR="",
        )
    )
    assert isinstance(sans.apple, PortefeuilleAppleAbsent)
    assert isinstance(sans.google, PortefeuilleGoogleAbsent)


@pytest.mark.parametrize(
    ("changes", "phrase"),
    [
        ({"CARTES_APPLE_WWDR": ""}, "go together"),
        ({"CARTES_GOOGLE_EMETTEUR": ""}, "go together"),
        ({"CARTES_APPLE_EQUIPE": "ZZZZZZZZZZ"}, f"OU is {EQUIPE}"),
        ({"CARTES_COULEUR_FOND": "#88aacc"}, "contrast under 4.5:1"),
        ({"CARTES_CLE_SCELLE": "AAAA"}, "32 bytes"),
        ({"CARTES_CLE_SCELLE": "\u00e9"}, "ASCII"),
        ({"CARTES_INSTITUTION": "42"}, "4 digits"),
        ({"ESPACE_VILLE_FUSEAU": "America/Atlantide"}, "no zone"),
        ({"CARTES_APPLE_URL_SERVICE": "https://carte.ville.ca/apple"}, "APPLE_CLE_JETON"),
        ({"ESPACE_ADRESSES": ""}, "no address for stockage"),
    ],
)
def test_reglage_faux_est_dit_au_depart(
    tmp_path: Path, changes: dict[str, str], phrase: str
) -> None:
    with pytest.raises((ValueError, LookupError), match=phrase):
        composer(reglages(tmp_path, **changes))


def test_mise_a_jour_seulement_en_https(tmp_path: Path) -> None:
    http = reglages(
        tmp_path, CARTES_APPLE_URL_SERVICE="http://carte.ville.ca", CARTES_APPLE_CLE_JETON=CLE
    )
    assert serve._mise_a_jour(http) is None
    https = reglages(
        tmp_path, CARTES_APPLE_URL_SERVICE="https://carte.ville.ca", CARTES_APPLE_CLE_JETON=CLE
    )
    assert serve._mise_a_jour(https) == ("https://carte.ville.ca", CLE_SCELLE)


def test_reglages_par_defaut_donnent_des_regles(tmp_path: Path) -> None:
    regles = lire_regles(reglages(tmp_path))
    assert regles.lien_duree.days == 14
    assert str(regles.zone) == "America/Toronto"


def verifier(tmp_path: Path, **changes: Any) -> Any:
    environ = {
        "CARTES_DATABASE_URL": "postgresql://cartes@127.0.0.1:1/cartes",
        "CARTES_APPLE_CERTIFICAT": str(tmp_path / "certificat.pem"),
        "CARTES_APPLE_CLE": str(tmp_path / "cle.pem"),
        "CARTES_APPLE_WWDR": str(tmp_path / "wwdr.cer"),
        **changes,
    }
    return CliRunner().invoke(cartes, ["verifier-certificat"], env=environ)


def test_commande_verifier_certificat(tmp_path: Path) -> None:
    une_chaine().ecrire(tmp_path)
    bon = verifier(tmp_path)
    assert bon.exit_code == 0
    assert "subject: " in bon.output
    assert "expiry:  2036-01-01" in bon.output
    assert "verdict: valid" in bon.output
    mauvais = verifier(tmp_path, CARTES_APPLE_TYPE_PASSE="pass.ca.autre")
    assert mauvais.exit_code == 1
    assert "verdict: refused: the certificate's UID" in mauvais.output
    une_chaine(fin=datetime(2020, 2, 1, tzinfo=UTC), debut=datetime(2020, 1, 1, tzinfo=UTC)).ecrire(
        tmp_path
    )
    assert verifier(tmp_path).exit_code == 1
    absent = verifier(tmp_path, CARTES_APPLE_WWDR="")
    assert absent.exit_code == 1
    assert "not all set" in absent.output
