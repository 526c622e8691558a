"""Google Wallet: the save link, a signed JWT that holds the whole card (cartes.md 4.1).

Google learns of a card only when its holder taps the link: nothing is created by REST before, so
the class and the object travel in the link itself, compact enough for the 1,800 characters that
browsers carry.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from jwt.api_jws import PyJWS

from services.cartes.adapters import textes_passe as textes
from services.cartes.domain import Passe, PortefeuilleNonOffert, grouper_numero

BASE = "https://pay.google.com/gp/v/save/"
LONGUEUR_MAX = 1800
"""Browsers truncate a longer link."""
OCTETS_NOM_MIN = 24
"""A holder's name is shortened to no less, with « … » at its end."""


class CompteRefuse(ValueError):
    """The service account's file cannot be used; the message says why."""


class LienTropLong(Exception):
    """Browsers would cut the link: a fault of the settings, for long names are shortened."""


@dataclass(frozen=True)
class CompteGoogle:
    """A service account of the issuer, its key loaded."""

    courriel: str
    cle_id: str
    cle: RSAPrivateKey


def charger_compte(chemin: Path) -> CompteGoogle:
    """Read the JSON file that Google's console gives. Raises: CompteRefuse."""
    try:
        lu = json.loads(chemin.read_bytes())
        cle = load_pem_private_key(lu["private_key"].encode(), password=None)
        compte = CompteGoogle(lu["client_email"], lu["private_key_id"], _rsa(cle))
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise CompteRefuse(f"{chemin}: not a service account ({type(error).__name__})") from error
    return compte


def _rsa(cle: object) -> RSAPrivateKey:
    if not isinstance(cle, RSAPrivateKey):
        raise TypeError
    return cle


class PortefeuilleGoogle:
    """Makes save links; one per process, used by all its threads."""

    def __init__(
        self,
        compte: CompteGoogle,
        *,
        emetteur: str,
        ville_nom: str,
        couleur_fond: str,
        origines: Sequence[str],
    ) -> None:
        """Prepare what all links share.

        `emetteur` is the issuer's number; `origines` are the sites that may show the button.
        """
        self._compte = compte
        self._jws = PyJWS()
        self._entetes = {"typ": "JWT", "kid": compte.cle_id}
        # What a link weighs without its content, and so how many bytes of content it may carry:
        # base64 makes four characters of three bytes.
        vide = len(BASE) + len(self._signer(b""))
        self._octets_max = (LONGUEUR_MAX - 1 - vide) * 3 // 4
        self._classe = f"{emetteur}.carte-citoyen"
        self._emetteur = emetteur
        self._revendications = {
            "iss": compte.courriel,
            "aud": "google",
            "typ": "savetowallet",
            "origins": list(origines),
        }
        self._commun = {
            "classId": self._classe,
            "state": "ACTIVE",
            "cardTitle": _texte(ville_nom),
            "subheader": _texte(textes.DESCRIPTION),
            "hexBackgroundColor": couleur_fond,
        }

    def lien(self, passe: Passe, maintenant: datetime) -> str:
        """Return the link. It is a bearer secret: never log it. Raises: LienTropLong."""
        nom = f"{passe.prenom} {passe.nom}"
        octets = self._charge(passe, nom, maintenant)
        if len(octets) > self._octets_max:
            nom = _abreger(nom, en_trop=len(octets) - self._octets_max)
            octets = self._charge(passe, nom, maintenant)
        lien = BASE + self._signer(octets)
        if len(lien) >= LONGUEUR_MAX:
            raise LienTropLong(f"{len(lien)} characters")
        return lien

    def _signer(self, octets: bytes) -> str:
        return self._jws.encode(octets, self._compte.cle, "RS256", self._entetes)

    def _charge(self, passe: Passe, nom: str, maintenant: datetime) -> bytes:
        charge = {
            **self._revendications,
            "iat": int(maintenant.timestamp()),
            "payload": {
                "genericClasses": [{"id": self._classe}],
                "genericObjects": [self._objet(passe, nom)],
            },
        }
        # UTF-8 and not \\u escapes: an accented name would cost three times its length.
        return json.dumps(charge, ensure_ascii=False, separators=(",", ":")).encode()

    def _objet(self, passe: Passe, nom: str) -> dict[str, Any]:
        return {
            **self._commun,
            "id": f"{self._emetteur}.{passe.serie}",
            "header": _texte(nom),
            "barcode": {
                "type": "QR_CODE",
                # The signed code would make the link longer than browsers accept: it needs an
                # object made by REST first.
                "value": passe.numero,
                "alternateText": grouper_numero(passe.numero),
            },
            "validTimeInterval": {"end": {"date": passe.expire_le.isoformat()}},
            "textModulesData": [
                {
                    "id": "echeance",
                    "header": textes.ECHEANCE,
                    "body": passe.expire_le.date().isoformat(),
                }
            ],
        }


class PortefeuilleGoogleAbsent:
    """A city that has no Google issuer account."""

    def lien(self, passe: Passe, maintenant: datetime) -> str:  # noqa: ARG002  (the port's signature)
        """Raise PortefeuilleNonOffert."""
        raise PortefeuilleNonOffert


def _texte(valeur: str) -> dict[str, Any]:
    return {"defaultValue": {"language": "fr", "value": valeur}}


def _abreger(nom: str, *, en_trop: int) -> str:
    """Return the name without its last `en_trop` bytes of UTF-8, nor half a letter."""
    octets = nom.encode()
    garde = max(len(octets) - en_trop - len("…".encode()), OCTETS_NOM_MIN)
    return octets[:garde].decode(errors="ignore").rstrip() + "…"
