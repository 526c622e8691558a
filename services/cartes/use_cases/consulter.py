"""What staff read, and what is kept of it."""

from uuid import UUID

from chassis import outbox
from chassis.db import Sessions
from espacecitoyen.cartes.v1.evenements_pb2 import DemandeConsultee
from services.cartes.domain import Demande
from services.cartes.persistence import demande_lue


def consulter_demande(
    *, sessions: Sessions, demande_id: UUID, lecteur_id: str, motif: str
) -> Demande:
    """Return a request to staff; that they opened it, and why, is told (IDN-23).

    Raises: DemandeIntrouvable.
    """
    with sessions.begin() as session:
        demande = demande_lue(session, demande_id)
        evenement = DemandeConsultee(
            demande_id=str(demande_id),
            compte_id=demande.compte_id,
            lecteur_id=lecteur_id,
            motif=motif,
        )
        outbox.append(session, evenement, aggregate=str(demande.carte_id))
    return demande
