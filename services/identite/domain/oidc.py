"""OpenID Connect: log-ins at clients, codes, certificates and claims (IDN-19)."""

import base64
import hashlib
import hmac
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final, NamedTuple
from uuid import UUID

# RFC 7636 section 4: 43 to 128 unreserved characters; an S256 challenge has exactly 43.
_VERIFICATEUR: Final = re.compile(r"[A-Za-z0-9._~-]{43,128}")
_DEFI: Final = re.compile(r"[A-Za-z0-9_-]{43}")


class DefiInvalide(Exception):
    """The PKCE challenge is absent or is not one of S256."""


class AutorisationInvalide(Exception):
    """The code or the refresh token is unknown, ended, used, or another client's."""


class ConsentementRequis(Exception):
    """The person has not agreed to this yet."""


class ReconnexionRequise(Exception):
    """The log-in is older than the client accepts."""


class JetonAccesInvalide(Exception):
    """The access token opens nothing, or nothing any more."""


class BilletInvalide(Exception):
    """The pending link of an upstream identity is unknown, used or too old."""


class IdentiteDejaLiee(Exception):
    """The upstream identity belongs to another account, or this account has one already."""


@dataclass(frozen=True, kw_only=True)
class DureesOidc:
    """How long each thing lives; from the settings."""

    code: timedelta
    acces: timedelta
    identite: timedelta
    renouvellement: timedelta
    billet: timedelta
    # A key signs that long; it is published before, and after for the tokens that it signed.
    cle: timedelta
    cle_avance: timedelta
    cle_retrait: timedelta


@dataclass(frozen=True, kw_only=True)
class Autorisation:
    """One log-in of one person at one client, with the code that opened it."""

    id: UUID
    client_id: str
    compte_id: UUID
    sujet: str
    sid: str
    portees: tuple[str, ...]
    redirection: str
    nonce: str
    acr: str
    defi: str
    connecte_le: datetime
    code_expire_le: datetime
    code_utilise_le: datetime | None
    terminee_le: datetime | None
    # The session that it belongs to lives, or offline_access lets it outlive that session.
    vivante: bool

    def exiger_vivante(self) -> None:
        """Refuse what ended. Raises: AutorisationInvalide."""
        if self.terminee_le is not None or not self.vivante:
            raise AutorisationInvalide

    def exiger_code(self, *, redirection: str, verificateur: str, maintenant: datetime) -> None:
        """Check what a code was given for; that it serves once is the database's to say.

        Raises: AutorisationInvalide.
        """
        self.exiger_vivante()
        if self.redirection != redirection:
            raise AutorisationInvalide
        if maintenant >= self.code_expire_le or not verifier_defi(self.defi, verificateur):
            raise AutorisationInvalide


def exiger_defi(defi: str) -> None:
    """Accept an S256 challenge only. Raises: DefiInvalide."""
    if not _DEFI.fullmatch(defi):
        raise DefiInvalide


def verifier_defi(defi: str, verificateur: str) -> bool:
    """Tell whether a verifier answers its challenge (RFC 7636, S256)."""
    if not _VERIFICATEUR.fullmatch(verificateur):
        return False
    calcule = hashlib.sha256(verificateur.encode()).digest()
    return hmac.compare_digest(en_base64url(calcule), defi)


def en_base64url(octets: bytes) -> str:
    """Write bytes as JOSE does: base64url without padding."""
    return base64.urlsafe_b64encode(octets).rstrip(b"=").decode()


def empreinte_certificat(certificat: bytes) -> str:
    """Give the x5t#S256 of a DER certificate, "" without one (RFC 8705)."""
    return en_base64url(hashlib.sha256(certificat).digest()) if certificat else ""


def moitie(jeton: str) -> str:
    """Give the at_hash of an access token: both algorithms hash with SHA-256."""
    return en_base64url(hashlib.sha256(jeton.encode()).digest()[:16])


def connexion_assez_recente(
    connecte_le: datetime, *, age_max_s: int, pas_avant: datetime | None, maintenant: datetime
) -> bool:
    """Tell whether a log-in satisfies `max_age` and `prompt=login`; an age of -1 is no bound."""
    if pas_avant is not None and connecte_le < pas_avant:
        return False
    return age_max_s < 0 or maintenant - connecte_le <= timedelta(seconds=age_max_s)


# Claims


class Personne(NamedTuple):
    """What an account says of its owner, as far as scopes may open it."""

    courriel: str
    prenom: str
    nom: str
    nom_utilisateur: str | None
    date_naissance: date | None
    adresse_ligne: str
    adresse_ville: str
    adresse_code_postal: str
    telephone: str
    langue: str


def revendications(personne: Personne, portees: Iterable[str]) -> dict[str, object]:
    """Give the claims of the scopes (OpenID Connect Core 5.4); what is empty is left out."""
    voulues = frozenset(portees)
    tout: dict[str, dict[str, object]] = {
        "profile": {
            "name": f"{personne.prenom} {personne.nom}",
            "given_name": personne.prenom,
            "family_name": personne.nom,
            "preferred_username": personne.nom_utilisateur,
            "birthdate": personne.date_naissance.isoformat() if personne.date_naissance else None,
            "locale": f"{personne.langue}-CA",
        },
        # An account is opened by its mailbox's link (IDN-04).
        "email": {"email": personne.courriel, "email_verified": True},
        "phone": {
            "phone_number": personne.telephone,
            "phone_number_verified": False if personne.telephone else None,
        },
        "address": {"address": _adresse(personne)},
    }
    return {
        nom: valeur
        for portee, champs in tout.items()
        if portee in voulues
        for nom, valeur in champs.items()
        if valeur is not None and valeur != ""
    }


def _adresse(personne: Personne) -> dict[str, str] | None:
    if not personne.adresse_ligne:
        return None
    return {
        "street_address": personne.adresse_ligne,
        "locality": personne.adresse_ville,
        "postal_code": personne.adresse_code_postal,
        "country": "CA",
    }
