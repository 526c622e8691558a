"""Sample people, cards and requests, a pass certificate chain, and a document space in memory."""

from __future__ import annotations

import functools
import json
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from services.cartes.domain import (
    Carte,
    Demande,
    Passe,
    PieceIntrouvable,
    PieceRetenue,
    Regles,
    RolePiece,
    StockageIndisponible,
    Titulaire,
    ouvrir_demande,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

ZONE = ZoneInfo("America/Toronto")
MAINTENANT = datetime(2026, 3, 14, 15, 0, tzinfo=UTC)
TYPE_PASSE = "pass.ca.qc.sainte-therese.carte"
EQUIPE = "A1B2C3D4E5"
CLE_SCELLE = bytes(range(32))

SAISIE = {
    "prenom": "Émilie",
    "nom": "Tremblay",
    "date_naissance": "1990-05-17",
    "adresse": "6, rue de l’Église",
    "ville": "Sainte-Thérèse",
    "code_postal": "j7e3l1",
}


def des_regles(**changes: Any) -> Regles:
    """Rules of the first city."""
    valeurs: dict[str, Any] = {
        "zone": ZONE,
        "institution": "0042",
        "age_minimal": 14,
        "genres": {
            RolePiece.IDENTITE: frozenset({"IDENTITE"}),
            RolePiece.RESIDENCE: frozenset({"RESIDENCE"}),
        },
        "lien_duree": timedelta(days=14),
        "lien_memoire": timedelta(days=90),
    }
    return Regles(**{**valeurs, **changes})


def un_titulaire() -> Titulaire:
    return Titulaire(
        prenom="Émilie",
        nom="Tremblay",
        date_naissance=date(1990, 5, 17),
        adresse="6, rue de l’Église",
        ville="Sainte-Thérèse",
        code_postal="J7E 3L1",
    )


def une_demande(
    existantes: Sequence[Carte] = (),
    *,
    compte_id: str = "compte-1",
    maintenant: datetime = MAINTENANT,
    pieces: Mapping[RolePiece, str] | None = None,
) -> tuple[Carte, Demande]:
    """A card that waits for validation and its request."""
    return ouvrir_demande(
        existantes,
        demande_id=uuid4(),
        compte_id=compte_id,
        titulaire=un_titulaire(),
        pieces=pieces or {RolePiece.IDENTITE: "piece-i", RolePiece.RESIDENCE: "piece-r"},
        carte_physique=False,
        serie="kM3xQ9sVtTz0aB7cD2eF22",
        maintenant=maintenant,
        jour=maintenant.astimezone(ZONE).date(),
    )


def un_passe(**changes: Any) -> Passe:
    valeurs: dict[str, Any] = {
        "serie": "kM3xQ9sVtTz0aB7cD2eF22",
        "numero": "20042000001230",
        "code": "20042000001230",
        "prenom": "Émilie",
        "nom": "Tremblay",
        "expire_le": datetime(2028, 3, 14, 23, 59, 59, tzinfo=ZONE),
    }
    return Passe(**{**valeurs, **changes})


@dataclass
class StockageEnMemoire:
    """A document space that remembers what is held; `contenu` is what the caller owns.

    `absent`: it answers nothing; `garde`: it answers, but not when it is given something back.
    """

    contenu: dict[str, PieceRetenue] = field(default_factory=dict)
    retenues: set[tuple[UUID, str]] = field(default_factory=set)
    absent: bool = False
    garde: bool = False

    def deposer(self, piece_id: str, genre: str, valide_jusqu_au: date | None = None) -> str:
        self.contenu[piece_id] = PieceRetenue(piece_id, genre, valide_jusqu_au)
        return piece_id

    def retenir(
        self, *, dossier_id: UUID, pieces: Mapping[RolePiece, str]
    ) -> dict[RolePiece, PieceRetenue]:
        if self.absent:
            raise StockageIndisponible
        for role, piece_id in pieces.items():
            if piece_id not in self.contenu:
                raise PieceIntrouvable(role)
        self.retenues |= {(dossier_id, piece_id) for piece_id in pieces.values()}
        return {role: self.contenu[piece_id] for role, piece_id in pieces.items()}

    def liberer(self, *, dossier_id: UUID, pieces: Sequence[str]) -> None:
        if self.absent or self.garde:
            raise StockageIndisponible
        self.retenues -= {(dossier_id, piece_id) for piece_id in pieces}


# --- a chain that imitates Apple's: root, WWDR intermediate, Pass Type ID leaf -------------------

_OID_TYPE_PASSE = x509.ObjectIdentifier("1.2.840.113635.100.6.1.16")
_OID_USAGE = x509.ObjectIdentifier("1.2.840.113635.100.4.14")


@dataclass(frozen=True)
class Chaine:
    racine: x509.Certificate
    wwdr: x509.Certificate
    feuille: x509.Certificate
    cle: rsa.RSAPrivateKey
    cle_wwdr: rsa.RSAPrivateKey

    def ecrire(self, dossier: Path) -> dict[str, Path]:
        """Write the files that settings name: PEM, and the WWDR as DER as Apple gives it."""
        chemins = {nom: dossier / f"{nom}.pem" for nom in ("racine", "certificat", "cle")}
        chemins["wwdr"] = dossier / "wwdr.cer"
        chemins["racine"].write_bytes(self.racine.public_bytes(Encoding.PEM))
        chemins["certificat"].write_bytes(self.feuille.public_bytes(Encoding.PEM))
        chemins["wwdr"].write_bytes(self.wwdr.public_bytes(Encoding.DER))
        chemins["cle"].write_bytes(
            self.cle.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        )
        return chemins


@functools.cache
def cles() -> tuple[rsa.RSAPrivateKey, ...]:
    """Root, WWDR and leaf keys, made once for a test process."""
    return tuple(rsa.generate_private_key(65537, 2048) for _ in range(3))


def une_chaine(
    *,
    type_passe: str = TYPE_PASSE,
    equipe: str = EQUIPE,
    extension: bytes | None = b"",
    debut: datetime = datetime(2026, 1, 1, tzinfo=UTC),
    fin: datetime = datetime(2036, 1, 1, tzinfo=UTC),
) -> Chaine:
    """A chain; `extension` b"" names the pass type, None leaves the extension out."""
    cle_racine, cle_wwdr, cle = cles()
    racine_nom = _nom("Root CA")
    wwdr_nom = _nom("Apple Worldwide Developer Relations Certification Authority", ou="G4")
    racine = _certificat(
        racine_nom, racine_nom, cle_racine, cle_racine, (debut, fin), autorite=True
    )
    wwdr = _certificat(wwdr_nom, racine_nom, cle_wwdr, cle_racine, (debut, fin), autorite=True)
    sujet = x509.Name(
        [
            x509.NameAttribute(NameOID.USER_ID, type_passe),
            x509.NameAttribute(NameOID.COMMON_NAME, f"Pass Type ID: {type_passe}"),
            x509.NameAttribute(NameOID.ORGANIZATIONAL_UNIT_NAME, equipe),
            x509.NameAttribute(NameOID.COUNTRY_NAME, "CA"),
        ]
    )
    texte = type_passe.encode()
    valeur = bytes((0x0C, len(texte))) + texte if extension == b"" else extension
    feuille = _certificat(
        sujet, wwdr_nom, cle, cle_wwdr, (debut, fin), autorite=False, type_passe=valeur
    )
    return Chaine(racine, wwdr, feuille, cle, cle_wwdr)


def _nom(cn: str, ou: str = "Certification") -> x509.Name:
    return x509.Name(
        [
            x509.NameAttribute(NameOID.COMMON_NAME, cn),
            x509.NameAttribute(NameOID.ORGANIZATIONAL_UNIT_NAME, ou),
        ]
    )


def _certificat(
    sujet: x509.Name,
    emetteur: x509.Name,
    cle: rsa.RSAPrivateKey,
    signataire: rsa.RSAPrivateKey,
    duree: tuple[datetime, datetime],
    *,
    autorite: bool,
    type_passe: bytes | None = None,
) -> x509.Certificate:
    constructeur = (
        x509.CertificateBuilder()
        .subject_name(sujet)
        .issuer_name(emetteur)
        .public_key(cle.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(duree[0])
        .not_valid_after(duree[1])
        .add_extension(x509.BasicConstraints(ca=autorite, path_length=None), critical=True)
    )
    if not autorite:
        constructeur = constructeur.add_extension(
            x509.ExtendedKeyUsage([_OID_USAGE]), critical=True
        )
    if type_passe is not None:
        constructeur = constructeur.add_extension(
            x509.UnrecognizedExtension(_OID_TYPE_PASSE, type_passe), critical=False
        )
    return constructeur.sign(signataire, SHA256())


def ecrire_compte_google(dossier: Path) -> Path:
    """Write a service account's JSON as Google's console gives it."""
    chemin = dossier / "google.json"
    cle = cles()[0].private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    chemin.write_text(
        json.dumps(
            {
                "type": "service_account",
                "private_key_id": "0123456789abcdef0123456789abcdef01234567",
                "private_key": cle,
                "client_email": "portefeuille@ville-sainte-therese-portail.iam.gserviceaccount.com",
            }
        ),
        encoding="utf-8",
    )
    return chemin
