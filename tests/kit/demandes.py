"""A small catalogue, and the environment of the processes."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from services.demandes.domain import Catalogue, Theme, TypeDemande
from tests.kit.identity import PUBLIC_KEY

ROOT = Path(__file__).resolve().parents[2]


def environnement(*, database_url: str, amqp_url: str, **autres: str) -> dict[str, str]:
    """The environment of a process of demandes; more settings by their names."""
    return {
        **{nom: valeur for nom, valeur in os.environ.items() if nom in {"PATH", "HOME", "LANG"}},
        "PYTHONPATH": f"{ROOT}:{ROOT / 'protos' / 'gen'}",
        "DEMANDES_DATABASE_URL": database_url,
        "ESPACE_AMQP_URL": amqp_url,
        "ESPACE_TOKEN_PUBLIC_KEY": PUBLIC_KEY.decode(),
        **autres,
    }


def un_theme(code: str = "rues", rang: int = 1, **autres: Any) -> Theme:
    champs: dict[str, Any] = {"code": code, "rang": rang, "titre_fr": "Rues", "titre_en": "Streets"}
    return Theme(**(champs | autres))


def un_type(code: str = "nid_de_poule", **autres: Any) -> TypeDemande:
    valeurs: dict[str, Any] = {
        "code": code,
        "theme": "rues",
        "titre_fr": "Nid-de-poule",
        "titre_en": "Pothole",
        "description_fr": "Signaler un trou dans la chaussée.",
        "description_en": "Report a hole in the roadway.",
        "mots_cles": (),
        "compte_requis": False,
    }
    return TypeDemande(**(valeurs | autres))


def un_catalogue(*types: TypeDemande, themes: tuple[Theme, ...] = (un_theme(),)) -> Catalogue:
    return Catalogue(themes=themes, types=types or (un_type(),))
