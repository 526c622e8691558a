"""The session of an API client: opened with a password, carried as a bearer secret."""

from typing import Final

from flask import Response, jsonify, make_response, request

from espacecitoyen.identite.v1 import identite_service_pb2 as identite
from passerelle import clients, security
from passerelle import session as sessions
from passerelle.api.v1 import body, shapes, verification
from passerelle.api.v1.body import Flag, Object, Text
from passerelle.api.v1.contract import Resource, ref

RESOURCE: Final = Resource("Session")
_APPAREIL_MAX: Final = 200

_CONNEXION: Final = Object(
    {
        "identifiant": Text(required=True, longest=254),
        "mot_de_passe": Text(required=True, longest=128, format="password"),
        "agent": Flag(),
        # After a few failures: the answered challenge of GET /defi?usage=connexion.
        "defi": Text(longest=200),
        "preuve": Text(longest=64),
        "code_securite": Text(longest=40),
        # The secret that this application was given at its first log-in.
        "jeton_appareil": Text(longest=128, format="password"),
    }
)


@RESOURCE.route(
    "POST",
    "/session",
    summary="Se connecter / Log in",
    auth="",
    body=_CONNEXION,
    answers={201: ref("SessionOuverte"), 202: ref("EpreuveDemandee")},
)
def ouvrir_session() -> Response:
    """Open a session; `agent` asks for the staff roles of the account.

    202 when the password is right and a second factor is still to prove (IDN-20).
    """
    fields = body.read(_CONNEXION)
    services = clients.current()
    answer: identite.OuvrirSessionResponse = services.identite.call(
        lambda s: s.OuvrirSession,
        identite.OuvrirSessionRequest(
            adresse_ip=request.remote_addr or "",
            appareil=request.user_agent.string[:_APPAREIL_MAX],
            **fields,
        ),
        token=services.anonymous_token(),
        deadline=services.config.delai_mot_de_passe_s,
    )
    if answer.epreuve:
        return verification.demander(answer.epreuve, agent=False)
    response = jsonify(
        {
            "jeton": answer.jeton_session,
            "expire_le": answer.expire_le or None,
            "jeton_appareil": answer.jeton_appareil or None,
            "profil": shapes.profil(answer.profil),
        }
    )
    response.status_code = 201
    response.headers["Cache-Control"] = "no-store"
    return response


@RESOURCE.route(
    "GET",
    "/session",
    summary="Session en cours / Current session",
    answers={200: ref("Session")},
)
def lire_session() -> Response:
    """Tell who is logged in; a cookie's client also gets its anti-forgery token."""
    by_cookie = not sessions.bearer_secret()
    return jsonify(
        {
            **shapes.visite(sessions.current_visit()),
            "jeton_csrf": security.csrf_token() if by_cookie else None,
        }
    )


@RESOURCE.route(
    "DELETE",
    "/session",
    summary="Se déconnecter / Log out",
    answers={204: None},
)
def fermer_session() -> Response:
    """End the session."""
    response = make_response("", 204)
    sessions.close_session(response)
    return response
