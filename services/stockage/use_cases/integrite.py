"""Objects and rows compared: what is missing, altered, or nobody's (STO-05)."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from uuid import UUID

from chassis.db import Sessions
from services.stockage.domain import Zone
from services.stockage.persistence import entretien as rangees
from services.stockage.persistence.entretien import Nomme
from services.stockage.use_cases.ports import Coffre

LOT = 500
# Hashing leaves Python alone: one thread reads while another computes.
LECTEURS = 2


@dataclass(frozen=True, kw_only=True)
class Ecart:
    """One finding of `verifier`.

    `nature` is `MANQUANT` (a row without its object), `ALTERE` (other bytes than were written),
    `ORPHELIN` (an object without a row) or `SANS_REFERENCE` (a document that its owner deleted and
    that no case and no hold keeps, whose row or bytes stayed).
    """

    nature: str
    zone: Zone
    objet: str
    piece_id: UUID | None = None


def verifier(
    *,
    sessions: Sessions,
    coffre: Coffre,
    maintenant: datetime,
    delai: timedelta,
    avancer: Callable[[int, int], None],
) -> Iterator[Ecart]:
    """Compare every row with its bytes and every object with the rows. Changes nothing.

    An object without a row is an upload in progress until it is as old as `delai`. `avancer` is
    told the number of objects read and their total.
    Returns: the differences, as they are found.
    Raises: EntrepotIndisponible, when bytes that are there cannot be read.
    """
    with sessions() as session:
        total = rangees.compter_nommes(session)
    lus = 0
    with ThreadPoolExecutor(LECTEURS, thread_name_prefix="verifier") as lecteurs:
        for lot in _lots(sessions):
            empreintes = lecteurs.map(
                lambda nomme: coffre.empreinte(_zone(nomme), nomme.objet), lot
            )
            for nomme, empreinte in zip(lot, empreintes, strict=True):
                # What was deleted or judged since the row was read is no difference.
                if empreinte != nomme.sha256 and _toujours_nomme(sessions, nomme):
                    yield _ecart(nomme, empreinte)
                lus += 1
                avancer(lus, max(total, lus))
    for zone, nom in _orphelins(sessions, coffre, maintenant - delai):
        yield Ecart(nature="ORPHELIN", zone=zone, objet=nom)
    with sessions() as session:
        delaissees = rangees.lister_sans_reference(session)
    for piece_id, nom in delaissees:
        yield Ecart(nature="SANS_REFERENCE", zone=Zone.OBJETS, objet=nom, piece_id=piece_id)


def balayer(*, sessions: Sessions, coffre: Coffre, maintenant: datetime, delai: timedelta) -> int:
    """Delete the objects that no row names and that are older than any upload can be.

    Returns: how many were deleted. The age is read before the rows, so that a document committed
    in between is seen in its row; names are never used twice, so that a name without a row stays
    without one.
    """
    total = 0
    for zone, nom in _orphelins(sessions, coffre, maintenant - delai):
        coffre.supprimer(zone, nom)
        total += 1
    return total


def _orphelins(sessions: Sessions, coffre: Coffre, avant: datetime) -> Iterator[tuple[Zone, str]]:
    """List the objects written before then that no row names, asking the database by lots."""
    for zone in Zone:
        anciens = (nom for nom, le in coffre.lister(zone) if le < avant.timestamp())
        while lot := list(islice(anciens, LOT)):
            with sessions() as session:
                connus = rangees.noms_connus(session, lot)
            for nom in lot:
                if nom not in connus:
                    yield zone, nom


def _lots(sessions: Sessions) -> Iterator[list[Nomme]]:
    # One short session for each lot: bytes are read for hours without holding a transaction.
    apres = ""
    while True:
        with sessions() as session:
            lot = rangees.lister_nommes(session, apres=apres, limite=LOT)
        if not lot:
            return
        yield lot
        apres = lot[-1].objet


def _zone(nomme: Nomme) -> Zone:
    return Zone.QUARANTAINE if nomme.en_quarantaine else Zone.OBJETS


def _ecart(nomme: Nomme, empreinte: bytes | None) -> Ecart:
    nature = "MANQUANT" if empreinte is None else "ALTERE"
    return Ecart(nature=nature, zone=_zone(nomme), objet=nomme.objet, piece_id=nomme.piece_id)


def _toujours_nomme(sessions: Sessions, nomme: Nomme) -> bool:
    with sessions() as session:
        return nomme.objet in rangees.noms_connus(session, [nomme.objet])
