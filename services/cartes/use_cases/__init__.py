"""Acts of the cartes service, one function each."""

from services.cartes.use_cases.associer import associer_carte, oublier_essais
from services.cartes.use_cases.codes import (
    DUREE_LISTE,
    RAFRAICHIR,
    Codes,
    lire_liste,
    lister_cles,
    signer_anciennes,
)
from services.cartes.use_cases.consulter import consulter_demande
from services.cartes.use_cases.decider import decider_demande
from services.cartes.use_cases.demander import demander_carte, remplacer_piece
from services.cartes.use_cases.importer import (
    LotAnnule,
    LotInconnu,
    annuler_registre,
    importer_registre,
)
from services.cartes.use_cases.portefeuille import (
    AccesPasse,
    Apple,
    Google,
    obtenir_lien_google,
    purger_liens_expires,
    telecharger_passe,
)
from services.cartes.use_cases.renouveler import rappeler_echeances, renouveler_carte
from services.cartes.use_cases.retenue import Stockage

__all__ = [
    "DUREE_LISTE",
    "RAFRAICHIR",
    "AccesPasse",
    "Apple",
    "Codes",
    "Google",
    "LotAnnule",
    "LotInconnu",
    "Stockage",
    "annuler_registre",
    "associer_carte",
    "consulter_demande",
    "decider_demande",
    "demander_carte",
    "importer_registre",
    "lire_liste",
    "lister_cles",
    "obtenir_lien_google",
    "oublier_essais",
    "purger_liens_expires",
    "rappeler_echeances",
    "remplacer_piece",
    "renouveler_carte",
    "signer_anciennes",
    "telecharger_passe",
]
