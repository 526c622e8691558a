"""What avis does: note events, keep subscriptions, give each mail to the server exactly once."""

from services.avis.use_cases.expedition import (
    balayer,
    envoyer,
    envoyer_tous,
    lever_doute,
    oublier,
)
from services.avis.use_cases.inscription import (
    CONSOMMATEUR,
    enregistrer_abonnement,
    enregistrer_coordonnees,
    inscrire_courriel,
    inscrire_nouvelle,
)
from services.avis.use_cases.ports import (
    Courriel,
    CourrielDefinitif,
    CourrielIncertain,
    CourrielTemporaire,
    Expedition,
    JournalIndisponible,
    JournalSmtp,
    Presence,
    Redaction,
    Reponse,
)

__all__ = [
    "CONSOMMATEUR",
    "Courriel",
    "CourrielDefinitif",
    "CourrielIncertain",
    "CourrielTemporaire",
    "Expedition",
    "JournalIndisponible",
    "JournalSmtp",
    "Presence",
    "Redaction",
    "Reponse",
    "balayer",
    "enregistrer_abonnement",
    "enregistrer_coordonnees",
    "envoyer",
    "envoyer_tous",
    "inscrire_courriel",
    "inscrire_nouvelle",
    "lever_doute",
    "oublier",
]
