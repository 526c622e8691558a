"""How a space is ordered and searched: keys made here and stored, the same on every PostgreSQL.

The database may have no ICU and no trigram (conception 3), so nothing is left to its collations.
"""

import re
import unicodedata
from dataclasses import dataclass
from enum import StrEnum

from services.stockage.domain.piece import Fiche

RECHERCHE_MAX = 100
_MOTS_MAX = 8
# Index entries have a size: what follows so many letters no longer orders anything.
_BASE_MAX = 240
_ACCENTS_MAX = 80
_CHIFFRES = 12
_LIGATURES = str.maketrans({"œ": "oe", "æ": "ae", "ß": "ss", "’": "'"})


class TriPiece(StrEnum):
    """What a list is ordered by."""

    DATE = "DATE"
    NOM = "NOM"
    GENRE = "GENRE"
    VALIDITE = "VALIDITE"
    TAILLE = "TAILLE"


# Newest, A to Z, soonest end and largest first.
DESCENDANTS = frozenset({TriPiece.DATE, TriPiece.TAILLE})


@dataclass(frozen=True, kw_only=True)
class Classement:
    """An order of the list."""

    tri: TriPiece = TriPiece.DATE
    descendant: bool = True


def plier(texte: str) -> str:
    """Fold a text for the search: no case, no accent, no ligature, spaces made one."""
    bases, _ = _decomposer(texte)
    return " ".join("".join(bases).split())


def texte_cherche(nom: str, fiche: Fiche) -> str:
    """Give what a search looks into: the name and the label of a document."""
    return plier(f"{nom} {fiche.libelle}")


def mots_cherches(recherche: str) -> tuple[str, ...]:
    """Give the folded words of a search, 8 at most."""
    return tuple(plier(recherche[:RECHERCHE_MAX]).split()[:_MOTS_MAX])


def cle_de_nom(nom: str) -> str:
    """Give the key that orders names as a French dictionary does, byte by byte.

    Letters first, without accents or case, numbers by their value; then the accents from the end of
    the word, as in French: cote, côte, coté, côté.
    """
    bases, accents = _decomposer(nom)
    base = re.sub(
        r"\d+", lambda nombre: nombre.group().lstrip("0").zfill(_CHIFFRES), "".join(bases)
    )
    second = "".join(reversed(accents)).rstrip()
    return f"{base[:_BASE_MAX]}\x01{second[:_ACCENTS_MAX]}"


def _decomposer(texte: str) -> tuple[list[str], list[str]]:
    """Split a text in folded letters and, letter by letter, the accent of each (" " for none)."""
    bases: list[str] = []
    accents: list[str] = []
    for signe in unicodedata.normalize("NFKD", texte.casefold().translate(_LIGATURES)):
        if not unicodedata.combining(signe):
            bases.append(signe)
            accents.append(" ")
        elif accents:
            accents[-1] = signe
    return bases, accents
