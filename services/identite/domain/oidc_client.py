"""Relying parties: what staff register, and what a request may use of it (IDN-19)."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final, NamedTuple
from urllib.parse import urlsplit

from services.identite.domain.erreurs import DonneesInvalides

OPENID: Final = "openid"
HORS_LIGNE: Final = "offline_access"
PORTEES: Final = (OPENID, "profile", "email", "phone", "address", HORS_LIGNE)
ALGORITHMES: Final = ("ES256", "RS256")
# With a secret that we draw, with a key or a certificate of the client's, or with nothing.
METHODES_SECRET: Final = frozenset({"client_secret_basic", "client_secret_post"})
METHODE_CLE: Final = "private_key_jwt"
METHODE_AUTORITE: Final = "tls_client_auth"
METHODE_CERTIFICAT: Final = "self_signed_tls_client_auth"
METHODE_PUBLIQUE: Final = "none"
METHODES: Final = METHODES_SECRET | {
    METHODE_CLE,
    METHODE_AUTORITE,
    METHODE_CERTIFICAT,
    METHODE_PUBLIQUE,
}

_URI_MAX: Final = 2000
_NOM_MAX: Final = 80
_URIS_MAX: Final = 10
_CLES_MAX: Final = 10
_BOUCLE: Final = frozenset({"127.0.0.1", "::1", "localhost"})


class ClientInconnu(Exception):
    """No client bears this identifier, or it is disabled."""


class ClientNonAuthentifie(Exception):
    """The client did not prove who it is."""


class ClientNonHabilite(Exception):
    """The client may not do this, whoever it is."""


class RedirectionRefusee(Exception):
    """The address to go back to is not one that the client registered."""


class PorteeRefusee(Exception):
    """The client asks for more than it may, or for nothing that is OpenID."""


@dataclass(frozen=True, kw_only=True)
class ClientOidc:
    """A relying party, as staff registered it."""

    client_id: str
    nom_fr: str
    nom_en: str
    redirections: tuple[str, ...]
    redirections_fin: tuple[str, ...] = ()
    deconnexion_url: str = ""
    methode: str
    portees: tuple[str, ...]
    algorithme: str = ALGORITHMES[0]
    premiere_main: bool = False
    ressource: bool = False
    jwks: str = ""
    tls_sujet: str = ""
    secret_empreinte: bytes | None = None
    desactive: bool = False
    cree_le: datetime | None = None

    @property
    def secteur(self) -> str:
        """What its subjects belong to: clients of one host see the same ones, others do not."""
        return urlsplit(self.redirections[0]).netloc.lower()

    def exiger_actif(self) -> None:
        """Refuse a disabled client as an unknown one. Raises: ClientInconnu."""
        if self.desactive:
            raise ClientInconnu

    def exiger_redirection(self, redirection: str) -> None:
        """Accept a registered address only, character by character. Raises: RedirectionRefusee."""
        if redirection not in self.redirections:
            raise RedirectionRefusee

    def portees_permises(self, demandees: Iterable[str]) -> tuple[str, ...]:
        """Give the scopes of a request in our order.

        Raises: PorteeRefusee for an unknown one, one that is not the client's, or without openid.
        """
        voulues = frozenset(demandees)
        if OPENID not in voulues or voulues - frozenset(self.portees):
            raise PorteeRefusee
        return tuple(portee for portee in PORTEES if portee in voulues)


class Preuve(NamedTuple):
    """What a client sent to prove who it is."""

    client_id: str
    methode: str
    secret: str = ""
    assertion: str = ""
    certificat: bytes = b""


def juger_client(client: ClientOidc) -> ClientOidc:
    """Judge what staff typed about a client, and give it in its stored form.

    Raises: DonneesInvalides with a reason per field.
    """
    fautes: dict[str, str] = {}
    for champ, nom in (("nom_fr", client.nom_fr), ("nom_en", client.nom_en)):
        if not nom.strip():
            fautes[champ] = "CHAMP_REQUIS"
        elif len(nom) > _NOM_MAX or not nom.isprintable():
            fautes[champ] = "TROP_LONG" if len(nom) > _NOM_MAX else "CARACTERE_INVALIDE"
    _juger_adresses(client, fautes)
    _juger_methode(client, fautes)
    if client.algorithme not in ALGORITHMES:
        fautes["algorithme"] = "ALGORITHME_INCONNU"
    if OPENID not in client.portees or frozenset(client.portees) - frozenset(PORTEES):
        fautes["portees"] = "PORTEE_INCONNUE"
    if fautes:
        raise DonneesInvalides(fautes)
    return client


def _juger_methode(client: ClientOidc, fautes: dict[str, str]) -> None:
    """What a method proves with has to be there; a resource server has to prove itself."""
    if client.methode not in METHODES:
        fautes["methode"] = "METHODE_INCONNUE"
    if client.methode in {METHODE_CLE, METHODE_CERTIFICAT} and not cles_lisibles(client.jwks):
        fautes["jwks"] = "CLES_ILLISIBLES"
    if client.methode == METHODE_AUTORITE and not client.tls_sujet.strip():
        fautes["tls_sujet"] = "CHAMP_REQUIS"
    if client.methode == METHODE_PUBLIQUE and client.ressource:
        fautes["ressource"] = "METHODE_INCONNUE"


def cles_lisibles(jwks: str) -> bool:
    """Tell whether a text is a JSON Web Key Set of public keys."""
    try:
        cles = json.loads(jwks)["keys"]
    except (ValueError, KeyError, TypeError):
        return False
    return (
        isinstance(cles, list)
        and 0 < len(cles) <= _CLES_MAX
        and all(isinstance(cle, dict) and "kty" in cle and "d" not in cle for cle in cles)
    )


def _juger_adresses(client: ClientOidc, fautes: dict[str, str]) -> None:
    fin = (client.deconnexion_url,) if client.deconnexion_url else ()
    if not client.redirections:
        fautes["redirections"] = "CHAMP_REQUIS"
    champs = {
        "redirections": client.redirections,
        "redirections_fin": client.redirections_fin,
        "deconnexion_url": fin,
    }
    for champ, adresses in champs.items():
        if len(adresses) > _URIS_MAX:
            fautes[champ] = "TROP_LONG"
        elif not all(adresse_sure(adresse) for adresse in adresses):
            fautes[champ] = "REDIRECTION_REFUSEE"


def adresse_sure(adresse: str) -> bool:
    """Accept https anywhere and http on the loopback; no fragment, user name or joker."""
    if len(adresse) > _URI_MAX or not adresse.isascii() or not adresse.isprintable():
        return False
    if set(adresse) & set(' "<>\\^`{}|*#'):
        return False
    try:
        parties = urlsplit(adresse)
        hote, _port = parties.hostname or "", parties.port
    except ValueError:
        return False
    if not hote or "@" in parties.netloc:
        return False
    return parties.scheme == "https" or (parties.scheme == "http" and hote in _BOUCLE)
