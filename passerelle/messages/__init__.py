"""Every sentence that answers a reason, in French and in English.

A reason is the stable word a service or the gateway gives for what it refuses
(`google.rpc.ErrorInfo.reason`); the problem documents, the pages and the form fields all take
their sentence here. `docs/api.md` lists the codes that API clients may meet.
"""

from collections.abc import Mapping
from typing import Final

from passerelle.messages import (
    access,
    account,
    bridge,
    card,
    contact,
    document,
    factor,
    house,
    keeping,
    oidc,
    request,
    store,
    upload,
)
from passerelle.messages.sentence import Sentence

MESSAGES: Final[Mapping[str, Sentence]] = {
    **request.MESSAGES,
    **account.MESSAGES,
    **access.MESSAGES,
    **document.MESSAGES,
    **upload.MESSAGES,
    **store.MESSAGES,
    **keeping.MESSAGES,
    **card.MESSAGES,
    **factor.MESSAGES,
    **oidc.MESSAGES,
    **contact.MESSAGES,
    **bridge.MESSAGES,
    **house.MESSAGES,
}
# What kind of failure it is, by HTTP status: the title of a page and of a problem document.
TITLES: Final[Mapping[int, Sentence]] = {
    400: Sentence("Demande mal formée", "Malformed request"),
    401: Sentence("Connexion requise", "Log-in required"),
    403: Sentence("Accès refusé", "Access refused"),
    404: Sentence("Page introuvable", "Page not found"),
    405: Sentence("Action impossible", "Action not possible"),
    409: Sentence("Action impossible pour le moment", "Action not possible at the moment"),
    410: Sentence("Lien périmé", "Link no longer valid"),
    412: Sentence("Version inconnue", "Unknown version"),
    413: Sentence("Envoi trop volumineux", "Too large"),
    415: Sentence("Type non accepté", "Type not accepted"),
    422: Sentence("Renseignements à corriger", "Information to correct"),
    429: Sentence("Trop de tentatives", "Too many attempts"),
    500: Sentence("Erreur interne", "Internal error"),
    503: Sentence("Service momentanément indisponible", "Service temporarily unavailable"),
    504: Sentence("Délai dépassé", "Timed out"),
}


def known(code: str) -> bool:
    """Tell whether people have a sentence for this reason."""
    return code in MESSAGES


def text(code: str, langue: str) -> str:
    """Return the sentence of a reason.

    Args:
        code: the reason; an unknown one is told as INTERNE.
        langue: "fr" or "en"; anything else reads French.
    """
    sentence = MESSAGES.get(code) or MESSAGES["INTERNE"]
    return sentence.en if langue == "en" else sentence.fr


def title(status: int, langue: str) -> str:
    """Return the title of a failure by its HTTP status; an unlisted one takes its class's."""
    sentence = TITLES.get(status) or TITLES[400 if status < 500 else 500]  # noqa: PLR2004 - RFC 9110
    return sentence.en if langue == "en" else sentence.fr
