"""What a field of a profile may hold, and the one form under which it is kept.

Each function returns the normal form or raises `ChampInvalide` with its reason.
"""

import re
import unicodedata
from collections.abc import Callable, Sequence
from datetime import date
from typing import Final, NamedTuple

LANGUES: Final = ("fr", "en")
CANAUX: Final = ("courriel", "texto", "telephone")

_NOM_MAX: Final = 80
_LIGNE_MAX: Final = 120
_AGE_MAX: Final = 130
_CATEGORIES_MAX: Final = 30
# RFC 5321 section 4.5.3.1 (local part 64, whole path 254) and the dot-atom of RFC 5322. Quoted and
# non-ASCII local parts are refused: most mail servers cannot deliver to them.
_LOCAL_MAX: Final = 64
_COURRIEL_MAX: Final = 254
_LOCAL: Final = re.compile(
    r"[a-z0-9!#$%&'*+/=?^_`{|}~-]+(\.[a-z0-9!#$%&'*+/=?^_`{|}~-]+)*", re.IGNORECASE
)
_DOMAINE: Final = re.compile(
    r"(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z](?:[a-z0-9-]{0,61}[a-z0-9])"
)
_NOM_UTILISATEUR: Final = re.compile(r"[a-z0-9._-]{3,30}")
# Canada Post never uses D, F, I, O, Q, U, nor W and Z in the first place.
_CODE_POSTAL: Final = re.compile(r"[ABCEGHJ-NPRSTVXY]\d[ABCEGHJ-NPRSTV-Z]\d[ABCEGHJ-NPRSTV-Z]\d")
_E164: Final = re.compile(r"\+[1-9]\d{7,14}")
# North American numbers: area and exchange codes start with 2 to 9.
_NANP: Final = re.compile(r"1?([2-9]\d{2}[2-9]\d{6})")
_PONCTUATION_TELEPHONE: Final = re.compile(r"[\s().\-\u2010-\u2013/]")
_CATEGORIE: Final = re.compile(r"[a-z]+(_[a-z]+)*")
_CATEGORIE_MAX: Final = 40


class ChampInvalide(Exception):
    """One field is not acceptable; the message is its reason, UPPER_SNAKE."""


class Courriel(NamedTuple):
    """An e-mail address: where mail goes, and what must be unique."""

    # Local part as typed, domain in its ASCII lower-case form (A-labels).
    adresse: str
    # Case-folded: JEAN@Ville.CA and jean@ville.ca are one account.
    plie: str


def texte(valeur: str, *, maximum: int = _NOM_MAX) -> str:
    """Give free text in NFC, trimmed, inner white space made single.

    Control, private and unassigned characters are refused, and so are the marks that change the
    direction of writing: they make one name look like another. Joiners stay, some scripts need
    them.
    """
    propre = " ".join(unicodedata.normalize("NFC", valeur).split())
    # What can be printed is in none of these categories: nearly every text passes here.
    for signe in "" if propre.isprintable() else propre:
        genre = unicodedata.category(signe)
        if genre in {"Cc", "Cs", "Co", "Cn"} or (genre == "Cf" and signe not in "\u200c\u200d"):
            raise ChampInvalide("CARACTERE_INVALIDE")
    if len(propre) > maximum:
        raise ChampInvalide("TROP_LONG")
    return propre


def nom_de_personne(valeur: str, raison: str) -> str:
    """Give a first or last name: any script, 1 to 80 characters, at least one letter.

    Args:
        valeur: as typed.
        raison: reason of a text that is no name, `PRENOM_INVALIDE` or `NOM_INVALIDE`.
    """
    propre = texte(valeur)
    if not propre:
        raise ChampInvalide("CHAMP_REQUIS")
    # "<" and ">" are in nobody's name and in many people's attacks; "@", "/" and ":" make links
    # out of names, and names are written in mails.
    if not any(signe.isalpha() for signe in propre) or set(propre) & set("<>@/:"):
        raise ChampInvalide(raison)
    return propre


def courriel(valeur: str, *, domaine_ascii: Callable[[str], str]) -> Courriel:
    """Give an e-mail address in normal form.

    Args:
        valeur: as typed.
        domaine_ascii: IDNA 2008 encoder; raises ValueError for what is no domain name. A port,
            because the standard library only knows IDNA 2003, which confuses distinct domains.
    """
    propre = unicodedata.normalize("NFC", valeur).strip()
    if not propre:
        raise ChampInvalide("CHAMP_REQUIS")
    local, arobase, domaine = propre.rpartition("@")
    try:
        domaine = domaine_ascii(domaine).lower()
    except ValueError as error:
        raise ChampInvalide("COURRIEL_INVALIDE") from error
    adresse = f"{local}@{domaine}"
    if (
        not arobase
        or len(local) > _LOCAL_MAX
        or len(adresse) > _COURRIEL_MAX
        or not _LOCAL.fullmatch(local)
        or not _DOMAINE.fullmatch(domaine)
    ):
        raise ChampInvalide("COURRIEL_INVALIDE")
    return Courriel(adresse, adresse.casefold())


def nom_utilisateur(valeur: str) -> str:
    """Give an optional user name, 3 to 30 of `a-z 0-9 . _ -`; "" when none is wanted (IDN-02).

    Capitals are accepted and folded, so that a name is unique whatever its case.
    """
    propre = valeur.strip().lower()
    if propre and not est_nom_utilisateur(propre):
        raise ChampInvalide("NOM_UTILISATEUR_INVALIDE")
    return propre


def est_nom_utilisateur(propre: str) -> bool:
    """Tell whether a folded text has the form of a user name."""
    return _NOM_UTILISATEUR.fullmatch(propre) is not None


def date_naissance(valeur: str, *, aujourd_hui: date) -> date | None:
    """Give an optional birth date from `YYYY-MM-DD`: not in the future, at most 130 years ago.

    Args:
        valeur: as typed, "" when none is given.
        aujourd_hui: the date in the city, where a child born today is born today.
    """
    if not valeur:
        return None
    # date.fromisoformat also reads 20200101 and 2020-W01-1; the contract has one form.
    if not re.fullmatch(r"\d{4}-\d{2}-\d{2}", valeur, re.ASCII):
        raise ChampInvalide("DATE_NAISSANCE_INVALIDE")
    try:
        jour = date.fromisoformat(valeur)
    except ValueError as error:
        raise ChampInvalide("DATE_NAISSANCE_INVALIDE") from error
    if jour > aujourd_hui:
        raise ChampInvalide("DATE_FUTURE")
    if aujourd_hui.year - jour.year > _AGE_MAX:
        raise ChampInvalide("DATE_NAISSANCE_INVALIDE")
    return jour


def code_postal(valeur: str) -> str:
    """Give a Canadian postal code without space, upper case: `J7E1A1`."""
    propre = "".join(valeur.split()).replace("-", "").upper()
    # \d would take any script's digits.
    if not (propre.isascii() and _CODE_POSTAL.fullmatch(propre)):
        raise ChampInvalide("CODE_POSTAL_INVALIDE")
    return propre


def ligne_adresse(valeur: str) -> str:
    """Give number and street, 1 to 120 characters."""
    propre = texte(valeur, maximum=_LIGNE_MAX)
    if not any(signe.isalnum() for signe in propre) or set(propre) & set("<>"):
        raise ChampInvalide("ADRESSE_INVALIDE")
    return propre


def telephone(valeur: str) -> str:
    """Give an optional phone number in E.164: `+14504344440`; "" when none is given.

    A number without "+" is North American. Whether it is a cell phone is proved later, by the code
    that it receives (IDN-06).
    """
    propre = _PONCTUATION_TELEPHONE.sub("", valeur)
    if not propre:
        return ""
    if not propre.isascii():
        raise ChampInvalide("TELEPHONE_INVALIDE")
    national = propre.removeprefix("+") if propre.startswith("+1") else propre
    if trouve := _NANP.fullmatch(national):
        return f"+1{trouve[1]}"
    if propre.startswith("+1") or not _E164.fullmatch(propre):
        raise ChampInvalide("TELEPHONE_INVALIDE")
    return propre


def langue(valeur: str) -> str:
    """Give "fr" or "en"; French when nothing is said."""
    if valeur and valeur not in LANGUES:
        raise ChampInvalide("LANGUE_INVALIDE")
    return valeur or "fr"


def categories(valeurs: Sequence[str]) -> tuple[str, ...]:
    """Give notice categories, each once, in order (IDN-05).

    Only their form is judged: which ones exist is the avis service's to know.
    """
    uniques = tuple(dict.fromkeys(valeurs))
    formes = all(len(v) <= _CATEGORIE_MAX and _CATEGORIE.fullmatch(v) for v in uniques)
    if not formes or len(uniques) > _CATEGORIES_MAX:
        raise ChampInvalide("CATEGORIE_INCONNUE")
    return uniques


def canaux(valeurs: Sequence[str]) -> tuple[str, ...]:
    """Give notice channels, each once; e-mail when nothing is chosen (IDN-05)."""
    if any(valeur not in CANAUX for valeur in valeurs):
        raise ChampInvalide("CANAL_INCONNU")
    return tuple(canal for canal in CANAUX if canal in valeurs) or ("courriel",)
