"""Legal holds: what nobody may destroy, until staff says so (IDN-22)."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID, uuid4

from sqlalchemy.orm import Session

from chassis import idempotency, outbox
from chassis.db import Sessions
from espacecitoyen.stockage.v1.evenements_pb2 import GelLeve, GelPose
from services.stockage import persistence
from services.stockage.domain import Gel, GelIntrouvable
from services.stockage.use_cases.espace import une_fois
from services.stockage.use_cases.versions import exiger_document


@dataclass(frozen=True, kw_only=True)
class Ordre:
    """What staff orders: `piece_id` is any version of a document, None for the whole space."""

    compte_id: UUID
    piece_id: UUID | None
    motif: str
    sans_avis: bool
    auteur_id: UUID


def poser_gel(*, sessions: Sessions, request_id: str, ordre: Ordre, maintenant: datetime) -> Gel:
    """Hold a document or a whole space.

    Returns: the hold, committed with its event; that of the first time for a repeated request.
    Raises: PieceIntrouvable, RequestIdReused, InvalidRequestId.
    """
    scope = f"PoserGel:{ordre.auteur_id}"
    with sessions.begin() as session:
        deja = idempotency.claim(
            session, request_id=request_id, scope=scope, fingerprint=repr(ordre).encode()
        )
        if deja is not None:
            return _exiger(session, UUID(deja))
        # A deletion that began first ends first, and then there is nothing to hold.
        persistence.lire_espace(session, ordre.compte_id, verrou=True)
        document_id = None
        if ordre.piece_id is not None:
            document_id = exiger_document(session, ordre.compte_id, ordre.piece_id)[0].document
        gel = Gel(
            gel_id=uuid4(),
            compte_id=ordre.compte_id,
            document_id=document_id,
            motif=ordre.motif,
            sans_avis=ordre.sans_avis,
            pose_par=ordre.auteur_id,
            pose_le=maintenant,
        )
        persistence.ajouter_gel(session, gel)
        evenement = GelPose(
            gel_id=str(gel.gel_id),
            compte_id=str(gel.compte_id),
            piece_id=_texte(document_id),
            auteur_id=str(ordre.auteur_id),
            sans_avis=ordre.sans_avis,
        )
        outbox.append(session, evenement, aggregate=str(gel.compte_id))
        idempotency.complete(session, request_id=request_id, scope=scope, result=str(gel.gel_id))
    return gel


def lever_gel(
    *,
    sessions: Sessions,
    request_id: str,
    gel_id: UUID,
    motif: str,
    auteur_id: UUID,
    maintenant: datetime,
) -> Gel:
    """End a hold; what it alone kept goes with the next pass of the retention.

    Returns: the hold; one that was ended before stays as it was.
    Raises: GelIntrouvable, RequestIdReused, InvalidRequestId.
    """
    with sessions.begin() as session:
        conclure = une_fois(
            session,
            request_id=request_id,
            scope=f"LeverGel:{auteur_id}",
            contenu=(str(gel_id), motif),
        )
        gel = _exiger(session, gel_id, verrou=True)
        if conclure is None:
            return gel
        if gel.leve_le is None:
            persistence.lever_gel(
                session, gel_id, leve_par=auteur_id, motif=motif, maintenant=maintenant
            )
            evenement = GelLeve(
                gel_id=str(gel_id),
                compte_id=str(gel.compte_id),
                piece_id=_texte(gel.document_id),
                auteur_id=str(auteur_id),
            )
            outbox.append(session, evenement, aggregate=str(gel.compte_id))
        conclure(str(gel_id))
        return _exiger(session, gel_id)


def _exiger(session: Session, gel_id: UUID, *, verrou: bool = False) -> Gel:
    gel = persistence.lire_gel(session, gel_id, verrou=verrou)
    if gel is None:
        raise GelIntrouvable
    return gel


def _texte(document_id: UUID | None) -> str:
    return "" if document_id is None else str(document_id)
