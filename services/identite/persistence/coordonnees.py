"""Contact points, the codes and links that prove them, and what an owner changes of a profile."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any, Final, NamedTuple
from uuid import UUID, uuid4

from sqlalchemy import text
from sqlalchemy.orm import Session

from services.identite.domain.code import CanalCode, Code
from services.identite.domain.coordonnees import Coordonnee, Genre

UN_CELLULAIRE: Final = "coordonnee_un_cellulaire"
UNE_FOIS: Final = "coordonnee_une_fois"

_COLONNES: Final = "id, compte_id, genre, valeur, cree_le, verifiee_le, remplace_id, echecs"


class Preferences(NamedTuple):
    """What a profile holds besides the account's own columns."""

    version: int
    moyen_prefere: str
    categories: Sequence[str]
    canaux: Sequence[str]


class LienCourriel(NamedTuple):
    """A mailed link that proves another address."""

    coordonnee_id: UUID
    recuperation_id: UUID | None
    expire_le: datetime
    utilise_le: datetime | None
    remplace_le: datetime | None


def _coordonnee(row: Any) -> Coordonnee:
    return Coordonnee(
        id=row.id,
        compte_id=row.compte_id,
        genre=Genre(row.genre),
        valeur=row.valeur,
        cree_le=row.cree_le,
        verifiee_le=row.verifiee_le,
        remplace_id=row.remplace_id,
        echecs=row.echecs,
    )


# Profile


def preferences(session: Session, compte_id: UUID) -> Preferences:
    """Read the version and the choices of an account."""
    row = session.execute(
        text("SELECT version, moyen_prefere, categories, canaux FROM compte WHERE id = :id"),
        {"id": compte_id},
    ).one()
    return Preferences(row.version, row.moyen_prefere, row.categories, row.canaux)


def noter_version(session: Session, compte_id: UUID, *, moyen_prefere: str | None = None) -> None:
    """Count a change of the profile; a later writer of the old version is refused."""
    session.execute(
        text(
            "UPDATE compte SET version = version + 1,"
            " moyen_prefere = coalesce(:moyen, moyen_prefere) WHERE id = :id"
        ),
        {"id": compte_id, "moyen": moyen_prefere},
    )


def consentir(
    session: Session,
    compte_id: UUID,
    objets: Sequence[str],
    *,
    texte_version: str,
    maintenant: datetime,
) -> None:
    """Make the register of consents say exactly `objets` from now on (IDN-22)."""
    session.execute(
        text(
            "UPDATE consentement SET retire_le = :le WHERE compte_id = :compte"
            " AND retire_le IS NULL AND objet <> ALL(:objets)"
        ),
        {"compte": compte_id, "objets": list(objets), "le": maintenant},
    )
    for objet in objets:
        session.execute(
            text(
                "INSERT INTO consentement (id, compte_id, objet, texte_version, donne_le)"
                " VALUES (:id, :compte, :objet, :version, :le)"
                " ON CONFLICT (compte_id, objet) WHERE retire_le IS NULL DO NOTHING"
            ),
            {
                "id": uuid4(),
                "compte": compte_id,
                "objet": objet,
                "version": texte_version,
                "le": maintenant,
            },
        )


# Contact points


def coordonnees(session: Session, compte_id: UUID) -> list[Coordonnee]:
    """List the contact points of an account, oldest first."""
    rows = session.execute(
        text(
            f"SELECT {_COLONNES} FROM coordonnee WHERE compte_id = :compte"  # noqa: S608
            " ORDER BY cree_le, id"
        ),
        {"compte": compte_id},
    )
    return [_coordonnee(row) for row in rows]


def coordonnee(session: Session, coordonnee_id: UUID, *, compte_id: UUID) -> Coordonnee | None:
    """Find a contact point of this account and hold it until the commit."""
    row = session.execute(
        text(
            f"SELECT {_COLONNES} FROM coordonnee WHERE id = :id"  # noqa: S608
            " AND compte_id = :compte FOR UPDATE"
        ),
        {"id": coordonnee_id, "compte": compte_id},
    ).one_or_none()
    return None if row is None else _coordonnee(row)


def ajouter(session: Session, une: Coordonnee) -> None:
    """Store a new contact point; the constraint `coordonnee_une_fois` refuses a known one."""
    session.execute(
        text(
            "INSERT INTO coordonnee (id, compte_id, genre, valeur, cree_le, verifiee_le,"
            " remplace_id) VALUES (:id, :compte, :genre, :valeur, :le, :verifiee, :remplace)"
        ),
        {
            "id": une.id,
            "compte": une.compte_id,
            "genre": une.genre.value,
            "valeur": une.valeur,
            "le": une.cree_le,
            "verifiee": une.verifiee_le,
            "remplace": une.remplace_id,
        },
    )


def retirer(session: Session, coordonnee_id: UUID) -> None:
    """Delete a contact point, with its codes and links."""
    session.execute(text("DELETE FROM coordonnee WHERE id = :id"), {"id": coordonnee_id})


def remplacantes(session: Session, coordonnee_id: UUID) -> None:
    """Delete what waits to take the place of a contact point."""
    session.execute(text("DELETE FROM coordonnee WHERE remplace_id = :id"), {"id": coordonnee_id})


def retirer_courriels(session: Session, compte_id: UUID) -> None:
    """Delete the addresses of an account that wait for their proof."""
    session.execute(
        text("DELETE FROM coordonnee WHERE compte_id = :compte AND genre = 'courriel'"),
        {"compte": compte_id},
    )


def prouver(session: Session, coordonnee_id: UUID, *, genre: Genre, maintenant: datetime) -> None:
    """Write a proof down; `coordonnee_un_cellulaire` refuses another account's cellular."""
    session.execute(
        text(
            "UPDATE coordonnee SET genre = :genre, verifiee_le = :le, remplace_id = NULL"
            " WHERE id = :id"
        ),
        {"id": coordonnee_id, "genre": genre.value, "le": maintenant},
    )


def compter_echec(session: Session, coordonnee_id: UUID) -> None:
    """Count a wrong code against a contact point, for ever."""
    session.execute(
        text("UPDATE coordonnee SET echecs = echecs + 1 WHERE id = :id"), {"id": coordonnee_id}
    )


# Codes


def ajouter_code(session: Session, code: Code) -> None:
    """Store a code; the earlier ones of its contact point are void from now on."""
    session.execute(
        text(
            "UPDATE code_verification SET remplace_le = :le WHERE coordonnee_id = :coordonnee"
            " AND remplace_le IS NULL AND utilise_le IS NULL"
        ),
        {"coordonnee": code.coordonnee_id, "le": code.cree_le},
    )
    session.execute(
        text(
            "INSERT INTO code_verification (id, coordonnee_id, session_id, canal, empreinte,"
            " cree_le, expire_le) VALUES (:id, :coordonnee, :session, :canal, :empreinte,"
            " :cree_le, :expire_le)"
        ),
        {
            "id": code.id,
            "coordonnee": code.coordonnee_id,
            "session": code.session_id,
            "canal": code.canal.value,
            "empreinte": code.empreinte,
            "cree_le": code.cree_le,
            "expire_le": code.expire_le,
        },
    )


def dernier_code(session: Session, coordonnee_id: UUID) -> Code | None:
    """Find the newest code of a contact point, which the caller holds."""
    row = (
        session.execute(
            text(
                "SELECT id, coordonnee_id, session_id, canal, empreinte, cree_le, expire_le,"
                " essais, utilise_le, remplace_le FROM code_verification"
                " WHERE coordonnee_id = :coordonnee ORDER BY cree_le DESC, id LIMIT 1"
            ),
            {"coordonnee": coordonnee_id},
        )
        .mappings()
        .one_or_none()
    )
    if row is None:
        return None
    return Code(**{**row, "canal": CanalCode(row["canal"])})


def fin_du_code(session: Session, code_id: UUID) -> datetime | None:
    """Tell when a code ends."""
    fin: datetime | None = session.scalar(
        text("SELECT expire_le FROM code_verification WHERE id = :id"), {"id": code_id}
    )
    return fin


def compter_essai(session: Session, code_id: UUID, *, utilise_le: datetime | None) -> None:
    """Count one try of a code, and its use when it was the right one."""
    session.execute(
        text("UPDATE code_verification SET essais = essais + 1, utilise_le = :le WHERE id = :id"),
        {"id": code_id, "le": utilise_le},
    )


# Limits


def retenir_envois(session: Session, cles: Sequence[bytes]) -> None:
    """Make the codes to one number, or from one network, wait for one another until the commit."""
    for cle in sorted(cles):
        session.execute(
            text("SELECT pg_advisory_xact_lock(:cle)"),
            {"cle": int.from_bytes(cle[:8], signed=True)},
        )


def envois_depuis(
    session: Session, *, numero: bytes | None = None, reseau: bytes | None = None, depuis: datetime
) -> list[datetime]:
    """List when codes were sent to a number, or asked from a network."""
    colonne = "numero" if numero is not None else "reseau"
    question = (
        f"SELECT envoye_le FROM code_envoye WHERE {colonne} = :cle"  # noqa: S608
        " AND envoye_le > :depuis"
    )
    valeurs = {"cle": numero if numero is not None else reseau, "depuis": depuis}
    return list(session.scalars(text(question), valeurs))


def noter_envoi(
    session: Session, *, numero: bytes, reseau: bytes | None, maintenant: datetime
) -> None:
    """Count a code that leaves."""
    session.execute(
        text(
            "INSERT INTO code_envoye (id, numero, reseau, envoye_le)"
            " VALUES (:id, :numero, :reseau, :le)"
        ),
        {"id": uuid4(), "numero": numero, "reseau": reseau, "le": maintenant},
    )


def depenser(session: Session, jour: date) -> int:
    """Count one code of the day. Returns: how many the city has sent that day, this one too."""
    total: int = session.execute(
        text(
            "INSERT INTO code_budget (jour, envois) VALUES (:jour, 1)"
            " ON CONFLICT (jour) DO UPDATE SET envois = code_budget.envois + 1 RETURNING envois"
        ),
        {"jour": jour},
    ).scalar_one()
    return total


# Links that prove an e-mail address


def ajouter_lien(
    session: Session,
    *,
    empreinte: bytes,
    coordonnee_id: UUID,
    recuperation_id: UUID | None,
    cree_le: datetime,
    expire_le: datetime,
) -> None:
    """Store a mailed link; earlier ones of its contact point are void."""
    session.execute(
        text(
            "UPDATE lien_courriel SET remplace_le = :le WHERE coordonnee_id = :coordonnee"
            " AND remplace_le IS NULL"
        ),
        {"coordonnee": coordonnee_id, "le": cree_le},
    )
    session.execute(
        text(
            "INSERT INTO lien_courriel (empreinte, coordonnee_id, recuperation_id, cree_le,"
            " expire_le) VALUES (:empreinte, :coordonnee, :recuperation, :cree_le, :expire_le)"
        ),
        {
            "empreinte": empreinte,
            "coordonnee": coordonnee_id,
            "recuperation": recuperation_id,
            "cree_le": cree_le,
            "expire_le": expire_le,
        },
    )


def titulaire_du_lien(session: Session, empreinte: bytes) -> UUID | None:
    """Tell whose account a link is about, so that the account is held before its rows."""
    trouve: UUID | None = session.scalar(
        text(
            "SELECT c.compte_id FROM lien_courriel l JOIN coordonnee c ON c.id = l.coordonnee_id"
            " WHERE l.empreinte = :empreinte"
        ),
        {"empreinte": empreinte},
    )
    return trouve


def lien(session: Session, empreinte: bytes) -> LienCourriel:
    """Find a link of an account that the caller holds."""
    row = session.execute(
        text(
            "SELECT coordonnee_id, recuperation_id, expire_le, utilise_le, remplace_le"
            " FROM lien_courriel WHERE empreinte = :empreinte FOR UPDATE"
        ),
        {"empreinte": empreinte},
    ).one()
    return LienCourriel(*row)


def utiliser_lien(session: Session, empreinte: bytes, *, maintenant: datetime) -> None:
    """Use a link, once."""
    session.execute(
        text("UPDATE lien_courriel SET utilise_le = :le WHERE empreinte = :empreinte"),
        {"empreinte": empreinte, "le": maintenant},
    )


def purger(session: Session, *, avant: datetime) -> int:
    """Delete codes, links and counts that ended before a time; they bound nothing any more."""
    total = 0
    for ordre in (
        "DELETE FROM code_verification WHERE expire_le < :avant",
        "DELETE FROM code_envoye WHERE envoye_le < :avant",
        "DELETE FROM code_budget WHERE jour < CAST(:avant AS date)",
        "DELETE FROM lien_courriel WHERE expire_le < :avant",
    ):
        resultat = session.execute(text(ordre), {"avant": avant})
        total += resultat.rowcount  # type: ignore[attr-defined]  # a CursorResult, for a DELETE
    return total
