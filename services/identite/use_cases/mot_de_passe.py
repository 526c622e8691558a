"""Forgotten password (IDN-12, R28)."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy.orm import Session

from chassis import idempotency
from chassis.db import Sessions
from services.identite import persistence
from services.identite.domain import (
    Compte,
    Lien,
    LienInconnu,
    StatutCompte,
    Usage,
    Verdicts,
    juger_mot_de_passe,
    mot_de_passe_normal,
)
from services.identite.persistence import acces
from services.identite.use_cases.connexion import oublier_echecs
from services.identite.use_cases.courriels import (
    MOT_DE_PASSE_CHANGE,
    courriel_permis,
    demander_courriel,
    envoyer_lien,
    lien_recu,
    publier_activation,
)
from services.identite.use_cases.defi import HEURE, passer
from services.identite.use_cases.inscription import adresse_saisie
from services.identite.use_cases.ports import AssezFort, DomaineAscii, Hacheur, Regles


def demander_reinitialisation(
    *,
    sessions: Sessions,
    domaine_ascii: DomaineAscii,
    regles: Regles,
    request_id: str,
    adresse: str,
    maintenant: datetime,
    adresse_ip: str = "",
) -> None:
    """Mail a link to set a new password; an unknown address gets the same answer and no mail.

    Raises: DonneesInvalides, TropDeTentatives (too many from this client, R14), RequestIdReused.
    """
    lue = adresse_saisie(adresse, domaine_ascii)
    scope = "DemanderReinitialisation:"
    contenu = regles.digest("DemanderReinitialisation", {"courriel": adresse})
    with sessions.begin() as session:
        if (
            idempotency.claim(session, request_id=request_id, scope=scope, fingerprint=contenu)
            is not None
        ):
            return
        passer(
            session, "reinitialisation", adresse_ip, limite=regles.acces.reinitialisations,
            fenetre=HEURE, regles=regles, maintenant=maintenant,
        )  # fmt: skip
        compte = persistence.compte_par_courriel(session, lue.plie, verrou=True)
        if (
            compte is not None
            and compte.statut is not StatutCompte.DESACTIVE
            and courriel_permis(
                session, compte, Usage.REINITIALISATION, regles=regles, maintenant=maintenant
            )
        ):
            usage = Usage.REINITIALISATION
            envoyer_lien(session, compte, usage, regles=regles, maintenant=maintenant)
        idempotency.complete(session, request_id=request_id, scope=scope, result="")


def reinitialiser_mot_de_passe(
    *,
    sessions: Sessions,
    hacheur: Hacheur,
    assez_fort: AssezFort,
    regles: Regles,
    request_id: str,
    jeton: str,
    mot_de_passe: str,
    maintenant: datetime,
) -> None:
    """Set a new password with a mailed link, end every session, tell the mailbox.

    A refused password leaves the link usable. An account that waited for its activation becomes
    active: the link proves the mailbox just as well.

    Raises: LienInconnu, LienExpire, LienDejaUtilise, DonneesInvalides, TropOccupe,
        RequestIdReused.
    """
    scope = "ReinitialiserMotDePasse:"
    contenu = regles.digest(
        "ReinitialiserMotDePasse", {"jeton": jeton, "mot_de_passe": mot_de_passe}
    )
    demande = {"request_id": request_id, "scope": scope}
    # First the link alone, without a hash: the strength of a password is judged against the words
    # of its owner. The claim is given back with this transaction.
    with sessions() as session:
        if idempotency.claim(session, **demande, fingerprint=contenu) is not None:
            return
        _, compte = _lien_valable(session, jeton, maintenant)
        mots = mots_de(compte)
        session.rollback()
    juger_nouveau("mot_de_passe", mot_de_passe, mots, assez_fort=assez_fort, regles=regles)
    hache = hacheur.hacher(mot_de_passe_normal(mot_de_passe))
    with sessions.begin() as session:
        if idempotency.claim(session, **demande, fingerprint=contenu) is not None:
            return
        lien, compte = _lien_valable(session, jeton, maintenant)
        lien.utiliser(maintenant)
        compte.changer_mot_de_passe(hache, maintenant)
        persistence.fermer_sessions(session, compte.id)
        # Whoever knew the former password may have left a device behind.
        acces.oublier_appareils(session, compte.id)
        oublier_echecs(session, compte, regles=regles)
        if compte.activer(maintenant):
            publier_activation(session, compte, regles=regles)
        demander_courriel(
            session, compte, MOT_DE_PASSE_CHANGE, regles=regles, maintenant=maintenant
        )
        idempotency.complete(session, **demande, result="")


def mots_de(compte: Compte) -> list[str]:
    """List what is known about the owner of an account: their password may not be made of it."""
    mots = [compte.courriel, *compte.courriel.split("@"), compte.prenom, compte.nom]
    mots += [compte.nom_utilisateur or "", compte.adresse_ligne, compte.adresse_ville]
    mots += [compte.telephone, str(compte.date_naissance or "")]
    return [mot for mot in mots if mot]


def juger_nouveau(
    champ: str, mot_de_passe: str, mots: Sequence[str], *, assez_fort: AssezFort, regles: Regles
) -> None:
    """Judge a new password of somebody about whom `mots` are known.

    Raises: DonneesInvalides, under the name `champ`.
    """
    vu = Verdicts()
    vu.juger(
        champ,
        lambda: juger_mot_de_passe(
            mot_de_passe,
            minimum=regles.mot_de_passe_min,
            assez_fort=lambda candidat: assez_fort(candidat, mots),
        ),
        None,
    )
    vu.conclure()


def _lien_valable(session: Session, jeton: str, maintenant: datetime) -> tuple[Lien, Compte]:
    """Find a reset link that may be used, and hold its account."""
    lien, compte = lien_recu(session, jeton, Usage.REINITIALISATION)
    if compte.statut is StatutCompte.DESACTIVE:
        raise LienInconnu
    lien.verifier(maintenant)
    return lien, compte
