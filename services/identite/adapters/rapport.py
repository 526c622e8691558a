"""The report of an import, for the clerk who reads it: who, which rule, what happens.

A text and a CSV file, in French or English. These are the only sentences for people outside the
portal and the mails: the report is read where the import is run.
"""

import csv
import io
import textwrap
from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple

from services.identite.domain.ponts import Regle, Source
from services.identite.persistence.imports import Collision
from services.identite.use_cases.ponts.importation import Bilan

LANGUES: Final = ("fr", "en")


class Phrases(NamedTuple):
    """A rule in words: its name, what happens, and what the clerk may do."""

    nom: str
    suite: str
    a_faire: str = ""


_REGLES: Final[Mapping[str, Mapping[Regle, Phrases]]] = {
    "fr": {
        Regle.LIGNE_INVALIDE: Phrases(
            "Ligne illisible",
            "La ligne n’est pas importée ; les autres le sont.",
            "Corrigez-la dans le système d’origine et importez un nouveau fichier.",
        ),
        Regle.COURRIEL_EN_DOUBLE: Phrases(
            "Même adresse courriel qu’un compte précédent",
            "Seul le premier compte est importé : une adresse courriel n’a qu’un compte.",
            "Demandez à ces personnes une adresse chacune.",
        ),
        Regle.COORDONNEE_EN_DOUBLE: Phrases(
            "Coordonnée déjà dans le fichier",
            "Elle est importée une seule fois.",
        ),
        Regle.COMPTE_EXISTANT: Phrases(
            "Un compte de l’Espace citoyen a cette adresse",
            "Aucun compte n’est ouvert. Les deux seront liés quand la personne, son adresse"
            " confirmée, se connectera ; son mot de passe actuel reste le bon.",
        ),
        Regle.PERSONNE_DIFFERENTE: Phrases(
            "Un compte de l’Espace citoyen a cette adresse, mais pas la même personne",
            "Aucun compte n’est ouvert. Quand la personne se connectera, la liaison attendra"
            " une décision dans l’espace des agents.",
            "Rien maintenant ; vous déciderez dans « Liaisons à décider ».",
        ),
        Regle.INSCRIPTION_NON_CONFIRMEE: Phrases(
            "Inscription jamais confirmée avec cette adresse",
            "L’inscription est remplacée par le compte importé.",
        ),
        Regle.NOM_UTILISATEUR_PRIS: Phrases(
            "Nom d’utilisateur déjà pris",
            "Le compte est ouvert sans nom d’utilisateur : la personne se connecte avec son"
            " adresse courriel et le même mot de passe.",
        ),
        Regle.NOM_UTILISATEUR_REFUSE: Phrases(
            "Nom d’utilisateur impossible ici (espace, accent, longueur)",
            "Le compte est ouvert sans nom d’utilisateur : la personne se connecte avec son"
            " adresse courriel et le même mot de passe.",
        ),
        Regle.SANS_MOT_DE_PASSE: Phrases(
            "Compte sans mot de passe, ou désactivé dans le système d’origine",
            "Le compte est ouvert ; la personne le récupère par « Mot de passe oublié ».",
        ),
        Regle.TAXES_PRIME: Phrases(
            "Connue aussi d’un autre système",
            "Où les deux règles diffèrent, celle du compte de taxes l’emporte.",
        ),
        Regle.DEJA_ABONNE: Phrases(
            "Coordonnée d’un compte déjà confirmé",
            "Elle n’est pas importée : le compte reçoit déjà les avis d’urgence.",
        ),
    },
    "en": {
        Regle.LIGNE_INVALIDE: Phrases(
            "Unreadable row",
            "The row is not imported; the others are.",
            "Correct it in its own system and import a new file.",
        ),
        Regle.COURRIEL_EN_DOUBLE: Phrases(
            "Same e-mail as an earlier account",
            "Only the first account is imported: one e-mail has one account.",
            "Ask these people for one address each.",
        ),
        Regle.COORDONNEE_EN_DOUBLE: Phrases(
            "Contact already in the file",
            "It is imported once.",
        ),
        Regle.COMPTE_EXISTANT: Phrases(
            "An Espace citoyen account has this e-mail",
            "No account is opened. Both will be linked when the person, with a confirmed"
            " e-mail, logs in; their present password stays the right one.",
        ),
        Regle.PERSONNE_DIFFERENTE: Phrases(
            "An Espace citoyen account has this e-mail, but another person",
            "No account is opened. When the person logs in, the link will wait for a decision"
            " in the back office.",
            "Nothing now; you will decide under “Links to decide”.",
        ),
        Regle.INSCRIPTION_NON_CONFIRMEE: Phrases(
            "Sign-up with this e-mail that was never confirmed",
            "The sign-up is replaced by the imported account.",
        ),
        Regle.NOM_UTILISATEUR_PRIS: Phrases(
            "User name already taken",
            "The account is opened without a user name: the person logs in with their e-mail"
            " and the same password.",
        ),
        Regle.NOM_UTILISATEUR_REFUSE: Phrases(
            "User name not possible here (space, accent, length)",
            "The account is opened without a user name: the person logs in with their e-mail"
            " and the same password.",
        ),
        Regle.SANS_MOT_DE_PASSE: Phrases(
            "Account without password, or disabled in its own system",
            "The account is opened; the person recovers it by “Forgot your password?”.",
        ),
        Regle.TAXES_PRIME: Phrases(
            "Known to another system too",
            "Where the two rules differ, that of the tax account wins.",
        ),
        Regle.DEJA_ABONNE: Phrases(
            "Contact of a confirmed account",
            "It is not imported: the account gets emergency notices already.",
        ),
    },
}
_SIMPLES: Final[Mapping[str, Mapping[Regle, Mapping[Source, str]]]] = {
    "fr": {
        Regle.OUVERT: {Source.TAXES: "Comptes ouverts", Source.LOISIRS: "Comptes ouverts"},
        Regle.EN_ATTENTE: {
            Source.TAXES: "Comptes notés, en attente de leur propriétaire",
            Source.LOISIRS: "Comptes notés, en attente de leur propriétaire",
            Source.URGENCES: "Coordonnées notées pour les avis d’urgence",
        },
        Regle.DEJA_IMPORTE: dict.fromkeys(Source, "Déjà importés, inchangés"),
    },
    "en": {
        Regle.OUVERT: {Source.TAXES: "Accounts opened", Source.LOISIRS: "Accounts opened"},
        Regle.EN_ATTENTE: {
            Source.TAXES: "Accounts noted, waiting for their owner",
            Source.LOISIRS: "Accounts noted, waiting for their owner",
            Source.URGENCES: "Contacts noted for emergency notices",
        },
        Regle.DEJA_IMPORTE: dict.fromkeys(Source, "Imported before, unchanged"),
    },
}
_MOTS: Final[Mapping[str, Mapping[str, str]]] = {
    "fr": {
        "taxes": "comptes de taxes",
        "loisirs": "comptes de loisirs",
        "urgences": "coordonnées d’urgence",
        "essai": "Essai : rien n’a été écrit.",
        "fait": "Importé. Pour annuler : espace identite annuler-import {id}",
        "deja": "Ce fichier était déjà importé : rien n’a changé.",
        "lues": "Lignes lues",
        "ligne": "ligne",
        "aucune": "Aucune collision.",
        "suite": "Ce qui arrive",
        "faire": "À faire",
    },
    "en": {
        "taxes": "tax accounts",
        "loisirs": "recreation accounts",
        "urgences": "emergency contacts",
        "essai": "Dry run: nothing was written.",
        "fait": "Imported. To undo: espace identite annuler-import {id}",
        "deja": "This file had been imported: nothing changed.",
        "lues": "Rows read",
        "ligne": "line",
        "aucune": "No collision.",
        "suite": "What happens",
        "faire": "To do",
    },
}
_ENTETES: Final[Mapping[str, tuple[str, ...]]] = {
    "fr": ("ligne", "reference", "qui", "regle", "detail", "ce_qui_arrive", "a_faire"),
    "en": ("line", "reference", "who", "rule", "detail", "what_happens", "to_do"),
}
_DETAILS: Final[Mapping[str, Mapping[str, str]]] = {
    "fr": {
        "prenom": "prénom", "nom": "nom", "date_naissance": "date de naissance",
        "courriel": "courriel", "reference": "référence", "empreinte": "empreinte",
        "nom_utilisateur": "nom d’utilisateur", "telephone": "téléphone", "langue": "langue",
        "canal": "canal", "coordonnee": "coordonnée", "ligne": "ligne", "loisirs": "loisirs",
        "taxes": "taxes", "LIGNE_MALFORMEE": "ligne mal formée", "CHAMP_REQUIS": "vide",
        "COURRIEL_INVALIDE": "adresse impossible", "EMPREINTE_ILLISIBLE": "format inconnu",
        "TROP_LONG": "trop long", "CARACTERE_INVALIDE": "caractère interdit",
        "DATE_NAISSANCE_INVALIDE": "date impossible", "DATE_FUTURE": "date future",
        "PRENOM_INVALIDE": "prénom impossible", "NOM_INVALIDE": "nom impossible",
        "TELEPHONE_INVALIDE": "numéro impossible", "CANAL_INCONNU": "canal inconnu",
        "CODE_POSTAL_INVALIDE": "code postal impossible", "LANGUE_INVALIDE": "langue inconnue",
        "ADRESSE_INVALIDE": "adresse impossible", "VILLE_INVALIDE": "ville impossible",
        "adresse_code_postal": "code postal", "adresse_ligne": "adresse", "adresse_ville": "ville",
    },
    "en": {
        "prenom": "first name", "nom": "last name", "date_naissance": "birth date",
        "courriel": "e-mail", "empreinte": "hash", "nom_utilisateur": "user name",
        "telephone": "phone", "langue": "language", "canal": "channel", "coordonnee": "contact",
        "ligne": "line", "loisirs": "recreation", "LIGNE_MALFORMEE": "malformed row",
        "CHAMP_REQUIS": "empty", "COURRIEL_INVALIDE": "impossible address",
        "EMPREINTE_ILLISIBLE": "unknown format", "TROP_LONG": "too long",
        "CARACTERE_INVALIDE": "forbidden character", "DATE_NAISSANCE_INVALIDE": "impossible date",
        "DATE_FUTURE": "date in the future", "PRENOM_INVALIDE": "impossible first name",
        "NOM_INVALIDE": "impossible last name", "TELEPHONE_INVALIDE": "impossible number",
        "CANAL_INCONNU": "unknown channel", "CODE_POSTAL_INVALIDE": "impossible postal code",
        "LANGUE_INVALIDE": "unknown language", "ADRESSE_INVALIDE": "impossible address",
        "VILLE_INVALIDE": "impossible city", "adresse_code_postal": "postal code",
        "adresse_ligne": "address", "adresse_ville": "city",
    },
}  # fmt: skip
# `textwrap` would break at a no-break space; a private character stands for it meanwhile.
_INSECABLE: Final = "\u00a0"
_COLLE: Final = "\ue000"
# A text report lists so many rows of one rule; the CSV has them all.
_MONTREES: Final = 20


def texte(bilan: Bilan, langue: str) -> str:
    """Write the report as lines of text."""
    mots = _MOTS[langue]
    lignes = [f"{bilan.fichier} ({mots[bilan.source]})", _etat(bilan, mots), ""]
    lignes.append(f"{bilan.lignes:>9}  {mots['lues']}")
    for regle, phrases in _SIMPLES[langue].items():
        if bilan.nombres[regle]:
            lignes.append(f"{bilan.nombres[regle]:>9}  {phrases[bilan.source]}")
    for regle, phrase in _REGLES[langue].items():
        if bilan.nombres[regle]:
            lignes.append(f"{bilan.nombres[regle]:>9}  {phrase.nom}")
    lignes.append("")
    if not bilan.collisions:
        return "\n".join([*lignes, mots["aucune"], ""])
    for regle, phrase in _REGLES[langue].items():
        concernees = [each for each in bilan.collisions if each.regle == regle]
        if concernees:
            lignes += [*_section(concernees, phrase, langue), ""]
    return "\n".join(lignes)


def ecrire_csv(bilan: Bilan, langue: str) -> str:
    """Write every collision as CSV, for a spreadsheet: semicolons, and a mark that says UTF-8."""
    flux = io.StringIO()
    flux.write("\ufeff")
    ecrivain = csv.writer(flux, delimiter=";", lineterminator="\r\n")
    ecrivain.writerow(_ENTETES[langue])
    for collision in bilan.collisions:
        phrase = _REGLES[langue][Regle(collision.regle)]
        detail = traduire(collision.detail, langue)
        valeurs = (
            collision.ligne, collision.reference, collision.qui, phrase.nom, detail,
            phrase.suite, phrase.a_faire,
        )  # fmt: skip
        ecrivain.writerow([_sans_formule(str(valeur)) for valeur in valeurs])
    return flux.getvalue()


def traduire(detail: str, langue: str) -> str:
    """Say a detail in words: `langue=LANGUE_INVALIDE` becomes "langue : langue inconnue"."""
    mots = _DETAILS[langue]
    deux_points = "\u00a0: " if langue == "fr" else ": "
    parties = []
    for partie in detail.split(" "):
        champ, egal, raison = partie.partition("=")
        traduit = mots.get(champ, champ)
        parties.append(f"{traduit}{deux_points}{mots.get(raison, raison)}" if egal else traduit)
    return (", " if "=" in detail else " ").join(parties)


def _etat(bilan: Bilan, mots: Mapping[str, str]) -> str:
    if bilan.importation_id is None:
        return mots["essai"]
    fait = mots["fait"].format(id=bilan.importation_id)
    return f"{mots['deja']} {fait}" if bilan.deja_fait else fait


def _section(concernees: list[Collision], phrase: Phrases, langue: str) -> Iterable[str]:
    mots = _MOTS[langue]
    deux_points = "\u00a0:" if langue == "fr" else ":"
    yield f"{phrase.nom} ({len(concernees)})"
    yield from _paragraphe(f"{mots['suite']}{deux_points} {phrase.suite}")
    if phrase.a_faire:
        yield from _paragraphe(f"{mots['faire']}{deux_points} {phrase.a_faire}")
    for collision in concernees[:_MONTREES]:
        detail = f" ({traduire(collision.detail, langue)})" if collision.detail else ""
        yield f"    {mots['ligne']} {collision.ligne}: {collision.qui}{detail}"
    if len(concernees) > _MONTREES:
        yield f"    … + {len(concernees) - _MONTREES}"


def _paragraphe(texte: str) -> list[str]:
    """Break a sentence into the lines of a terminal; a no-break space is never broken."""
    lignes = textwrap.wrap(
        texte.replace(_INSECABLE, _COLLE), 78, initial_indent="  ", subsequent_indent="  "
    )
    return [ligne.replace(_COLLE, _INSECABLE) for ligne in lignes]


def _sans_formule(valeur: str) -> str:
    """Keep a spreadsheet from running what somebody wrote as their name."""
    return f"'{valeur}" if valeur[:1] in {"=", "+", "-", "@"} else valeur
