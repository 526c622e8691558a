"""Links between accounts: made when both sides are proved, decided by staff, undone (IDN-09, 10).

An account of another system is linked by its e-mail only when that e-mail is confirmed here and
its owner has just logged in, and when the persons agree; otherwise staff decide.
"""

from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from chassis import idempotency
from chassis.db import Sessions
from services.identite import persistence
from services.identite.domain import CompteIntrouvable, DonneesInvalides, StatutCompte
from services.identite.domain.ponts import (
    EtatLiaison,
    LiaisonDejaDecidee,
    LiaisonInconnue,
    Personne,
    Politique,
)
from services.identite.persistence import ponts
from services.identite.persistence.ponts import Liaison
from services.identite.use_cases.ponts.annonces import annoncer_fusion, annoncer_liaison
from services.identite.use_cases.ports import Regles

_MOTIF_MAX = 500


def rapprocher(
    *, sessions: Sessions, politique: Politique, compte_id: UUID, maintenant: datetime
) -> bool:
    """Link what waits for the e-mail of somebody who is logged in (IDN-09).

    Nothing happens while that e-mail is not confirmed here.

    Returns: whether it is.
    Raises: CompteIntrouvable.
    """
    with sessions.begin() as session:
        compte = persistence.compte(session, compte_id, verrou=True)
        if compte is None:
            raise CompteIntrouvable
        if compte.statut is not StatutCompte.ACTIF or compte.active_le is None:
            return False
        ici = Personne(prenom=compte.prenom, nom=compte.nom, date_naissance=compte.date_naissance)
        for attente in ponts.liaisons_en_attente(session, compte):
            differe = politique.ecarts(attente.personne, ici)
            etat = EtatLiaison.A_DECIDER if differe else EtatLiaison.LIE
            _changer(
                session,
                attente,
                etat,
                compte_id=compte.id,
                par=str(compte.id),
                motif=" ".join(differe),
                maintenant=maintenant,
            )
        contact = ponts.contact_a_fusionner(session, "courriel", compte.courriel_plie)
        if contact is not None:
            _fusionner(session, contact, compte.id, maintenant)
    return True


def decider_liaison(
    *,
    sessions: Sessions,
    regles: Regles,
    request_id: str,
    liaison_id: UUID,
    lier: bool,
    motif: str,
    agent_id: str,
    maintenant: datetime,
) -> None:
    """Decide, as a member of staff, about two accounts whose persons differ.

    Raises: LiaisonInconnue, LiaisonDejaDecidee, DonneesInvalides (a decision has its reason),
        RequestIdReused.
    """
    propre = _motif(motif)
    contenu = regles.digest("DeciderLiaison", {"id": liaison_id, "lier": lier, "motif": propre})
    scope = f"DeciderLiaison:{agent_id}"
    with sessions.begin() as session:
        if _deja(session, request_id, scope, contenu):
            return
        vue = ponts.liaison(session, liaison_id)
        if vue is None or vue.compte_id is None:
            raise LiaisonInconnue
        if vue.etat != EtatLiaison.A_DECIDER:
            raise LiaisonDejaDecidee
        _changer(
            session,
            vue,
            EtatLiaison.LIE if lier else EtatLiaison.REFUSE,
            compte_id=vue.compte_id,
            par=agent_id,
            motif=propre,
            maintenant=maintenant,
        )
        idempotency.complete(session, request_id=request_id, scope=scope, result="")


def delier(
    *,
    sessions: Sessions,
    regles: Regles,
    request_id: str,
    liaison_id: UUID,
    par: str,
    motif: str,
    agent: bool,
    maintenant: datetime,
) -> None:
    """Undo a link, as its owner or as staff, who give a reason; it is never made again by itself.

    Raises: LiaisonInconnue (also for somebody else's), LiaisonDejaDecidee, DonneesInvalides,
        RequestIdReused.
    """
    propre = _motif(motif) if agent else ""
    contenu = regles.digest("DelierCompte", {"id": liaison_id, "motif": propre})
    scope = f"DelierCompte:{par}"
    with sessions.begin() as session:
        if _deja(session, request_id, scope, contenu):
            return
        vue = ponts.liaison(session, liaison_id)
        if vue is None or vue.compte_id is None or not (agent or str(vue.compte_id) == par):
            raise LiaisonInconnue
        if vue.etat != EtatLiaison.LIE:
            raise LiaisonDejaDecidee
        _changer(
            session,
            vue,
            EtatLiaison.DELIE,
            compte_id=vue.compte_id,
            par=par,
            motif=propre,
            maintenant=maintenant,
        )
        idempotency.complete(session, request_id=request_id, scope=scope, result="")


def contact_verifie(
    session: Session, compte_id: UUID, *, canal: str, coordonnee: str, maintenant: datetime
) -> bool:
    """Merge the imported emergency contact that its owner has just proved (IDN-10).

    Called in the transaction of the proof.

    Args:
        session: that transaction.
        compte_id: whose contact it is from now on.
        canal: "courriel", "texto" or "telephone".
        coordonnee: folded e-mail, or E.164.
        maintenant: aware UTC time.
    Returns: whether there was one. A number imported for calls is merged by an SMS proof too.
    """
    canaux = ("courriel",) if canal == "courriel" else ("texto", "telephone")
    trouves = [ponts.contact_a_fusionner(session, chacun, coordonnee) for chacun in canaux]
    for contact in trouves:
        if contact is not None:
            _fusionner(session, contact, compte_id, maintenant)
    return any(contact is not None for contact in trouves)


def _fusionner(session: Session, contact: UUID, compte_id: UUID, maintenant: datetime) -> None:
    ponts.fusionner_contact(session, contact, compte_id, maintenant=maintenant)
    annoncer_fusion(session, contact, compte_id)


def _changer(
    session: Session,
    vue: Liaison,
    etat: EtatLiaison,
    *,
    compte_id: UUID,
    par: str,
    motif: str,
    maintenant: datetime,
) -> None:
    ponts.changer_liaison(
        session, vue, etat, compte_id=compte_id, par=par, motif=motif, maintenant=maintenant
    )
    annoncer_liaison(session, vue.id, compte_id, source=vue.source, etat=etat, par=par)


def _deja(session: Session, request_id: str, scope: str, contenu: bytes) -> bool:
    fait = idempotency.claim(session, request_id=request_id, scope=scope, fingerprint=contenu)
    return fait is not None


def _motif(motif: str) -> str:
    propre = " ".join(motif.split())
    if not propre:
        raise DonneesInvalides({"motif": "CHAMP_REQUIS"})
    if len(propre) > _MOTIF_MAX:
        raise DonneesInvalides({"motif": "TROP_LONG"})
    return propre
