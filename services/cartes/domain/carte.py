"""A person's card: one open at a time, active for two years (CAR-01)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import UUID, uuid4

from services.cartes.domain.code import Categorie
from services.cartes.domain.demande import (
    Demande,
    PieceJustificative,
    exiger_pieces_distinctes,
)
from services.cartes.domain.etats import (
    CARTE_OUVERTE,
    GenreDemande,
    Origine,
    RolePiece,
    StatutCarte,
)
from services.cartes.domain.faits import (
    CarteDejaAssociee,
    CarteDejaDemandee,
    CarteNonRenouvelable,
    CarteTropTardRenouvelee,
    CarteTropTotRenouvelee,
    DemandeDejaDecidee,
)
from services.cartes.domain.temps import echeance_depuis, jour_local

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Mapping
    from datetime import date, datetime, tzinfo

    from services.cartes.domain.temps import Fenetre
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
    categorie: Categorie = Categorie.RESIDENT
    # Needed to prove that one holds an imported card (CAR-03); None on cards older than the column.
    date_naissance: date | None = None
    code_postal: str = ""
    origine: Origine = Origine.DEMANDE
    associee_le: datetime | None = None
    # Text of the signed QR; empty in a city without keys, and until approval.
    code: str = ""

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

    def est_associee(self) -> bool:
        """Tell whether an account sees the card: an imported one waits for its holder (CAR-03)."""
        return bool(self.compte_id)

    def associer(self, compte_id: str, *, physique: bool, maintenant: datetime) -> None:
        """Give the card to the account of its holder, who proved it (CAR-03).

        The digital form is always offered from then on; `physique` is the holder's choice.
        Raises: CarteDejaAssociee.
        """
        if self.est_associee():
            raise CarteDejaAssociee
        self.compte_id = self.personne_id = compte_id
        self.associee_le = maintenant
        self.numerique, self.physique = True, physique

    def exiger_renouvelable(self, jour: date, fenetre: Fenetre) -> None:
        """Check that the card can be renewed on `jour`: by default from D-30 to D+90 (CAR-09).

        Raises: CarteNonRenouvelable, CarteTropTotRenouvelee, CarteTropTardRenouvelee.
        """
        if self.statut is not StatutCarte.ACTIVE or self.echeance is None:
            raise CarteNonRenouvelable
        if jour < self.echeance - fenetre.avant:
            raise CarteTropTotRenouvelee(self.echeance - fenetre.avant)
        if jour > self.echeance + fenetre.apres:
            raise CarteTropTardRenouvelee(self.echeance + fenetre.apres)

    def est_renouvelable(self, jour: date, fenetre: Fenetre) -> bool:
        """Tell whether the button « Renouveler » is shown on `jour`."""
        try:
            self.exiger_renouvelable(jour, fenetre)
        except (CarteNonRenouvelable, CarteTropTotRenouvelee, CarteTropTardRenouvelee):
            return False
        return True

    def renouveler(self, *, maintenant: datetime, zone: tzinfo) -> None:
        """Add two years: to the old last day, or to today when it has passed (CAR-09).

        Serial and number stay, so that the card already in a wallet renews itself.
        Raises: CarteNonRenouvelable when the card was suspended, revoked or replaced meanwhile.
        """
        if self.statut is not StatutCarte.ACTIVE or self.echeance is None:
            raise CarteNonRenouvelable
        jour = jour_local(maintenant, zone)
        self.echeance = echeance_depuis(max(self.echeance, jour))
        self.approuvee_le = maintenant


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
    en_renouvellement: Container[UUID] = (),
) -> tuple[Carte, Demande]:
    """Open a request for a person's first card, or for a new one after the last expired (CAR-02).

    Every card of `existantes` (all the open ones of the person) past its day becomes EXPIREE.
    An expired card of `en_renouvellement` waits for staff: its person has nothing else to ask.
    `pieces` holds the id of one document per role; `serie` is opaque, at least 128 random bits.

    Raises: CarteDejaDemandee, MemePieceDeuxFois.
    """
    exiger_pieces_distinctes(pieces)
    for carte in existantes:
        carte.statut = carte.statut_au(jour)
        if carte.statut in CARTE_OUVERTE or carte.carte_id in en_renouvellement:
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
        date_naissance=titulaire.date_naissance,
        code_postal=titulaire.code_postal,
        associee_le=maintenant,
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


def ouvrir_renouvellement(
    carte: Carte,
    *,
    demande_id: UUID,
    titulaire: Titulaire,
    pieces: Mapping[RolePiece, str],
    carte_physique: bool,
    maintenant: datetime,
    jour: date,
    fenetre: Fenetre,
) -> Demande:
    """Open a renewal: a proof of residence, and one of identity for who wants to (CAR-09).

    The card stays as it is while the request waits.
    Raises: CarteNonRenouvelable, CarteTropTotRenouvelee, CarteTropTardRenouvelee, DonneesInvalides,
        MemePieceDeuxFois.
    """
    exiger_pieces_distinctes(pieces, requises=(RolePiece.RESIDENCE,))
    carte.exiger_renouvelable(jour, fenetre)
    return Demande(
        demande_id=demande_id,
        carte_id=carte.carte_id,
        compte_id=carte.compte_id,
        titulaire=titulaire,
        carte_physique=carte_physique,
        deposee_le=maintenant,
        modifiee_le=maintenant,
        genre=GenreDemande.RENOUVELLEMENT,
        pieces=[PieceJustificative(role, pieces[role]) for role in RolePiece if role in pieces],
    )
