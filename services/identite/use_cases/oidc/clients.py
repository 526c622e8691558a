"""Relying parties: registration by staff, and the proof of who calls (RFC 6749, 7523, 8705)."""

import hmac
import re
import unicodedata
from dataclasses import replace
from datetime import datetime
from typing import Final

from sqlalchemy import Engine

from chassis import idempotency
from chassis.db import Sessions
from services.identite.domain.oidc_client import (
    METHODE_AUTORITE,
    METHODE_CERTIFICAT,
    METHODE_CLE,
    METHODE_PUBLIQUE,
    METHODES_SECRET,
    ClientInconnu,
    ClientNonAuthentifie,
    ClientOidc,
    Preuve,
    juger_client,
)
from services.identite.persistence import oidc
from services.identite.persistence import oidc_clients as persistence
from services.identite.use_cases.courriels import empreinte, nouveau_secret
from services.identite.use_cases.oidc.ports import AssertionRefusee, Assertions, Certificats
from services.identite.use_cases.ports import Regles

_MOT_MAX: Final = 24
_SUFFIXE: Final = 10


def lire_client(*, lecture: Engine, client_id: str) -> ClientOidc:
    """Find a client that may be served. Raises: ClientInconnu."""
    trouve = persistence.lire_client(lecture, client_id)
    if trouve is None:
        raise ClientInconnu
    trouve.exiger_actif()
    return trouve


def enregistrer_client(
    *,
    sessions: Sessions,
    regles: Regles,
    request_id: str,
    par: str,
    client: ClientOidc,
    maintenant: datetime,
) -> tuple[str, str]:
    """Register a client.

    Args:
        sessions: database.
        regles: keys the fingerprint of the request.
        request_id: UUID of the request.
        par: account of the staff member, or "commande".
        client: what staff typed; its identifier and dates are ignored.
        maintenant: aware UTC time.
    Returns: client_id and the secret, told once; "" for methods without one and for a repetition.
    Raises: DonneesInvalides, RequestIdReused.
    """
    juger_client(client)
    scope = f"EnregistrerClientOidc:{par}"
    contenu = regles.digest("EnregistrerClientOidc", {**vars(client), "cree_le": None})
    secret = nouveau_secret() if client.methode in METHODES_SECRET else ""
    client_id = f"{_mot(client.nom_fr)}-{nouveau_secret()[:_SUFFIXE]}"
    neuf = replace(
        client,
        client_id=client_id,
        secret_empreinte=empreinte(secret) if secret else None,
        desactive=False,
        cree_le=maintenant,
    )
    with sessions.begin() as session:
        deja = idempotency.claim(session, request_id=request_id, scope=scope, fingerprint=contenu)
        if deja is not None:
            return deja, ""
        persistence.inserer_client(session, neuf, cree_par=par)
        idempotency.complete(session, request_id=request_id, scope=scope, result=client_id)
    return client_id, secret


def renouveler_secret(
    *, sessions: Sessions, regles: Regles, request_id: str, par: str, client_id: str
) -> str:
    """Replace a client's secret; the former one ends at once.

    Returns: the new one, told once; "" for a repetition.
    Raises: ClientInconnu, also for a client without a secret; RequestIdReused.
    """
    scope = f"RenouvelerSecretOidc:{par}"
    contenu = regles.digest("RenouvelerSecretOidc", {"client": client_id})
    secret = nouveau_secret()
    with sessions.begin() as session:
        deja = idempotency.claim(session, request_id=request_id, scope=scope, fingerprint=contenu)
        if deja is not None:
            return ""
        trouve = persistence.client(session, client_id, verrou=True)
        if trouve is None or trouve.secret_empreinte is None:
            raise ClientInconnu
        persistence.changer_secret(session, client_id, empreinte(secret))
        idempotency.complete(session, request_id=request_id, scope=scope, result=client_id)
    return secret


def desactiver_client(
    *,
    sessions: Sessions,
    regles: Regles,
    request_id: str,
    par: str,
    client_id: str,
    desactive: bool,
    maintenant: datetime,
) -> None:
    """Disable a client and end everything it was given, or enable it again.

    Raises: ClientInconnu, RequestIdReused.
    """
    scope = f"DesactiverClientOidc:{par}"
    contenu = regles.digest("DesactiverClientOidc", {"client": client_id, "desactive": desactive})
    with sessions.begin() as session:
        deja = idempotency.claim(session, request_id=request_id, scope=scope, fingerprint=contenu)
        if deja is not None:
            return
        if persistence.client(session, client_id, verrou=True) is None:
            raise ClientInconnu
        persistence.desactiver_client(session, client_id, desactive=desactive)
        if desactive:
            oidc.terminer_celles(
                session, client_id=client_id, compte_id=None, maintenant=maintenant
            )
        idempotency.complete(session, request_id=request_id, scope=scope, result=client_id)


def authentifier(
    *,
    lecture: Engine,
    sessions: Sessions,
    assertions: Assertions,
    certificats: Certificats,
    preuve: Preuve,
    maintenant: datetime,
    connu: ClientOidc | None = None,
) -> ClientOidc:
    """Find the client that a proof is of: by the method it registered, and by no other.

    `connu` is a client that was read a moment ago; it spares a read when the proof names it.

    Raises: ClientNonAuthentifie, whatever is wrong.
    """
    client = connu
    if client is None or client.client_id != preuve.client_id:
        client = persistence.lire_client(lecture, preuve.client_id)
    if client is None or client.desactive or client.methode != preuve.methode:
        raise ClientNonAuthentifie
    if client.methode in METHODES_SECRET:
        juste = hmac.compare_digest(empreinte(preuve.secret), client.secret_empreinte or b"")
    elif client.methode == METHODE_CLE:
        juste = _assertion_juste(client, preuve, sessions, assertions, maintenant)
    elif client.methode == METHODE_AUTORITE:
        sujet = certificats.sujet(preuve.certificat) if preuve.certificat else ""
        juste = bool(sujet) and sujet == client.tls_sujet
    elif client.methode == METHODE_CERTIFICAT:
        juste = bool(preuve.certificat) and certificats.connu(preuve.certificat, client.jwks)
    else:
        # A public client proves itself by PKCE and by its refresh tokens, which turn.
        juste = client.methode == METHODE_PUBLIQUE
    if not juste:
        raise ClientNonAuthentifie
    return client


def _assertion_juste(
    client: ClientOidc,
    preuve: Preuve,
    sessions: Sessions,
    assertions: Assertions,
    maintenant: datetime,
) -> bool:
    """Verify an assertion, and that it serves for the first time."""
    try:
        lue = assertions(
            preuve.assertion,
            client_id=client.client_id,
            jwks=client.jwks,
            maintenant=maintenant,
        )
    except AssertionRefusee:
        return False
    with sessions.begin() as session:
        return persistence.assertion_nouvelle(
            session, empreinte(f"{client.client_id}\0{lue.jti}"), lue.expire_le
        )


def _mot(nom: str) -> str:
    """Give a readable beginning of a client's identifier."""
    plie = unicodedata.normalize("NFKD", nom).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", plie).strip("-")[:_MOT_MAX].strip("-") or "client"
