"""Who on the staff has which role, and who gave or took it."""

from datetime import datetime
from typing import Final, NamedTuple
from uuid import UUID, uuid4

from sqlalchemy import (
    ARRAY,
    Boolean,
    Column,
    DateTime,
    MetaData,
    Table,
    Text,
    Uuid,
    cast,
    func,
    select,
)
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from services.identite.domain import StatutCompte
from services.identite.persistence import COMPTE

ATTRIBUTION: Final = Table(
    "attribution",
    MetaData(),
    Column("id", Uuid, primary_key=True),
    Column("compte_id", Uuid),
    Column("role", Text),
    Column("donne", Boolean),
    Column("par", Uuid),
    Column("motif", Text),
    Column("fait_le", DateTime(timezone=True)),
)


class MembreLu(NamedTuple):
    """A member of staff as the matrix shows them."""

    id: UUID
    prenom: str
    nom: str
    courriel: str
    roles: list[str]


class AttributionLue(NamedTuple):
    """A line of the journal of roles."""

    compte_id: UUID
    role: str
    donne: bool
    par: UUID
    motif: str
    fait_le: datetime


def noter(
    session: Session,
    *,
    compte_id: UUID,
    quoi: str,
    donne: bool,
    par: UUID,
    motif: str,
    maintenant: datetime,
) -> None:
    """Write down what was given to, or taken from, an account, and why."""
    session.execute(
        insert(ATTRIBUTION).values(
            id=uuid4(),
            compte_id=compte_id,
            role=quoi,
            donne=donne,
            par=par,
            motif=motif,
            fait_le=maintenant,
        )
    )


def personnel(session: Session, roles: list[str]) -> list[MembreLu]:
    """List who has any of these roles, by name."""
    question = (
        select(COMPTE.c.id, COMPTE.c.prenom, COMPTE.c.nom, COMPTE.c.courriel, COMPTE.c.roles)
        .where(
            COMPTE.c.roles.op("&&")(cast(roles, ARRAY(Text))), func.cardinality(COMPTE.c.roles) > 1
        )
        .order_by(COMPTE.c.nom, COMPTE.c.prenom, COMPTE.c.id)
    )
    return [MembreLu._make(ligne) for ligne in session.execute(question)]


def journal(session: Session, nombre: int) -> list[AttributionLue]:
    """List the latest changes."""
    t = ATTRIBUTION.c
    question = (
        select(t.compte_id, t.role, t.donne, t.par, t.motif, t.fait_le)
        .order_by(t.fait_le.desc(), t.id)
        .limit(nombre)
    )
    return [AttributionLue._make(ligne) for ligne in session.execute(question)]


def porteurs_tenus(session: Session, role: str) -> frozenset[UUID]:
    """Give the active accounts that have a role, and hold them until the commit."""
    tenus = (
        select(COMPTE.c.id)
        .where(
            COMPTE.c.roles.op("@>")(cast([role], ARRAY(Text))),
            COMPTE.c.statut == StatutCompte.ACTIF,
        )
        .order_by(COMPTE.c.id)
        .with_for_update()
    )
    return frozenset(session.scalars(tenus))
