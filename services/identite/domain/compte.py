"""`Compte`, `Lien` and the session: their states and the rules of their changes."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Final
from uuid import UUID

from services.identite.domain.erreurs import (
    IdentifiantsInvalides,
    LienDejaUtilise,
    LienExpire,
    LienInconnu,
    SessionExpiree,
)
from services.identite.domain.inscription import Inscription
from services.identite.domain.mandats import Procuration

# A session that has this one alone may do nothing but enrol a second factor.
ROLE_ENROLEMENT: Final = "enrolement"
# A session's last use is written at most this often: reading it is cheaper than writing it.
GRAIN_USAGE: Final = timedelta(minutes=1)


class StatutCompte(StrEnum):
    """State of an account."""

    EN_ATTENTE_ACTIVATION = "EN_ATTENTE_ACTIVATION"
    ACTIF = "ACTIF"
    DESACTIVE = "DESACTIVE"


class Role(StrEnum):
    """What a person may be; a session holds a part of it."""

    CITOYEN = "citoyen"
    AGENT_CARTES = "agent_cartes"
    AGENT_COMPTES = "agent_comptes"
    AGENT_GUICHET = "agent_guichet"
    ADMIN = "admin"


ROLES_PERSONNEL: Final = frozenset(set(Role) - {Role.CITOYEN})


class Usage(StrEnum):
    """What a mailed link is for."""

    ACTIVATION = "activation"
    REINITIALISATION = "reinitialisation"


@dataclass(eq=False, kw_only=True)
class Compte:
    """One person's account; one e-mail, and one user name, is one account (IDN-01)."""

    id: UUID
    courriel: str
    courriel_plie: str
    prenom: str
    nom: str
    nom_utilisateur: str | None
    date_naissance: date | None
    adresse_ligne: str
    adresse_ville: str
    adresse_code_postal: str
    telephone: str
    langue: str
    categories: list[str]
    canaux: list[str]
    # PHC string of Argon2id.
    mot_de_passe: str
    statut: StatutCompte
    roles: list[str]
    cree_le: datetime
    active_le: datetime | None = None
    mot_de_passe_change_le: datetime

    @classmethod
    def inscrire(
        cls,
        *,
        compte_id: UUID,
        inscription: Inscription,
        mot_de_passe: str,
        maintenant: datetime,
    ) -> "Compte":
        """Open an account that waits for its activation link (IDN-04)."""
        return cls(
            id=compte_id,
            courriel=inscription.courriel,
            courriel_plie=inscription.courriel_plie,
            prenom=inscription.prenom,
            nom=inscription.nom,
            nom_utilisateur=inscription.nom_utilisateur,
            date_naissance=inscription.date_naissance,
            adresse_ligne=inscription.adresse_ligne,
            adresse_ville=inscription.adresse_ville,
            adresse_code_postal=inscription.adresse_code_postal,
            telephone=inscription.telephone,
            langue=inscription.langue,
            categories=list(inscription.categories),
            canaux=list(inscription.canaux),
            mot_de_passe=mot_de_passe,
            statut=StatutCompte.EN_ATTENTE_ACTIVATION,
            roles=[Role.CITOYEN.value],
            cree_le=maintenant,
            mot_de_passe_change_le=maintenant,
        )

    def reprendre(
        self, *, inscription: Inscription, mot_de_passe: str, maintenant: datetime
    ) -> None:
        """Start again an unconfirmed sign-up with what its mailbox's latest visitor typed.

        Nothing of the earlier visitor survives, above all not the password: somebody who signs up
        with another person's address must not own the account that this person then confirms.
        """
        neuf = Compte.inscrire(
            compte_id=self.id,
            inscription=inscription,
            mot_de_passe=mot_de_passe,
            maintenant=maintenant,
        )
        for nom in self.__dataclass_fields__:
            setattr(self, nom, getattr(neuf, nom))

    @property
    def a_confirmer(self) -> bool:
        """Tell whether nobody has proved the mailbox here.

        An imported account is open before that: its owner has the other system's password (IDN-08).
        """
        importe = self.statut is StatutCompte.ACTIF and self.active_le is None
        return importe or self.statut is StatutCompte.EN_ATTENTE_ACTIVATION

    def activer(self, maintenant: datetime) -> bool:
        """Confirm the mailbox; False when it was confirmed before."""
        if not self.a_confirmer:
            return False
        self.statut = StatutCompte.ACTIF
        self.active_le = maintenant
        return True

    def changer_mot_de_passe(self, mot_de_passe: str, maintenant: datetime) -> None:
        """Replace the password's hash."""
        self.mot_de_passe = mot_de_passe
        self.mot_de_passe_change_le = maintenant

    def ouvre_avec(self, mot_de_passe: str) -> bool:
        """Tell whether a verified password hash is still the account's, and opens it."""
        return self.mot_de_passe == mot_de_passe and self.statut is not StatutCompte.DESACTIVE

    def donner_role(self, role: Role) -> bool:
        """Add a role; False when the person has it."""
        if role.value in self.roles:
            return False
        self.roles = [*self.roles, role.value]
        return True

    def roles_de_session(self, *, agent: bool) -> frozenset[str]:
        """Roles of a new session: the staff's at the staff door, "citoyen" at the other.

        Raises: IdentifiantsInvalides at the staff door for somebody who is no staff: that door
            does not tell whose password was right.
        """
        if not agent:
            return frozenset({Role.CITOYEN.value})
        roles = frozenset(role.value for role in ROLES_PERSONNEL if role.value in self.roles)
        if not roles:
            raise IdentifiantsInvalides
        return roles


@dataclass(eq=False, kw_only=True)
class Lien:
    """A mailed link. Only the SHA-256 of its secret is kept (R27)."""

    empreinte: bytes
    compte_id: UUID
    usage: Usage
    cree_le: datetime
    expire_le: datetime
    utilise_le: datetime | None = None
    # A newer link of the same kind took its place.
    remplace_le: datetime | None = None

    def exiger(self, usage: Usage) -> None:
        """Refuse a link made for another act.

        Raises: LienInconnu.
        """
        if self.usage is not usage:
            raise LienInconnu

    def utiliser(self, maintenant: datetime) -> None:
        """Use the link, once, before its end.

        Raises: LienDejaUtilise, LienExpire.
        """
        self.verifier(maintenant)
        self.utilise_le = maintenant

    def verifier(self, maintenant: datetime) -> None:
        """Check that the link may still be used.

        Raises: LienDejaUtilise, LienExpire (also for a replaced one: the newest works).
        """
        if self.utilise_le is not None:
            raise LienDejaUtilise
        if self.remplace_le is not None or maintenant >= self.expire_le:
            raise LienExpire


@dataclass(frozen=True, kw_only=True)
class SessionOuverte:
    """A session as the database keeps it, with what each page shows of its owner."""

    id: UUID
    compte_id: UUID
    # Roles of the account at this moment cut down to those of the session.
    roles: frozenset[str]
    prenom: str
    nom: str
    langue: str
    vue_le: datetime
    # Absolute end, whatever is done (R31).
    fin_le: datetime
    inactivite: timedelta
    compte_actif: bool = True
    # False while its owner must enrol a second factor before anything else (IDN-20).
    complete: bool = True
    # When its owner was last proved (R36).
    prouvee_le: datetime | None = None
    # For whom it acts (IDN-21).
    procuration: Procuration | None = None

    @property
    def roles_propres(self) -> frozenset[str]:
        """Roles of its owner's own acts."""
        return self.roles if self.complete else frozenset({ROLE_ENROLEMENT})

    def agit_pour(self, maintenant: datetime) -> Procuration | None:
        """Tell for whom it acts now: an ended delegation opens nothing, from that moment on."""
        if self.procuration is None or not self.complete or maintenant >= self.procuration.fin_le:
            return None
        return self.procuration

    def roles_effectifs(self, maintenant: datetime) -> frozenset[str]:
        """Give the roles that the tokens of this session bear."""
        autrui = self.agit_pour(maintenant)
        return self.roles_propres if autrui is None else autrui.roles(self.roles)

    @property
    def expire_le(self) -> datetime:
        """When the session ends if nothing more is done."""
        return min(self.vue_le + self.inactivite, self.fin_le)

    def verifier(self, maintenant: datetime) -> None:
        """Check that the session is alive.

        Raises: SessionExpiree, also when the account was disabled or lost the session's roles.
        """
        if maintenant >= self.expire_le or not self.roles or not self.compte_actif:
            raise SessionExpiree

    def a_rafraichir(self, maintenant: datetime) -> bool:
        """Tell whether the last use has to be written again."""
        return maintenant - self.vue_le >= GRAIN_USAGE

    def vue(self, maintenant: datetime) -> "SessionOuverte":
        """Give the session as it is once this use is written."""
        return replace(self, vue_le=maintenant)


@dataclass(frozen=True, kw_only=True)
class Durees:
    """How long sessions and links live; from the settings."""

    activation: timedelta
    reinitialisation: timedelta
    inactivite: timedelta
    inactivite_agent: timedelta
    session: timedelta
    attente_activation: timedelta
    oubli_echecs: timedelta
    # Ended links stay readable that long, so that a late click gets the true reason.
    memoire_liens: timedelta = field(default=timedelta(days=30))


def roles_effectifs(session: Iterable[str], compte: Iterable[str]) -> frozenset[str]:
    """Give the roles of a session that its account still has: a lost role ends at once."""
    return frozenset(session) & frozenset(compte)
