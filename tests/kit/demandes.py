"""A small catalogue."""

from __future__ import annotations

from typing import Any

from services.demandes.domain import Catalogue, Theme, TypeDemande


def un_theme(code: str = "rues", rang: int = 1, **autres: Any) -> Theme:
    return Theme(
        **({"code": code, "rang": rang, "titre_fr": "Rues", "titre_en": "Streets"} | autres)
    )


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
