"""What machines call: discovery, keys, tokens, claims, revocation, introspection."""

from typing import Any, Final

from authlib.oauth2 import OAuth2Error
from authlib.oauth2.rfc6749 import InvalidRequestError
from flask import Blueprint, Response, current_app, jsonify, request
from flask.typing import ResponseReturnValue

from chassis.grpc_client import RemoteError
from espacecitoyen.identite.v1 import oidc_service_pb2 as pb
from passerelle import clients
from passerelle.oidc import preuve, serveur
from passerelle.security import without_cookies

bp = Blueprint("oidc", __name__)

_PORTEES: Final = ("openid", "profile", "email", "phone", "address", "offline_access")
_METHODES: Final = (
    "client_secret_basic",
    "client_secret_post",
    "private_key_jwt",
    "tls_client_auth",
    "self_signed_tls_client_auth",
    "none",
)
_REVENDICATIONS: Final = (
    *("sub", "iss", "aud", "exp", "iat", "auth_time", "nonce", "acr", "at_hash", "sid"),
    *("name", "given_name", "family_name", "preferred_username", "birthdate", "locale"),
    *("email", "email_verified", "phone_number", "phone_number_verified", "address"),
)
# Half the time that a key is published before it signs would do; an hour is kind to everybody.
_FRAICHEUR: Final = "public, max-age=3600"
_INDISPONIBLE: Final = 503


@bp.get("/.well-known/openid-configuration")
def decouverte() -> Response:
    """Say what this provider does (OpenID Connect Discovery 1.0, RFC 8414)."""
    emetteur = serveur.emetteur()
    config = current_app.extensions["config"]
    document: dict[str, Any] = {
        "issuer": emetteur,
        "authorization_endpoint": f"{emetteur}/oidc/autoriser",
        "token_endpoint": f"{emetteur}/oidc/jeton",
        "userinfo_endpoint": f"{emetteur}/oidc/infos",
        "jwks_uri": f"{emetteur}/oidc/cles",
        "end_session_endpoint": f"{emetteur}/oidc/deconnexion",
        "revocation_endpoint": f"{emetteur}/oidc/revocation",
        "introspection_endpoint": f"{emetteur}/oidc/introspection",
        "scopes_supported": list(_PORTEES),
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "grant_types_supported": ["authorization_code", "refresh_token"],
        "subject_types_supported": ["pairwise"],
        "id_token_signing_alg_values_supported": ["ES256", "RS256"],
        "token_endpoint_auth_methods_supported": list(_METHODES),
        "token_endpoint_auth_signing_alg_values_supported": ["ES256", "ES384", "RS256", "PS256"],
        "revocation_endpoint_auth_methods_supported": list(_METHODES),
        "introspection_endpoint_auth_methods_supported": list(_METHODES[:-1]),
        "code_challenge_methods_supported": ["S256"],
        "claims_supported": list(_REVENDICATIONS),
        "acr_values_supported": [
            "urn:espace-citoyen:mot-de-passe",
            "urn:espace-citoyen:deux-facteurs",
        ],
        "ui_locales_supported": ["fr-CA", "en-CA"],
        "claims_parameter_supported": False,
        "request_parameter_supported": False,
        "request_uri_parameter_supported": False,
        "authorization_response_iss_parameter_supported": True,
        "backchannel_logout_supported": True,
        "backchannel_logout_session_supported": True,
        "tls_client_certificate_bound_access_tokens": bool(config.certificat_entete),
    }
    if config.oidc_url_mtls:
        base = config.oidc_url_mtls.rstrip("/")
        document["mtls_endpoint_aliases"] = {
            nom: document[nom].replace(emetteur, base)
            for nom in (
                "token_endpoint",
                "userinfo_endpoint",
                "revocation_endpoint",
                "introspection_endpoint",
            )
        }
    reponse = jsonify(document)
    reponse.headers["Cache-Control"] = _FRAICHEUR
    return reponse


@bp.get("/oidc/cles")
def cles() -> Response:
    """Give the public keys."""
    reponse = Response(serveur.cles(), mimetype="application/jwk-set+json")
    reponse.headers["Cache-Control"] = _FRAICHEUR
    return reponse


@bp.post("/oidc/jeton")
@without_cookies
def jeton() -> ResponseReturnValue:
    """Exchange a code or a refresh token."""
    try:
        reponse: ResponseReturnValue = serveur.courant().create_token_response()
    except RemoteError as error:
        return _refus(serveur.en_oauth(error))
    return _avec_delai(reponse)


@bp.route("/oidc/infos", methods=["GET", "POST"])
@without_cookies
def infos() -> ResponseReturnValue:
    """Give the claims of an access token (OpenID Connect Core 5.3)."""
    genre, _, acces = request.headers.get("Authorization", "").partition(" ")
    acces = acces.strip()
    if genre.lower() != "bearer" or not acces:
        acces = request.form.get("access_token", "")
    if not acces:
        return Response(status=401, headers={"WWW-Authenticate": 'Bearer realm="espace-citoyen"'})
    services = clients.current()
    try:
        lues: pb.GetInfosOidcResponse = services.oidc.call(
            lambda s: s.GetInfosOidc,
            pb.GetInfosOidcRequest(jeton_acces=acces, certificat=preuve.certificat()),
            token=services.anonymous_token(),
        )
    except RemoteError as error:
        if error.reason != "JETON_ACCES_INVALIDE":
            raise
        return Response(
            status=401,
            headers={
                "WWW-Authenticate": 'Bearer realm="espace-citoyen", error="invalid_token", '
                'error_description="The access token is unknown, ended or expired."'
            },
        )
    reponse = Response(lues.revendications, mimetype="application/json")
    reponse.headers["Cache-Control"] = "no-store"
    return reponse


@bp.post("/oidc/revocation")
@without_cookies
def revocation() -> ResponseReturnValue:
    """End a token (RFC 7009); an unknown one is as ended as it can be."""
    try:
        services = clients.current()
        services.oidc.call(
            lambda s: s.FermerJetonOidc,
            pb.FermerJetonOidcRequest(preuve=_preuve(), jeton=_jeton()),
            token=services.anonymous_token(),
        )
    except OAuth2Error as error:
        return _refus(error)
    except RemoteError as error:
        return _refus(serveur.en_oauth(error))
    return jsonify({})


@bp.post("/oidc/introspection")
@without_cookies
def introspection() -> ResponseReturnValue:
    """Tell a resource server what a token is worth (RFC 7662)."""
    try:
        services = clients.current()
        lu: pb.VerifierJetonOidcResponse = services.oidc.call(
            lambda s: s.VerifierJetonOidc,
            pb.VerifierJetonOidcRequest(preuve=_preuve(), jeton=_jeton()),
            token=services.anonymous_token(),
        )
    except OAuth2Error as error:
        return _refus(error)
    except RemoteError as error:
        return _refus(serveur.en_oauth(error))
    reponse = Response(lu.etat, mimetype="application/json")
    reponse.headers["Cache-Control"] = "no-store"
    return reponse


def _preuve() -> pb.PreuveClient:
    return preuve.lire(serveur.courant().parties)


def _jeton() -> str:
    lu = request.form.get("token", "")
    if not lu:
        raise InvalidRequestError("Missing 'token' in request.")
    return lu


def _refus(error: OAuth2Error) -> ResponseReturnValue:
    reponse: ResponseReturnValue = serveur.courant().refuser(error)
    return _avec_delai(reponse)


def _avec_delai(reponse: Any) -> ResponseReturnValue:
    """A client that is told to come back is told when."""
    if reponse.status_code == _INDISPONIBLE:
        reponse.headers["Retry-After"] = "5"
    resultat: ResponseReturnValue = reponse
    return resultat
