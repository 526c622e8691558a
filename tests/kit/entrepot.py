"""A real S3-compatible server, and a door in front of it that a test makes fail."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator
from enum import StrEnum
from urllib.parse import urlsplit

_METHODES = (b"GET ", b"PUT ", b"POST", b"HEAD", b"DELE")
_ERREUR = b"HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


class Panne(StrEnum):
    """What the door does with a request."""

    AUCUNE = "aucune"
    ERREUR_500 = "500"
    MUETTE = "muette"
    COUPEE = "coupee"


class Porte:
    """A TCP door to the server: `url` instead of the server's own.

    `panne` may be changed at any time; it holds from the request of rank `des` on. `COUPEE` lets
    `octets` bytes of an answer through and closes.
    """

    def __init__(self, url: str) -> None:
        arrivee = urlsplit(url)
        self._vers = (arrivee.hostname or "", arrivee.port or 0)
        self._ecoute = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._ecoute.getsockname()[1]}"
        self.panne = Panne.AUCUNE
        self.des = 0
        self.octets = 1000
        self.demandes = 0
        self._prises: list[socket.socket] = []
        self._fin = threading.Event()
        threading.Thread(target=self._servir, daemon=True).start()

    def casser(self, panne: Panne, *, des: int = 0) -> None:
        """Fail from the request of that rank on, counted from now."""
        self.demandes, self.des, self.panne = 0, des, panne

    def reparer(self) -> None:
        """Let everything through again."""
        self.panne = Panne.AUCUNE

    def fermer(self) -> None:
        """Close the door and what passes."""
        self._fin.set()
        self._ecoute.close()
        for prise in self._prises:
            with contextlib.suppress(OSError):
                prise.shutdown(socket.SHUT_RDWR)
            prise.close()

    def _servir(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                prise, _ = self._ecoute.accept()
                self._prises.append(prise)
                threading.Thread(target=self._relayer, args=(prise,), daemon=True).start()

    def _en_panne(self) -> Panne:
        return self.panne if self.demandes > self.des else Panne.AUCUNE

    def _relayer(self, prise: socket.socket) -> None:
        with contextlib.suppress(OSError), prise, socket.create_connection(self._vers) as serveur:
            self._prises.append(serveur)
            threading.Thread(target=self._retour, args=(serveur, prise), daemon=True).start()
            while donnees := prise.recv(65536):
                if donnees.startswith(_METHODES):
                    self.demandes += 1
                panne = self._en_panne()
                if panne is Panne.ERREUR_500:
                    prise.sendall(_ERREUR)
                    return
                if panne is Panne.MUETTE:
                    # The client's own limit of time ends this, or the end of the test.
                    self._fin.wait(60)
                    return
                serveur.sendall(donnees)

    def _retour(self, serveur: socket.socket, prise: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while donnees := serveur.recv(65536):
                if self._en_panne() is Panne.COUPEE:
                    prise.sendall(donnees[: self.octets])
                    prise.shutdown(socket.SHUT_RDWR)
                    return
                prise.sendall(donnees)


@contextlib.contextmanager
def porte(url: str) -> Iterator[Porte]:
    """Open a door to a server during the block."""
    ouverte = Porte(url)
    try:
        yield ouverte
    finally:
        ouverte.fermer()
