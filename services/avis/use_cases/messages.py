"""SMS and calls that another service asks for: each at most once (AVI-05, IDN-06).

A mail that came twice is a nuisance; a phone that rings twice at night, or a code paid for twice,
is more. So the event is noted first and given after: what a death or a doubtful answer cuts short
is not given again, and a person who waits for a code asks for another one.
"""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID

from chassis import inbox
from chassis.db import Sessions
from services.avis import domain
from services.avis.domain import Canal, Langue
from services.avis.use_cases.inscription import CONSOMMATEUR

_log = logging.getLogger(__name__)


class MessageRefuse(Exception):
    """The channel did not take the message; `code` is what it said, for the log."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@dataclass(frozen=True, kw_only=True)
class Message:
    """What one phone number receives."""

    event_id: UUID
    canal: Canal
    # E.164.
    numero: str
    langue: Langue
    # Words of the SMS, or what the voice says.
    texte: str


class CanalMessage(Protocol):
    """A way to a phone number: an SMS centre, a telephone line, the mailbox of the demo."""

    def donner(self, message: Message) -> None:
        """Give one message, once. Raises: MessageRefuse."""
        ...


class RedactionMessage(Protocol):
    """Writes what is sent or said."""

    def ecrire(
        self, *, gabarit: str, canal: Canal, langue: Langue, donnees: Mapping[str, str]
    ) -> str:
        """Write one text. Raises: GabaritInconnu."""
        ...


@dataclass(frozen=True, kw_only=True)
class Messagerie:
    """What giving SMS and calls needs, put together once by the composition root."""

    sessions: Sessions
    redaction: RedactionMessage
    # None: the city has no such channel.
    texto: CanalMessage | None
    voix: CanalMessage | None


def envoyer_message(
    *,
    messagerie: Messagerie,
    event_id: UUID,
    gabarit: str,
    canal: str,
    langue: str,
    donnees: Mapping[str, str],
    maintenant: datetime,
) -> bool:
    """Give an SMS or a call that an event asks for, unless it was given or comes too late.

    Args:
        messagerie: channels and texts.
        event_id: at most one message per event, whatever dies.
        gabarit: name of the text.
        canal: "texto" or "telephone".
        langue: "fr" or "en".
        donnees: opened data: numero, expire_le (RFC 3339), and code for "code".
        maintenant: aware UTC time.
    Returns: True when the channel took it.
    Raises: GabaritInconnu, CanalInconnu, LangueInconnue, AdresseInvalide: before anything is
        noted, so that the event waits among the dead letters.
    """
    canal_lu = domain.canal(canal)
    if canal_lu is Canal.COURRIEL:
        raise domain.CanalInconnu(canal)
    langue_lue = domain.langue(langue)
    message = Message(
        event_id=event_id,
        canal=canal_lu,
        numero=domain.normaliser_telephone(donnees.get("numero", "")),
        langue=langue_lue,
        texte=messagerie.redaction.ecrire(
            gabarit=gabarit, canal=canal_lu, langue=langue_lue, donnees=donnees
        ),
    )
    with messagerie.sessions.begin() as session:
        if inbox.already_seen(session, event_id=event_id, consumer=CONSOMMATEUR):
            return False
    if maintenant >= datetime.fromisoformat(donnees["expire_le"]):
        _log.warning("message too late", extra={"fields": {"event": event_id}})
        return False
    voie = messagerie.texto if canal_lu is Canal.TEXTO else messagerie.voix
    if voie is None:
        _log.error("no channel", extra={"fields": {"event": event_id, "canal": canal}})
        return False
    try:
        voie.donner(message)
    except MessageRefuse as refus:
        champs = {"event": event_id, "canal": canal, "code": refus.code}
        _log.warning("message refused", extra={"fields": champs})
        return False
    return True
