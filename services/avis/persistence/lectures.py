"""Reads of what one person may see."""

from sqlalchemy import Connection, text

from services.avis.domain import (
    Abonnement,
    Canal,
    EtatEnvoi,
    Gabarit,
    Langue,
    MesAvis,
    MessageEnvoye,
)


def lire_mes_avis(connection: Connection, *, compte_id: str, nombre: int) -> MesAvis:
    """Read what the home shows: categories in the city's order, channels, latest messages."""
    return MesAvis(
        abonnements=_lire_abonnements(connection, compte_id=compte_id),
        canaux=_lire_canaux(connection, compte_id=compte_id),
        messages=_lire_messages(connection, compte_id=compte_id, nombre=nombre),
    )


def _lire_abonnements(connection: Connection, *, compte_id: str) -> tuple[Abonnement, ...]:
    """List every category in the city's order, with what the person takes."""
    rows = connection.execute(
        text(
            "SELECT c.code, c.libelle_fr, c.libelle_en, c.obligatoire,"
            " c.obligatoire OR a.compte_id IS NOT NULL AS abonne"
            " FROM categorie c LEFT JOIN abonnement a"
            " ON a.categorie = c.code AND a.compte_id = :compte ORDER BY c.rang"
        ),
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


def _lire_canaux(connection: Connection, *, compte_id: str) -> tuple[Canal, ...]:
    """List the channels that the person chose, in alphabetical order."""
    valeurs = connection.scalars(
        text("SELECT canal FROM canal_choisi WHERE compte_id = :compte ORDER BY canal"),
        {"compte": compte_id},
    )
    return tuple(Canal(valeur) for valeur in valeurs)


def _lire_messages(
    connection: Connection, *, compte_id: str, nombre: int
) -> tuple[MessageEnvoye, ...]:
    """List the latest messages to a person, newest first."""
    rows = connection.execute(
        text(
            "SELECT id, gabarit, langue, canal, etat, cree_le FROM envoi"
            " WHERE compte_id = :compte ORDER BY cree_le DESC, id LIMIT :nombre"
        ),
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
