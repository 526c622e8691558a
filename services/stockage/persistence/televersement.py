"""Uploads that can be taken up again, and their segments. No rule lives here."""

import datetime as dt
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    Date,
    DateTime,
    LargeBinary,
    MetaData,
    Table,
    Text,
    Uuid,
    and_,
    delete,
    func,
    insert,
    select,
    update,
)
from sqlalchemy.orm import Session

from services.stockage.domain import Fiche, GenrePiece, ObjetChiffre
from services.stockage.domain.televersement import Segment, Televersement

Lecteur = Session | Connection
_meta = MetaData()
_instant = DateTime(timezone=True)

TELEVERSEMENT = Table(
    "televersement",
    _meta,
    Column("televersement_id", Uuid, primary_key=True),
    Column("compte_id", Uuid),
    Column("nom_fichier", Text),
    Column("genre", Text),
    Column("libelle", Text),
    Column("valide_jusqu_au", Date),
    Column("taille_octets", BigInteger),
    Column("recus_octets", BigInteger),
    Column("remplace_piece_id", Uuid),
    Column("piece_id", Uuid),
    Column("raison", Text),
    Column("modifie_le", _instant),
    Column("expire_le", _instant),
)
SEGMENT = Table(
    "segment",
    _meta,
    Column("televersement_id", Uuid, primary_key=True),
    Column("debut", BigInteger, primary_key=True),
    Column("taille_octets", BigInteger),
    Column("objet_nom", Text),
    Column("objet_enveloppe", LargeBinary),
    Column("objet_sha256", LargeBinary),
)
_OUVERT = and_(TELEVERSEMENT.c.piece_id.is_(None), TELEVERSEMENT.c.raison == "")


def ajouter(session: Session, televersement: Televersement, *, maintenant: dt.datetime) -> None:
    """Add an upload."""
    session.execute(
        insert(TELEVERSEMENT).values(
            televersement_id=televersement.televersement_id,
            compte_id=televersement.compte_id,
            nom_fichier=televersement.nom_fichier,
            **_champs(televersement.fiche),
            remplace_piece_id=televersement.remplace,
            taille_octets=televersement.taille_octets,
            recus_octets=0,
            raison="",
            modifie_le=maintenant,
            expire_le=televersement.expire_le,
        )
    )


def compter_ouverts(
    lecteur: Lecteur, compte_id: UUID, *, maintenant: dt.datetime
) -> tuple[int, int]:
    """Count the open uploads of an account and the bytes that they were announced to hold."""
    requete = select(func.count(), func.coalesce(func.sum(TELEVERSEMENT.c.taille_octets), 0)).where(
        TELEVERSEMENT.c.compte_id == compte_id, TELEVERSEMENT.c.expire_le > maintenant, _OUVERT
    )
    nombre, octets = lecteur.execute(requete).one()
    return int(nombre), int(octets)


def lire(
    lecteur: Lecteur,
    *,
    compte_id: UUID,
    televersement_id: UUID,
    maintenant: dt.datetime,
    verrou: bool = False,
) -> Televersement | None:
    """Find an upload of an account that has not expired; locked when `verrou`."""
    requete = select(TELEVERSEMENT).where(
        TELEVERSEMENT.c.televersement_id == televersement_id,
        TELEVERSEMENT.c.compte_id == compte_id,
        TELEVERSEMENT.c.expire_le > maintenant,
    )
    if verrou:
        requete = requete.with_for_update()
    rangee = lecteur.execute(requete).one_or_none()
    return None if rangee is None else _televersement(rangee)


def avancer(
    session: Session,
    televersement: Televersement,
    segment: Segment,
    *,
    maintenant: dt.datetime,
    expire_le: dt.datetime,
) -> None:
    """Add a segment at the end of an upload."""
    session.execute(
        insert(SEGMENT).values(
            televersement_id=televersement.televersement_id,
            debut=segment.debut,
            taille_octets=segment.objet.taille_octets,
            objet_nom=segment.objet.nom,
            objet_enveloppe=segment.objet.enveloppe,
            objet_sha256=segment.objet.sha256,
        )
    )
    session.execute(
        update(TELEVERSEMENT)
        .where(TELEVERSEMENT.c.televersement_id == televersement.televersement_id)
        .values(
            recus_octets=segment.debut + segment.objet.taille_octets,
            modifie_le=maintenant,
            expire_le=expire_le,
        )
    )


def lister_segments(lecteur: Lecteur, televersement_id: UUID) -> list[Segment]:
    """List the segments of an upload, in order."""
    requete = (
        select(SEGMENT)
        .where(SEGMENT.c.televersement_id == televersement_id)
        .order_by(SEGMENT.c.debut)
    )
    return [_segment(rangee) for rangee in lecteur.execute(requete)]


def conclure(
    session: Session, televersement_id: UUID, *, piece_id: UUID | None = None, raison: str = ""
) -> list[str]:
    """Write how an upload ended and forget its segments. Returns: names of their objects."""
    session.execute(
        update(TELEVERSEMENT)
        .where(TELEVERSEMENT.c.televersement_id == televersement_id, _OUVERT)
        .values(piece_id=piece_id, raison=raison)
    )
    purge = delete(SEGMENT).where(SEGMENT.c.televersement_id == televersement_id)
    return list(session.scalars(purge.returning(SEGMENT.c.objet_nom)))


def lister_entiers(lecteur: Lecteur, *, avant: dt.datetime, limite: int) -> list[tuple[UUID, UUID]]:
    """List uploads that are whole since then and have no end: account and id, oldest first."""
    requete = (
        select(TELEVERSEMENT.c.compte_id, TELEVERSEMENT.c.televersement_id)
        .where(
            _OUVERT,
            TELEVERSEMENT.c.recus_octets == TELEVERSEMENT.c.taille_octets,
            TELEVERSEMENT.c.modifie_le < avant,
        )
        .order_by(TELEVERSEMENT.c.modifie_le)
        .limit(limite)
    )
    return [(compte_id, un_id) for compte_id, un_id in lecteur.execute(requete)]


def lister_expires(lecteur: Lecteur, *, maintenant: dt.datetime, limite: int) -> list[UUID]:
    """List uploads whose time is over."""
    requete = (
        select(TELEVERSEMENT.c.televersement_id)
        .where(TELEVERSEMENT.c.expire_le <= maintenant)
        .order_by(TELEVERSEMENT.c.expire_le)
        .limit(limite)
    )
    return list(lecteur.execute(requete).scalars())


def effacer(session: Session, televersement_ids: Sequence[UUID]) -> list[str]:
    """Delete uploads and their segments. Returns: names of the objects of those."""
    # The rows first: a segment that is being added waits for this lock and then finds nothing.
    session.execute(
        select(TELEVERSEMENT.c.televersement_id)
        .where(TELEVERSEMENT.c.televersement_id.in_(televersement_ids))
        .order_by(TELEVERSEMENT.c.televersement_id)
        .with_for_update()
    )
    purge = delete(SEGMENT).where(SEGMENT.c.televersement_id.in_(televersement_ids))
    noms = list(session.scalars(purge.returning(SEGMENT.c.objet_nom)))
    session.execute(
        delete(TELEVERSEMENT).where(TELEVERSEMENT.c.televersement_id.in_(televersement_ids))
    )
    return noms


def noms_connus(lecteur: Lecteur, noms: Sequence[str]) -> set[str]:
    """Tell which of those objects are segments."""
    requete = select(SEGMENT.c.objet_nom).where(SEGMENT.c.objet_nom.in_(noms))
    return set(lecteur.execute(requete).scalars())


def _champs(fiche: Fiche | None) -> dict[str, Any]:
    if fiche is None:
        return {"genre": "", "libelle": "", "valide_jusqu_au": None}
    return {
        "genre": fiche.genre.value,
        "libelle": fiche.libelle,
        "valide_jusqu_au": fiche.valide_jusqu_au,
    }


def _televersement(rangee: Any) -> Televersement:
    fiche = None
    if rangee.genre:
        fiche = Fiche(
            genre=GenrePiece(rangee.genre),
            libelle=rangee.libelle,
            valide_jusqu_au=rangee.valide_jusqu_au,
        )
    return Televersement(
        televersement_id=rangee.televersement_id,
        compte_id=rangee.compte_id,
        nom_fichier=rangee.nom_fichier,
        fiche=fiche,
        remplace=rangee.remplace_piece_id,
        taille_octets=rangee.taille_octets,
        recus_octets=rangee.recus_octets,
        expire_le=rangee.expire_le,
        piece_id=rangee.piece_id,
        raison=rangee.raison,
    )


def _segment(rangee: Any) -> Segment:
    return Segment(
        debut=rangee.debut,
        objet=ObjetChiffre(
            nom=rangee.objet_nom,
            enveloppe=rangee.objet_enveloppe,
            sha256=rangee.objet_sha256,
            taille_octets=rangee.taille_octets,
        ),
    )
