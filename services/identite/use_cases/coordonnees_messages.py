"""Mails, SMS, calls and events that follow from changes of contact points."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy.orm import Session

from chassis import outbox, seal
from espacecitoyen.identite.v1.evenements_pb2 import (
    CoordonneesRetirees,
    CoordonneesValidees,
    CourrielDemande,
    DossierConsulte,
    MessageDemande,
    ProfilModifie,
)
from services.identite.domain import Compte
from services.identite.domain.coordonnees import CANAL_DU_GENRE, Coordonnee, Genre
from services.identite.use_cases.ports import Regles

CONFIRMER_COURRIEL: Final = "confirmer_courriel"
COURRIEL_CHANGE: Final = "courriel_change"
COORDONNEES_CHANGEES: Final = "coordonnees_changees"
PROFIL_CORRIGE: Final = "profil_corrige"
RECUPERATION: Final = "recuperation"
RECUPERATION_ANNONCEE: Final = "recuperation_annoncee"
CODE: Final = "code"

# A warning is worth something for a day; a code for as long as it lives.
_AVERTISSEMENT: Final = timedelta(days=1)


def demander_courriel_a(
    session: Session,
    compte: Compte,
    gabarit: str,
    *,
    adresse: str,
    regles: Regles,
    jeton: str = "",
) -> None:
    """Ask for a mail to an address that need not be the account's."""
    clair = {"adresse": adresse, "prenom": compte.prenom}
    if jeton:
        clair["jeton"] = jeton
    evenement = CourrielDemande(
        compte_id=str(compte.id),
        gabarit=gabarit,
        langue=compte.langue,
        scelle=seal.seal(clair, key=regles.cle, context="CourrielDemande"),
    )
    outbox.append(session, evenement, aggregate=str(compte.id))


def demander_message(
    session: Session,
    compte: Compte,
    gabarit: str,
    *,
    numero: str,
    canal: str,
    expire_le: datetime,
    regles: Regles,
    plus: Mapping[str, str] | None = None,
) -> None:
    """Ask for an SMS ("texto") or a call ("telephone"), sent at most once."""
    clair = {"numero": numero, "expire_le": expire_le.isoformat(), **(plus or {})}
    evenement = MessageDemande(
        compte_id=str(compte.id),
        gabarit=gabarit,
        canal=canal,
        langue=compte.langue,
        scelle=seal.seal(clair, key=regles.cle, context="MessageDemande"),
    )
    outbox.append(session, evenement, aggregate=str(compte.id))


def avertir(
    session: Session,
    compte: Compte,
    gabarit: str,
    coordonnees: Sequence[Coordonnee],
    *,
    regles: Regles,
    maintenant: datetime,
) -> None:
    """Warn every verified channel of an account (R05): its e-mail, and these contact points."""
    demander_courriel_a(session, compte, gabarit, adresse=compte.courriel, regles=regles)
    for une in coordonnees:
        if une.verifiee_le is not None and une.genre is not Genre.COURRIEL:
            demander_message(
                session,
                compte,
                gabarit,
                numero=une.valeur,
                canal=CANAL_DU_GENRE[une.genre],
                expire_le=maintenant + _AVERTISSEMENT,
                regles=regles,
            )


def publier_preuve(
    session: Session, compte: Compte, *, genre: Genre, valeur: str, regles: Regles
) -> None:
    """Publish that a contact point is proved: notices may go there from now on (AVI-05)."""
    clair = {"adresse": valeur, "prenom": compte.prenom}
    evenement = CoordonneesValidees(
        compte_id=str(compte.id),
        canal=CANAL_DU_GENRE[genre],
        langue=compte.langue,
        scelle=seal.seal(clair, key=regles.cle, context="CoordonneesValidees"),
    )
    outbox.append(session, evenement, aggregate=str(compte.id))


def publier_retrait(
    session: Session, compte: Compte, *, genre: Genre, valeur: str, regles: Regles
) -> None:
    """Publish that a proved contact point is gone."""
    evenement = CoordonneesRetirees(
        compte_id=str(compte.id),
        canal=CANAL_DU_GENRE[genre],
        scelle=seal.seal({"adresse": valeur}, key=regles.cle, context="CoordonneesRetirees"),
    )
    outbox.append(session, evenement, aggregate=str(compte.id))


def publier_profil(
    session: Session, compte: Compte, *, acteur_id: object, champs: Sequence[str]
) -> None:
    """Publish a change of profile: names of fields, and what the person now receives."""
    evenement = ProfilModifie(
        compte_id=str(compte.id),
        acteur_id=str(acteur_id),
        champs=champs,
        langue=compte.langue,
        categories=compte.categories,
        canaux=compte.canaux,
    )
    outbox.append(session, evenement, aggregate=str(compte.id))


def publier_lecture(session: Session, *, compte_id: object, agent_id: object, objet: str) -> None:
    """Write down that a member of staff read somebody's data (IDN-23)."""
    evenement = DossierConsulte(compte_id=str(compte_id), agent_id=str(agent_id), objet=objet)
    outbox.append(session, evenement, aggregate=str(compte_id))
