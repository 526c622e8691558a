"""What the use cases ask of the outside: a safe for bytes, an antivirus, parsers kept apart."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import ClassVar, Protocol, Self
from uuid import UUID

from services.stockage.domain import (
    CleScellee,
    Constat,
    Espace,
    FaitStockage,
    ObjetChiffre,
    TypeMedia,
    Zone,
)


class EntrepotEnPanne(Exception):
    """The store cannot be used now, never raised bare. It passes: no document is refused for it."""

    def __init__(self, **details: str) -> None:
        super().__init__(*details.values())
        self._details = details

    def details(self) -> dict[str, str]:
        """What the store said, for `ErrorInfo.metadata`."""
        return dict(self._details)


class EntrepotIndisponible(EntrepotEnPanne):
    """The store does not answer or fails; nothing of the act was kept (F51)."""


class EspacePlein(EntrepotEnPanne):
    """The store has no room left on its disk; nothing of the act was kept (F50)."""


class CleEffacee(FaitStockage):
    """The key of the account was destroyed: its documents are gone, and none can be added (R54)."""

    raison: ClassVar[str] = "CLE_EFFACEE"


class CleMaitresseInvalide(Exception):
    """The master keys that are set are not those that wrapped the keys of the accounts.

    The text is one sentence for the operator; it never holds a byte of a key.
    """


class Maitresse(Protocol):
    """Whoever holds the master keys: the environment, or the KMS of a city (R51).

    A KMS wraps and unwraps without ever giving a master key away, so nothing more is asked of it.
    """

    version: int
    """The version that wraps what is new."""

    def envelopper(self, cle: bytes, *, contexte: bytes) -> CleScellee:
        """Wrap a key of 32 bytes by the current version, bound to the context."""

    def developper(self, scellee: CleScellee, *, contexte: bytes) -> bytes:
        """Unwrap a key.

        Raises: CleMaitresseInvalide (that version is not held), PieceAlteree (the master key, the
            context or the envelope is another one).
        """


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

    def renouveler(self, espace: Espace) -> CleScellee:
        """Wrap the key of an account again, by the current master key (R52). Raises: CleEffacee."""

    def temoin(self) -> CleScellee:
        """Make a check value: what only the current master key can open again."""

    def reconnaitre(self, temoin: CleScellee) -> bool:
        """Tell whether the master key of that version is the one that made the check value.

        Raises: CleMaitresseInvalide when no master key of that version is held.
        """

    def ecrire(self, espace: Espace, zone: Zone, *, passager: bool = False) -> Ecriture:
        """Begin an object under a fresh random name and a fresh data key.

        One that is `passager` gets no digest: it is deleted before anything compares it.
        Raises: CleEffacee, EspacePlein, EntrepotIndisponible; writing raises the last two too.
        """

    def ouvrir(self, espace: Espace, zone: Zone, objet: ObjetChiffre) -> Lecture:
        """Open an object.

        Raises: PieceAlteree when it is missing or not what was written, CleEffacee,
            EntrepotIndisponible, also while it is read.
        """

    def convient(self, espace: Espace, zone: Zone, objet: ObjetChiffre) -> bool:
        """Tell whether the key of the account is the one under which the object was written."""

    def affermir(self, zone: Zone, nom: str) -> None:
        """Flush to the disk an object validated without waiting for it."""

    def supprimer(self, zone: Zone, nom: str) -> None:
        """Delete an object, or do nothing when it is gone."""

    def lister(self, zone: Zone) -> Iterator[tuple[str, float]]:
        """Names of the objects, unfinished ones included, and when they were written (epoch s)."""

    def empreinte(self, zone: Zone, nom: str) -> bytes | None:
        """SHA-256 of the bytes that are stored, None when there are none. No key is needed."""


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

    def apercu(
        self, lecture: Lecture, type_media: TypeMedia, page: int, filigrane: tuple[str, ...] = ()
    ) -> bytes:
        """Render a page, from 1, as a PNG without anything active (STO-03).

        `filigrane` are lines written all over the page, for who is not the owner (STO-05).
        Raises: DonneesInvalides (no such page), PieceTronquee, ControleIndisponible.
        """

    def depouiller(self, lecture: Lecture) -> bytes:
        """Rebuild a PDF without scripts, actions, attached files or dynamic forms (R43).

        Raises: PieceTronquee, ControleIndisponible.
        """
