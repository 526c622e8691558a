"""Reads of what one person may see."""

from chassis.db import Cursor
from services.avis.domain import (
    Abonnement,
    Canal,
    EtatEnvoi,
    Gabarit,
    Langue,
    MesAvis,
    MessageEnvoye,
)


def lire_mes_avis(cursor: Cursor, *, compte_id: str, nombre: int) -> MesAvis:
    """Read what the home shows: categories in the city's order, channels, latest messages."""
    return MesAvis(
        abonnements=_lire_abonnements(cursor, compte_id=compte_id),
        canaux=_lire_canaux(cursor, compte_id=compte_id),
        messages=_lire_messages(cursor, compte_id=compte_id, nombre=nombre),
    )


def _lire_abonnements(cursor: Cursor, *, compte_id: str) -> tuple[Abonnement, ...]:
    """List every category in the city's order, with what the person takes."""
    rows = cursor.execute(
        "SELECT c.code, c.libelle_fr, c.libelle_en, c.obligatoire,"
        " c.obligatoire OR a.compte_id IS NOT NULL AS abonne"
        " FROM categorie c LEFT JOIN abonnement a"
        " ON a.categorie = c.code AND a.compte_id = %(compte)s ORDER BY c.rang",
        {"compte": compte_id},
    )
    return tuple(
        Abonnement(
            categorie=row.code,
            libelle_fr=row.libelle_fr,
            libelle_en=row.libelle_en,
            obligatoire=row.obligatoire,
            abonne=row.abonne,
        )
        for row in rows
    )


def _lire_canaux(cursor: Cursor, *, compte_id: str) -> tuple[Canal, ...]:
    """List the channels that the person chose, in alphabetical order."""
    rows = cursor.execute(
        "SELECT canal FROM canal_choisi WHERE compte_id = %(compte)s ORDER BY canal",
        {"compte": compte_id},
    )
    return tuple(Canal(row.canal) for row in rows)


def _lire_messages(cursor: Cursor, *, compte_id: str, nombre: int) -> tuple[MessageEnvoye, ...]:
    """List the latest messages to a person, newest first."""
    rows = cursor.execute(
        "SELECT id, gabarit, langue, canal, etat, cree_le FROM envoi"
        " WHERE compte_id = %(compte)s ORDER BY cree_le DESC, id LIMIT %(nombre)s",
        {"compte": compte_id, "nombre": nombre},
    )
    return tuple(
        MessageEnvoye(
            id=row.id,
            gabarit=Gabarit(row.gabarit),
            langue=Langue(row.langue),
            canal=Canal(row.canal),
            etat=EtatEnvoi(row.etat),
            cree_le=row.cree_le,
        )
        for row in rows
    )
