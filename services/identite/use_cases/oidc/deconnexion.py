"""Clients are told that a session ended (OpenID Connect Back-Channel Logout 1.0)."""

import logging
from datetime import datetime, timedelta
from typing import Final
from uuid import uuid4

from chassis.db import Sessions
from services.identite.domain.oidc_cles import prochain_essai
from services.identite.persistence import oidc_suite as persistence
from services.identite.use_cases.oidc.ports import Postier, ReglesOidc, Signataire

_log = logging.getLogger(__name__)

_EVENEMENT: Final = "http://schemas.openid.net/event/backchannel-logout"
_JETON_VIT: Final = timedelta(minutes=2)
# Longer than the sender waits for a client: nobody else takes it meanwhile.
_PRISE: Final = timedelta(minutes=1)


def noter_fins(*, sessions: Sessions, maintenant: datetime) -> int:
    """Note what clients must be told about sessions that are no more, however they ended.

    Returns: how many logout tokens are due.
    """
    with sessions.begin() as session:
        return persistence.noter_fins(session, maintenant=maintenant)


def annoncer_fin(
    *,
    sessions: Sessions,
    signataire: Signataire,
    postier: Postier,
    regles: ReglesOidc,
    maintenant: datetime,
) -> bool:
    """Post one logout token that is due; a client that does not answer is tried again later.

    No transaction is open while the client answers.

    Returns: False when none was due.
    """
    with sessions.begin() as session:
        due = persistence.prendre_deconnexion(
            session, maintenant=maintenant, jusqua=maintenant + _PRISE
        )
    if due is None:
        return False
    jeton = signataire.signer(
        {
            "iss": regles.emetteur,
            "aud": due.client_id,
            "iat": int(maintenant.timestamp()),
            "exp": int((maintenant + _JETON_VIT).timestamp()),
            "jti": str(uuid4()),
            "sub": due.sujet,
            "sid": due.sid,
            "events": {_EVENEMENT: {}},
        },
        algorithme=due.algorithme,
        genre="logout+jwt",
    )
    recu = postier(due.url, jeton)
    suite = None if recu else prochain_essai(due.essais, maintenant)
    if not recu:
        _log.warning(
            "log-out not received",
            extra={"fields": {"client": due.client_id, "essais": due.essais, "fin": suite is None}},
        )
    with sessions.begin() as session:
        persistence.noter_deconnexion(
            session, due.id, recue_le=maintenant if recu else None, prochain_le=suite
        )
    return True
