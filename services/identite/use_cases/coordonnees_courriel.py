"""Another e-mail address of an account, proved by its mailed link (IDN-11, IDN-14)."""

from datetime import datetime
from uuid import UUID

from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from chassis import idempotency
from chassis.db import Sessions
from services.identite import persistence
from services.identite.domain import (
    Compte,
    Lien,
    LienDejaUtilise,
    LienExpire,
    LienInconnu,
    Usage,
)
from services.identite.domain.coordonnees import CourrielDejaPris, Genre, StatutRecuperation
from services.identite.persistence import coordonnees as table
from services.identite.persistence import recuperation as journal
from services.identite.use_cases import coordonnees_messages as messages
from services.identite.use_cases.coordonnees import titulaire
from services.identite.use_cases.coordonnees_recuperation import changer
from services.identite.use_cases.coordonnees_regles import ReglesCoordonnees
from services.identite.use_cases.courriels import empreinte, nouveau_secret


def confirmer_courriel(
    *,
    sessions: Sessions,
    regles: ReglesCoordonnees,
    request_id: str,
    jeton: str,
    maintenant: datetime,
) -> str:
    """Prove another e-mail address with its link: it becomes the account's, the old one is told.

    Returns: after a lost mailbox the secret of a link that sets a new password, told once and
        mailed to nobody; "" otherwise and when the request is repeated.
    Raises: LienInconnu, LienDejaUtilise, LienExpire, CourrielDejaPris, CompteIntrouvable,
        RequestIdReused.
    """
    scope = "ConfirmerCourriel:"
    contenu = regles.digest("ConfirmerCourriel", {"jeton": jeton})
    with sessions.begin() as session:
        if idempotency.claim(session, request_id=request_id, scope=scope, fingerprint=contenu):
            return ""
        titulaire_id = table.titulaire_du_lien(session, empreinte(jeton))
        if titulaire_id is None:
            raise LienInconnu
        compte = titulaire(session, titulaire_id)
        lien = table.lien(session, empreinte(jeton))
        if lien.utilise_le is not None:
            raise LienDejaUtilise
        if lien.remplace_le is not None or maintenant >= lien.expire_le:
            raise LienExpire
        table.utiliser_lien(session, empreinte(jeton), maintenant=maintenant)
        une = table.coordonnee(session, lien.coordonnee_id, compte_id=compte.id)
        if une is None:
            raise LienInconnu
        _changer_courriel(session, compte, une.valeur, regles=regles)
        # It stays, proved, so that a second click on its link is told that the first one worked.
        table.prouver(session, une.id, genre=Genre.COURRIEL, maintenant=maintenant)
        secret = ""
        if lien.recuperation_id is not None:
            secret = _rouvrir(
                session, compte, lien.recuperation_id, regles=regles, maintenant=maintenant
            )
        idempotency.complete(session, request_id=request_id, scope=scope, result="fait")
    return secret


def _changer_courriel(
    session: Session, compte: Compte, adresse: str, *, regles: ReglesCoordonnees
) -> None:
    """Give the account its new address, and warn the old one.

    Raises: CourrielDejaPris.
    """
    ancienne = compte.courriel
    messages.demander_courriel_a(
        session, compte, messages.COURRIEL_CHANGE, adresse=ancienne, regles=regles.regles
    )
    try:
        with session.begin_nested():
            compte.courriel, compte.courriel_plie = adresse, adresse.casefold()
            session.flush()
    except IntegrityError as error:
        if persistence.contrainte(error) != persistence.UN_COURRIEL:
            raise
        raise CourrielDejaPris from error
    messages.publier_retrait(
        session, compte, genre=Genre.COURRIEL, valeur=ancienne, regles=regles.regles
    )
    messages.publier_preuve(
        session, compte, genre=Genre.COURRIEL, valeur=adresse, regles=regles.regles
    )
    table.noter_version(session, compte.id)
    messages.publier_profil(session, compte, acteur_id=compte.id, champs=["courriel"])


def _rouvrir(
    session: Session,
    compte: Compte,
    recuperation_id: UUID,
    *,
    regles: ReglesCoordonnees,
    maintenant: datetime,
) -> str:
    """End a recovery: every session closes, and a new password may be chosen.

    Raises: LienExpire when the recovery was stopped meanwhile.
    """
    une = journal.recuperation(session, recuperation_id)
    if une is None or une.statut is not StatutRecuperation.ENVOYEE:
        raise LienExpire
    changer(session, une, compte.id, StatutRecuperation.TERMINEE, maintenant=maintenant)
    persistence.fermer_sessions(session, compte.id)
    persistence.remplacer_liens(session, compte.id, Usage.REINITIALISATION, maintenant=maintenant)
    secret = nouveau_secret()
    session.add(
        Lien(
            empreinte=empreinte(secret),
            compte_id=compte.id,
            usage=Usage.REINITIALISATION,
            cree_le=maintenant,
            expire_le=maintenant + regles.regles.durees.reinitialisation,
        )
    )
    return secret
