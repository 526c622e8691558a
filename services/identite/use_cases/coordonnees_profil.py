"""What its owner typed of a profile, judged and applied (IDN-05, 07, 11)."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Final

from services.identite.domain import Compte, DonneesInvalides, Verdicts, champs
from services.identite.domain.coordonnees import Coordonnee, Genre, Modification, moyen_possible
from services.identite.domain.inscription import Saisie, juger_adresse
from services.identite.persistence.coordonnees import Preferences
from services.identite.use_cases.coordonnees_regles import LecteurNumeros, ReglesCoordonnees

_ADRESSE: Final = ("adresse_ligne", "adresse_ville", "adresse_code_postal")


def juger_numero(saisie: str, numeros: LecteurNumeros) -> str:
    """Read a phone number.

    Raises: DonneesInvalides.
    """
    if not saisie.strip():
        raise DonneesInvalides({"numero": "CHAMP_REQUIS"})
    try:
        return numeros.e164(saisie)
    except ValueError as error:
        raise DonneesInvalides({"numero": "TELEPHONE_INVALIDE"}) from error


def appliquer(
    compte: Compte,
    modification: Modification,
    *,
    avant: Preferences,
    coordonnees: Sequence[Coordonnee],
    regles: ReglesCoordonnees,
    maintenant: datetime,
) -> list[str]:
    """Judge every field, then change the account.

    Returns: names of the fields that changed, none when everything was so already.
    Raises: DonneesInvalides with the reason of each refused field.
    """
    vu = Verdicts()
    saisie = Saisie(
        courriel="",
        mot_de_passe="",
        prenom="",
        nom="",
        adresse_ligne=modification.adresse_ligne,
        adresse_ville=modification.adresse_ville,
        adresse_code_postal=modification.adresse_code_postal,
    )
    adresse = juger_adresse(saisie, vu)
    langue = vu.juger("langue", lambda: champs.langue(modification.langue), "fr")
    vides: tuple[str, ...] = ()
    categories = vu.juger("categories", lambda: champs.categories(modification.categories), vides)
    canaux = vu.juger("canaux", lambda: _canaux(modification.canaux, coordonnees), vides)
    moyen = vu.juger(
        "moyen_prefere", lambda: moyen_possible(modification.moyen_prefere, coordonnees), ""
    )
    naissance = vu.juger(
        "date_naissance",
        lambda: _naissance(compte, modification.date_naissance, regles, maintenant),
        None,
    )
    prenom = vu.juger(
        "prenom", lambda: _nom(compte.prenom, modification.prenom, "PRENOM", regles), ""
    )
    nom = vu.juger("nom", lambda: _nom(compte.nom, modification.nom, "NOM", regles), "")
    vu.conclure()
    nouveaux = {
        **dict(zip(_ADRESSE, adresse, strict=True)),
        "langue": langue,
        "categories": list(categories),
        "canaux": list(canaux),
        "date_naissance": naissance,
        "prenom": prenom,
        "nom": nom,
    }
    changes = [champ for champ, valeur in nouveaux.items() if getattr(compte, champ) != valeur]
    for champ in changes:
        setattr(compte, champ, nouveaux[champ])
    return changes + (["moyen_prefere"] if moyen != avant.moyen_prefere else [])


def _canaux(valeurs: Sequence[str], coordonnees: Sequence[Coordonnee]) -> tuple[str, ...]:
    """Read notice channels; SMS and calls need a number, which gets nothing before its proof."""
    lus = champs.canaux(valeurs)
    a_un_numero = any(une.genre is not Genre.COURRIEL for une in coordonnees)
    if {"texto", "telephone"} & set(lus) and not a_un_numero:
        raise champs.ChampInvalide("MOYEN_SANS_COORDONNEE")
    return lus


def _naissance(
    compte: Compte, saisie: str, regles: ReglesCoordonnees, maintenant: datetime
) -> date | None:
    """Read a birth date; a known one changes through staff, who see a proof."""
    if not saisie:
        return compte.date_naissance
    lue = champs.date_naissance(saisie, aujourd_hui=regles.regles.aujourd_hui(maintenant))
    if compte.date_naissance is not None and lue != compte.date_naissance:
        raise champs.ChampInvalide("CHAMP_VERROUILLE")
    return lue


def _nom(actuel: str, saisie: str, champ: str, regles: ReglesCoordonnees) -> str:
    """Read a name, which only some cities let people change by themselves."""
    if not saisie:
        return actuel
    lu = champs.nom_de_personne(saisie, f"{champ}_INVALIDE")
    if lu != actuel and not regles.noms_modifiables:
        raise champs.ChampInvalide("CHAMP_VERROUILLE")
    return lu
