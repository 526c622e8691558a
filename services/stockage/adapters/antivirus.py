"""clamd over its TCP socket, by the INSTREAM command of clamd(8) (R47).

Fails closed: whatever is not a clear "OK" or "FOUND" leaves the document in quarantine (R46).
"""

import contextlib
import socket
import struct
from collections.abc import Iterable
from datetime import UTC, datetime

from services.stockage.domain import ControleImpossible, ControleIndisponible

CONNEXION_S = 2.0
# Longest silence of clamd, while it reads or while it unpacks what it read.
SILENCE_S = 30.0
REPONSE_MAX = 4096
_PARTS_VERSION = 3


class AntivirusClamd:
    """`Antivirus` over one clamd. A connection serves one document, as INSTREAM asks."""

    def __init__(self, adresse: str, *, silence_s: float = SILENCE_S) -> None:
        hote, _, port = adresse.rpartition(":")
        self._adresse = (hote, int(port))
        self._silence_s = silence_s

    def signatures_du(self) -> datetime | None:
        """When the signatures that clamd uses were made, UTC; None when it has only local ones.

        Raises: ControleIndisponible.
        """
        try:
            with socket.create_connection(self._adresse, timeout=CONNEXION_S) as prise:
                prise.settimeout(self._silence_s)
                prise.sendall(b"zVERSION\0")
                reponse = _lire(prise)
        except OSError as erreur:
            raise ControleIndisponible("clamd") from erreur
        # "ClamAV 1.0.7/27468/Fri Nov 20 08:36:46 2026"; what follows the name may be missing.
        parts = reponse.rstrip(b"\0").decode("ascii", errors="replace").split("/")
        if len(parts) < _PARTS_VERSION:
            return None
        try:
            return datetime.strptime(parts[2].strip(), "%a %b %d %H:%M:%S %Y").replace(tzinfo=UTC)
        except ValueError:
            return None

    def examiner(self, blocs: Iterable[bytes]) -> str | None:
        """Judge a stream. Raises: ControleIndisponible, ControleImpossible."""
        try:
            with socket.create_connection(self._adresse, timeout=CONNEXION_S) as prise:
                prise.settimeout(self._silence_s)
                # clamd answers and closes when it has seen enough, before the end of the stream.
                with contextlib.suppress(ConnectionResetError, BrokenPipeError):
                    prise.sendall(b"zINSTREAM\0")
                    for bloc in blocs:
                        prise.sendall(struct.pack(">I", len(bloc)) + bloc)
                    prise.sendall(struct.pack(">I", 0))
                reponse = _lire(prise)
        except OSError as erreur:
            raise ControleIndisponible("clamd") from erreur
        return _comprendre(reponse)


def _lire(prise: socket.socket) -> bytes:
    reponse = bytearray()
    while b"\0" not in reponse and len(reponse) < REPONSE_MAX:
        recu = prise.recv(REPONSE_MAX)
        if not recu:
            break
        reponse += recu
    return bytes(reponse)


def _comprendre(reponse: bytes) -> str | None:
    texte, fin, _ = reponse.partition(b"\0")
    if not fin:
        # It was cut: a clamd that is stopping is away, not unable.
        raise ControleIndisponible("clamd")
    verdict = texte.decode("utf-8", errors="replace").removeprefix("stream: ")
    if verdict == "OK":
        return None
    if verdict.endswith(" FOUND"):
        return verdict.removesuffix(" FOUND")
    raise ControleImpossible("clamd")
