"""A request and its proofs: what staff decide, what the citizen replaces (CAR-02, 04)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from uuid import UUID, uuid5

from services.cartes.domain.etats import (
    GenreDemande,
    MotifRefus,
    RolePiece,
    StatutDemande,
    StatutPieceJustificative,
)
from services.cartes.domain.faits import (
    AccesRefuse,
    DemandeDejaDecidee,
    DonneesInvalides,
    GenreNonAccepte,
    MemePieceDeuxFois,
    PieceDejaRefusee,
    PieceExpiree,
    PieceNonRefusee,
    VersionPerimee,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import date, datetime

    from services.cartes.domain.titulaire import Titulaire

LONGUEUR_PRECISION = 500

_ESPACE_DEMANDES = UUID("6f1c8a52-6a0e-5d0b-9a57-0f6f2c7d4b11")


def identifiant_demande(compte_id: str, request_id: str) -> UUID:
    """Return the id a request will have: a retry of the same act finds the same one."""
    return uuid5(_ESPACE_DEMANDES, f"{compte_id}:{request_id}")


@dataclass(frozen=True)
class PieceRetenue:
    """What the document space says of a document that this case now holds."""

    piece_id: str
    genre: str
    valide_jusqu_au: date | None


def verifier_preuve(
    piece: PieceRetenue, role: RolePiece, *, genres: Iterable[str], jour: date
) -> None:
    """Check one document for one role at submission (CAR-02); its last valid day still counts.

    Raises: GenreNonAccepte, PieceExpiree.
    """
    if piece.genre not in genres:
        raise GenreNonAccepte(role)
    if piece.valide_jusqu_au is not None and piece.valide_jusqu_au < jour:
        raise PieceExpiree(role, piece.valide_jusqu_au)


@dataclass(eq=False)
class PieceJustificative:
    """One proof of a request."""

    role: RolePiece
    piece_id: str
    statut: StatutPieceJustificative = StatutPieceJustificative.A_VERIFIER
    motif: MotifRefus | None = None
    precision: str = ""


@dataclass(frozen=True)
class DecisionPiece:
    """What an agent says of one proof."""

    role: RolePiece
    acceptee: bool
    motif: MotifRefus | None = None
    precision: str = ""


@dataclass(eq=False)
class Demande:
    """A request on a card, with its proofs.

    Invariant: `version` rises by one at each change, and a decision names the one it was taken on.
    """

    demande_id: UUID
    carte_id: UUID
    compte_id: str
    titulaire: Titulaire
    carte_physique: bool
    deposee_le: datetime
    modifiee_le: datetime
    pieces: list[PieceJustificative] = field(default_factory=list)
    genre: GenreDemande = GenreDemande.NOUVELLE
    statut: StatutDemande = StatutDemande.DEPOSEE
    decidee_le: datetime | None = None
    version: int = 1

    def piece(self, role: RolePiece) -> PieceJustificative:
        """Return the proof of that role; a renewal may lack the one of identity (CAR-09).

        Raises: KeyError.
        """
        return {piece.role: piece for piece in self.pieces}[role]

    def pieces_ordonnees(self) -> list[PieceJustificative]:
        """Return the proofs, identity first."""
        rangs = list(RolePiece)
        return sorted(self.pieces, key=lambda piece: rangs.index(piece.role))

    def pieces_refusees(self) -> list[PieceJustificative]:
        """Return refused proofs, identity first."""
        return [
            piece
            for piece in self.pieces_ordonnees()
            if piece.statut is StatutPieceJustificative.REFUSEE
        ]

    def decider(
        self,
        decisions: Sequence[DecisionPiece],
        *,
        agent_id: str,
        version: int,
        maintenant: datetime,
    ) -> None:
        """Accept or refuse each proof that waits (CAR-04).

        All accepted: APPROUVEE. One refused: INCOMPLETE. The applicant never decides.
        Raises: AccesRefuse, VersionPerimee, DemandeDejaDecidee, DonneesInvalides.
        """
        if agent_id == self.compte_id:
            raise AccesRefuse
        if version != self.version:
            raise VersionPerimee(version=self.version, modifiee_le=self.modifiee_le)
        if self.statut is not StatutDemande.DEPOSEE:
            raise DemandeDejaDecidee(decidee_le=self.decidee_le)
        self._verifier_decisions(decisions)
        for decision in decisions:
            piece = self.piece(decision.role)
            piece.statut = (
                StatutPieceJustificative.ACCEPTEE
                if decision.acceptee
                else StatutPieceJustificative.REFUSEE
            )
            piece.motif = decision.motif
            piece.precision = decision.precision
        self.statut = (
            StatutDemande.INCOMPLETE if self.pieces_refusees() else StatutDemande.APPROUVEE
        )
        self.decidee_le = maintenant
        self._modifier(maintenant)

    def _verifier_decisions(self, decisions: Sequence[DecisionPiece]) -> None:
        attendus = {p.role for p in self.pieces if p.statut is StatutPieceJustificative.A_VERIFIER}
        fautes: dict[str, str] = {}
        vus: set[RolePiece] = set()
        for decision in decisions:
            chemin = f"decisions.{decision.role.value}"
            if decision.role not in attendus:
                fautes[chemin] = "NON_ATTENDU"
            elif decision.role in vus:
                fautes[chemin] = "DOUBLE"
            else:
                fautes.update(_fautes_de_decision(chemin, decision))
            vus.add(decision.role)
        fautes.update({f"decisions.{role.value}": "REQUIS" for role in attendus - vus})
        if fautes:
            raise DonneesInvalides(fautes)

    def verifier_remplacement(self, role: RolePiece, piece_id: str) -> None:
        """Say whether that document may take the place of the proof of that role.

        Raises: PieceNonRefusee, PieceDejaRefusee, MemePieceDeuxFois.
        """
        ancienne = next((piece for piece in self.pieces if piece.role is role), None)
        if (
            self.statut is not StatutDemande.INCOMPLETE
            or ancienne is None
            or ancienne.statut is not StatutPieceJustificative.REFUSEE
        ):
            raise PieceNonRefusee(role)
        if ancienne.piece_id == piece_id:
            raise PieceDejaRefusee(role)
        if any(piece.piece_id == piece_id for piece in self.pieces):
            raise MemePieceDeuxFois

    def remplacer(self, role: RolePiece, piece_id: str, *, maintenant: datetime) -> str:
        """Replace one refused proof, that one alone; the accepted one stays accepted (CAR-04).

        The request waits for staff again, at its old place, once no refused proof is left.
        Returns: the id of the document that left.
        Raises: PieceNonRefusee, PieceDejaRefusee, MemePieceDeuxFois.
        """
        self.verifier_remplacement(role, piece_id)
        piece = self.piece(role)
        ancienne, piece.piece_id = piece.piece_id, piece_id
        piece.statut = StatutPieceJustificative.A_VERIFIER
        piece.motif = None
        piece.precision = ""
        if not self.pieces_refusees():
            self.statut = StatutDemande.DEPOSEE
            self.decidee_le = None
        self._modifier(maintenant)
        return ancienne

    def _modifier(self, maintenant: datetime) -> None:
        self.version += 1
        self.modifiee_le = maintenant


def _fautes_de_decision(chemin: str, decision: DecisionPiece) -> dict[str, str]:
    if decision.acceptee:
        return {f"{chemin}.motif": "NON_ATTENDU"} if decision.motif else {}
    if decision.motif is None:
        return {f"{chemin}.motif": "REQUIS"}
    if decision.motif is MotifRefus.AUTRE and not decision.precision:
        return {f"{chemin}.precision": "REQUIS"}
    if len(decision.precision) > LONGUEUR_PRECISION:
        return {f"{chemin}.precision": "TROP_LONG"}
    return {}


def exiger_pieces_distinctes(
    pieces: Mapping[RolePiece, str], *, requises: Iterable[RolePiece] = tuple(RolePiece)
) -> None:
    """Raise DonneesInvalides when a proof is missing, MemePieceDeuxFois when both are one."""
    manquantes = {
        f"piece_{role.value.lower()}_id": "REQUIS" for role in requises if not pieces.get(role)
    }
    if manquantes:
        raise DonneesInvalides(manquantes)
    if len(set(pieces.values())) < len(pieces):
        raise MemePieceDeuxFois
