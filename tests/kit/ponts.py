"""Files of other systems, and the import of them into a running identite."""

from __future__ import annotations

import base64
import csv
import hashlib
import importlib
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import bcrypt

from services.identite.adapters.domaine import domaine_ascii
from services.identite.domain.ponts import Politique, Source
from services.identite.use_cases import Regles
from services.identite.use_cases.ponts.importation import Bilan, importer
from tests.kit.identite import Identite, une_config

# This package ships no types.
HASH: Any = importlib.import_module("passlib.hash")

ANCIEN_MOT_DE_PASSE = "érable Rouge 1987"
CLE_PONTS = bytes(range(32, 64))
CLE_PONTS_TEXTE = base64.b64encode(CLE_PONTS).decode()

COLONNES = {
    Source.TAXES: (
        "reference", "courriel", "nom_utilisateur", "prenom", "nom", "date_naissance",
        "adresse_ligne", "adresse_ville", "adresse_code_postal", "telephone", "langue",
        "empreinte", "actif",
    ),
    Source.LOISIRS: ("reference", "courriel", "prenom", "nom", "date_naissance"),
    Source.URGENCES: ("reference", "canal", "coordonnee", "nom", "langue"),
}  # fmt: skip


def empreinte_bcrypt(mot_de_passe: str = ANCIEN_MOT_DE_PASSE) -> str:
    return bcrypt.hashpw(mot_de_passe.encode(), bcrypt.gensalt(4)).decode()


def empreinte_django(mot_de_passe: str = ANCIEN_MOT_DE_PASSE) -> str:
    brut = hashlib.pbkdf2_hmac("sha256", mot_de_passe.encode(), b"selDjango", 1000)
    return f"pbkdf2_sha256$1000$selDjango${base64.b64encode(brut).decode()}"


def empreinte_pbkdf2(mot_de_passe: str = ANCIEN_MOT_DE_PASSE) -> str:
    return str(HASH.pbkdf2_sha256.using(rounds=1000).hash(mot_de_passe))


def empreinte_sha512(mot_de_passe: str = ANCIEN_MOT_DE_PASSE) -> str:
    return str(HASH.sha512_crypt.using(rounds=1000).hash(mot_de_passe))


def empreinte_aspnet(mot_de_passe: str = ANCIEN_MOT_DE_PASSE, *, prf: int = 1) -> str:
    sel, tours = os.urandom(16), 1000
    nom = ("sha1", "sha256", "sha512")[prf]
    cle = hashlib.pbkdf2_hmac(nom, mot_de_passe.encode(), sel, tours, 32)
    mots = b"".join(valeur.to_bytes(4, "big") for valeur in (prf, tours, len(sel)))
    return base64.b64encode(b"\x01" + mots + sel + cle).decode()


def un_compte_de_taxes(**champs: str) -> dict[str, str]:
    """A row of the tax system, changed by ``champs``."""
    return {
        "reference": "M-0001",
        "courriel": "zoe.tremblay@exemple.ca",
        "nom_utilisateur": "zoe.t",
        "prenom": "Zoé",
        "nom": "Tremblay",
        "date_naissance": "1988-05-17",
        "adresse_ligne": "6, rue de l’Église",
        "adresse_ville": "Sainte-Thérèse",
        "adresse_code_postal": "J7E 3L1",
        "telephone": "450 434-4440",
        "langue": "fr",
        "empreinte": empreinte_bcrypt(),
        "actif": "oui",
    } | champs


def un_compte_de_loisirs(**champs: str) -> dict[str, str]:
    """A row of the recreation platform, changed by ``champs``."""
    return {
        "reference": "L-77",
        "courriel": "zoe.tremblay@exemple.ca",
        "prenom": "Zoe",
        "nom": "TREMBLAY",
        "date_naissance": "1988-05-17",
    } | champs


def un_contact(**champs: str) -> dict[str, str]:
    """A row of the old emergency system, changed by ``champs``."""
    return {
        "reference": "U-1",
        "canal": "telephone",
        "coordonnee": "450 434-4440",
        "nom": "Tremblay",
        "langue": "fr",
    } | champs


def ecrire(fichier: Path, source: Source, lignes: Iterable[dict[str, str]]) -> Path:
    """Write a file as another system exports it."""
    with fichier.open("w", encoding="utf-8", newline="") as flux:
        ecrivain = csv.DictWriter(flux, COLONNES[source], restval="")
        ecrivain.writeheader()
        ecrivain.writerows(lignes)
    return fichier


def importer_fichier(
    identite: Identite, fichier: Path, source: Source = Source.TAXES, **autres: Any
) -> Bilan:
    """Import a file into a running identite, as the operator's command does."""
    valeurs: dict[str, Any] = {
        "engine": identite.engine,
        "regles": Regles.de(une_config()),
        "politique": Politique(),
        "cle": CLE_PONTS,
        "domaine_ascii": domaine_ascii,
        "source": source,
        "fichier": fichier,
        "essai": False,
        "progres": lambda _lignes, _part: None,
        "maintenant": identite.horloge(),
    }
    return importer(**(valeurs | autres))
