"""Log-in and sessions (IDN-02, R10 to R17, R30, R31)."""

from collections.abc import Sequence
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
from services.identite.use_cases.courriels import empreinte, nouveau_secret
from services.identite.use_cases.inscription import adresse_saisie
from services.identite.use_cases.ports import DomaineAscii, Hacheur, Regles

_APPAREIL_MAX: Final = 200


@dataclass(frozen=True, kw_only=True)
class Connexion:
    """A log-in that succeeded."""

    # The session's secret, told once.
    jeton: str
    compte: Compte
    ouverte: SessionOuverte


@dataclass(frozen=True, kw_only=True)
class _Comptage:
    """What one try is counted against."""

    identifiant: bytes
    # None when the caller gave no client address.
    adresse: bytes | None

    def cles(self, regles: Regles) -> list[tuple[bytes, int]]:
        """List keys with their thresholds, always in the same order so that none dead-locks."""
        cles = [(self.identifiant, regles.echecs_compte)]
        if self.adresse is not None:
            cles.append((self.adresse, regles.echecs_adresse))
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
) -> Connexion:
    """Log in by e-mail or user name and open a new session.

    Whether the account exists, and which part was wrong, cannot be told from the answer nor from
    its duration: one hash is verified in every case. The try is counted as failed before it is
    judged, so parallel guesses are bounded too. `adresse_ip` is the client's as the trusted hop saw
    it, "" when unknown; `agent` is the staff door.

    Raises: IdentifiantsInvalides, CompteNonActive (only when the password is right),
        TropDeTentatives, TropOccupe.
    """
    vise = _forme_pliee(identifiant, domaine_ascii)
    client = reseau(adresse_ip)
    comptage = _Comptage(
        identifiant=regles.digest("frein", {"identifiant": vise or identifiant[:320]}),
        adresse=regles.digest("frein", {"adresse": client}) if client else None,
    )
    with sessions.begin() as session:
        _compter(session, comptage, regles=regles, maintenant=maintenant)
        compte = _compte_de(session, vise)
    normal = mot_de_passe_normal(mot_de_passe)
    possible = compte is not None and len(normal) <= MOT_DE_PASSE_MAX
    connu = compte.mot_de_passe if compte is not None and possible else None
    try:
        juste = hacheur.verifier(connu, normal[:MOT_DE_PASSE_MAX])
        if compte is None or connu is None or not juste:
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
        regles=regles,
        appareil=appareil,
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
    regles: Regles,
    appareil: str,
    agent: bool,
    maintenant: datetime,
) -> Connexion:
    """Open the session of somebody whose password `connu` was right a moment ago."""
    jeton = nouveau_secret()
    roles = vu.roles_de_session(agent=agent)
    with sessions.begin() as session:
        compte = persistence.compte(session, vu.id, verrou=True)
        # A reset may have come between the check and now: the old password opens nothing more.
        if compte is None or compte.mot_de_passe != connu:
            raise IdentifiantsInvalides
        if compte.statut is StatutCompte.DESACTIVE:
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
        if actif:
            persistence.ouvrir(
                session,
                empreinte=empreinte(jeton),
                ouverte=ouverte,
                appareil=_appareil(appareil),
            )
    if not actif:
        # After the commit: whoever knows the password has no failures to answer for.
        raise CompteNonActive
    return Connexion(jeton=jeton, compte=compte, ouverte=ouverte)


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


def _compter(
    session: Session, comptage: _Comptage, *, regles: Regles, maintenant: datetime
) -> None:
    """Count a try against the identifier and the address.

    Keys are per typed identifier, not per account: one count for an e-mail and its user name would
    tell that they belong together.

    Raises: TropDeTentatives, and then nothing is counted.
    """
    for cle, seuil in comptage.cles(regles):
        frein = persistence.frein_verrouille(session, cle)
        compte = frein.compter(seuil=seuil, oubli=regles.durees.oubli_echecs, maintenant=maintenant)
        persistence.ecrire_frein(session, cle, compte)


def _rendre(session: Session, comptage: _Comptage, *, regles: Regles, oubli: bool = False) -> None:
    """Take a counted try back; after a success (`oubli`) the identifier starts from nothing.

    The address does not: one's own account would wash away the guesses made on others.
    """
    for cle, _ in comptage.cles(regles):
        if oubli and cle == comptage.identifiant:
            persistence.oublier_frein(session, cle)
        else:
            frein = persistence.frein_verrouille(session, cle)
            persistence.ecrire_frein(session, cle, frein.rendre())


def oublier_echecs(session: Session, identifiants: Sequence[str], *, regles: Regles) -> None:
    """Forget what was counted against folded identifiers: their owner proved the mailbox."""
    for cle in sorted(regles.digest("frein", {"identifiant": i}) for i in identifiants):
        persistence.oublier_frein(session, cle)


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
