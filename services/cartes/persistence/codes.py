"""Signing keys, status lists, and the index of each card in them (CAR-16)."""

import secrets
from datetime import date, datetime
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import func, insert, select, update
from sqlalchemy.dialects.postgresql import insert as insert_or
from sqlalchemy.orm import Session

from services.cartes.domain import Carte, StatutCode, statut_du_code
from services.cartes.persistence.tables import carte, cle_signature, indice_statut, liste_statuts

TAILLE_LISTE = 131_072
"""Indices of one list."""

_PART_REMPLIE = 0.75
"""Past it another list begins: indices are drawn at random, and a full list has none left."""

_TIRAGES = 64


class CleLue(NamedTuple):
    """A signing key as kept: the private half is sealed."""

    kid: bytes
    annee: int
    publique: bytes
    privee_scellee: bytes


def cle_de_l_annee(session: Session, annee: int) -> CleLue | None:
    """Return the key that signs in that year."""
    rangee = session.execute(_CLES.where(cle_signature.c.annee == annee)).first()
    return None if rangee is None else CleLue(*rangee)


def ajouter_cle(session: Session, cle: CleLue, *, maintenant: datetime) -> None:
    """Keep a new key; when another transaction made one for that year, that one stays."""
    requete = insert_or(cle_signature).values(**cle._asdict(), creee_le=maintenant)
    session.execute(requete.on_conflict_do_nothing(index_elements=[cle_signature.c.annee]))


def cles_publiees(session: Session, *, depuis: int) -> list[CleLue]:
    """Return the keys of the years from `depuis`, oldest first."""
    question = _CLES.where(cle_signature.c.annee >= depuis).order_by(cle_signature.c.annee)
    return [CleLue(*rangee) for rangee in session.execute(question)]


_CLES = select(
    cle_signature.c.kid,
    cle_signature.c.annee,
    cle_signature.c.publique,
    cle_signature.c.privee_scellee,
)


def indice_de(session: Session, carte_id: UUID) -> tuple[int, int]:
    """Return the list and the index of a card, drawn at random the first time (CAR-16)."""
    question = select(indice_statut.c.liste_id, indice_statut.c.indice).where(
        indice_statut.c.carte_id == carte_id, indice_statut.c.retire_le.is_(None)
    )
    rangee = session.execute(question).first()
    return _tirer(session, carte_id) if rangee is None else (rangee.liste_id, rangee.indice)


def _tirer(session: Session, carte_id: UUID) -> tuple[int, int]:
    liste_id, taille = _liste_ouverte(session)
    for _ in range(_TIRAGES):
        # Three quarters full at most: 64 draws all taken is one chance in a hundred million.
        indice = secrets.randbelow(taille)
        requete = (
            insert_or(indice_statut)
            .values(liste_id=liste_id, indice=indice, carte_id=carte_id)
            .on_conflict_do_nothing(index_elements=["liste_id", "indice"])
            .returning(indice_statut.c.indice)
        )
        if session.execute(requete).first() is not None:
            return liste_id, indice
    raise RuntimeError(f"no free index in list {liste_id}")


def _liste_ouverte(session: Session) -> tuple[int, int]:
    """Count one more index in the list that has room, or begin a list; others wait a moment."""
    session.execute(select(func.pg_advisory_xact_lock(func.hashtext("cartes.liste_statuts"))))
    place = liste_statuts.c.attribues < liste_statuts.c.taille * _PART_REMPLIE
    ouverte = select(liste_statuts.c.liste_id).where(place).order_by(liste_statuts.c.liste_id)
    compter = (
        update(liste_statuts)
        .where(liste_statuts.c.liste_id == ouverte.limit(1).scalar_subquery())
        .values(attribues=liste_statuts.c.attribues + 1)
        .returning(liste_statuts.c.liste_id, liste_statuts.c.taille)
    )
    rangee = session.execute(compter).first()
    if rangee is None:
        nouvelle = insert(liste_statuts).values(taille=TAILLE_LISTE, attribues=1)
        rangee = session.execute(
            nouvelle.returning(liste_statuts.c.liste_id, liste_statuts.c.taille)
        ).one()
    return rangee.liste_id, rangee.taille


def taille_liste(session: Session, liste_id: int) -> int | None:
    """Return the size of a list; None for an unknown one."""
    question = select(liste_statuts.c.taille).where(liste_statuts.c.liste_id == liste_id)
    return session.scalar(question)


def statuts_de_la_liste(session: Session, liste_id: int) -> list[tuple[int, StatutCode]]:
    """Return the indices that are not valid, with their state."""
    question = (
        select(indice_statut.c.indice, indice_statut.c.retire_le, carte.c.statut)
        .select_from(indice_statut.outerjoin(carte, carte.c.carte_id == indice_statut.c.carte_id))
        .where(indice_statut.c.liste_id == liste_id)
    )
    trouves: list[tuple[int, StatutCode]] = []
    for indice, retire_le, statut in session.execute(question):
        code = (
            StatutCode.INVALIDE
            if retire_le is not None or statut is None
            else statut_du_code(statut)
        )
        if code is not StatutCode.VALIDE:
            trouves.append((indice, code))
    return trouves


def cartes_sans_code(session: Session, *, jour: date, limite: int) -> list[Carte]:
    """Return valid cards that bear no signed code yet, locked: those older than the keys."""
    question = (
        select(Carte)
        .where(carte.c.code == "", carte.c.echeance >= jour, carte.c.numero.is_not(None))
        .order_by(carte.c.carte_id)
        .limit(limite)
        .with_for_update(skip_locked=True)
    )
    return list(session.scalars(question))
