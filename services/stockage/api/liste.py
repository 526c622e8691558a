"""What a list request asks, and its cursor: opaque to clients, good for one order."""

import base64
import binascii
import datetime as dt
import json
from collections.abc import Callable, Mapping
from typing import Any
from uuid import UUID

from espacecitoyen.stockage.v1 import stockage_service_pb2 as pb
from services.stockage import domain
from services.stockage.domain import (
    DESCENDANTS,
    Classement,
    DonneesInvalides,
    EtatValidite,
    GenrePiece,
    StatutPiece,
    TriPiece,
    Validite,
)
from services.stockage.persistence import Curseur, Filtre

PAGE_DEFAUT = 20
PAGE_MAX = 100

_SANS_FIN = "infinity"


def _fin(texte: str) -> None:
    if texte != _SANS_FIN:
        dt.date.fromisoformat(texte)


# What each value of a cursor must be able to be, so that a forged one fails here.
_VALEURS: Mapping[TriPiece, tuple[Callable[[str], Any], ...]] = {
    TriPiece.DATE: (dt.datetime.fromisoformat,),
    TriPiece.NOM: (str,),
    TriPiece.GENRE: (int, dt.datetime.fromisoformat),
    TriPiece.VALIDITE: (_fin,),
    TriPiece.TAILLE: (int,),
}


def lire_taille(page_size: int) -> int:
    """Read the size of a page. Raises: DonneesInvalides."""
    if page_size < 0:
        raise DonneesInvalides({"page_size": "TAILLE_INVALIDE"})
    return min(page_size or PAGE_DEFAUT, PAGE_MAX)


def lire_classement(request: pb.ListPiecesRequest) -> Classement:
    """Read the order that is asked. Raises: DonneesInvalides."""
    nom = _nom(pb.TriPiece, request.tri, "TRI_PIECE_", champ="tri")
    tri = TriPiece[nom] if nom else TriPiece.DATE
    ordre = _nom(pb.OrdrePiece, request.ordre, "ORDRE_PIECE_", champ="ordre")
    descendant = ordre == "DECROISSANT" if ordre else tri in DESCENDANTS
    return Classement(tri=tri, descendant=descendant)


def lire_filtre(request: pb.ListPiecesRequest, *, validite: Validite, jour: dt.date) -> Filtre:
    """Read what the list keeps. Raises: DonneesInvalides."""
    genre = _nom(pb.GenrePiece, request.genre, "GENRE_PIECE_", champ="genre")
    statut = _nom(pb.StatutPiece, request.statut, "STATUT_PIECE_", champ="statut")
    etat = _nom(pb.EtatValidite, request.validite, "ETAT_VALIDITE_", champ="validite")
    if len(request.recherche) > domain.RECHERCHE_MAX:
        raise DonneesInvalides({"recherche": "RECHERCHE_TROP_LONGUE"})
    return Filtre(
        genre=GenrePiece[genre] if genre else None,
        statut=StatutPiece[statut] if statut else None,
        validite=EtatValidite[etat] if etat else None,
        mots=domain.mots_cherches(request.recherche),
        jour=jour,
        bientot=validite.bientot(jour),
    )


def ecrire_curseur(classement: Classement, suite: Curseur | None) -> str:
    """Write where the next page begins, "" on the last one."""
    if suite is None:
        return ""
    texte = json.dumps([classement.tri, classement.descendant, *suite])
    return base64.urlsafe_b64encode(texte.encode()).decode()


def lire_curseur(curseur: str, classement: Classement) -> Curseur | None:
    """Read where a page begins, None for the first one. Raises: DonneesInvalides."""
    if not curseur:
        return None
    try:
        tri, descendant, *valeurs = json.loads(base64.urlsafe_b64decode(curseur))
        if (tri, descendant) != (classement.tri, classement.descendant):
            raise ValueError(tri)  # noqa: TRY301 - all that is wrong ends alike
        for lire, valeur in zip((*_VALEURS[classement.tri], UUID), valeurs, strict=True):
            lire(valeur)
    except (ValueError, TypeError, AttributeError, binascii.Error) as erreur:
        raise DonneesInvalides({"page_token": "CURSEUR_INVALIDE"}) from erreur
    return tuple(map(str, valeurs))


def _nom(enumeration: Any, valeur: int, prefixe: str, *, champ: str) -> str:
    """Give the name of an enum value, "" when it is unset."""
    if valeur not in enumeration.values():
        raise DonneesInvalides({champ: "VALEUR_INCONNUE"})
    return str(enumeration.Name(valeur)).removeprefix(prefixe) if valeur else ""
