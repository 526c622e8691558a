"""What goes into a wallet, and the mailed link that fetches it (CAR-05)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from services.cartes.domain.etats import StatutCarte
from services.cartes.domain.faits import CarteNonActive, LienExpire
from services.cartes.domain.temps import fin_de_journee

if TYPE_CHECKING:
    from datetime import date, datetime, tzinfo
    from uuid import UUID

    from services.cartes.domain.carte import Carte


@dataclass(frozen=True)
class Passe:
    """What goes into a wallet: name, number and dates only, no birth date, address or photo."""

    serie: str
    numero: str
    code: str
    prenom: str
    nom: str
    expire_le: datetime


def composer_code(carte: Carte) -> str:
    """Return the text of the QR code, the same on every medium but Google's (CAR-16).

    The plain number comes first, so that a desk scanner told to keep 14 characters reads it. In a
    city without signing keys the number is all there is.
    """
    return carte.code or carte.numero or ""


def composer_passe(carte: Carte, *, jour: date, zone: tzinfo) -> Passe:
    """Return the wallet content of a card that is valid on `jour`.

    Raises: CarteNonActive.
    """
    active = carte.statut_au(jour) is StatutCarte.ACTIVE
    if not active or carte.numero is None or carte.echeance is None:
        raise CarteNonActive
    return Passe(
        serie=carte.serie,
        numero=carte.numero,
        code=composer_code(carte),
        prenom=carte.prenom,
        nom=carte.nom,
        expire_le=fin_de_journee(carte.echeance, zone),
    )


@dataclass(eq=False)
class Lien:
    """A mailed wallet link; only the SHA-256 of its secret is kept."""

    empreinte: bytes
    carte_id: UUID
    cree_le: datetime
    expire_le: datetime

    def exiger_valide(self, maintenant: datetime) -> None:
        """Raise LienExpire past the link's days."""
        if maintenant >= self.expire_le:
            raise LienExpire
