"""Rights over a space: everything that it says of its owner, and its end (IDN-22)."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from sqlalchemy.orm import Session

from chassis import idempotency, outbox
from chassis.db import Sessions
from espacecitoyen.stockage.v1.evenements_pb2 import EspaceEfface
from services.stockage import persistence
from services.stockage.domain import (
    Conservation,
    Consultation,
    Piece,
    Utilisation,
    Validite,
)
from services.stockage.use_cases.ports import Coffre

GEL = "GEL"
DOSSIER = "DOSSIER"
CONSULTATIONS_MAX = 100


@dataclass(frozen=True, kw_only=True)
class Exportee:
    """One version of one document, with where it is used and who read it."""

    piece: Piece
    utilisations: Sequence[Utilisation]
    consultations: Sequence[Consultation]


@dataclass(frozen=True, kw_only=True)
class Conservee:
    """A version that an erasure leaves, why, and until when if that is known."""

    piece_id: UUID
    raison: str
    service: str = ""
    dossier_id: str = ""
    jusqu_au: date | None = None


@dataclass(frozen=True, kw_only=True)
class BilanEffacement:
    """Versions that are gone, and those that stay."""

    effacees: int
    conservees: Sequence[Conservee]


def exporter_espace(*, sessions: Sessions, compte_id: UUID) -> Iterator[Exportee]:
    """Give every version of every document of an account, those that a case alone keeps included.

    The session is not kept while a consumer reads slowly.
    """
    with sessions() as session:
        pieces = list(persistence.lister_toutes(session, compte_id=compte_id))
    for piece in pieces:
        with sessions() as session:
            utilisations = persistence.lister_retenues(session, document_id=piece.document)
            consultations = persistence.lister_consultations(
                session, document_id=piece.document, limite=CONSULTATIONS_MAX
            )
        yield Exportee(
            piece=piece,
            utilisations=[u for u in utilisations if u.piece.piece_id == piece.piece_id],
            consultations=[c for c in consultations if c.piece_id == piece.piece_id],
        )


def effacer_espace(
    *,
    sessions: Sessions,
    coffre: Coffre,
    conservation: Conservation,
    validite: Validite,
    compte_id: UUID,
    request_id: str,
    essai: bool,
    maintenant: datetime,
) -> BilanEffacement:
    """Erase a space, but what a hold or a case keeps by law; that goes by itself afterwards.

    With `essai`, says what would go and stay, and changes nothing. When nothing stays, the row of
    the space goes too, and with it the key of the account: copies of the bytes in backups cannot be
    read any more (R54).
    Returns: what went and what stays; a repeated request counts what went the first time.
    Raises: RequestIdReused, InvalidRequestId.
    """
    scope = f"EffacerEspace:{compte_id}"
    with sessions.begin() as session:
        espace = persistence.lire_espace(session, compte_id, verrou=True)
        pieces = list(persistence.lister_toutes(session, compte_id=compte_id, verrou=True))
        conservees = _conservees(session, pieces, conservation, validite)
        partantes = [piece for piece in pieces if not (piece.utilisee or piece.gelee)]
        if essai:
            return BilanEffacement(effacees=len(partantes), conservees=conservees)
        deja = idempotency.claim(
            session, request_id=request_id, scope=scope, fingerprint=b"effacer"
        )
        if deja is not None:
            return BilanEffacement(effacees=int(deja), conservees=conservees)
        if espace is not None:
            persistence.retirer(session, pieces, maintenant=maintenant)
            persistence.compter(
                session,
                compte_id,
                octets=-espace.octets_utilises,
                pieces=-espace.nombre_pieces,
            )
            _terminer(session, compte_id, reste=bool(conservees), maintenant=maintenant)
        idempotency.complete(
            session, request_id=request_id, scope=scope, result=str(len(partantes))
        )
    for piece in partantes:
        if piece.objet is not None:
            coffre.supprimer(piece.zone, piece.objet.nom)
    return BilanEffacement(effacees=len(partantes), conservees=conservees)


def _terminer(session: Session, compte_id: UUID, *, reste: bool, maintenant: datetime) -> None:
    if reste:
        persistence.demander_effacement(session, compte_id, maintenant=maintenant)
        return
    persistence.oublier_consultations(session, compte_id=compte_id)
    persistence.supprimer_espace(session, compte_id)
    outbox.append(session, EspaceEfface(compte_id=str(compte_id)), aggregate=str(compte_id))


def _conservees(
    session: Session,
    pieces: Sequence[Piece],
    conservation: Conservation,
    validite: Validite,
) -> list[Conservee]:
    conservees = [Conservee(piece_id=piece.piece_id, raison=GEL) for piece in pieces if piece.gelee]
    for document_id in sorted({piece.document for piece in pieces if piece.utilisee}):
        for utilisation in persistence.lister_retenues(session, document_id=document_id):
            fin = conservation.fin(utilisation)
            conservees.append(
                Conservee(
                    piece_id=utilisation.piece.piece_id,
                    raison=DOSSIER,
                    service=utilisation.service,
                    dossier_id=utilisation.dossier_id,
                    jusqu_au=None if fin is None else validite.jour(fin),
                )
            )
    return conservees
