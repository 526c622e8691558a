"""The Pass Type ID certificate: read once, checked at the start rather than on a citizen's phone.

Source: cartes.md 2.4; Apple's chain is root, WWDR intermediate, leaf of about a year.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import TypeVar

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from cryptography.x509.oid import NameOID

_EXTENSION_TYPE_PASSE = x509.ObjectIdentifier("1.2.840.113635.100.6.1.16")
# DER tags of the strings that may hold the pass type: UTF8String, PrintableString, IA5String.
_TEXTES_DER = (0x0C, 0x13, 0x16)
_COURT_DER = 128

ALARME = timedelta(days=60)
"""From here to the expiry the operator is warned: Apple takes days to renew a certificate."""


class CertificatRefuse(ValueError):
    """The pass certificate cannot be used; the message says what to change."""


@dataclass(frozen=True)
class CertificatPasse:
    """A checked certificate with its loaded key.

    Loading the key costs as much as 130 signatures, so the process keeps it (cartes.md 9).
    """

    feuille: x509.Certificate
    wwdr: x509.Certificate
    cle: RSAPrivateKey
    type_passe: str
    equipe: str

    @property
    def sujet(self) -> str:
        """Return the subject as RFC 4514 text."""
        return self.feuille.subject.rfc4514_string()

    @property
    def expire_le(self) -> datetime:
        """Return when the first certificate of the chain ends, UTC."""
        return min(self.feuille.not_valid_after_utc, self.wwdr.not_valid_after_utc)

    def bientot_expire(self, maintenant: datetime) -> bool:
        """Say whether the operator must renew it now."""
        return self.expire_le - maintenant < ALARME


def charger(
    *,
    certificat: Path,
    cle: Path,
    wwdr: Path,
    type_passe: str,
    equipe: str,
    maintenant: datetime,
) -> CertificatPasse:
    """Read the three files and check that Apple's devices would accept what they sign.

    Raises: CertificatRefuse with one sentence for the first thing that is wrong.
    """
    feuille = _certificat(certificat)
    autorite = _certificat(wwdr)
    _verifier_noms(feuille, type_passe, equipe)
    _verifier_chaine(feuille, autorite)
    for nom, lu in (("certificate", feuille), ("WWDR certificate", autorite)):
        _verifier_duree(nom, lu, maintenant)
    privee = _lire(cle, lambda octets: load_pem_private_key(octets, password=None))
    if not isinstance(privee, RSAPrivateKey):
        raise CertificatRefuse(f"{cle}: the key of a Pass Type ID certificate is RSA")
    if privee.public_key() != feuille.public_key():
        raise CertificatRefuse(f"{cle}: this key does not belong to {certificat}")
    return CertificatPasse(feuille, autorite, privee, type_passe, equipe)


T = TypeVar("T")


def _lire(chemin: Path, lecture: Callable[[bytes], T]) -> T:
    try:
        return lecture(chemin.read_bytes())
    except (OSError, ValueError, TypeError) as error:
        raise CertificatRefuse(f"{chemin}: cannot be read ({type(error).__name__})") from error


def _certificat(chemin: Path) -> x509.Certificate:
    def lecture(octets: bytes) -> x509.Certificate:
        # Apple delivers the WWDR as DER, the key chain exports PEM.
        if octets.startswith(b"-----"):
            return x509.load_pem_x509_certificate(octets)
        return x509.load_der_x509_certificate(octets)

    return _lire(chemin, lecture)


def _verifier_noms(feuille: x509.Certificate, type_passe: str, equipe: str) -> None:
    for oid, nom, attendu in (
        (NameOID.USER_ID, "UID", type_passe),
        (NameOID.ORGANIZATIONAL_UNIT_NAME, "OU", equipe),
    ):
        lus = [str(attribut.value) for attribut in feuille.subject.get_attributes_for_oid(oid)]
        if lus != [attendu]:
            raise CertificatRefuse(
                f"the certificate's {nom} is {', '.join(lus) or 'absent'}, settings say {attendu}"
            )
    try:
        extension = feuille.extensions.get_extension_for_oid(_EXTENSION_TYPE_PASSE).value
    except x509.ExtensionNotFound:
        raise CertificatRefuse(
            f"the certificate lacks extension {_EXTENSION_TYPE_PASSE.dotted_string}: "
            "it is not a Pass Type ID certificate"
        ) from None
    if not isinstance(extension, x509.UnrecognizedExtension) or (
        _texte_der(extension.value) != type_passe
    ):
        raise CertificatRefuse(
            f"extension {_EXTENSION_TYPE_PASSE.dotted_string} does not name {type_passe}"
        )


def _texte_der(octets: bytes) -> str | None:
    """Return the text of a short DER string, None for anything else."""
    entete, texte = octets[:2], octets[2:]
    court = len(texte) < _COURT_DER and len(entete) == len(b"TL")
    if not court or entete[0] not in _TEXTES_DER or entete[1] != len(texte):
        return None
    return texte.decode(errors="replace")


def _verifier_chaine(feuille: x509.Certificate, wwdr: x509.Certificate) -> None:
    try:
        feuille.verify_directly_issued_by(wwdr)
    except (ValueError, TypeError, InvalidSignature) as error:
        raise CertificatRefuse(
            f"the WWDR certificate given ({wwdr.subject.rfc4514_string()}) did not issue the pass "
            f"certificate, whose issuer is {feuille.issuer.rfc4514_string()}"
        ) from error


def _verifier_duree(nom: str, lu: x509.Certificate, maintenant: datetime) -> None:
    if not lu.not_valid_before_utc <= maintenant < lu.not_valid_after_utc:
        raise CertificatRefuse(
            f"the {nom} is valid from {lu.not_valid_before_utc:%Y-%m-%d} to "
            f"{lu.not_valid_after_utc:%Y-%m-%d}, not now"
        )
