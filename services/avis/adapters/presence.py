"""A sender's life, shown by an advisory lock that PostgreSQL frees when its session ends."""

import secrets
import threading
from uuid import UUID

from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import DBAPIError


class PresencePostgres:
    """Holds the lock of a random number on a session of its own.

    kill -9 closes the socket and frees the lock at once, so that a successor needs no lease; a
    process that is only slow keeps it and is never taken for dead.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine.execution_options(isolation_level="AUTOCOMMIT")
        self._numero = secrets.randbits(62)
        self._en_vol: set[UUID] = set()
        self._connexion: Connection | None = None
        self._verrou = threading.Lock()

    @property
    def numero(self) -> int:
        """Number written in the rows that this sender holds."""
        return self._numero

    @property
    def en_vol(self) -> set[UUID]:
        """Messages of this process between claim and end."""
        return self._en_vol

    def assurer(self) -> None:
        """Hold the lock, taking it again when its session was lost.

        Raises: DBAPIError: PostgreSQL is away; the sender takes no new message meanwhile.
        """
        with self._verrou:
            if self._connexion is not None:
                try:
                    self._connexion.execute(text("SELECT 1"))
                except DBAPIError:
                    self.fermer()
                else:
                    return
            connexion = self._engine.connect()
            try:
                connexion.execute(
                    text("SELECT pg_advisory_lock(:numero)"), {"numero": self._numero}
                )
            except BaseException:
                connexion.invalidate()
                connexion.close()
                raise
            self._connexion = connexion

    def fermer(self) -> None:
        """End the session: this sender is gone."""
        if self._connexion is not None:
            self._connexion.invalidate()
            self._connexion.close()
            self._connexion = None
