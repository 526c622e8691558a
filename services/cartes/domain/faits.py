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


class CarteDejaAssociee(Exception):
    """The card belongs to an account already; its holder is told of the try (CAR-03)."""


class AssociationRefusee(Exception):
    """No valid card has that number, birth date and postal code; which is wrong, nobody says."""


class TropDeTentatives(Exception):
    """Too many tries at associating a card. `attente_s` is how many seconds to wait."""

    def __init__(self, attente_s: int) -> None:
        super().__init__(f"{attente_s} s")
        self.attente_s = attente_s

    def details(self) -> dict[str, str]:
        """Return how long to wait."""
        return {"attente_s": str(self.attente_s)}


class CarteNonRenouvelable(Exception):
    """Only an active card, or one expired for not too long, is renewed (CAR-09)."""


class CarteTropTotRenouvelee(Exception):
    """Renewal is not open yet; `des_le` is the first day."""

    def __init__(self, des_le: date) -> None:
        super().__init__(des_le.isoformat())
        self.des_le = des_le

    def details(self) -> dict[str, str]:
        """Return the first day."""
        return {"des_le": self.des_le.isoformat()}


class CarteTropTardRenouvelee(Exception):
    """Renewal has closed; `jusqu_au` was the last day. A new card is to be asked for."""

    def __init__(self, jusqu_au: date) -> None:
        super().__init__(jusqu_au.isoformat())
        self.jusqu_au = jusqu_au

    def details(self) -> dict[str, str]:
        """Return the last day it was possible."""
        return {"jusqu_au": self.jusqu_au.isoformat()}


class RenouvellementDejaDemande(Exception):
    """A renewal of this card waits already."""


class CodesNonOfferts(Exception):
    """This city has not set up the keys that sign codes."""


class ListeInconnue(Exception):
    """No status list has that number."""
