"""Builders of OpenID Connect: clients, code requests, proofs, and a client's whole log-in."""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from joserfc import jwt
from joserfc.jwk import KeySet

from chassis.grpc_client import RemoteError
from espacecitoyen.identite.v1 import oidc_service_pb2 as pb
from tests.kit.identite import Identite
from tests.kit.identity import token

RETOUR = "https://loisirs.exemple.ca/retour"
PORTEES = ("openid", "profile", "email", "phone", "address", "offline_access")


def un_client(**champs: Any) -> pb.ClientOidc:
    """What staff type about the recreation system, changed by ``champs``."""
    valeurs: dict[str, Any] = {
        "nom_fr": "Loisirs en ligne",
        "nom_en": "Recreation online",
        "redirections": [RETOUR],
        "redirections_fin": ["https://loisirs.exemple.ca/adieu"],
        "deconnexion_url": "https://loisirs.exemple.ca/oidc/fin",
        "methode": "client_secret_basic",
        "portees": PORTEES,
        "algorithme": "ES256",
    }
    return pb.ClientOidc(**(valeurs | champs))


def un_defi() -> tuple[str, str]:
    """A PKCE verifier and its S256 challenge."""
    verificateur = secrets.token_urlsafe(48)
    digest = hashlib.sha256(verificateur.encode()).digest()
    return verificateur, base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


@dataclass
class Partie:
    """A registered client, as its owner sees it, talking to identite."""

    identite: Identite
    client_id: str
    secret: str
    methode: str

    def preuve(self, **champs: Any) -> pb.PreuveClient:
        """The proof that the client sends, changed by ``champs``."""
        valeurs = {"client_id": self.client_id, "methode": self.methode, "secret": self.secret}
        return pb.PreuveClient(**(valeurs | champs))

    def code(self, jeton: str, **champs: Any) -> tuple[str, str]:
        """A code for the person of ``jeton``, who agrees; gives it with its verifier."""
        verificateur, defi = un_defi()
        valeurs: dict[str, Any] = {
            "client_id": self.client_id,
            "redirection": RETOUR,
            "portees": ["openid", "profile", "email"],
            "nonce": "n-0S6",
            "defi": defi,
            "consenti": True,
            "age_max_s": -1,
        }
        reponse = self.identite.appeler(
            "OuvrirAutorisationOidc",
            pb.OuvrirAutorisationOidcRequest(**(valeurs | champs)),
            jeton=jeton,
        )
        return str(reponse.code), verificateur

    def demande(self, code: str, verificateur: str, **preuve: Any) -> pb.ObtenirJetonsOidcRequest:
        """The exchange of a code."""
        return pb.ObtenirJetonsOidcRequest(
            preuve=self.preuve(**preuve),
            code=pb.CodeOidc(code=code, redirection=RETOUR, verificateur=verificateur),
        )

    def echanger(self, code: str, verificateur: str) -> pb.ObtenirJetonsOidcResponse:
        """Exchange a code."""
        reponse: pb.ObtenirJetonsOidcResponse = self.identite.appeler(
            "ObtenirJetonsOidc", self.demande(code, verificateur)
        )
        return reponse

    def connecter(self, jeton: str, **champs: Any) -> pb.ObtenirJetonsOidcResponse:
        """Log the person of ``jeton`` in; gives the tokens."""
        return self.echanger(*self.code(jeton, **champs))

    def renouvellement(self, jeton: str, *portees: str) -> pb.ObtenirJetonsOidcRequest:
        """The turn of a refresh token."""
        return pb.ObtenirJetonsOidcRequest(
            preuve=self.preuve(),
            renouvellement=pb.RenouvellementOidc(jeton=jeton, portees=portees),
        )

    def renouveler(self, jeton: str, *portees: str) -> pb.ObtenirJetonsOidcResponse:
        """Turn a refresh token."""
        reponse: pb.ObtenirJetonsOidcResponse = self.identite.appeler(
            "ObtenirJetonsOidc", self.renouvellement(jeton, *portees)
        )
        return reponse

    def etat(self, jeton: str) -> dict[str, Any]:
        """What introspection says of a token."""
        reponse = self.identite.appeler(
            "VerifierJetonOidc", pb.VerifierJetonOidcRequest(preuve=self.preuve(), jeton=jeton)
        )
        return dict(json.loads(reponse.etat))

    def infos(self, jeton: str) -> dict[str, Any]:
        """The claims that an access token opens."""
        reponse = self.identite.appeler("GetInfosOidc", pb.GetInfosOidcRequest(jeton_acces=jeton))
        return dict(json.loads(reponse.revendications))

    def refus_infos(self, jeton: str) -> RemoteError:
        """The refusal of an access token."""
        return self.identite.refus("GetInfosOidc", pb.GetInfosOidcRequest(jeton_acces=jeton))


def inscrire(identite: Identite, **champs: Any) -> Partie:
    """Register a client as an administrator does."""
    client = un_client(**champs)
    reponse = identite.appeler(
        "EnregistrerClientOidc",
        pb.EnregistrerClientOidcRequest(request_id=str(uuid4()), client=client),
        jeton=token(str(uuid4()), "admin"),
    )
    return Partie(identite, reponse.client_id, reponse.secret, client.methode)


def une_personne(identite: Identite, **champs: Any) -> tuple[str, str]:
    """An active account with an open session; gives the gateway's token and the session's."""
    compte = identite.un_compte(**champs)
    ouverte = identite.ouvrir(identifiant=champs.get("courriel", "zoe.tremblay@exemple.ca"))
    session = identite.verifier(ouverte.jeton_session).session_id
    return token(compte, "citoyen", session=session), ouverte.jeton_session


def lire_jeton(identite: Identite, jeton: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Header and claims of a signed token, verified with the published keys."""
    cles = json.loads(identite.appeler("GetClesOidc", pb.GetClesOidcRequest()).jwks)
    lu = jwt.decode(jeton, KeySet.import_key_set(cles), algorithms=["ES256", "RS256"])
    return dict(lu.header), dict(lu.claims)
