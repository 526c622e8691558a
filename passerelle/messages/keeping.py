"""What is kept, held or reserved in a document space."""

from collections.abc import Mapping
from typing import Final

from passerelle.messages.sentence import Sentence

MESSAGES: Final[Mapping[str, Sentence]] = {
    "PIECE_GELEE": Sentence(
        "La loi oblige la Ville à conserver ce document pour le moment\u00a0: il ne peut pas être "
        "supprimé.",
        "The law requires the city to keep this document for now: it cannot be deleted.",
    ),
    "GEL_INTROUVABLE": Sentence(
        "Cette obligation de conservation est introuvable.",
        "This legal hold cannot be found.",
    ),
    "MOTIF_GEL_REQUIS": Sentence(
        "Indiquez pourquoi, en 5 à 500 caractères.",
        "Say why, in 5 to 500 characters.",
    ),
    "FICHIER_RESERVE": Sentence(
        "Le fichier d’une pièce d’identité est réservé à la personne à qui il appartient. "
        "Consultez ses pages à l’écran.",
        "The file of an identity document is reserved for its owner. Look at its pages on screen.",
    ),
    "REPRESENTATION_REFUSEE": Sentence(
        "Cette action ne peut être faite qu’en son propre nom.",
        "This can only be done in one’s own name.",
    ),
    "RECHERCHE_TROP_LONGUE": Sentence(
        "Écrivez au plus 100 caractères à rechercher.",
        "Type at most 100 characters to search for.",
    ),
    "VALEUR_INCONNUE": Sentence(
        "Cette valeur n’est pas connue.",
        "This value is not known.",
    ),
}
