"""Who may read the bytes of a document, and the trace that it leaves (STO-02, STO-03, T14)."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy.orm import Session

from chassis import outbox
from chassis.db import Sessions
from espacecitoyen.stockage.v1.evenements_pb2 import PieceConsultee
from services.stockage import persistence
from services.stockage.domain import (
    SERVICE_DU_ROLE,
    Espace,
    Piece,
    PieceAlteree,
    PieceIntrouvable,
    PieceNonSaine,
    StatutPiece,
    TypeMedia,
)
from services.stockage.use_cases.ports import Analyseur, Coffre, Lecture


@dataclass(frozen=True, kw_only=True)
class Lecteur:
    """Who asks, as the verified token says, and the case that they name."""

    sujet_id: UUID
    roles: frozenset[str]
    motif: str
    dossier_id: str


@contextmanager
def lire_piece(
    *, sessions: Sessions, coffre: Coffre, lecteur: Lecteur, piece_id: UUID
) -> Iterator[tuple[Piece, Lecture]]:
    """Open a document for its owner, or for an agent whose case holds a reference to it.

    The trace `PieceConsultee` of an agent's reading is committed before the first byte leaves.
    Raises: PieceIntrouvable (also for who has no right: both look the same), PieceNonSaine,
        PieceAlteree, then or while the bytes are read.
    """
    with sessions.begin() as session:
        piece, espace = _autoriser(session, lecteur, piece_id)
    if piece.objet is None:
        raise PieceAlteree
    with coffre.ouvrir(espace, piece.zone, piece.objet) as lecture:
        yield piece, lecture


def apercu_piece(
    *,
    sessions: Sessions,
    coffre: Coffre,
    analyseur: Analyseur,
    lecteur: Lecteur,
    piece_id: UUID,
    page: int,
) -> tuple[Piece, bytes]:
    """Render a page, from 1, as a PNG of 1,600 pixels at most, nothing active in it (STO-03).

    Raises: what `lire_piece` raises, DonneesInvalides (no such page), ControleIndisponible.
    """
    with lire_piece(sessions=sessions, coffre=coffre, lecteur=lecteur, piece_id=piece_id) as (
        piece,
        lecture,
    ):
        type_media = piece.type_media or TypeMedia.PDF
        return piece, analyseur.apercu(lecture, type_media, page)


def _autoriser(session: Session, lecteur: Lecteur, piece_id: UUID) -> tuple[Piece, Espace]:
    siennes = persistence.lire_pieces(session, compte_id=lecteur.sujet_id, piece_ids=[piece_id])
    piece = siennes.get(piece_id) or _lire_pour_agent(session, lecteur, piece_id)
    if piece is None:
        raise PieceIntrouvable
    if piece.statut is not StatutPiece.SAINE:
        raise PieceNonSaine(piece_id=str(piece_id))
    espace = persistence.lire_espace(session, piece.compte_id)
    if espace is None:
        raise PieceIntrouvable
    return piece, espace


def _lire_pour_agent(session: Session, lecteur: Lecteur, piece_id: UUID) -> Piece | None:
    """Find a document for staff: a purpose, and a case of their own service that uses it."""
    if not lecteur.motif or not lecteur.dossier_id:
        return None
    services = {SERVICE_DU_ROLE[role] for role in lecteur.roles if role in SERVICE_DU_ROLE}
    for service in sorted(services):
        piece = persistence.lire_piece_retenue(
            session, piece_id=piece_id, service=service, dossier_id=lecteur.dossier_id
        )
        if piece is not None:
            evenement = PieceConsultee(
                piece_id=str(piece_id),
                compte_id=str(piece.compte_id),
                lecteur_id=str(lecteur.sujet_id),
                motif=lecteur.motif,
                dossier_id=lecteur.dossier_id,
            )
            outbox.append(session, evenement, aggregate=str(piece_id))
            return piece
    return None
