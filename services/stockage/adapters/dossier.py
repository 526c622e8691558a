"""Folder back end: one file per object, complete or absent.

A file is written under a temporary name, flushed to the disk, renamed, and its folder flushed too,
so that a name that can be seen names bytes that survive a power cut.
"""

import contextlib
import io
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Self

PROVISOIRE = ".tmp"


class Dossier:
    """Objects of one area, spread over 256 folders by the first two characters of their name."""

    def __init__(self, racine: Path) -> None:
        self._racine = racine
        racine.mkdir(parents=True, exist_ok=True, mode=0o700)

    def accessible(self) -> bool:
        """Tell whether the folder is there and can be written."""
        return os.access(self._racine, os.R_OK | os.W_OK | os.X_OK)

    def creer(self, nom: str) -> "Ecriture":
        """Begin an object."""
        return Ecriture(self._chemin(nom))

    def ouvrir(self, nom: str) -> io.FileIO:
        """Open an object. Raises: FileNotFoundError."""
        # Unbuffered: the reader above asks for whole chunks.
        return self._chemin(nom).open("rb", buffering=0)

    def affermir(self, nom: str) -> None:
        """Flush an object that was closed without waiting for the disk."""
        chemin = self._chemin(nom)
        _synchroniser(chemin)
        _synchroniser(chemin.parent)

    def supprimer(self, nom: str) -> None:
        """Delete an object; one that is gone already is no error, so that a sweep can repeat it."""
        self._chemin(nom).unlink(missing_ok=True)

    def lister(self) -> Iterator[tuple[str, float]]:
        """Every object, unfinished ones included: its name and when it was last written (epoch s).

        An unfinished object keeps its suffix in the name, so that it matches no row.
        """
        for dossier in sorted(self._racine.iterdir()):
            for entree in sorted(os.scandir(dossier), key=lambda e: e.name):
                with contextlib.suppress(FileNotFoundError):
                    yield entree.name, entree.stat().st_mtime

    def _chemin(self, nom: str) -> Path:
        return self._racine / nom[:2] / nom


class Ecriture:
    """An object being written. Leaving the block without `valider` leaves nothing behind."""

    def __init__(self, chemin: Path) -> None:
        self._chemin = chemin
        self._provisoire = chemin.with_name(chemin.name + PROVISOIRE)
        self._valide = False
        if not chemin.parent.exists():
            chemin.parent.mkdir(exist_ok=True, mode=0o700)
            _synchroniser(chemin.parent.parent)
        descripteur = os.open(self._provisoire, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        self._fichier = os.fdopen(descripteur, "wb")

    def write(self, data: bytes, /) -> int:
        """Append bytes."""
        return self._fichier.write(data)

    def valider(self, *, durable: bool) -> None:
        """Give the object its name. Returns only after the disk has it when `durable`."""
        self._fichier.flush()
        if durable:
            os.fsync(self._fichier.fileno())
        self._fichier.close()
        self._provisoire.rename(self._chemin)
        self._valide = True
        if durable:
            _synchroniser(self._chemin.parent)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._valide:
            return
        # A full disk fails once more when the buffer is flushed; the first failure is the one told.
        with contextlib.suppress(OSError):
            self._fichier.close()
        self._provisoire.unlink(missing_ok=True)


def _synchroniser(chemin: Path) -> None:
    descripteur = os.open(chemin, os.O_RDONLY)
    try:
        os.fsync(descripteur)
    finally:
        os.close(descripteur)
