"""Documents that passed are judged again when the antivirus knows more (R48)."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID

from chassis import outbox
from chassis.db import Sessions
from espacecitoyen.stockage.v1.evenements_pb2 import PieceRejetee
from services.stockage import persistence
from services.stockage.domain import (
    ControleIndisponible,
    Piece,
    PieceAlteree,
    PieceInfectee,
    StatutPiece,
)
from services.stockage.persistence import entretien as rangees
from services.stockage.use_cases.depot import sans_restes
from services.stockage.use_cases.ports import Antivirus, CleEffacee, Coffre

LOT = 100
# Signatures come each day: older ones than this mean that nobody fetches them (R48).
SIGNATURES_MAX = timedelta(hours=48)


@dataclass
class BilanReexamen:
    """What a pass found.

    Attributes:
        saines: documents that passed again.
        infectees: documents that did not: their bytes are gone, their row tells why.
        gelees: documents under a legal hold that did not pass: nothing was touched, staff decides.
        illisibles: documents whose bytes are not what was written; `verifier` names them.
        complet: False when the antivirus went away before the end.
    """

    saines: int = 0
    infectees: int = 0
    gelees: int = 0
    illisibles: int = 0
    complet: bool = True


def reexaminer(
    *,
    sessions: Sessions,
    coffre: Coffre,
    antivirus: Antivirus,
    avant: datetime,
    horloge: Callable[[], datetime],
) -> BilanReexamen:
    """Judge again the documents that were last judged before `avant`, one after the other.

    Restartable: each document keeps the time of its last control. A document that is found bad
    ends as one that was refused after a wait: `PieceRejetee`, a row without bytes.
    """
    bilan = BilanReexamen()
    apres = UUID(int=0)
    while True:
        with sessions() as session:
            lot = rangees.lister_a_reexaminer(session, avant=avant, apres=apres, limite=LOT)
        for piece_id in lot:
            try:
                _juger(sessions, coffre, antivirus, piece_id, horloge, bilan)
            except ControleIndisponible:
                bilan.complet = False
                return bilan
        if len(lot) < LOT:
            return bilan
        apres = lot[-1]


def _juger(
    sessions: Sessions,
    coffre: Coffre,
    antivirus: Antivirus,
    piece_id: UUID,
    horloge: Callable[[], datetime],
    bilan: BilanReexamen,
) -> None:
    with sessions() as session:
        piece = rangees.lire_saine(session, piece_id)
        espace = None if piece is None else persistence.lire_espace(session, piece.compte_id)
    if piece is None or espace is None or piece.objet is None:
        return
    try:
        with coffre.ouvrir(espace, piece.zone, piece.objet) as lecture:
            mauvaise = antivirus.examiner(lecture.blocs()) is not None
    except (PieceAlteree, CleEffacee):
        bilan.illisibles += 1
        return
    if not mauvaise:
        with sessions.begin() as session:
            rangees.noter_examen(session, piece_id, maintenant=horloge())
        bilan.saines += 1
    elif piece.gelee:
        bilan.gelees += 1
    else:
        _condamner(sessions, coffre, piece)
        bilan.infectees += 1


def _condamner(sessions: Sessions, coffre: Coffre, lue: Piece) -> None:
    """Write the end of a document that passed before; its row stays to tell."""
    with sans_restes(coffre) as restes, sessions.begin() as session:
        # The space first, as an upload does: one order of locks for all.
        persistence.lire_espace(session, lue.compte_id, verrou=True)
        piece = rangees.lire_saine(session, lue.piece_id, verrou=True)
        if piece is None or piece.objet is None:
            return
        infectee = replace(piece, statut=StatutPiece.INFECTEE, objet=None, taille_octets=0)
        persistence.changer_contenu(session, infectee, raison=PieceInfectee.raison)
        if not rangees.est_retiree(session, piece.piece_id):
            persistence.compter(session, piece.compte_id, octets=-piece.taille_octets, pieces=0)
        evenement = PieceRejetee(
            piece_id=str(piece.piece_id),
            compte_id=str(piece.compte_id),
            raison=PieceInfectee.raison,
        )
        outbox.append(session, evenement, aggregate=str(piece.piece_id))
        restes.add((piece.zone, piece.objet.nom))
