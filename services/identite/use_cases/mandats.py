"""Acting for somebody else: proposing, answering, ending, and the session that does it (IDN-21)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Final
from uuid import UUID, uuid4

from sqlalchemy.orm import Session

from chassis import idempotency, outbox
from chassis.db import Sessions
from espacecitoyen.identite.v1.evenements_pb2 import MandatChange
from services.identite import persistence
from services.identite.domain import (
    DUREE_GUICHET,
    MANDATS_MAX,
    Compte,
    CompteIntrouvable,
    DonneesInvalides,
    GenreMandat,
    Mandat,
    MandatIntrouvable,
    Portee,
    SessionExpiree,
    StatutCompte,
    StatutMandat,
    juger_fin,
    juger_motif,
    juger_portee,
)
from services.identite.persistence import mandats as lignes
from services.identite.persistence.mandats import MandatLu
from services.identite.use_cases.courriels import courriel_permis, demander_courriel
from services.identite.use_cases.facteurs_preuve import Demandeur, compte_de, exiger_preuve
from services.identite.use_cases.inscription import adresse_saisie
from services.identite.use_cases.ports import DomaineAscii, Regles

PROPOSE: Final = "mandat_propose"
CHANGE: Final = "mandat_change"


@dataclass(frozen=True, kw_only=True)
class MesMandats:
    """What one account has to do with delegations."""

    donnes: list[MandatLu]
    recus: list[MandatLu]
    invitations: list[MandatLu]


def mes_mandats(*, sessions: Sessions, demandeur: Demandeur, maintenant: datetime) -> MesMandats:
    """List them. Raises: CompteIntrouvable."""
    with sessions() as session:
        compte = compte_de(session, demandeur.compte_id, verrou=False)
        tous = lignes.mandats_de(session, compte.id, compte.courriel_plie)
    return MesMandats(
        donnes=[lu for lu in tous if lu.mandat.mandant_id == demandeur.compte_id],
        recus=[lu for lu in tous if lu.mandat.mandataire_id == demandeur.compte_id],
        invitations=[
            lu
            for lu in tous
            if lu.mandat.mandant_id != demandeur.compte_id
            and lu.mandat.statut(maintenant) is StatutMandat.PROPOSE
        ],
    )


def proposer(
    *,
    sessions: Sessions,
    regles: Regles,
    domaine_ascii: DomaineAscii,
    demandeur: Demandeur,
    request_id: str,
    courriel: str,
    portee: Sequence[str],
    fin: str,
    maintenant: datetime,
) -> str:
    """Invite somebody to act for the caller.

    The invitation waits under the typed address: who has that mailbox finds it in their space, and
    a mail says so when the address has an account. The caller cannot tell.

    Returns: id of the delegation.
    Raises: DonneesInvalides, PreuveRequise, RequestIdReused.
    """
    adresse = adresse_saisie(courriel, domaine_ascii)
    voulue = juger_portee(portee)
    jour = juger_fin(fin, aujourd_hui=regles.aujourd_hui(maintenant))
    demande = {"request_id": request_id, "scope": f"ProposerMandat:{demandeur.compte_id}"}
    contenu = regles.digest(
        "ProposerMandat", {"courriel": courriel, "portee": sorted(voulue), "fin": fin}
    )
    with sessions.begin() as session:
        connu = idempotency.claim(session, **demande, fingerprint=contenu)
        if connu is not None:
            return connu
        mandant = compte_de(session, demandeur.compte_id)
        exiger_preuve(session, demandeur, regles=regles, maintenant=maintenant)
        if adresse.plie == mandant.courriel_plie:
            raise DonneesInvalides({"courriel": "MANDATAIRE_SOI_MEME"})
        if lignes.donnes_en_cours(session, mandant.id, maintenant) >= MANDATS_MAX:
            raise DonneesInvalides({"courriel": "TROP_DE_MANDATS"})
        # The last day counts whole, in the city.
        minuit = datetime.combine(jour + timedelta(days=1), time(), tzinfo=regles.fuseau)
        nouveau = Mandat(
            id=uuid4(),
            mandant_id=mandant.id,
            mandataire_id=None,
            invite_plie=adresse.plie,
            genre=GenreMandat.MANDAT,
            motif="",
            portee=voulue,
            propose_le=maintenant,
            accepte_le=None,
            fin_le=minuit,
        )
        lignes.ajouter(session, nouveau)
        invite = persistence.compte_par_courriel(session, adresse.plie)
        if (
            invite is not None
            and invite.statut is StatutCompte.ACTIF
            and courriel_permis(session, invite, PROPOSE, regles=regles, maintenant=maintenant)
        ):
            demander_courriel(session, invite, PROPOSE, regles=regles, maintenant=maintenant)
        publier(session, nouveau, "propose", acteur=mandant.id)
        idempotency.complete(session, **demande, result=str(nouveau.id))
    return str(nouveau.id)


def repondre(
    *,
    sessions: Sessions,
    regles: Regles,
    demandeur: Demandeur,
    request_id: str,
    mandat_id: UUID,
    accepte: bool,
    maintenant: datetime,
) -> None:
    """Accept or decline an invitation.

    Raises: MandatIntrouvable for an invitation to another mailbox, MandatTermine, RequestIdReused.
    """
    demande = {"request_id": request_id, "scope": f"RepondreMandat:{demandeur.compte_id}"}
    contenu = regles.digest("RepondreMandat", {"mandat": mandat_id, "accepte": accepte})
    with sessions.begin() as session:
        if idempotency.claim(session, **demande, fingerprint=contenu) is not None:
            return
        invite = compte_de(session, demandeur.compte_id)
        mandat = _trouver(session, mandat_id)
        invitation = mandat.accepte_le is None and mandat.invite_plie == invite.courriel_plie
        if not invitation or mandat.mandant_id == invite.id:
            raise MandatIntrouvable
        mandat.exiger(StatutMandat.PROPOSE, maintenant)
        if accepte:
            lignes.accepter(session, mandat.id, invite.id, maintenant)
        else:
            lignes.terminer(session, mandat.id, invite.id, maintenant)
        publier(
            session,
            mandat,
            "accepte" if accepte else "refuse",
            acteur=invite.id,
            mandataire_id=invite.id,
        )
        _avertir(session, mandat.mandant_id, regles=regles, maintenant=maintenant)
        idempotency.complete(session, **demande, result="")


def terminer(
    *,
    sessions: Sessions,
    regles: Regles,
    demandeur: Demandeur,
    request_id: str,
    mandat_id: UUID,
    maintenant: datetime,
) -> None:
    """End a delegation or take an invitation back; what its holder was doing stops at once.

    Raises: MandatIntrouvable for whoever is on neither side, MandatTermine, RequestIdReused.
    """
    demande = {"request_id": request_id, "scope": f"TerminerMandat:{demandeur.compte_id}"}
    contenu = regles.digest("TerminerMandat", {"mandat": mandat_id})
    with sessions.begin() as session:
        if idempotency.claim(session, **demande, fingerprint=contenu) is not None:
            return
        mandat = _trouver(session, mandat_id)
        cotes = {mandat.mandant_id, mandat.mandataire_id}
        if demandeur.compte_id not in cotes or mandat.genre is not GenreMandat.MANDAT:
            raise MandatIntrouvable
        if mandat.statut(maintenant) is not StatutMandat.PROPOSE:
            mandat.exiger(StatutMandat.ACTIF, maintenant)
        lignes.terminer(session, mandat.id, demandeur.compte_id, maintenant)
        publier(session, mandat, "termine", acteur=demandeur.compte_id)
        for cote in sorted(c for c in cotes if c is not None):
            _avertir(session, cote, regles=regles, maintenant=maintenant)
        idempotency.complete(session, **demande, result="")


def agir_pour(
    *,
    sessions: Sessions,
    regles: Regles,
    demandeur: Demandeur,
    request_id: str,
    mandat_id: UUID,
    maintenant: datetime,
) -> None:
    """Let the caller's session act by a delegation that they hold.

    Raises: MandatIntrouvable, MandatTermine, SessionExpiree, RequestIdReused.
    """
    demande = {"request_id": request_id, "scope": f"AgirPour:{demandeur.session_id}"}
    contenu = regles.digest("AgirPour", {"mandat": mandat_id})
    with sessions.begin() as session:
        if idempotency.claim(session, **demande, fingerprint=contenu) is not None:
            return
        mandat = _trouver(session, mandat_id)
        if mandat.mandataire_id != demandeur.compte_id or mandat.genre is GenreMandat.GUICHET:
            raise MandatIntrouvable
        mandat.exiger(StatutMandat.ACTIF, maintenant)
        _tenir(session, demandeur, mandat)
        idempotency.complete(session, **demande, result="")


def agir_au_guichet(
    *,
    sessions: Sessions,
    regles: Regles,
    demandeur: Demandeur,
    request_id: str,
    compte_id: UUID,
    motif: str,
    maintenant: datetime,
) -> None:
    """Let a member of staff act for the person at the desk, for an hour, with the reason written.

    Raises: CompteIntrouvable, DonneesInvalides, SessionExpiree, RequestIdReused.
    """
    ecrit = juger_motif(motif)
    demande = {"request_id": request_id, "scope": f"AgirAuGuichet:{demandeur.session_id}"}
    contenu = regles.digest("AgirAuGuichet", {"compte": compte_id, "motif": ecrit})
    if compte_id == demandeur.compte_id:
        raise CompteIntrouvable
    with sessions.begin() as session:
        if idempotency.claim(session, **demande, fingerprint=contenu) is not None:
            return
        citoyen = compte_de(session, compte_id)
        if citoyen.statut is not StatutCompte.ACTIF:
            raise CompteIntrouvable
        mandat = Mandat(
            id=uuid4(),
            mandant_id=citoyen.id,
            mandataire_id=demandeur.compte_id,
            invite_plie="",
            genre=GenreMandat.GUICHET,
            motif=ecrit,
            portee=frozenset(portee.value for portee in Portee),
            propose_le=maintenant,
            accepte_le=maintenant,
            fin_le=maintenant + DUREE_GUICHET,
        )
        lignes.ajouter(session, mandat)
        _tenir(session, demandeur, mandat)
        idempotency.complete(session, **demande, result="")


def cesser_agir(
    *,
    sessions: Sessions,
    demandeur: Demandeur,
    request_id: str,
    maintenant: datetime,
) -> None:
    """Let the caller's session act for its owner again; doing it twice changes nothing.

    Raises: RequestIdReused.
    """
    demande = {"request_id": request_id, "scope": f"CesserAgir:{demandeur.session_id}"}
    with sessions.begin() as session:
        if idempotency.claim(session, **demande, fingerprint=b"") is not None:
            return
        tenu = lignes.mandat_de_session(session, demandeur.session_id)
        mandat = None if tenu is None else lignes.mandat(session, tenu)
        lignes.agir(session, demandeur.session_id, demandeur.compte_id, None)
        if mandat is not None:
            publier(session, mandat, "cesse", acteur=demandeur.compte_id)
            if mandat.genre is GenreMandat.GUICHET:
                lignes.terminer(session, mandat.id, demandeur.compte_id, maintenant)
        idempotency.complete(session, **demande, result="")


def publier(
    session: Session,
    mandat: Mandat,
    acte: str,
    *,
    acteur: UUID,
    mandataire_id: UUID | None = None,
) -> None:
    """Publish a step in the life of a delegation, by ids."""
    preneur = mandataire_id or mandat.mandataire_id
    evenement = MandatChange(
        mandat_id=str(mandat.id),
        mandant_id=str(mandat.mandant_id),
        mandataire_id=str(preneur) if preneur else "",
        genre=mandat.genre.value,
        acte=acte,
        portee=sorted(mandat.portee),
        acteur_id=str(acteur),
    )
    outbox.append(session, evenement, aggregate=str(mandat.id))


def _trouver(session: Session, mandat_id: UUID) -> Mandat:
    mandat = lignes.mandat(session, mandat_id)
    if mandat is None:
        raise MandatIntrouvable
    return mandat


def _tenir(session: Session, demandeur: Demandeur, mandat: Mandat) -> None:
    if not lignes.agir(session, demandeur.session_id, demandeur.compte_id, mandat.id):
        raise SessionExpiree
    publier(session, mandat, "commence", acteur=demandeur.compte_id)


def _avertir(session: Session, compte_id: UUID, *, regles: Regles, maintenant: datetime) -> None:
    compte: Compte | None = persistence.compte(session, compte_id)
    if compte is not None and courriel_permis(
        session, compte, CHANGE, regles=regles, maintenant=maintenant
    ):
        demander_courriel(session, compte, CHANGE, regles=regles, maintenant=maintenant)
