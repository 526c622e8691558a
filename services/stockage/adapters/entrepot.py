"""What an object store is to the safe: named bytes, complete or absent, in the areas of `Zone`.

Two back ends keep it, a folder (`dossier`) and an S3-compatible server (`s3`), under one contract
test. None of them sees a plain byte or a key.
"""

from collections.abc import Iterator
from typing import Protocol, Self

from services.stockage.domain import Zone

# What the name of an unfinished object bears after its own, so that it matches no row.
PROVISOIRE = ".tmp"


class Objet(Protocol):
    """An object opened for reading at any place, as a file.

    `read` raises `EntrepotIndisponible` when the bytes are there and cannot be had now.
    """

    def seek(self, offset: int, whence: int = 0, /) -> int:
        """Move."""

    def read(self, size: int = -1, /) -> bytes:
        """Read exactly so many bytes, fewer at the end of the object only."""

    def descripteur(self) -> int:
        """A descriptor of the whole object for another process, open as long as the object is."""

    def close(self) -> None:
        """Let go."""


class Ecriture(Protocol):
    """An object being written. Leaving the block without `valider` leaves nothing behind."""

    def write(self, data: bytes, /) -> object:
        """Append bytes. Raises: EspacePlein, EntrepotIndisponible."""

    def valider(self, *, durable: bool) -> None:
        """Give the object its name; when `durable`, returns only once it survives a power cut."""

    def __enter__(self) -> Self:
        """Keep open."""

    def __exit__(self, *_: object) -> None:
        """Abandon what was not validated; raises nothing."""


class Entrepot(Protocol):
    """Where encrypted objects are. Any method may raise `EntrepotIndisponible`."""

    def accessible(self) -> bool:
        """Tell whether objects can be written and read now, as far as is known without a wait."""

    def creer(self, zone: Zone, nom: str) -> Ecriture:
        """Begin an object under a name that was never used."""

    def ouvrir(self, zone: Zone, nom: str) -> Objet:
        """Open an object. Raises: FileNotFoundError."""

    def affermir(self, zone: Zone, nom: str) -> None:
        """Make durable an object that was validated without waiting for it."""

    def supprimer(self, zone: Zone, nom: str) -> None:
        """Delete an object, or what `lister` showed of an unfinished one; gone is no error."""

    def lister(self, zone: Zone) -> Iterator[tuple[str, float]]:
        """Every object, unfinished ones included: its name and when it was last written (epoch s).

        The name of an unfinished object contains `PROVISOIRE`, and `supprimer` takes it.
        """

    def empreinte(self, zone: Zone, nom: str) -> bytes | None:
        """SHA-256 of the bytes that are stored, None when there are none."""
