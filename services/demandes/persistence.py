"""Tables of the catalogue, and its list."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import text
from sqlalchemy.orm import Session

from chassis.db import Cursor
from services.demandes.domain import (
    Theme,
    TypeDemande,
    TypePublie,
    cle_de_tri,
    texte_de_recherche,
)

# Where a page ends: rank of the theme, code of the theme, sort key, code of the type.
Position = tuple[int, str, str, str]


def ecrire_theme(session: Session, theme: Theme) -> None:
    """Write a theme as the catalogue has it now."""
    session.execute(
        text(
            "INSERT INTO theme (code, rang, titre_fr, titre_en)"
            " VALUES (:code, :rang, :titre_fr, :titre_en) ON CONFLICT (code) DO UPDATE"
            " SET rang = excluded.rang, titre_fr = excluded.titre_fr, titre_en = excluded.titre_en"
        ),
        {
            "code": theme.code,
            "rang": theme.rang,
            "titre_fr": theme.titre_fr,
            "titre_en": theme.titre_en,
        },
    )


def ecrire_type(
    session: Session, type_demande: TypeDemande, *, theme: Theme, maintenant: datetime
) -> bool:
    """Write a type as the catalogue has it now.

    Returns: True when it was not published before: new, or back after it had been withdrawn.
    """
    publie = session.scalar(
        text("SELECT true FROM type_demande WHERE code = :code AND retire_le IS NULL"),
        {"code": type_demande.code},
    )
    session.execute(
        text(
            "INSERT INTO type_demande (code, theme, titre_fr, titre_en, description_fr,"
            " description_en, compte_requis, recherche, tri, publie_le)"
            " VALUES (:code, :theme, :titre_fr, :titre_en, :description_fr, :description_en,"
            " :compte_requis, :recherche, :tri, :maintenant)"
            " ON CONFLICT (code) DO UPDATE SET theme = excluded.theme,"
            " titre_fr = excluded.titre_fr, titre_en = excluded.titre_en,"
            " description_fr = excluded.description_fr, description_en = excluded.description_en,"
            " compte_requis = excluded.compte_requis, recherche = excluded.recherche,"
            " tri = excluded.tri, retire_le = NULL"
        ),
        {
            "code": type_demande.code,
            "theme": type_demande.theme,
            "titre_fr": type_demande.titre_fr,
            "titre_en": type_demande.titre_en,
            "description_fr": type_demande.description_fr,
            "description_en": type_demande.description_en,
            "compte_requis": type_demande.compte_requis,
            "recherche": texte_de_recherche(type_demande, theme),
            "tri": cle_de_tri(type_demande.titre_fr),
            "maintenant": maintenant,
        },
    )
    return publie is None


def verrouiller_catalogue(session: Session) -> None:
    """Let one loader at a time change the catalogue."""
    session.execute(text("LOCK TABLE theme IN SHARE ROW EXCLUSIVE MODE"))


def retirer_types(session: Session, *, gardes: Sequence[str], maintenant: datetime) -> list[str]:
    """Withdraw the types that the catalogue no longer has; requests made keep pointing at them."""
    return list(
        session.scalars(
            text(
                "UPDATE type_demande SET retire_le = :maintenant"
                " WHERE retire_le IS NULL AND code <> ALL(:gardes) RETURNING code"
            ),
            {"maintenant": maintenant, "gardes": list(gardes)},
        )
    )


def lire_types(
    cursor: Cursor, *, mots: Sequence[str], apres: Position | None, limite: int
) -> list[tuple[TypePublie, Position]]:
    """List published types, theme then title, that have words beginning with each of `mots`."""
    conditions = ["d.retire_le IS NULL"]
    valeurs: dict[str, object] = {"limite": limite}
    for numero, mot in enumerate(mots):
        # Folded words are letters and digits only: nothing to escape in the pattern.
        conditions.append(f"d.recherche LIKE %(mot{numero})s")
        valeurs[f"mot{numero}"] = f"% {mot}%"
    if apres is not None:
        conditions.append(
            "(t.rang, t.code, d.tri, d.code) > (%(a_rang)s, %(a_theme)s, %(a_tri)s, %(a_code)s)"
        )
        valeurs |= dict(zip(("a_rang", "a_theme", "a_tri", "a_code"), apres, strict=True))
    rows = cursor.execute(
        "SELECT d.*, t.rang, t.titre_fr AS theme_fr, t.titre_en AS theme_en"  # noqa: S608
        " FROM type_demande d JOIN theme t ON t.code = d.theme"
        f" WHERE {' AND '.join(conditions)}"
        " ORDER BY t.rang, t.code, d.tri, d.code LIMIT %(limite)s",
        valeurs,
    )
    return [
        (
            TypePublie(
                type_demande=TypeDemande(
                    code=row.code,
                    theme=row.theme,
                    titre_fr=row.titre_fr,
                    titre_en=row.titre_en,
                    description_fr=row.description_fr,
                    description_en=row.description_en,
                    mots_cles=(),
                    compte_requis=row.compte_requis,
                ),
                theme=Theme(
                    code=row.theme, rang=row.rang, titre_fr=row.theme_fr, titre_en=row.theme_en
                ),
            ),
            (row.rang, row.theme, row.tri, row.code),
        )
        for row in rows
    ]
