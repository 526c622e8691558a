"""Contact points, the profile that its owner edits, and what staff do to it (IDN-05 to 14)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final
from uuid import UUID

from services.identite.domain import champs
from services.identite.domain.code import ECHECS_MAX, CanalCode
from services.identite.domain.erreurs import DonneesInvalides

TELEPHONES_MAX: Final = 4
CONTROLES: Final = ("piece_identite", "preuve_residence", "presence", "questions")
CONTROLES_MIN: Final = 2
MOTIF_MIN: Final = 5
MOTIF_MAX: Final = 500
RECHERCHE_MIN: Final = 2
RECHERCHE_MAX: Final = 254


class Genre(StrEnum):
    """Kind of a contact point."""

    COURRIEL = "courriel"
    CELLULAIRE = "cellulaire"
    FIXE = "fixe"


# The channel of notices that a proved contact point opens.
CANAL_DU_GENRE: Final[Mapping[Genre, str]] = {
    Genre.COURRIEL: "courriel",
    Genre.CELLULAIRE: "texto",
    Genre.FIXE: "telephone",
}
GENRE_PROUVE: Final[Mapping[CanalCode, Genre]] = {
    CanalCode.TEXTO: Genre.CELLULAIRE,
    CanalCode.APPEL: Genre.FIXE,
}


class StatutRecuperation(StrEnum):
    """Where the recovery of a lost mailbox stands."""

    DEMANDEE = "DEMANDEE"
    APPROUVEE = "APPROUVEE"
    REFUSEE = "REFUSEE"
    ARRETEE = "ARRETEE"
    ENVOYEE = "ENVOYEE"
    TERMINEE = "TERMINEE"


class CoordonneeIntrouvable(Exception):
    """The caller has no such contact point, whoever else may have it."""


class CoordonneeDejaConnue(Exception):
    """The caller gave this number already."""

    def __init__(self) -> None:
        super().__init__("known number")
        self.fields = {"numero": "COORDONNEE_DEJA_CONNUE"}


class TropDeCoordonnees(Exception):
    """An account holds a few phone numbers, not a directory."""


class CoordonneeDejaVerifiee(Exception):
    """There is nothing left to prove."""


class CoordonneeGelee(Exception):
    """Too many wrong codes in all: staff have to look at it (R22)."""


class CellulaireDejaPris(Exception):
    """The number was proved, and belongs to another account already (IDN-01)."""


class CourrielDejaPris(Exception):
    """The address became another account's before its link was used."""


class NumeroRefuse(Exception):
    """No code goes to that number: premium, or outside the countries that the city serves."""

    def __init__(self) -> None:
        super().__init__("refused number")
        self.fields = {"numero": "NUMERO_REFUSE"}


class VersionPerimee(Exception):
    """The profile changed since it was read."""


class RecuperationIntrouvable(Exception):
    """No such recovery, or not the caller's."""


class RecuperationEnCours(Exception):
    """This account has a recovery under way already."""


class RecuperationDecidee(Exception):
    """The recovery is past that step."""


class MemeAgent(Exception):
    """Two different agents have to agree (IDN-14)."""


class ProprePersonne(Exception):
    """An agent does not serve themselves at the desk."""


@dataclass(frozen=True, kw_only=True)
class Coordonnee:
    """A contact point of an account."""

    id: UUID
    compte_id: UUID
    genre: Genre
    # E.164, or an e-mail address.
    valeur: str
    cree_le: datetime
    verifiee_le: datetime | None = None
    remplace_id: UUID | None = None
    echecs: int = 0

    @property
    def gelee(self) -> bool:
        """True when wrong codes closed it."""
        return self.echecs >= ECHECS_MAX

    def exiger_a_verifier(self) -> None:
        """Refuse what needs no code, or may get none.

        Raises: CoordonneeIntrouvable (an e-mail address is proved by a link),
            CoordonneeDejaVerifiee, CoordonneeGelee.
        """
        if self.genre is Genre.COURRIEL:
            raise CoordonneeIntrouvable
        if self.verifiee_le is not None:
            raise CoordonneeDejaVerifiee
        if self.gelee:
            raise CoordonneeGelee


@dataclass(frozen=True, kw_only=True)
class Modification:
    """What the owner of a profile typed, unjudged."""

    adresse_ligne: str = ""
    adresse_ville: str = ""
    adresse_code_postal: str = ""
    langue: str = ""
    categories: tuple[str, ...] = ()
    canaux: tuple[str, ...] = ()
    moyen_prefere: str = ""
    date_naissance: str = ""
    prenom: str = ""
    nom: str = ""


@dataclass(frozen=True, kw_only=True)
class Recuperation:
    """The recovery of an account whose mailbox is lost."""

    id: UUID
    compte_id: UUID
    nouveau_courriel: str
    nouveau_plie: str
    controles: Sequence[str]
    note: str
    statut: StatutRecuperation
    demandee_par: UUID
    demandee_le: datetime
    decidee_par: UUID | None = None
    decidee_le: datetime | None = None
    motif: str = ""
    envoi_le: datetime | None = None

    def exiger_decidable(self, agent_id: UUID) -> None:
        """Check that this agent may approve or refuse.

        Raises: RecuperationDecidee, MemeAgent, ProprePersonne.
        """
        if self.statut is not StatutRecuperation.DEMANDEE:
            raise RecuperationDecidee
        if agent_id == self.demandee_par:
            raise MemeAgent
        exiger_autre_personne(agent_id, self.compte_id)

    @property
    def arretable(self) -> bool:
        """True until the new address is proved."""
        return self.statut in {
            StatutRecuperation.DEMANDEE,
            StatutRecuperation.APPROUVEE,
            StatutRecuperation.ENVOYEE,
        }


def exiger_autre_personne(agent_id: UUID, compte_id: UUID) -> None:
    """Refuse an agent who would act on their own account.

    Raises: ProprePersonne.
    """
    if agent_id == compte_id:
        raise ProprePersonne


def motif_ecrit(valeur: str) -> str:
    """Give a written reason, 5 to 500 characters.

    Raises: ChampInvalide.
    """
    propre = champs.texte(valeur, maximum=MOTIF_MAX)
    if len(propre) < MOTIF_MIN:
        raise champs.ChampInvalide("MOTIF_REQUIS")
    return propre


def controles_faits(valeurs: Sequence[str]) -> tuple[str, ...]:
    """Give the identity checks that were made, at least two of those that the city accepts.

    Raises: ChampInvalide.
    """
    if any(valeur not in CONTROLES for valeur in valeurs):
        raise champs.ChampInvalide("CONTROLE_INCONNU")
    faits = tuple(controle for controle in CONTROLES if controle in valeurs)
    if len(faits) < CONTROLES_MIN:
        raise champs.ChampInvalide("CONTROLES_INSUFFISANTS")
    return faits


def moyen_possible(moyen: str, coordonnees: Sequence[Coordonnee]) -> str:
    """Give a preferred contact method that can work (IDN-07).

    SMS needs a verified cellular; a call needs a number, which a person who answers a request may
    dial by hand.

    Raises: ChampInvalide.
    """
    if moyen not in champs.CANAUX:
        raise champs.ChampInvalide("CANAL_INCONNU")
    possibles = {"courriel"}
    for une in coordonnees:
        if une.genre is not Genre.COURRIEL:
            possibles.add("telephone")
        if une.genre is Genre.CELLULAIRE and une.verifiee_le is not None:
            possibles.add("texto")
    if moyen not in possibles:
        raise champs.ChampInvalide("MOYEN_SANS_COORDONNEE")
    return moyen


def courriel_masque(adresse: str) -> str:
    """Shorten an address for a list: the first letter, then the domain."""
    local, arobase, domaine = adresse.rpartition("@")
    return f"{local[:1]}…{arobase}{domaine}"


def lire_recherche(valeur: str) -> str:
    """Give what staff search, 2 to 254 characters.

    Raises: DonneesInvalides.
    """
    try:
        propre = champs.texte(valeur, maximum=RECHERCHE_MAX)
    except champs.ChampInvalide as refus:
        raise DonneesInvalides({"recherche": str(refus)}) from refus
    if len(propre) < RECHERCHE_MIN:
        raise DonneesInvalides({"recherche": "RECHERCHE_TROP_COURTE"})
    return propre
