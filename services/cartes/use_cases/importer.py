"""Import of the city's register of cards, and its undoing (CAR-18)."""

import secrets
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from itertools import islice
from typing import Any
from uuid import UUID, uuid4, uuid5

from sqlalchemy.orm import Session

from chassis.db import Sessions
from services.cartes.domain import (
    COLLISIONS,
    Carte,
    Categorie,
    DonneesInvalides,
    Inscription,
    Origine,
    Regles,
    Sort,
    StatutCarte,
    appliquer,
    jour_local,
    juger,
    lire_inscription,
)
from services.cartes.persistence import registre
from services.cartes.use_cases.demander import OCTETS_SERIE

LOT = 1000
_ESPACE_LOTS = UUID("0f7a4c1e-5d58-5f0e-8a77-3a9f3c2b1d60")


class LotInconnu(Exception):
    """No import has that id."""


class LotAnnule(Exception):
    """The same file was imported, then undone: import it under another name to do it again."""


@dataclass(frozen=True)
class Ligne:
    """What became of one row of the file; `fautes` maps a column to a code."""

    numero_ligne: int
    numero: str
    sort: Sort
    fautes: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Bilan:
    """What an import did, or would do."""

    lot_id: UUID
    sorts: Mapping[Sort, int]

    @property
    def collisions(self) -> int:
        """Number of rows that were left out."""
        return sum(nombre for sort, nombre in self.sorts.items() if sort in COLLISIONS)


def importer_registre(
    *,
    sessions: Sessions,
    regles: Regles,
    fichier: str,
    sha256: bytes,
    lignes: Iterable[Mapping[str, str]],
    essai: bool,
    signaler: Callable[[Ligne], None],
    avancer: Callable[[int], None],
    horloge: Callable[[], datetime],
) -> Bilan:
    """Take the cards of a register, their numbers kept; each waits for its holder (CAR-03).

    Invariants: a row that cannot be taken stops that row alone. Batches commit one by one, so that
    an import that was cut is run again from the start and does the rest. The same file twice
    changes nothing. A card that somebody joined to an account, or that was made here, is kept.

    Args:
        sessions: of the service's database.
        regles: of the city.
        fichier: name of the file, for the report; with `sha256` it names the import.
        sha256: of the file's bytes.
        lignes: rows by column name, in order; the first is line 2 of the file.
        essai: say what would happen, write nothing.
        signaler: told each row that is not simply added or identical.
        avancer: told how many rows were read.
        horloge: gives aware UTC time.
    Raises: LotAnnule.
    """
    lot_id = uuid5(_ESPACE_LOTS, f"{fichier}:{sha256.hex()}")

    def ouvrir(session: Session) -> None:
        registre.ouvrir_lot(
            session, lot_id=lot_id, fichier=fichier, sha256=sha256, maintenant=horloge()
        )
        if registre.lot_annule(session, lot_id):
            raise LotAnnule

    sorts: Counter[Sort] = Counter()
    vus: set[str] = set()
    lues = 0
    numerotees = iter(enumerate(lignes, start=2))
    while paquet := list(islice(numerotees, LOT)):
        maintenant = horloge()
        jour = jour_local(maintenant, regles.zone)
        jugees = list(_lire(paquet, vus, jour))
        # A dry run closes its session without a commit.
        with sessions() if essai else sessions.begin() as session:
            registre.verrouiller_registre(session)
            ouvrir(session)
            for ligne in _prendre(session, lot_id, jugees, maintenant):
                sorts[ligne.sort] += 1
                if ligne.sort not in (Sort.AJOUTEE, Sort.IDENTIQUE):
                    signaler(ligne)
            if not essai:
                registre.avancer_sequence(session, regles.institution)
        lues += len(paquet)
        avancer(lues)
    if not essai:
        with sessions.begin() as session:
            registre.clore_lot(session, lot_id, fini_le=horloge())
    return Bilan(lot_id, sorts)


def _lire(
    paquet: Iterable[tuple[int, Mapping[str, str]]], vus: set[str], jour: date
) -> Iterator[tuple[Ligne, Inscription | None]]:
    for numero_ligne, saisie in paquet:
        try:
            inscription = lire_inscription(saisie, jour=jour)
        except DonneesInvalides as fait:
            numero = saisie.get("numero", "")
            yield Ligne(numero_ligne, numero, Sort.INVALIDE, fait.fields), None
            continue
        if inscription.numero in vus:
            yield Ligne(numero_ligne, inscription.numero, Sort.EN_DOUBLE), None
            continue
        vus.add(inscription.numero)
        yield Ligne(numero_ligne, inscription.numero, Sort.AJOUTEE), inscription


def _prendre(
    session: Session,
    lot_id: UUID,
    jugees: list[tuple[Ligne, Inscription | None]],
    maintenant: datetime,
) -> Iterator[Ligne]:
    """Judge the rows of a batch against the cards here, and write those that can be taken."""
    connues = registre.cartes_par_numero(
        session, [inscription.numero for _, inscription in jugees if inscription]
    )
    nouvelles: list[dict[str, Any]] = []
    changes: list[dict[str, Any]] = []
    for ligne, inscription in jugees:
        if inscription is None:
            yield ligne
            continue
        carte = connues.get(inscription.numero)
        sort = juger(inscription, carte)
        if sort is Sort.AJOUTEE:
            nouvelles.append(_rangee(inscription, maintenant))
            changes.append({"carte_id": nouvelles[-1]["carte_id"], "avant": None})
        elif sort is Sort.MODIFIEE and carte is not None:
            changes.append({"carte_id": carte.carte_id, "avant": _photo(carte)})
            appliquer(inscription, carte)
        yield Ligne(ligne.numero_ligne, ligne.numero, sort)
    registre.inserer_cartes(session, nouvelles)
    registre.noter_changes(session, lot_id, changes)


def _rangee(inscription: Inscription, maintenant: datetime) -> dict[str, Any]:
    return {
        **{champ: getattr(inscription, champ) for champ in Inscription.__dataclass_fields__},
        "carte_id": uuid4(),
        # Nobody's yet: the number keeps the place of the person until the card is joined.
        "personne_id": f"registre:{inscription.numero}",
        "compte_id": "",
        "serie": secrets.token_urlsafe(OCTETS_SERIE),
        "statut": StatutCarte.ACTIVE,
        "numerique": False,
        "physique": True,
        "demandee_le": maintenant,
        "origine": Origine.REGISTRE,
    }


def _photo(carte: Carte) -> dict[str, str]:
    return {
        "prenom": carte.prenom,
        "nom": carte.nom,
        "date_naissance": str(carte.date_naissance),
        "code_postal": carte.code_postal,
        "categorie": carte.categorie.name,
        "echeance": str(carte.echeance),
    }


@dataclass(frozen=True)
class Retour:
    """What the undoing of an import did."""

    supprimees: int
    retablies: int
    gardees: int


def annuler_registre(
    *, sessions: Sessions, lot_id: UUID, horloge: Callable[[], datetime]
) -> Retour:
    """Undo an import: what it made is deleted, what it changed is put back.

    A card that its holder joined to an account meanwhile, or that has a request, is kept. Batches
    commit one by one: an undoing that was cut is run again and does the rest.
    Raises: LotInconnu.
    """
    comptes: Counter[str] = Counter()
    with sessions.begin() as session:
        if registre.lot_annule(session, lot_id) is None:
            raise LotInconnu
        registre.clore_lot(session, lot_id, annule_le=horloge())
    while True:
        with sessions.begin() as session:
            registre.verrouiller_registre(session)
            changes = registre.changes_du_lot(session, lot_id, limite=LOT)
            if not changes:
                return Retour(comptes["supprimees"], comptes["retablies"], comptes["gardees"])
            _defaire(session, changes, comptes)
            registre.oublier_changes(session, lot_id, [change.carte_id for change in changes])


def _defaire(session: Session, changes: list[Any], comptes: Counter[str]) -> None:
    ids = [change.carte_id for change in changes]
    cartes = registre.cartes_par_id(session, ids)
    utilisees = registre.cartes_avec_demande(session, ids)
    a_supprimer: list[UUID] = []
    for change in changes:
        carte = cartes.get(change.carte_id)
        if carte is None:
            continue
        if carte.est_associee() or carte.carte_id in utilisees:
            comptes["gardees"] += 1
        elif change.avant is None:
            a_supprimer.append(carte.carte_id)
            comptes["supprimees"] += 1
        else:
            _retablir(carte, change.avant)
            comptes["retablies"] += 1
    session.flush()
    session.expunge_all()
    registre.supprimer_cartes(session, a_supprimer)


def _retablir(carte: Carte, avant: Mapping[str, str]) -> None:
    carte.prenom, carte.nom = avant["prenom"], avant["nom"]
    carte.date_naissance = date.fromisoformat(avant["date_naissance"])
    carte.code_postal = avant["code_postal"]
    carte.categorie = Categorie[avant["categorie"]]
    carte.echeance = date.fromisoformat(avant["echeance"])
