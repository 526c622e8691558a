"""Linked accounts: the tax account, recreation, Espace Famille."""

from collections.abc import Mapping
from typing import Final

from passerelle.messages.sentence import Sentence

_OPERATEUR: Final = Sentence(
    "L’import n’a pas pu se faire. Consultez le rapport de la commande.",
    "The import could not be made. Read the report of the command.",
)

MESSAGES: Final[Mapping[str, Sentence]] = {
    "LIAISON_INCONNUE": Sentence(
        "Cette liaison est introuvable.",
        "This link cannot be found.",
    ),
    "LIAISON_DEJA_DECIDEE": Sentence(
        "Cette liaison a déjà été décidée ou annulée.",
        "This link has already been decided or undone.",
    ),
    "COMPTE_TAXES_NON_LIE": Sentence(
        "Aucun compte de taxes n’est lié à votre compte.",
        "No tax account is linked to your account.",
    ),
    "ESPACE_FAMILLE_NON_OFFERT": Sentence(
        "L’Espace Famille n’est pas offert par la Ville.",
        "The city does not offer Espace Famille.",
    ),
    "ESPACE_FAMILLE_REFUSE": Sentence(
        "L’Espace Famille ne reconnaît pas ce code et ce mot de passe.",
        "Espace Famille does not recognize this code and password.",
    ),
    "CODE_FAMILLE_REFUSE": Sentence(
        "L’Espace Famille ne reconnaît pas ce code et ce mot de passe. Vérifiez les deux.",
        "Espace Famille does not recognize this code and password. Check both.",
    ),
    "SYSTEME_LIE_INDISPONIBLE": Sentence(
        "Ce système de la Ville ne répond pas en ce moment. Rien n’a été changé. "
        "Réessayez dans quelques minutes.",
        "This city system is not answering at the moment. Nothing was changed. "
        "Try again in a few minutes.",
    ),
    "EMPREINTE_ILLISIBLE": _OPERATEUR,
    "FICHIER_INATTENDU": _OPERATEUR,
    "IMPORT_EN_COURS": _OPERATEUR,
    "IMPORT_INCONNU": _OPERATEUR,
}
