"""What was promised to people, what is there at the end, and the verdict between the two.

Nothing here talks to the suite: the same judge reads a real run and a crafted bad one
(``sabotage``), and it has to condemn the second.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TypeVar

ACTIVATION = "Activez votre compte Espace citoyen"
DEMANDE = "Nous avons reçu votre demande de Carte citoyen"
APPROUVEE = "Votre Carte citoyen est prête"

T = TypeVar("T")

_OUVERTES = {"EN_ATTENTE_VALIDATION", "ACTIVE", "SUSPENDUE"}


@dataclass
class Promesses:
    """Every act that the suite acknowledged, by person (e-mail address). Shared by threads."""

    comptes: set[str] = field(default_factory=set)
    actifs: set[str] = field(default_factory=set)
    pieces: set[tuple[str, str]] = field(default_factory=set)
    cartes: set[tuple[str, str]] = field(default_factory=set)
    # card id -> status that the last acknowledged act gave it
    statuts: dict[str, str] = field(default_factory=dict)
    courriels: set[tuple[str, str]] = field(default_factory=set)
    # acts that ended with no definite answer, or with a refusal that nothing explains
    manques: list[str] = field(default_factory=list)
    _verrou: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def compte(self, personne: str) -> None:
        """A sign-up was accepted: one account, one activation mail."""
        with self._verrou:
            self.comptes.add(personne)
            self.courriels.add((personne, ACTIVATION))

    def actif(self, personne: str) -> None:
        """The mailed link was accepted."""
        with self._verrou:
            self.actifs.add(personne)

    def piece(self, personne: str, piece_id: str) -> None:
        """An upload was accepted."""
        with self._verrou:
            self.pieces.add((personne, piece_id))

    def carte(self, personne: str, carte_id: str) -> None:
        """A card request was accepted: one card that waits, one acknowledgement mail."""
        with self._verrou:
            self.cartes.add((personne, carte_id))
            self.statuts.setdefault(carte_id, "EN_ATTENTE_VALIDATION")
            self.courriels.add((personne, DEMANDE))

    def approuvee(self, personne: str, carte_id: str) -> None:
        """An agent's decision was accepted: the card is active, one mail says so."""
        with self._verrou:
            self.statuts[carte_id] = "ACTIVE"
            self.courriels.add((personne, APPROUVEE))

    def manque(self, phrase: str) -> None:
        """An act was lost for the person who did it."""
        with self._verrou:
            self.manques.append(phrase)


@dataclass(frozen=True)
class Carte:
    """A row of cartes."""

    carte_id: str
    personne: str
    statut: str
    numero: str


@dataclass(frozen=True)
class Courriel:
    """A mail as the sink stored it."""

    message_id: str
    personne: str
    objet: str


@dataclass
class Constat:
    """What the databases, the mailbox and the broker hold once everything is at rest.

    Accounts are named by e-mail address everywhere.
    """

    comptes: Counter[str] = field(default_factory=Counter)
    actifs: set[str] = field(default_factory=set)
    # replicas of avis: accounts with choices, accounts with a proved address
    abonnes: set[str] = field(default_factory=set)
    joignables: set[str] = field(default_factory=set)
    # person, document id, fingerprint of the bytes that came
    pieces: list[tuple[str, str, str]] = field(default_factory=list)
    cartes: list[Carte] = field(default_factory=list)
    courriels: list[Courriel] = field(default_factory=list)
    # service, aggregate, type of each event ever told
    evenements: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    # queue -> messages; what is planned is taken off before
    files: dict[str, int] = field(default_factory=dict)


@dataclass
class Verdict:
    """Lost, doubled, and there without having been asked for."""

    perdus: list[str] = field(default_factory=list)
    doubles: list[str] = field(default_factory=list)
    inattendus: list[str] = field(default_factory=list)

    @property
    def net(self) -> bool:
        """Whether nothing at all is wrong."""
        return not (self.perdus or self.doubles or self.inattendus)

    def phrases(self) -> list[str]:
        """One line per finding."""
        return [
            *(f"perdu : {phrase}" for phrase in self.perdus),
            *(f"double : {phrase}" for phrase in self.doubles),
            *(f"inattendu : {phrase}" for phrase in self.inattendus),
        ]


def juger(promis: Promesses, constat: Constat) -> Verdict:
    """Compare; order of the findings does not matter."""
    verdict = Verdict(perdus=list(promis.manques))
    _comptes(promis, constat, verdict)
    _pieces(promis, constat, verdict)
    _cartes(promis, constat, verdict)
    _courriels(promis, constat, verdict)
    _evenements(constat, verdict)
    for queue, count in sorted(constat.files.items()):
        if count:
            verdict.perdus.append(f"{count} message(s) dans {queue}")
    return verdict


def _comptes(promis: Promesses, constat: Constat, verdict: Verdict) -> None:
    verdict.perdus += [f"compte {one}" for one in promis.comptes - constat.comptes.keys()]
    verdict.doubles += [f"compte {one}" for one in _plusieurs(constat.comptes)]
    for nom, presents in (
        ("activation", constat.actifs),
        ("abonnement", constat.abonnes),
        ("adresse prouvée", constat.joignables),
    ):
        verdict.perdus += [f"{nom} de {one}" for one in promis.actifs - presents]


def _pieces(promis: Promesses, constat: Constat, verdict: Verdict) -> None:
    present = {(personne, piece) for personne, piece, _ in constat.pieces}
    verdict.perdus += [f"pièce {piece} de {one}" for one, piece in promis.pieces - present]
    contents = Counter((personne, empreinte) for personne, _, empreinte in constat.pieces)
    verdict.doubles += [f"pièce de {one}" for one, _ in _plusieurs(contents)]


def _cartes(promis: Promesses, constat: Constat, verdict: Verdict) -> None:
    present = {(carte.personne, carte.carte_id): carte for carte in constat.cartes}
    for personne, carte_id in promis.cartes:
        found = present.get((personne, carte_id))
        wanted = promis.statuts[carte_id]
        if found is None:
            verdict.perdus.append(f"carte {carte_id} de {personne}")
        elif found.statut != wanted:
            verdict.perdus.append(f"carte {carte_id} : {found.statut}, {wanted} promis")
    ouvertes = Counter(carte.personne for carte in constat.cartes if carte.statut in _OUVERTES)
    verdict.doubles += [f"carte ouverte de {one}" for one in _plusieurs(ouvertes)]
    numeros = Counter(carte.numero for carte in constat.cartes if carte.numero)
    verdict.doubles += [f"numéro de carte {one}" for one in _plusieurs(numeros)]


def _courriels(promis: Promesses, constat: Constat, verdict: Verdict) -> None:
    recus = Counter((mail.personne, mail.objet) for mail in constat.courriels)
    verdict.perdus += [f"courriel « {m} » à {p}" for p, m in promis.courriels - recus.keys()]
    verdict.doubles += [f"courriel « {m} » à {p}" for p, m in _plusieurs(recus)]
    messages = Counter(mail.message_id for mail in constat.courriels)
    verdict.doubles += [f"Message-ID {one}" for one in _plusieurs(messages)]
    verdict.inattendus += [f"courriel « {m} » à {p}" for p, m in recus.keys() - promis.courriels]


def _evenements(constat: Constat, verdict: Verdict) -> None:
    # Each of these facts happens once in the life of its account, card or mail.
    uniques = ("carte_demandee.v1", "carte_approuvee.v1", "compte_active.v1", "envoi_termine.v1")
    verdict.doubles += [
        f"événement {genre} de {aggregat}"
        for service, aggregat, genre in _plusieurs(constat.evenements)
        if genre in uniques and service
    ]


def _plusieurs(count: Counter[T]) -> Iterable[T]:
    return [each for each, times in count.items() if times > 1]
