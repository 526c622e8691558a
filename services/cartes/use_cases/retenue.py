"""Documents that a request holds in the document space, and gives back when it fails.

The reference is taken before the transaction opens, because no session is kept open during a call.
So it can outlive a transaction that fails: what the committed request does not use is given back.
"""

import hashlib
import json
import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import date
from typing import Protocol
from uuid import UUID

from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from chassis import idempotency
from chassis.db import Sessions
from services.cartes.domain import (
    PieceRetenue,
    Regles,
    RolePiece,
    StockageIndisponible,
    verifier_preuve,
)
from services.cartes.persistence import pieces_de

_log = logging.getLogger(__name__)


class Stockage(Protocol):
    """Port to the document space."""

    def retenir(
        self, *, dossier_id: UUID, pieces: Mapping[RolePiece, str]
    ) -> Mapping[RolePiece, PieceRetenue]:
        """Hold documents for a case; holding one twice is holding it once.

        Raises: PieceIntrouvable, PieceNonSaine, StockageIndisponible.
        """

    def liberer(self, *, dossier_id: UUID, pieces: Sequence[str]) -> None:
        """Give documents back. Raises: StockageIndisponible."""


@dataclass(frozen=True)
class Cle:
    """Name of one act for idempotency, with the digest of what was asked."""

    request_id: str
    scope: str
    fingerprint: bytes

    @classmethod
    def de(cls, rpc: str, sujet: str, request_id: str, *demande: object) -> "Cle":
        """Make the key of an RPC by a person; `demande` is everything that was asked."""
        octets = json.dumps(demande, default=str, sort_keys=True).encode()
        return cls(request_id, f"{rpc}:{sujet}", hashlib.sha256(octets).digest())

    def reclamer(self, session: Session) -> str | None:
        """Return the result of the first time, None when this is it.

        Raises: RequestIdReused, InvalidRequestId.
        """
        return idempotency.claim(
            session,
            request_id=self.request_id,
            scope=self.scope,
            fingerprint=self.fingerprint,
        )

    def conclure(self, session: Session, result: object) -> None:
        """Store the result, before the commit."""
        idempotency.complete(
            session, request_id=self.request_id, scope=self.scope, result=str(result)
        )


@contextmanager
def pieces_retenues(
    *,
    sessions: Sessions,
    stockage: Stockage,
    regles: Regles,
    cle: Cle,
    dossier_id: UUID,
    pieces: Mapping[RolePiece, str],
    jour: date,
) -> Iterator[None]:
    """Hold checked documents around a transaction, and give unused ones back if it fails.

    Raises: PieceIntrouvable, PieceNonSaine, GenreNonAccepte, PieceExpiree, StockageIndisponible.
    """
    if not pieces:
        yield
        return
    retenues = stockage.retenir(dossier_id=dossier_id, pieces=pieces)
    try:
        for role, piece in retenues.items():
            verifier_preuve(piece, role, genres=regles.genres[role], jour=jour)
        yield
    except Exception:
        _rendre_inutilisees(sessions, stockage, cle, dossier_id, pieces)
        raise


def _rendre_inutilisees(
    sessions: Sessions,
    stockage: Stockage,
    cle: Cle,
    dossier_id: UUID,
    pieces: Mapping[RolePiece, str],
) -> None:
    """Give back what no committed request uses.

    A connection lost during COMMIT may have committed, and a twin of the same act may be about to:
    claiming the act's id once more waits for both to end. If the database cannot answer, nothing
    is given back: a useless reference does no harm, a missing one hides a proof from staff, and a
    retry of the act takes the same references again.
    """
    try:
        with sessions() as session:
            with suppress(idempotency.RequestIdReused, idempotency.InvalidRequestId):
                cle.reclamer(session)
            utilisees = pieces_de(session, dossier_id)
            session.rollback()
        inutiles = [piece_id for piece_id in pieces.values() if piece_id not in utilisees]
        if inutiles:
            stockage.liberer(dossier_id=dossier_id, pieces=inutiles)
    except (SQLAlchemyError, StockageIndisponible) as error:
        _log.warning("references kept after a failed act (%s)", type(error).__name__)
