"""Tables of the cartes service, their mapping, and the questions asked of them."""

from services.cartes.persistence.actes import (
    ajouter,
    carte_verrouillee,
    cartes_ouvertes,
    consigner_decisions,
    demande_existe,
    demande_verrouillee,
    pieces_de,
    prochaine_sequence,
    purger_liens,
)
from services.cartes.persistence.lectures import (
    TOTAL_COMPTE,
    CarteLue,
    PageDemandes,
    carte_du_compte,
    carte_par_id,
    cartes_du_compte,
    demande_lue,
    identifiant,
    lien_par_empreinte,
    page_demandes,
)

__all__ = [
    "TOTAL_COMPTE",
    "CarteLue",
    "PageDemandes",
    "ajouter",
    "carte_du_compte",
    "carte_par_id",
    "carte_verrouillee",
    "cartes_du_compte",
    "cartes_ouvertes",
    "consigner_decisions",
    "demande_existe",
    "demande_lue",
    "demande_verrouillee",
    "identifiant",
    "lien_par_empreinte",
    "page_demandes",
    "pieces_de",
    "prochaine_sequence",
    "purger_liens",
]
