"""What clamd leaves to do when it is away: documents that wait for their control (R46)."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from chassis import outbox
from chassis.db import Sessions
from espacecitoyen.stockage.v1.evenements_pb2 import PieceRejetee
from services.stockage import persistence
from services.stockage.domain import (
    REFUS,
    TENTATIVES_MAX,
    ControleImpossible,
    ControleIndisponible,
    Piece,
    PieceAlteree,
    PieceInfectee,
    StatutPiece,
    Zone,
)
from services.stockage.use_cases.depot import Controle, annoncer, controler, sans_restes
from services.stockage.use_cases.ports import Coffre

LOT_REPRISE = 100
CONTROLE_IMPOSSIBLE = "CONTROLE_IMPOSSIBLE"


@dataclass
class Bilan:
    """How many documents a pass found sound, refused, or left waiting."""

    saines: int = 0
    refusees: int = 0
    en_attente: int = 0


def reprendre_pieces(
    *, sessions: Sessions, controle: Controle, horloge: Callable[[], datetime]
) -> Bilan:
    """Judge the documents that wait in quarantine, oldest first (R46).

    Stops at the first one when nobody answers: the others would wait for nothing. Safe to run twice
    at once: the row is locked before its end is written, and the second one then gives up.
    """
    bilan = Bilan()
    with sessions() as session:
        attente = persistence.lister_attente(session, maintenant=horloge(), limite=LOT_REPRISE)
    for rang, (piece, espace) in enumerate(attente):
        try:
            saine = controler(controle, espace, piece)
        except ControleImpossible:
            _reporter(sessions, controle.coffre, piece, horloge(), bilan)
        except ControleIndisponible:
            bilan.en_attente += len(attente) - rang
            break
        except REFUS as fait:
            _refuser(sessions, controle.coffre, piece, fait.raison)
            bilan.refusees += 1
        else:
            _accepter(sessions, controle.coffre, saine, piece)
            bilan.saines += 1
    return bilan


def _accepter(sessions: Sessions, coffre: Coffre, saine: Piece, attendue: Piece) -> None:
    """Write the good end of a document that waited; the quota was asked when it came."""
    with sans_restes(coffre) as restes:
        restes.add(_lieu(saine))
        with sessions.begin() as session:
            if persistence.lire_en_analyse(session, saine.piece_id) is None:
                return
            persistence.changer_contenu(session, saine)
            ecart = saine.taille_octets - attendue.taille_octets
            persistence.compter(session, saine.compte_id, octets=ecart, pieces=0)
            annoncer(session, saine)
        restes.discard(_lieu(saine))
        restes.add(_lieu(attendue))


def _refuser(sessions: Sessions, coffre: Coffre, piece: Piece, raison: str) -> None:
    """Write the bad end of a document that waited: the row stays to tell, the bytes go."""
    infectee = raison == PieceInfectee.raison
    refusee = replace(
        piece,
        statut=StatutPiece.INFECTEE if infectee else StatutPiece.ERREUR,
        objet=None,
        taille_octets=0,
    )
    with sessions.begin() as session:
        if persistence.lire_en_analyse(session, piece.piece_id) is None:
            return
        persistence.changer_contenu(session, refusee, raison=raison)
        persistence.compter(session, piece.compte_id, octets=-piece.taille_octets, pieces=0)
        evenement = PieceRejetee(
            piece_id=str(piece.piece_id), compte_id=str(piece.compte_id), raison=raison
        )
        outbox.append(session, evenement, aggregate=str(piece.piece_id))
    coffre.supprimer(*_lieu(piece))


def _reporter(
    sessions: Sessions, coffre: Coffre, piece: Piece, maintenant: datetime, bilan: Bilan
) -> None:
    """Leave a document for later, each time twice as late, and give up after the last try."""
    if piece.tentatives + 1 >= TENTATIVES_MAX:
        _refuser(sessions, coffre, piece, CONTROLE_IMPOSSIBLE)
        bilan.refusees += 1
        return
    prochaine = maintenant + timedelta(seconds=30 * 2**piece.tentatives)
    with sessions.begin() as session:
        persistence.reporter(session, piece, prochaine=prochaine)
    bilan.en_attente += 1


def _lieu(piece: Piece) -> tuple[Zone, str]:
    """Where the bytes of a document are; only asked of one that has them."""
    if piece.objet is None:
        raise PieceAlteree
    return piece.zone, piece.objet.nom
