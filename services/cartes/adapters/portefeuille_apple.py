"""Apple Wallet: a signed `.pkpass` (cartes.md 2), and the Null adapter of a city without one."""

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from typing import Any

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.hazmat.primitives.serialization.pkcs7 import (
    PKCS7Options,
    PKCS7SignatureBuilder,
)

from services.cartes.adapters import textes_passe as textes
from services.cartes.adapters.archive_passe import MembresFixes
from services.cartes.adapters.certificat_apple import CertificatPasse
from services.cartes.adapters.images_passe import rgb
from services.cartes.domain import Passe, PortefeuilleNonOffert, grouper_numero

# Both options are needed: without Binary, line ends of the manifest are rewritten before signing
# and the signature does not verify; without DetachedSignature, the manifest is copied into it.
_OPTIONS = (PKCS7Options.DetachedSignature, PKCS7Options.Binary)


class PortefeuilleApple:
    """Builds passes; one per process, used by all its threads (signing releases the GIL)."""

    def __init__(
        self,
        certificat: CertificatPasse,
        *,
        ville_nom: str,
        couleur_fond: str,
        couleur_texte: str,
        url_publique: str,
        images: Mapping[str, bytes],
        mise_a_jour: tuple[str, bytes] | None = None,
    ) -> None:
        """Prepare what all passes share.

        `images` maps file names to PNG bytes. `mise_a_jour` is the https base of the update web
        service and the key of the passes' tokens: a pass has both or neither.
        """
        self._certificat = certificat
        self._fixes = MembresFixes({**images, **textes.fichiers()})
        self._mise_a_jour = mise_a_jour
        self._url_publique = url_publique
        self._commun: dict[str, Any] = {
            "formatVersion": 1,
            "passTypeIdentifier": certificat.type_passe,
            "teamIdentifier": certificat.equipe,
            "organizationName": ville_nom,
            "description": textes.DESCRIPTION,
            "logoText": textes.DESCRIPTION,
            "backgroundColor": _couleur(couleur_fond),
            "foregroundColor": _couleur(couleur_texte),
            "labelColor": _couleur(couleur_texte),
            "sharingProhibited": True,
            "voided": False,
        }

    def construire(self, passe: Passe) -> bytes:
        """Return the `.pkpass` bytes."""
        pass_json = self.pass_json(passe)
        manifeste = self._fixes.manifeste(pass_json)
        return self._fixes.archive(
            (
                ("pass.json", pass_json),
                ("manifest.json", manifeste),
                ("signature", signer(manifeste, self._certificat)),
            )
        )

    def pass_json(self, passe: Passe) -> bytes:
        """Return pass.json, compact UTF-8."""
        contenu = {
            **self._commun,
            "serialNumber": passe.serie,
            "expirationDate": passe.expire_le.isoformat(),
            "barcodes": [
                {
                    "format": "PKBarcodeFormatQR",
                    "message": passe.code,
                    "messageEncoding": "iso-8859-1",
                    "altText": grouper_numero(passe.numero),
                }
            ],
            "generic": self._champs(passe),
        }
        if self._mise_a_jour is not None:
            contenu["webServiceURL"], cle = self._mise_a_jour
            contenu["authenticationToken"] = jeton_de_passe(passe.serie, cle)
        return json.dumps(contenu, ensure_ascii=False, separators=(",", ":")).encode()

    def _champs(self, passe: Passe) -> dict[str, Any]:
        echeance = {
            "key": "echeance",
            "label": textes.ECHEANCE,
            "value": passe.expire_le.isoformat(),
            "dateStyle": "PKDateStyleMedium",
            # The card's day is the city's, wherever the phone is.
            "ignoresTimeZone": True,
            # Without it a renewed card changes without a word to its holder.
            "changeMessage": textes.ECHEANCE_CHANGEE,
        }
        return {
            "headerFields": [_champ("categorie", textes.CATEGORIE, textes.RESIDENT)],
            "primaryFields": [_champ("nom", textes.TITULAIRE, f"{passe.prenom} {passe.nom}")],
            "secondaryFields": [echeance],
            "auxiliaryFields": [_champ("numero", textes.NUMERO, grouper_numero(passe.numero))],
            "backFields": [
                _champ("usage", textes.USAGE, textes.USAGE_TEXTE),
                _champ("espace", textes.ESPACE, self._url_publique),
            ],
        }


class PortefeuilleAppleAbsent:
    """A city that has no Pass Type ID certificate."""

    def construire(self, passe: Passe) -> bytes:  # noqa: ARG002  (the port's signature)
        """Raise PortefeuilleNonOffert."""
        raise PortefeuilleNonOffert


def signer(manifeste: bytes, certificat: CertificatPasse) -> bytes:
    """Return the CMS SignedData of a manifest: DER, detached, SHA-256, with both certificates.

    `set_data` comes first because it makes a builder without the certificates added before it.
    """
    constructeur = (
        PKCS7SignatureBuilder()
        .set_data(manifeste)
        .add_signer(certificat.feuille, certificat.cle, SHA256())
        .add_certificate(certificat.wwdr)
    )
    return constructeur.sign(Encoding.DER, _OPTIONS)


def jeton_de_passe(serie: str, cle: bytes) -> str:
    """Return the token by which a pass asks for its updates: 43 characters, for ever the same."""
    resume = hmac.digest(cle, serie.encode(), hashlib.sha256)
    return base64.urlsafe_b64encode(resume).rstrip(b"=").decode()


def _champ(cle: str, etiquette: str, valeur: str) -> dict[str, str]:
    return {"key": cle, "label": etiquette, "value": valeur}


def _couleur(couleur: str) -> str:
    return "rgb({}, {}, {})".format(*rgb(couleur))
