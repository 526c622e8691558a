"""The catalogue of requests: its types, how it is searched and how it is sorted."""

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass

RECHERCHE_MAX = 100
PAGE_PAR_DEFAUT = 50
PAGE_MAX = 100

_CODE = re.compile(r"[a-z][a-z0-9_]{0,63}")
_MOT = re.compile(r"[a-z0-9]+")
# A plural is not told from a singular that ends alike (bus, prix) below this length.
_RADICAL_MIN = 4
_LIGATURES = str.maketrans({"œ": "oe", "æ": "ae", "Œ": "OE", "Æ": "AE"})
# Words with nothing to find: "poubelle de la cuisine" must find what "poubelle cuisine" finds.
_MOTS_VIDES = frozenset(
    (
        *("au", "aux", "ce", "d", "de", "des", "du", "en", "et", "l", "la", "le", "les"),
        *("ou", "par", "pour", "s", "sur", "un", "une"),
        *("a", "an", "and", "for", "in", "my", "of", "on", "the", "to"),
    )
)
# Plurals and what replaces them, first match first; travail and travaux meet in one form.
_PLURIELS = (("eaux", "eau"), ("aux", "al"), ("ail", "al"), ("ies", "y"), ("s", ""), ("x", ""))


class RechercheInvalide(ValueError):
    """The keywords are longer than `RECHERCHE_MAX` characters."""

    def __init__(self) -> None:
        super().__init__()
        self.fields = {"recherche": "TROP_LONGUE"}


class TaillePageInvalide(ValueError):
    """The page size is outside 0 to `PAGE_MAX`."""

    def __init__(self) -> None:
        super().__init__()
        self.fields = {"page_size": "HORS_LIMITES"}


class JetonPageInvalide(ValueError):
    """The page token was not given by this list, or by a list of other keywords."""

    def __init__(self) -> None:
        super().__init__()
        self.fields = {"page_token": "INVALIDE"}


class CatalogueInvalide(ValueError):
    """A catalogue file breaks rules; the message lists all of them."""

    def __init__(self, fautes: Iterable[str]) -> None:
        self.fautes = tuple(fautes)
        super().__init__("; ".join(self.fautes))


@dataclass(frozen=True, kw_only=True)
class Theme:
    """A heading of the catalogue; `rang` orders headings, lowest first."""

    code: str
    rang: int
    titre_fr: str
    titre_en: str


@dataclass(frozen=True, kw_only=True)
class TypeDemande:
    """One kind of request that a person can make (DEM-01).

    Attributes:
        mots_cles: further words, in both languages, under which it is found.
        compte_requis: shown with a padlock; only a person logged in can make it.
    """

    code: str
    theme: str
    titre_fr: str
    titre_en: str
    description_fr: str
    description_en: str
    mots_cles: tuple[str, ...]
    compte_requis: bool


@dataclass(frozen=True, kw_only=True)
class Catalogue:
    """All themes and types of a city."""

    themes: tuple[Theme, ...]
    types: tuple[TypeDemande, ...]


@dataclass(frozen=True, kw_only=True)
class TypePublie:
    """One line of the list: a type with the texts of its theme."""

    type_demande: TypeDemande
    theme: Theme


def verifier(catalogue: Catalogue) -> None:
    """Check a catalogue as a whole.

    Raises: CatalogueInvalide: with every fault, so that one reading of the message mends the file.
    """
    themes = [theme.code for theme in catalogue.themes]
    types = [type_demande.code for type_demande in catalogue.types]
    fautes = [f"code {code!r} is not [a-z][a-z0-9_]*" for code in themes + types if _mauvais(code)]
    fautes += [f"theme {code} comes twice" for code in _doubles(themes)]
    fautes += [f"type {code} comes twice" for code in _doubles(types)]
    for type_demande in catalogue.types:
        if type_demande.theme not in themes:
            fautes.append(f"type {type_demande.code}: theme {type_demande.theme!r} does not exist")
        titres = (type_demande.titre_fr, type_demande.titre_en)
        textes = (*titres, type_demande.description_fr, type_demande.description_en)
        if not all(texte.strip() for texte in textes):
            fautes.append(f"type {type_demande.code}: a text is empty")
    if fautes:
        raise CatalogueInvalide(fautes)


def mots_cherches(recherche: str) -> tuple[str, ...]:
    """Reduce what a person typed to the word beginnings to look for.

    Returns: folded words; none when nothing but small words was typed, which lists everything.
    Raises: RechercheInvalide.
    """
    if len(recherche) > RECHERCHE_MAX:
        raise RechercheInvalide
    return tuple(dict.fromkeys(_mots(recherche)))


def texte_de_recherche(type_demande: TypeDemande, theme: Theme) -> str:
    """Give the stored form of everything under which a type is found.

    Returns: folded words, each once, each after one space, so that " mot" finds beginnings only.
    """
    textes = (
        type_demande.titre_fr,
        type_demande.titre_en,
        type_demande.description_fr,
        type_demande.description_en,
        *type_demande.mots_cles,
        theme.titre_fr,
        theme.titre_en,
    )
    return "".join(f" {mot}" for mot in dict.fromkeys(_mots(" ".join(textes))))


def cle_de_tri(titre: str) -> str:
    """Give a text whose byte order is the French dictionary order of titles.

    Letters first, then accents from the end of the word (Canadian French: cote, côte, coté, côté),
    then case. Punctuation and spaces between words count as one space.
    """
    decompose = unicodedata.normalize("NFD", titre.translate(_LIGATURES))
    lettres: list[str] = []
    accents: list[str] = []
    for signe in decompose:
        if unicodedata.combining(signe):
            if accents:
                accents[-1] += f"{ord(signe):04x}"
        elif signe.isalnum():
            lettres.append(signe)
            accents.append("")
        elif lettres and lettres[-1] != " ":
            lettres.append(" ")
            accents.append("")
    base = "".join(lettres).strip()
    rangs = ".".join(accent or "0" for accent in reversed(accents[: len(base)]))
    return f"{base.lower()}\x01{rangs}\x01{base.swapcase()}"


def _mauvais(code: str) -> bool:
    return _CODE.fullmatch(code) is None


def _doubles(codes: list[str]) -> list[str]:
    return sorted({code for code in codes if codes.count(code) > 1})


def _mots(texte: str) -> list[str]:
    """Fold a text: no accents, no case, no plurals, no small words."""
    decompose = unicodedata.normalize("NFD", texte.translate(_LIGATURES).lower())
    sans_accents = "".join(signe for signe in decompose if not unicodedata.combining(signe))
    return [_singulier(mot) for mot in _MOT.findall(sans_accents) if mot not in _MOTS_VIDES]


def _singulier(mot: str) -> str:
    """Bring French and English plurals to one form: animaux, travaux, rues, eaux, cities."""
    if len(mot) < _RADICAL_MIN:
        return mot
    for fin, singulier in _PLURIELS:
        if mot.endswith(fin):
            return mot.removesuffix(fin) + singulier
    return mot
