"""One row of an import file, judged: every field in its normal form, or the reasons why not.

Rows come by the million: what repeats (names, cities, domains) is judged once.
"""

from collections.abc import Callable, Mapping
from datetime import date
from functools import lru_cache
from typing import Final, NamedTuple

from services.identite.domain import champs
from services.identite.domain.champs import Courriel
from services.identite.domain.erreurs import DonneesInvalides
from services.identite.domain.inscription import Verdicts
from services.identite.domain.ponts.empreintes import reconnaitre
from services.identite.domain.ponts.erreurs import EmpreinteIllisible
from services.identite.domain.ponts.politique import Source

# Needed columns of each kind of file; what else `lire_…` knows may be absent.
COLONNES: Final[Mapping[Source, tuple[str, ...]]] = {
    Source.TAXES: ("reference", "courriel", "prenom", "nom", "empreinte"),
    Source.LOISIRS: ("reference", "courriel", "prenom", "nom"),
    Source.URGENCES: ("reference", "canal", "coordonnee"),
}
_REFERENCE_MAX: Final = 64
_NON: Final = frozenset({"non", "no", "0", "false", "n"})

Ligne = Mapping[str, str]
DomaineAscii = Callable[[str], str]


class LigneTaxes(NamedTuple):
    """An account of the tax system."""

    reference: str
    courriel: Courriel
    nom_utilisateur: str
    # The system had a user name that ours cannot take (spaces, accents): the e-mail logs in.
    nom_refuse: bool
    prenom: str
    nom: str
    date_naissance: date | None
    adresse: tuple[str, str, str]
    telephone: str
    langue: str
    # "" when the account has none, or is disabled there: its owner claims it by e-mail.
    empreinte: str


class LigneLoisirs(NamedTuple):
    """An account of the recreation platform."""

    reference: str
    courriel: Courriel
    prenom: str
    nom: str
    date_naissance: date | None


class LigneContact(NamedTuple):
    """A contact of the old emergency system."""

    reference: str
    # "courriel", "texto" or "telephone".
    canal: str
    # Folded e-mail, or E.164.
    coordonnee: str
    nom: str
    langue: str


def lire_taxes(ligne: Ligne, *, domaine_ascii: DomaineAscii, aujourd_hui: date) -> LigneTaxes:
    """Judge a row of a tax-account file. Raises: DonneesInvalides."""
    vu = Verdicts()
    voulu = _sans_arobase(ligne.get("nom_utilisateur", "")).strip().lower()
    libre = not voulu or champs.est_nom_utilisateur(voulu)
    lu = LigneTaxes(
        reference=vu.juger("reference", lambda: _reference(ligne["reference"]), ""),
        courriel=_courriel(vu, ligne["courriel"], domaine_ascii),
        nom_utilisateur=voulu if libre else "",
        nom_refuse=not libre,
        prenom=vu.juger("prenom", lambda: _nom(ligne["prenom"], "PRENOM_INVALIDE"), ""),
        nom=vu.juger("nom", lambda: _nom(ligne["nom"], "NOM_INVALIDE"), ""),
        date_naissance=_naissance(vu, ligne, aujourd_hui),
        adresse=_adresse(vu, ligne),
        telephone=vu.juger("telephone", lambda: _telephone(ligne), ""),
        langue=vu.juger("langue", lambda: champs.langue(ligne.get("langue", "").lower()), "fr"),
        empreinte=vu.juger("empreinte", lambda: _empreinte(ligne), ""),
    )
    vu.conclure()
    return lu


def lire_loisirs(ligne: Ligne, *, domaine_ascii: DomaineAscii, aujourd_hui: date) -> LigneLoisirs:
    """Judge a row of a recreation-account file. Raises: DonneesInvalides."""
    vu = Verdicts()
    lu = LigneLoisirs(
        reference=vu.juger("reference", lambda: _reference(ligne["reference"]), ""),
        courriel=_courriel(vu, ligne["courriel"], domaine_ascii),
        prenom=vu.juger("prenom", lambda: _nom(ligne["prenom"], "PRENOM_INVALIDE"), ""),
        nom=vu.juger("nom", lambda: _nom(ligne["nom"], "NOM_INVALIDE"), ""),
        date_naissance=_naissance(vu, ligne, aujourd_hui),
    )
    vu.conclure()
    return lu


def lire_contact(ligne: Ligne, *, domaine_ascii: DomaineAscii, aujourd_hui: date) -> LigneContact:
    """Judge a row of a file of emergency contacts. Raises: DonneesInvalides."""
    del aujourd_hui
    vu = Verdicts()
    canal = ligne["canal"].strip().lower()
    if canal not in champs.CANAUX:
        raise DonneesInvalides({"canal": "CANAL_INCONNU"})
    if canal == "courriel":
        coordonnee = _courriel(vu, ligne["coordonnee"], domaine_ascii, "coordonnee").plie
    else:
        coordonnee = vu.juger(
            "coordonnee", lambda: _requis(champs.telephone(ligne["coordonnee"])), ""
        )
    lu = LigneContact(
        reference=vu.juger("reference", lambda: _reference(ligne["reference"]), ""),
        canal=canal,
        coordonnee=coordonnee,
        nom=vu.juger("nom", lambda: champs.texte(ligne.get("nom", "")), ""),
        langue=vu.juger("langue", lambda: champs.langue(ligne.get("langue", "").lower()), "fr"),
    )
    vu.conclure()
    return lu


def _courriel(
    vu: Verdicts, valeur: str, domaine_ascii: DomaineAscii, champ: str = "courriel"
) -> Courriel:
    return vu.juger(
        champ, lambda: champs.courriel(valeur, domaine_ascii=domaine_ascii), Courriel("", "")
    )


def _naissance(vu: Verdicts, ligne: Ligne, aujourd_hui: date) -> date | None:
    valeur = ligne.get("date_naissance", "")
    return vu.juger(
        "date_naissance", lambda: champs.date_naissance(valeur, aujourd_hui=aujourd_hui), None
    )


def _adresse(vu: Verdicts, ligne: Ligne) -> tuple[str, str, str]:
    """Read the civic address; a partial one is dropped, its owner completes it in Mon profil."""
    rue, ville, code = (
        ligne.get(nom, "").strip()
        for nom in ("adresse_ligne", "adresse_ville", "adresse_code_postal")
    )
    if not (rue and ville and code):
        return "", "", ""
    return (
        vu.juger("adresse_ligne", lambda: champs.ligne_adresse(rue), ""),
        vu.juger("adresse_ville", lambda: _nom(ville, "VILLE_INVALIDE"), ""),
        vu.juger("adresse_code_postal", lambda: _code_postal(code), ""),
    )


def _telephone(ligne: Ligne) -> str:
    valeur = ligne.get("telephone", "")
    return champs.telephone(valeur) if valeur else ""


def _reference(valeur: str) -> str:
    return _requis(champs.texte(valeur, maximum=_REFERENCE_MAX))


def _requis(valeur: str) -> str:
    if not valeur:
        raise champs.ChampInvalide("CHAMP_REQUIS")
    return valeur


def _sans_arobase(valeur: str) -> str:
    """Give the user name; where it is the e-mail, that one logs in by itself."""
    return "" if "@" in valeur else valeur


def _empreinte(ligne: Ligne) -> str:
    valeur = ligne["empreinte"].strip()
    if not valeur or ligne.get("actif", "").strip().lower() in _NON:
        return ""
    try:
        reconnaitre(valeur)
    except EmpreinteIllisible as error:
        raise champs.ChampInvalide("EMPREINTE_ILLISIBLE") from error
    return valeur


# A refusal is not cached: `lru_cache` keeps results, not exceptions.
@lru_cache(maxsize=65_536)
def _nom(valeur: str, raison: str) -> str:
    return champs.nom_de_personne(valeur, raison)


@lru_cache(maxsize=65_536)
def _code_postal(valeur: str) -> str:
    return champs.code_postal(valeur)
