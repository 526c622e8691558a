"""Links to accounts of other systems, imported contacts, Espace Famille."""

from datetime import date, datetime
from typing import Final, NamedTuple
from uuid import UUID, uuid4

from sqlalchemy import Engine, text
from sqlalchemy.orm import Session

from chassis.db import plain
from services.identite.domain import Compte
from services.identite.domain.ponts import EtatLiaison, Personne, Source


class Liaison(NamedTuple):
    """An account of another system, and how it stands to one of ours."""

    id: UUID
    source: str
    reference: str
    courriel_plie: str
    prenom: str
    nom: str
    date_naissance: date | None
    compte_id: UUID | None
    etat: str
    ouvert: bool
    change_le: datetime

    @property
    def personne(self) -> Personne:
        """Who the other system says that its owner is."""
        return Personne(prenom=self.prenom, nom=self.nom, date_naissance=self.date_naissance)


_COLONNES: Final = ", ".join(Liaison._fields)


def empreintes_presentes(lecture: Engine) -> bool:
    """Tell whether an old password hash is left, in one read of a small index."""
    with plain(lecture) as cursor:
        ligne = cursor.execute(
            "SELECT EXISTS (SELECT FROM compte WHERE mot_de_passe LIKE '$heritee$%')"
        ).fetchone()
    return bool(ligne and ligne[0])


def premiere_connexion(session: Session, compte_id: UUID, *, maintenant: datetime) -> bool:
    """Note the first log-in to an imported account; False at every later one."""
    fait = session.connection().execute(
        text(
            "UPDATE compte_externe SET premiere_connexion_le = :le"
            " WHERE compte_id = :compte AND ouvert AND premiere_connexion_le IS NULL"
        ),
        {"compte": compte_id, "le": maintenant},
    )
    return bool(fait.rowcount)


def liaisons_en_attente(session: Session, compte: Compte) -> list[Liaison]:
    """List, and hold, the accounts of other systems that wait for this e-mail."""
    lignes = session.execute(
        text(
            f"SELECT {_COLONNES} FROM compte_externe"  # noqa: S608 - our names
            " WHERE courriel_plie = :courriel AND etat = 'EN_ATTENTE' ORDER BY id FOR UPDATE"
        ),
        {"courriel": compte.courriel_plie},
    )
    return [Liaison(*ligne) for ligne in lignes]


def liaison(session: Session, liaison_id: UUID) -> Liaison | None:
    """Find a link and hold it."""
    ligne = session.execute(
        text(
            f"SELECT {_COLONNES} FROM compte_externe WHERE id = :id FOR UPDATE"  # noqa: S608
        ),
        {"id": liaison_id},
    ).one_or_none()
    return None if ligne is None else Liaison(*ligne)


def changer_liaison(
    session: Session,
    vue: Liaison,
    etat: EtatLiaison,
    *,
    compte_id: UUID,
    par: str,
    motif: str,
    maintenant: datetime,
) -> None:
    """Change a link that is held, and note who did it, and why."""
    session.execute(
        text(
            "UPDATE compte_externe SET etat = :etat, compte_id = :compte, change_le = :le"
            " WHERE id = :id"
        ),
        {"etat": etat, "compte": compte_id, "le": maintenant, "id": vue.id},
    )
    session.execute(
        text(
            "INSERT INTO decision_liaison (id, liaison_id, avant, apres, par, motif, fait_le)"
            " VALUES (:id, :liaison, :avant, :apres, :par, :motif, :le)"
        ),
        {
            "id": uuid4(),
            "liaison": vue.id,
            "avant": vue.etat,
            "apres": etat,
            "par": par,
            "motif": motif,
            "le": maintenant,
        },
    )


def liaisons_de(lecture: Engine, compte_id: UUID) -> list[Liaison]:
    """List the links of an account, refused ones apart."""
    with plain(lecture) as cursor:
        lignes = cursor.execute(
            f"SELECT {_COLONNES} FROM compte_externe"  # noqa: S608 - our names
            " WHERE compte_id = %s AND etat <> 'REFUSE' ORDER BY source, change_le",
            (compte_id,),
        ).fetchall()
    return [Liaison(*ligne) for ligne in lignes]


class ADecider(NamedTuple):
    """A link that waits for staff: both sides, as they say who their owner is."""

    id: UUID
    source: str
    reference: str
    courriel: str
    prenom: str
    nom: str
    date_naissance: date | None
    compte_id: UUID
    ici_prenom: str
    ici_nom: str
    ici_date_naissance: date | None
    change_le: datetime


_A_DECIDER: Final = (
    "SELECT e.id, e.source, e.reference, c.courriel, e.prenom, e.nom, e.date_naissance,"
    " c.id AS compte_id, c.prenom AS ici_prenom, c.nom AS ici_nom,"
    " c.date_naissance AS ici_date_naissance, e.change_le"
    " FROM compte_externe e JOIN compte c ON c.id = e.compte_id WHERE e.etat = 'A_DECIDER'"
)


def liaisons_a_decider(
    lecture: Engine, *, apres: tuple[datetime, UUID] | None, nombre: int
) -> list[ADecider]:
    """List the links that wait for staff, oldest first."""
    suite = " AND (e.change_le, e.id) > (%(le)s, %(id)s)" if apres else ""
    valeurs = {"le": apres[0], "id": apres[1]} if apres else {}
    with plain(lecture) as cursor:
        lignes = cursor.execute(
            f"{_A_DECIDER}{suite} ORDER BY e.change_le, e.id LIMIT %(nombre)s",
            {**valeurs, "nombre": nombre},
        ).fetchall()
    return [ADecider(*ligne) for ligne in lignes]


def liaison_a_decider(lecture: Engine, liaison_id: UUID) -> ADecider | None:
    """Find a link that waits for staff."""
    with plain(lecture) as cursor:
        ligne = cursor.execute(f"{_A_DECIDER} AND e.id = %s", (liaison_id,)).fetchone()
    return None if ligne is None else ADecider(*ligne)


def reference_taxes(lecture: Engine, compte_id: UUID) -> str | None:
    """Give the number of the linked tax account."""
    with plain(lecture) as cursor:
        ligne = cursor.execute(
            "SELECT reference FROM compte_externe"
            " WHERE compte_id = %s AND source = %s AND etat = 'LIE' ORDER BY change_le LIMIT 1",
            (compte_id, Source.TAXES),
        ).fetchone()
    return None if ligne is None else str(ligne[0])


def contact_a_fusionner(session: Session, canal: str, coordonnee: str) -> UUID | None:
    """Find, and hold, the imported contact that nobody has proved yet (IDN-10)."""
    trouve: UUID | None = session.scalar(
        text(
            "SELECT id FROM contact_urgence WHERE coordonnee = :coordonnee AND canal = :canal"
            " AND compte_id IS NULL FOR UPDATE"
        ),
        {"coordonnee": coordonnee, "canal": canal},
    )
    return trouve


def fusionner_contact(
    session: Session, contact_id: UUID, compte_id: UUID, *, maintenant: datetime
) -> None:
    """Let an account speak for an imported contact."""
    session.execute(
        text("UPDATE contact_urgence SET compte_id = :compte, fusionne_le = :le WHERE id = :id"),
        {"compte": compte_id, "le": maintenant, "id": contact_id},
    )


class LienFamille(NamedTuple):
    """The link of an account to its Espace Famille; `scelle` holds the token or the credentials."""

    code: str
    jeton: bool
    scelle: bytes
    lie_le: datetime


def lien_famille(lecture: Engine, compte_id: UUID) -> LienFamille | None:
    """Find the Espace Famille of an account."""
    with plain(lecture) as cursor:
        ligne = cursor.execute(
            "SELECT code, jeton, scelle, lie_le FROM espace_famille WHERE compte_id = %s",
            (compte_id,),
        ).fetchone()
    return None if ligne is None else LienFamille(ligne[0], ligne[1], bytes(ligne[2]), ligne[3])


def ecrire_lien_famille(session: Session, compte_id: UUID, lien: LienFamille) -> None:
    """Link an Espace Famille, or change the link."""
    session.execute(
        text(
            "INSERT INTO espace_famille (compte_id, code, jeton, scelle, lie_le)"
            " VALUES (:compte, :code, :jeton, :scelle, :lie_le)"
            " ON CONFLICT (compte_id) DO UPDATE SET code = :code, jeton = :jeton,"
            " scelle = :scelle, lie_le = :lie_le"
        ),
        {"compte": compte_id, **lien._asdict()},
    )


def retirer_lien_famille(session: Session, compte_id: UUID) -> None:
    """Unlink the Espace Famille, if there is one."""
    session.execute(
        text("DELETE FROM espace_famille WHERE compte_id = :compte"), {"compte": compte_id}
    )


def purger_heritage(session: Session, *, avant: datetime, aucun: str, nombre: int) -> int:
    """Forget old hashes that nobody used for so long: their owner claims the account by e-mail."""
    return (
        session.connection()
        .execute(
            text(
                "UPDATE compte SET mot_de_passe = :aucun WHERE id IN (SELECT id FROM compte"
                " WHERE mot_de_passe LIKE '$heritee$%' AND mot_de_passe_change_le < :avant"
                " LIMIT :nombre FOR UPDATE SKIP LOCKED)"
            ),
            {"aucun": aucun, "avant": avant, "nombre": nombre},
        )
        .rowcount
    )


def purger_collisions(session: Session, *, avant: datetime) -> int:
    """Delete the reports of old imports: they name people."""
    return (
        session.connection()
        .execute(
            text(
                "DELETE FROM collision USING importation i"
                " WHERE i.id = importation_id AND i.commencee_le < :avant"
            ),
            {"avant": avant},
        )
        .rowcount
    )


_OUVERTS: Final = "SELECT compte_id FROM compte_externe WHERE ouvert"


def annuler_import(
    session: Session, importation_id: UUID, *, maintenant: datetime
) -> tuple[int, int]:
    """Undo an import: what nobody has used is deleted.

    Returns: accounts and contacts deleted; accounts, links and contacts kept because their owner
        logged in, confirmed the mailbox, or was linked.
    """
    valeurs = {"id": importation_id, "le": maintenant}
    inutilises = (
        "importation_id = :id AND premiere_connexion_le IS NULL AND (etat = 'EN_ATTENTE' OR ouvert"
        " AND NOT EXISTS (SELECT FROM compte c WHERE c.id = compte_id AND c.active_le IS NOT NULL))"
    )
    ordres = (
        # Accounts that this import opened take their row of compte_externe with them.
        f"DELETE FROM compte WHERE id IN ({_OUVERTS} AND {inutilises})",  # noqa: S608
        f"DELETE FROM compte_externe WHERE etat = 'EN_ATTENTE' AND {inutilises}",  # noqa: S608
        "DELETE FROM contact_urgence WHERE importation_id = :id AND compte_id IS NULL",
    )
    retires = sum(session.connection().execute(text(ordre), valeurs).rowcount for ordre in ordres)
    gardes = session.scalar(
        text(
            "SELECT (SELECT count(*) FROM compte_externe WHERE importation_id = :id)"
            " + (SELECT count(*) FROM contact_urgence WHERE importation_id = :id)"
        ),
        valeurs,
    )
    session.execute(
        text("UPDATE importation SET annulee_le = :le WHERE id = :id"),
        valeurs,
    )
    return retires, int(gardes or 0)
