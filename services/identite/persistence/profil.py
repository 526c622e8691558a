"""The profile that the home and the requests read, in one plain statement."""

from datetime import date
from typing import Final, NamedTuple
from uuid import UUID

from sqlalchemy import Engine

from chassis.db import plain


class ProfilLu(NamedTuple):
    """An account as its owner sees it."""

    id: UUID
    courriel: str
    prenom: str
    nom: str
    nom_utilisateur: str | None
    date_naissance: date | None
    adresse_ligne: str
    adresse_ville: str
    adresse_code_postal: str
    telephone: str
    langue: str
    statut: str
    roles: list[str]
    moyen_prefere: str
    # Each "id genre valeur".
    a_verifier: list[str]


# The last column: contact points that wait for their proof, which the home shows (IDN-06).
_LIRE_PROFIL: Final = (
    f"SELECT {', '.join(ProfilLu._fields[:-1])}, ARRAY("  # noqa: S608
    "SELECT c.id || ' ' || c.genre || ' ' || c.valeur FROM coordonnee c WHERE c.verifiee_le IS NULL"
    " AND c.compte_id = compte.id AND c.genre <> 'courriel' ORDER BY c.cree_le, c.id)"
    " FROM compte WHERE id = %s"
)


def lire_profil(lecture: Engine, compte_id: UUID) -> ProfilLu | None:
    """Find an account, in one plain read: the home page asks this."""
    with plain(lecture) as cursor:
        ligne = cursor.execute(_LIRE_PROFIL, (compte_id,)).fetchone()
    return None if ligne is None else ProfilLu._make(ligne)
