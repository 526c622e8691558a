"""The end of what was kept: copies of decided cases, what a hold left, spaces to erase (IDN-22)."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from chassis import inbox, outbox
from chassis.db import Sessions
from espacecitoyen.stockage.v1.evenements_pb2 import EspaceEfface, RetenuePurgee
from services.stockage import persistence
from services.stockage.domain import Conservation, Utilisation, Zone
from services.stockage.use_cases.ports import Coffre

CONSOMMATEUR = "stockage"
LOT_CONSERVATION = 200


@dataclass
class BilanConservation:
    """What a pass ended: references of cases, objects, whole spaces."""

    retenues: int = 0
    objets: int = 0
    espaces: int = 0


def dater_decision(
    *, sessions: Sessions, event_id: UUID, service: str, dossier_id: str, decidee_le: datetime
) -> None:
    """Start the retention of what a case holds, on the event of its decision; heard twice is once.

    `decidee_le` is the time of the event, not of its arrival: days in a queue prolong nothing.
    """
    with sessions.begin() as session:
        if not inbox.already_seen(session, event_id=event_id, consumer=CONSOMMATEUR):
            persistence.dater_decision(
                session, service=service, dossier_id=dossier_id, decidee_le=decidee_le
            )


def echues(
    *, sessions: Sessions, conservation: Conservation, maintenant: datetime
) -> Iterator[Utilisation]:
    """Give the references whose retention is over and that no hold keeps; changes nothing."""
    apres: Utilisation | None = None
    while True:
        with sessions() as session:
            lot = persistence.lister_echues(
                session,
                avant=maintenant - conservation.minimum,
                apres=apres,
                limite=LOT_CONSERVATION,
            )
        for utilisation in lot:
            fin = conservation.fin(utilisation)
            if fin is not None and fin <= maintenant:
                yield utilisation
        if len(lot) < LOT_CONSERVATION:
            return
        apres = lot[-1]


def appliquer_conservation(
    *,
    sessions: Sessions,
    coffre: Coffre,
    conservation: Conservation,
    oubli_consultations: timedelta,
    maintenant: datetime,
    dire: Callable[[Utilisation], None] = lambda _: None,
) -> BilanConservation:
    """End everything whose time is over. Safe to stop anywhere and to run twice at once.

    A reference that ends takes the document with it only when its owner had deleted it and no other
    case and no hold needs it. The rows go first: bytes without a row are swept later.

    Args:
        sessions: of this service's database.
        coffre: where the bytes are.
        conservation: the schedule.
        oubli_consultations: how long a reading is remembered.
        maintenant: aware UTC time.
        dire: told each reference that ended.
    Returns: what ended.
    """
    bilan = BilanConservation()
    for utilisation in echues(sessions=sessions, conservation=conservation, maintenant=maintenant):
        finie, noms = _purger(sessions, utilisation, maintenant)
        _effacer_objets(coffre, noms, bilan)
        if finie:
            bilan.retenues += 1
            dire(utilisation)
    while noms := _delaissees(sessions):
        _effacer_objets(coffre, noms, bilan)
    bilan.espaces = _finir_espaces(sessions)
    with sessions.begin() as session:
        persistence.oublier_consultations(session, avant=maintenant - oubli_consultations)
    return bilan


def _purger(
    sessions: Sessions, utilisation: Utilisation, maintenant: datetime
) -> tuple[bool, list[str]]:
    piece = utilisation.piece
    with sessions.begin() as session:
        persistence.lire_espace(session, piece.compte_id, verrou=True)
        finie, noms = persistence.purger_retenue(session, utilisation, maintenant=maintenant)
        if finie:
            evenement = RetenuePurgee(
                piece_id=str(piece.piece_id),
                compte_id=str(piece.compte_id),
                service=utilisation.service,
                dossier_id=utilisation.dossier_id,
            )
            outbox.append(session, evenement, aggregate=str(piece.piece_id))
    return finie, noms


def _delaissees(sessions: Sessions) -> list[str]:
    with sessions.begin() as session:
        return persistence.supprimer_delaissees(session, limite=LOT_CONSERVATION)


def _effacer_objets(coffre: Coffre, noms: list[str], bilan: BilanConservation) -> None:
    for nom in noms:
        coffre.supprimer(Zone.OBJETS, nom)
    bilan.objets += len(noms)


def _finir_espaces(sessions: Sessions) -> int:
    """Erase the spaces whose erasure was asked and whose last document is gone."""
    total = 0
    while True:
        with sessions.begin() as session:
            comptes = persistence.espaces_a_finir(session, limite=LOT_CONSERVATION)
            for compte_id in comptes:
                persistence.oublier_consultations(session, compte_id=compte_id)
                persistence.supprimer_espace(session, compte_id)
                outbox.append(
                    session, EspaceEfface(compte_id=str(compte_id)), aggregate=str(compte_id)
                )
        total += len(comptes)
        if len(comptes) < LOT_CONSERVATION:
            return total
