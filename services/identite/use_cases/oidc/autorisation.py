"""The person's side: what a client may be answered, consent, codes (OpenID Connect Core 3.1.2)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from uuid import UUID, uuid4

from sqlalchemy import Engine
from sqlalchemy.orm import Session

from chassis import idempotency, outbox
from chassis.db import Sessions
from espacecitoyen.identite.v1.evenements_pb2 import ConsentementDonne, ConsentementRetire
from services.identite.domain import SessionExpiree
from services.identite.domain.oidc import (
    Autorisation,
    ConsentementRequis,
    ReconnexionRequise,
    connexion_assez_recente,
    exiger_defi,
)
from services.identite.domain.oidc_client import HORS_LIGNE, ClientInconnu, ClientOidc
from services.identite.persistence import oidc as persistence
from services.identite.persistence import oidc_clients
from services.identite.use_cases.courriels import empreinte, nouveau_secret
from services.identite.use_cases.oidc.ports import ReglesOidc
from services.identite.use_cases.ports import Regles


class Besoin(Enum):
    """What is missing before a code can be given."""

    RIEN = "rien"
    CONSENTEMENT = "consentement"
    RECONNEXION = "reconnexion"


@dataclass(frozen=True, kw_only=True)
class Demande:
    """An authorization request, as the gateway read it."""

    client_id: str
    portees: tuple[str, ...]
    # The log-in may be at most that old; -1 for any age.
    age_max_s: int = -1
    pas_avant: datetime | None = None
    redirection: str = ""
    nonce: str = ""
    defi: str = ""


def verifier_autorisation(
    *,
    sessions: Sessions,
    regles: ReglesOidc,
    session_id: UUID,
    demande: Demande,
    maintenant: datetime,
) -> tuple[Besoin, tuple[str, ...]]:
    """Tell what a session lacks for a request, and what was agreed to before.

    Raises: ClientInconnu, PorteeRefusee, SessionExpiree.
    """
    with sessions.begin() as session:
        client = _client(session, demande.client_id)
        portees = client.portees_permises(demande.portees)
        lue = _session(session, session_id, maintenant)
        deja = persistence.portees_consenties(session, lue.compte_id, client.client_id)
    if not _recente(lue, demande, maintenant):
        return Besoin.RECONNEXION, deja
    if _a_consentir(client, portees, deja, regles):
        return Besoin.CONSENTEMENT, deja
    return Besoin.RIEN, deja


def ouvrir_autorisation(
    *,
    sessions: Sessions,
    regles: ReglesOidc,
    session_id: UUID,
    demande: Demande,
    consenti: bool,
    maintenant: datetime,
) -> str:
    """Give a code, once the person has agreed.

    Args:
        sessions: database.
        regles: lives and the rule about the city's own systems.
        session_id: the caller's session.
        demande: the request; everything in it is judged again here.
        consenti: the person has just agreed, on the consent page.
        maintenant: aware UTC time.
    Returns: the code, told once.
    Raises: ClientInconnu, RedirectionRefusee, PorteeRefusee, DefiInvalide, SessionExpiree,
        ReconnexionRequise, ConsentementRequis.
    """
    exiger_defi(demande.defi)
    code = nouveau_secret()
    with sessions.begin() as session:
        client = _client(session, demande.client_id)
        client.exiger_redirection(demande.redirection)
        portees = client.portees_permises(demande.portees)
        lue = _session(session, session_id, maintenant)
        if not _recente(lue, demande, maintenant):
            raise ReconnexionRequise
        deja = persistence.portees_consenties(session, lue.compte_id, client.client_id)
        if _a_consentir(client, portees, deja, regles):
            if not consenti:
                raise ConsentementRequis
            _consentir(session, client, lue.compte_id, (*deja, *portees), maintenant)
        persistence.inserer_autorisation(
            session,
            Autorisation(
                id=uuid4(),
                client_id=client.client_id,
                compte_id=lue.compte_id,
                sujet=persistence.sujet(session, client.secteur, lue.compte_id),
                sid=persistence.sid_du_client(session, session_id, client.client_id),
                portees=portees,
                redirection=demande.redirection,
                nonce=demande.nonce,
                acr=lue.acr,
                defi=demande.defi,
                connecte_le=lue.connecte_le,
                code_expire_le=maintenant + regles.durees.code,
                code_utilise_le=None,
                terminee_le=None,
                vivante=True,
            ),
            session_id=session_id,
            hors_ligne=HORS_LIGNE in portees,
            code_empreinte=empreinte(code),
            maintenant=maintenant,
        )
    return code


def retirer_consentement(
    *,
    sessions: Sessions,
    regles: Regles,
    request_id: str,
    compte_id: UUID,
    client_id: str,
    maintenant: datetime,
) -> None:
    """Take a consent back; what it opened ends. Raises: RequestIdReused."""
    scope = f"RetirerConsentementOidc:{compte_id}"
    contenu = regles.digest("RetirerConsentementOidc", {"client": client_id})
    with sessions.begin() as session:
        deja = idempotency.claim(session, request_id=request_id, scope=scope, fingerprint=contenu)
        if deja is not None:
            return
        if persistence.retirer_consentement(session, compte_id, client_id, maintenant=maintenant):
            outbox.append(
                session,
                ConsentementRetire(compte_id=str(compte_id), client_id=client_id),
                aggregate=str(compte_id),
            )
        persistence.terminer_celles(
            session, client_id=client_id, compte_id=compte_id, maintenant=maintenant
        )
        idempotency.complete(session, request_id=request_id, scope=scope, result=client_id)


def cette_session(*, lecture: Engine, client_id: str, sid: str, session_id: UUID) -> bool:
    """Tell whether a client's `sid` names this session."""
    trouves = persistence.sessions_du_sid(
        lecture, client_id=client_id, sid=sid, session_id=session_id
    )
    return bool(list(trouves))


def _client(session: Session, client_id: str) -> ClientOidc:
    trouve = oidc_clients.client(session, client_id)
    if trouve is None:
        raise ClientInconnu
    trouve.exiger_actif()
    return trouve


def _session(session: Session, session_id: UUID, maintenant: datetime) -> persistence.SessionLue:
    lue = persistence.session_lue(session, session_id, maintenant=maintenant)
    if lue is None:
        raise SessionExpiree
    return lue


def _recente(lue: persistence.SessionLue, demande: Demande, maintenant: datetime) -> bool:
    return connexion_assez_recente(
        lue.connecte_le,
        age_max_s=demande.age_max_s,
        pas_avant=demande.pas_avant,
        maintenant=maintenant,
    )


def _a_consentir(
    client: ClientOidc, portees: Sequence[str], deja: Sequence[str], regles: ReglesOidc
) -> bool:
    """Access that outlives the session is always asked for, even by the city's own systems."""
    maison = client.premiere_main and not regles.consentement_maison
    if maison and HORS_LIGNE not in portees:
        return False
    return bool(frozenset(portees) - frozenset(deja))


def _consentir(
    session: Session,
    client: ClientOidc,
    compte_id: UUID,
    portees: Sequence[str],
    maintenant: datetime,
) -> None:
    accordees = client.portees_permises(set(portees) & set(client.portees))
    persistence.noter_consentement(
        session, compte_id, client.client_id, accordees, maintenant=maintenant
    )
    outbox.append(
        session,
        ConsentementDonne(
            compte_id=str(compte_id), client_id=client.client_id, portees=list(accordees)
        ),
        aggregate=str(compte_id),
    )
