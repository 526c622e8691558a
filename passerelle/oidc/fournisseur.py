"""The upstream provider, as a generic OpenID client sees it: found by discovery, verified."""

import json
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import requests
from authlib.integrations.base_client import OAuthError
from authlib.integrations.requests_client import OAuth2Session
from authlib.oauth2.rfc7523 import PrivateKeyJWT
from authlib.oidc.core.util import create_half_hash
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet, import_key
from joserfc.jws import JWSRegistry

from passerelle.config import Config

_ATTENTE_S: Final = 5.0
# Never a shared secret, never "none": the provider signs, we verify.
_ALGORITHMES: Final = ("ES256", "ES384", "ES512", "RS256", "PS256", "EdDSA")
_MARGE_S: Final = 60
_FRAICHEUR_S: Final = 3600.0


class FournisseurRefuse(Exception):
    """The provider did not answer, or what it answered cannot be believed."""


@dataclass(frozen=True, kw_only=True)
class Identite:
    """Whom the provider says this is, once everything it said was verified."""

    sujet: str
    courriel: str
    courriel_verifie: bool
    # To log out there.
    jeton: str


@dataclass
class Fournisseur:
    """One provider; its settings are those of `Config`."""

    config: Config
    retour: str
    _verrou: threading.Lock = field(default_factory=threading.Lock)
    _lu: tuple[dict[str, Any], float] | None = None
    _cles: KeySet | None = None

    @property
    def emetteur(self) -> str:
        """Its issuer, as the settings say; nobody else's word is taken."""
        return self.config.amont_emetteur

    def depart(self, *, etat: str, nonce: str, verificateur: str) -> str:
        """Give the address where the person logs in. Raises: FournisseurRefuse."""
        parametres = {"nonce": nonce}
        if self.config.amont_acr:
            parametres["acr_values"] = " ".join(self.config.amont_acr)
        with self._session() as client:
            adresse, _ = client.create_authorization_url(
                self.metadonnees()["authorization_endpoint"],
                state=etat,
                code_verifier=verificateur,
                **parametres,
            )
        return str(adresse)

    def arrivee(self, *, code: str, emetteur: str, nonce: str, verificateur: str) -> Identite:
        """Exchange a code and verify whom it names.

        Args:
            code: as it came back.
            emetteur: the `iss` that came back with it, empty without one (RFC 9207).
            nonce: what we asked with.
            verificateur: of PKCE.

        Raises:
            FournisseurRefuse: whatever is wrong.
        """
        lues = self.metadonnees()
        promis = lues.get("authorization_response_iss_parameter_supported", False)
        if emetteur != self.emetteur and (emetteur or promis):
            raise FournisseurRefuse("another provider answered")
        try:
            with self._session() as client:
                jetons = client.fetch_token(
                    lues["token_endpoint"],
                    grant_type="authorization_code",
                    code=code,
                    code_verifier=verificateur,
                    timeout=_ATTENTE_S,
                )
                dit = self._lire(jetons, nonce)
                if "email" not in dit and "userinfo_endpoint" in lues:
                    infos = client.get(lues["userinfo_endpoint"], timeout=_ATTENTE_S).json()
                    if infos.get("sub") != dit["sub"]:
                        raise FournisseurRefuse("the claims are somebody else's")
                    dit = {**infos, **dit}
        except (OAuthError, requests.RequestException, ValueError, KeyError, TypeError) as error:
            raise FournisseurRefuse(type(error).__name__) from error
        return self._identite(dit, str(jetons["id_token"]))

    def sortie(self, jeton: str, retour: str) -> str:
        """Give the address that ends the session there, empty when it has none."""
        try:
            adresse = self.metadonnees().get("end_session_endpoint", "")
        except FournisseurRefuse:
            return ""
        if not adresse:
            return ""
        demande = requests.Request(
            "GET",
            adresse,
            params={
                "id_token_hint": jeton,
                "client_id": self.config.amont_client_id,
                "post_logout_redirect_uri": retour,
            },
        )
        return str(demande.prepare().url)

    def metadonnees(self) -> dict[str, Any]:
        """Give what the provider publishes, read again each hour. Raises: FournisseurRefuse."""
        with self._verrou:
            lu = self._lu
        if lu is not None and time.monotonic() - lu[1] < _FRAICHEUR_S:
            return lu[0]
        document = self._get(f"{self.emetteur.rstrip('/')}/.well-known/openid-configuration")
        if document.get("issuer") != self.emetteur:
            raise FournisseurRefuse("another provider's document")
        with self._verrou:
            self._lu, self._cles = (document, time.monotonic()), None
        return document

    def _lire(self, jetons: Mapping[str, Any], nonce: str) -> dict[str, Any]:
        """Verify an ID token (OpenID Connect Core 3.1.3.7). Raises: FournisseurRefuse."""
        try:
            lu = self._decoder(str(jetons["id_token"]))
            jwt.JWTClaimsRegistry(
                leeway=_MARGE_S,
                iss={"essential": True, "value": self.emetteur},
                aud={"essential": True, "value": self.config.amont_client_id},
                sub={"essential": True},
                exp={"essential": True},
                iat={"essential": True},
                nonce={"essential": True, "value": nonce},
            ).validate(lu.claims)
        except JoseError as error:
            raise FournisseurRefuse(error.error) from error
        dit = dict(lu.claims)
        attendu = create_half_hash(str(jetons["access_token"]), str(lu.header["alg"]))
        if "at_hash" in dit and attendu is not None and dit["at_hash"] != attendu.decode():
            raise FournisseurRefuse("the access token is not the one that was signed")
        plusieurs = isinstance(dit["aud"], list) and len(dit["aud"]) > 1
        if plusieurs and dit.get("azp") != self.config.amont_client_id:
            raise FournisseurRefuse("the token is for somebody else")
        if self.config.amont_acr and dit.get("acr") not in self.config.amont_acr:
            raise FournisseurRefuse("the assurance is too low")
        return dit

    def _decoder(self, jeton: str) -> jwt.Token:
        """Verify a signature; a key that is not known yet has the keys read again, once."""
        registre = JWSRegistry(algorithms=list(_ALGORITHMES))
        if self._cles is not None:
            try:
                return jwt.decode(jeton, self._cles, registry=registre)
            except (JoseError, ValueError):
                self._cles = None
        document: Any = self._get(self.metadonnees()["jwks_uri"])
        cles = KeySet.import_key_set(document)
        lu = jwt.decode(jeton, cles, registry=registre)
        self._cles = cles
        return lu

    def _identite(self, dit: Mapping[str, Any], jeton: str) -> Identite:
        noms = self.config.amont_revendications
        courriel = dit.get(noms.get("courriel", "email"), "")
        verifie = dit.get(noms.get("courriel_verifie", "email_verified"), False)
        return Identite(
            sujet=str(dit[noms.get("sujet", "sub")]),
            courriel=courriel if isinstance(courriel, str) else "",
            courriel_verifie=verifie is True,
            jeton=jeton,
        )

    def _session(self) -> OAuth2Session:
        config = self.config
        client = OAuth2Session(
            client_id=config.amont_client_id,
            client_secret=config.amont_secret or None,
            scope=" ".join(config.amont_portees),
            redirect_uri=self.retour,
            code_challenge_method="S256",
            token_endpoint_auth_method="client_secret_basic",  # noqa: S106 - a name
        )
        # The address is a setting's: no proxy and no password file of the machine has a say.
        client.trust_env = False
        if config.amont_cle:
            client.client_secret = import_key(json.loads(config.amont_cle))
            client.token_endpoint_auth_method = "private_key_jwt"  # noqa: S105 - a name
            client.register_client_auth_method(PrivateKeyJWT(alg=_algorithme(config.amont_cle)))
        return client

    def _get(self, adresse: str) -> dict[str, Any]:
        try:
            with requests.Session() as client:
                client.trust_env = False
                reponse = client.get(adresse, timeout=_ATTENTE_S, allow_redirects=False)
                reponse.raise_for_status()
                document = reponse.json()
        except (requests.RequestException, ValueError) as error:
            raise FournisseurRefuse(type(error).__name__) from error
        if not isinstance(document, dict):
            raise FournisseurRefuse("no document")
        return document


def _algorithme(cle: str) -> str:
    return "ES256" if json.loads(cle).get("kty") == "EC" else "RS256"
