"""Each message of the ledger given to the mail server once, whatever dies (docs/courriel.md).

No database session is open while a mail server or its journal is being spoken to.
"""

import logging
from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from chassis import outbox, telemetry
from chassis.db import Sessions
from chassis.seal import unseal
from espacecitoyen.avis.v1.evenements_pb2 import EnvoiTermine
from services.avis import domain, persistence
from services.avis.domain import Envoi, EtatEnvoi, Lettre
from services.avis.use_cases.ports import (
    SCELLE_ENVOI,
    SCELLE_POINT,
    CourrielDefinitif,
    CourrielIncertain,
    CourrielTemporaire,
    Expedition,
    JournalIndisponible,
    Reponse,
)

# Rows that one round of the sweeper takes; the next round comes a second later.
_LOT = 50
# Without a journal to ask, a message whose fate stays unknown is given so many times in all.
_ESSAIS_SANS_REPONSE = 3
_IMPREPARABLE = timedelta(minutes=5)

_log = logging.getLogger(__name__)


def envoyer(*, expedition: Expedition, envoi_id: UUID) -> bool:
    """Give one message to the mail server, unless it left, waits, or somebody is giving it.

    The claim is committed before the first byte leaves and the end after the answer came, so that
    whoever finds a claim without its owner knows that this one message is in doubt.

    Args:
        expedition: what sending needs.
        envoi_id: a message of the ledger.
    Returns: False when the mail server cannot be reached now, so that a caller with more messages
        can stop for a while. Whatever the outcome, the ledger knows it.
    """
    presence = expedition.presence
    if envoi_id in presence.en_vol:
        return True
    presence.en_vol.add(envoi_id)
    try:
        with expedition.sessions.begin() as session:
            envoi = persistence.lire_envoi(session, envoi_id=envoi_id)
        lettre = None if envoi is None else _ecrire(expedition, envoi)
        if envoi is None or lettre is None:
            return True
        presence.assurer()
        with expedition.sessions.begin() as session:
            essai = persistence.prendre_envoi(session, envoi_id=envoi_id, par=presence.numero)
        return essai is None or _remettre(expedition, envoi, lettre, essai)
    finally:
        presence.en_vol.discard(envoi_id)


def envoyer_tous(*, expedition: Expedition, envois: Sequence[UUID]) -> None:
    """Give several messages; what could not leave is the sweeper's."""
    for envoi_id in envois:
        if not envoyer(expedition=expedition, envoi_id=envoi_id):
            return


def lever_doute(*, expedition: Expedition, envoi_id: UUID, par: int, essai: int) -> None:
    """Settle the fate of a claimed message whose sender is gone, by asking the server's journal.

    Args:
        expedition: what sending needs.
        envoi_id: the message.
        par: number of the sender that claimed it. Nothing is done while that sender lives.
        essai: try of that claim.
    Raises: JournalIndisponible: asked again at the next round.
    """
    presence = expedition.presence
    if par == presence.numero:
        if envoi_id in presence.en_vol:
            return
    else:
        with expedition.sessions.begin() as session:
            if not persistence.reprendre_envoi(
                session, envoi_id=envoi_id, ancien=par, par=presence.numero
            ):
                return
    reponse = expedition.journal.chercher(_message_id(expedition, envoi_id))
    _log.info("doubt settled", extra={"fields": {"envoi": envoi_id, "reponse": reponse.value}})
    if reponse is Reponse.RECU:
        _terminer(expedition, envoi_id, essai, EtatEnvoi.ENVOYE, None)
    elif reponse is Reponse.INCONNU and essai >= _ESSAIS_SANS_REPONSE:
        _terminer(expedition, envoi_id, essai, EtatEnvoi.REFUSE, None)
    else:
        # Nobody to ask: these mails are awaited (an activation link, a decision), so the risk of
        # a double, recognisable by its Message-ID, is taken rather than that of none.
        _rendre(expedition, envoi_id, essai, None)


def balayer(*, expedition: Expedition) -> None:
    """Take up what no event will ring for again: doubts, retries, releases that a death cut short.

    One message that fails never stops the others.
    """
    expedition.presence.assurer()
    with expedition.sessions.begin() as session:
        doutes = persistence.envois_en_cours(session, repos=expedition.repos, limite=_LOT)
    for envoi_id, par, essai in doutes:
        try:
            lever_doute(expedition=expedition, envoi_id=envoi_id, par=par, essai=essai)
        except JournalIndisponible:
            _log.warning("the mail server's journal does not answer")
            break
    with expedition.sessions.begin() as session:
        prets = persistence.envois_prets(session, limite=_LOT)
    for envoi_id in prets:
        try:
            if not envoyer(expedition=expedition, envoi_id=envoi_id):
                break
        except Exception:  # noqa: BLE001  (a broken seal or text; an absent database fails again)
            _log.exception("unpreparable", extra={"fields": {"envoi": envoi_id}})
            with expedition.sessions.begin() as session:
                persistence.retarder_envoi(session, envoi_id=envoi_id, delai=_IMPREPARABLE)


def oublier(*, sessions: Sessions, donnees: timedelta, envois: timedelta) -> None:
    """Erase what finished messages said, then the messages themselves, each after its delay."""
    with sessions.begin() as session:
        persistence.effacer_donnees(session, apres=donnees, limite=5000)
    with sessions.begin() as session:
        persistence.purger_envois(session, apres=envois, limite=5000)


def _message_id(expedition: Expedition, envoi_id: UUID) -> str:
    return f"<{envoi_id}@{expedition.domaine}>"


def _ecrire(expedition: Expedition, envoi: Envoi) -> Lettre | None:
    """Write the mail of a message that can leave; None when it left or still waits."""
    if envoi.etat is not EtatEnvoi.A_ENVOYER or envoi.donnees is None:
        return None
    donnees = unseal(envoi.donnees, key=expedition.cle, context=SCELLE_ENVOI)
    if not envoi.adresse_propre:
        if envoi.adresse_scellee is None:
            _faire_attendre(expedition, envoi)
            return None
        donnees |= unseal(envoi.adresse_scellee, key=expedition.cle, context=SCELLE_POINT)
    contenu = expedition.redaction.rediger(
        gabarit=envoi.gabarit, langue=envoi.langue, donnees=donnees
    )
    return Lettre(
        message_id=_message_id(expedition, envoi.id),
        adresse=donnees["adresse"],
        langue=envoi.langue,
        date=envoi.cree_le,
        contenu=contenu,
    )


def _faire_attendre(expedition: Expedition, envoi: Envoi) -> None:
    """Put a message aside whose account lost its address to another one, that proved it later."""
    with expedition.sessions.begin() as session:
        persistence.verrouiller_compte(session, compte_id=envoi.compte_id)
        persistence.faire_attendre(session, envoi_id=envoi.id)


def _remettre(expedition: Expedition, envoi: Envoi, lettre: Lettre, essai: int) -> bool:
    """Speak to the server, then write what it said; a lost answer stays a doubt for the sweeper."""
    try:
        with telemetry.span(
            "avis.smtp",
            "client",
            parent=envoi.traceparent,
            espace__envoi_id=str(envoi.id),
            espace__gabarit=envoi.gabarit.value,
            espace__essai=essai,
        ) as span:
            code = expedition.courriel.envoyer(lettre)
            span.set_attribute("smtp.code", code)
    except CourrielIncertain:
        _log.warning("answer lost", extra={"fields": {"envoi": envoi.id, "essai": essai}})
        return True
    except CourrielDefinitif as refus:
        _terminer(expedition, envoi.id, essai, EtatEnvoi.REFUSE, refus.code)
        return True
    except CourrielTemporaire as refus:
        if essai >= expedition.essais_max:
            _terminer(expedition, envoi.id, essai, EtatEnvoi.REFUSE, refus.code)
        else:
            _rendre(expedition, envoi.id, essai, refus.code)
        return refus.code is not None
    _terminer(expedition, envoi.id, essai, EtatEnvoi.ENVOYE, code)
    return True


def _terminer(
    expedition: Expedition, envoi_id: UUID, essai: int, etat: EtatEnvoi, code: int | None
) -> None:
    """Write the end of a message with its event, unless the claim is no longer ours."""
    with expedition.sessions.begin() as session:
        envoi = persistence.lire_envoi(session, envoi_id=envoi_id)
        if envoi is None or not persistence.terminer_envoi(
            session,
            envoi_id=envoi_id,
            par=expedition.presence.numero,
            essai=essai,
            etat=etat,
            code=code,
        ):
            return
        termine = EnvoiTermine(
            envoi_id=str(envoi_id),
            compte_id=envoi.compte_id,
            gabarit=envoi.gabarit.value,
            statut=etat.value,
        )
        outbox.append(session, termine, aggregate=str(envoi_id))


def _rendre(expedition: Expedition, envoi_id: UUID, essai: int, code: int | None) -> None:
    with expedition.sessions.begin() as session:
        persistence.rendre_envoi(
            session,
            envoi_id=envoi_id,
            par=expedition.presence.numero,
            essai=essai,
            delai=domain.delai_reprise(essai),
            code=code,
        )
