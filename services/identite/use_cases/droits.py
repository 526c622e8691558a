"""Staff roles: who has them, who gave them (IDN-21)."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from chassis import idempotency, outbox
from chassis.db import Sessions
from espacecitoyen.identite.v1.evenements_pb2 import RoleChange
from services.identite import persistence
from services.identite.domain import (
    ROLES_PERSONNEL,
    CompteIntrouvable,
    Role,
    StatutCompte,
    juger_motif,
)
from services.identite.domain.droits import (
    ADMINS_MIN,
    AttributionInterdite,
    DerniersAdmins,
    juger_role,
)
from services.identite.persistence import droits as lignes
from services.identite.persistence.droits import AttributionLue, MembreLu
from services.identite.use_cases.facteurs_preuve import Demandeur, exiger_preuve
from services.identite.use_cases.inscription import adresse_saisie
from services.identite.use_cases.ports import DomaineAscii, Regles

_CHANGEMENTS: Final = 50


@dataclass(frozen=True, kw_only=True)
class Matrice:
    """Who has which role, and the latest changes."""

    personnel: list[MembreLu]
    changements: list[AttributionLue]


def matrice(*, sessions: Sessions) -> Matrice:
    """Read who has what."""
    with sessions() as session:
        return Matrice(
            personnel=lignes.personnel(session, sorted(role.value for role in ROLES_PERSONNEL)),
            changements=lignes.journal(session, _CHANGEMENTS),
        )


def changer_role(
    *,
    sessions: Sessions,
    regles: Regles,
    domaine_ascii: DomaineAscii,
    demandeur: Demandeur,
    request_id: str,
    courriel: str,
    role: str,
    donner: bool,
    motif: str,
    maintenant: datetime,
) -> None:
    """Give or take a staff role, with the reason written; sessions follow at once.

    A taken role leaves the sessions of its account at their next check; a given one needs a new
    log-in, whose secret is new (R30).

    Raises: AttributionInterdite, DerniersAdmins, CompteIntrouvable, DonneesInvalides,
        PreuveRequise, RequestIdReused.
    """
    voulu, ecrit = juger_role(role), juger_motif(motif)
    adresse = adresse_saisie(courriel, domaine_ascii)
    demande = {"request_id": request_id, "scope": f"ChangerRole:{demandeur.compte_id}"}
    contenu = regles.digest(
        "ChangerRole", {"courriel": adresse.plie, "role": role, "donner": donner, "motif": ecrit}
    )
    with sessions.begin() as session:
        if idempotency.claim(session, **demande, fingerprint=contenu) is not None:
            return
        exiger_preuve(session, demandeur, regles=regles, maintenant=maintenant)
        # Held first and in one order: two administrators who leave at once wait for each other.
        if voulu is Role.ADMIN and not donner:
            tenus = lignes.porteurs_tenus(session, Role.ADMIN.value)
        compte = persistence.compte_par_courriel(session, adresse.plie, verrou=True)
        if compte is None or compte.statut is not StatutCompte.ACTIF:
            raise CompteIntrouvable
        if compte.id == demandeur.compte_id:
            raise AttributionInterdite
        if voulu is Role.ADMIN and not donner and len(tenus - {compte.id}) < ADMINS_MIN:
            raise DerniersAdmins
        if (voulu.value in compte.roles) == donner:
            idempotency.complete(session, **demande, result="")
            return
        if donner:
            compte.donner_role(voulu)
        else:
            compte.roles = [r for r in compte.roles if r != voulu.value]
        lignes.noter(
            session,
            compte_id=compte.id,
            quoi=voulu.value,
            donne=donner,
            par=demandeur.compte_id,
            motif=ecrit,
            maintenant=maintenant,
        )
        evenement = RoleChange(
            compte_id=str(compte.id),
            role=voulu.value,
            donne=donner,
            par=str(demandeur.compte_id),
        )
        outbox.append(session, evenement, aggregate=str(compte.id))
        idempotency.complete(session, **demande, result="")
