"""Imports of other systems' accounts and contacts (IDN-08, 09, 10): dry run, import, undo.

Guarantee: a batch of rows is committed whole, with its place in the file; after a death the same
command goes on from there. The same file twice, or the same account in a later file, changes
nothing. A row that cannot be read stops itself alone.
"""

import hashlib
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Final, NoReturn
from uuid import UUID, uuid4

from sqlalchemy import Engine
from sqlalchemy.orm import Session

from services.identite.domain.ponts import (
    ImportInconnu,
    Politique,
    Source,
)
from services.identite.persistence import imports, ponts
from services.identite.persistence.imports import Collision, Importation
from services.identite.use_cases.ponts.annonces import annoncer, annoncer_retrait
from services.identite.use_cases.ponts.lecture import Lecture, Paquet, ouvrir
from services.identite.use_cases.ponts.verdicts import juger
from services.identite.use_cases.ports import DomaineAscii, Regles

_BLOC: Final = 1 << 20
# Somebody signed up between the look and the write: look again.
_ESSAIS: Final = 5

Progres = Callable[[int, float], None]


@dataclass(kw_only=True)
class Bilan:
    """What an import did, or would do.

    Attributes:
        importation_id: None for a dry run.
        nombres: rows by `Regle`; a row may count under several.
        collisions: what a clerk must know, in the order of the file.
        lignes: rows read in all.
        deja_fait: the file had been imported whole before.
    """

    source: Source
    fichier: str
    importation_id: UUID | None = None
    nombres: Counter[str] = field(default_factory=Counter)
    collisions: list[Collision] = field(default_factory=list)
    lignes: int = 0
    deja_fait: bool = False


@dataclass(frozen=True, kw_only=True)
class _Course:
    """What each batch of one import needs."""

    session: Session
    source: Source
    politique: Politique
    regles: Regles
    importation_id: UUID | None
    maintenant: datetime


def importer(
    *,
    engine: Engine,
    regles: Regles,
    politique: Politique,
    cle: bytes,
    domaine_ascii: DomaineAscii,
    source: Source,
    fichier: Path,
    essai: bool,
    progres: Progres,
    maintenant: datetime,
) -> Bilan:
    """Import a file, or tell what importing it would do.

    Args:
        engine: of this service's database.
        regles: of the installation.
        politique: who wins.
        cle: 32 bytes, outside the database, that envelope old hashes.
        domaine_ascii: IDNA encoder.
        source: what the file holds.
        fichier: CSV in UTF-8, `,` or `;`, with a header (docs/ponts.md).
        essai: look only: no row and no lock that somebody else could notice.
        progres: told lines done and the part of the file read, 0 to 1, after each batch.
        maintenant: aware UTC time.
    Returns: what happened to each row.
    Raises: FichierInattendu, ImportEnCours, OSError, UnicodeDecodeError.
    """
    empreinte = _sha256(fichier)
    aujourd_hui = regles.aujourd_hui(maintenant)
    lecture = ouvrir(
        fichier, source=source, domaine_ascii=domaine_ascii, aujourd_hui=aujourd_hui, cle=cle
    )
    bilan = Bilan(source=source, fichier=fichier.name)
    with lecture, imports.session_d_import(engine, verrou=not essai) as session:
        reprise = (
            None if essai else _commencer(session, source, fichier.name, empreinte, maintenant)
        )
        if reprise is not None:
            bilan.importation_id = reprise.id
            bilan.nombres.update(reprise.nombres)
            bilan.deja_fait = reprise.finie_le is not None
        if not bilan.deja_fait:
            course = _Course(
                session=session,
                source=source,
                politique=politique,
                regles=regles,
                importation_id=bilan.importation_id,
                maintenant=maintenant,
            )
            _avancer(course, lecture, bilan, reprise, progres)
        bilan.lignes = sum(
            nombre for regle, nombre in bilan.nombres.items() if regle.startswith("=")
        )
        if bilan.importation_id is not None:
            bilan.collisions = imports.lire_collisions(session, bilan.importation_id)
            session.rollback()
    return bilan


def _commencer(
    session: Session, source: Source, nom: str, empreinte: bytes, maintenant: datetime
) -> Importation:
    with session.begin():
        connu = imports.importation(session, source, empreinte)
        if connu is None:
            imports.commencer(
                session,
                uuid4(),
                source=source,
                fichier=nom,
                empreinte=empreinte,
                maintenant=maintenant,
            )
            connu = imports.importation(session, source, empreinte)
    return connu or _impossible()


def _impossible() -> NoReturn:
    raise RuntimeError("the row just written is there: the lock is ours")


def _avancer(
    course: _Course,
    lecture: Lecture,
    bilan: Bilan,
    reprise: Importation | None,
    progres: Progres,
) -> None:
    """Read and write side by side: one batch is parsed while the one before it is committed."""
    apres = 1 if reprise is None else reprise.derniere_ligne
    with ThreadPoolExecutor(1, thread_name_prefix="import") as ecrivain:
        en_route: Future[None] | None = None
        for paquet, fin in _avec_fin(lecture.paquets(apres=apres)):
            if en_route is not None:
                en_route.result()
            en_route = ecrivain.submit(_ecrire, course, paquet, bilan, fin=fin)
            progres(paquet.derniere_ligne, lecture.part_lue())
        if en_route is not None:
            en_route.result()


def _avec_fin(paquets: Iterator[Paquet]) -> Iterator[tuple[Paquet, bool]]:
    """Pair each batch with whether it is the last."""
    precedent = next(paquets, None)
    while precedent is not None:
        suivant = next(paquets, None)
        yield precedent, suivant is None
        precedent = suivant


def _ecrire(course: _Course, paquet: Paquet, bilan: Bilan, *, fin: bool) -> None:
    """Judge one batch against the tables and commit it; a dry run only judges."""
    for _ in range(_ESSAIS):
        nombres = Counter(bilan.nombres)
        collisions = list(paquet.collisions)
        with course.session.begin() as transaction:
            fait = _un_essai(course, paquet, nombres, collisions, fin=fin)
            if not fait or course.importation_id is None:
                transaction.rollback()
        if fait:
            bilan.nombres = nombres
            if course.importation_id is None:
                bilan.collisions += sorted(collisions)
            return
    raise RuntimeError("sign-ups with the same e-mails keep coming")


def _un_essai(
    course: _Course,
    paquet: Paquet,
    nombres: Counter[str],
    collisions: list[Collision],
    *,
    fin: bool,
) -> bool:
    """Try one batch; False when somebody signed up meanwhile and all must be looked at again."""
    session = course.session
    if paquet.lignes:
        imports.copier(session, [ligne.copie for ligne in paquet.lignes])
    jugement = juger(session, course.source, course.politique, paquet)
    collisions += jugement.collisions
    nombres.update(collision.regle for collision in collisions)
    nombres.update(jugement.sans_histoire)
    nombres["=lues"] += paquet.lues
    if course.importation_id is None:
        return True
    jugement.appliquer(session)
    if course.source is Source.URGENCES:
        ecrits = imports.ecrire_contacts(
            session, course.importation_id, maintenant=course.maintenant
        )
        complet = ecrits == jugement.attendus
    else:
        ouvre = course.source in course.politique.ouvrent
        complet = imports.ecrire_comptes(
            session,
            course.importation_id,
            source=course.source,
            ouvre=ouvre,
            ouverts=jugement.ouverts,
            attendus=jugement.attendus,
            maintenant=course.maintenant,
        )
    if not complet:
        return False
    imports.noter_collisions(session, course.importation_id, collisions)
    annoncer(session, course.importation_id, jugement.annonces, regles=course.regles)
    imports.avancer(
        session,
        course.importation_id,
        derniere_ligne=paquet.derniere_ligne,
        nombres=nombres,
        finie_le=course.maintenant if fin else None,
    )
    return True


@dataclass(frozen=True, kw_only=True)
class Annulation:
    """What the undo of an import did."""

    retires: int
    gardes: int


def annuler_import(*, engine: Engine, importation_id: UUID, maintenant: datetime) -> Annulation:
    """Undo one import: what nobody has used yet goes, the rest stays and is counted.

    Raises: ImportInconnu (also for one undone before), ImportEnCours.
    """
    with imports.session_d_import(engine, verrou=True) as session, session.begin():
        connue = imports.importation_par_id(session, importation_id)
        if connue is None or connue.annulee_le is not None:
            raise ImportInconnu
        retires, gardes = ponts.annuler_import(session, importation_id, maintenant=maintenant)
        annoncer_retrait(session, importation_id)
    return Annulation(retires=retires, gardes=gardes)


def rapport(*, engine: Engine, importation_id: UUID) -> Bilan:
    """Give again what an import did. Raises: ImportInconnu."""
    with imports.session_d_import(engine, verrou=False) as session:
        connue = imports.importation_par_id(session, importation_id)
        if connue is None:
            raise ImportInconnu
        nombres = Counter(connue.nombres)
        return Bilan(
            source=Source(connue.source),
            fichier=connue.fichier,
            importation_id=connue.id,
            nombres=nombres,
            collisions=imports.lire_collisions(session, importation_id),
            lignes=nombres["=lues"],
            deja_fait=connue.finie_le is not None,
        )


def _sha256(fichier: Path) -> bytes:
    somme = hashlib.sha256()
    with fichier.open("rb") as flux:
        while bloc := flux.read(_BLOC):
            somme.update(bloc)
    return somme.digest()
