"""The first log-in of somebody whose account was imported (IDN-08)."""

from datetime import datetime

from sqlalchemy.orm import Session

from services.identite.domain import Compte, Usage
from services.identite.persistence import ponts
from services.identite.use_cases.coordonnees_depart import commencer
from services.identite.use_cases.courriels import courriel_permis, envoyer_lien
from services.identite.use_cases.ports import Regles


def accueillir_importe(
    session: Session, compte: Compte, *, regles: Regles, maintenant: datetime
) -> bool:
    """Welcome the owner of an imported account, in the transaction of the log-in.

    The number that came with it becomes a contact point to prove, and a link goes to a mailbox
    that nobody has proved here.

    Returns: True once, at the first log-in: it leads to Mon profil.
    """
    if not ponts.premiere_connexion(session, compte.id, maintenant=maintenant):
        return False
    if compte.a_confirmer:
        commencer(session, compte, regles=regles)
        usage = Usage.ACTIVATION
        if courriel_permis(session, compte, usage, regles=regles, maintenant=maintenant):
            envoyer_lien(session, compte, usage, regles=regles, maintenant=maintenant)
    return True
