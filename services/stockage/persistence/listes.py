"""Lists of a space, by cursor, each order over its own index."""

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy.orm import Session

from chassis.db import Cursor
from services.stockage.domain import (
    Classement,
    EtatValidite,
    GenrePiece,
    Piece,
    StatutPiece,
    TriPiece,
)
from services.stockage.persistence.rangees import (
    AVEC_USAGE,
    COLONNES_CALCULEES,
    Lecteur,
    vers_piece,
)
from services.stockage.persistence.tables import PIECE

# The values of the order's columns in the last row of a page, as text, then its id.
Curseur = tuple[str, ...]

_RANG_GENRE = "(CASE genre WHEN 'IDENTITE' THEN 1 WHEN 'RESIDENCE' THEN 2 ELSE 3 END)"
_RANGS = {GenrePiece.IDENTITE: 1, GenrePiece.RESIDENCE: 2, GenrePiece.AUTRE: 3}
_FIN = "(COALESCE(valide_jusqu_au, 'infinity'::date))"
# Columns of an order and their types: the very expressions of the indexes of migration 0002.
_COLONNES: Mapping[TriPiece, tuple[tuple[str, str], ...]] = {
    TriPiece.DATE: (("deposee_le", "timestamptz"),),
    TriPiece.NOM: (("cle_nom", "text"),),
    TriPiece.GENRE: ((_RANG_GENRE, "integer"), ("deposee_le", "timestamptz")),
    TriPiece.VALIDITE: ((_FIN, "date"),),
    TriPiece.TAILLE: (("taille_octets", "bigint"),),
}


@dataclass(frozen=True, kw_only=True)
class Filtre:
    """What a list keeps; None and () keep everything. `jour` and `bientot` bound the validities."""

    genre: GenrePiece | None = None
    statut: StatutPiece | None = None
    validite: EtatValidite | None = None
    mots: Sequence[str] = ()
    jour: dt.date
    bientot: dt.date


def lister_pieces(
    cursor: Cursor,
    *,
    compte_id: UUID,
    filtre: Filtre,
    classement: Classement,
    apres: Curseur | None,
    limite: int,
) -> tuple[list[Piece], Curseur | None]:
    """List the current documents of a space: the home asks this.

    Returns: `limite` documents at most, and where the next page begins, None when there is none.
    """
    colonnes = (*_COLONNES[classement.tri], ("piece_id", "uuid"))
    conditions, valeurs = _conditions(filtre)
    sens = "DESC" if classement.descendant else "ASC"
    if apres is not None:
        gauche = ", ".join(sql for sql, _ in colonnes)
        droite = ", ".join(f"%(c{rang})s::{type_}" for rang, (_, type_) in enumerate(colonnes))
        conditions.append(f"({gauche}) {'<' if classement.descendant else '>'} ({droite})")
        valeurs |= {f"c{rang}": valeur for rang, valeur in enumerate(apres)}
    ordre = ", ".join(f"{sql} {sens}" for sql, _ in colonnes)
    cles = ", ".join(f"({sql})::text" for sql, _ in colonnes)
    rangees = cursor.execute(
        f"SELECT piece.*, {COLONNES_CALCULEES}, ARRAY[{cles}] AS cles"  # noqa: S608 - constants
        " FROM piece WHERE compte_id = %(compte_id)s AND retiree_le IS NULL AND courante"
        f"{''.join(f' AND {condition}' for condition in conditions)}"
        f" ORDER BY {ordre} LIMIT %(limite)s",
        # One more tells whether there is a next page.
        {**valeurs, "compte_id": compte_id, "limite": limite + 1},
    ).fetchall()
    suite = tuple(rangees[limite - 1].cles) if len(rangees) > limite else None
    return [vers_piece(rangee) for rangee in rangees[:limite]], suite


def _conditions(filtre: Filtre) -> tuple[list[str], dict[str, object]]:
    conditions: list[str] = []
    valeurs: dict[str, object] = {"jour": filtre.jour, "bientot": filtre.bientot}
    if filtre.genre is not None:
        conditions.append(f"{_RANG_GENRE} = %(rang)s")
        valeurs["rang"] = _RANGS[filtre.genre]
    if filtre.statut is not None:
        conditions.append("statut = %(statut)s")
        valeurs["statut"] = filtre.statut.value
    if filtre.validite is not None:
        conditions.append(_VALIDITES[filtre.validite])
    for rang, mot in enumerate(filtre.mots):
        conditions.append(f"strpos(recherche, %(mot{rang})s) > 0")
        valeurs[f"mot{rang}"] = mot
    return conditions, valeurs


_VALIDITES: Mapping[EtatValidite, str] = {
    EtatValidite.SANS_FIN: "valide_jusqu_au IS NULL",
    EtatValidite.EXPIREE: f"{_FIN} < %(jour)s",
    EtatValidite.BIENTOT_EXPIREE: f"{_FIN} BETWEEN %(jour)s AND %(bientot)s",
    EtatValidite.VALIDE: f"{_FIN} > %(bientot)s AND valide_jusqu_au IS NOT NULL",
}


def lister_document(
    lecteur: Lecteur, *, compte_id: UUID, document_id: UUID, verrou: bool = False
) -> list[Piece]:
    """List the versions of a document that its owner keeps, newest first; locked when `verrou`."""
    requete = AVEC_USAGE.where(
        PIECE.c.document_id == document_id,
        PIECE.c.compte_id == compte_id,
        PIECE.c.retiree_le.is_(None),
    )
    if verrou:
        requete = requete.order_by(PIECE.c.piece_id).with_for_update(of=PIECE)
    pieces = [vers_piece(rangee) for rangee in lecteur.execute(requete)]
    return sorted(pieces, key=lambda piece: -piece.version)


def lister_toutes(session: Session, *, compte_id: UUID, verrou: bool = False) -> Iterator[Piece]:
    """List every version of every document of an account; locked in the order of ids if `verrou`.

    Those that it deleted and a case or a hold still keeps are of them.
    """
    requete = AVEC_USAGE.where(PIECE.c.compte_id == compte_id).order_by(PIECE.c.piece_id)
    if verrou:
        requete = requete.with_for_update(of=PIECE)
    for rangee in session.execute(requete):
        yield vers_piece(rangee)
