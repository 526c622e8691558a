"""What a person changes after sign-up: choices, and contact points that are no longer theirs."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from uuid import UUID

from chassis import inbox
from chassis.db import Sessions
from services.avis import domain, persistence
from services.avis.persistence import preferences
from services.avis.use_cases.inscription import CONSOMMATEUR


def changer_abonnement(
    *,
    sessions: Sessions,
    event_id: UUID,
    compte_id: str,
    langue: str,
    categories: Iterable[str],
    canaux: Iterable[str],
    change_le: datetime,
) -> None:
    """Keep a person's newer choice of notices (IDN-05); an older one that comes late is dropped.

    Raises: CategorieInconnue, CanalInconnu, LangueInconnue.
    """
    choisies = frozenset(categories) - {domain.URGENCE}
    canaux_lus = sorted(frozenset(domain.canal(canal) for canal in canaux))
    with sessions.begin() as session:
        inconnues = choisies - persistence.codes_categories(session)
        if inconnues:
            raise domain.CategorieInconnue(min(inconnues))
        persistence.verrouiller_compte(session, compte_id=compte_id)
        if not inbox.already_seen(session, event_id=event_id, consumer=CONSOMMATEUR):
            preferences.remplacer_abonnement(
                session,
                compte_id=compte_id,
                langue=domain.langue(langue),
                categories=sorted(choisies),
                canaux=canaux_lus,
                change_le=change_le,
            )


def retirer_coordonnees(
    *,
    sessions: Sessions,
    cle: bytes,
    event_id: UUID,
    compte_id: str,
    canal: str,
    donnees: Mapping[str, str],
    retire_le: datetime,
) -> None:
    """Forget a contact point that its owner gave up, unless it was proved again since.

    Raises: CanalInconnu, AdresseInvalide.
    """
    canal_lu = domain.canal(canal)
    adresse = domain.normaliser(canal_lu, donnees.get("adresse", ""))
    with sessions.begin() as session:
        persistence.verrouiller_compte(session, compte_id=compte_id)
        if not inbox.already_seen(session, event_id=event_id, consumer=CONSOMMATEUR):
            preferences.retirer_point(
                session,
                compte_id=compte_id,
                canal=canal_lu,
                empreinte=domain.empreinte(adresse, cle=cle),
                retire_le=retire_le,
            )
