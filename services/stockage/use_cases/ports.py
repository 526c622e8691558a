"""What the use cases ask of the outside: a safe for bytes, an antivirus, parsers kept apart."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Protocol, Self
from uuid import UUID

from services.stockage.domain import (
    CleScellee,
    Constat,
    Espace,
    ObjetChiffre,
    TypeMedia,
    Zone,
)


@dataclass(frozen=True, kw_only=True)
class Partage:
    """What lets another process read one object and nothing else: an open file and its own key."""

    descripteur: int
    cle: bytes
    contexte: bytes


class Lecture(Protocol):
    """An object opened for reading. Every method may raise `PieceAlteree`."""

    taille_octets: int

    def blocs(self) -> Iterator[bytes]:
        """Plain bytes, in blocks, from the start."""

    def bords(self, octets: int) -> tuple[bytes, bytes]:
        """The first and the last `octets` plain bytes; all of a shorter object, twice."""

    def partage(self) -> Partage:
        """What a parser process is given."""

    def __enter__(self) -> Self:
        """Keep open."""

    def __exit__(self, *_: object) -> None:
        """Close."""


class Ecriture(Protocol):
    """An object being written. Leaving the block without `valider` leaves nothing behind."""

    def ajouter(self, donnees: bytes) -> None:
        """Append plain bytes."""

    def valider(self, *, durable: bool) -> ObjetChiffre:
        """Close the object; when `durable`, only after the disk has it."""

    def __enter__(self) -> Self:
        """Keep open."""

    def __exit__(self, *_: object) -> None:
        """Abandon what was not validated."""


class Coffre(Protocol):
    """Encrypted objects and the keys that wrap theirs."""

    def nouvelle_cle(self, compte_id: UUID) -> CleScellee:
        """Make the key of an account, wrapped by the current master key."""

    def ecrire(self, espace: Espace, zone: Zone) -> Ecriture:
        """Begin an object under a fresh random name and a fresh data key."""

    def ouvrir(self, espace: Espace, zone: Zone, objet: ObjetChiffre) -> Lecture:
        """Open an object. Raises: PieceAlteree when it is missing or not what was written."""

    def affermir(self, zone: Zone, nom: str) -> None:
        """Flush to the disk an object validated without waiting for it."""

    def supprimer(self, zone: Zone, nom: str) -> None:
        """Delete an object, or do nothing when it is gone."""

    def lister(self, zone: Zone) -> Iterator[tuple[str, float]]:
        """Names of the objects, unfinished ones included, and when they were written (epoch s)."""

    def empreinte(self, zone: Zone, nom: str) -> bytes | None:
        """SHA-256 of the bytes on disk, None when there are none. No key is needed."""


class Antivirus(Protocol):
    """The judge of bytes."""

    def examiner(self, blocs: Iterable[bytes]) -> str | None:
        """Judge a stream. Returns: the name of what was recognised, None when nothing was.

        Raises: ControleIndisponible (nobody answers), ControleImpossible (it cannot judge this).
        """


class Analyseur(Protocol):
    """Real parsers, in a process of their own (R44)."""

    def assainir(
        self, lecture: Lecture, type_media: TypeMedia, ecrire: Callable[[bytes], None]
    ) -> Constat:
        """Parse a document and write its clean form, if its type has one.

        Raises: PieceTropGrande, PieceTronquee, TypeNonAccepte, ControleIndisponible.
        """

    def apercu(self, lecture: Lecture, type_media: TypeMedia, page: int) -> bytes:
        """Render a page, from 1, as a PNG without anything active (STO-03).

        Raises: DonneesInvalides (no such page), PieceTronquee, ControleIndisponible.
        """
