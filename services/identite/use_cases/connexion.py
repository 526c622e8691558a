"""Log-in and sessions (IDN-02, R10 to R17, R30, R31)."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import uuid4

from sqlalchemy import Engine
from sqlalchemy.orm import Session

from chassis.db import Sessions
from services.identite import persistence
from services.identite.domain import (
    GRAIN_USAGE,
    MOT_DE_PASSE_MAX,
    Compte,
    CompteNonActive,
    DonneesInvalides,
    IdentifiantsInvalides,
    SessionExpiree,
    SessionOuverte,
    StatutCompte,
    TropOccupe,
    est_nom_utilisateur,
    mot_de_passe_normal,
    reseau,
)
from services.identite.domain.defi import SANS_REPONSE, DefiRequis, Reponse, UsageDefi
from services.identite.persistence import acces
from services.identite.use_cases import appareils
from services.identite.use_cases.courriels import (
    MOT_DE_PASSE_BLOQUE,
    demander_courriel,
    empreinte,
    nouveau_secret,
)
from services.identite.use_cases.defi import exiger_reponse, lier
from services.identite.use_cases.facteurs_porte import SecondPas, second_pas
from services.identite.use_cases.inscription import adresse_saisie
from services.identite.use_cases.ponts.premiere_connexion import accueillir_importe
from services.identite.use_cases.ports import DomaineAscii, Hacheur, Regles

_APPAREIL_MAX: Final = 200


@dataclass(frozen=True, kw_only=True)
class Connexion:
    """A log-in that succeeded."""

    # The session's secret, told once.
    jeton: str
    compte: Compte
    ouverte: SessionOuverte
    # Secret of a device that was unknown, told once.
    jeton_appareil: str = ""
    # Secret of the second step that is still asked for (IDN-20); no session is open then.
    epreuve: str = ""
    # The first log-in to an imported account leads to Mon profil (IDN-08).
    premiere: bool = False


@dataclass(frozen=True, kw_only=True)
class _Comptage:
    """What one try is counted against."""

    identifiant: bytes
    # None when the caller gave no client address.
    adresse: bytes | None
    # Consecutive failures of the account (R12).
    serie: bytes

    def cles(self, regles: Regles) -> list[tuple[bytes, int, int]]:
        """List keys with their thresholds of waiting and of proving.

        Always in the same order, so that none dead-locks.
        """
        cles = [(self.identifiant, regles.echecs_compte, regles.acces.echecs_preuve)]
        if self.adresse is not None:
            cles.append((self.adresse, regles.echecs_adresse, regles.acces.echecs_preuve_adresse))
        return sorted(cles)


def ouvrir_session(
    *,
    sessions: Sessions,
    hacheur: Hacheur,
    domaine_ascii: DomaineAscii,
    regles: Regles,
    identifiant: str,
    mot_de_passe: str,
    adresse_ip: str,
    appareil: str,
    agent: bool,
    maintenant: datetime,
    reponse: Reponse = SANS_REPONSE,
    jeton_appareil: str = "",
) -> Connexion:
    """Log in by e-mail or user name and open a new session.

    Whether the account exists, and which part was wrong, cannot be told from the answer nor from
    its duration: one hash is verified in every case. The try is counted as failed before it is
    judged, so parallel guesses are bounded too. `adresse_ip` is the client's as the trusted hop saw
    it, "" when unknown; `agent` is the staff door. After a few failures `reponse` must answer a
    challenge (R15). A device that logged in before, by its `jeton_appareil`, is counted apart:
    other people's failures do not lock its owner out.

    Raises: IdentifiantsInvalides, CompteNonActive (only when the password is right),
        TropDeTentatives, DefiRequis, DefiInvalide, CodeSecuriteInvalide, TropOccupe.
    """
    vise = _forme_pliee(identifiant, domaine_ascii)
    prouve = _repondre(sessions, reponse, regles=regles, maintenant=maintenant)
    with sessions.begin() as session:
        compte = _compte_de(session, vise)
        porteur = appareils.presenter(
            session,
            compte,
            jeton_appareil,
            adresse_ip=adresse_ip,
            libelle=_appareil(appareil),
            regles=regles,
            maintenant=maintenant,
        )
        comptage = _comptage(
            compte, vise or identifiant[:320], porteur, adresse_ip=adresse_ip, regles=regles
        )
        _compter(session, comptage, prouve=prouve, regles=regles, maintenant=maintenant)
        serie = acces.noter_echec(session, comptage.serie, maintenant=maintenant)
    normal = mot_de_passe_normal(mot_de_passe)
    possible = compte is not None and len(normal) <= MOT_DE_PASSE_MAX
    connu = compte.mot_de_passe if compte is not None and possible else None
    try:
        juste = hacheur.verifier(connu, normal[:MOT_DE_PASSE_MAX])
        bloque = serie > regles.acces.echecs_blocage
        if compte is None or connu is None or not juste or bloque:
            _prevenir_du_blocage(sessions, compte, serie, regles=regles, maintenant=maintenant)
            raise IdentifiantsInvalides
        nouvelle = hacheur.hacher(normal) if hacheur.perimee(connu) else None
    except TropOccupe:
        # Nothing was judged: an overload of ours must not lock people out.
        with sessions.begin() as session:
            _rendre(session, comptage, regles=regles)
        raise
    return _ouvrir(
        sessions,
        compte,
        connu,
        nouvelle,
        comptage=comptage,
        porteur=porteur,
        regles=regles,
        agent=agent,
        maintenant=maintenant,
    )


def _ouvrir(
    sessions: Sessions,
    vu: Compte,
    connu: str,
    nouvelle: str | None,
    *,
    comptage: _Comptage,
    porteur: appareils.Porteur,
    regles: Regles,
    agent: bool,
    maintenant: datetime,
) -> Connexion:
    """Open the session of somebody whose password `connu` was right a moment ago."""
    jeton = nouveau_secret()
    roles = vu.roles_de_session(agent=agent)
    with sessions.begin() as session:
        compte = persistence.compte(session, vu.id, verrou=True)
        # A reset may have come between the check and now: the old password opens nothing more.
        if compte is None or not compte.ouvre_avec(connu):
            raise IdentifiantsInvalides
        _rendre(session, comptage, regles=regles, oubli=True)
        if nouvelle is not None:
            compte.mot_de_passe = nouvelle
        actif = compte.statut is StatutCompte.ACTIF
        inactivite = regles.durees.inactivite_agent if agent else regles.durees.inactivite
        ouverte = SessionOuverte(
            id=uuid4(),
            compte_id=compte.id,
            roles=roles,
            prenom=compte.prenom,
            nom=compte.nom,
            langue=compte.langue,
            vue_le=maintenant,
            fin_le=maintenant + regles.durees.session,
            inactivite=inactivite,
        )
        suite, secret, premiere = SecondPas(epreuve="", complete=True), "", False
        if actif:
            suite = second_pas(
                session,
                compte,
                agent=agent,
                appareil=porteur.libelle,
                regles=regles,
                maintenant=maintenant,
            )
        if actif and not suite.epreuve:
            persistence.ouvrir(
                session,
                empreinte=empreinte(jeton),
                ouverte=ouverte,
                appareil=porteur.libelle,
                complete=suite.complete,
            )
            secret = appareils.accueillir(
                session, compte, porteur, agent=agent, regles=regles, maintenant=maintenant
            )
            premiere = accueillir_importe(session, compte, regles=regles, maintenant=maintenant)
    if not actif:
        # After the commit: whoever knows the password has no failures to answer for.
        raise CompteNonActive
    if suite.epreuve:
        return Connexion(jeton="", compte=compte, ouverte=ouverte, epreuve=suite.epreuve)
    return Connexion(
        jeton=jeton, compte=compte, ouverte=ouverte, jeton_appareil=secret, premiere=premiere
    )


def _forme_pliee(identifiant: str, domaine_ascii: DomaineAscii) -> str:
    """Give the folded e-mail or user name, "" for what can be neither."""
    propre = identifiant.strip()
    if "@" not in propre:
        plie = propre.lower()
        return plie if est_nom_utilisateur(plie) else ""
    try:
        return adresse_saisie(propre, domaine_ascii).plie
    except DonneesInvalides:
        return ""


def _compte_de(session: Session, vise: str) -> Compte | None:
    if "@" in vise:
        return persistence.compte_par_courriel(session, vise)
    return persistence.compte_par_nom_utilisateur(session, vise)


def _comptage(
    compte: Compte | None,
    vise: str,
    porteur: appareils.Porteur,
    *,
    adresse_ip: str,
    regles: Regles,
) -> _Comptage:
    """Give the keys of one try; a known device has its own beside everybody's."""
    client = reseau(adresse_ip)
    part = {"appareil": porteur.empreinte.hex()} if porteur.connu else {}
    sien = str(compte.id) if compte is not None else vise
    return _Comptage(
        identifiant=regles.digest("frein", {"identifiant": vise, **part}),
        adresse=regles.digest("frein", {"adresse": client}) if client else None,
        serie=regles.digest("serie", {"compte": sien, **part}),
    )


def _repondre(
    sessions: Sessions, reponse: Reponse, *, regles: Regles, maintenant: datetime
) -> bool:
    """Accept a challenge's answer when there is one; each log-in is an act of its own."""
    if not reponse.defi or not (reponse.preuve or reponse.code):
        return False
    defi = exiger_reponse(
        sessions=sessions,
        regles=regles,
        usage=UsageDefi.CONNEXION,
        reponse=reponse,
        maintenant=maintenant,
    )
    with sessions.begin() as session:
        lier(session, defi, uuid4().bytes)
    return True


def _prevenir_du_blocage(
    sessions: Sessions, compte: Compte | None, serie: int, *, regles: Regles, maintenant: datetime
) -> None:
    """Tell the mailbox, once, that the password opens nothing any more (R12)."""
    if compte is None or serie != regles.acces.echecs_blocage:
        return
    with sessions.begin() as session:
        demander_courriel(
            session, compte, MOT_DE_PASSE_BLOQUE, regles=regles, maintenant=maintenant
        )


def _compter(
    session: Session, comptage: _Comptage, *, prouve: bool, regles: Regles, maintenant: datetime
) -> None:
    """Count a try against the identifier and the address.

    Keys are per typed identifier, not per account: one count for an e-mail and its user name would
    tell that they belong together.

    Raises: TropDeTentatives or DefiRequis, and then nothing is counted.
    """
    for cle, seuil, seuil_preuve in comptage.cles(regles):
        frein = persistence.frein_verrouille(session, cle)
        compte = frein.compter(seuil=seuil, oubli=regles.durees.oubli_echecs, maintenant=maintenant)
        if compte.echecs > seuil_preuve and not prouve:
            raise DefiRequis
        persistence.ecrire_frein(session, cle, compte)


def _rendre(session: Session, comptage: _Comptage, *, regles: Regles, oubli: bool = False) -> None:
    """Take a counted try back; after a success (`oubli`) the identifier starts from nothing.

    The address does not: one's own account would wash away the guesses made on others.
    """
    for cle, _, _ in comptage.cles(regles):
        if oubli and cle == comptage.identifiant:
            persistence.oublier_frein(session, cle)
        else:
            frein = persistence.frein_verrouille(session, cle)
            persistence.ecrire_frein(session, cle, frein.rendre())
    # Last, as when it was counted: nobody waits for the other way round.
    if oubli:
        acces.finir_serie(session, comptage.serie)
    else:
        acces.rendre_echec(session, comptage.serie)


def oublier_echecs(session: Session, compte: Compte, *, regles: Regles) -> None:
    """Forget what was counted against an account: its owner proved the mailbox."""
    identifiants = [i for i in (compte.courriel_plie, compte.nom_utilisateur) if i]
    for cle in sorted(regles.digest("frein", {"identifiant": i}) for i in identifiants):
        persistence.oublier_frein(session, cle)
    acces.finir_serie(session, regles.digest("serie", {"compte": str(compte.id)}))


def _appareil(texte: str) -> str:
    """Give the first 200 printable characters of a User-Agent."""
    return "".join(signe for signe in texte if signe.isprintable())[:_APPAREIL_MAX]


def verifier_session(*, lecture: Engine, jeton: str, maintenant: datetime) -> SessionOuverte:
    """Read a session and keep it alive: one indexed read, and one write a minute.

    `lecture` is an engine for plain statements (`chassis.db.reader`).

    Raises: SessionExpiree.
    """
    cle = empreinte(jeton)
    ouverte = persistence.lire_session(lecture, cle)
    if ouverte is None:
        raise SessionExpiree
    ouverte.verifier(maintenant)
    if ouverte.a_rafraichir(maintenant):
        persistence.toucher_session(
            lecture, cle, avant=maintenant - GRAIN_USAGE, maintenant=maintenant
        )
        return ouverte.vue(maintenant)
    return ouverte


def fermer_session(*, sessions: Sessions, jeton: str) -> None:
    """End a session; an unknown one is as ended as it can be."""
    with sessions.begin() as session:
        persistence.fermer_session(session, empreinte(jeton))
