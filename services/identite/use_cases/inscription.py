"""Sign-up and activation (IDN-01, 02, 04, 05, 13)."""

from dataclasses import asdict
from datetime import datetime
from uuid import uuid4

from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from chassis import idempotency
from chassis.db import Sessions
from services.identite import persistence
from services.identite.domain import (
    Compte,
    Courriel,
    Inscription,
    LienDejaUtilise,
    NomUtilisateurPris,
    Role,
    Saisie,
    StatutCompte,
    Usage,
    Verdicts,
    choisir_suggestions,
    courriel,
    juger_inscription,
    mot_de_passe_normal,
    noms_proches,
)
from services.identite.domain.defi import Reponse, UsageDefi
from services.identite.use_cases.courriels import (
    DEJA_INSCRIT,
    courriel_permis,
    demander_courriel,
    envoyer_lien,
    lien_recu,
    publier_activation,
)
from services.identite.use_cases.defi import HEURE, exiger_reponse, lier, passer
from services.identite.use_cases.ports import AssezFort, DomaineAscii, Hacheur, Regles

# A unique constraint refuses the later of two sign-ups; at the next try it finds the first.
_ESSAIS = 3


def creer_compte(
    *,
    sessions: Sessions,
    hacheur: Hacheur,
    assez_fort: AssezFort,
    domaine_ascii: DomaineAscii,
    regles: Regles,
    request_id: str,
    saisie: Saisie,
    maintenant: datetime,
    reponse: Reponse,
    adresse_ip: str = "",
) -> None:
    """Open an account that waits for its activation link, or tell the mailbox what happened.

    Invariant: the caller learns nothing about the e-mail (IDN-13). Unknown: a new account and its
    link. Known but never confirmed: the sign-up starts again, with a new link. Known: its owner is
    told that somebody signed up. In all cases one password is hashed.

    `reponse` answers a challenge (IDN-03), and one answer serves one sign-up: whether a user name
    is taken, which only comes after it, costs a proof each time.

    Raises: DefiRequis, DefiInvalide, CodeSecuriteInvalide, TropDeTentatives (too many from this
        client, R14), DonneesInvalides, NomUtilisateurPris, TropOccupe, RequestIdReused.
    """
    # Before anything that costs: a stranger who proved nothing gets nothing judged.
    defi = exiger_reponse(
        sessions=sessions,
        regles=regles,
        usage=UsageDefi.INSCRIPTION,
        reponse=reponse,
        maintenant=maintenant,
    )
    inscription = juger_inscription(
        saisie,
        aujourd_hui=regles.aujourd_hui(maintenant),
        domaine_ascii=domaine_ascii,
        mot_de_passe_min=regles.mot_de_passe_min,
        assez_fort=assez_fort,
    )
    contenu = regles.digest("CreerCompte", asdict(saisie))
    scope, essais = "CreerCompte:", _ESSAIS
    with sessions.begin() as session:
        lier(session, defi, regles.digest("acte", {"id": request_id, "contenu": contenu.hex()}))
        passer(
            session, "inscription", adresse_ip, limite=regles.acces.inscriptions, fenetre=HEURE,
            regles=regles, maintenant=maintenant,
        )  # fmt: skip
    hache = hacheur.hacher(mot_de_passe_normal(saisie.mot_de_passe))
    while True:
        try:
            with sessions.begin() as session:
                fait = idempotency.claim(
                    session, request_id=request_id, scope=scope, fingerprint=contenu
                )
                if fait is None:
                    _inscrire(session, inscription, hache, regles=regles, maintenant=maintenant)
                    idempotency.complete(session, request_id=request_id, scope=scope, result="")
                return
        except IntegrityError as error:
            essais -= 1
            if essais == 0 or not _course(error):
                raise


def _course(error: IntegrityError) -> bool:
    """Tell whether another sign-up has just taken the e-mail or the user name."""
    return persistence.contrainte(error) in {
        persistence.UN_COURRIEL,
        persistence.UN_NOM_UTILISATEUR,
    }


def _inscrire(
    session: Session,
    inscription: Inscription,
    hache: str,
    *,
    regles: Regles,
    maintenant: datetime,
) -> None:
    existant = persistence.compte_par_courriel(session, inscription.courriel_plie, verrou=True)
    en_attente = existant is not None and existant.statut is StatutCompte.EN_ATTENTE_ACTIVATION
    refuser_nom_pris(
        session,
        inscription,
        sauf=existant if en_attente else None,
        maintenant=maintenant,
    )
    if existant is None:
        existant = Compte.inscrire(
            compte_id=uuid4(), inscription=inscription, mot_de_passe=hache, maintenant=maintenant
        )
        session.add(existant)
        session.flush()
        envoyer_lien(session, existant, Usage.ACTIVATION, regles=regles, maintenant=maintenant)
        return
    gabarit = Usage.ACTIVATION.value if en_attente else DEJA_INSCRIT
    permis = courriel_permis(session, existant, gabarit, regles=regles, maintenant=maintenant)
    if en_attente and permis:
        existant.reprendre(inscription=inscription, mot_de_passe=hache, maintenant=maintenant)
        envoyer_lien(session, existant, Usage.ACTIVATION, regles=regles, maintenant=maintenant)
        return
    if inscription.nom_utilisateur:
        # As taken as if it had been given: see `nom_reserve` in the first migration.
        fin = maintenant + regles.durees.attente_activation
        persistence.reserver_nom(session, inscription.nom_utilisateur, jusqua=fin)
    if permis and existant.statut is StatutCompte.ACTIF:
        demander_courriel(session, existant, DEJA_INSCRIT, regles=regles, maintenant=maintenant)


def _repartir(
    compte: Compte | None, inscription: Inscription, hache: str, *, maintenant: datetime
) -> Compte:
    """Start an unconfirmed account again, or open a new one."""
    if compte is None:
        return Compte.inscrire(
            compte_id=uuid4(), inscription=inscription, mot_de_passe=hache, maintenant=maintenant
        )
    compte.reprendre(inscription=inscription, mot_de_passe=hache, maintenant=maintenant)
    return compte


def refuser_nom_pris(
    session: Session, inscription: Inscription, *, sauf: Compte | None, maintenant: datetime
) -> None:
    """Refuse a taken user name, with free ones close to it.

    Raises: NomUtilisateurPris.
    """
    voulu = inscription.nom_utilisateur
    if voulu is None:
        return
    proches = noms_proches(voulu, prenom=inscription.prenom, nom=inscription.nom)
    pris = persistence.noms_pris(
        session,
        [voulu, *proches],
        sauf=sauf.id if sauf is not None else None,
        maintenant=maintenant,
    )
    if voulu in pris:
        raise NomUtilisateurPris(choisir_suggestions(proches, pris))


def adresse_saisie(texte: str, domaine_ascii: DomaineAscii) -> Courriel:
    """Read the only field of the forms that ask for an e-mail.

    Raises: DonneesInvalides.
    """
    vu = Verdicts()
    lue = vu.juger(
        "courriel", lambda: courriel(texte, domaine_ascii=domaine_ascii), Courriel("", "")
    )
    vu.conclure()
    return lue


def renvoyer_activation(
    *,
    sessions: Sessions,
    domaine_ascii: DomaineAscii,
    regles: Regles,
    request_id: str,
    adresse: str,
    maintenant: datetime,
) -> None:
    """Mail a new activation link; the earlier one is void (IDN-04).

    An unknown or confirmed address gets the same answer and no mail.

    Raises: DonneesInvalides, RequestIdReused.
    """
    lue = adresse_saisie(adresse, domaine_ascii)
    scope = "RenvoyerActivation:"
    contenu = regles.digest("RenvoyerActivation", {"courriel": adresse})
    with sessions.begin() as session:
        if (
            idempotency.claim(session, request_id=request_id, scope=scope, fingerprint=contenu)
            is not None
        ):
            return
        compte = persistence.compte_par_courriel(session, lue.plie, verrou=True)
        if (
            compte is not None
            and compte.statut is StatutCompte.EN_ATTENTE_ACTIVATION
            and courriel_permis(
                session, compte, Usage.ACTIVATION, regles=regles, maintenant=maintenant
            )
        ):
            envoyer_lien(session, compte, Usage.ACTIVATION, regles=regles, maintenant=maintenant)
        idempotency.complete(session, request_id=request_id, scope=scope, result="")


def activer_compte(
    *, sessions: Sessions, regles: Regles, request_id: str, jeton: str, maintenant: datetime
) -> str:
    """Use an activation link, once (IDN-04).

    Returns: the account's id; its events are committed with it.
    Raises: LienInconnu, LienExpire, LienDejaUtilise (also when the account is active by another
        way: there is nothing left to do), RequestIdReused.
    """
    scope = "ActiverCompte:"
    contenu = regles.digest("ActiverCompte", {"jeton": jeton})
    with sessions.begin() as session:
        fait = idempotency.claim(session, request_id=request_id, scope=scope, fingerprint=contenu)
        if fait is not None:
            return fait
        lien, compte = lien_recu(session, jeton, Usage.ACTIVATION)
        if not compte.a_confirmer:
            raise LienDejaUtilise
        lien.utiliser(maintenant)
        compte.activer(maintenant)
        publier_activation(session, compte, regles=regles)
        resultat = str(compte.id)
        idempotency.complete(session, request_id=request_id, scope=scope, result=resultat)
    return resultat


def inscrire_confirme(
    *,
    sessions: Sessions,
    hacheur: Hacheur,
    assez_fort: AssezFort,
    domaine_ascii: DomaineAscii,
    regles: Regles,
    saisie: Saisie,
    role: Role | None,
    maintenant: datetime,
) -> bool:
    """Open an account that is active at once, as an operator does, or complete an active one.

    Safe to repeat: an active account keeps its password and data. One that waits for its
    confirmation starts again with `saisie`: whoever opened it may be a stranger, whose password
    must not become an agent's. The account gets `role` if it lacks it: a staff role besides
    "citoyen", None for a citizen.

    Returns: True when the account is new, and so has the password of `saisie`.
    Raises: DonneesInvalides, NomUtilisateurPris.
    """
    inscription = juger_inscription(
        saisie,
        aujourd_hui=regles.aujourd_hui(maintenant),
        domaine_ascii=domaine_ascii,
        mot_de_passe_min=regles.mot_de_passe_min,
        assez_fort=assez_fort,
    )
    with sessions.begin() as session:
        compte = persistence.compte_par_courriel(session, inscription.courriel_plie, verrou=True)
        nouveau = compte is None or compte.statut is StatutCompte.EN_ATTENTE_ACTIVATION
        if compte is None or nouveau:
            refuser_nom_pris(session, inscription, sauf=compte, maintenant=maintenant)
            hache = hacheur.hacher(mot_de_passe_normal(saisie.mot_de_passe))
            compte = _repartir(compte, inscription, hache, maintenant=maintenant)
            session.add(compte)
        if role is not None:
            compte.donner_role(role)
        if compte.activer(maintenant):
            publier_activation(session, compte, regles=regles)
    return nouveau
