"""The card in a wallet, for its holder or by the mailed link (CAR-05)."""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID

from sqlalchemy.orm import Session

from chassis.db import Sessions
from services.cartes.domain import (
    Carte,
    CarteIntrouvable,
    LienInconnu,
    Passe,
    Regles,
    composer_passe,
    jour_local,
)
from services.cartes.persistence import carte_par_id, lien_par_empreinte, purger_liens
from services.cartes.use_cases.decider import empreinte_jeton


class Apple(Protocol):
    """Port to Apple Wallet."""

    def construire(self, passe: Passe) -> bytes:
        """Return the signed `.pkpass`. Raises: PortefeuilleNonOffert."""


class Google(Protocol):
    """Port to Google Wallet."""

    def lien(self, passe: Passe, maintenant: datetime) -> str:
        """Return the save link. Raises: PortefeuilleNonOffert."""


@dataclass(frozen=True)
class AccesPasse:
    """How the caller reaches a card: as its holder, or with the secret of a mailed link."""

    compte_id: str = ""
    carte_id: UUID | None = None
    jeton: str = ""


def telecharger_passe(
    *, lectures: Sessions, apple: Apple, regles: Regles, acces: AccesPasse, maintenant: datetime
) -> bytes:
    """Return the `.pkpass` of an active card, signed once the session is closed.

    Raises: CarteIntrouvable, LienInconnu, LienExpire, CarteNonActive, PortefeuilleNonOffert.
    """
    return apple.construire(_passe(lectures, regles, acces, maintenant))


def obtenir_lien_google(
    *, lectures: Sessions, google: Google, regles: Regles, acces: AccesPasse, maintenant: datetime
) -> str:
    """Return the Google save link of an active card.

    Raises: CarteIntrouvable, LienInconnu, LienExpire, CarteNonActive, PortefeuilleNonOffert.
    """
    return google.lien(_passe(lectures, regles, acces, maintenant), maintenant)


def _passe(lectures: Sessions, regles: Regles, acces: AccesPasse, maintenant: datetime) -> Passe:
    with lectures() as session:
        carte = (
            _carte_par_lien(session, acces.jeton, maintenant)
            if acces.jeton
            else _carte_du_titulaire(session, acces)
        )
    return composer_passe(carte, jour=jour_local(maintenant, regles.zone), zone=regles.zone)


def _carte_par_lien(session: Session, jeton: str, maintenant: datetime) -> Carte:
    lien = lien_par_empreinte(session, empreinte_jeton(jeton))
    carte = carte_par_id(session, lien.carte_id) if lien else None
    if lien is None or carte is None:
        raise LienInconnu
    lien.exiger_valide(maintenant)
    return carte


def _carte_du_titulaire(session: Session, acces: AccesPasse) -> Carte:
    carte = carte_par_id(session, acces.carte_id) if acces.carte_id else None
    if carte is None or carte.compte_id != acces.compte_id:
        raise CarteIntrouvable
    return carte


def purger_liens_expires(*, sessions: Sessions, regles: Regles, maintenant: datetime) -> int:
    """Forget the links that expired long ago. Returns: how many. Doing it twice is harmless."""
    with sessions.begin() as session:
        return purger_liens(session, avant=maintenant - regles.lien_memoire)
