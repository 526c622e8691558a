"""The bytes of an upload as they arrive, kept a segment at a time (STO-05).

Each segment is an encrypted object of the quarantine with a data key of its own, durable before it
is acknowledged: what a cut, a killed process or a closed browser leaves is there to be followed.
"""

import contextlib
import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import chain
from uuid import UUID

from sqlalchemy.orm import Session

from chassis.db import Sessions
from services.stockage import persistence
from services.stockage.domain import Espace, Zone
from services.stockage.domain.televersement import (
    Segment,
    SommeDifferente,
    Televersement,
    TeleversementIntrouvable,
)
from services.stockage.persistence import televersement as rangees
from services.stockage.use_cases.depot import sans_restes
from services.stockage.use_cases.ports import Coffre


@dataclass(frozen=True, kw_only=True)
class Regles:
    """Limits of uploads.

    Attributes:
        taille_max: bytes of one file.
        quota: bytes of one space.
        duree: how long an upload waits for its next segment.
        segment_octets: bytes after which what arrived is made durable.
    """

    taille_max: int
    quota: int
    duree: timedelta
    segment_octets: int


@dataclass(frozen=True, kw_only=True)
class Envoi:
    """Bytes that arrive: from which position, and what their digest must be."""

    televersement_id: UUID
    position: int
    algorithme: str = ""
    somme: bytes = b""


class EnvoiCoupe(Exception):
    """The stream of a segment ended before its `fin`: what came before is kept."""


def exiger(
    session: Session,
    compte_id: UUID,
    televersement_id: UUID,
    maintenant: datetime,
    *,
    verrou: bool = False,
) -> Televersement:
    """Find an upload of the account; locked when `verrou`. Raises: TeleversementIntrouvable."""
    trouve = rangees.lire(
        session,
        compte_id=compte_id,
        televersement_id=televersement_id,
        maintenant=maintenant,
        verrou=verrou,
    )
    if trouve is None:
        raise TeleversementIntrouvable
    return trouve


def ajouter_segment(
    *,
    sessions: Sessions,
    coffre: Coffre,
    limites: Regles,
    compte_id: UUID,
    envoi: Envoi,
    blocs: Iterable[bytes],
    maintenant: datetime,
) -> Televersement:
    """Keep the bytes that arrive, in constant memory, a segment at a time.

    `blocs` raises `EnvoiCoupe` when it stops early: what arrived stays, unless it had a digest,
    which cannot be checked then. Two calls at once write side by side; the first to commit a
    position keeps it, the other one is refused.

    Returns: the upload as it is now.
    Raises: TeleversementIntrouvable, PositionDifferente, SommeDifferente, PieceTropGrande.
    """
    with sessions() as session:
        televersement = exiger(session, compte_id, envoi.televersement_id, maintenant)
        espace = persistence.lire_espace(session, compte_id)
    televersement.exiger_position(envoi.position)
    if espace is None:
        raise TeleversementIntrouvable
    ecrivain = _Ecrivain(sessions, coffre, limites, espace, televersement, maintenant)
    if envoi.algorithme:
        return ecrivain.tout_ou_rien(_jugees(blocs, envoi))
    return ecrivain.au_fil(blocs)


class _Ecrivain:
    """Writes what arrives of one upload, and knows where it is."""

    def __init__(
        self,
        sessions: Sessions,
        coffre: Coffre,
        limites: Regles,
        espace: Espace,
        televersement: Televersement,
        maintenant: datetime,
    ) -> None:
        self._sessions = sessions
        self._coffre = coffre
        self._limites = limites
        self._espace = espace
        self._ou = televersement
        self._maintenant = maintenant

    def au_fil(self, blocs: Iterable[bytes]) -> Televersement:
        """Commit a segment each `segment_octets`, and what is left at the end or at the cut."""
        source = _Source(blocs)
        while (premier := source.suivant()) is not None:
            suite = source.jusqu_a(self._limites.segment_octets - len(premier))
            self._segment(chain((premier,), suite))
        return self._ou

    def tout_ou_rien(self, blocs: Iterable[bytes]) -> Televersement:
        """Commit one segment when all of it came and its digest is right; a cut leaves nothing."""
        with contextlib.suppress(EnvoiCoupe):
            self._segment(blocs)
        return self._ou

    def _segment(self, blocs: Iterable[bytes]) -> None:
        debut, taille = self._ou.recus_octets, 0
        with sans_restes(self._coffre) as restes:
            with self._coffre.ecrire(self._espace, Zone.QUARANTAINE) as ecriture:
                for bloc in blocs:
                    taille += len(bloc)
                    self._ou.exiger_suite(debut, taille)
                    ecriture.ajouter(bloc)
                if not taille:
                    return
                # The client will not send these bytes again once it is told that they are here.
                objet = ecriture.valider(durable=True)
            restes.add((Zone.QUARANTAINE, objet.nom))
            self._ou = self._inscrire(Segment(debut=debut, objet=objet))
            restes.clear()

    def _inscrire(self, segment: Segment) -> Televersement:
        ou = self._ou
        with self._sessions.begin() as session:
            present = exiger(
                session, ou.compte_id, ou.televersement_id, self._maintenant, verrou=True
            )
            present.exiger_position(segment.debut)
            rangees.avancer(
                session,
                present,
                segment,
                maintenant=self._maintenant,
                expire_le=self._maintenant + self._limites.duree,
            )
            return exiger(session, ou.compte_id, ou.televersement_id, self._maintenant)


class _Source:
    """Blocks one at a time; a cut ends them."""

    def __init__(self, blocs: Iterable[bytes]) -> None:
        self._blocs = iter(blocs)

    def suivant(self) -> bytes | None:
        """Give the next block that holds something, None at the end or at the cut."""
        try:
            return next((bloc for bloc in self._blocs if bloc), None)
        except EnvoiCoupe:
            return None

    def jusqu_a(self, octets: int) -> Iterator[bytes]:
        """Give blocks until there are so many bytes, or no more."""
        while octets > 0 and (bloc := self.suivant()) is not None:
            octets -= len(bloc)
            yield bloc


def _jugees(blocs: Iterable[bytes], envoi: Envoi) -> Iterator[bytes]:
    """Pass the bytes on and compare their digest at the end. Raises: SommeDifferente."""
    # The client chose the algorithm against accidents of the network, not against an enemy.
    somme = hashlib.new(envoi.algorithme, usedforsecurity=False)
    for bloc in blocs:
        somme.update(bloc)
        yield bloc
    if somme.digest() != envoi.somme:
        raise SommeDifferente
