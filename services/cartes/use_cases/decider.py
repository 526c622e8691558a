"""What staff do: accept or refuse the proofs of a request."""

import hashlib
import secrets
from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from chassis import outbox, seal
from chassis.db import Sessions
from espacecitoyen.cartes.v1.evenements_pb2 import (
    CarteApprouvee,
    DemandeIncomplete,
    PieceRefusee,
)
from services.cartes.domain import (
    Carte,
    DecisionPiece,
    Demande,
    GenreDemande,
    Lien,
    Regles,
    StatutDemande,
    composer_numero,
)
from services.cartes.persistence import (
    carte_verrouillee,
    consigner_decisions,
    demande_lue,
    demande_verrouillee,
    prochaine_sequence,
)
from services.cartes.use_cases.codes import Codes, poser_code
from services.cartes.use_cases.renouveler import appliquer_renouvellement
from services.cartes.use_cases.retenue import Cle

OCTETS_JETON = 32


def decider_demande(
    *,
    sessions: Sessions,
    regles: Regles,
    cle_scelle: bytes,
    codes: Codes | None,
    request_id: str,
    agent_id: str,
    demande_id: UUID,
    version: int,
    decisions: Sequence[DecisionPiece],
    maintenant: datetime,
) -> Demande:
    """Decide each proof that waits (CAR-04).

    All accepted: the card is active, and the event carries the sealed secret of the wallet link; or
    it is renewed (CAR-09).
    One refused: the request is incomplete, and the event says which and why.

    Args:
        sessions: of the service's database; this function owns the transaction.
        regles: of the city.
        cle_scelle: 32 bytes, shared with the service that sends the mail.
        codes: signs the card's code; None in a city without keys.
        request_id: UUID of the act.
        agent_id: who decides; never the applicant.
        demande_id: the request.
        version: the one that the agent read.
        decisions: exactly one per proof A_VERIFIER.
        maintenant: aware UTC time, read at the edge.
    Returns: the request as decided, committed with its event.
    Raises: DemandeIntrouvable, AccesRefuse, VersionPerimee, DemandeDejaDecidee, DonneesInvalides,
        CarteNonRenouvelable.
    """
    cle = Cle.de(
        "DeciderDemande",
        agent_id,
        request_id,
        demande_id,
        version,
        [[d.role.value, d.acceptee, d.motif and d.motif.value, d.precision] for d in decisions],
    )
    with sessions.begin() as session:
        if cle.reclamer(session) is not None:
            return demande_lue(session, demande_id)
        demande = demande_verrouillee(session, demande_id)
        demande.decider(decisions, agent_id=agent_id, version=version, maintenant=maintenant)
        consigner_decisions(session, demande, decisions, agent_id)
        if demande.statut is StatutDemande.INCOMPLETE:
            _dire_incomplete(session, demande)
        elif demande.genre is GenreDemande.RENOUVELLEMENT:
            appliquer_renouvellement(session, demande, regles, codes, maintenant)
        else:
            _approuver(session, demande, regles, cle_scelle, codes, maintenant)
        cle.conclure(session, demande_id)
    return demande


def _approuver(
    session: Session,
    demande: Demande,
    regles: Regles,
    cle_scelle: bytes,
    codes: Codes | None,
    maintenant: datetime,
) -> None:
    carte = carte_verrouillee(session, demande.carte_id)
    numero = composer_numero(regles.institution, prochaine_sequence(session))
    carte.approuver(numero=numero, maintenant=maintenant, zone=regles.zone)
    poser_code(session, carte, codes=codes, regles=regles, maintenant=maintenant)
    session.flush()
    jeton = ouvrir_lien(session, carte, regles, maintenant)
    evenement = CarteApprouvee(
        carte_id=str(carte.carte_id),
        demande_id=str(demande.demande_id),
        compte_id=demande.compte_id,
        echeance=str(carte.echeance),
        scelle=seal.seal({"jeton": jeton}, key=cle_scelle, context=CarteApprouvee.DESCRIPTOR.name),
    )
    outbox.append(session, evenement, aggregate=str(carte.carte_id))


def ouvrir_lien(session: Session, carte: Carte, regles: Regles, maintenant: datetime) -> str:
    """Make a wallet link to a card, in the caller's transaction. Returns: its secret."""
    jeton = secrets.token_urlsafe(OCTETS_JETON)
    session.add(
        Lien(empreinte_jeton(jeton), carte.carte_id, maintenant, maintenant + regles.lien_duree)
    )
    return jeton


def _dire_incomplete(session: Session, demande: Demande) -> None:
    evenement = DemandeIncomplete(
        carte_id=str(demande.carte_id),
        demande_id=str(demande.demande_id),
        compte_id=demande.compte_id,
        pieces=[
            PieceRefusee(role=piece.role.value, motif=piece.motif.value if piece.motif else "")
            for piece in demande.pieces_refusees()
        ],
    )
    outbox.append(session, evenement, aggregate=str(demande.carte_id))


def empreinte_jeton(jeton: str) -> bytes:
    """Return what is kept of a link's secret: its SHA-256 is enough for 256 random bits."""
    return hashlib.sha256(jeton.encode()).digest()
