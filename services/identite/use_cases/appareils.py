"""Devices: who comes from one that logged in before, and the notice about a new one (R05)."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import Engine
from sqlalchemy.orm import Session

from chassis.db import Sessions
from services.identite.domain import Compte, reseau
from services.identite.persistence import acces
from services.identite.use_cases.courriels import (
    NOUVEL_APPAREIL,
    courriel_permis,
    empreinte,
    envoyer_annulation,
    nouveau_secret,
)
from services.identite.use_cases.ports import Regles

# A person has a few; a browser that forgets its cookies is a new one each time.
_APPAREILS_MAX: Final = 20
_PERSONNE: Final = UUID(int=0)


@dataclass(frozen=True, kw_only=True)
class Porteur:
    """The device of a log-in."""

    empreinte: bytes
    connu: bool
    # Digest of the browser and the address: tells a browser that lost its secret from a new one.
    contexte: bytes
    libelle: str


def presenter(
    session: Session,
    compte: Compte | None,
    jeton: str,
    *,
    adresse_ip: str,
    libelle: str,
    regles: Regles,
    maintenant: datetime,
) -> Porteur:
    """Tell whether the secret is one of this account's devices; asked alike for no account."""
    cle = empreinte(jeton)
    depuis = maintenant - regles.acces.appareil
    sien = compte.id if compte is not None else _PERSONNE
    return Porteur(
        empreinte=cle,
        connu=bool(jeton) and acces.appareil_connu(session, cle, sien, depuis=depuis),
        contexte=regles.digest("contexte", {"adresse": reseau(adresse_ip), "appareil": libelle}),
        libelle=libelle,
    )


def accueillir(
    session: Session,
    compte: Compte,
    porteur: Porteur,
    *,
    agent: bool,
    regles: Regles,
    maintenant: datetime,
) -> str:
    """Remember the device of a session that opens; tell the mailbox when it is a new one.

    The first device of an account is no news, nor is a browser that merely lost its secret. At the
    staff door the oldest sessions beyond a few end (R31).

    Returns: the device's secret when it gets one, "" when it has one.
    """
    if agent:
        acces.limiter_sessions_agent(session, compte.id, garder=regles.acces.sessions_agent)
    if porteur.connu:
        acces.revoir_appareil(
            session, porteur.empreinte, compte.id, contexte=porteur.contexte,
            libelle=porteur.libelle, maintenant=maintenant,
        )  # fmt: skip
        return ""
    autres = acces.appareils_semblables(session, compte.id, porteur.contexte)
    secret = nouveau_secret()
    acces.ajouter_appareil(
        session, empreinte(secret), compte.id, contexte=porteur.contexte, libelle=porteur.libelle,
        garder=_APPAREILS_MAX, maintenant=maintenant,
    )  # fmt: skip
    nouveau = autres.tous > 0 and autres.semblables == 0
    permis = nouveau and courriel_permis(
        session, compte, NOUVEL_APPAREIL, regles=regles, maintenant=maintenant
    )
    if permis:
        envoyer_annulation(session, compte, NOUVEL_APPAREIL, regles=regles, maintenant=maintenant)
    return secret


def mes_sessions(
    *, lecture: Engine, compte_id: UUID, maintenant: datetime
) -> tuple[list[acces.SessionLue], list[acces.AppareilLu]]:
    """List one's living sessions and one's devices, the latest first (IDN-20, R37)."""
    return (
        acces.lister_sessions(lecture, compte_id, maintenant=maintenant),
        acces.lister_appareils(lecture, compte_id),
    )


def terminer_session(*, sessions: Sessions, compte_id: UUID, session_id: UUID) -> None:
    """End one of one's sessions; an unknown one, or somebody else's, is as ended as it can be."""
    with sessions.begin() as session:
        acces.terminer_session(session, compte_id, session_id)


def terminer_autres_sessions(*, sessions: Sessions, compte_id: UUID, courante: UUID | None) -> None:
    """End one's sessions but the current one."""
    with sessions.begin() as session:
        acces.terminer_autres(session, compte_id, sauf=courante)


def oublier_appareil(*, sessions: Sessions, compte_id: UUID, appareil_id: UUID) -> None:
    """Forget one of one's devices."""
    with sessions.begin() as session:
        acces.oublier_appareil(session, compte_id, appareil_id)
