"""The status list of cards: a signed, compressed table of 2 bits for each index (CAR-16).

Form: Token Status List in a CWT (IETF draft of that name): COSE_Sign1, protected type
« application/statuslist+cwt », claims 2 sub (address of the list), 6 iat, 4 exp, 65534 ttl
(seconds), 65533 {"bits", "lst"}; entry i is at bit (2 i) mod 8, from the least significant one, of
byte 2 i div 8. Everyone fetches the whole list, so that nobody learns whose card was checked.
"""

import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import cbor2
from cryptography.hazmat.primitives.asymmetric.ec import (
    EllipticCurvePrivateKey,
    EllipticCurvePublicKey,
)

from services.cartes.adapters import code_signe
from services.cartes.adapters.code_signe import CodeIllisible, EmetteurInconnu
from services.cartes.domain import StatutCode

TYPE_MEDIA: Final = "application/statuslist+cwt"
BITS: Final = 2
_PAR_OCTET: Final = 8 // BITS
_MASQUE: Final = (1 << BITS) - 1
_ALG, _KID, _TYP = 1, 4, 16
_SUB, _EXP, _IAT = 2, 4, 6
_TTL: Final = 65534
_LISTE: Final = 65533
# A list of a million cards; a reader never inflates more, whatever the bytes say.
_OCTETS_MAX: Final = 1 << 18


@dataclass(frozen=True, kw_only=True)
class ListeStatuts:
    """A list as read and checked.

    Attributes:
        adresse: its own address, the `uri` of codes.
        emise_le, expire_le: aware times; past the second, the list says nothing any more.
        rafraichir: how long a verifier may keep it before it asks again.
        octets: the table.
    """

    adresse: str
    emise_le: datetime
    expire_le: datetime
    rafraichir: timedelta
    octets: bytes

    def statut(self, indice: int) -> StatutCode:
        """Return the state of an index; one that is not in the list is INVALIDE."""
        place, rang = divmod(indice, _PAR_OCTET)
        if indice < 0 or place >= len(self.octets):
            return StatutCode.INVALIDE
        valeur = self.octets[place] >> (rang * BITS) & _MASQUE
        return StatutCode(valeur) if valeur in _CONNUS else StatutCode.INVALIDE


_CONNUS: Final = frozenset(StatutCode)


def composer(taille: int, statuts: Iterable[tuple[int, StatutCode]]) -> bytes:
    """Return the table of a list of `taille` indices; those not named are VALIDE.

    Raises: IndexError for an index outside the list.
    """
    table = bytearray(-(-taille // _PAR_OCTET))
    for indice, statut in statuts:
        if not 0 <= indice < taille:
            raise IndexError(indice)
        place, rang = divmod(indice, _PAR_OCTET)
        table[place] |= statut << (rang * BITS)
    return bytes(table)


def signer(
    table: bytes,
    *,
    cle: EllipticCurvePrivateKey,
    kid: bytes,
    adresse: str,
    maintenant: datetime,
    rafraichir: timedelta,
    duree: timedelta,
) -> bytes:
    """Return the bytes served at `adresse`, good for `duree`."""
    protege = cbor2.dumps({_ALG: code_signe.ES256, _KID: kid, _TYP: TYPE_MEDIA})
    charge = cbor2.dumps(
        {
            _SUB: adresse,
            _IAT: int(maintenant.timestamp()),
            _EXP: int((maintenant + duree).timestamp()),
            _TTL: int(rafraichir.total_seconds()),
            _LISTE: {"bits": BITS, "lst": zlib.compress(table, zlib.Z_BEST_COMPRESSION)},
        }
    )
    signature = code_signe.signer_cose(cle, protege, charge)
    return code_signe.assembler(protege, charge, signature)


def lire(octets: bytes, *, adresse: str, cles: dict[bytes, EllipticCurvePublicKey]) -> ListeStatuts:
    """Read a list that was fetched from `adresse`, its signature checked.

    Raises: CodeIllisible (also for the list of another address), EmetteurInconnu,
        SignatureInvalide.
    """
    protege, charge, signature = code_signe.demonter(octets)
    try:
        entete = cbor2.loads(protege)
        if entete[_ALG] != code_signe.ES256 or entete[_TYP] != TYPE_MEDIA:
            raise CodeIllisible
        cle = cles.get(entete[_KID])
        if cle is None:
            raise EmetteurInconnu
        code_signe.verifier_cose(cle, protege, charge, signature)
        # Read only now: nothing that nobody signed is interpreted.
        return _lire_charge(cbor2.loads(charge), adresse)
    except (cbor2.CBORError, LookupError, TypeError, ValueError, OverflowError, zlib.error):
        raise CodeIllisible from None


def _lire_charge(dit: Any, adresse: str) -> ListeStatuts:
    liste = dit[_LISTE]
    if dit[_SUB] != adresse or liste["bits"] != BITS:
        raise CodeIllisible
    return ListeStatuts(
        adresse=adresse,
        emise_le=datetime.fromtimestamp(dit[_IAT], UTC),
        expire_le=datetime.fromtimestamp(dit[_EXP], UTC),
        rafraichir=timedelta(seconds=dit[_TTL]),
        octets=_gonfler(liste["lst"]),
    )


def _gonfler(comprime: bytes) -> bytes:
    gonfleur = zlib.decompressobj()
    octets = gonfleur.decompress(comprime, _OCTETS_MAX)
    if gonfleur.unconsumed_tail or not gonfleur.eof:
        raise CodeIllisible
    return octets
