"""Who may read a document, what they get of it, and the trace that it leaves (STO-02, STO-03)."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import Protocol
from uuid import UUID

from sqlalchemy.orm import Session

from chassis import outbox
from chassis.db import Sessions
from espacecitoyen.stockage.v1.evenements_pb2 import PieceConsultee
from services.stockage import persistence
from services.stockage.domain import (
    SERVICE_DU_ROLE,
    Consultation,
    Espace,
    FichierReserve,
    GenrePiece,
    Piece,
    PieceAlteree,
    PieceIntrouvable,
    PieceNonSaine,
    QualiteLecteur,
    StatutPiece,
    TypeMedia,
)
from services.stockage.use_cases.ports import Analyseur, Coffre, Lecture

FICHIER = "FICHIER"
APERCU = "APERCU"
BLOC = 64 * 1024
REPRESENTATION = "representation"


@dataclass(frozen=True, kw_only=True)
class Lecteur:
    """Who asks, as the verified token says, and the case that they name.

    Attributes:
        sujet_id: the person.
        compte_id: the account in whose name they read: theirs, or that of the child or mandator.
        roles: of the token.
        motif: purpose of the token.
        dossier_id: the case, for staff.
        nom: printed in the watermark beside the id, for staff; may be "".
    """

    sujet_id: UUID
    compte_id: UUID
    roles: frozenset[str]
    motif: str
    dossier_id: str
    nom: str = ""

    @property
    def qualite_propre(self) -> QualiteLecteur:
        """In what name they read the documents of `compte_id`."""
        if self.sujet_id == self.compte_id:
            return QualiteLecteur.PROPRIETAIRE
        return QualiteLecteur.REPRESENTANT


class Octets(Protocol):
    """What is served: a size known beforehand, and the bytes."""

    taille_octets: int

    def blocs(self) -> Iterator[bytes]:
        """Plain bytes, in blocks, from the start."""


class Depouille:
    """A file without what was active in it."""

    def __init__(self, octets: bytes) -> None:
        self.taille_octets = len(octets)
        self._octets = octets

    def blocs(self) -> Iterator[bytes]:
        """Give the file block by block."""
        for debut in range(0, self.taille_octets, BLOC):
            yield self._octets[debut : debut + BLOC]


@contextmanager
def lire_piece(
    *,
    sessions: Sessions,
    coffre: Coffre,
    analyseur: Analyseur,
    lecteur: Lecteur,
    piece_id: UUID,
    maintenant: datetime,
) -> Iterator[tuple[Piece, Octets]]:
    """Open the file of a document for its owner, or for an agent whose case holds a reference.

    Staff gets a PDF rebuilt without anything active, and no identity paper at all: it looks at
    watermarked pages of those. The trace of the reading is committed before the first byte leaves.
    Raises: PieceIntrouvable (also for who has no right: both look the same), PieceNonSaine,
        FichierReserve, PieceTronquee, ControleIndisponible, PieceAlteree, then or while the bytes
        are read.
    """
    with sessions.begin() as session:
        piece, espace, qualite = _autoriser(session, lecteur, piece_id)
        personnel = qualite is QualiteLecteur.PERSONNEL
        if personnel and piece.fiche.genre is GenrePiece.IDENTITE:
            raise FichierReserve(piece_id=str(piece_id))
        _consigner(session, lecteur, piece, qualite, FICHIER, maintenant)
    with _ouvrir(coffre, espace, piece) as lecture:
        if personnel and piece.type_media is TypeMedia.PDF:
            yield piece, Depouille(analyseur.depouiller(lecture))
        else:
            yield piece, lecture


def apercu_piece(
    *,
    sessions: Sessions,
    coffre: Coffre,
    analyseur: Analyseur,
    lecteur: Lecteur,
    piece_id: UUID,
    page: int,
    maintenant: datetime,
    zone: tzinfo,
) -> tuple[Piece, bytes]:
    """Render a page, from 1, as a PNG of 1,600 pixels at most, nothing active in it (STO-03).

    What staff sees bears who looks, when and why, all over the page (STO-05).
    Raises: PieceIntrouvable, PieceNonSaine, PieceAlteree, DonneesInvalides (no such page),
        ControleIndisponible.
    """
    with sessions.begin() as session:
        piece, espace, qualite = _autoriser(session, lecteur, piece_id)
        _consigner(session, lecteur, piece, qualite, APERCU, maintenant)
    personnel = qualite is QualiteLecteur.PERSONNEL
    filigrane = _filigrane(lecteur, maintenant.astimezone(zone)) if personnel else ()
    with _ouvrir(coffre, espace, piece) as lecture:
        type_media = piece.type_media or TypeMedia.PDF
        return piece, analyseur.apercu(lecture, type_media, page, filigrane)


def _ouvrir(coffre: Coffre, espace: Espace, piece: Piece) -> Lecture:
    if piece.objet is None:
        raise PieceAlteree
    return coffre.ouvrir(espace, piece.zone, piece.objet)


def _filigrane(lecteur: Lecteur, heure: datetime) -> tuple[str, ...]:
    """Give the lines of the watermark: who, when, why and for what case."""
    nom = (lecteur.nom,) if lecteur.nom else ()
    acte = f"{heure:%Y-%m-%d %H:%M %Z} {lecteur.motif}"
    return (*nom, str(lecteur.sujet_id), acte, lecteur.dossier_id)


def trouver_piece(
    session: persistence.Lecteur, lecteur: Lecteur, piece_id: UUID
) -> tuple[Piece, QualiteLecteur]:
    """Find a document that somebody may know of, and in what quality. Raises: PieceIntrouvable."""
    siennes = persistence.lire_pieces(session, compte_id=lecteur.compte_id, piece_ids=[piece_id])
    if piece_id in siennes:
        return siennes[piece_id], lecteur.qualite_propre
    piece = _lire_pour_agent(session, lecteur, piece_id)
    if piece is None:
        raise PieceIntrouvable
    return piece, QualiteLecteur.PERSONNEL


def _autoriser(
    session: Session, lecteur: Lecteur, piece_id: UUID
) -> tuple[Piece, Espace, QualiteLecteur]:
    piece, qualite = trouver_piece(session, lecteur, piece_id)
    if piece.statut is not StatutPiece.SAINE:
        raise PieceNonSaine(piece_id=str(piece_id))
    espace = persistence.lire_espace(session, piece.compte_id)
    if espace is None:
        raise PieceIntrouvable
    return piece, espace, qualite


def _lire_pour_agent(
    session: persistence.Lecteur, lecteur: Lecteur, piece_id: UUID
) -> Piece | None:
    """Find a document for staff: a purpose, and a case of their own service that uses it."""
    if not lecteur.motif or not lecteur.dossier_id:
        return None
    services = {SERVICE_DU_ROLE[role] for role in lecteur.roles if role in SERVICE_DU_ROLE}
    for service in sorted(services):
        piece = persistence.lire_piece_retenue(
            session, piece_id=piece_id, service=service, dossier_id=lecteur.dossier_id
        )
        if piece is not None:
            return piece
    return None


def _consigner(
    session: Session,
    lecteur: Lecteur,
    piece: Piece,
    qualite: QualiteLecteur,
    variante: str,
    maintenant: datetime,
) -> None:
    """Note the reading, for the owner to see, and publish it, for the audit."""
    if qualite is QualiteLecteur.PROPRIETAIRE:
        # Their own readings, 1,000 of them in a row, wait for no disk: only a power cut could lose
        # the last moment of that trace. Anybody else's is on the disk before the first byte.
        persistence.sans_attendre_le_disque(session)
    motif = lecteur.motif
    if qualite is QualiteLecteur.REPRESENTANT:
        motif = motif or REPRESENTATION
    consultation = Consultation(
        piece_id=piece.piece_id,
        document_id=piece.document,
        version=piece.version,
        compte_id=piece.compte_id,
        lecteur_id=lecteur.sujet_id,
        qualite=qualite,
        motif=motif,
        dossier_id=lecteur.dossier_id,
        variante=variante,
        lue_le=maintenant,
    )
    persistence.noter_consultation(session, consultation)
    evenement = PieceConsultee(
        piece_id=str(piece.piece_id),
        compte_id=str(piece.compte_id),
        lecteur_id=str(lecteur.sujet_id),
        motif=motif,
        dossier_id=lecteur.dossier_id,
        qualite=qualite.value,
        variante=variante,
    )
    outbox.append(session, evenement, aggregate=str(piece.piece_id))
