"""A sign-up: what a person typed, judged as a whole (IDN-01, IDN-05)."""

import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final, TypeVar

from services.identite.domain import champs
from services.identite.domain.erreurs import DonneesInvalides

T = TypeVar("T")

MOT_DE_PASSE_MAX: Final = 128
_SUGGESTIONS: Final = 3
_NOM_MAX: Final = 30


@dataclass(frozen=True, kw_only=True)
class Saisie:
    """The fields of a sign-up as they arrived, unjudged."""

    courriel: str
    mot_de_passe: str
    prenom: str
    nom: str
    nom_utilisateur: str = ""
    date_naissance: str = ""
    adresse_ligne: str = ""
    adresse_ville: str = ""
    adresse_code_postal: str = ""
    telephone: str = ""
    langue: str = ""
    categories: tuple[str, ...] = ()
    canaux: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Inscription:
    """An acceptable sign-up, every field in its normal form; the password is hashed elsewhere."""

    courriel: str
    courriel_plie: str
    prenom: str
    nom: str
    # None, not "", so that the database can hold many accounts without one.
    nom_utilisateur: str | None
    date_naissance: date | None
    adresse_ligne: str
    adresse_ville: str
    adresse_code_postal: str
    telephone: str
    langue: str
    categories: tuple[str, ...]
    canaux: tuple[str, ...]


class Verdicts:
    """Collects the reasons of all fields, so that a person is told everything at once."""

    def __init__(self) -> None:
        self.fields: dict[str, str] = {}

    def juger(self, champ: str, lire: Callable[[], T], sinon: T) -> T:
        """Read one field; a refusal is noted under `champ` and `sinon` returned."""
        try:
            return lire()
        except champs.ChampInvalide as refus:
            self.fields[champ] = str(refus)
            return sinon

    def conclure(self) -> None:
        """Raise DonneesInvalides when any field was refused."""
        if self.fields:
            raise DonneesInvalides(self.fields)


def mot_de_passe_normal(valeur: str) -> str:
    """Give the form that is hashed: NFC, because keyboards differ in how they write accents."""
    return unicodedata.normalize("NFC", valeur)


def juger_mot_de_passe(valeur: str, *, minimum: int, assez_fort: Callable[[str], bool]) -> None:
    """Check a new password (R01, R02): length in characters after NFC, then strength.

    Raises: ChampInvalide.
    """
    normal = mot_de_passe_normal(valeur)
    if not normal:
        raise champs.ChampInvalide("CHAMP_REQUIS")
    if len(normal) < minimum:
        raise champs.ChampInvalide("MOT_DE_PASSE_TROP_COURT")
    if len(normal) > MOT_DE_PASSE_MAX:
        raise champs.ChampInvalide("MOT_DE_PASSE_TROP_LONG")
    if not assez_fort(normal):
        raise champs.ChampInvalide("MOT_DE_PASSE_FAIBLE")


def juger_inscription(
    saisie: Saisie,
    *,
    aujourd_hui: date,
    domaine_ascii: Callable[[str], str],
    mot_de_passe_min: int,
    assez_fort: Callable[[str, Sequence[str]], bool],
) -> Inscription:
    """Judge every field of a sign-up.

    Args:
        saisie: the fields as typed.
        aujourd_hui: date in the city.
        domaine_ascii: IDNA encoder, see `champs.courriel`.
        mot_de_passe_min: characters.
        assez_fort: strength of a password, given words that its owner's enemies know.
    Returns: the sign-up in normal form.
    Raises: DonneesInvalides with the reason of each refused field.
    """
    vu = Verdicts()
    adresse = vu.juger(
        "courriel",
        lambda: champs.courriel(saisie.courriel, domaine_ascii=domaine_ascii),
        champs.Courriel("", ""),
    )
    prenom = vu.juger(
        "prenom", lambda: champs.nom_de_personne(saisie.prenom, "PRENOM_INVALIDE"), ""
    )
    nom = vu.juger("nom", lambda: champs.nom_de_personne(saisie.nom, "NOM_INVALIDE"), "")
    nom_utilisateur = vu.juger(
        "nom_utilisateur", lambda: champs.nom_utilisateur(saisie.nom_utilisateur), ""
    )
    naissance = vu.juger(
        "date_naissance",
        lambda: champs.date_naissance(saisie.date_naissance, aujourd_hui=aujourd_hui),
        None,
    )
    ligne, ville, code_postal = juger_adresse(saisie, vu)
    telephone = vu.juger("telephone", lambda: champs.telephone(saisie.telephone), "")
    langue = vu.juger("langue", lambda: champs.langue(saisie.langue), "fr")
    vides: tuple[str, ...] = ()
    categories = vu.juger("categories", lambda: champs.categories(saisie.categories), vides)
    canaux = vu.juger("canaux", lambda: champs.canaux(saisie.canaux), vides)
    if {"texto", "telephone"} & set(canaux) and not telephone:
        vu.fields.setdefault("telephone", "CHAMP_REQUIS")
    siens = [saisie.courriel, *saisie.courriel.split("@"), prenom, nom, nom_utilisateur, ligne]
    siens += [ville, telephone, saisie.date_naissance, saisie.date_naissance[:4]]
    vu.juger(
        "mot_de_passe",
        lambda: juger_mot_de_passe(
            saisie.mot_de_passe,
            minimum=mot_de_passe_min,
            assez_fort=lambda candidat: assez_fort(candidat, [mot for mot in siens if mot]),
        ),
        None,
    )
    vu.conclure()
    return Inscription(
        courriel=adresse.adresse,
        courriel_plie=adresse.plie,
        prenom=prenom,
        nom=nom,
        nom_utilisateur=nom_utilisateur or None,
        date_naissance=naissance,
        adresse_ligne=ligne,
        adresse_ville=ville,
        adresse_code_postal=code_postal,
        telephone=telephone,
        langue=langue,
        categories=categories,
        canaux=canaux,
    )


def juger_adresse(saisie: Saisie, vu: Verdicts) -> tuple[str, str, str]:
    """Judge the civic address: absent, or whole; refusals are noted in `vu`."""
    parties: Mapping[str, tuple[str, Callable[[str], str]]] = {
        "ligne": (saisie.adresse_ligne, champs.ligne_adresse),
        "ville": (saisie.adresse_ville, lambda v: champs.nom_de_personne(v, "VILLE_INVALIDE")),
        "code_postal": (saisie.adresse_code_postal, champs.code_postal),
    }
    if not any(valeur.strip() for valeur, _ in parties.values()):
        return "", "", ""
    lus: list[str] = []
    for partie, (valeur, lire) in parties.items():
        champ = f"adresse.{partie}"
        if valeur.strip():
            lus.append(vu.juger(champ, lambda lire=lire, valeur=valeur: lire(valeur), ""))  # type: ignore[misc]  # early binding of the loop's names
        else:
            vu.fields[champ] = "CHAMP_REQUIS"
            lus.append("")
    return lus[0], lus[1], lus[2]


def noms_proches(voulu: str, *, prenom: str, nom: str) -> list[str]:
    """List user names close to a taken one, best first; the caller keeps the free ones (IDN-02)."""
    entier = f"{_sans_accent(prenom)}.{_sans_accent(nom)}"[:_NOM_MAX].strip(".")
    court = f"{_sans_accent(prenom)[:1]}{_sans_accent(nom)}"[:_NOM_MAX]
    numerotes = [f"{voulu[: _NOM_MAX - 3]}{numero}" for numero in (2, 3, 7, 12, 25, 48, 101, 360)]
    candidats = [entier, court, *numerotes]
    valides = [c for c in candidats if champs.est_nom_utilisateur(c) and c != voulu]
    return list(dict.fromkeys(valides))


def choisir_suggestions(proches: Sequence[str], pris: frozenset[str]) -> list[str]:
    """Keep the first free user names."""
    return [nom for nom in proches if nom not in pris][:_SUGGESTIONS]


def _sans_accent(valeur: str) -> str:
    decompose = unicodedata.normalize("NFKD", valeur).lower()
    return "".join(signe for signe in decompose if signe.isascii() and signe.isalnum())
