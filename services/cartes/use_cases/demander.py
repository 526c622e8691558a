"""What the citizen does: ask for a card, replace a refused proof."""

import logging
import secrets
from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from chassis import outbox
from chassis.db import Sessions
from espacecitoyen.cartes.v1.evenements_pb2 import CarteDemandee, PieceRemplacee
from services.cartes.domain import (
    DemandeIntrouvable,
    MemePieceDeuxFois,
    PieceDejaRefusee,
    PieceNonRefusee,
    Regles,
    RolePiece,
    StockageIndisponible,
    exiger_pieces_distinctes,
    identifiant_demande,
    jour_local,
    lire_titulaire,
    ouvrir_demande,
)
from services.cartes.persistence import (
    CarteLue,
    ajouter,
    carte_du_compte,
    cartes_ouvertes,
    demande_existe,
    demande_lue,
    demande_verrouillee,
    renouvellements_ouverts,
)
from services.cartes.use_cases.retenue import Cle, Stockage, pieces_retenues

_log = logging.getLogger(__name__)

OCTETS_SERIE = 16
"""A wallet's serial travels in addresses and logs: 128 random bits say nothing of the card."""


def demander_carte(
    *,
    sessions: Sessions,
    stockage: Stockage,
    regles: Regles,
    request_id: str,
    compte_id: str,
    titulaire: Mapping[str, str],
    pieces: Mapping[RolePiece, str],
    carte_physique: bool,
    maintenant: datetime,
) -> CarteLue:
    """Ask for a card with two proofs; it waits for validation (CAR-02).

    Invariant: one person holds at most one open card (CAR-01), even when two requests race.

    Args:
        sessions: of the service's database; this function owns the transaction.
        stockage: called once, before the transaction opens; unused references are given back.
        regles: of the city.
        request_id: UUID of the act; the id of the request follows from it, so that a retry finds
            the references that a first try took.
        compte_id: who asks, for themselves.
        titulaire: the six fields as typed.
        pieces: id of one document per role, both the caller's.
        carte_physique: the plastic card besides the digital one.
        maintenant: aware UTC time, read at the edge.
    Returns: the new card, EN_ATTENTE_VALIDATION, with its request, committed with its event.
    Raises: DonneesInvalides, MemePieceDeuxFois, PieceIntrouvable, PieceNonSaine, GenreNonAccepte,
        PieceExpiree, CarteDejaDemandee, StockageIndisponible.
    """
    jour = jour_local(maintenant, regles.zone)
    personne = lire_titulaire(titulaire, jour=jour, age_minimal=regles.age_minimal)
    exiger_pieces_distinctes(pieces)
    demande_id = identifiant_demande(compte_id, request_id)
    cle = Cle.de(
        "DemanderCarte",
        compte_id,
        request_id,
        [getattr(personne, champ) for champ in personne.__dataclass_fields__],
        [pieces[role] for role in RolePiece],
        carte_physique,
    )
    with sessions() as session:
        # A repeated act is answered from its first result, whatever its documents became since.
        a_retenir = {} if demande_existe(session, demande_id) else pieces
    with (
        pieces_retenues(
            sessions=sessions,
            stockage=stockage,
            regles=regles,
            cle=cle,
            dossier_id=demande_id,
            pieces=a_retenir,
            jour=jour,
        ),
        sessions.begin() as session,
    ):
        if cle.reclamer(session) is not None:
            return _carte_de(session, compte_id, demande_id)
        existantes = cartes_ouvertes(session, compte_id)
        carte, demande = ouvrir_demande(
            existantes,
            demande_id=demande_id,
            compte_id=compte_id,
            titulaire=personne,
            pieces=pieces,
            carte_physique=carte_physique,
            serie=secrets.token_urlsafe(OCTETS_SERIE),
            maintenant=maintenant,
            jour=jour,
            en_renouvellement=renouvellements_ouverts(session, existantes),
        )
        ajouter(session, carte, demande)
        evenement = CarteDemandee(
            carte_id=str(carte.carte_id), demande_id=str(demande_id), compte_id=compte_id
        )
        outbox.append(session, evenement, aggregate=str(carte.carte_id))
        cle.conclure(session, demande_id)
    return CarteLue(carte, demande)


def remplacer_piece(
    *,
    sessions: Sessions,
    stockage: Stockage,
    regles: Regles,
    request_id: str,
    compte_id: str,
    demande_id: UUID,
    role: RolePiece,
    piece_id: str,
    maintenant: datetime,
) -> CarteLue:
    """Replace one refused proof, that one alone (CAR-04).

    Args are those of `demander_carte`; `piece_id` is the document that takes the place of `role`.

    Returns: the card with its request, committed with its event.
    Raises: DemandeIntrouvable, PieceNonRefusee, PieceDejaRefusee, MemePieceDeuxFois,
        PieceIntrouvable, PieceNonSaine, GenreNonAccepte, PieceExpiree, StockageIndisponible.
    """
    cle = Cle.de("RemplacerPiece", compte_id, request_id, demande_id, role.value, piece_id)
    a_retenir: dict[RolePiece, str] = {}
    with sessions() as session:
        demande = demande_lue(session, demande_id)
        if demande.compte_id != compte_id:
            raise DemandeIntrouvable
        try:
            demande.verifier_remplacement(role, piece_id)
            a_retenir[role] = piece_id
        except (PieceNonRefusee, PieceDejaRefusee, MemePieceDeuxFois):
            # It may be a repeated act that was done: the transaction below knows, and otherwise
            # says the same thing again.
            pass
    with (
        pieces_retenues(
            sessions=sessions,
            stockage=stockage,
            regles=regles,
            cle=cle,
            dossier_id=demande_id,
            pieces=a_retenir,
            jour=jour_local(maintenant, regles.zone),
        ),
        sessions.begin() as session,
    ):
        if cle.reclamer(session) is not None:
            return _carte_de(session, compte_id, demande_id)
        demande = demande_verrouillee(session, demande_id)
        ancienne = demande.remplacer(role, piece_id, maintenant=maintenant)
        if not a_retenir:
            # The request became replaceable between the look and the lock: ask again.
            raise StockageIndisponible
        session.flush()
        evenement = PieceRemplacee(
            carte_id=str(demande.carte_id),
            demande_id=str(demande_id),
            compte_id=compte_id,
            role=role.value,
        )
        outbox.append(session, evenement, aggregate=str(demande.carte_id))
        cle.conclure(session, demande_id)
        lue = _carte_de(session, compte_id, demande_id)
    _rendre_ancienne(stockage, demande_id, ancienne)
    return lue


def _carte_de(session: Session, compte_id: str, demande_id: UUID) -> CarteLue:
    return carte_du_compte(session, compte_id, demande_lue(session, demande_id).carte_id)


def _rendre_ancienne(stockage: Stockage, demande_id: UUID, piece_id: str) -> None:
    """Give back the refused document: no longer a proof, it is no longer the city's to keep."""
    try:
        stockage.liberer(dossier_id=demande_id, pieces=[piece_id])
    except StockageIndisponible:
        _log.warning("reference of a replaced proof kept: the document space did not answer")
