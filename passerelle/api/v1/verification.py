"""The second step of a log-in, and the log-in by passkey alone, for API clients (IDN-20)."""

import json
from typing import Final

from flask import Response, jsonify, request

from espacecitoyen.identite.v1 import facteurs_service_pb2 as facteurs
from passerelle import clients
from passerelle.api.v1 import body
from passerelle.api.v1.body import Flag, Object, Text
from passerelle.api.v1.contract import Resource, ref

RESOURCE: Final = Resource("Session")
_APPAREIL_MAX: Final = 200
_REPONSE_MAX: Final = 16_384

_DEPART: Final = Object({"agent": Flag()})
_PREUVE: Final = Object(
    {
        "epreuve": Text(required=True, longest=128, format="password"),
        "code": Text(longest=40, about="Code de l’application ou de secours / Code"),
        "cle": Text(longest=_REPONSE_MAX, about="AuthenticationResponseJSON (WebAuthn 3)"),
        "jeton_appareil": Text(longest=128, format="password"),
    }
)


def demander(epreuve: str, *, agent: bool) -> Response:
    """Answer what a log-in still needs, with fresh options for a passkey."""
    services = clients.current()
    question: facteurs.CommencerEpreuveResponse = services.facteurs.call(
        lambda s: s.CommencerEpreuve,
        facteurs.CommencerEpreuveRequest(
            epreuve=epreuve,
            adresse_ip=request.remote_addr or "",
            appareil=request.user_agent.string[:_APPAREIL_MAX],
            agent=agent,
        ),
        token=services.anonymous_token(),
    )
    response = jsonify(
        {
            "epreuve": question.epreuve,
            "cle": json.loads(question.options_json) if question.options_json else None,
            "application": question.totp,
            "codes_secours": question.codes_secours,
        }
    )
    response.status_code = 202
    response.headers["Cache-Control"] = "no-store"
    return response


@RESOURCE.route(
    "POST",
    "/session/cle",
    summary="Se connecter avec une clé d’accès / Log in with a passkey",
    auth="",
    body=_DEPART,
    answers={202: ref("EpreuveDemandee")},
)
def commencer_cle() -> Response:
    """Ask for any passkey of this site; its answer goes to /session/verification."""
    fields = body.read(_DEPART)
    return demander("", agent=bool(fields["agent"]))


@RESOURCE.route(
    "POST",
    "/session/verification",
    summary="Terminer la connexion avec un second facteur / End the log-in with a second factor",
    auth="",
    body=_PREUVE,
    answers={201: ref("SessionVerifiee")},
)
def terminer_connexion() -> Response:
    """Judge the factor and open the session, whose secret is new."""
    fields = body.read(_PREUVE)
    services = clients.current()
    answer: facteurs.TerminerConnexionResponse = services.facteurs.call(
        lambda s: s.TerminerConnexion,
        facteurs.TerminerConnexionRequest(
            epreuve=fields["epreuve"],
            code=fields["code"] or "",
            reponse_json=fields["cle"] or "",
            adresse_ip=request.remote_addr or "",
            jeton_appareil=fields["jeton_appareil"] or "",
        ),
        token=services.anonymous_token(),
    )
    response = jsonify(
        {
            "jeton": answer.jeton_session,
            "expire_le": answer.expire_le or None,
            "jeton_appareil": answer.jeton_appareil or None,
            "compte_id": answer.compte_id,
        }
    )
    response.status_code = 201
    response.headers["Cache-Control"] = "no-store"
    return response
