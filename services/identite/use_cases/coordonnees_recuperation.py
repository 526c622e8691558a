"""A lost mailbox: two agents, a delay, warnings everywhere else, then a link (IDN-14)."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID, uuid4

from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from chassis import idempotency, outbox
from chassis.db import Sessions
from espacecitoyen.identite.v1.evenements_pb2 import RecuperationChangee
from services.identite import persistence
from services.identite.domain import (
    Compte,
    Courriel,
    DonneesInvalides,
    Verdicts,
    champs,
)
from services.identite.domain.coordonnees import (
    Recuperation,
    RecuperationDecidee,
    RecuperationEnCours,
    RecuperationIntrouvable,
    StatutRecuperation,
    controles_faits,
    exiger_autre_personne,
    motif_ecrit,
)
from services.identite.persistence import coordonnees as table
from services.identite.persistence import recuperation as journal
from services.identite.use_cases import coordonnees_messages as messages
from services.identite.use_cases.coordonnees import titulaire
from services.identite.use_cases.coordonnees_agents import (
    exiger_courriel_libre,
    proposer_courriel,
)
from services.identite.use_cases.coordonnees_regles import ReglesCoordonnees


def demander_recuperation(
    *,
    sessions: Sessions,
    regles: ReglesCoordonnees,
    request_id: str,
    agent_id: UUID,
    compte_id: UUID,
    nouveau_courriel: str,
    controles: Sequence[str],
    note: str,
    maintenant: datetime,
) -> UUID:
    """Ask for the recovery of somebody's account after an identity check at the desk.

    Returns: its id; nothing happens to the account before a second agent agrees.
    Raises: DonneesInvalides, CourrielDejaPris, RecuperationEnCours, ProprePersonne,
        CompteIntrouvable, RequestIdReused.
    """
    exiger_autre_personne(agent_id, compte_id)
    vu = Verdicts()
    courriel = vu.juger(
        "nouveau_courriel",
        lambda: champs.courriel(nouveau_courriel, domaine_ascii=regles.domaine_ascii),
        Courriel("", ""),
    )
    rien: tuple[str, ...] = ()
    faits = vu.juger("controles", lambda: controles_faits(controles), rien)
    note_lue = vu.juger("note", lambda: motif_ecrit(note), "")
    vu.conclure()
    scope = f"DemanderRecuperation:{agent_id}"
    contenu = regles.digest(
        "DemanderRecuperation",
        {"compte": compte_id, "courriel": courriel.plie, "controles": faits, "note": note_lue},
    )
    with sessions.begin() as session:
        fait = idempotency.claim(session, request_id=request_id, scope=scope, fingerprint=contenu)
        if fait is not None:
            return UUID(fait)
        compte = titulaire(session, compte_id)
        if courriel.plie == compte.courriel_plie:
            raise DonneesInvalides({"nouveau_courriel": "COURRIEL_INCHANGE"})
        exiger_courriel_libre(session, compte, courriel)
        _ceder_la_place(session, compte, agent_id, maintenant=maintenant)
        une = Recuperation(
            id=uuid4(),
            compte_id=compte_id,
            nouveau_courriel=courriel.adresse,
            nouveau_plie=courriel.plie,
            controles=faits,
            note=note_lue,
            statut=StatutRecuperation.DEMANDEE,
            demandee_par=agent_id,
            demandee_le=maintenant,
        )
        try:
            with session.begin_nested():
                journal.ouvrir(session, une)
        except IntegrityError as error:
            if persistence.contrainte(error) != journal.UNE_SEULE:
                raise
            raise RecuperationEnCours from error
        _publier(session, une, agent_id, StatutRecuperation.DEMANDEE)
        idempotency.complete(session, request_id=request_id, scope=scope, result=str(une.id))
    return une.id


def _ceder_la_place(
    session: Session, compte: Compte, agent_id: UUID, *, maintenant: datetime
) -> None:
    """End a recovery whose link left and was never used: a new one may be asked for."""
    ancienne = journal.en_cours(session, compte.id)
    if ancienne is not None and ancienne.statut is StatutRecuperation.ENVOYEE:
        table.retirer_courriels(session, compte.id)
        changer(session, ancienne, agent_id, StatutRecuperation.ARRETEE, maintenant=maintenant)


def decider_recuperation(
    *,
    sessions: Sessions,
    regles: ReglesCoordonnees,
    request_id: str,
    agent_id: UUID,
    recuperation_id: UUID,
    approuver: bool,
    motif: str,
    maintenant: datetime,
) -> None:
    """Approve or refuse as the second agent; an approval warns every verified channel.

    Raises: MemeAgent, ProprePersonne, RecuperationDecidee, RecuperationIntrouvable,
        DonneesInvalides, CompteIntrouvable, RequestIdReused.
    """
    vu = Verdicts()
    lu = "" if approuver else vu.juger("motif", lambda: motif_ecrit(motif), "")
    vu.conclure()
    scope = f"DeciderRecuperation:{agent_id}"
    contenu = regles.digest(
        "DeciderRecuperation", {"recuperation": recuperation_id, "oui": approuver, "motif": lu}
    )
    with sessions.begin() as session:
        if idempotency.claim(session, request_id=request_id, scope=scope, fingerprint=contenu):
            return
        une, compte = _retenir(session, recuperation_id)
        une.exiger_decidable(agent_id)
        statut = StatutRecuperation.APPROUVEE if approuver else StatutRecuperation.REFUSEE
        journal.decider(
            session,
            une.id,
            statut=statut,
            agent_id=agent_id,
            motif=lu,
            envoi_le=maintenant + regles.delai_recuperation if approuver else None,
            maintenant=maintenant,
        )
        if approuver:
            messages.avertir(
                session,
                compte,
                messages.RECUPERATION_ANNONCEE,
                table.coordonnees(session, compte.id),
                regles=regles.regles,
                maintenant=maintenant,
            )
        _publier(session, une, agent_id, statut)
        idempotency.complete(session, request_id=request_id, scope=scope, result="fait")


def _retenir(session: Session, recuperation_id: UUID) -> tuple[Recuperation, Compte]:
    """Hold a recovery's account, then the recovery.

    Raises: RecuperationIntrouvable, CompteIntrouvable.
    """
    vue = journal.compte_de(session, recuperation_id)
    if vue is None:
        raise RecuperationIntrouvable
    compte = titulaire(session, vue)
    une = journal.recuperation(session, recuperation_id)
    if une is None:
        raise RecuperationIntrouvable
    return une, compte


def arreter_recuperation(
    *,
    sessions: Sessions,
    regles: ReglesCoordonnees,
    request_id: str,
    compte_id: UUID,
    recuperation_id: UUID,
    maintenant: datetime,
) -> None:
    """Stop the recovery of one's own account: its owner still reaches it.

    Raises: RecuperationIntrouvable, RecuperationDecidee, CompteIntrouvable, RequestIdReused.
    """
    scope = f"ArreterRecuperation:{compte_id}"
    contenu = regles.digest("ArreterRecuperation", {"recuperation": recuperation_id})
    with sessions.begin() as session:
        if idempotency.claim(session, request_id=request_id, scope=scope, fingerprint=contenu):
            return
        une, compte = _retenir(session, recuperation_id)
        if compte.id != compte_id:
            raise RecuperationIntrouvable
        if not une.arretable:
            raise RecuperationDecidee
        table.retirer_courriels(session, compte_id)
        changer(session, une, compte_id, StatutRecuperation.ARRETEE, maintenant=maintenant)
        idempotency.complete(session, request_id=request_id, scope=scope, result="fait")


def envoyer_recuperations(
    *, sessions: Sessions, regles: ReglesCoordonnees, maintenant: datetime
) -> int:
    """Mail the link of each approved recovery whose delay has passed, each in its transaction.

    Returns: how many left. Two copies of the process may do it at once.
    """
    with sessions() as session:
        echues = journal.echues(session, maintenant=maintenant)
    return sum(
        _envoyer(sessions, recuperation_id, compte_id, regles=regles, maintenant=maintenant)
        for recuperation_id, compte_id in echues
    )


def _envoyer(
    sessions: Sessions,
    recuperation_id: UUID,
    compte_id: UUID,
    *,
    regles: ReglesCoordonnees,
    maintenant: datetime,
) -> bool:
    with sessions.begin() as session:
        compte = persistence.compte(session, compte_id, verrou=True)
        une = journal.recuperation(session, recuperation_id)
        if compte is None or une is None or une.statut is not StatutRecuperation.APPROUVEE:
            return False
        proposer_courriel(
            session,
            compte,
            Courriel(une.nouveau_courriel, une.nouveau_plie),
            gabarit=messages.RECUPERATION,
            regles=regles,
            maintenant=maintenant,
            recuperation_id=une.id,
        )
        changer(session, une, "", StatutRecuperation.ENVOYEE, maintenant=maintenant)
    return True


def changer(
    session: Session,
    une: Recuperation,
    acteur_id: object,
    statut: StatutRecuperation,
    *,
    maintenant: datetime,
) -> None:
    """Move a recovery on, and tell the audit."""
    journal.changer_statut(session, une.id, statut, maintenant=maintenant)
    _publier(session, une, acteur_id, statut)


def _publier(
    session: Session, une: Recuperation, acteur_id: object, statut: StatutRecuperation
) -> None:
    evenement = RecuperationChangee(
        recuperation_id=str(une.id),
        compte_id=str(une.compte_id),
        acteur_id=str(acteur_id),
        statut=statut.value,
    )
    outbox.append(session, evenement, aggregate=str(une.compte_id))


def lire_recuperation(
    *, sessions: Sessions, recuperation_id: UUID
) -> tuple[Recuperation, dict[UUID, str]]:
    """Read a recovery with the names of the people in it.

    Raises: RecuperationIntrouvable.
    """
    with sessions() as session:
        une = journal.recuperation(session, recuperation_id)
        if une is None:
            raise RecuperationIntrouvable
        return une, journal.noms(session, _personnes(une))


def lister_recuperations(
    *, sessions: Sessions, agent_id: UUID
) -> tuple[Sequence[Recuperation], dict[UUID, str]]:
    """List the recoveries under way; each person shown is written down as read."""
    with sessions.begin() as session:
        siennes = journal.attendues(session)
        for une in siennes:
            messages.publier_lecture(
                session, compte_id=une.compte_id, agent_id=agent_id, objet="recuperation"
            )
        noms = journal.noms(session, [qui for une in siennes for qui in _personnes(une)])
    return siennes, noms


def _personnes(une: Recuperation) -> list[UUID]:
    return [qui for qui in (une.compte_id, une.demandee_par, une.decidee_par) if qui is not None]
