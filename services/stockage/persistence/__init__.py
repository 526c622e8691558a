"""Tables of stockage and the queries over them. No rule lives here.

Functions that end a sentence with "locked" must be called inside a transaction; the others take a
session or the AUTOCOMMIT reader alike.
"""

from services.stockage.persistence.attente import (
    compter_objets,
    lire_en_analyse,
    lister_attente,
    lister_objets,
    noms_connus,
    reporter,
)
from services.stockage.persistence.consultations import (
    lister_consultations,
    noter_consultation,
    oublier_consultations,
    sans_attendre_le_disque,
)
from services.stockage.persistence.espaces import (
    compter,
    compter_espace,
    creer_espace,
    demander_effacement,
    espaces_a_finir,
    lire_espace,
    supprimer_espace,
)
from services.stockage.persistence.gels import (
    ajouter_gel,
    compte_gele,
    lever_gel,
    lire_gel,
    lister_gels,
)
from services.stockage.persistence.listes import (
    Curseur,
    Filtre,
    lister_document,
    lister_pieces,
    lister_toutes,
)
from services.stockage.persistence.pieces import (
    ajouter_piece,
    ceder_place,
    changer_contenu,
    changer_fiche,
    lire_pieces,
    noter_rappel,
    pieces_a_rappeler,
    prochaine_version,
    retirer,
)
from services.stockage.persistence.rangees import Lecteur
from services.stockage.persistence.retenues import (
    dater_decision,
    liberer,
    lire_piece_retenue,
    lister_echues,
    lister_retenues,
    purger_retenue,
    retenir,
    supprimer_delaissees,
)

__all__ = [
    "Curseur",
    "Filtre",
    "Lecteur",
    "ajouter_gel",
    "ajouter_piece",
    "ceder_place",
    "changer_contenu",
    "changer_fiche",
    "compte_gele",
    "compter",
    "compter_espace",
    "compter_objets",
    "creer_espace",
    "dater_decision",
    "demander_effacement",
    "espaces_a_finir",
    "lever_gel",
    "liberer",
    "lire_en_analyse",
    "lire_espace",
    "lire_gel",
    "lire_piece_retenue",
    "lire_pieces",
    "lister_attente",
    "lister_consultations",
    "lister_document",
    "lister_echues",
    "lister_gels",
    "lister_objets",
    "lister_pieces",
    "lister_retenues",
    "lister_toutes",
    "noms_connus",
    "noter_consultation",
    "noter_rappel",
    "oublier_consultations",
    "pieces_a_rappeler",
    "prochaine_version",
    "purger_retenue",
    "reporter",
    "retenir",
    "retirer",
    "sans_attendre_le_disque",
    "supprimer_delaissees",
    "supprimer_espace",
]
