"""Tables of stockage and the queries over them. No rule lives here.

Functions that end a sentence with "locked" must be called inside a transaction; the others take a
session or the AUTOCOMMIT reader alike.
"""

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import (
    Connection,
    and_,
    delete,
    exists,
    func,
    insert,
    or_,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.orm import Session

from chassis.db import Cursor
from services.stockage.domain import (
    CleScellee,
    Espace,
    Fiche,
    GenrePiece,
    ObjetChiffre,
    Piece,
    StatutPiece,
    TypeMedia,
)
from services.stockage.persistence.tables import ESPACE, PIECE, RETENUE

Lecteur = Session | Connection
_vive = and_(RETENUE.c.piece_id == PIECE.c.piece_id, RETENUE.c.liberee_le.is_(None))
_UTILISEE = exists().where(_vive)
_AVEC_USAGE = select(PIECE, _UTILISEE.label("utilisee"))


def lire_espace(lecteur: Lecteur, compte_id: UUID, *, verrou: bool = False) -> Espace | None:
    """Find a space; locked when `verrou`, so that its counters are changed one at a time."""
    requete = select(ESPACE).where(ESPACE.c.compte_id == compte_id)
    if verrou:
        requete = requete.with_for_update()
    rangee = lecteur.execute(requete).one_or_none()
    if rangee is None:
        return None
    return Espace(
        compte_id=rangee.compte_id,
        cle=CleScellee(version=rangee.cle_version, enveloppe=rangee.cle_enveloppe),
        octets_utilises=rangee.octets_utilises,
        nombre_pieces=rangee.nombre_pieces,
    )


def creer_espace(session: Session, espace: Espace, *, maintenant: dt.datetime) -> None:
    """Add a space, or leave the one that a twin added first."""
    session.execute(
        upsert(ESPACE)
        .values(
            compte_id=espace.compte_id,
            cle_version=espace.cle.version,
            cle_enveloppe=espace.cle.enveloppe,
            octets_utilises=0,
            nombre_pieces=0,
            cree_le=maintenant,
        )
        .on_conflict_do_nothing()
    )


def compter(session: Session, compte_id: UUID, *, octets: int, pieces: int) -> None:
    """Move the counters of a space by so many bytes and documents."""
    session.execute(
        update(ESPACE)
        .where(ESPACE.c.compte_id == compte_id)
        .values(
            octets_utilises=ESPACE.c.octets_utilises + octets,
            nombre_pieces=ESPACE.c.nombre_pieces + pieces,
        )
    )


def ajouter_piece(session: Session, piece: Piece) -> None:
    """Add a document."""
    session.execute(
        insert(PIECE).values(
            piece_id=piece.piece_id,
            compte_id=piece.compte_id,
            raison="",
            deposee_le=piece.deposee_le,
            sha256_recu=piece.sha256_recu,
            **_fiche(piece.fiche),
            **_contenu(piece),
        )
    )


def changer_contenu(session: Session, piece: Piece, *, raison: str = "") -> None:
    """Write what the control of a document found: state, type, size, pages, name and object."""
    session.execute(
        update(PIECE)
        .where(PIECE.c.piece_id == piece.piece_id)
        .values(raison=raison, prochaine_tentative=None, **_contenu(piece))
    )


def changer_fiche(session: Session, piece_id: UUID, fiche: Fiche) -> None:
    """Write the fields of a document."""
    session.execute(update(PIECE).where(PIECE.c.piece_id == piece_id).values(**_fiche(fiche)))


def reporter(session: Session, piece: Piece, *, prochaine: dt.datetime) -> None:
    """Note one more failed control and when the next one may begin."""
    session.execute(
        update(PIECE)
        .where(PIECE.c.piece_id == piece.piece_id)
        .values(tentatives=piece.tentatives + 1, prochaine_tentative=prochaine)
    )


def lire_pieces(
    lecteur: Lecteur, *, compte_id: UUID, piece_ids: Sequence[UUID], verrou: bool = False
) -> dict[UUID, Piece]:
    """Find documents of a space among those ids; locked in the order of ids when `verrou`."""
    requete = _AVEC_USAGE.where(
        PIECE.c.piece_id.in_(piece_ids),
        PIECE.c.compte_id == compte_id,
        PIECE.c.retiree_le.is_(None),
    )
    if verrou:
        # One order for all, so that two calls over the same documents wait instead of dying.
        requete = requete.order_by(PIECE.c.piece_id).with_for_update(of=PIECE)
    return {rangee.piece_id: _piece(rangee) for rangee in lecteur.execute(requete)}


def lire_piece_retenue(
    lecteur: Lecteur, *, piece_id: UUID, service: str, dossier_id: str
) -> Piece | None:
    """Find a document by the live reference of a case, even if its owner deleted it."""
    # Under another name, or the EXISTS of `utilisee` would be tied to this very row.
    tenue = RETENUE.alias("tenue")
    requete = _AVEC_USAGE.join(tenue, tenue.c.piece_id == PIECE.c.piece_id).where(
        PIECE.c.piece_id == piece_id,
        tenue.c.service == service,
        tenue.c.dossier_id == dossier_id,
        tenue.c.liberee_le.is_(None),
    )
    rangee = lecteur.execute(requete).one_or_none()
    return None if rangee is None else _piece(rangee)


def lister_pieces(
    cursor: Cursor,
    *,
    compte_id: UUID,
    genre: GenrePiece | None,
    apres: tuple[dt.datetime, UUID] | None,
    limite: int,
) -> list[Piece]:
    """List a space, newest first, from after a document (its time and id): the home asks this."""
    conditions = ["compte_id = %(compte_id)s", "retiree_le IS NULL"]
    valeurs: dict[str, object] = {"compte_id": compte_id, "limite": limite}
    if genre is not None:
        conditions.append("genre = %(genre)s")
        valeurs["genre"] = genre.value
    if apres is not None:
        conditions.append("(deposee_le, piece_id) < (%(apres_le)s, %(apres_id)s)")
        valeurs["apres_le"], valeurs["apres_id"] = apres
    rangees = cursor.execute(
        "SELECT piece.*, EXISTS (SELECT FROM retenue"  # noqa: S608  (conditions are the constants above)
        " WHERE retenue.piece_id = piece.piece_id AND retenue.liberee_le IS NULL) AS utilisee"
        f" FROM piece WHERE {' AND '.join(conditions)}"
        " ORDER BY deposee_le DESC, piece_id DESC LIMIT %(limite)s",
        valeurs,
    )
    return [_piece(rangee) for rangee in rangees]


def compter_espace(cursor: Cursor, compte_id: UUID) -> tuple[int, int]:
    """Read the bytes and the documents of a space, zero for one that does not exist yet."""
    rangee = cursor.execute(
        "SELECT octets_utilises, nombre_pieces FROM espace WHERE compte_id = %(compte_id)s",
        {"compte_id": compte_id},
    ).fetchone()
    return (0, 0) if rangee is None else (rangee.octets_utilises, rangee.nombre_pieces)


def lister_attente(
    lecteur: Lecteur, *, maintenant: dt.datetime, limite: int
) -> list[tuple[Piece, Espace]]:
    """List documents whose control may be tried now, oldest first, with their space."""
    due = or_(PIECE.c.prochaine_tentative.is_(None), PIECE.c.prochaine_tentative <= maintenant)
    requete = (
        select(PIECE, ESPACE.c.cle_version, ESPACE.c.cle_enveloppe)
        .join(ESPACE, ESPACE.c.compte_id == PIECE.c.compte_id)
        .where(PIECE.c.statut == StatutPiece.EN_ANALYSE.value, due)
        .order_by(PIECE.c.deposee_le)
        .limit(limite)
    )
    return [
        (
            _piece(rangee),
            Espace(
                compte_id=rangee.compte_id,
                cle=CleScellee(version=rangee.cle_version, enveloppe=rangee.cle_enveloppe),
            ),
        )
        for rangee in lecteur.execute(requete)
    ]


def lire_en_analyse(session: Session, piece_id: UUID) -> Piece | None:
    """Find a document that still waits for its control, locked."""
    requete = (
        select(PIECE)
        .where(PIECE.c.piece_id == piece_id, PIECE.c.statut == StatutPiece.EN_ANALYSE.value)
        .with_for_update()
    )
    rangee = session.execute(requete).one_or_none()
    return None if rangee is None else _piece(rangee)


def retirer(session: Session, piece: Piece, *, maintenant: dt.datetime) -> None:
    """Take a document out of its owner's sight; without any reference its row goes too."""
    if piece.utilisee:
        session.execute(
            update(PIECE).where(PIECE.c.piece_id == piece.piece_id).values(retiree_le=maintenant)
        )
    else:
        session.execute(delete(PIECE).where(PIECE.c.piece_id == piece.piece_id))


def retenir(
    session: Session,
    *,
    service: str,
    dossier_id: str,
    compte_id: UUID,
    piece_ids: Sequence[UUID],
    maintenant: dt.datetime,
) -> None:
    """Add the references of a case; one that it holds already stays as it is."""
    requete = upsert(RETENUE).values(
        [
            {
                "service": service,
                "dossier_id": dossier_id,
                "piece_id": piece_id,
                "compte_id": compte_id,
                "retenue_le": maintenant,
            }
            for piece_id in piece_ids
        ]
    )
    session.execute(
        requete.on_conflict_do_update(
            index_elements=[RETENUE.c.service, RETENUE.c.dossier_id, RETENUE.c.piece_id],
            set_={"retenue_le": requete.excluded.retenue_le, "liberee_le": None},
            where=RETENUE.c.liberee_le.is_not(None),
        )
    )


def liberer(
    session: Session,
    *,
    service: str,
    dossier_id: str,
    compte_id: UUID,
    piece_ids: Sequence[UUID],
    maintenant: dt.datetime,
) -> list[str]:
    """Give back references of a case to documents of one account; all of them when no id is given.

    Returns: names of the objects that nothing needs any more; their rows are deleted.
    """
    filtre = and_(
        RETENUE.c.service == service,
        RETENUE.c.dossier_id == dossier_id,
        RETENUE.c.compte_id == compte_id,
        RETENUE.c.liberee_le.is_(None),
    )
    if piece_ids:
        filtre = and_(filtre, RETENUE.c.piece_id.in_(piece_ids))
    # The documents are locked first and in one order, as `lire_pieces` does.
    touchees = session.scalars(
        select(PIECE.c.piece_id)
        .join(RETENUE, RETENUE.c.piece_id == PIECE.c.piece_id)
        .where(filtre)
        .order_by(PIECE.c.piece_id)
        .with_for_update(of=PIECE)
    ).all()
    session.execute(update(RETENUE).where(filtre).values(liberee_le=maintenant))
    purge = delete(PIECE).where(
        PIECE.c.piece_id.in_(touchees), PIECE.c.retiree_le.is_not(None), ~_UTILISEE
    )
    noms = session.scalars(purge.returning(PIECE.c.objet_nom)).all()
    return [nom for nom in noms if nom is not None]


def noms_connus(lecteur: Lecteur, noms: Sequence[str]) -> set[str]:
    """Tell which of those objects a row names."""
    requete = select(PIECE.c.objet_nom).where(PIECE.c.objet_nom.in_(noms))
    return {str(nom) for (nom,) in lecteur.execute(requete)}


def compter_objets(lecteur: Lecteur) -> int:
    """Count the documents that have bytes."""
    requete = select(func.count()).select_from(PIECE).where(PIECE.c.objet_nom.is_not(None))
    return int(lecteur.execute(requete).scalar_one())


def lister_objets(lecteur: Lecteur, *, apres: UUID | None, limite: int) -> list[Piece]:
    """List documents that have bytes, in the order of ids, from after one of them."""
    requete = select(PIECE).where(PIECE.c.objet_nom.is_not(None))
    if apres is not None:
        requete = requete.where(PIECE.c.piece_id > apres)
    rangees = lecteur.execute(requete.order_by(PIECE.c.piece_id).limit(limite))
    return [_piece(rangee) for rangee in rangees]


def _fiche(fiche: Fiche) -> Mapping[str, Any]:
    return {
        "genre": fiche.genre.value,
        "libelle": fiche.libelle,
        "valide_jusqu_au": fiche.valide_jusqu_au,
    }


def _contenu(piece: Piece) -> Mapping[str, Any]:
    objet = piece.objet
    return {
        "nom_fichier": piece.nom_fichier,
        "statut": piece.statut.value,
        "type_media": None if piece.type_media is None else piece.type_media.value,
        "taille_octets": piece.taille_octets,
        "pages": piece.pages,
        "objet_nom": None if objet is None else objet.nom,
        "objet_enveloppe": None if objet is None else objet.enveloppe,
        "objet_sha256": None if objet is None else objet.sha256,
        "tentatives": piece.tentatives,
    }


def _piece(rangee: Any) -> Piece:
    objet = None
    if rangee.objet_nom is not None:
        objet = ObjetChiffre(
            nom=rangee.objet_nom,
            enveloppe=rangee.objet_enveloppe,
            sha256=rangee.objet_sha256,
            taille_octets=rangee.taille_octets,
        )
    return Piece(
        piece_id=rangee.piece_id,
        compte_id=rangee.compte_id,
        nom_fichier=rangee.nom_fichier,
        fiche=Fiche(
            genre=GenrePiece(rangee.genre),
            libelle=rangee.libelle,
            valide_jusqu_au=rangee.valide_jusqu_au,
        ),
        statut=StatutPiece(rangee.statut),
        type_media=None if rangee.type_media is None else TypeMedia(rangee.type_media),
        taille_octets=rangee.taille_octets,
        pages=rangee.pages,
        deposee_le=rangee.deposee_le,
        sha256_recu=rangee.sha256_recu,
        objet=objet,
        utilisee=bool(getattr(rangee, "utilisee", False)),
        tentatives=rangee.tentatives,
    )
