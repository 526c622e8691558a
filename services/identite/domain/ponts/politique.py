"""Which system wins where two know the same person: data that an installation may change."""

import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Final


class Source(StrEnum):
    """A system whose accounts or contacts are imported."""

    TAXES = "taxes"
    LOISIRS = "loisirs"
    URGENCES = "urgences"


class EtatLiaison(StrEnum):
    """Where the link between an account of another system and one of ours stands."""

    # Waits for somebody who proves the e-mail here.
    EN_ATTENTE = "EN_ATTENTE"
    # Both sides are proved but the persons differ: staff decide.
    A_DECIDER = "A_DECIDER"
    LIE = "LIE"
    REFUSE = "REFUSE"
    # Undone; never made again by itself.
    DELIE = "DELIE"


class Regle(StrEnum):
    """What an import does with one row; each has its sentences in the report."""

    OUVERT = "OUVERT"
    EN_ATTENTE = "EN_ATTENTE"
    DEJA_IMPORTE = "DEJA_IMPORTE"
    LIGNE_INVALIDE = "LIGNE_INVALIDE"
    COURRIEL_EN_DOUBLE = "COURRIEL_EN_DOUBLE"
    COORDONNEE_EN_DOUBLE = "COORDONNEE_EN_DOUBLE"
    COMPTE_EXISTANT = "COMPTE_EXISTANT"
    PERSONNE_DIFFERENTE = "PERSONNE_DIFFERENTE"
    INSCRIPTION_NON_CONFIRMEE = "INSCRIPTION_NON_CONFIRMEE"
    NOM_UTILISATEUR_PRIS = "NOM_UTILISATEUR_PRIS"
    NOM_UTILISATEUR_REFUSE = "NOM_UTILISATEUR_REFUSE"
    SANS_MOT_DE_PASSE = "SANS_MOT_DE_PASSE"
    TAXES_PRIME = "TAXES_PRIME"
    DEJA_ABONNE = "DEJA_ABONNE"


# Rows that need nobody's attention; the others are the collisions of the report.
SANS_HISTOIRE: Final = frozenset({Regle.OUVERT, Regle.EN_ATTENTE, Regle.DEJA_IMPORTE})


@dataclass(frozen=True, kw_only=True)
class Politique:
    """The policy of an installation.

    Attributes:
        priorite: systems by right of way; the first one that knows a person gives the rule of
            the password (S1, question 7: the tax account before the recreation account).
        ouvrent: systems whose people log in with their old credentials, without signing up.
        comparer: what must agree before an e-mail alone makes a link: "prenom", "nom",
            "date_naissance". Only what both sides know is compared.
    """

    priorite: tuple[Source, ...] = (Source.TAXES, Source.LOISIRS)
    ouvrent: frozenset[Source] = frozenset({Source.TAXES})
    comparer: tuple[str, ...] = ("prenom", "nom", "date_naissance")

    @classmethod
    def lire(
        cls, *, priorite: Iterable[str], ouvrent: Iterable[str], comparer: Iterable[str]
    ) -> "Politique":
        """Read the settings.

        Raises: ValueError for an unknown system or trait.
        """
        traits = tuple(comparer)
        if set(traits) - set(cls.comparer):
            raise ValueError(f"unknown trait in {traits}")
        return cls(
            priorite=tuple(Source(nom) for nom in priorite),
            ouvrent=frozenset(Source(nom) for nom in ouvrent),
            comparer=traits,
        )

    def gagnante(self, sources: Iterable[Source]) -> Source | None:
        """Give the system whose rule holds for somebody known to `sources`; None for ours."""
        connues = frozenset(sources) & self.ouvrent
        return next((source for source in self.priorite if source in connues), None)

    def ecarts(self, la_bas: "Personne", ici: "Personne") -> tuple[str, ...]:
        """List what differs between the two sides of a link, in the order of `comparer`."""
        return tuple(
            trait
            for trait in self.comparer
            if (un := la_bas.trait(trait)) and (autre := ici.trait(trait)) and un != autre
        )


@dataclass(frozen=True, kw_only=True)
class Personne:
    """Who an account says that its owner is."""

    prenom: str
    nom: str
    date_naissance: date | None = None

    def trait(self, nom: str) -> str:
        """Give a trait in the form under which two systems are compared, "" when unknown.

        Accents, case, hyphens and spaces say nothing: systems of the eighties had none.
        """
        if nom == "date_naissance":
            return str(self.date_naissance or "")
        decompose = unicodedata.normalize("NFKD", getattr(self, nom)).casefold()
        return "".join(signe for signe in decompose if signe.isalnum())
