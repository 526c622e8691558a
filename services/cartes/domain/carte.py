"""A person's card: one open at a time, active for two years (CAR-01)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import UUID, uuid4

from services.cartes.domain.demande import (
    Demande,
    PieceJustificative,
    exiger_pieces_distinctes,
)
from services.cartes.domain.etats import CARTE_OUVERTE, RolePiece, StatutCarte
from services.cartes.domain.faits import CarteDejaDemandee, DemandeDejaDecidee
from services.cartes.domain.temps import echeance_depuis, jour_local

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import date, datetime, tzinfo

    from services.cartes.domain.titulaire import Titulaire


@dataclass(eq=False)
class Carte:
    """One person's card.

    `personne_id` is who it names and `compte_id` the account that sees it: they are equal for an
    adult. `serie` is the opaque name that wallets know; it never changes, nor shows the number.
    """

    carte_id: UUID
    personne_id: str
    compte_id: str
    prenom: str
    nom: str
    serie: str
    physique: bool
    demandee_le: datetime
    statut: StatutCarte = StatutCarte.EN_ATTENTE_VALIDATION
    numero: str | None = None
    approuvee_le: datetime | None = None
    echeance: date | None = None
    numerique: bool = True

    def statut_au(self, jour: date) -> StatutCarte:
        """Return the state on that day: the last valid day counts whole (CAR-01)."""
        echue = self.echeance is not None and self.echeance < jour
        if echue and self.statut in {StatutCarte.ACTIVE, StatutCarte.SUSPENDUE}:
            return StatutCarte.EXPIREE
        return self.statut

    def approuver(self, *, numero: str, maintenant: datetime, zone: tzinfo) -> None:
        """Make the card active for two years from today in the city (CAR-01)."""
        if self.statut is not StatutCarte.EN_ATTENTE_VALIDATION:
            raise DemandeDejaDecidee(decidee_le=self.approuvee_le)
        self.numero = numero
        self.approuvee_le = maintenant
        self.echeance = echeance_depuis(jour_local(maintenant, zone))
        self.statut = StatutCarte.ACTIVE


def ouvrir_demande(
    existantes: Iterable[Carte],
    *,
    demande_id: UUID,
    compte_id: str,
    titulaire: Titulaire,
    pieces: Mapping[RolePiece, str],
    carte_physique: bool,
    serie: str,
    maintenant: datetime,
    jour: date,
) -> tuple[Carte, Demande]:
    """Open a request for a person's first card, or for a new one after the last expired (CAR-02).

    Every card of `existantes` (all the open ones of the person) past its day becomes EXPIREE.
    `pieces` holds the id of one document per role; `serie` is opaque, at least 128 random bits.

    Raises: CarteDejaDemandee, MemePieceDeuxFois.
    """
    exiger_pieces_distinctes(pieces)
    for carte in existantes:
        carte.statut = carte.statut_au(jour)
        if carte.statut in CARTE_OUVERTE:
            raise CarteDejaDemandee
    carte = Carte(
        carte_id=uuid4(),
        personne_id=compte_id,
        compte_id=compte_id,
        prenom=titulaire.prenom,
        nom=titulaire.nom,
        serie=serie,
        physique=carte_physique,
        demandee_le=maintenant,
    )
    demande = Demande(
        demande_id=demande_id,
        carte_id=carte.carte_id,
        compte_id=compte_id,
        titulaire=titulaire,
        carte_physique=carte_physique,
        deposee_le=maintenant,
        modifiee_le=maintenant,
        pieces=[PieceJustificative(role, pieces[role]) for role in RolePiece],
    )
    return carte, demande
