"""What a city decides about its cards; built from the settings by the composition roots."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from services.cartes.domain.etats import RolePiece
from services.cartes.domain.temps import Fenetre

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import tzinfo

    from services.cartes.config import Config


@dataclass(frozen=True, kw_only=True)
class Regles:
    """City settings that the rules need.

    `genres` are the kinds of document accepted for each role; `institution` is 4 digits;
    `age_minimal` is in years; a mailed link works for `lien_duree` and is remembered, as expired,
    for `lien_memoire` more; cards are renewed within `fenetre`, and the last reminder leaves
    `rappel_dernier` before the last day; an account may try `essais_association` times in
    `essais_fenetre` to associate a card (CAR-03).
    """

    zone: tzinfo
    institution: str
    age_minimal: int
    genres: Mapping[RolePiece, frozenset[str]]
    lien_duree: timedelta
    lien_memoire: timedelta
    fenetre: Fenetre = field(default_factory=Fenetre)
    rappel_dernier: timedelta = timedelta(days=3)
    essais_association: int = 5
    essais_fenetre: timedelta = timedelta(hours=1)


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
        fenetre=Fenetre(
            timedelta(days=config.renouvellement_avant_jours),
            timedelta(days=config.renouvellement_apres_jours),
        ),
        rappel_dernier=timedelta(days=config.rappel_dernier_jours),
        essais_association=config.essais_association,
    )
