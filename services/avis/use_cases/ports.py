"""What sending needs from outside, and the errors of those outside systems."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import Enum
from typing import Protocol
from uuid import UUID

from chassis.db import Sessions
from services.avis.domain import Gabarit, Langue, Lettre, Texte

# What a sealed value of our own tables is for, so that one cannot be read in place of another.
SCELLE_ENVOI = "avis.envoi"
SCELLE_POINT = "avis.point_contact"


class CourrielTemporaire(Exception):
    """The server did not take the message and may take it later.

    Attributes:
        code: its answer, None when it could not be reached at all.
    """

    def __init__(self, code: int | None) -> None:
        super().__init__(code)
        self.code = code


class CourrielDefinitif(Exception):
    """The server will never take this message; `code` is its answer."""

    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code


class CourrielIncertain(Exception):
    """The message was given and its answer was lost: it may have been taken (RFC 1047)."""


class JournalIndisponible(Exception):
    """The journal of the mail server does not answer now; the doubt stays."""


class Reponse(Enum):
    """What a mail server's journal says of a Message-ID."""

    RECU = "recu"
    ABSENT = "absent"
    INCONNU = "inconnu"


class Redaction(Protocol):
    """Writes the texts."""

    def rediger(self, *, gabarit: Gabarit, langue: Langue, donnees: Mapping[str, str]) -> Texte:
        """Write a mail from the data of its event."""
        ...

    def objet(self, *, gabarit: Gabarit, langue: Langue) -> str:
        """Give the subject of a mail, which names nobody."""
        ...


class Courriel(Protocol):
    """Gives a mail to a mail server."""

    def envoyer(self, lettre: Lettre) -> int:
        """Give one mail, within the adapter's time limit.

        Returns: the server's code, 250.
        Raises: CourrielTemporaire, CourrielDefinitif, CourrielIncertain.
        """
        ...


class JournalSmtp(Protocol):
    """Knows what the mail server accepted."""

    def chercher(self, message_id: str) -> Reponse:
        """Look a message up.

        Raises: JournalIndisponible.
        """
        ...


class Presence(Protocol):
    """Proof that this sender lives, which the others can see.

    Attributes:
        numero: random number of this sender; its lock is held as long as it lives.
        en_vol: messages that this process is giving to a server now.
    """

    @property
    def numero(self) -> int:
        """Number written in the rows that this sender holds."""
        ...

    @property
    def en_vol(self) -> set[UUID]:
        """Messages of this process between claim and end."""
        ...

    def assurer(self) -> None:
        """Hold the lock, taking it again when its session was lost."""
        ...


@dataclass(frozen=True, kw_only=True)
class Expedition:
    """What sending needs, put together once by the composition root.

    Attributes:
        cle: 32 bytes, seals what this service keeps.
        domaine: right-hand side of every Message-ID.
        repos: age of a claim before its fate is asked: the server may still be storing it.
        essais_max: tries before a message that no server takes is given up.
    """

    sessions: Sessions
    cle: bytes
    redaction: Redaction
    courriel: Courriel
    journal: JournalSmtp
    presence: Presence
    domaine: str
    repos: timedelta
    essais_max: int
