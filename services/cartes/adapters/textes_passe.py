"""Sentences shown on the card in a wallet, French and English.

They live here and not in the portal's catalogue because they are part of a signed file.
"""

from collections.abc import Mapping

DESCRIPTION = "Carte citoyen"
CATEGORIE = "Catégorie"
RESIDENT = "Résident"
TITULAIRE = "Titulaire"
ECHEANCE = "Échéance"
ECHEANCE_CHANGEE = "Nouvelle échéance\u00a0: %@"
NUMERO = "Numéro"
ESPACE = "Mon Espace citoyen"
USAGE = "Utilisation"
USAGE_TEXTE = (
    "Présentez cette carte à la bibliothèque et aux activités municipales. Elle est personnelle."
)

_ANGLAIS = {
    DESCRIPTION: "Citizen card",
    CATEGORIE: "Category",
    RESIDENT: "Resident",
    TITULAIRE: "Holder",
    ECHEANCE: "Valid until",
    ECHEANCE_CHANGEE: "New expiry date: %@",
    NUMERO: "Number",
    ESPACE: "My citizen area",
    USAGE: "Use",
    USAGE_TEXTE: "Show this card at the library and at municipal activities. It is personal.",
}


def anglais(texte: str) -> str:
    """Return the English of one of the sentences above."""
    return _ANGLAIS[texte]


def fichiers() -> dict[str, bytes]:
    """Return the pass.strings by path, UTF-8.

    pass.json is written in French; the French file is an identity, so that a phone in a third
    language falls back to French (cartes.md 2.3).
    """
    return {
        "fr.lproj/pass.strings": _strings({texte: texte for texte in _ANGLAIS}),
        "en.lproj/pass.strings": _strings(_ANGLAIS),
    }


def _strings(textes: Mapping[str, str]) -> bytes:
    lignes = (f'"{_citer(cle)}" = "{_citer(texte)}";\n' for cle, texte in textes.items())
    return "".join(lignes).encode()


def _citer(texte: str) -> str:
    return texte.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
