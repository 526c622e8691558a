"""Reminders of the end of validity (STO-01): one for each end, whatever the worker went through."""

from datetime import datetime

from chassis import outbox
from chassis.db import Sessions
from espacecitoyen.stockage.v1.evenements_pb2 import PieceBientotExpiree
from services.stockage import persistence
from services.stockage.domain import Validite

LOT_RAPPELS = 200


def rappeler_validites(*, sessions: Sessions, validite: Validite, maintenant: datetime) -> int:
    """Publish `PieceBientotExpiree` for the documents that end soon and are still valid today.

    Invariant: the event and the note that it was published commit together, so that days without a
    worker delay a reminder and never double or lose it. Another end of validity, in the fields or
    with a new version, is another reminder.
    Returns: how many were published.
    """
    jour = validite.jour(maintenant)
    total = 0
    while True:
        with sessions.begin() as session:
            pieces = persistence.pieces_a_rappeler(
                session, jour=jour, jusqu_au=validite.bientot(jour), limite=LOT_RAPPELS
            )
            for piece in pieces:
                evenement = PieceBientotExpiree(
                    piece_id=str(piece.piece_id),
                    compte_id=str(piece.compte_id),
                    genre=piece.fiche.genre.value,
                    valide_jusqu_au=str(piece.fiche.valide_jusqu_au),
                )
                outbox.append(session, evenement, aggregate=str(piece.document))
            persistence.noter_rappel(session, pieces)
        total += len(pieces)
        if len(pieces) < LOT_RAPPELS:
            return total
