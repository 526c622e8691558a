"""The fields of a document and its end (STO-01). Reads go straight to `persistence`."""

import hashlib
from collections.abc import Callable
from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from chassis import idempotency
from chassis.db import Sessions
from services.stockage import persistence
from services.stockage.domain import Fiche, Piece, PieceGelee, PieceIntrouvable
from services.stockage.use_cases.ports import Coffre


def une_fois(
    session: Session, *, request_id: str, scope: str, contenu: tuple[str, ...]
) -> Callable[[str], None] | None:
    """Take a request id. Returns: what stores the result, None when the act was done before.

    Raises: RequestIdReused, InvalidRequestId.
    """
    empreinte = hashlib.sha256("\0".join(contenu).encode()).digest()
    deja = idempotency.claim(session, request_id=request_id, scope=scope, fingerprint=empreinte)
    if deja is not None:
        return None

    def conclure(resultat: str) -> None:
        idempotency.complete(session, request_id=request_id, scope=scope, result=resultat)

    return conclure


def modifier_piece(
    *, sessions: Sessions, compte_id: UUID, request_id: str, piece_id: UUID, fiche: Fiche
) -> Piece:
    """Change what the owner says of a document, not its file.

    Returns: the document as it is now.
    Raises: PieceIntrouvable, RequestIdReused, InvalidRequestId.
    """
    contenu = (str(piece_id), fiche.genre, fiche.libelle, str(fiche.valide_jusqu_au))
    with sessions.begin() as session:
        conclure = une_fois(
            session,
            request_id=request_id,
            scope=f"ModifierPiece:{compte_id}",
            contenu=contenu,
        )
        if conclure is not None:
            piece = _exiger(session, compte_id, piece_id, verrou=True)
            persistence.changer_fiche(session, piece, fiche)
            conclure(str(piece_id))
        return _exiger(session, compte_id, piece_id)


def supprimer_piece(
    *,
    sessions: Sessions,
    coffre: Coffre,
    compte_id: UUID,
    request_id: str,
    piece_id: UUID,
    maintenant: datetime,
) -> None:
    """Delete a document from its owner's space; what a case retained stays for that case (STO-02).

    The current version takes the others with it, an older one goes alone. The rows go first: bytes
    without a row are nobody's, a row without bytes would be a loss.
    Raises: PieceIntrouvable, PieceGelee, RequestIdReused, InvalidRequestId.
    """
    with sessions.begin() as session:
        conclure = une_fois(
            session,
            request_id=request_id,
            scope=f"SupprimerPiece:{compte_id}",
            contenu=(str(piece_id),),
        )
        if conclure is None:
            return
        # The space first, as an upload does: one order of locks for all.
        persistence.lire_espace(session, compte_id, verrou=True)
        piece = _exiger(session, compte_id, piece_id)
        if piece.gelee:
            raise PieceGelee(piece_id=str(piece_id))
        retirees = _versions_a_retirer(session, piece)
        persistence.retirer(session, retirees, maintenant=maintenant)
        octets = sum(version.taille_octets for version in retirees)
        documents = 1 if len(retirees) == piece.versions else 0
        persistence.compter(session, compte_id, octets=-octets, pieces=-documents)
        conclure(str(piece_id))
    for version in retirees:
        if version.objet is not None and not version.utilisee:
            coffre.supprimer(version.zone, version.objet.nom)


def _versions_a_retirer(session: Session, piece: Piece) -> list[Piece]:
    """Give the versions that go with one, locked: all with the current one, else this one."""
    versions = persistence.lister_document(
        session, compte_id=piece.compte_id, document_id=piece.document, verrou=True
    )
    if piece.courante:
        return versions
    return [version for version in versions if version.piece_id == piece.piece_id]


def _exiger(session: Session, compte_id: UUID, piece_id: UUID, *, verrou: bool = False) -> Piece:
    pieces = persistence.lire_pieces(
        session, compte_id=compte_id, piece_ids=[piece_id], verrou=verrou
    )
    if piece_id not in pieces:
        raise PieceIntrouvable
    return pieces[piece_id]
