"""The acts of OpenID Connect, one function each (IDN-19)."""

from services.identite.use_cases.oidc.amont import (
    Arrivee,
    IdentiteAmont,
    lier_identite_amont,
    ouvrir_session_amont,
)
from services.identite.use_cases.oidc.autorisation import (
    Besoin,
    Demande,
    cette_session,
    ouvrir_autorisation,
    retirer_consentement,
    verifier_autorisation,
)
from services.identite.use_cases.oidc.cles import jeu_public, ouvrir_cle, tenir_cles
from services.identite.use_cases.oidc.clients import (
    desactiver_client,
    enregistrer_client,
    lire_client,
    renouveler_secret,
)
from services.identite.use_cases.oidc.deconnexion import annoncer_fin, noter_fins
from services.identite.use_cases.oidc.entretien import TravailOidc, purger_oidc
from services.identite.use_cases.oidc.jetons import (
    Guichet,
    Jetons,
    echanger_code,
    en_json,
    etat_du_jeton,
    fermer_jeton,
    infos,
    renouveler,
)
from services.identite.use_cases.oidc.ports import (
    AssertionLue,
    AssertionRefusee,
    Assertions,
    Certificats,
    Fabrique,
    Postier,
    ReglesOidc,
    Signataire,
)

__all__ = [
    "Arrivee",
    "AssertionLue",
    "AssertionRefusee",
    "Assertions",
    "Besoin",
    "Certificats",
    "Demande",
    "Fabrique",
    "Guichet",
    "IdentiteAmont",
    "Jetons",
    "Postier",
    "ReglesOidc",
    "Signataire",
    "TravailOidc",
    "annoncer_fin",
    "cette_session",
    "desactiver_client",
    "echanger_code",
    "en_json",
    "enregistrer_client",
    "etat_du_jeton",
    "fermer_jeton",
    "infos",
    "jeu_public",
    "lier_identite_amont",
    "lire_client",
    "noter_fins",
    "ouvrir_autorisation",
    "ouvrir_cle",
    "ouvrir_session_amont",
    "purger_oidc",
    "renouveler",
    "renouveler_secret",
    "retirer_consentement",
    "tenir_cles",
    "verifier_autorisation",
]
