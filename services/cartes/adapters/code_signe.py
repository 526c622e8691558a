"""The signed code of a card, « CC1 »: number first, then a CWT in COSE_Sign1, base45 (CAR-16).

    text    = 14 digits "/CC1:" base45( COSE_Sign1 )      RFC 9285, RFC 9052, RFC 8392
    payload = {1: iss, 4: exp, 6: iat, 7: cti, 65535: {"status_list": {"idx", "uri"}},
               -65601: {1: number, 2: holder, 3: town, 4: class, 5: age class}}

A reader accepts one encoding of a code only: whatever was changed outside the signed bytes
(base45, tag, lengths, headers) makes it unreadable, so that no altered code is ever accepted.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final, TypeVar

import cbor2
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ec import (
    ECDSA,
    SECP256R1,
    EllipticCurvePrivateKey,
    EllipticCurvePublicKey,
)
from cryptography.hazmat.primitives.asymmetric.utils import (
    decode_dss_signature,
    encode_dss_signature,
)
from cryptography.hazmat.primitives.hashes import SHA256

from services.cartes.adapters import base45
from services.cartes.domain import Attestation, Categorie, ClasseAge

_T = TypeVar("_T")

ES256: Final = -7
KID_OCTETS: Final = 8
_ALG, _KID = 1, 4
_ISS, _EXP, _IAT, _CTI = 1, 4, 6, 7
_STATUT: Final = 65535
_CARTE: Final = -65601
_SIGNATURE_OCTETS: Final = 64
_MOITIE: Final = _SIGNATURE_OCTETS // 2
# A code of ours has about 420 characters; a reader never works on more than 1 kB.
_TEXTE_MAX: Final = 1024
_TEXTE: Final = re.compile(r"(?P<numero>[0-9]{14})/CC1:(?P<corps>[0-9A-Z $%*+\-./:]+)\Z")
_ALGORITHME: Final = ECDSA(SHA256())
_EPOQUE: Final = datetime(1970, 1, 1, tzinfo=UTC)


class CodeIllisible(Exception):
    """The text is no code of this form, or not in its one encoding."""


class EmetteurInconnu(Exception):
    """No key of that issuer has that name."""


class SignatureInvalide(Exception):
    """The bytes were not signed by that key."""


@dataclass(frozen=True)
class CodeLu:
    """A code as read, before anything is believed.

    Attributes:
        numero: the digits in front.
        kid: name of the key, 8 bytes.
        protege, charge: the signed bytes; `signature` is r then s, 64 bytes.
        attestation: what the payload says.
    """

    numero: str
    kid: bytes
    protege: bytes
    charge: bytes
    signature: bytes
    attestation: Attestation


class Signataire:
    """Signs the codes of one town with one key; used by all the threads of a process."""

    def __init__(self, cle: EllipticCurvePrivateKey, *, kid: bytes, emetteur: str) -> None:
        """Take a P-256 key; `kid` is its name, 8 bytes; `emetteur` the town's https address.

        Raises: ValueError for a key of another curve or a name of another length.
        """
        if not isinstance(cle.curve, SECP256R1) or len(kid) != KID_OCTETS:
            raise ValueError("a P-256 key and a name of 8 bytes are wanted")
        self._cle = cle
        self._protege = cbor2.dumps({_ALG: ES256, _KID: kid})
        self.kid = kid
        self.emetteur = emetteur

    def signer(self, attestation: Attestation) -> str:
        """Return the text of the code."""
        charge = cbor2.dumps(_en_revendications(attestation))
        signature = signer_cose(self._cle, self._protege, charge)
        message = assembler(self._protege, charge, signature)
        return f"{attestation.numero}/CC1:{base45.encoder(message)}"


def lire(texte: str) -> CodeLu:
    """Take a code apart without believing it.

    Raises: CodeIllisible.
    """
    forme = _TEXTE.match(texte) if len(texte) <= _TEXTE_MAX else None
    if forme is None:
        raise CodeIllisible
    try:
        message = base45.decoder(forme["corps"])
    except ValueError:
        raise CodeIllisible from None
    protege, charge, signature = demonter(message)
    entete = _decoder(protege)
    if (
        not isinstance(entete, dict)
        or entete.get(_ALG) != ES256
        or len(entete) != len((_ALG, _KID))
    ):
        raise CodeIllisible
    kid = entete.get(_KID)
    if not isinstance(kid, bytes) or len(kid) != KID_OCTETS:
        raise CodeIllisible
    return CodeLu(
        numero=forme["numero"],
        kid=kid,
        protege=protege,
        charge=charge,
        signature=signature,
        attestation=_en_attestation(_decoder(charge), forme["numero"]),
    )


def verifier(texte: str, cles: Mapping[tuple[str, bytes], EllipticCurvePublicKey]) -> Attestation:
    """Return what a code attests, its signature checked; dates and status are the caller's.

    `cles` maps an issuer and a key's name to the key: a key speaks for its own issuer only.

    Raises: CodeIllisible, EmetteurInconnu, SignatureInvalide.
    """
    lu = lire(texte)
    cle = cles.get((lu.attestation.emetteur, lu.kid))
    if cle is None:
        raise EmetteurInconnu
    verifier_cose(cle, lu.protege, lu.charge, lu.signature)
    return lu.attestation


def signer_cose(cle: EllipticCurvePrivateKey, protege: bytes, charge: bytes) -> bytes:
    """Return r then s, 64 bytes, over the Sig_structure of RFC 9052 section 4.4."""
    r, s = decode_dss_signature(cle.sign(_a_signer(protege, charge), _ALGORITHME))
    return r.to_bytes(_MOITIE) + s.to_bytes(_MOITIE)


def verifier_cose(
    cle: EllipticCurvePublicKey, protege: bytes, charge: bytes, signature: bytes
) -> None:
    """Check r then s over the Sig_structure.

    Raises: SignatureInvalide.
    """
    r, s = int.from_bytes(signature[:_MOITIE]), int.from_bytes(signature[_MOITIE:])
    try:
        cle.verify(encode_dss_signature(r, s), _a_signer(protege, charge), _ALGORITHME)
    except InvalidSignature:
        raise SignatureInvalide from None


def assembler(protege: bytes, charge: bytes, signature: bytes) -> bytes:
    """Return the COSE_Sign1: tag 18, four items, no unprotected header."""
    return b"".join((b"\xd2\x84", _chaine(protege), b"\xa0", _chaine(charge), _chaine(signature)))


def demonter(message: bytes) -> tuple[bytes, bytes, bytes]:
    """Take a COSE_Sign1 apart: protected header, payload, signature.

    Raises: CodeIllisible unless it is exactly what `assembler` makes of its parts.
    """
    contenu = getattr(_decoder(message), "value", None)
    if not isinstance(contenu, list | tuple):
        raise CodeIllisible
    parts = [part for part in contenu if isinstance(part, bytes)]
    if len(parts) != 3 or len(parts[2]) != _SIGNATURE_OCTETS:  # noqa: PLR2004  (RFC 9052)
        raise CodeIllisible
    protege, charge, signature = parts
    if assembler(protege, charge, signature) != message:
        raise CodeIllisible
    return protege, charge, signature


def _chaine(octets: bytes) -> bytes:
    return cbor2.dumps(octets)


def _a_signer(protege: bytes, charge: bytes) -> bytes:
    return cbor2.dumps(["Signature1", protege, b"", charge])


def _decoder(octets: bytes) -> Any:
    try:
        return cbor2.loads(octets)
    except (cbor2.CBORError, ValueError, TypeError, OverflowError, RecursionError):
        raise CodeIllisible from None


def _en_revendications(attestation: Attestation) -> dict[int, Any]:
    return {
        _ISS: attestation.emetteur,
        _EXP: int(attestation.expire_le.timestamp()),
        _IAT: int(attestation.emise_le.timestamp()),
        _CTI: attestation.identifiant,
        _STATUT: {"status_list": {"idx": attestation.indice, "uri": attestation.liste}},
        _CARTE: {
            1: attestation.numero,
            2: attestation.titulaire,
            3: attestation.ville,
            4: int(attestation.categorie),
            5: int(attestation.classe_age),
        },
    }


def _en_attestation(dit: Any, numero: str) -> Attestation:
    """Read the claims; a missing or odd one, or another number than in front, is no code."""
    try:
        carte, statut = dit[_CARTE], dit[_STATUT]["status_list"]
        attestation = Attestation(
            emetteur=_exiger(dit[_ISS], str),
            identifiant=_exiger(dit[_CTI], bytes),
            numero=_exiger(carte[1], str),
            titulaire=_exiger(carte[2], str),
            ville=_exiger(carte[3], int),
            categorie=Categorie(carte[4]),
            classe_age=ClasseAge(carte[5]),
            liste=_exiger(statut["uri"], str),
            indice=_exiger(statut["idx"], int),
            emise_le=_instant(dit[_IAT]),
            expire_le=_instant(dit[_EXP]),
        )
    except (LookupError, TypeError, ValueError, OverflowError):
        raise CodeIllisible from None
    if attestation.numero != numero:
        raise CodeIllisible
    return attestation


def _exiger(valeur: Any, genre: type[_T]) -> _T:
    if not isinstance(valeur, genre) or isinstance(valeur, bool):
        raise TypeError
    return valeur


def _instant(secondes: Any) -> datetime:
    return _EPOQUE + timedelta(seconds=_exiger(secondes, int))
