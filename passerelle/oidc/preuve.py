"""How the client of the current request says who it is (RFC 6749 2.3, RFC 7523, RFC 8705).

A certificate is read from the header of the TLS terminator, and only when the connection comes
from that terminator itself: anybody can write a header.
"""

import base64
import binascii
from typing import Final
from urllib.parse import unquote

from authlib.oauth2.rfc6749 import InvalidClientError, InvalidRequestError
from authlib.oauth2.rfc6749.util import extract_basic_authorization
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from flask import current_app, request

from espacecitoyen.identite.v1 import oidc_service_pb2 as pb
from passerelle.config import Config
from passerelle.oidc.parties import Parties

_GENRE_ASSERTION: Final = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
_ORIGINE: Final = "werkzeug.proxy_fix.orig"


def lire(parties: Parties) -> pb.PreuveClient:
    """Read the proof of the current request; identite judges it.

    Raises:
        InvalidRequestError: it proves itself in two ways.
        InvalidClientError: it does not say who it is.
    """
    donnees = request.form
    identifiant, secret = _basic()
    genre = donnees.get("client_assertion_type", "")
    facons = [
        bool(identifiant),
        "client_secret" in donnees,
        bool(genre or "client_assertion" in donnees),
    ]
    if sum(facons) > 1 or (identifiant and donnees.get("client_id", identifiant) != identifiant):
        raise InvalidRequestError("The client proves itself in more than one way.")
    if identifiant:
        return pb.PreuveClient(client_id=identifiant, methode="client_secret_basic", secret=secret)
    if "client_secret" in donnees:
        return pb.PreuveClient(
            client_id=donnees.get("client_id", ""),
            methode="client_secret_post",
            secret=donnees["client_secret"],
        )
    if genre:
        return _assertion(genre)
    return _sans_secret(parties)


def certificat() -> bytes:
    """Return the DER of the client's certificate, empty when the terminator gave none."""
    config: Config = current_app.extensions["config"]
    origine = request.environ.get(_ORIGINE, {}).get("REMOTE_ADDR", request.remote_addr)
    if not config.certificat_entete or origine not in config.certificat_mandataires:
        return b""
    return _der(request.headers.get(config.certificat_entete, ""))


def _basic() -> tuple[str, str]:
    try:
        identifiant, secret = extract_basic_authorization(request.headers)
    except ValueError as error:
        raise InvalidClientError(status_code=401) from error
    return identifiant or "", secret or ""


def _assertion(genre: str) -> pb.PreuveClient:
    assertion = request.form.get("client_assertion", "")
    if genre != _GENRE_ASSERTION or not assertion:
        raise InvalidClientError(status_code=401)
    return pb.PreuveClient(
        client_id=request.form.get("client_id", "") or _auteur(assertion),
        methode="private_key_jwt",
        assertion=assertion,
    )


def _auteur(assertion: str) -> str:
    """Read whom an assertion names; identite then verifies it with that client's keys."""
    try:
        corps = assertion.split(".")[1]
        dit = current_app.json.loads(base64.urlsafe_b64decode(corps + "=" * (-len(corps) % 4)))
        return str(dit["sub"])
    except (ValueError, IndexError, KeyError, TypeError, binascii.Error) as error:
        raise InvalidClientError(status_code=401) from error


def _sans_secret(parties: Parties) -> pb.PreuveClient:
    """A public client, or one whose certificate says who it is."""
    client_id = request.form.get("client_id", "")
    partie = parties(client_id)
    if partie is None:
        raise InvalidClientError(status_code=401)
    methode = partie.client.methode
    if methode in {"tls_client_auth", "self_signed_tls_client_auth"}:
        return pb.PreuveClient(client_id=client_id, methode=methode, certificat=certificat())
    return pb.PreuveClient(client_id=client_id, methode="none")


def _der(entete: str) -> bytes:
    """Read RFC 9440's `:base64:`, or the percent-encoded PEM that nginx and Apache write."""
    try:
        if entete.startswith(":") and entete.endswith(":"):
            der = base64.b64decode(entete[1:-1], validate=True)
            return x509.load_der_x509_certificate(der).public_bytes(Encoding.DER)
        pem = unquote(entete).encode()
        return x509.load_pem_x509_certificate(pem).public_bytes(Encoding.DER) if pem else b""
    except (ValueError, binascii.Error):
        return b""
