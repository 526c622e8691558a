"""What is wrong on our side."""

from collections.abc import Mapping
from typing import Final

from passerelle.messages.sentence import Sentence

MESSAGES: Final[Mapping[str, Sentence]] = {
    "CATALOGUE_INVALIDE": Sentence(
        "La liste des demandes n’est pas offerte pour le moment.",
        "The list of requests is not available at the moment.",
    ),
    "GABARIT_INCONNU": Sentence(
        "Ce message ne peut pas être préparé.", "This message cannot be prepared."
    ),
    "JETON_MANQUANT": Sentence(
        "Ce message ne peut pas être préparé\u00a0: il lui manque son lien.",
        "This message cannot be prepared: its link is missing.",
    ),
    "SERVICE_INDISPONIBLE": Sentence(
        "Ce service ne répond pas pour le moment. Veuillez réessayer dans quelques instants.",
        "This service is not answering at the moment. Please try again shortly.",
    ),
    "INDISPONIBLE": Sentence(
        "Ce service ne répond pas pour le moment. Veuillez réessayer dans quelques instants.",
        "This service is not answering at the moment. Please try again shortly.",
    ),
    "DELAI_DEPASSE": Sentence(
        "Ce service met trop de temps à répondre. Veuillez réessayer dans quelques instants.",
        "This service is taking too long to answer. Please try again shortly.",
    ),
    "INTERNE": Sentence(
        "Une erreur s’est produite de notre côté. Elle a été consignée.",
        "Something went wrong on our side. It has been recorded.",
    ),
}
