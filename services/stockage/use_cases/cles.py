"""Keys over time: a check at start, the rotation of the master key, the erasure of an account's.

Documents are never touched: their data keys are wrapped by the key of their account, which alone is
wrapped by the master key (R52, R54).
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.exc import SQLAlchemyError

from chassis.db import Sessions
from services.stockage import persistence
from services.stockage.domain import Espace, PieceAlteree, StatutPiece, Zone
from services.stockage.persistence import cles
from services.stockage.use_cases.depot import sans_restes
from services.stockage.use_cases.ports import CleMaitresseInvalide, Coffre

LOT = 500


def verifier_maitresse(*, sessions: Sessions, coffre: Coffre, maintenant: datetime) -> None:
    """Compare the master keys that are set with those that wrapped the keys of the accounts.

    The first use of a version keeps a check value for the next starts.
    Raises: CleMaitresseInvalide with one sentence for the operator, also when the database is of
        another installation.
    """
    nouveau = coffre.temoin()
    with sessions.begin() as session:
        temoins = cles.lister_temoins(session)
        if nouveau.version not in {temoin.version for temoin in temoins}:
            ancienne = cles.une_cle_de(session, nouveau.version)
            if ancienne is not None:
                # Accounts of before there were check values: one of their keys serves as one.
                _exiger(_s_ouvre(coffre, ancienne), nouveau.version)
            cles.ajouter_temoin(session, nouveau, maintenant=maintenant)
            temoins = cles.lister_temoins(session)
    for temoin in temoins:
        _exiger(coffre.reconnaitre(temoin), temoin.version)


def _s_ouvre(coffre: Coffre, espace: Espace) -> bool:
    try:
        coffre.renouveler(espace)
    except PieceAlteree:
        return False
    return True


def _exiger(juste: bool, version: int) -> None:  # noqa: FBT001 - the answer of a question
    if not juste:
        raise CleMaitresseInvalide(
            f"STOCKAGE_CLE_MAITRESSE: version {version} is not the key that wrapped the keys of the"
            " accounts; the documents would be unreadable. Set the key of before, or restore the"
            " database that goes with this one."
        )


@dataclass(frozen=True, kw_only=True)
class Rotation:
    """What a rotation did: keys wrapped again, keys left, versions that may leave the settings."""

    renouvelees: int
    restantes: int
    retirables: tuple[int, ...]


def tourner_cles(
    *, sessions: Sessions, coffre: Coffre, avancer: Callable[[int, int], None]
) -> Rotation:
    """Wrap the key of every account by the current master key, by lots (R52).

    Online and restartable: an account is locked for the time of its lot, each lot is a transaction,
    both versions are readable meanwhile, and what is done is never done again. `avancer` is told
    the number of keys done and their total.
    Raises: CleMaitresseInvalide (the settings lack a version), PieceAlteree.
    """
    version = coffre.temoin().version
    with sessions() as session:
        total = cles.compter_a_renouveler(session, version=version)
    faites = 0
    while True:
        with sessions.begin() as session:
            lot = cles.prendre_a_renouveler(session, version=version, limite=LOT)
            if not lot:
                break
            cles.changer_cles(
                session, [(espace.compte_id, coffre.renouveler(espace)) for espace in lot]
            )
        faites += len(lot)
        avancer(faites, max(total, faites))
    with sessions.begin() as session:
        restantes = cles.compter_a_renouveler(session, version=version)
        retirables = cles.oublier_temoins(session, sauf=version)
    return Rotation(renouvelees=faites, restantes=restantes, retirables=tuple(sorted(retirables)))


@dataclass(frozen=True, kw_only=True)
class Effacement:
    """What an erasure did, or why it did not.

    Attributes:
        fait: False when references or holds forbade it, or when it had been done before.
        objets: objects that were deleted with their key.
        retenues: live references of cases.
        gels: legal holds that nobody lifted.
    """

    fait: bool
    objets: int = 0
    retenues: int = 0
    gels: int = 0


def effacer_compte(
    *,
    sessions: Sessions,
    coffre: Coffre,
    compte_id: UUID,
    maintenant: datetime,
    malgre_retenues: bool = False,
    essai: bool = False,
) -> Effacement:
    """Destroy the key of an account: its documents are unreadable at once, everywhere (R54).

    The row of the account stays without a key, so that a late event, a retry or an upload that is
    under way cannot make another one: they are refused by `CleEffacee`. The objects are deleted
    after the commit, or by `balayer` when the store is away: without their key they are noise.
    References of cases forbid it unless `malgre_retenues`; a legal hold always does. `essai`
    changes nothing.
    """
    with sessions.begin() as session:
        persistence.lire_espace(session, compte_id, verrou=True)
        retenues, gels = cles.compter_attaches(session, compte_id)
        if gels or (retenues and not malgre_retenues) or essai:
            return Effacement(fait=False, retenues=retenues, gels=gels)
        if not cles.detruire_cle(session, compte_id, maintenant=maintenant):
            return Effacement(fait=False)
        objets = cles.effacer_pieces(session, compte_id)
    with sans_restes(coffre) as restes:
        restes.update((_zone(statut), nom) for statut, nom in objets)
    return Effacement(fait=True, objets=len(objets), retenues=retenues)


def _zone(statut: str) -> Zone:
    return Zone.QUARANTAINE if statut == StatutPiece.EN_ANALYSE else Zone.OBJETS


class Garde:
    """Asks once whether the master keys are right: at start, or when there is a database."""

    def __init__(
        self, *, sessions: Sessions, coffre: Coffre, horloge: Callable[[], datetime]
    ) -> None:
        self._sessions = sessions
        self._coffre = coffre
        self._horloge = horloge
        self._vu = False

    def ouvre(self) -> bool:
        """Tell whether documents may be served; False while the database cannot say.

        Raises: CleMaitresseInvalide.
        """
        if not self._vu:
            try:
                verifier_maitresse(
                    sessions=self._sessions, coffre=self._coffre, maintenant=self._horloge()
                )
            except SQLAlchemyError:
                return False
            self._vu = True
        return True
