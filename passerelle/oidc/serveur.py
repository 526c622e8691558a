"""Authlib's authorization server over identite: code flow, PKCE S256, rotated refresh tokens."""

import re
from functools import cached_property
from typing import Any, Final
from urllib.parse import urlsplit

import grpc
from authlib.common.urls import add_params_to_uri
from authlib.integrations.flask_oauth2 import AuthorizationServer
from authlib.integrations.flask_oauth2.requests import FlaskOAuth2Payload, FlaskOAuth2Request
from authlib.oauth2 import OAuth2Error
from authlib.oauth2.rfc6749 import (
    InvalidClientError,
    InvalidGrantError,
    InvalidRequestError,
    InvalidScopeError,
    OAuth2Request,
)
from authlib.oauth2.rfc6749.grants import AuthorizationCodeGrant, RefreshTokenGrant
from authlib.oidc.rpinitiated import EndSessionEndpoint
from flask import Flask, current_app
from flask import request as flask_request
from joserfc.jwk import KeySet

from chassis.grpc_client import RemoteError
from espacecitoyen.identite.v1 import oidc_service_pb2 as pb
from passerelle import clients
from passerelle.oidc import preuve
from passerelle.oidc.parties import Partie, Parties

# Status, body and headers, as Authlib passes them on.
Reponse = tuple[int, dict[str, Any], list[tuple[str, str]]]

PROMPTS: Final = frozenset({"none", "login", "consent", "select_account"})
_DEFI: Final = re.compile(r"[A-Za-z0-9_-]{43}")
_TEXTE_MAX: Final = 512
_AGE: Final = re.compile(r"[0-9]{0,9}")
_SANS_CACHE: Final = [
    ("Content-Type", "application/json"),
    ("Cache-Control", "no-store"),
    ("Pragma", "no-cache"),
]


class RequestNotSupportedError(OAuth2Error):  # type: ignore[misc]  # Authlib ships no types
    """Request objects are not read."""

    error = "request_not_supported"


class TemporarilyUnavailableError(OAuth2Error):  # type: ignore[misc]
    """identite does not answer."""

    error = "temporarily_unavailable"
    status_code = 503


class UnauthorizedAskerError(OAuth2Error):  # type: ignore[misc]
    """The client may not ask this."""

    error = "unauthorized_client"
    status_code = 403


class Charge(FlaskOAuth2Payload):  # type: ignore[misc]
    """The parameters of a request, put together once instead of at each question."""

    @cached_property
    def data(self) -> Any:
        """Query and form."""
        return self._request.values


class Requete(FlaskOAuth2Request):  # type: ignore[misc]
    """A request; whether TLS is needed is the public address's matter, not each URL's."""

    def __init__(self) -> None:
        OAuth2Request.__init__(
            self,
            method=flask_request.method,
            uri=urlsplit(flask_request.url)._replace(scheme="https").geturl(),
            headers=flask_request.headers,
        )
        self._request = flask_request
        self.payload = Charge(flask_request)


class CodeGrant(AuthorizationCodeGrant):  # type: ignore[misc]
    """The code flow, whose rules of the request are here and whose codes are identite's."""

    @staticmethod
    def validate_authorization_redirect_uri(request: OAuth2Request, client: Partie) -> str:
        """Accept a registered address, and never repeat another one."""
        redirection: str = request.payload.redirect_uri or ""
        if not client.check_redirect_uri(redirection):
            raise InvalidRequestError("The redirect_uri is not registered.")
        return redirection

    def validate_authorization_request(self) -> str:
        """Judge a request; errors after the redirect_uri go back to the client."""
        redirection: str = super().validate_authorization_request()
        try:
            _juger(self.request.payload)
        except OAuth2Error as error:
            error.redirect_uri = redirection
            raise
        return redirection

    def validate_token_request(self) -> None:
        """See that what identite needs is there."""
        for nom in ("code", "redirect_uri", "code_verifier"):
            if not self.request.form.get(nom):
                raise InvalidRequestError(f"Missing '{nom}' in request.")

    def create_token_response(self) -> Reponse:
        """Exchange the code."""
        donnees = self.request.form
        reponse: Reponse = self.server.obtenir(
            pb.ObtenirJetonsOidcRequest(
                preuve=preuve.lire(self.server.parties),
                code=pb.CodeOidc(
                    code=donnees["code"],
                    redirection=donnees["redirect_uri"],
                    verificateur=donnees["code_verifier"],
                ),
            )
        )
        return reponse


class RenouvellementGrant(RefreshTokenGrant):  # type: ignore[misc]
    """Refresh tokens, which turn at each use."""

    def validate_token_request(self) -> None:
        """See that what identite needs is there."""
        if not self.request.form.get("refresh_token"):
            raise InvalidRequestError("Missing 'refresh_token' in request.")

    def create_token_response(self) -> Reponse:
        """Turn the refresh token."""
        donnees = self.request.form
        reponse: Reponse = self.server.obtenir(
            pb.ObtenirJetonsOidcRequest(
                preuve=preuve.lire(self.server.parties),
                renouvellement=pb.RenouvellementOidc(
                    jeton=donnees["refresh_token"], portees=donnees.get("scope", "").split()
                ),
            )
        )
        return reponse


class FinDeSession(EndSessionEndpoint):  # type: ignore[misc]
    """RP-initiated log-out: Authlib judges the request, the page does the rest."""

    def get_server_jwks(self) -> KeySet:
        """Give the keys that signed the ID token."""
        return KeySet.import_key_set(current_app.json.loads(cles()))

    def end_session(self, end_session_request: object) -> None:
        """The page ends the session."""


class Serveur(AuthorizationServer):  # type: ignore[misc]
    """The authorization server of the application."""

    def __init__(self) -> None:
        self.parties = Parties()
        super().__init__(query_client=self.parties)
        self.register_grant(CodeGrant)
        self.register_grant(RenouvellementGrant)
        self.register_endpoint(FinDeSession)

    def create_oauth2_request(self, request: object) -> Requete:
        """Read the current request."""
        del request
        return Requete()

    def obtenir(self, demande: pb.ObtenirJetonsOidcRequest) -> Reponse:
        """Ask identite for tokens. Raises: OAuth2Error as RFC 6749 5.2 names it."""
        services = clients.current()
        try:
            jetons: pb.ObtenirJetonsOidcResponse = services.oidc.call(
                lambda s: s.ObtenirJetonsOidc, demande, token=services.anonymous_token()
            )
        except RemoteError as error:
            raise en_oauth(error) from error
        corps = {
            "access_token": jetons.jeton_acces,
            "token_type": "Bearer",
            "expires_in": jetons.duree_s,
            "refresh_token": jetons.jeton_renouvellement,
            "id_token": jetons.jeton_identite,
            "scope": " ".join(jetons.portees),
        }
        return 200, corps, _SANS_CACHE

    def refuser(self, error: OAuth2Error) -> Any:
        """Answer a machine's request with an error."""
        return self.handle_error_response(None, error)


def courant(app: Flask | None = None) -> Serveur:
    """Return the server of the running application."""
    trouve: Serveur = (app or current_app).extensions["oidc"]
    return trouve


def cles() -> str:
    """Return the JSON Web Key Set, as identite publishes it."""
    services = clients.current()
    reponse: pb.GetClesOidcResponse = services.oidc.call(
        lambda s: s.GetClesOidc, pb.GetClesOidcRequest(), token=services.anonymous_token()
    )
    return reponse.jwks


def en_oauth(error: RemoteError) -> OAuth2Error:
    """Give the protocol's error for a refusal of identite's."""
    if error.reason == "CLIENT_NON_AUTHENTIFIE":
        return InvalidClientError(status_code=401)
    if error.reason == "AUTORISATION_INVALIDE":
        return InvalidGrantError("The code or the token is invalid, ended or used.")
    if error.reason == "PORTEE_REFUSEE":
        return InvalidScopeError()
    if error.reason == "CLIENT_NON_HABILITE":
        return UnauthorizedAskerError()
    if error.code in {grpc.StatusCode.INVALID_ARGUMENT, grpc.StatusCode.FAILED_PRECONDITION}:
        return InvalidRequestError()
    return TemporarilyUnavailableError()


def retour(adresse: str, **parametres: str) -> str:
    """Give an address of a client with what it is told, and who tells it (RFC 9207)."""
    dits = {nom: valeur for nom, valeur in parametres.items() if valeur}
    return str(add_params_to_uri(adresse, list({**dits, "iss": emetteur()}.items())))


def emetteur() -> str:
    """Return the issuer: the origin that people type."""
    return str(current_app.extensions["config"].url_publique).rstrip("/")


def _juger(donnees: Any) -> None:
    """Judge the parameters that Authlib leaves to us.

    Raises: OAuth2Error.
    """
    for nom in ("code_challenge", "code_challenge_method", "nonce", "prompt", "max_age"):
        if len(donnees.datalist.get(nom, ())) > 1:
            raise InvalidRequestError(f"Multiple '{nom}' in request.")
    lues = donnees.data
    if "request" in lues or "request_uri" in lues:
        raise RequestNotSupportedError
    if lues.get("response_mode", "query") != "query":
        raise InvalidRequestError("Only response_mode=query is supported.")
    defi = lues.get("code_challenge", "")
    if lues.get("code_challenge_method") != "S256" or not _DEFI.fullmatch(defi):
        raise InvalidRequestError("PKCE with code_challenge_method=S256 is required.")
    _juger_valeurs(lues)


def _juger_valeurs(lues: Any) -> None:
    if any(len(lues.get(nom, "")) > _TEXTE_MAX for nom in ("nonce", "state")):
        raise InvalidRequestError("The nonce or the state is too long.")
    prompts = lues.get("prompt", "").split()
    if set(prompts) - PROMPTS or ("none" in prompts and len(prompts) > 1):
        raise InvalidRequestError("Invalid 'prompt' parameter.")
    if not _AGE.fullmatch(lues.get("max_age", "")):
        raise InvalidRequestError("Invalid 'max_age' parameter.")
