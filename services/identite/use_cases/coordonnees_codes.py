"""Codes that prove phone numbers: sent within limits, tried a few times, used once (IDN-06)."""

import hmac
import logging
import math
import secrets
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID, uuid4

from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from chassis import idempotency
from chassis.db import Sessions
from services.identite import persistence
from services.identite.domain import Compte, reseau
from services.identite.domain.code import (
    CHIFFRES,
    DUREE,
    BudgetEpuise,
    CanalCode,
    Code,
    CodeExpire,
    CodeInvalide,
    exiger_limites,
    lire_code,
)
from services.identite.domain.coordonnees import (
    CANAL_DU_GENRE,
    GENRE_PROUVE,
    CellulaireDejaPris,
    Coordonnee,
    Genre,
    NumeroRefuse,
)
from services.identite.persistence import coordonnees as table
from services.identite.use_cases import coordonnees_messages as messages
from services.identite.use_cases.coordonnees import (
    avertir_changement,
    sienne,
    tenir_telephone,
    titulaire,
)
from services.identite.use_cases.coordonnees_regles import ReglesCoordonnees
from services.identite.use_cases.ponts.liaisons import contact_verifie

_USAGE: Final = "coordonnee"
_JOUR: Final = timedelta(days=1)
_ALARME: Final = 0.8
_PRIS: Final = "PRIS"
_EXPIRE: Final = "EXPIRE"
_FAUX: Final = "FAUX"

_log = logging.getLogger(__name__)


def demander_code(
    *,
    sessions: Sessions,
    regles: ReglesCoordonnees,
    request_id: str,
    compte_id: UUID,
    session_id: str,
    coordonnee_id: UUID,
    canal: CanalCode,
    adresse_ip: str,
    maintenant: datetime,
) -> datetime:
    """Send a new code to a phone number of the caller; the earlier ones are void.

    The request leaves through the outbox in the same commit: the call starts as soon as a voice
    channel is free, whatever the caller does next.

    Args:
        sessions: of this service's database.
        regles: limits (R26) and ports.
        request_id: two clicks are one code.
        compte_id: the caller.
        session_id: the only session that may type the code (R21).
        coordonnee_id: one of the caller's phone numbers, not verified yet.
        canal: SMS proves a cellular, a call any number.
        adresse_ip: the client's, "" when unknown.
        maintenant: aware UTC time.
    Returns: when the code ends.
    Raises: CoordonneeIntrouvable, CoordonneeDejaVerifiee, CoordonneeGelee, NumeroRefuse,
        TropDeCodes, BudgetEpuise, CompteIntrouvable, RequestIdReused.
    """
    scope = f"DemanderCode:{compte_id}"
    contenu = regles.digest("DemanderCode", {"coordonnee": coordonnee_id, "canal": canal})
    total = 0
    with sessions.begin() as session:
        fait = idempotency.claim(session, request_id=request_id, scope=scope, fingerprint=contenu)
        if fait is not None:
            return table.fin_du_code(session, UUID(fait)) or maintenant
        compte = titulaire(session, compte_id)
        une = sienne(session, coordonnee_id, compte_id)
        une.exiger_a_verifier()
        if not regles.numeros.joignable(une.valeur):
            raise NumeroRefuse
        total = _compter(session, une.valeur, adresse_ip, regles=regles, maintenant=maintenant)
        chiffres = f"{secrets.randbelow(10**CHIFFRES):0{CHIFFRES}d}"
        code_id = uuid4()
        code = Code(
            id=code_id,
            coordonnee_id=une.id,
            session_id=session_id,
            canal=canal,
            empreinte=_empreinte(
                regles, une, chiffres, code_id=code_id, session_id=session_id, canal=canal
            ),
            cree_le=maintenant,
            expire_le=maintenant + DUREE,
        )
        table.ajouter_code(session, code)
        messages.demander_message(
            session,
            compte,
            messages.CODE,
            numero=une.valeur,
            canal=CANAL_DU_GENRE[GENRE_PROUVE[canal]],
            expire_le=code.expire_le,
            regles=regles.regles,
            plus={"code": chiffres},
        )
        idempotency.complete(session, request_id=request_id, scope=scope, result=str(code_id))
    if total == math.ceil(regles.budget_jour * _ALARME):
        # The one line that an alarm waits for; it comes once a day at most.
        _log.error("codes: 80 % of the budget of the day", extra={"fields": {"envois": total}})
    return code.expire_le


def _compter(
    session: Session,
    numero: str,
    adresse_ip: str,
    *,
    regles: ReglesCoordonnees,
    maintenant: datetime,
) -> int:
    """Count one code against every limit of R26. Returns: the city's codes of the day.

    Raises: TropDeCodes, BudgetEpuise; nothing is counted then.
    """
    client = reseau(adresse_ip)
    cle_numero = regles.digest("code_envoye", {"numero": numero})
    cle_reseau = regles.digest("code_envoye", {"reseau": client}) if client else None
    table.retenir_envois(session, [cle for cle in (cle_numero, cle_reseau) if cle])
    depuis = maintenant - _JOUR
    exiger_limites(
        regles.limites_numero,
        table.envois_depuis(session, numero=cle_numero, depuis=depuis),
        maintenant,
    )
    if cle_reseau is not None:
        exiger_limites(
            [regles.limite_reseau],
            table.envois_depuis(session, reseau=cle_reseau, depuis=depuis),
            maintenant,
        )
    total = table.depenser(session, regles.regles.aujourd_hui(maintenant))
    if total > regles.budget_jour:
        raise BudgetEpuise
    table.noter_envoi(session, numero=cle_numero, reseau=cle_reseau, maintenant=maintenant)
    return total


def _empreinte(
    regles: ReglesCoordonnees,
    une: Coordonnee,
    chiffres: str,
    *,
    code_id: UUID,
    session_id: str,
    canal: CanalCode,
) -> bytes:
    """Give what is kept of a code: its HMAC with everything that it is bound to (R21, R23)."""
    return regles.digest(
        "code",
        {
            "usage": _USAGE,
            "code": chiffres,
            "code_id": code_id,
            "compte": une.compte_id,
            "coordonnee": une.id,
            "valeur": une.valeur,
            "canal": canal,
            "session": session_id,
        },
    )


def valider_coordonnee(
    *,
    sessions: Sessions,
    regles: ReglesCoordonnees,
    request_id: str,
    compte_id: UUID,
    session_id: str,
    coordonnee_id: UUID,
    saisie: str,
    maintenant: datetime,
) -> Coordonnee:
    """Prove a phone number with the code that it received.

    The verdict is committed before it is told, so that a try counts whatever becomes of the
    answer; a repeated request is given the verdict of the first one and counts no further try.

    Raises: CodeInvalide, CodeExpire, CellulaireDejaPris (the code was right, and the number is
        another account's), CoordonneeIntrouvable, CoordonneeDejaVerifiee, CoordonneeGelee,
        CompteIntrouvable, RequestIdReused.
    """
    scope = f"ValiderCoordonnee:{compte_id}"
    contenu = regles.digest("ValiderCoordonnee", {"coordonnee": coordonnee_id, "code": saisie})
    with sessions.begin() as session:
        verdict = idempotency.claim(
            session, request_id=request_id, scope=scope, fingerprint=contenu
        )
        if verdict is None:
            compte = titulaire(session, compte_id)
            une = sienne(session, coordonnee_id, compte_id)
            une.exiger_a_verifier()
            verdict = _essayer(
                session,
                compte,
                une,
                saisie,
                session_id=session_id,
                regles=regles,
                maintenant=maintenant,
            )
            idempotency.complete(session, request_id=request_id, scope=scope, result=verdict)
        prouvee = None if verdict else sienne(session, coordonnee_id, compte_id)
    if prouvee is not None:
        return prouvee
    raise _refus(verdict)


def _refus(verdict: str) -> Exception:
    genre, _, restants = verdict.partition(":")
    if genre == _PRIS:
        return CellulaireDejaPris()
    return CodeInvalide(int(restants)) if genre == _FAUX else CodeExpire()


def _essayer(
    session: Session,
    compte: Compte,
    une: Coordonnee,
    saisie: str,
    *,
    session_id: str,
    regles: ReglesCoordonnees,
    maintenant: datetime,
) -> str:
    """Try a code. Returns: "" when it was right and the number is proved, else the verdict."""
    code = table.dernier_code(session, une.id)
    if code is None or not code.essayable(session_id=session_id, maintenant=maintenant):
        return _EXPIRE
    attendue = _empreinte(
        regles,
        une,
        lire_code(saisie),
        code_id=code.id,
        session_id=session_id,
        canal=code.canal,
    )
    if not hmac.compare_digest(attendue, code.empreinte):
        table.compter_essai(session, code.id, utilise_le=None)
        table.compter_echec(session, une.id)
        return f"{_FAUX}:{code.restants}"
    table.compter_essai(session, code.id, utilise_le=maintenant)
    genre = GENRE_PROUVE[code.canal]
    try:
        # A savepoint: the code stays used even when the number is somebody else's.
        with session.begin_nested():
            table.prouver(session, une.id, genre=genre, maintenant=maintenant)
    except IntegrityError as error:
        if persistence.contrainte(error) != table.UN_CELLULAIRE:
            raise
        return _PRIS
    _apres_preuve(session, compte, une, genre, regles=regles, maintenant=maintenant)
    return ""


def _apres_preuve(
    session: Session,
    compte: Compte,
    une: Coordonnee,
    genre: Genre,
    *,
    regles: ReglesCoordonnees,
    maintenant: datetime,
) -> None:
    """Tell what a proof changes: the old number goes, and every verified channel is warned."""
    ancienne = None
    if une.remplace_id is not None:
        ancienne = table.coordonnee(session, une.remplace_id, compte_id=compte.id)
    # While the old number is still there: it is warned too.
    avertir_changement(session, compte, regles=regles, maintenant=maintenant)
    if ancienne is not None:
        messages.publier_retrait(
            session, compte, genre=ancienne.genre, valeur=ancienne.valeur, regles=regles.regles
        )
        table.retirer(session, ancienne.id)
    messages.publier_preuve(session, compte, genre=genre, valeur=une.valeur, regles=regles.regles)
    canal = CANAL_DU_GENRE[genre]
    contact_verifie(session, compte.id, canal=canal, coordonnee=une.valeur, maintenant=maintenant)
    tenir_telephone(session, compte)
    messages.publier_profil(session, compte, acteur_id=compte.id, champs=["coordonnees"])
