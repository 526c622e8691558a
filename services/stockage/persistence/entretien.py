"""What the integrity check and the sweep ask: objects and who names them, a lot at a time."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import bindparam, text
from sqlalchemy.orm import Session

from services.stockage.domain import Piece, StatutPiece
from services.stockage.persistence.rangees import AVEC_USAGE, vers_piece
from services.stockage.persistence.tables import PIECE


@dataclass(frozen=True, slots=True)
class Nomme:
    """An object that a row names: a document's, or that of a part of an upload."""

    objet: str
    sha256: bytes
    en_quarantaine: bool
    piece_id: UUID | None


# Both kinds of rows, in the one order in which they are read. The parts of uploads come in the same
# order of names, so that a lot is two short reads of an index.
_PIECES = text(
    "SELECT objet_nom, objet_sha256, statut = 'EN_ANALYSE', piece_id FROM piece"
    " WHERE objet_nom > :apres ORDER BY objet_nom LIMIT :limite"
)
_SEGMENTS = text(
    "SELECT objet_nom, objet_sha256, true, NULL::uuid FROM segment"
    " WHERE objet_nom > :apres ORDER BY objet_nom LIMIT :limite"
)
_CONNUS = text(
    "SELECT objet_nom FROM piece WHERE objet_nom IN :noms"
    " UNION ALL SELECT objet_nom FROM segment WHERE objet_nom IN :noms"
).bindparams(bindparam("noms", expanding=True))
# A row that its owner deleted, that no case uses and no hold keeps: something forgot to end it.
_SANS_REFERENCE = text(
    "SELECT piece_id, objet_nom FROM piece WHERE retiree_le IS NOT NULL"
    " AND NOT EXISTS (SELECT FROM retenue"
    " WHERE retenue.piece_id = piece.piece_id AND liberee_le IS NULL)"
    " AND NOT EXISTS (SELECT FROM gel WHERE gel.compte_id = piece.compte_id AND leve_le IS NULL"
    " AND (gel.document_id IS NULL OR gel.document_id = piece.document_id))"
    " ORDER BY piece_id"
)


def compter_nommes(session: Session) -> int:
    """Count the objects that rows name."""
    requete = text(
        "SELECT (SELECT count(*) FROM piece WHERE objet_nom IS NOT NULL)"
        " + (SELECT count(*) FROM segment)"
    )
    return int(session.execute(requete).scalar_one())


def lister_nommes(session: Session, *, apres: str, limite: int) -> list[Nomme]:
    """List the objects that rows name, in the order of names, from after one of them."""
    parametres = {"apres": apres, "limite": limite}
    rangees = [*session.execute(_PIECES, parametres), *session.execute(_SEGMENTS, parametres)]
    nommes = [Nomme(nom, sha256 or b"", attend, piece) for nom, sha256, attend, piece in rangees]
    return sorted(nommes, key=lambda nomme: nomme.objet)[:limite]


def noms_connus(session: Session, noms: Sequence[str]) -> set[str]:
    """Tell which of those objects a row names."""
    return set(session.scalars(_CONNUS, {"noms": list(noms)}))


def lister_sans_reference(session: Session) -> list[tuple[UUID, str]]:
    """List the documents that nobody sees and nothing keeps, with their object."""
    return [(piece_id, nom or "-") for piece_id, nom in session.execute(_SANS_REFERENCE)]


def lister_a_reexaminer(
    session: Session, *, avant: dt.datetime, apres: UUID, limite: int
) -> list[UUID]:
    """List the sound documents that were last judged before then, from after an id."""
    requete = text(
        "SELECT piece_id FROM piece WHERE statut = 'SAINE' AND piece_id > :apres"
        " AND coalesce(analysee_le, deposee_le) < :avant ORDER BY piece_id LIMIT :limite"
    )
    return list(session.scalars(requete, {"avant": avant, "apres": apres, "limite": limite}))


def lire_saine(session: Session, piece_id: UUID, *, verrou: bool = False) -> Piece | None:
    """Find a sound document of any account; locked when `verrou`."""
    requete = AVEC_USAGE.where(
        PIECE.c.piece_id == piece_id, PIECE.c.statut == StatutPiece.SAINE.value
    )
    if verrou:
        requete = requete.with_for_update(of=PIECE)
    rangee = session.execute(requete).one_or_none()
    return None if rangee is None else vers_piece(rangee)


def est_retiree(session: Session, piece_id: UUID) -> bool:
    """Tell whether the owner deleted a document, which then counts in no space."""
    requete = text("SELECT retiree_le IS NOT NULL FROM piece WHERE piece_id = :piece_id")
    return bool(session.scalar(requete, {"piece_id": piece_id}))


def noter_examen(session: Session, piece_id: UUID, *, maintenant: dt.datetime) -> None:
    """Write when a document was judged again."""
    requete = text("UPDATE piece SET analysee_le = :le WHERE piece_id = :piece_id")
    session.execute(requete, {"le": maintenant, "piece_id": piece_id})
