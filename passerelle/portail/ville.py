"""The city as pages show it: names, addresses and colours are settings, never code."""

import re
from dataclasses import dataclass
from typing import Final

from chassis import settings

_COULEUR: Final = re.compile(r"#[0-9a-fA-F]{6}")


@dataclass(frozen=True, kw_only=True)
class Ville:
    """`PASSERELLE_VILLE_*`; an empty text is not shown.

    Raises: ValueError for a colour that is not `#rrggbb`, because it would enter a style sheet.
    """

    # As a sentence needs it: « Ville d’Oka » would not follow from the name alone.
    ville_titre: str = "Ville de Sainte-Thérèse"
    ville_nom: str = "Sainte-Thérèse"
    ville_site: str = "https://www.sainte-therese.ca"
    ville_courriel: str = ""
    ville_telephone: str = ""
    # Where cards are asked for in person, with its opening hours (CAR-10).
    ville_comptoir: str = "bibliothèque municipale"
    ville_comptoir_en: str = "municipal library"
    ville_comptoir_adresse: str = "150, boulevard du Séminaire"
    ville_comptoir_heures: str = ""
    # Person in charge of personal information, a legal duty of the privacy policy.
    ville_responsable: str = ""
    # White text stands on the first one and the second stands on white: 4.5:1 at least.
    ville_primaire: str = "#0b4f5f"
    ville_accent: str = "#a8480b"
    # Adult and child proofs that the city accepts, shown beside the field (CAR-02).
    ville_entente: tuple[str, ...] = (
        "Sainte-Thérèse",
        "Blainville",
        "Bois-des-Filion",
        "Boisbriand",
        "Lorraine",
        "Rosemère",
        "Sainte-Anne-des-Plaines",
    )

    def __post_init__(self) -> None:
        """Refuse a colour that is none."""
        for couleur in (self.ville_primaire, self.ville_accent):
            if not _COULEUR.fullmatch(couleur):
                message = f"not a colour of the form #rrggbb: {couleur!r}"
                raise ValueError(message)

    def theme(self) -> str:
        """Return the style sheet that gives the pages the city's colours."""
        return (
            f":root{{--ville-primaire:{self.ville_primaire};--ville-accent:{self.ville_accent}}}\n"
        )


def charger() -> Ville:
    """Read the city from the environment."""
    return settings.load(Ville, prefix="PASSERELLE")
