"""The program that opens hostile files: `python -m services.stockage.adapters.bac_a_sable`.

A model process loads Pillow and pdfium once, then forks one child per document: the child starts in
milliseconds, reads one document, writes one answer and ends, so that nothing passes from the file
of a citizen to the file of another. A child has its own limits of memory and processor, may write
to its socket only, and is killed by the model when it lasts too long (R44). The model never reads
a byte of a document. It has no environment, hence no master key.

The model's standard input is a socket: each byte received carries two descriptors, the socket of
the job and the encrypted object. It ends when that socket closes, that is with its parent.
"""

import base64
import ctypes
import io
import json
import os
import resource
import select
import signal
import socket
import sys
import time
from collections.abc import Callable
from functools import partial
from typing import Any, BinaryIO, NoReturn, cast

from services.stockage.adapters.cadres import (
    DONNEES,
    LONGUEUR,
    PANNE,
    RESULTAT,
    envoyer,
    recevoir,
)
from services.stockage.adapters.chiffrement import Dechiffreur
from services.stockage.adapters.depouillement import depouiller
from services.stockage.adapters.examen import apercu, assainir, charger_modules
from services.stockage.adapters.filigrane import filigraner
from services.stockage.domain import Bornes, DonneesInvalides, FaitStockage, TypeMedia

_PR_SET_PDEATHSIG = 1
_PR_SET_NO_NEW_PRIVS = 38


def servir(controle: socket.socket, *, memoire: int, cpu_s: int, delai_s: float) -> None:
    """Fork a child for each job until the parent closes."""
    enfants: dict[int, float] = {}
    while True:
        pret, _, _ = select.select([controle], [], [], 0.1 if enfants else None)
        _recolter(enfants)
        if not pret:
            continue
        octet, descripteurs, _, _ = socket.recv_fds(controle, 1, 2)
        if not octet:
            return
        pid = os.fork()
        if pid == 0:
            controle.close()
            _confiner(memoire=memoire, cpu_s=cpu_s)
            _travailler(*descripteurs)
        enfants[pid] = time.monotonic() + delai_s
        for descripteur in descripteurs:
            os.close(descripteur)


def _recolter(enfants: dict[int, float]) -> None:
    """Bury the children that ended and kill those that are late."""
    for pid, limite in list(enfants.items()):
        if os.waitpid(pid, os.WNOHANG) != (0, 0):
            del enfants[pid]
        elif time.monotonic() > limite:
            os.kill(pid, signal.SIGKILL)


def _confiner(*, memoire: int, cpu_s: int) -> None:
    """Give up what a parser does not need, before it reads a byte."""
    libc = ctypes.CDLL(None)
    libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    with open("/proc/self/statm", encoding="ascii") as statm:  # noqa: PTH123 - no path is built
        deja = int(statm.read().split()[0]) * resource.getpagesize()
    for limite, valeur in (
        (resource.RLIMIT_AS, deja + memoire),
        (resource.RLIMIT_CPU, cpu_s),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_NOFILE, 0),
    ):
        resource.setrlimit(limite, (valeur, valeur))


def _travailler(canal: int, objet: int) -> None:
    """Do one job in a child, and end. Whatever is not a result is a death, told by the silence."""
    prise = socket.socket(fileno=canal)
    try:
        (longueur,) = LONGUEUR.unpack(recevoir(prise, LONGUEUR.size))
        demande = json.loads(recevoir(prise, longueur))
        with Fichier(objet, prise) as fichier:
            resultat = _repondre(demande, cast("BinaryIO", fichier), prise)
        envoyer(prise, RESULTAT, json.dumps(resultat).encode())
    except BaseException:  # noqa: BLE001 - a dump of what failed would show the document
        os._exit(1)
    os._exit(0)


class Fichier(io.FileIO):
    """The encrypted object. A disk that fails is told at once: parsers call it a bad file."""

    def __init__(self, descripteur: int, prise: socket.socket) -> None:
        super().__init__(descripteur, "rb")
        self._prise = prise

    def seek(self, offset: int, whence: int = os.SEEK_SET, /) -> int:
        """Move, or end this process with the reason."""
        try:
            return super().seek(offset, whence)
        except OSError:
            self._renoncer()

    def read(self, size: int | None = -1, /) -> bytes:
        """Read, or end this process with the reason."""
        try:
            return super().read(-1 if size is None else size) or b""
        except OSError:
            self._renoncer()

    def _renoncer(self) -> NoReturn:
        envoyer(self._prise, RESULTAT, json.dumps({"raison": PANNE, "details": {}}).encode())
        os._exit(0)


def _repondre(demande: dict[str, Any], fichier: BinaryIO, prise: socket.socket) -> dict[str, Any]:
    cle = base64.b64decode(demande["cle"])
    contexte = base64.b64decode(demande["contexte"])
    bornes = Bornes(pixels=demande["pixels"], pages=demande["pages"])
    type_media = TypeMedia(demande["type"])
    try:
        clair = Dechiffreur(fichier, cle=cle, contexte=contexte)
        source = cast("BinaryIO", io.BufferedReader(clair))
        if demande["acte"] == "apercu":
            marque = partial(filigraner, lignes=demande["filigrane"])
            apercu(source, type_media, demande["page"], _emettre(prise), bornes, marque)
            return {}
        if demande["acte"] == "depouiller":
            depouiller(source, _emettre(prise))
            return {}
        constat = assainir(source, type_media, _emettre(prise), bornes)
    except DonneesInvalides as fait:
        return {"raison": fait.raison, "details": fait.fields}
    except FaitStockage as fait:
        return {"raison": fait.raison, "details": fait.details()}
    return {"pages": constat.pages, "reecrit": constat.reecrit}


def _emettre(prise: socket.socket) -> Callable[[bytes], None]:
    return lambda donnees: envoyer(prise, DONNEES, donnees)


def main() -> None:
    """Serve until the parent ends. Arguments: memory in bytes, processor s, delay s."""
    memoire, cpu_s, delai_s = sys.argv[1:]
    charger_modules()
    # Ctrl-C is for the parent, which closes the socket when it has finished.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    servir(socket.socket(fileno=0), memoire=int(memoire), cpu_s=int(cpu_s), delai_s=float(delai_s))


if __name__ == "__main__":
    main()
