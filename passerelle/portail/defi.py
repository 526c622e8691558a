"""The check against robots: a proof of work, or a code to read or to hear (IDN-03).

The proof is found by the browser while a person types. Where there is no JavaScript, or where the
proof is refused, the code of the same challenge takes its place; it is made by identite, and no
other site takes part.
"""

from dataclasses import dataclass

from flask import Blueprint, Response, make_response, request
from flask.typing import ResponseReturnValue

from espacecitoyen.identite.v1 import acces_service_pb2 as acces
from passerelle import clients
from passerelle.portail.forms import Formulaire
from passerelle.problems import Problem, reader_language

bp = Blueprint("defi", __name__)

# Reasons after which the page shows the code at once.
REFUS = frozenset({"DEFI_REQUIS", "DEFI_PERIME", "CODE_SECURITE_INVALIDE"})
# Refusals that come before the challenge is spent: the answer that was given still serves.
_NON_DEPENSES = frozenset({"DONNEES_INVALIDES", "CODE_SECURITE_INVALIDE", "TROP_OCCUPE"})


@dataclass(frozen=True)
class Defi:
    """A challenge as a form carries it.

    Attributes:
        ouvert: True when the code is shown at once, not only without JavaScript.
        preuve: the proof that was found for it already.
    """

    jeton: str
    bits: int
    ouvert: bool = False
    preuve: str = ""


@bp.get("/code-securite/image/<jeton>")
def image(jeton: str) -> ResponseReturnValue:
    """Show the code."""
    return _rendre(jeton, acces.FORME_CODE_IMAGE)


@bp.get("/code-securite/son/<jeton>")
def son(jeton: str) -> ResponseReturnValue:
    """Say the code, in the reader's language."""
    return _rendre(jeton, acces.FORME_CODE_SON)


def nouveau(usage: acces.UsageDefi.ValueType, *, ouvert: bool = False) -> Defi:
    """Ask for a challenge.

    Raises:
        RemoteError: identite is away.
    """
    services = clients.current()
    answer: acces.ObtenirDefiResponse = services.acces.call(
        lambda s: s.ObtenirDefi,
        acces.ObtenirDefiRequest(usage=usage),
        token=services.anonymous_token(),
    )
    return Defi(jeton=answer.jeton, bits=answer.bits, ouvert=ouvert)


def suivant(
    usage: acces.UsageDefi.ValueType, formulaire: Formulaire, probleme: Problem | None
) -> Defi:
    """Return the challenge of a form that is shown again: the same one while it still serves."""
    code = probleme.code if probleme else "DONNEES_INVALIDES"
    jeton, _, _ = (formulaire.defi.data or "").partition("\n")
    bits = jeton.split(".")[1] if jeton.count(".") > 1 else ""
    if code in _NON_DEPENSES and bits.isascii() and bits.isdigit():
        preuve = formulaire.preuve.data or ""
        ouvert = code in REFUS or not preuve
        return Defi(jeton=jeton, bits=int(bits), ouvert=ouvert, preuve=preuve)
    return nouveau(usage, ouvert=code in REFUS or not formulaire.preuve.data)


def reponse(formulaire: Formulaire) -> dict[str, str]:
    """Return the fields of a request that answer a challenge."""
    return {
        "defi": formulaire.defi.data or "",
        "preuve": formulaire.preuve.data or "",
        "code_securite": formulaire.code_securite.data or "",
    }


def _rendre(jeton: str, forme: acces.FormeCode.ValueType) -> Response:
    services = clients.current()
    answer: acces.LireCodeResponse = services.acces.call(
        lambda s: s.LireCode,
        acces.LireCodeRequest(
            jeton=jeton,
            forme=forme,
            langue=reader_language(),
            adresse_ip=request.remote_addr or "",
        ),
        token=services.anonymous_token(),
        deadline=services.config.delai_mot_de_passe_s,
    )
    response = make_response(answer.contenu)
    response.mimetype = answer.type_media
    response.headers["Cache-Control"] = "no-store"
    return response
