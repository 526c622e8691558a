"""Proving a factor: the second step of a log-in, a log-in by passkey alone, a step-up (R36)."""

import secrets
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy.orm import Session

from chassis.db import Sessions
from services.identite.domain import (
    MOT_DE_PASSE_MAX,
    Compte,
    Epreuve,
    EpreuveExpiree,
    FacteurRefuse,
    Facteurs,
    GenreEpreuve,
    SessionOuverte,
    StatutCompte,
    TropOccupe,
    code_secours,
    mot_de_passe_normal,
)
from services.identite.persistence import facteurs as lignes
from services.identite.use_cases import appareils
from services.identite.use_cases.courriels import empreinte, nouveau_secret
from services.identite.use_cases.facteurs_frein import compter, compter_depart, freins, rendre
from services.identite.use_cases.facteurs_porte import ouvrir_prouvee
from services.identite.use_cases.facteurs_preuve import (
    Demandeur,
    compte_de,
    empreinte_secours,
    epreuve_recue,
    ouvrir_epreuve,
    totp_juste,
)
from services.identite.use_cases.ports import FacteurNonProuve, Hacheur, Passkeys, Regles, Totp

_DEFI_OCTETS: Final = 32
_CONNEXION: Final = (GenreEpreuve.CONNEXION, GenreEpreuve.CLE)
_APPAREIL_MAX: Final = 200


@dataclass(frozen=True, kw_only=True)
class Question:
    """What may be proved, and with which options."""

    epreuve: str
    # JSON for the browser; "" when no passkey could answer.
    options: str
    totp: bool = False
    codes_secours: bool = False
    mot_de_passe: bool = False


@dataclass(frozen=True, kw_only=True)
class Terminee:
    """A log-in that ended well."""

    jeton: str
    ouverte: SessionOuverte
    code_secours: bool
    # The device's secret when it gets one.
    jeton_appareil: str


@dataclass(frozen=True, kw_only=True)
class Preuve:
    """What somebody answers: a code, or the JSON of a passkey."""

    code: str = ""
    reponse: str = ""


def commencer_epreuve(
    *,
    sessions: Sessions,
    regles: Regles,
    passkeys: Passkeys,
    epreuve: str,
    agent: bool,
    appareil: str,
    adresse_ip: str,
    maintenant: datetime,
) -> Question:
    """Tell what a log-in that waits may be ended with; without one, ask for any passkey.

    Raises: EpreuveExpiree, TropDeTentatives.
    """
    defi = secrets.token_bytes(_DEFI_OCTETS)
    if not epreuve:
        return _question_sans_compte(
            sessions, passkeys, regles, defi, agent, _lisible(appareil), adresse_ip, maintenant
        )
    with sessions.begin() as session:
        attendue = epreuve_recue(session, epreuve, _CONNEXION, maintenant=maintenant)
        lignes.ecrire_defi(session, empreinte(epreuve), defi)
        if attendue.compte_id is None:
            return Question(epreuve=epreuve, options=passkeys.options_preuve(defi=defi, connues=[]))
        connus = lignes.facteurs(session, attendue.compte_id)
    return _question(epreuve, connus, passkeys, defi)


def _question_sans_compte(
    sessions: Sessions,
    passkeys: Passkeys,
    regles: Regles,
    defi: bytes,
    agent: bool,  # noqa: FBT001
    appareil: str,
    adresse_ip: str,
    maintenant: datetime,
) -> Question:
    """Ask a stranger for a passkey: the answer will tell whose it is."""
    secret = nouveau_secret()
    with sessions.begin() as session:
        compter_depart(session, adresse_ip, regles=regles, maintenant=maintenant)
        ouvrir_epreuve(
            session,
            secret,
            compte_id=None,
            genre=GenreEpreuve.CLE,
            defi=defi,
            maintenant=maintenant,
            agent=agent,
            appareil=appareil,
        )
    return Question(epreuve=secret, options=passkeys.options_preuve(defi=defi, connues=[]))


def _question(epreuve: str, connus: Facteurs, passkeys: Passkeys, defi: bytes) -> Question:
    cles = [cle.identifiant for cle in connus.cles]
    return Question(
        epreuve=epreuve,
        options=passkeys.options_preuve(defi=defi, connues=cles) if cles else "",
        totp=connus.totp,
        codes_secours=connus.codes_restants > 0,
        mot_de_passe=not connus.presents,
    )


def terminer_connexion(
    *,
    sessions: Sessions,
    regles: Regles,
    totp: Totp,
    passkeys: Passkeys,
    epreuve: str,
    preuve: Preuve,
    adresse_ip: str,
    maintenant: datetime,
    jeton_appareil: str = "",
) -> Terminee:
    """End a log-in with a factor and open its session.

    The try is counted before it is judged, against the account and the client's address, as a
    password is: five wrong ones end the waiting log-in, and further log-ins wait longer and longer.

    Raises: EpreuveExpiree, FacteurRefuse, IdentifiantsInvalides, TropDeTentatives.
    """
    with sessions.begin() as session:
        attendue = epreuve_recue(session, epreuve, _CONNEXION, maintenant=maintenant)
        frein = freins(regles, attendue.compte_id, adresse_ip)
        compter(session, frein, regles=regles, maintenant=maintenant)
        lignes.compter_essai(session, empreinte(epreuve))
    with sessions.begin() as session:
        compte = _compte_prouve(session, attendue, preuve, regles, passkeys, totp, maintenant)
        if compte.statut is not StatutCompte.ACTIF:
            raise FacteurRefuse
        # A twin that was faster has closed it.
        if lignes.epreuve(session, empreinte(epreuve)) is None:
            raise EpreuveExpiree
        lignes.fermer_epreuve(session, empreinte(epreuve))
        rendre(session, frein, regles=regles)
        jeton, ouverte = ouvrir_prouvee(
            session,
            compte,
            agent=attendue.agent,
            appareil=attendue.appareil,
            regles=regles,
            maintenant=maintenant,
        )
        porteur = appareils.presenter(
            session,
            compte,
            jeton_appareil,
            adresse_ip=adresse_ip,
            libelle=attendue.appareil,
            regles=regles,
            maintenant=maintenant,
        )
        appareil = appareils.accueillir(
            session, compte, porteur, agent=attendue.agent, regles=regles, maintenant=maintenant
        )
    return Terminee(
        jeton=jeton,
        ouverte=ouverte,
        code_secours=bool(preuve.code) and code_secours(preuve.code) is not None,
        jeton_appareil=appareil,
    )


def commencer_confirmation(
    *,
    sessions: Sessions,
    passkeys: Passkeys,
    demandeur: Demandeur,
    maintenant: datetime,
) -> Question:
    """Tell what the caller may prove again. Raises: CompteIntrouvable."""
    secret, defi = nouveau_secret(), secrets.token_bytes(_DEFI_OCTETS)
    with sessions.begin() as session:
        compte = compte_de(session, demandeur.compte_id)
        ouvrir_epreuve(
            session,
            secret,
            compte_id=compte.id,
            genre=GenreEpreuve.CONFIRMATION,
            defi=defi,
            maintenant=maintenant,
        )
        connus = lignes.facteurs(session, compte.id)
    return _question(secret, connus, passkeys, defi)


def confirmer_identite(
    *,
    sessions: Sessions,
    regles: Regles,
    hacheur: Hacheur,
    totp: Totp,
    passkeys: Passkeys,
    demandeur: Demandeur,
    epreuve: str,
    mot_de_passe: str,
    preuve: Preuve,
    maintenant: datetime,
) -> datetime:
    """Prove again who is there. A password is enough only where there is no factor.

    Returns: until when sensitive acts are open.
    Raises: EpreuveExpiree, FacteurRefuse, TropDeTentatives, TropOccupe.
    """
    frein = freins(regles, demandeur.compte_id, "")
    with sessions.begin() as session:
        attendue = epreuve_recue(
            session, epreuve, (GenreEpreuve.CONFIRMATION,), maintenant=maintenant
        )
        if attendue.compte_id != demandeur.compte_id:
            raise EpreuveExpiree
        compter(session, frein, regles=regles, maintenant=maintenant)
        lignes.compter_essai(session, empreinte(epreuve))
        compte = compte_de(session, demandeur.compte_id, verrou=False)
        connu, presents = compte.mot_de_passe, lignes.facteurs(session, compte.id).presents
    if not presents:
        try:
            _exiger_mot_de_passe(hacheur, connu, mot_de_passe)
        except TropOccupe:
            # Nothing was judged: an overload of ours must not lock people out.
            with sessions.begin() as session:
                rendre(session, frein, regles=regles, oubli=False)
            raise
    with sessions.begin() as session:
        if presents:
            _compte_prouve(session, attendue, preuve, regles, passkeys, totp, maintenant)
        lignes.fermer_epreuve(session, empreinte(epreuve))
        rendre(session, frein, regles=regles)
        lignes.prouver_session(session, demandeur.session_id, maintenant)
    return maintenant + regles.preuve_recente


def _exiger_mot_de_passe(hacheur: Hacheur, connu: str, mot_de_passe: str) -> None:
    normal = mot_de_passe_normal(mot_de_passe)
    possible = len(normal) <= MOT_DE_PASSE_MAX
    if not hacheur.verifier(connu if possible else None, normal[:MOT_DE_PASSE_MAX]):
        raise FacteurRefuse


def _compte_prouve(
    session: Session,
    attendue: Epreuve,
    preuve: Preuve,
    regles: Regles,
    passkeys: Passkeys,
    totp: Totp,
    maintenant: datetime,
) -> Compte:
    """Judge a factor and give the account that it proves, held. Raises: FacteurRefuse."""
    if preuve.reponse:
        return _compte_de_la_cle(session, attendue, preuve.reponse, passkeys, maintenant)
    if attendue.compte_id is None:
        raise FacteurRefuse
    compte = compte_de(session, attendue.compte_id)
    juste = totp_juste(
        session,
        compte.id,
        preuve.code,
        confirme=True,
        totp=totp,
        regles=regles,
        maintenant=maintenant,
    )
    if not juste and not _secours_juste(session, compte.id, preuve.code, regles, maintenant):
        raise FacteurRefuse
    return compte


def _secours_juste(
    session: Session, compte_id: UUID, texte: str, regles: Regles, maintenant: datetime
) -> bool:
    code = code_secours(texte)
    if code is None or not lignes.a_un_facteur(session, compte_id):
        return False
    trouve = empreinte_secours(regles, compte_id, code)
    return lignes.utiliser_code(session, compte_id, trouve, maintenant=maintenant)


def _compte_de_la_cle(
    session: Session, attendue: Epreuve, reponse: str, passkeys: Passkeys, maintenant: datetime
) -> Compte:
    """Judge a passkey's answer; the account is held before the key, here as everywhere."""
    try:
        vue = lignes.cle_par_identifiant(session, passkeys.identifiant(reponse))
        if vue is None or attendue.defi is None:
            raise FacteurRefuse
        if attendue.compte_id not in (None, vue.compte_id):
            raise FacteurRefuse
        compte = compte_de(session, vue.compte_id)
        cle = lignes.cle_par_identifiant(session, vue.identifiant, verrou=True)
        if cle is None:
            raise FacteurRefuse
        compteur = passkeys.prouver(
            reponse, defi=attendue.defi, cle_publique=cle.cle_publique, compteur=cle.compteur
        )
    except FacteurNonProuve as error:
        raise FacteurRefuse from error
    lignes.compter_usage(session, cle.id, compteur=compteur, maintenant=maintenant)
    return compte


def _lisible(texte: str) -> str:
    return "".join(signe for signe in texte if signe.isprintable())[:_APPAREIL_MAX]
