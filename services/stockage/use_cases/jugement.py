"""The antivirus judges a file while it arrives: the citizen waits for one reading, not for two."""

import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from queue import Queue
from typing import Final

from services.stockage.domain import PieceInfectee
from services.stockage.use_cases.ports import Antivirus

# Blocks between the one who receives and the one who judges: the memory of an upload is bounded.
_AVANCE: Final = 8


class Coupure(Exception):
    """The file will not come to its end: there is nothing to judge."""


class Jugement:
    """What the antivirus says of the blocks that `passer` gave on. Made by `juger`.

    Invariant: the judge's thread takes every block up to the end mark, also when the antivirus has
    answered before, so that nobody waits for it to give one.
    """

    def __init__(self, antivirus: Antivirus) -> None:
        self._antivirus = antivirus
        self._file: Queue[bytes | None] = Queue(_AVANCE)
        self._coupe = False
        self._nom: str | None = None
        self._panne: Exception | None = None
        self._fil = threading.Thread(target=self._examiner, name="antivirus", daemon=True)
        self._fil.start()

    def passer(self, blocs: Iterable[bytes]) -> Iterator[bytes]:
        """Give the blocks on, and to the antivirus."""
        for bloc in blocs:
            self._file.put(bloc)
            yield bloc

    def exiger_sain(self) -> None:
        """Wait for the judgement of the whole. Raises: PieceInfectee, ControleIndisponible."""
        self.finir()
        if self._panne is not None:
            raise self._panne
        if self._nom is not None:
            raise PieceInfectee

    def finir(self, *, coupe: bool = False) -> None:
        """Mark the end once, and wait for the judge."""
        if self._fil.is_alive():
            self._coupe = coupe
            self._file.put(None)
            self._fil.join()

    def _examiner(self) -> None:
        arrivees = self._arrivees()
        try:
            self._nom = self._antivirus.examiner(arrivees)
        except Exception as erreur:  # noqa: BLE001 - raised again by the thread that asked
            self._panne = erreur
        # A generator that raised is over; one that was left in the middle goes on from there.
        with suppress(Coupure):
            for _ in arrivees:
                pass

    def _arrivees(self) -> Iterator[bytes]:
        while (bloc := self._file.get()) is not None:
            yield bloc
        if self._coupe:
            raise Coupure


@contextmanager
def juger(antivirus: Antivirus) -> Iterator[Jugement]:
    """Judge what passes in the block; the judge does not outlive it."""
    jugement = Jugement(antivirus)
    try:
        yield jugement
    finally:
        jugement.finir(coupe=True)
