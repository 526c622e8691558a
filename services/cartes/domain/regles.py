"""What a city decides about its cards; built from the settings by the composition roots."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from services.cartes.domain.etats import RolePiece

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import tzinfo

    from services.cartes.config import Config


@dataclass(frozen=True, kw_only=True)
class Regles:
    """City settings that the rules need.

    `genres` are the kinds of document accepted for each role; `institution` is 4 digits;
    `age_minimal` is in years; a mailed link works for `lien_duree` and is remembered, as expired,
    for `lien_memoire` more.
    """

    zone: tzinfo
    institution: str
    age_minimal: int
    genres: Mapping[RolePiece, frozenset[str]]
    lien_duree: timedelta
    lien_memoire: timedelta


def lire_regles(config: Config) -> Regles:
    """Return the rules that settings state.

    Raises: ValueError for an institution that is not 4 digits or a zone that nobody knows.
    """
    if not re.fullmatch(r"[0-9]{4}", config.institution):
        raise ValueError("CARTES_INSTITUTION: 4 digits are wanted")
    try:
        zone = ZoneInfo(config.ville_fuseau)
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise ValueError(f"ESPACE_VILLE_FUSEAU: no zone {config.ville_fuseau}") from error
    return Regles(
        zone=zone,
        institution=config.institution,
        age_minimal=config.age_minimal,
        genres={
            RolePiece.IDENTITE: frozenset(config.genres_identite),
            RolePiece.RESIDENCE: frozenset(config.genres_residence),
        },
        lien_duree=timedelta(days=config.lien_jours),
        lien_memoire=timedelta(days=config.lien_memoire_jours),
    )
