"""Plain reads, for an AUTOCOMMIT connection.

Each asks a number of statements that does not depend on the number of rows.
"""

import base64
import binascii
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import (
    Engine,
    Table,
    and_,
    bindparam,
    func,
    select,
    tuple_,
)
from sqlalchemy.dialects import postgresql
from sqlalchemy.orm import Session, selectinload

from chassis.db import plain
from services.cartes.domain import (
    DEMANDE_OUVERTE,
    Carte,
    CarteIntrouvable,
    Demande,
    DemandeIntrouvable,
    DonneesInvalides,
    Lien,
    PieceJustificative,
    StatutDemande,
    Titulaire,
)
from services.cartes.persistence.tables import carte, demande, lien, piece

TOTAL_COMPTE = 1000
"""Staff see an exact number of requests up to here; beyond, counting would grow with the queue."""


def identifiant(texte: str, inconnu: type[Exception]) -> UUID:
    """Read an id that a client sent; one that cannot be an id is simply unknown.

    Raises: `inconnu`.
    """
    try:
        return UUID(texte)
    except ValueError as error:
        raise inconnu from error


class CarteLue(NamedTuple):
    """A card as its holder sees it, with its open request when there is one."""

    carte: Carte
    demande: Demande | None


_CARTES = (
    select(carte, demande, piece)
    .select_from(
        carte.outerjoin(
            demande,
            and_(demande.c.carte_id == carte.c.carte_id, demande.c.statut.in_(DEMANDE_OUVERTE)),
        ).outerjoin(piece, piece.c.demande_id == demande.c.demande_id)
    )
    .order_by(carte.c.demandee_le.desc(), carte.c.carte_id, piece.c.role)
)


_DIALECTE = postgresql.psycopg.dialect()  # type: ignore[no-untyped-call]
_CARTES_DU_COMPTE = _CARTES.where(carte.c.compte_id == bindparam("compte_id", "")).compile(
    dialect=_DIALECTE, compile_kwargs={"render_postcompile": True}
)
# Each column with what its type makes of the driver's value: enums are kept by their names.
_COLONNES = tuple(
    (column, column.type.result_processor(_DIALECTE, None)) for column in _CARTES.selected_columns
)


def cartes_du_compte(lecture: Engine, compte_id: str) -> list[CarteLue]:
    """Return the account's cards, newest first, in one plain read: the home page asks this."""
    with plain(lecture) as cursor:
        parameters = {**_CARTES_DU_COMPTE.params, "compte_id": compte_id}
        rows = cursor.execute(_CARTES_DU_COMPTE.string, parameters).fetchall()
    return _assembler(
        [
            {
                column: valeur if lire is None else lire(valeur)
                for (column, lire), valeur in zip(_COLONNES, row, strict=True)
            }
            for row in rows
        ]
    )


def carte_du_compte(session: Session, compte_id: str, carte_id: UUID) -> CarteLue:
    """Return one card of the account.

    Raises: CarteIntrouvable, also for somebody else's card.
    """
    question = _CARTES.where(carte.c.compte_id == compte_id, carte.c.carte_id == carte_id)
    lues = _assembler(session.execute(question).mappings().all())
    if not lues:
        raise CarteIntrouvable
    return lues[0]


def _assembler(rows: Sequence[Mapping[Any, Any]]) -> list[CarteLue]:
    lues: dict[UUID, CarteLue] = {}
    for valeurs in rows:
        carte_id = valeurs[carte.c.carte_id]
        if carte_id not in lues:
            lues[carte_id] = CarteLue(
                Carte(**_attributs(valeurs, carte, sans=set())), _demande_lue(valeurs)
            )
        ouverte = lues[carte_id].demande
        if ouverte is not None:
            ouverte.pieces.append(
                PieceJustificative(**_attributs(valeurs, piece, sans={"demande_id"}))
            )
    return list(lues.values())


def _demande_lue(valeurs: Any) -> Demande | None:
    if valeurs[demande.c.demande_id] is None:
        return None
    champs = Titulaire.__dataclass_fields__.keys()
    titulaire = Titulaire(**{champ: valeurs[demande.c[champ]] for champ in champs})
    return Demande(titulaire=titulaire, **_attributs(valeurs, demande, sans=set(champs)))


def _attributs(valeurs: Any, table: Table, *, sans: set[str]) -> dict[str, Any]:
    return {column.name: valeurs[column] for column in table.c if column.name not in sans}


def carte_par_id(session: Session, carte_id: UUID) -> Carte | None:
    """Return a card whoever holds it: the caller checks who asks."""
    return session.scalar(select(Carte).where(carte.c.carte_id == carte_id))


def lien_par_empreinte(session: Session, empreinte: bytes) -> Lien | None:
    """Return a mailed link by the SHA-256 of its secret."""
    return session.scalar(select(Lien).where(lien.c.empreinte == empreinte))


def demande_lue(session: Session, demande_id: UUID) -> Demande:
    """Return a request with its proofs.

    Raises: DemandeIntrouvable.
    """
    trouvee = session.scalar(select(Demande).where(demande.c.demande_id == demande_id))
    if trouvee is None:
        raise DemandeIntrouvable
    return trouvee


class PageDemandes(NamedTuple):
    """A page of the queue; `total` is exact up to TOTAL_COMPTE."""

    demandes: list[Demande]
    suivante: str
    total: int


def page_demandes(
    session: Session, statut: StatutDemande, *, taille: int, curseur: str
) -> PageDemandes:
    """Return one page of requests in that state, oldest first: three statements in all.

    Raises: DonneesInvalides for a cursor that this function did not make.
    """
    question = (
        select(Demande)
        .where(demande.c.statut == statut)
        .order_by(demande.c.deposee_le, demande.c.demande_id)
        .limit(taille + 1)
        .options(selectinload(Demande.pieces))  # type: ignore[arg-type]  # mapped imperatively
    )
    if curseur:
        question = question.where(
            tuple_(demande.c.deposee_le, demande.c.demande_id) > _lire_curseur(curseur)
        )
    trouvees = list(session.scalars(question).all())
    bornee = select(1).where(demande.c.statut == statut).limit(TOTAL_COMPTE).subquery()
    total = session.scalar(select(func.count()).select_from(bornee)) or 0
    page = trouvees[:taille]
    suivante = _curseur(page[-1]) if len(trouvees) > taille else ""
    return PageDemandes(page, suivante, total)


def _curseur(derniere: Demande) -> str:
    texte = f"{derniere.deposee_le.isoformat()}|{derniere.demande_id}"
    return base64.urlsafe_b64encode(texte.encode()).decode()


def _lire_curseur(curseur: str) -> tuple[datetime, UUID]:
    try:
        instant, _, ident = base64.urlsafe_b64decode(curseur).decode().partition("|")
        return datetime.fromisoformat(instant), UUID(ident)
    except (binascii.Error, UnicodeError, ValueError) as error:
        raise DonneesInvalides({"page_token": "FORMAT_INVALIDE"}) from error
