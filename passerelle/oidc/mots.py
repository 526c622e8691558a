"""What people read about applications: names, and scopes in plain words."""

from collections.abc import Mapping
from typing import Final

from flask_babel import lazy_gettext as _l
from flask_babel.speaklater import LazyString

from espacecitoyen.identite.v1 import oidc_service_pb2 as pb
from passerelle.problems import reader_language

# What each scope lets an application read, and its drawing.
PORTEES: Final[Mapping[str, tuple[LazyString, str]]] = {
    "openid": (_l("Savoir que c’est vous, sous un numéro qui ne sert qu’à elle"), "it-key"),
    "profile": (
        _l("Lire votre nom, votre nom d’utilisateur et votre date de naissance"),
        "it-user",
    ),
    "email": (_l("Lire votre adresse courriel"), "it-mail"),
    "phone": (_l("Lire votre numéro de téléphone"), "it-telephone"),
    "address": (_l("Lire votre adresse"), "it-map-marker"),
    "offline_access": (
        _l("Lire ces renseignements même quand vous n’êtes pas connecté, pendant 30 jours"),
        "it-clock",
    ),
}


def nom_du_client(client: pb.ClientOidc | pb.ConsentementOidc) -> str:
    """Return the name of an application in the reader's language."""
    return client.nom_en if reader_language() == "en" else client.nom_fr
