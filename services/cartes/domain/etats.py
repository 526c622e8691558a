"""States of cards, requests and proofs, and the reasons of a refusal."""

from __future__ import annotations

from enum import Enum


class StatutCarte(Enum):
    """Life of a card; an ACTIVE one past its `echeance` is read as EXPIREE (`Carte.statut_au`)."""

    EN_ATTENTE_VALIDATION = "EN_ATTENTE_VALIDATION"
    ACTIVE = "ACTIVE"
    SUSPENDUE = "SUSPENDUE"
    EXPIREE = "EXPIREE"
    REVOQUEE = "REVOQUEE"
    REFUSEE = "REFUSEE"


class StatutDemande(Enum):
    """Life of a request: DEPOSEE waits for staff, INCOMPLETE for the citizen."""

    DEPOSEE = "DEPOSEE"
    INCOMPLETE = "INCOMPLETE"
    APPROUVEE = "APPROUVEE"
    REFUSEE = "REFUSEE"


class GenreDemande(Enum):
    """What a request asks for: a card, or two more years on the same card (CAR-09)."""

    NOUVELLE = "NOUVELLE"
    RENOUVELLEMENT = "RENOUVELLEMENT"


class GenreRappel(Enum):
    """Reminders before a card's last day (CAR-09)."""

    PREMIER = "PREMIER"
    DERNIER = "DERNIER"


class Origine(Enum):
    """How a card came here: asked for, or imported from the city's register (CAR-18)."""

    DEMANDE = "DEMANDE"
    REGISTRE = "REGISTRE"


class RolePiece(Enum):
    """What a proof proves; the order is the one in which people see them."""

    IDENTITE = "IDENTITE"
    RESIDENCE = "RESIDENCE"


class StatutPieceJustificative(Enum):
    """Each proof is decided on its own (CAR-04)."""

    A_VERIFIER = "A_VERIFIER"
    ACCEPTEE = "ACCEPTEE"
    REFUSEE = "REFUSEE"


class MotifRefus(Enum):
    """Why a proof is refused; AUTRE needs a sentence of the agent."""

    ILLISIBLE = "ILLISIBLE"
    EXPIREE = "EXPIREE"
    NOM_DIFFERENT = "NOM_DIFFERENT"
    ADRESSE_DIFFERENTE = "ADRESSE_DIFFERENTE"
    GENRE_NON_ACCEPTE = "GENRE_NON_ACCEPTE"
    AUTRE = "AUTRE"


CARTE_OUVERTE = frozenset(
    {StatutCarte.EN_ATTENTE_VALIDATION, StatutCarte.ACTIVE, StatutCarte.SUSPENDUE}
)
"""One person holds at most one card in these states; the database holds it too (CAR-01)."""

DEMANDE_OUVERTE = frozenset({StatutDemande.DEPOSEE, StatutDemande.INCOMPLETE})
"""One card has at most one request in these states; the database holds it too (CAR-01)."""
