"""Facts that stop an act; each has its row in the ERRORS table of ``api.py``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.cartes.domain.temps import horodatage

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date, datetime

    from services.cartes.domain.etats import RolePiece


class DonneesInvalides(Exception):
    """Some fields are wrong. `fields` maps a field path to an UPPER_SNAKE code."""

    def __init__(self, fields: Mapping[str, str]) -> None:
        super().__init__(", ".join(sorted(fields)))
        self.fields = dict(fields)


class CarteDejaDemandee(Exception):
    """The person already holds a card, or waits for one."""


class MemePieceDeuxFois(Exception):
    """One document was given as both proofs."""


class _FaitSurPiece(Exception):
    """A fact about one proof; `role` says which."""

    def __init__(self, role: RolePiece) -> None:
        super().__init__(role.value)
        self.role = role

    def details(self) -> dict[str, str]:
        """Return which proof."""
        return {"role": self.role.value}


class PieceIntrouvable(_FaitSurPiece):
    """The document does not exist, or belongs to somebody else: the two look the same."""


class PieceNonSaine(_FaitSurPiece):
    """The document has not passed, or failed, the antivirus."""


class GenreNonAccepte(_FaitSurPiece):
    """The city does not accept this kind of document for this role (CAR-02)."""


class PieceNonRefusee(_FaitSurPiece):
    """Only a refused proof can be replaced (CAR-04)."""


class PieceDejaRefusee(_FaitSurPiece):
    """The document offered is the very one that staff refused."""


class PieceExpiree(_FaitSurPiece):
    """The proof is past its validity date (CAR-02)."""

    def __init__(self, role: RolePiece, valide_jusqu_au: date) -> None:
        super().__init__(role)
        self.valide_jusqu_au = valide_jusqu_au

    def details(self) -> dict[str, str]:
        """Return which proof, and its last valid day."""
        return {**super().details(), "valide_jusqu_au": self.valide_jusqu_au.isoformat()}


class StockageIndisponible(Exception):
    """The document space did not answer: the same act may succeed later."""


class CarteIntrouvable(Exception):
    """No such card, or somebody else's: the two look the same."""


class DemandeIntrouvable(Exception):
    """No such request, or somebody else's: the two look the same."""


class AccesRefuse(Exception):
    """The caller's role allows the act, but not on this object."""


class VersionPerimee(Exception):
    """The request changed since it was read. Says when, never who."""

    def __init__(self, *, version: int, modifiee_le: datetime) -> None:
        super().__init__(f"version {version}")
        self.version = version
        self.modifiee_le = modifiee_le

    def details(self) -> dict[str, str]:
        """Return the current version and since when; no name."""
        return {"version": str(self.version), "modifiee_le": horodatage(self.modifiee_le)}


class DemandeDejaDecidee(Exception):
    """The request does not wait for staff any more."""

    def __init__(self, *, decidee_le: datetime | None) -> None:
        super().__init__("decided")
        self.decidee_le = decidee_le

    def details(self) -> dict[str, str]:
        """Return when it was decided."""
        return {"decidee_le": horodatage(self.decidee_le)} if self.decidee_le else {}


class CarteNonActive(Exception):
    """Only an active card goes into a wallet."""


class LienInconnu(Exception):
    """The mailed link was never made, or was withdrawn."""


class LienExpire(Exception):
    """The mailed link is past its days."""


class PortefeuilleNonOffert(Exception):
    """This city has not set up that wallet."""
