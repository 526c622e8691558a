"""What an account starts with: its number to prove, and what it agreed to (IDN-05, 06, 22)."""

from datetime import datetime
from uuid import uuid4

from sqlalchemy.orm import Session

from services.identite.domain import Compte
from services.identite.domain.coordonnees import Coordonnee, Genre
from services.identite.persistence import coordonnees as table
from services.identite.use_cases.ports import Regles


def commencer(session: Session, compte: Compte, *, regles: Regles) -> None:
    """Open the number given at sign-up as a contact point, and the register of consents."""
    # The rows below point to the account, which may still be unwritten.
    session.flush()
    quand = compte.active_le or compte.cree_le
    connues = table.coordonnees(session, compte.id)
    if compte.telephone and not any(une.valeur == compte.telephone for une in connues):
        table.ajouter(
            session,
            Coordonnee(
                id=uuid4(),
                compte_id=compte.id,
                genre=Genre.CELLULAIRE,
                valeur=compte.telephone,
                cree_le=quand,
            ),
        )
    consentir(session, compte, regles=regles, maintenant=quand)


def consentir(session: Session, compte: Compte, *, regles: Regles, maintenant: datetime) -> None:
    """Write in the register which notices the person agrees to now (IDN-22)."""
    table.consentir(
        session,
        compte.id,
        [f"avis:{categorie}" for categorie in compte.categories],
        texte_version=regles.texte_consentement,
        maintenant=maintenant,
    )
