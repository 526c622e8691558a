"""Folder back end: one file per object, complete or absent.

A file is written under a temporary name, flushed to the disk, renamed, and its folder flushed too,
so that a name that can be seen names bytes that survive a power cut. What the system refuses is
told in two words: the disk is full, or the folder cannot be used now (F50, F51).
"""

import contextlib
import errno
import hashlib
import io
import os
from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn, Self

from services.stockage.adapters.entrepot import PROVISOIRE
from services.stockage.domain import Zone
from services.stockage.use_cases.ports import EntrepotIndisponible, EspacePlein

# EFBIG is the limit of one file (RLIMIT_FSIZE); EMFILE and ENFILE pass with the load (F53).
_PLEIN = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
# Enough for the disk to read ahead, little enough for every thread to have one.
_LECTURE = 1024 * 1024


class EntrepotDossier:
    """`Entrepot` over a folder; each area is spread over 256 folders by the names' first two."""

    def __init__(self, racine: Path) -> None:
        self._zones = {zone: racine / zone.value for zone in Zone}
        for dossier in self._zones.values():
            dossier.mkdir(parents=True, exist_ok=True, mode=0o700)

    def accessible(self) -> bool:
        """Tell whether the folders are there and can be written."""
        return all(os.access(d, os.R_OK | os.W_OK | os.X_OK) for d in self._zones.values())

    def creer(self, zone: Zone, nom: str) -> "EcritureDossier":
        """Begin an object."""
        with _faits():
            return EcritureDossier(self._chemin(zone, nom))

    def ouvrir(self, zone: Zone, nom: str) -> "ObjetDossier":
        """Open an object. Raises: FileNotFoundError."""
        with _faits():
            return ObjetDossier(self._chemin(zone, nom))

    def affermir(self, zone: Zone, nom: str) -> None:
        """Flush an object that was closed without waiting for the disk."""
        chemin = self._chemin(zone, nom)
        with _faits():
            _synchroniser(chemin)
            _synchroniser(chemin.parent)

    def supprimer(self, zone: Zone, nom: str) -> None:
        """Delete an object; one that is gone already is no error, so that a sweep can repeat it."""
        with _faits():
            self._chemin(zone, nom).unlink(missing_ok=True)

    def lister(self, zone: Zone) -> Iterator[tuple[str, float]]:
        """Every object, unfinished ones included: its name and when it was last written (epoch s).

        An unfinished object keeps its suffix in the name, so that it matches no row.
        """
        with _faits():
            for dossier in sorted(self._zones[zone].iterdir()):
                for entree in sorted(os.scandir(dossier), key=lambda e: e.name):
                    with contextlib.suppress(FileNotFoundError):
                        yield entree.name, entree.stat().st_mtime

    def empreinte(self, zone: Zone, nom: str) -> bytes | None:
        """SHA-256 of the bytes on disk."""
        try:
            with _faits(), self._chemin(zone, nom).open("rb", buffering=0) as fichier:
                return _condenser(fichier)
        except FileNotFoundError:
            return None

    def _chemin(self, zone: Zone, nom: str) -> Path:
        return self._zones[zone] / nom[:2] / nom


class ObjetDossier(io.FileIO):
    """An object of the folder. Unbuffered: the reader above asks for whole chunks."""

    def __init__(self, chemin: Path) -> None:
        super().__init__(chemin, "rb")

    def seek(self, offset: int, whence: int = os.SEEK_SET, /) -> int:
        """Move."""
        with _faits():
            return super().seek(offset, whence)

    def read(self, size: int | None = -1, /) -> bytes:
        """Read; a disk that fails is not a document that was altered."""
        with _faits():
            return super().read(-1 if size is None else size) or b""

    def descripteur(self) -> int:
        """The file's own."""
        return self.fileno()


class EcritureDossier:
    """`Ecriture` of one file."""

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
        with _faits():
            return self._fichier.write(data)

    def valider(self, *, durable: bool) -> None:
        """Give the object its name. Returns only after the disk has it when `durable`."""
        with _faits():
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
        # What cannot be deleted now has no row, so that `balayer` deletes it later.
        with contextlib.suppress(OSError):
            self._fichier.close()
        with contextlib.suppress(OSError):
            self._provisoire.unlink(missing_ok=True)


@contextlib.contextmanager
def _faits() -> Iterator[None]:
    """Turn what the system says into a fact; a file that is missing stays what it is."""
    try:
        yield
    except FileNotFoundError:
        raise
    except OSError as erreur:
        _dire(erreur)


def _dire(erreur: OSError) -> NoReturn:
    if erreur.errno in _PLEIN:
        raise EspacePlein from erreur
    raise EntrepotIndisponible(cause=errno.errorcode.get(erreur.errno or 0, "")) from erreur


def _condenser(fichier: io.FileIO) -> bytes:
    sha256 = hashlib.sha256()
    tampon = bytearray(_LECTURE)
    with memoryview(tampon) as vue:
        while lus := fichier.readinto(vue):
            sha256.update(vue[:lus])
    return sha256.digest()


def _synchroniser(chemin: Path) -> None:
    descripteur = os.open(chemin, os.O_RDONLY)
    try:
        os.fsync(descripteur)
    finally:
        os.close(descripteur)
