"""One's own password and user name: changed with the current password, and undone (IDN-16, R05)."""

from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from chassis import idempotency
from chassis.db import Sessions
from services.identite import persistence
from services.identite.domain import (
    Compte,
    CompteIntrouvable,
    DonneesInvalides,
    LienDejaUtilise,
    LienExpire,
    LienInconnu,
    NomUtilisateurPris,
    StatutCompte,
    Usage,
    Verdicts,
    choisir_suggestions,
    mot_de_passe_normal,
    nom_utilisateur,
    noms_proches,
)
from services.identite.persistence import acces
from services.identite.use_cases.connexion import oublier_echecs
from services.identite.use_cases.courriels import (
    IDENTIFIANTS_CHANGES,
    empreinte,
    envoyer_annulation,
    envoyer_lien,
    nouveau_secret,
)
from services.identite.use_cases.mot_de_passe import juger_nouveau, mots_de
from services.identite.use_cases.ports import AssezFort, Hacheur, Regles

# No password hashes to it: an account that has it opens by a mailed link alone.
SANS_MOT_DE_PASSE: Final = "!"


def changer_mot_de_passe(
    *,
    sessions: Sessions,
    hacheur: Hacheur,
    assez_fort: AssezFort,
    regles: Regles,
    request_id: str,
    compte_id: UUID,
    courante: UUID | None,
    actuel: str,
    nouveau: str,
    maintenant: datetime,
) -> str:
    """Set another password; the other sessions end, and this one gets another secret (R30).

    Returns: the session's new secret, "" when this request was done before.
    Raises: DonneesInvalides (`actuel`: MOT_DE_PASSE_INCORRECT; `nouveau`), TropDeTentatives,
        TropOccupe, CompteIntrouvable, RequestIdReused.
    """
    contenu = regles.digest("ChangerMotDePasse", {"actuel": actuel, "nouveau": nouveau})
    demande = {"request_id": request_id, "scope": f"ChangerMotDePasse:{compte_id}"}
    with sessions() as session:
        if idempotency.claim(session, **demande, fingerprint=contenu) is not None:
            return ""
        session.rollback()
    connu, mots = _exiger_actuel(
        sessions, hacheur, regles, compte_id=compte_id, actuel=actuel, maintenant=maintenant
    )
    juger_nouveau("nouveau", nouveau, mots, assez_fort=assez_fort, regles=regles)
    if mot_de_passe_normal(actuel) == mot_de_passe_normal(nouveau):
        raise DonneesInvalides({"nouveau": "MOT_DE_PASSE_IDENTIQUE"})
    hache = hacheur.hacher(mot_de_passe_normal(nouveau))
    jeton = nouveau_secret()
    with sessions.begin() as session:
        if idempotency.claim(session, **demande, fingerprint=contenu) is not None:
            return ""
        compte = _inchange(session, compte_id, connu)
        compte.changer_mot_de_passe(hache, maintenant)
        _fermer_ailleurs(session, compte, courante, regles=regles)
        if courante is not None:
            acces.renouveler_secret(session, courante, empreinte(jeton))
        envoyer_annulation(
            session, compte, IDENTIFIANTS_CHANGES, regles=regles, maintenant=maintenant
        )
        idempotency.complete(session, **demande, result="")
    return jeton if courante is not None else ""


def changer_nom_utilisateur(
    *,
    sessions: Sessions,
    hacheur: Hacheur,
    regles: Regles,
    request_id: str,
    compte_id: UUID,
    courante: UUID | None,
    actuel: str,
    nom: str,
    maintenant: datetime,
) -> None:
    """Set another user name, or none; the other sessions end.

    Raises: DonneesInvalides, NomUtilisateurPris, TropDeTentatives, TropOccupe, CompteIntrouvable,
        RequestIdReused.
    """
    contenu = regles.digest("ChangerNomUtilisateur", {"actuel": actuel, "nom": nom})
    demande = {"request_id": request_id, "scope": f"ChangerNomUtilisateur:{compte_id}"}
    vu = Verdicts()
    voulu = vu.juger("nom_utilisateur", lambda: nom_utilisateur(nom), "") or None
    vu.conclure()
    with sessions() as session:
        if idempotency.claim(session, **demande, fingerprint=contenu) is not None:
            return
        session.rollback()
    connu, _ = _exiger_actuel(
        sessions, hacheur, regles, compte_id=compte_id, actuel=actuel, maintenant=maintenant
    )
    try:
        with sessions.begin() as session:
            if idempotency.claim(session, **demande, fingerprint=contenu) is not None:
                return
            compte = _inchange(session, compte_id, connu)
            _refuser_pris(session, compte, voulu, maintenant=maintenant)
            _renommer(
                session, compte, voulu, courante=courante, regles=regles, maintenant=maintenant
            )
            idempotency.complete(session, **demande, result="")
    except IntegrityError as error:
        if persistence.contrainte(error) != persistence.UN_NOM_UTILISATEUR:
            raise
        # Somebody took it between the look and the commit.
        raise NomUtilisateurPris(()) from error


def annuler_changement(
    *, sessions: Sessions, regles: Regles, request_id: str, jeton: str, maintenant: datetime
) -> None:
    """Use the link « ce n’était pas moi », once, within its days.

    Every session ends, every device is forgotten, the password becomes void, a changed user name
    comes back when it is still free, and a link to set a new password goes to the mailbox: nobody
    but the owner of the mailbox gains anything by it.

    Raises: LienInconnu, LienExpire, LienDejaUtilise, RequestIdReused.
    """
    cle = empreinte(jeton)
    contenu = regles.digest("AnnulerChangement", {"jeton": jeton})
    demande = {"request_id": request_id, "scope": "AnnulerChangement:"}
    with sessions.begin() as session:
        if idempotency.claim(session, **demande, fingerprint=contenu) is not None:
            return
        lien, compte = _annulation_valable(session, cle, maintenant)
        acces.utiliser_annulation(session, cle, maintenant=maintenant)
        if lien.rend_nom and _libre(session, compte, lien.ancien_nom):
            compte.nom_utilisateur = lien.ancien_nom
        compte.changer_mot_de_passe(SANS_MOT_DE_PASSE, maintenant)
        _fermer_ailleurs(session, compte, None, regles=regles)
        envoyer_lien(session, compte, Usage.REINITIALISATION, regles=regles, maintenant=maintenant)
        idempotency.complete(session, **demande, result="")


def _annulation_valable(
    session: Session, cle: bytes, maintenant: datetime
) -> tuple[acces.Annulation, Compte]:
    """Find an undo link that may be used, once its account is held."""
    lien = acces.annulation(session, cle)
    compte = persistence.compte(session, lien.compte_id, verrou=True) if lien else None
    # Read again: the account was not held yet, and another click may have used it meanwhile.
    lien = acces.annulation(session, cle)
    if lien is None or compte is None or compte.statut is not StatutCompte.ACTIF:
        raise LienInconnu
    if lien.utilise_le is not None:
        raise LienDejaUtilise
    if maintenant >= lien.expire_le:
        raise LienExpire
    return lien, compte


def _exiger_actuel(
    sessions: Sessions,
    hacheur: Hacheur,
    regles: Regles,
    *,
    compte_id: UUID,
    actuel: str,
    maintenant: datetime,
) -> tuple[str, list[str]]:
    """Verify the current password; guesses are slowed down as at the door (R11).

    Returns: its hash, and what is known about its owner.
    """
    cle = regles.digest("frein", {"actuel": str(compte_id)})
    with sessions.begin() as session:
        compte = persistence.compte(session, compte_id)
        if compte is None:
            raise CompteIntrouvable
        frein = persistence.frein_verrouille(session, cle).compter(
            seuil=regles.echecs_compte, oubli=regles.durees.oubli_echecs, maintenant=maintenant
        )
        persistence.ecrire_frein(session, cle, frein)
        connu, mots = compte.mot_de_passe, mots_de(compte)
    if not hacheur.verifier(connu, mot_de_passe_normal(actuel)[:1000]):
        raise DonneesInvalides({"actuel": "MOT_DE_PASSE_INCORRECT"})
    with sessions.begin() as session:
        persistence.oublier_frein(session, cle)
    return connu, mots


def _inchange(session: Session, compte_id: UUID, connu: str) -> Compte:
    """Hold an account whose password is still the one that was verified."""
    compte = persistence.compte(session, compte_id, verrou=True)
    if compte is None:
        raise CompteIntrouvable
    if compte.mot_de_passe != connu:
        raise DonneesInvalides({"actuel": "MOT_DE_PASSE_INCORRECT"})
    return compte


def _fermer_ailleurs(
    session: Session, compte: Compte, courante: UUID | None, *, regles: Regles
) -> None:
    acces.terminer_autres(session, compte.id, sauf=courante)
    acces.oublier_appareils(session, compte.id)
    oublier_echecs(session, compte, regles=regles)


def _libre(session: Session, compte: Compte, nom: str | None) -> bool:
    """Tell whether a former user name may come back: it is reserved for this very case."""
    if nom is None:
        return True
    porteur = persistence.compte_par_nom_utilisateur(session, nom)
    return porteur is None or porteur.id == compte.id


def _refuser_pris(
    session: Session, compte: Compte, voulu: str | None, *, maintenant: datetime
) -> None:
    if voulu is None or voulu == compte.nom_utilisateur:
        return
    proches = noms_proches(voulu, prenom=compte.prenom, nom=compte.nom)
    pris = persistence.noms_pris(session, [voulu, *proches], sauf=compte.id, maintenant=maintenant)
    if voulu in pris:
        raise NomUtilisateurPris(choisir_suggestions(proches, pris))


def _renommer(
    session: Session,
    compte: Compte,
    voulu: str | None,
    *,
    courante: UUID | None,
    regles: Regles,
    maintenant: datetime,
) -> None:
    ancien = compte.nom_utilisateur
    if voulu == ancien:
        return
    compte.nom_utilisateur = voulu
    session.flush()
    _fermer_ailleurs(session, compte, courante, regles=regles)
    if ancien is not None:
        # Nobody takes it while its former owner may still want it back.
        persistence.reserver_nom(session, ancien, jusqua=maintenant + regles.acces.annulation)
    envoyer_annulation(
        session, compte, IDENTIFIANTS_CHANGES, regles=regles, maintenant=maintenant,
        ancien_nom=ancien, rend_nom=True,
    )  # fmt: skip
