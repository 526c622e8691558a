"""Acts of the cartes service, one function each."""

from services.cartes.use_cases.consulter import consulter_demande
from services.cartes.use_cases.decider import decider_demande
from services.cartes.use_cases.demander import demander_carte, remplacer_piece
from services.cartes.use_cases.portefeuille import (
    AccesPasse,
    Apple,
    Google,
    obtenir_lien_google,
    purger_liens_expires,
    telecharger_passe,
)
from services.cartes.use_cases.retenue import Stockage

__all__ = [
    "AccesPasse",
    "Apple",
    "Google",
    "Stockage",
    "consulter_demande",
    "decider_demande",
    "demander_carte",
    "obtenir_lien_google",
    "purger_liens_expires",
    "remplacer_piece",
    "telecharger_passe",
]
