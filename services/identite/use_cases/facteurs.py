"""Enrolling, proving and taking away second factors (IDN-20, R04)."""

import secrets
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID, uuid4

from sqlalchemy.orm import Session

from chassis import idempotency, seal
from chassis.db import Sessions
from services.identite import persistence
from services.identite.domain import (
    CLES_MAX,
    ROLE_ENROLEMENT,
    CleAcces,
    Compte,
    DernierFacteur,
    DonneesInvalides,
    EpreuveExpiree,
    FacteurIntrouvable,
    FacteurRefuse,
    Facteurs,
    GenreEpreuve,
    SessionExpiree,
    facteur_obligatoire,
    juger_motif,
)
from services.identite.persistence import droits as persistence_droits
from services.identite.persistence import facteurs as lignes
from services.identite.use_cases.courriels import empreinte, nouveau_secret
from services.identite.use_cases.facteurs_porte import ouvrir_prouvee
from services.identite.use_cases.facteurs_preuve import (
    Demandeur,
    annoncer,
    cle_facteurs,
    compte_de,
    contexte,
    epreuve_recue,
    exiger_preuve,
    nom_de_cle,
    nouveaux_codes,
    ouvrir_epreuve,
    totp_juste,
)
from services.identite.use_cases.ports import FacteurNonProuve, Passkeys, Regles, Totp

_DEFI_OCTETS: Final = 32


@dataclass(frozen=True, kw_only=True)
class Enrolement:
    """A factor that was just proved."""

    # Told once; empty when codes were there, or for a repeated request.
    codes_secours: tuple[str, ...] = ()
    # Secret of the session that takes the place of one that waited for a factor.
    jeton: str = ""


@dataclass(frozen=True, kw_only=True)
class Etat:
    """What the page of security shows."""

    facteurs: Facteurs
    obligatoire: bool


def etat(*, sessions: Sessions, regles: Regles, demandeur: Demandeur) -> Etat:
    """Tell the caller's factors. Raises: CompteIntrouvable."""
    with sessions() as session:
        compte = compte_de(session, demandeur.compte_id, verrou=False)
        return Etat(
            facteurs=lignes.facteurs(session, compte.id),
            obligatoire=facteur_obligatoire(compte.roles, regle=regles.second_facteur_personnel),
        )


def commencer_totp(
    *, sessions: Sessions, regles: Regles, totp: Totp, demandeur: Demandeur, maintenant: datetime
) -> tuple[str, str]:
    """Make the secret of an application; one that still waits for its code is told again.

    Returns: the secret in base 32 and its otpauth address.
    Raises: PreuveRequise, FacteurRefuse when an application is there already.
    """
    with sessions.begin() as session:
        compte = compte_de(session, demandeur.compte_id)
        exiger_preuve(session, demandeur, regles=regles, maintenant=maintenant)
        attendu = lignes.totp(session, compte.id, confirme=False)
        if attendu is not None:
            connu = seal.unseal(attendu[0], key=cle_facteurs(regles), context=contexte(compte.id))
            return connu["secret"], totp.uri(connu["secret"], courriel=compte.courriel)
        secret = totp.nouveau()
        scelle = seal.seal(
            {"secret": secret}, key=cle_facteurs(regles), context=contexte(compte.id)
        )
        if not lignes.proposer_totp(session, compte.id, scelle=scelle, maintenant=maintenant):
            raise FacteurRefuse
        courriel = compte.courriel
    return secret, totp.uri(secret, courriel=courriel)


def confirmer_totp(
    *,
    sessions: Sessions,
    regles: Regles,
    totp: Totp,
    demandeur: Demandeur,
    request_id: str,
    code: str,
    maintenant: datetime,
) -> Enrolement:
    """Prove the application with its first code.

    Raises: FacteurRefuse, PreuveRequise, TropDeTentatives, RequestIdReused.
    """
    demande = {"request_id": request_id, "scope": f"ConfirmerTotp:{demandeur.compte_id}"}
    contenu = regles.digest("ConfirmerTotp", {"code": code})
    with sessions.begin() as session:
        if idempotency.claim(session, **demande, fingerprint=contenu) is not None:
            return Enrolement()
        compte = compte_de(session, demandeur.compte_id)
        exiger_preuve(session, demandeur, regles=regles, maintenant=maintenant)
        juste = totp_juste(
            session,
            compte.id,
            code,
            confirme=False,
            totp=totp,
            regles=regles,
            maintenant=maintenant,
        )
        if not juste:
            raise FacteurRefuse
        fait = _enroler(session, compte, demandeur, "totp", regles=regles, maintenant=maintenant)
        idempotency.complete(session, **demande, result="")
    return fait


def commencer_cle(
    *,
    sessions: Sessions,
    regles: Regles,
    passkeys: Passkeys,
    demandeur: Demandeur,
    maintenant: datetime,
) -> tuple[str, str]:
    """Ask for a new passkey.

    Returns: the secret of the waiting proof and the JSON options.
    Raises: PreuveRequise, DonneesInvalides when the account has as many as it may.
    """
    secret, defi = nouveau_secret(), secrets.token_bytes(_DEFI_OCTETS)
    with sessions.begin() as session:
        compte = compte_de(session, demandeur.compte_id)
        exiger_preuve(session, demandeur, regles=regles, maintenant=maintenant)
        cles = lignes.facteurs(session, compte.id).cles
        if len(cles) >= CLES_MAX:
            raise DonneesInvalides({"nom": "TROP_DE_CLES"})
        ouvrir_epreuve(
            session,
            secret,
            compte_id=compte.id,
            genre=GenreEpreuve.ENREGISTREMENT,
            defi=defi,
            maintenant=maintenant,
        )
        options = passkeys.options_nouvelle(
            defi=defi,
            compte_id=compte.id.bytes,
            courriel=compte.courriel,
            nom=f"{compte.prenom} {compte.nom}",
            connues=[cle.identifiant for cle in cles],
        )
    return secret, options


def enregistrer_cle(
    *,
    sessions: Sessions,
    regles: Regles,
    passkeys: Passkeys,
    demandeur: Demandeur,
    request_id: str,
    epreuve: str,
    reponse: str,
    nom: str,
    maintenant: datetime,
) -> Enrolement:
    """Keep a passkey that its authenticator has just made.

    Raises: EpreuveExpiree, FacteurRefuse, DonneesInvalides, PreuveRequise, RequestIdReused.
    """
    propre = nom_de_cle(nom)
    demande = {"request_id": request_id, "scope": f"EnregistrerCle:{demandeur.compte_id}"}
    contenu = regles.digest("EnregistrerCle", {"epreuve": epreuve, "reponse": reponse})
    with sessions.begin() as session:
        if idempotency.claim(session, **demande, fingerprint=contenu) is not None:
            return Enrolement()
        compte = compte_de(session, demandeur.compte_id)
        exiger_preuve(session, demandeur, regles=regles, maintenant=maintenant)
        attendue = epreuve_recue(
            session, epreuve, (GenreEpreuve.ENREGISTREMENT,), maintenant=maintenant
        )
        if attendue.compte_id != compte.id or attendue.defi is None:
            raise EpreuveExpiree
        lignes.fermer_epreuve(session, empreinte(epreuve))
        try:
            lue = passkeys.nouvelle(reponse, defi=attendue.defi)
        except FacteurNonProuve as error:
            raise FacteurRefuse from error
        cle = CleAcces(
            id=uuid4(),
            compte_id=compte.id,
            identifiant=lue.identifiant,
            cle_publique=lue.cle_publique,
            compteur=lue.compteur,
            nom=propre,
            cree_le=maintenant,
        )
        if not lignes.ajouter_cle(session, cle):
            raise FacteurRefuse
        fait = _enroler(session, compte, demandeur, "cle", regles=regles, maintenant=maintenant)
        idempotency.complete(session, **demande, result=str(cle.id))
    return fait


def renommer_cle(
    *, sessions: Sessions, regles: Regles, demandeur: Demandeur, request_id: str, cle_id: UUID,
    nom: str,
) -> None:  # fmt: skip
    """Give a passkey another name. Raises: FacteurIntrouvable, DonneesInvalides."""
    propre = nom_de_cle(nom)
    demande = {"request_id": request_id, "scope": f"RenommerCle:{demandeur.compte_id}"}
    contenu = regles.digest("RenommerCle", {"cle": cle_id, "nom": propre})
    with sessions.begin() as session:
        if idempotency.claim(session, **demande, fingerprint=contenu) is not None:
            return
        if not lignes.renommer_cle(session, demandeur.compte_id, cle_id, propre):
            raise FacteurIntrouvable
        idempotency.complete(session, **demande, result="")


def retirer(
    *,
    sessions: Sessions,
    regles: Regles,
    demandeur: Demandeur,
    request_id: str,
    cle_id: UUID | None,
    maintenant: datetime,
) -> None:
    """Take a passkey away, or the application when no passkey is named.

    With the last factor the recovery codes go too: they would open nothing.

    Raises: FacteurIntrouvable, DernierFacteur, PreuveRequise, RequestIdReused.
    """
    demande = {"request_id": request_id, "scope": f"RetirerFacteur:{demandeur.compte_id}"}
    contenu = regles.digest("RetirerFacteur", {"cle": cle_id})
    with sessions.begin() as session:
        if idempotency.claim(session, **demande, fingerprint=contenu) is not None:
            return
        compte = compte_de(session, demandeur.compte_id)
        exiger_preuve(session, demandeur, regles=regles, maintenant=maintenant)
        obligatoire = facteur_obligatoire(compte.roles, regle=regles.second_facteur_personnel)
        lignes.facteurs(session, compte.id).exiger_un_autre(obligatoire=obligatoire)
        if cle_id is None:
            fait = lignes.retirer_totp(session, compte.id)
        else:
            fait = lignes.retirer_cle(session, compte.id, cle_id)
        if not fait:
            raise FacteurIntrouvable
        if not lignes.facteurs(session, compte.id).presents:
            lignes.remplacer_codes(session, compte.id, [])
        annoncer(
            session,
            compte,
            "totp" if cle_id is None else "cle",
            "retire",
            regles=regles,
            maintenant=maintenant,
        )
        idempotency.complete(session, **demande, result="")


def regenerer_codes(
    *,
    sessions: Sessions,
    regles: Regles,
    demandeur: Demandeur,
    request_id: str,
    maintenant: datetime,
) -> tuple[str, ...]:
    """Make ten new recovery codes; a repeated request gets none, they were told once.

    Raises: DernierFacteur when the account has no factor that they could stand in for,
        PreuveRequise, RequestIdReused.
    """
    demande = {"request_id": request_id, "scope": f"RegenererCodes:{demandeur.compte_id}"}
    with sessions.begin() as session:
        if idempotency.claim(session, **demande, fingerprint=b"") is not None:
            return ()
        compte = compte_de(session, demandeur.compte_id)
        exiger_preuve(session, demandeur, regles=regles, maintenant=maintenant)
        if not lignes.facteurs(session, compte.id).presents:
            raise DernierFacteur
        codes = nouveaux_codes(session, compte.id, regles=regles)
        annoncer(session, compte, "codes", "regenere", regles=regles, maintenant=maintenant)
        idempotency.complete(session, **demande, result="")
    return codes


def retirer_tout(
    *,
    sessions: Sessions,
    regles: Regles,
    agent: Demandeur,
    request_id: str,
    compte_id: UUID,
    motif: str,
    maintenant: datetime,
) -> None:
    """Take every factor from an account whose owner lost them; its sessions end, its owner is told.

    Nobody does it for themself: whoever holds a staff session must not make it weaker.

    Raises: CompteIntrouvable, FacteurRefuse for one's own account, DonneesInvalides, PreuveRequise,
        RequestIdReused.
    """
    ecrit = juger_motif(motif)
    demande = {"request_id": request_id, "scope": f"RetirerFacteurs:{agent.compte_id}"}
    contenu = regles.digest("RetirerFacteurs", {"compte": compte_id})
    if compte_id == agent.compte_id:
        raise FacteurRefuse
    with sessions.begin() as session:
        if idempotency.claim(session, **demande, fingerprint=contenu) is not None:
            return
        exiger_preuve(session, agent, regles=regles, maintenant=maintenant)
        compte = compte_de(session, compte_id)
        lignes.retirer_tout(session, compte.id)
        persistence_droits.noter(
            session,
            compte_id=compte.id,
            quoi="facteurs",
            donne=False,
            par=agent.compte_id,
            motif=ecrit,
            maintenant=maintenant,
        )
        lignes.fermer_epreuves(session, compte.id)
        persistence.fermer_sessions(session, compte.id)
        annoncer(
            session,
            compte,
            "tous",
            "retire",
            regles=regles,
            maintenant=maintenant,
            par=agent.compte_id,
        )
        idempotency.complete(session, **demande, result="")


def _enroler(
    session: Session,
    compte: Compte,
    demandeur: Demandeur,
    facteur: str,
    *,
    regles: Regles,
    maintenant: datetime,
) -> Enrolement:
    """Finish an enrolment: codes with the first factor, a new session for one that waited."""
    codes: tuple[str, ...] = ()
    if lignes.facteurs(session, compte.id).codes_restants == 0:
        codes = nouveaux_codes(session, compte.id, regles=regles)
    annoncer(session, compte, facteur, "ajoute", regles=regles, maintenant=maintenant)
    if demandeur.roles != frozenset({ROLE_ENROLEMENT}):
        return Enrolement(codes_secours=codes)
    ancienne = lignes.session_incomplete(session, demandeur.session_id)
    if ancienne is None:
        raise SessionExpiree
    persistence.fermer_session(session, ancienne[0])
    jeton, _ = ouvrir_prouvee(
        session, compte, agent=True, appareil=ancienne[1], regles=regles, maintenant=maintenant
    )
    return Enrolement(codes_secours=codes, jeton=jeton)
