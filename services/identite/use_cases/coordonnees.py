"""« Mon profil » and its phone numbers (IDN-05, 07, 11)."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from uuid import UUID, uuid4

from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from chassis import idempotency
from chassis.db import Sessions
from services.identite import persistence
from services.identite.domain import Compte, CompteIntrouvable, StatutCompte
from services.identite.domain.coordonnees import (
    TELEPHONES_MAX,
    Coordonnee,
    CoordonneeDejaConnue,
    CoordonneeIntrouvable,
    Genre,
    Modification,
    NumeroRefuse,
    Recuperation,
    TropDeCoordonnees,
    VersionPerimee,
)
from services.identite.persistence import coordonnees as table
from services.identite.persistence import recuperation as recuperations
from services.identite.use_cases import coordonnees_messages as messages
from services.identite.use_cases.coordonnees_depart import consentir
from services.identite.use_cases.coordonnees_profil import appliquer, juger_numero
from services.identite.use_cases.coordonnees_regles import ReglesCoordonnees


@dataclass(frozen=True, kw_only=True)
class MonProfil:
    """A profile whole."""

    compte: Compte
    preferences: table.Preferences
    coordonnees: Sequence[Coordonnee]
    recuperation: Recuperation | None


def lire_mon_profil(session: Session, compte_id: UUID) -> MonProfil:
    """Read a profile in an open transaction.

    Raises: CompteIntrouvable.
    """
    compte = persistence.compte(session, compte_id)
    if compte is None:
        raise CompteIntrouvable
    return MonProfil(
        compte=compte,
        preferences=table.preferences(session, compte_id),
        # A proved e-mail address is the account's own, which the account has.
        coordonnees=[
            une
            for une in table.coordonnees(session, compte_id)
            if une.genre is not Genre.COURRIEL or une.verifiee_le is None
        ],
        recuperation=recuperations.en_cours(session, compte_id),
    )


def mon_profil(*, sessions: Sessions, compte_id: UUID) -> MonProfil:
    """Read one's own profile.

    Raises: CompteIntrouvable.
    """
    with sessions() as session:
        profil = lire_mon_profil(session, compte_id)
        session.expunge_all()
    return profil


def titulaire(session: Session, compte_id: UUID) -> Compte:
    """Hold the account of an act until the commit, before any of its other rows.

    Raises: CompteIntrouvable, also for an account that is not active.
    """
    compte = persistence.compte(session, compte_id, verrou=True)
    if compte is None or compte.statut is not StatutCompte.ACTIF:
        raise CompteIntrouvable
    return compte


def modifier_profil(
    *,
    sessions: Sessions,
    regles: ReglesCoordonnees,
    request_id: str,
    compte_id: UUID,
    version: int,
    modification: Modification,
    maintenant: datetime,
) -> None:
    """Change what its owner may change, on the version that was read.

    Raises: VersionPerimee (somebody else's change came first), DonneesInvalides,
        CompteIntrouvable, RequestIdReused.
    """
    scope = f"ModifierProfil:{compte_id}"
    contenu = regles.digest("ModifierProfil", {"version": version, **asdict(modification)})
    with sessions.begin() as session:
        if idempotency.claim(session, request_id=request_id, scope=scope, fingerprint=contenu):
            return
        compte = titulaire(session, compte_id)
        avant = table.preferences(session, compte_id)
        if avant.version != version:
            raise VersionPerimee
        changes = appliquer(
            compte,
            modification,
            avant=avant,
            coordonnees=table.coordonnees(session, compte_id),
            regles=regles,
            maintenant=maintenant,
        )
        if changes:
            session.flush()
            table.noter_version(session, compte_id, moyen_prefere=modification.moyen_prefere)
            consentir(session, compte, regles=regles.regles, maintenant=maintenant)
            messages.publier_profil(session, compte, acteur_id=compte_id, champs=changes)
        idempotency.complete(session, request_id=request_id, scope=scope, result="fait")


def ajouter_coordonnee(
    *,
    sessions: Sessions,
    regles: ReglesCoordonnees,
    request_id: str,
    compte_id: UUID,
    numero: str,
    genre: Genre,
    remplace_id: UUID | None,
    maintenant: datetime,
) -> Coordonnee:
    """Add a phone number that waits for its proof, alone or to take another's place.

    A verified number stays until the new one is verified; one that never was goes at once.

    Raises: DonneesInvalides, NumeroRefuse, CoordonneeDejaConnue, TropDeCoordonnees,
        CoordonneeIntrouvable, CompteIntrouvable, RequestIdReused.
    """
    scope = f"AjouterCoordonnee:{compte_id}"
    contenu = regles.digest(
        "AjouterCoordonnee", {"numero": numero, "genre": genre, "remplace": remplace_id}
    )
    valeur = juger_numero(numero, regles.numeros)
    if not regles.numeros.joignable(valeur):
        raise NumeroRefuse
    with sessions.begin() as session:
        fait = idempotency.claim(session, request_id=request_id, scope=scope, fingerprint=contenu)
        if fait is not None:
            return sienne(session, UUID(fait), compte_id)
        compte = titulaire(session, compte_id)
        une = Coordonnee(
            id=uuid4(), compte_id=compte_id, genre=genre, valeur=valeur, cree_le=maintenant
        )
        if remplace_id is not None:
            une = _prendre_la_place(session, une, sienne(session, remplace_id, compte_id))
        telephones = [c for c in table.coordonnees(session, compte_id) if c.genre != "courriel"]
        if len(telephones) >= TELEPHONES_MAX:
            raise TropDeCoordonnees
        try:
            with session.begin_nested():
                table.ajouter(session, une)
        except IntegrityError as error:
            if persistence.contrainte(error) != table.UNE_FOIS:
                raise
            raise CoordonneeDejaConnue from error
        tenir_telephone(session, compte)
        messages.publier_profil(session, compte, acteur_id=compte_id, champs=["coordonnees"])
        idempotency.complete(session, request_id=request_id, scope=scope, result=str(une.id))
    return une


def sienne(session: Session, coordonnee_id: UUID, compte_id: UUID) -> Coordonnee:
    """Find a contact point of this account; anybody else's is as unknown as none.

    Raises: CoordonneeIntrouvable.
    """
    une = table.coordonnee(session, coordonnee_id, compte_id=compte_id)
    if une is None:
        raise CoordonneeIntrouvable
    return une


def _prendre_la_place(session: Session, une: Coordonnee, ancienne: Coordonnee) -> Coordonnee:
    if ancienne.genre is Genre.COURRIEL:
        raise CoordonneeIntrouvable
    # The newest wish counts: what waited to take the same place goes.
    table.remplacantes(session, ancienne.id)
    if ancienne.verifiee_le is not None:
        return replace(une, remplace_id=ancienne.id)
    table.retirer(session, ancienne.id)
    return replace(une, remplace_id=ancienne.remplace_id)


def retirer_coordonnee(
    *,
    sessions: Sessions,
    regles: ReglesCoordonnees,
    request_id: str,
    compte_id: UUID,
    coordonnee_id: UUID,
    maintenant: datetime,
) -> None:
    """Take a phone number away; a verified one, and the account's other channels, are told.

    Raises: CoordonneeIntrouvable, CompteIntrouvable, RequestIdReused.
    """
    scope = f"RetirerCoordonnee:{compte_id}"
    contenu = regles.digest("RetirerCoordonnee", {"coordonnee": coordonnee_id})
    with sessions.begin() as session:
        if idempotency.claim(session, request_id=request_id, scope=scope, fingerprint=contenu):
            return
        compte = titulaire(session, compte_id)
        une = sienne(session, coordonnee_id, compte_id)
        if une.genre is Genre.COURRIEL:
            raise CoordonneeIntrouvable
        if une.verifiee_le is not None:
            # Before it goes, so that the number itself is among those warned.
            avertir_changement(session, compte, regles=regles, maintenant=maintenant)
            messages.publier_retrait(
                session, compte, genre=une.genre, valeur=une.valeur, regles=regles.regles
            )
        table.remplacantes(session, une.id)
        table.retirer(session, une.id)
        tenir_telephone(session, compte)
        messages.publier_profil(session, compte, acteur_id=compte_id, champs=["coordonnees"])
        idempotency.complete(session, request_id=request_id, scope=scope, result="fait")


def avertir_changement(
    session: Session, compte: Compte, *, regles: ReglesCoordonnees, maintenant: datetime
) -> None:
    """Warn every verified channel that the contact points change (R05)."""
    messages.avertir(
        session,
        compte,
        messages.COORDONNEES_CHANGEES,
        table.coordonnees(session, compte.id),
        regles=regles.regles,
        maintenant=maintenant,
    )


def tenir_telephone(session: Session, compte: Compte) -> None:
    """Keep the number that fills requests in, and a preferred method that can work.

    A verified cellular first, then any verified number, then the oldest.
    """
    telephones = [
        une for une in table.coordonnees(session, compte.id) if une.genre is not Genre.COURRIEL
    ]
    telephones.sort(key=lambda une: (une.verifiee_le is None, une.genre is Genre.FIXE))
    compte.telephone = telephones[0].valeur if telephones else ""
    cellulaire = any(
        une.genre is Genre.CELLULAIRE and une.verifiee_le is not None for une in telephones
    )
    prefere = table.preferences(session, compte.id).moyen_prefere
    sans_numero = prefere == "telephone" and not telephones
    if sans_numero or (prefere == "texto" and not cellulaire):
        table.noter_version(session, compte.id, moyen_prefere="courriel")
