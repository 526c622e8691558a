"""The acts of identite, one function each; each owns its transaction."""

from services.identite.use_cases.connexion import (
    Connexion,
    fermer_session,
    ouvrir_session,
    verifier_session,
)
from services.identite.use_cases.entretien import purger
from services.identite.use_cases.inscription import (
    activer_compte,
    creer_compte,
    inscrire_confirme,
    renvoyer_activation,
)
from services.identite.use_cases.mot_de_passe import (
    demander_reinitialisation,
    reinitialiser_mot_de_passe,
)
from services.identite.use_cases.ports import AssezFort, DomaineAscii, Hacheur, Regles, RenduCode

__all__ = [
    "AssezFort",
    "Connexion",
    "DomaineAscii",
    "Hacheur",
    "Regles",
    "RenduCode",
    "activer_compte",
    "creer_compte",
    "demander_reinitialisation",
    "fermer_session",
    "inscrire_confirme",
    "ouvrir_session",
    "purger",
    "reinitialiser_mot_de_passe",
    "renvoyer_activation",
    "verifier_session",
]
