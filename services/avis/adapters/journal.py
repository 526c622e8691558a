"""What the mail server accepted, asked by Message-ID."""

import http.client
import json
from urllib.parse import quote, urlsplit

from services.avis.use_cases import JournalIndisponible, Reponse

_OK = 200


class JournalMaildev:
    """Asks the local sink of the demo and the tests, which stores a mail before it answers 250.

    Its REST API filters by the exact value of a header:
    `GET /api/email?headers.message-id=<…>` (maildev 3).
    """

    def __init__(self, *, url: str, delai_s: float = 5.0) -> None:
        parties = urlsplit(url)
        if parties.scheme != "http" or not parties.hostname:
            raise ValueError("the address of the sink's journal is http://host:port")
        self._hote, self._port = parties.hostname, parties.port or 80
        self._chemin = parties.path.rstrip("/")
        self._delai_s = delai_s

    def chercher(self, message_id: str) -> Reponse:
        """Look a message up.

        Raises: JournalIndisponible.
        """
        connexion = http.client.HTTPConnection(self._hote, self._port, timeout=self._delai_s)
        chemin = f"{self._chemin}/api/email?headers.message-id={quote(message_id, safe='')}&limit=1"
        try:
            connexion.request("GET", chemin)
            reponse = connexion.getresponse()
            corps = reponse.read()
            trouves = json.loads(corps) if reponse.status == _OK else None
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise JournalIndisponible from error
        finally:
            connexion.close()
        if not isinstance(trouves, list):
            raise JournalIndisponible
        return Reponse.RECU if trouves else Reponse.ABSENT


class JournalNul:
    """Nobody can be asked: the fate of a doubtful mail stays unknown."""

    def chercher(self, message_id: str) -> Reponse:  # noqa: ARG002  (the port names it)
        """Answer that nothing is known."""
        return Reponse.INCONNU
