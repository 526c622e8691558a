"""Uploads that are taken up again where they were cut (tus 1.0)."""

from collections.abc import Mapping
from typing import Final

from passerelle.messages.sentence import Sentence

MESSAGES: Final[Mapping[str, Sentence]] = {
    "TELEVERSEMENT_INTROUVABLE": Sentence(
        "Cet envoi est introuvable ou a expiré. Veuillez le recommencer.",
        "This transfer cannot be found or has expired. Please start it again.",
    ),
    "TELEVERSEMENT_INCOMPLET": Sentence(
        "Cet envoi n’est pas terminé\u00a0: une partie du fichier manque.",
        "This transfer is not finished: part of the file is missing.",
    ),
    "POSITION_DIFFERENTE": Sentence(
        "Cette partie du fichier ne suit pas celle qui est déjà arrivée.",
        "This part of the file does not follow what has already arrived.",
    ),
    "SOMME_DIFFERENTE": Sentence(
        "Cette partie du fichier s’est abîmée en route. Veuillez l’envoyer de nouveau.",
        "This part of the file was damaged on the way. Please send it again.",
    ),
    "TROP_DE_TELEVERSEMENTS": Sentence(
        "Trop d’envois sont en cours. Terminez-en un avant d’en commencer un autre.",
        "Too many transfers are under way. Finish one before you start another.",
    ),
    "VERSION_TUS_INCONNUE": Sentence(
        "Cet envoi suit un protocole inconnu\u00a0: la version acceptée est tus 1.0.0.",
        "This transfer follows an unknown protocol: the accepted version is tus 1.0.0.",
    ),
    "ENTETE_TUS_INVALIDE": Sentence(
        "Un en-tête de cet envoi manque ou est mal écrit.",
        "A header of this transfer is missing or badly written.",
    ),
}
