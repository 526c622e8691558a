"""What log-in asks of second factors (IDN-20): one question, before a session opens."""

from datetime import datetime
from typing import NamedTuple
from uuid import uuid4

from sqlalchemy.orm import Session

from services.identite import persistence
from services.identite.domain import (
    DUREE_EPREUVE,
    Compte,
    Epreuve,
    GenreEpreuve,
    SessionOuverte,
    facteur_obligatoire,
)
from services.identite.persistence import acces
from services.identite.persistence import facteurs as lignes
from services.identite.use_cases.courriels import empreinte, nouveau_secret
from services.identite.use_cases.ports import Regles


class SecondPas(NamedTuple):
    """What follows a right password."""

    # Secret of the proof that is still asked for; "" when none is.
    epreuve: str
    # False when the account must have a factor and has none: its session may only enrol one.
    complete: bool


def second_pas(
    session: Session,
    compte: Compte,
    *,
    agent: bool,
    appareil: str,
    regles: Regles,
    maintenant: datetime,
) -> SecondPas:
    """Tell what a log-in needs after the password, in the transaction that would open a session."""
    if lignes.a_un_facteur(session, compte.id):
        secret = nouveau_secret()
        lignes.ouvrir_epreuve(
            session,
            empreinte=empreinte(secret),
            epreuve=Epreuve(
                compte_id=compte.id,
                genre=GenreEpreuve.CONNEXION,
                agent=agent,
                appareil=appareil,
                defi=None,
                essais=0,
                expire_le=maintenant + DUREE_EPREUVE,
            ),
            maintenant=maintenant,
        )
        return SecondPas(epreuve=secret, complete=True)
    obligatoire = facteur_obligatoire(compte.roles, regle=regles.second_facteur_personnel)
    return SecondPas(epreuve="", complete=not (agent and obligatoire))


def ouvrir_prouvee(
    session: Session,
    compte: Compte,
    *,
    agent: bool,
    appareil: str,
    regles: Regles,
    maintenant: datetime,
) -> tuple[str, SessionOuverte]:
    """Open a complete session with a new secret for somebody who has proved everything (R30).

    Raises: IdentifiantsInvalides at the staff door for somebody who is no staff.
    """
    jeton = nouveau_secret()
    ouverte = SessionOuverte(
        id=uuid4(),
        compte_id=compte.id,
        roles=compte.roles_de_session(agent=agent),
        prenom=compte.prenom,
        nom=compte.nom,
        langue=compte.langue,
        vue_le=maintenant,
        fin_le=maintenant + regles.durees.session,
        inactivite=regles.durees.inactivite_agent if agent else regles.durees.inactivite,
    )
    persistence.ouvrir(session, empreinte=empreinte(jeton), ouverte=ouverte, appareil=appareil)
    if agent:
        # The oldest sessions beyond a few end, whatever way the newest came (R31).
        acces.limiter_sessions_agent(session, compte.id, garder=regles.acces.sessions_agent)
    return jeton, ouverte
