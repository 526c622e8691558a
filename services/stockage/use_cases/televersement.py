"""Uploads that are taken up again where they were cut (STO-05): their beginning and their ends.

What arrives is kept by `segments`. When every byte is there they are read in order as one stream by
`deposer_piece`: an upload in pieces passes the same controls as any other.
"""

import contextlib
import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID, uuid4

from sqlalchemy.orm import Session

from chassis import idempotency
from chassis.db import Sessions
from services.stockage import persistence
from services.stockage.domain import (
    Espace,
    FaitStockage,
    Fiche,
    ObjetChiffre,
    Piece,
    PieceIntrouvable,
    QuotaDepasse,
    Zone,
)
from services.stockage.domain import televersement as regles
from services.stockage.domain.televersement import (
    Televersement,
    TeleversementIncomplet,
    TeleversementIntrouvable,
    TropDeTeleversements,
)
from services.stockage.persistence import televersement as rangees
from services.stockage.use_cases.depot import Controle, Depot, deposer_piece
from services.stockage.use_cases.espace import une_fois
from services.stockage.use_cases.ports import Coffre
from services.stockage.use_cases.segments import Regles, exiger

LOT = 100
# The client that sent the last byte ends the upload itself; one that is gone is waited for so long.
PATIENCE = timedelta(seconds=60)


@dataclass(frozen=True, kw_only=True)
class Annonce:
    """What is said of a file before it comes; `nom_fichier` is clean.

    `fiche` is None for a new version that keeps the fields of the document `remplace`.
    """

    compte_id: UUID
    request_id: str
    nom_fichier: str
    fiche: Fiche | None
    taille_octets: int
    remplace: UUID | None = None


def creer_televersement(
    *,
    sessions: Sessions,
    coffre: Coffre,
    limites: Regles,
    annonce: Annonce,
    maintenant: datetime,
) -> Televersement:
    """Open an upload; the bytes announced count in the quota until it ends.

    Returns: the upload; the same request_id gives that of the first time.
    Raises: PieceTropGrande, PieceVide, QuotaDepasse, TropDeTeleversements, PieceIntrouvable (the
        document to replace), TeleversementIntrouvable (a repeated request, expired since),
        RequestIdReused, InvalidRequestId.
    """
    regles.exiger_taille(annonce.taille_octets, maximum=limites.taille_max)
    compte_id = annonce.compte_id
    scope = f"CreerTeleversement:{compte_id}"
    with sessions.begin() as session:
        deja = idempotency.claim(
            session, request_id=annonce.request_id, scope=scope, fingerprint=_empreinte(annonce)
        )
        if deja is not None:
            return exiger(session, compte_id, UUID(deja), maintenant)
        espace = _verrouiller(session, coffre, compte_id, maintenant)
        if annonce.remplace is not None:
            _exiger_piece(session, compte_id, annonce.remplace)
        _exiger_place(session, espace, annonce.taille_octets, limites.quota, maintenant)
        televersement = Televersement(
            televersement_id=uuid4(),
            compte_id=compte_id,
            nom_fichier=annonce.nom_fichier,
            fiche=annonce.fiche,
            remplace=annonce.remplace,
            taille_octets=annonce.taille_octets,
            expire_le=maintenant + limites.duree,
        )
        rangees.ajouter(session, televersement, maintenant=maintenant)
        idempotency.complete(
            session,
            request_id=annonce.request_id,
            scope=scope,
            result=str(televersement.televersement_id),
        )
    return televersement


def _empreinte(annonce: Annonce) -> bytes:
    parts = (annonce.nom_fichier, annonce.fiche, annonce.taille_octets, annonce.remplace)
    return hashlib.sha256("\0".join(map(str, parts)).encode()).digest()


def _verrouiller(session: Session, coffre: Coffre, compte_id: UUID, maintenant: datetime) -> Espace:
    """Lock the space of an account, as every act that changes what it holds; made if need be."""
    if persistence.lire_espace(session, compte_id) is None:
        nouveau = Espace(compte_id=compte_id, cle=coffre.nouvelle_cle(compte_id))
        persistence.creer_espace(session, nouveau, maintenant=maintenant)
    espace = persistence.lire_espace(session, compte_id, verrou=True)
    if espace is None:
        raise TeleversementIntrouvable
    return espace


def _exiger_place(
    session: Session, espace: Espace, octets: int, quota: int, maintenant: datetime
) -> None:
    nombre, ouverts = rangees.compter_ouverts(session, espace.compte_id, maintenant=maintenant)
    if nombre >= regles.OUVERTS_MAX:
        raise TropDeTeleversements
    restants = max(quota - espace.octets_utilises - ouverts, 0)
    if octets > restants:
        raise QuotaDepasse(quota_octets=str(quota), restants=str(restants))


def lire_televersement(
    *, sessions: Sessions, compte_id: UUID, televersement_id: UUID, maintenant: datetime
) -> Televersement:
    """Tell where an upload is. Raises: TeleversementIntrouvable."""
    with sessions() as session:
        return exiger(session, compte_id, televersement_id, maintenant)


def terminer_televersement(
    *,
    sessions: Sessions,
    controle: Controle,
    limites: Regles,
    compte_id: UUID,
    televersement_id: UUID,
    maintenant: datetime,
) -> Televersement:
    """Make a document of a whole upload, once, however often and by whomever it is asked.

    Returns: the upload with its `piece_id`; that document may still wait for the antivirus.
    Raises: TeleversementIntrouvable, TeleversementIncomplet, and what refused the file, each time
        the same.
    """
    with sessions() as session:
        televersement = exiger(session, compte_id, televersement_id, maintenant)
        espace = persistence.lire_espace(session, compte_id)
        segments = rangees.lister_segments(session, televersement_id)
    regles.exiger_acceptable(televersement.raison)
    if televersement.piece_id is not None:
        return televersement
    if not televersement.entier:
        raise TeleversementIncomplet(position=str(televersement.recus_octets))
    if espace is None:
        raise TeleversementIntrouvable
    objets = [segment.objet for segment in segments]
    try:
        piece = deposer_piece(
            sessions=sessions,
            controle=controle,
            depot=_depot(televersement),
            blocs=_octets(controle.coffre, espace, objets),
            taille_max=limites.taille_max,
            quota=limites.quota,
            maintenant=maintenant,
        )
    except FaitStockage as fait:
        _conclure(sessions, controle.coffre, televersement_id, raison=fait.raison)
        raise
    _conclure(sessions, controle.coffre, televersement_id, piece_id=piece.piece_id)
    return replace(televersement, piece_id=piece.piece_id)


def _depot(televersement: Televersement) -> Depot:
    return Depot(
        compte_id=televersement.compte_id,
        # One upload is one request: whoever ends it again finds the document of the first time.
        request_id=str(televersement.televersement_id),
        nom_fichier=televersement.nom_fichier,
        fiche=televersement.fiche,
        taille_annoncee=televersement.taille_octets,
        remplace=televersement.remplace,
    )


def _octets(coffre: Coffre, espace: Espace, objets: list[ObjetChiffre]) -> Iterator[bytes]:
    """Read the segments one after the other. Raises: PieceAlteree."""
    for objet in objets:
        with coffre.ouvrir(espace, Zone.QUARANTAINE, objet) as lecture:
            yield from lecture.blocs()


def _conclure(
    sessions: Sessions,
    coffre: Coffre,
    televersement_id: UUID,
    *,
    piece_id: UUID | None = None,
    raison: str = "",
) -> None:
    with sessions.begin() as session:
        noms = rangees.conclure(session, televersement_id, piece_id=piece_id, raison=raison)
    # After the rows: bytes without a row are swept, a row without bytes would be a loss.
    for nom in noms:
        coffre.supprimer(Zone.QUARANTAINE, nom)


def abandonner_televersement(
    *,
    sessions: Sessions,
    coffre: Coffre,
    compte_id: UUID,
    request_id: str,
    televersement_id: UUID,
    maintenant: datetime,
) -> None:
    """Delete an upload and what arrived of it; a document that it became stays.

    Raises: TeleversementIntrouvable, RequestIdReused, InvalidRequestId.
    """
    with sessions.begin() as session:
        conclure = une_fois(
            session,
            request_id=request_id,
            scope=f"AbandonnerTeleversement:{compte_id}",
            contenu=(str(televersement_id),),
        )
        if conclure is None:
            return
        exiger(session, compte_id, televersement_id, maintenant)
        noms = rangees.effacer(session, [televersement_id])
        conclure(str(televersement_id))
    for nom in noms:
        coffre.supprimer(Zone.QUARANTAINE, nom)


def _exiger_piece(session: Session, compte_id: UUID, piece_id: UUID) -> Piece:
    pieces = persistence.lire_pieces(session, compte_id=compte_id, piece_ids=[piece_id])
    if piece_id not in pieces:
        raise PieceIntrouvable
    return pieces[piece_id]


def un_envoi_attend(session: Session, *, maintenant: datetime) -> bool:
    """Tell whether `reprendre_televersements` has something to do."""
    return bool(rangees.lister_entiers(session, avant=maintenant - PATIENCE, limite=1))


def reprendre_televersements(
    *,
    sessions: Sessions,
    controle: Controle,
    limites: Regles,
    horloge: Callable[[], datetime],
) -> int:
    """Make documents of the uploads that are whole and that nobody ended.

    A client that lost its connection at the last byte believes that all is done, and it is.
    Returns: how many were looked at.
    """
    with sessions() as session:
        attente = rangees.lister_entiers(session, avant=horloge() - PATIENCE, limite=LOT)
    for compte_id, televersement_id in attente:
        # What refuses the file is written with the upload, for its owner to read.
        with contextlib.suppress(FaitStockage):
            terminer_televersement(
                sessions=sessions,
                controle=controle,
                limites=limites,
                compte_id=compte_id,
                televersement_id=televersement_id,
                maintenant=horloge(),
            )
    return len(attente)


def balayer_televersements(*, sessions: Sessions, coffre: Coffre, maintenant: datetime) -> int:
    """Delete the uploads whose time is over, with what arrived of them. Returns: how many."""
    total = 0
    while True:
        with sessions.begin() as session:
            expires = rangees.lister_expires(session, maintenant=maintenant, limite=LOT)
            noms = rangees.effacer(session, expires) if expires else []
        for nom in noms:
            coffre.supprimer(Zone.QUARANTAINE, nom)
        total += len(expires)
        if len(expires) < LOT:
            return total
