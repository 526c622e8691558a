"""What stands before the doors, and one's own identifiers."""

from collections.abc import Mapping
from typing import Final

from passerelle.messages.sentence import Sentence

MESSAGES: Final[Mapping[str, Sentence]] = {
    "DEFI_REQUIS": Sentence(
        "Une vérification contre les robots est nécessaire. Recopiez le code de sécurité.",
        "A check against robots is needed. Copy the security code.",
    ),
    "DEFI_PERIME": Sentence(
        "La vérification contre les robots a déjà servi ou n’est plus valable. Recommencez.",
        "The check against robots has been used already or is no longer valid. Please try again.",
    ),
    "CODE_SECURITE_INVALIDE": Sentence(
        "Ce n’est pas le code de l’image. Réessayez, écoutez-le ou demandez-en un autre.",
        "This is not the code of the picture. Try again, listen to it, or ask for another one.",
    ),
    "SON_INDISPONIBLE": Sentence(
        "Le code ne peut pas être lu à voix haute pour le moment.",
        "The code cannot be read aloud at the moment.",
    ),
    "MOT_DE_PASSE_INCORRECT": Sentence(
        "Ce n’est pas votre mot de passe actuel.",
        "This is not your current password.",
    ),
    "MOT_DE_PASSE_IDENTIQUE": Sentence(
        "Choisissez un mot de passe différent de l’actuel.",
        "Choose a password that differs from the current one.",
    ),
}
