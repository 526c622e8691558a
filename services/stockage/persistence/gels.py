"""Legal holds."""

import datetime as dt
from typing import Any
from uuid import UUID

from sqlalchemy import exists, insert, select, update
from sqlalchemy.orm import Session

from services.stockage.domain import Gel
from services.stockage.persistence.rangees import Lecteur
from services.stockage.persistence.tables import GEL


def ajouter_gel(session: Session, gel: Gel) -> None:
    """Add a hold."""
    session.execute(
        insert(GEL).values(
            gel_id=gel.gel_id,
            compte_id=gel.compte_id,
            document_id=gel.document_id,
            motif=gel.motif,
            sans_avis=gel.sans_avis,
            pose_par=gel.pose_par,
            pose_le=gel.pose_le,
        )
    )


def lire_gel(lecteur: Lecteur, gel_id: UUID, *, verrou: bool = False) -> Gel | None:
    """Find a hold; locked when `verrou`."""
    requete = select(GEL).where(GEL.c.gel_id == gel_id)
    if verrou:
        requete = requete.with_for_update()
    rangee = lecteur.execute(requete).one_or_none()
    return None if rangee is None else _gel(rangee)


def lever_gel(
    session: Session, gel_id: UUID, *, leve_par: UUID, motif: str, maintenant: dt.datetime
) -> None:
    """Write the end of a hold."""
    session.execute(
        update(GEL)
        .where(GEL.c.gel_id == gel_id)
        .values(leve_par=leve_par, leve_le=maintenant, motif_levee=motif)
    )


def lister_gels(lecteur: Lecteur, compte_id: UUID) -> list[Gel]:
    """List the holds of an account, newest first, ended ones included."""
    requete = (
        select(GEL).where(GEL.c.compte_id == compte_id).order_by(GEL.c.pose_le.desc(), GEL.c.gel_id)
    )
    return [_gel(rangee) for rangee in lecteur.execute(requete)]


def compte_gele(lecteur: Lecteur, compte_id: UUID) -> bool:
    """Tell whether a whole space is held."""
    vif = exists().where(
        GEL.c.compte_id == compte_id, GEL.c.document_id.is_(None), GEL.c.leve_le.is_(None)
    )
    return bool(lecteur.scalar(select(vif)))


def _gel(rangee: Any) -> Gel:
    return Gel(
        gel_id=rangee.gel_id,
        compte_id=rangee.compte_id,
        document_id=rangee.document_id,
        motif=rangee.motif,
        sans_avis=rangee.sans_avis,
        pose_par=rangee.pose_par,
        pose_le=rangee.pose_le,
        leve_par=rangee.leve_par,
        leve_le=rangee.leve_le,
        motif_levee=rangee.motif_levee,
    )
