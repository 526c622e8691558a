"""Upkeep of OpenID Connect: what can serve nobody any more is deleted."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from chassis.db import Sessions
from services.identite.persistence import oidc_suite as persistence
from services.identite.use_cases.oidc.cles import tenir_cles
from services.identite.use_cases.oidc.deconnexion import annoncer_fin, noter_fins
from services.identite.use_cases.oidc.ports import Fabrique, Postier, ReglesOidc, Signataire

_PAQUET = 1000
# A token or an assertion that ended stays a day: a replay is then told from an unknown one.
_MEMOIRE = timedelta(days=1)
_TRACE = timedelta(days=30)
# Logout tokens posted in one round: a client that hangs must not hold the others for ever.
_PAR_TOUR = 20


@dataclass(frozen=True, kw_only=True)
class TravailOidc:
    """What the worker does for OpenID Connect, and what it needs for it."""

    sessions: Sessions
    regles: ReglesOidc
    signataire: Signataire
    fabrique: Fabrique
    postier: Postier

    def fins(self, maintenant: datetime) -> int:
        """Tell clients about the sessions that ended. Returns: how many tokens were posted."""
        noter_fins(sessions=self.sessions, maintenant=maintenant)
        poste = 0
        while poste < _PAR_TOUR and annoncer_fin(
            sessions=self.sessions,
            signataire=self.signataire,
            postier=self.postier,
            regles=self.regles,
            maintenant=maintenant,
        ):
            poste += 1
        return poste

    def entretien(self, maintenant: datetime) -> Mapping[str, int]:
        """Turn the keys and delete what ended. Returns: how many rows of each kind."""
        cles = tenir_cles(
            sessions=self.sessions,
            fabrique=self.fabrique,
            regles=self.regles,
            maintenant=maintenant,
        )
        nombres = purger_oidc(sessions=self.sessions, regles=self.regles, maintenant=maintenant)
        return {"oidc_cle": cles, **nombres}


def purger_oidc(
    *, sessions: Sessions, regles: ReglesOidc, maintenant: datetime
) -> Mapping[str, int]:
    """Delete what ended, in small transactions. Returns: how many rows of each table."""
    hier = maintenant - _MEMOIRE
    avant = {
        "oidc_jeton": hier,
        "oidc_assertion": hier,
        "billet_amont": hier,
        "oidc_deconnexion": maintenant - _TRACE,
        # A refresh token may be turned for as long as people use it; its log-in cannot be older
        # than the last one allows.
        "oidc_autorisation": maintenant - regles.durees.renouvellement - _TRACE,
    }
    return {table: _purger(sessions, table, jour) for table, jour in avant.items()}


def _purger(sessions: Sessions, table: str, avant: datetime) -> int:
    total = 0
    while True:
        with sessions.begin() as session:
            nombre = persistence.purger(session, table, avant, paquet=_PAQUET)
        total += nombre
        if nombre < _PAQUET:
            return total
