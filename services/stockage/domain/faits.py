"""Facts that refuse an act, and the two ways of not being able to judge now."""

from collections.abc import Mapping
from typing import ClassVar


class FaitStockage(Exception):
    """A fact that refuses an act, never raised bare; `details()` holds no personal data."""

    raison: ClassVar[str]

    def __init__(self, **details: str) -> None:
        super().__init__(self.raison)
        self._details = details

    def details(self) -> dict[str, str]:
        """Public attributes of the fact, for `ErrorInfo.metadata`."""
        return dict(self._details)


class PieceTropGrande(FaitStockage):
    """More bytes, pixels or pages than allowed; `limite` says which, `maximum` how many."""

    raison = "PIECE_TROP_GRANDE"


class PieceVide(FaitStockage):
    """A file of no byte."""

    raison = "PIECE_VIDE"


class PieceTronquee(FaitStockage):
    """Fewer bytes than announced, or a file that its own parser cannot read to the end."""

    raison = "PIECE_TRONQUEE"


class PieceInfectee(FaitStockage):
    """The antivirus recognised something."""

    raison = "PIECE_INFECTEE"


class TypeNonAccepte(FaitStockage):
    """Not a plain PDF, JPEG or PNG; `cause` says why when it is one of the three at first sight."""

    raison = "TYPE_NON_ACCEPTE"


class QuotaDepasse(FaitStockage):
    """The space has no room for the document; `quota_octets` and `restants` are in bytes."""

    raison = "QUOTA_DEPASSE"


class NomInvalide(FaitStockage):
    """Nothing is left of the name once paths and invisible characters are taken away."""

    raison = "NOM_INVALIDE"


class PieceIntrouvable(FaitStockage):
    """Unknown, deleted or somebody else's: the three look the same."""

    raison = "PIECE_INTROUVABLE"


class PieceNonSaine(FaitStockage):
    """The document waits for the antivirus or was refused by it."""

    raison = "PIECE_NON_SAINE"


class PieceAlteree(FaitStockage):
    """Stored bytes are missing or fail their authentication tag (R58)."""

    raison = "PIECE_ALTEREE"


class PieceGelee(FaitStockage):
    """A legal hold forbids to destroy the document."""

    raison = "PIECE_GELEE"


class GelIntrouvable(FaitStockage):
    """No hold has that id."""

    raison = "GEL_INTROUVABLE"


class FichierReserve(FaitStockage):
    """The file of an identity paper is its owner's; staff looks at watermarked pages of it."""

    raison = "FICHIER_RESERVE"


class RepresentationRefusee(FaitStockage):
    """An act that nobody does in another's name."""

    raison = "REPRESENTATION_REFUSEE"


class DonneesInvalides(FaitStockage):
    """Fields that cannot be accepted; `fields` maps a field to the code of its fault."""

    raison = "DONNEES_INVALIDES"

    def __init__(self, fields: Mapping[str, str]) -> None:
        super().__init__()
        self.fields = dict(fields)


class ControleIndisponible(Exception):
    """Nobody can judge the document now: clamd or the parsers are away. It waits, without limit."""


class ControleImpossible(ControleIndisponible):
    """The judge answered that it could not judge: tried again `TENTATIVES_MAX` times (R46)."""


# What refuses a file for good, also when it is found out later by the worker.
REFUS: tuple[type[FaitStockage], ...] = (
    PieceTropGrande,
    PieceTronquee,
    PieceInfectee,
    TypeNonAccepte,
    PieceAlteree,
)
TENTATIVES_MAX = 5
