"""Delegations: who may act for whom, and for whom a session acts."""

from datetime import datetime
from typing import Any, Final, NamedTuple
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    Column,
    DateTime,
    MetaData,
    Row,
    Table,
    Text,
    Uuid,
    and_,
    func,
    or_,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from services.identite.domain import GenreMandat, Mandat
from services.identite.persistence import COMPTE, SESSION

_INSTANT: Final = DateTime(timezone=True)

MANDAT: Final = Table(
    "mandat",
    MetaData(),
    Column("id", Uuid, primary_key=True),
    Column("mandant_id", Uuid),
    Column("mandataire_id", Uuid),
    Column("invite_plie", Text),
    Column("genre", Text),
    Column("motif", Text),
    Column("portee", ARRAY(Text)),
    Column("propose_le", _INSTANT),
    Column("accepte_le", _INSTANT),
    Column("fin_le", _INSTANT),
    Column("termine_le", _INSTANT),
    Column("termine_par", Uuid),
)


class MandatLu(NamedTuple):
    """A delegation with the names of both sides; the second is "" until somebody accepts."""

    mandat: Mandat
    mandant: str
    mandataire: str


def ajouter(session: Session, mandat: Mandat) -> None:
    """Store a delegation."""
    session.execute(
        insert(MANDAT).values(
            id=mandat.id,
            mandant_id=mandat.mandant_id,
            mandataire_id=mandat.mandataire_id,
            invite_plie=mandat.invite_plie,
            genre=mandat.genre.value,
            motif=mandat.motif,
            portee=sorted(mandat.portee),
            propose_le=mandat.propose_le,
            accepte_le=mandat.accepte_le,
            fin_le=mandat.fin_le,
        )
    )


def mandat(session: Session, mandat_id: UUID) -> Mandat | None:
    """Find a delegation and hold it until the commit."""
    ligne = session.execute(
        select(MANDAT).where(MANDAT.c.id == mandat_id).with_for_update()
    ).one_or_none()
    return None if ligne is None else _mandat(ligne)


def mandats_de(session: Session, compte_id: UUID, courriel_plie: str) -> list[MandatLu]:
    """List what an account gave, received or is invited to, the newest first."""
    donneur, preneur = COMPTE.alias("donneur"), COMPTE.alias("preneur")
    question = (
        select(
            MANDAT,
            func.concat_ws(" ", donneur.c.prenom, donneur.c.nom).label("nom_mandant"),
            func.concat_ws(" ", preneur.c.prenom, preneur.c.nom).label("nom_mandataire"),
        )
        .join(donneur, donneur.c.id == MANDAT.c.mandant_id)
        .outerjoin(preneur, preneur.c.id == MANDAT.c.mandataire_id)
        .where(
            or_(
                MANDAT.c.mandant_id == compte_id,
                MANDAT.c.mandataire_id == compte_id,
                and_(MANDAT.c.invite_plie == courriel_plie, MANDAT.c.accepte_le.is_(None)),
            ),
            MANDAT.c.genre != GenreMandat.GUICHET.value,
        )
        .order_by(MANDAT.c.propose_le.desc(), MANDAT.c.id)
    )
    return [
        MandatLu(_mandat(ligne), ligne.nom_mandant, ligne.nom_mandataire)
        for ligne in session.execute(question)
    ]


def donnes_en_cours(session: Session, mandant_id: UUID, maintenant: datetime) -> int:
    """Count what an account gave and has not ended."""
    question = select(func.count()).where(
        MANDAT.c.mandant_id == mandant_id,
        MANDAT.c.termine_le.is_(None),
        MANDAT.c.fin_le > maintenant,
        MANDAT.c.genre == GenreMandat.MANDAT.value,
    )
    return session.scalar(question) or 0


def accepter(session: Session, mandat_id: UUID, mandataire_id: UUID, maintenant: datetime) -> None:
    """Write that the guest accepted; the typed e-mail is needed no more."""
    session.execute(
        update(MANDAT)
        .where(MANDAT.c.id == mandat_id)
        .values(mandataire_id=mandataire_id, accepte_le=maintenant, invite_plie="")
    )


def terminer(session: Session, mandat_id: UUID, par: UUID, maintenant: datetime) -> None:
    """Write the end; sessions that act by it act for their owners again."""
    session.execute(
        update(MANDAT)
        .where(MANDAT.c.id == mandat_id)
        .values(termine_le=maintenant, termine_par=par, invite_plie="")
    )
    session.execute(update(SESSION).where(SESSION.c.mandat_id == mandat_id).values(mandat_id=None))


def agir(session: Session, session_id: UUID, compte_id: UUID, mandat_id: UUID | None) -> bool:
    """Write for whom a session acts; False when the account has no such session."""
    ordre = (
        update(SESSION)
        .where(SESSION.c.id == session_id, SESSION.c.compte_id == compte_id)
        .values(mandat_id=mandat_id)
    )
    return session.execute(ordre.returning(SESSION.c.id)).one_or_none() is not None


def mandat_de_session(session: Session, session_id: UUID) -> UUID | None:
    """Tell by which delegation a session acts."""
    return session.scalar(select(SESSION.c.mandat_id).where(SESSION.c.id == session_id))


def _mandat(ligne: Row[Any]) -> Mandat:
    return Mandat(
        id=ligne.id,
        mandant_id=ligne.mandant_id,
        mandataire_id=ligne.mandataire_id,
        invite_plie=ligne.invite_plie,
        genre=GenreMandat(ligne.genre),
        motif=ligne.motif,
        portee=frozenset(ligne.portee),
        propose_le=ligne.propose_le,
        accepte_le=ligne.accepte_le,
        fin_le=ligne.fin_le,
        termine_le=ligne.termine_le,
    )
