"""What avis keeps in its database, and the questions asked of it."""

from services.avis.persistence.abonnements import (
    codes_categories,
    ecrire_abonne,
    ecrire_point,
    langue_courriel,
    verrouiller_compte,
)
from services.avis.persistence.envois import (
    ajouter_envoi,
    effacer_donnees,
    envois_de_evenement,
    envois_en_cours,
    envois_prets,
    faire_attendre,
    liberer_envois,
    lire_envoi,
    prendre_envoi,
    purger_envois,
    rendre_envoi,
    reprendre_envoi,
    resumer_envois,
    retarder_envoi,
    terminer_envoi,
)
from services.avis.persistence.lectures import lire_mes_avis

__all__ = [
    "ajouter_envoi",
    "codes_categories",
    "ecrire_abonne",
    "ecrire_point",
    "effacer_donnees",
    "envois_de_evenement",
    "envois_en_cours",
    "envois_prets",
    "faire_attendre",
    "langue_courriel",
    "liberer_envois",
    "lire_envoi",
    "lire_mes_avis",
    "prendre_envoi",
    "purger_envois",
    "rendre_envoi",
    "reprendre_envoi",
    "resumer_envois",
    "retarder_envoi",
    "terminer_envoi",
    "verrouiller_compte",
]
