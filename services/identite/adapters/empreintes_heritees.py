"""Log-in with the password hashes of other systems, until Argon2id replaces them (IDN-08).

Guarantee: nobody learns from the answer, nor from its duration, that an identifier belongs to an
imported account: one Argon2id hash is verified in every case, and while old hashes are left every
refusal takes the same time, longer than the slowest of them.
"""

import base64
import hashlib
import hmac
import threading
import time
import unicodedata
from collections.abc import Callable
from typing import Final, Protocol

import bcrypt
from passlib.hash import pbkdf2_sha256, sha512_crypt  # type: ignore[import-untyped]
from sqlalchemy import Engine

from chassis import seal
from services.identite.config import Config
from services.identite.domain import TropOccupe
from services.identite.domain.ponts import EmpreinteIllisible, Format, aspnet, reconnaitre
from services.identite.persistence import ponts
from services.identite.use_cases.ponts.lecture import AUCUN, CONTEXTE, HERITEE
from services.identite.use_cases.ponts.reglages import cle_facultative

# bcrypt reads no more; what made the hash read no more either.
_BCRYPT_OCTETS: Final = 72
# Nobody's password; some of these hashes cost more the longer it is.
_SIGNES_MAX: Final = 512


class _Hacheur(Protocol):
    def hacher(self, mot_de_passe: str) -> str: ...

    def verifier(self, empreinte: str | None, mot_de_passe: str) -> bool: ...

    def perimee(self, empreinte: str) -> bool: ...


class HacheurHeritage:
    """Verifies old hashes beside the hasher of the house, which makes all new ones."""

    def __init__(
        self,
        hacheur: _Hacheur,
        *,
        cle: bytes | None,
        presentes: Callable[[], bool],
        places: int,
        refus_s: float,
    ) -> None:
        """Wrap a hasher.

        Args:
            hacheur: of the house.
            cle: opens the envelopes; None where this installation imported nothing.
            presentes: tells whether an old hash is left; while none is, nothing is slowed.
            places: verifications at once, those that wait out a refusal included: the rest is
                refused, so that a flood of wrong passwords cannot take every thread.
            refus_s: seconds that a refusal takes at least.
        """
        self._hacheur = hacheur
        self._cle = cle
        self._presentes = presentes
        self._places = threading.BoundedSemaphore(places)
        self._refus_s = refus_s

    def hacher(self, mot_de_passe: str) -> str:
        """Give a new hash. Raises: TropOccupe."""
        return self._hacheur.hacher(mot_de_passe)

    def perimee(self, empreinte: str) -> bool:
        """Tell whether a hash should be made again: an old one always."""
        return empreinte.startswith(HERITEE) or self._hacheur.perimee(empreinte)

    def verifier(self, empreinte: str | None, mot_de_passe: str) -> bool:
        """Tell whether a password is the one of a hash. Raises: TropOccupe."""
        heritee = empreinte is not None and empreinte.startswith(HERITEE)
        # One that came since the last look is verified all the same.
        if not heritee and not self._presentes():
            return self._hacheur.verifier(_sien(empreinte), mot_de_passe)
        if not self._places.acquire(blocking=False):
            raise TropOccupe
        try:
            debut = time.monotonic()
            juste = self._hacheur.verifier(_sien(empreinte), mot_de_passe)
            if empreinte is not None and heritee:
                juste = self._juste(empreinte, mot_de_passe)
            if not juste:
                # A refusal whose duration told the kind of hash would tell who has a tax account.
                reste = max(0.0, debut + self._refus_s - time.monotonic())
                time.sleep(reste)  # all refusals end at the same moment (R17)
            return juste
        finally:
            self._places.release()

    def _juste(self, enveloppe: str, mot_de_passe: str) -> bool:
        if self._cle is None:
            return False
        try:
            scelle = base64.b64decode(enveloppe.removeprefix(HERITEE), validate=True)
            empreinte = seal.unseal(scelle, key=self._cle, context=CONTEXTE)["empreinte"]
        except (seal.SealBroken, ValueError):
            return False
        return verifier_heritee(empreinte, mot_de_passe)


def avec_heritage(hacheur: _Hacheur, config: Config, lecture: Engine) -> "HacheurHeritage":
    """Put the hasher of a process together, from its settings and its database."""
    return HacheurHeritage(
        hacheur,
        cle=cle_facultative(config),
        presentes=HeriteesPresentes(lambda: ponts.empreintes_presentes(lecture)),
        places=config.hachages_simultanes + config.hachages_en_attente,
        refus_s=config.refus_heritage_s,
    )


class HeriteesPresentes:
    """Whether old hashes are left in the database, asked at most once in `age_s` seconds."""

    def __init__(self, lire: Callable[[], bool], *, age_s: float = 60.0) -> None:
        self._lire = lire
        self._age_s = age_s
        self._lu: tuple[float, bool] | None = None

    def __call__(self) -> bool:
        """Answer, from memory if it is fresh."""
        maintenant = time.monotonic()
        if self._lu is None or maintenant - self._lu[0] > self._age_s:
            self._lu = maintenant, self._lire()
        return self._lu[1]


def verifier_heritee(empreinte: str, mot_de_passe: str) -> bool:
    """Tell whether a password is the one of a hash of another system.

    Two spellings are tried: systems hashed what the keyboard gave, composed or not.
    """
    if len(mot_de_passe) > _SIGNES_MAX:
        return False
    formes = {mot_de_passe, unicodedata.normalize("NFD", mot_de_passe)}
    try:
        genre = reconnaitre(empreinte)
    except EmpreinteIllisible:
        return False
    return any(_VERIFIER[genre](empreinte, forme) for forme in sorted(formes))


def _bcrypt(empreinte: str, mot_de_passe: str) -> bool:
    octets = mot_de_passe.encode()[:_BCRYPT_OCTETS]
    return b"\0" not in octets and bcrypt.checkpw(octets, empreinte.encode())


def _pbkdf2(empreinte: str, mot_de_passe: str) -> bool:
    if empreinte.startswith("$"):
        return bool(pbkdf2_sha256.verify(mot_de_passe, empreinte))
    _, tours, sel, attendu = empreinte.split("$")
    obtenu = hashlib.pbkdf2_hmac("sha256", mot_de_passe.encode(), sel.encode(), int(tours))
    return hmac.compare_digest(base64.b64encode(obtenu).decode(), attendu)


def _sha512(empreinte: str, mot_de_passe: str) -> bool:
    return "\0" not in mot_de_passe and bool(sha512_crypt.verify(mot_de_passe, empreinte))


def _aspnet(empreinte: str, mot_de_passe: str) -> bool:
    prf, tours, sel, cle = aspnet(empreinte)
    obtenu = hashlib.pbkdf2_hmac(prf, mot_de_passe.encode(), sel, tours, len(cle))
    return hmac.compare_digest(obtenu, cle)


_VERIFIER: Final[dict[Format, Callable[[str, str], bool]]] = {
    Format.BCRYPT: _bcrypt,
    Format.PBKDF2_SHA256: _pbkdf2,
    Format.SHA512_CRYPT: _sha512,
    Format.ASPNET_V3: _aspnet,
}


def _sien(empreinte: str | None) -> str | None:
    """Give what the hasher of the house may read: its own hashes; anything else is nobody's."""
    if empreinte is None or empreinte == AUCUN or empreinte.startswith(HERITEE):
        return None
    return empreinte
