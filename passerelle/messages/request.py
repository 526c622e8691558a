"""What can be wrong with a request itself, or with one of its fields."""

from collections.abc import Mapping
from typing import Final

from passerelle.messages.sentence import Sentence

MESSAGES: Final[Mapping[str, Sentence]] = {
    "ADRESSE_INCONNUE": Sentence(
        "Cette page n’existe pas ou n’existe plus.",
        "This page does not exist, or no longer does.",
    ),
    "METHODE_NON_PERMISE": Sentence(
        "Cette action n’est pas possible à cette adresse.",
        "This action is not possible at this address.",
    ),
    "REQUETE_INVALIDE": Sentence(
        "La demande reçue est mal formée.",
        "The request is malformed.",
    ),
    "HOTE_INCONNU": Sentence(
        "Ce nom de site n’est pas le nôtre.",
        "This host name is not ours.",
    ),
    "CORPS_TROP_GRAND": Sentence(
        "Ce qui a été envoyé dépasse la taille permise.",
        "What was sent is larger than allowed.",
    ),
    "ENTETES_TROP_GRANDS": Sentence(
        "Les en-têtes de la demande sont trop volumineux.", "The request headers are too large."
    ),
    "CORPS_TRONQUE": Sentence(
        "L’envoi s’est interrompu avant la fin. Veuillez recommencer.",
        "The transfer stopped before its end. Please try again.",
    ),
    "TYPE_DE_CONTENU_NON_ACCEPTE": Sentence(
        "Ce type de contenu n’est pas accepté ici.",
        "This content type is not accepted here.",
    ),
    "JSON_MALFORME": Sentence(
        "Le contenu n’est pas du JSON valide.",
        "The content is not valid JSON.",
    ),
    "JSON_TROP_PROFOND": Sentence(
        "Le contenu JSON est imbriqué trop profondément.",
        "The JSON content is nested too deeply.",
    ),
    "FORMULAIRE_MALFORME": Sentence(
        "Le formulaire reçu est mal formé.",
        "The form received is malformed.",
    ),
    "CLE_IDEMPOTENCE_INVALIDE": Sentence(
        "L’en-tête Idempotency-Key doit être un UUID.",
        "The Idempotency-Key header must be a UUID.",
    ),
    "REQUEST_ID_INVALIDE": Sentence(
        "L’identifiant de la demande doit être un UUID.",
        "The request identifier must be a UUID.",
    ),
    "REQUEST_ID_REUTILISE": Sentence(
        "Cet identifiant de demande a déjà servi avec un autre contenu.",
        "This request identifier was already used with other content.",
    ),
    "CURSEUR_INVALIDE": Sentence(
        "La suite de la liste n’est plus valide. Reprenez depuis le début.",
        "This list cursor is no longer valid. Start again from the beginning.",
    ),
    "PAGE_INVALIDE": Sentence(
        "La suite de la liste n’est plus valide. Reprenez depuis le début.",
        "This list cursor is no longer valid. Start again from the beginning.",
    ),
    "ORIGINE_REFUSEE": Sentence(
        "Cette action a été lancée depuis un autre site. Par sécurité, elle est refusée.",
        "This action was started from another site. It is refused for your safety.",
    ),
    "FORMULAIRE_PERIME": Sentence(
        "Ce formulaire n’est plus valide. Rechargez la page et recommencez.",
        "This form is no longer valid. Reload the page and try again.",
    ),
    "DONNEES_INVALIDES": Sentence(
        "Certains renseignements sont à corriger.",
        "Some information needs to be corrected.",
    ),
    "REQUETE_TROP_LONGUE": Sentence(
        "La recherche est trop longue.",
        "The search is too long.",
    ),
    "CHAMP_INCONNU": Sentence(
        "Ce champ n’est pas connu.",
        "This field is unknown.",
    ),
    "FORMAT_INVALIDE": Sentence(
        "Cette valeur n’a pas la forme attendue.",
        "This value does not have the expected form.",
    ),
    "HORS_LIMITES": Sentence(
        "Ce nombre est hors des limites permises.",
        "This number is outside the allowed limits.",
    ),
    "NOMBRE_INVALIDE": Sentence(
        "Ce nombre n’est pas accepté.",
        "This number is not accepted.",
    ),
    "NON_ATTENDU": Sentence(
        "Ce champ n’est pas attendu ici.",
        "This field is not expected here.",
    ),
    "DOUBLE": Sentence(
        "Cette valeur est donnée deux fois.",
        "This value is given twice.",
    ),
    "CHAMP_REQUIS": Sentence(
        "Ce champ est requis.",
        "This field is required.",
    ),
    "REQUIS": Sentence(
        "Ce champ est requis.",
        "This field is required.",
    ),
    "TYPE_INVALIDE": Sentence(
        "Ce champ n’a pas le type attendu.",
        "This field does not have the expected type.",
    ),
    "VALEUR_INVALIDE": Sentence(
        "Cette valeur n’est pas acceptée.",
        "This value is not accepted.",
    ),
    "TROP_LONG": Sentence(
        "Cette valeur est trop longue.",
        "This value is too long.",
    ),
    "TROP_COURT": Sentence(
        "Cette valeur est trop courte.",
        "This value is too short.",
    ),
    "CARACTERE_INVALIDE": Sentence(
        "Cette valeur contient un caractère qui n’est pas accepté.",
        "This value contains a character that is not accepted.",
    ),
    "COURRIEL_INVALIDE": Sentence(
        "Cette adresse courriel n’est pas valide.",
        "This e-mail address is not valid.",
    ),
    "MOT_DE_PASSE_FAIBLE": Sentence(
        "Ce mot de passe est trop facile à deviner. Choisissez au moins 12\u00a0caractères, par "
        "exemple quelques mots sans lien entre eux.",
        "This password is too easy to guess. Choose at least 12 characters, for example a few "
        "unrelated words.",
    ),
    "MOT_DE_PASSE_TROP_COURT": Sentence(
        "Le mot de passe doit compter au moins 12\u00a0caractères.",
        "The password must have at least 12 characters.",
    ),
    "MOT_DE_PASSE_TROP_LONG": Sentence(
        "Le mot de passe est trop long.",
        "The password is too long.",
    ),
    "PRENOM_INVALIDE": Sentence(
        "Ce prénom n’est pas valide.",
        "This first name is not valid.",
    ),
    "NOM_INVALIDE": Sentence(
        "Ce nom n’est pas valide.",
        "This last name is not valid.",
    ),
    "NOM_UTILISATEUR_INVALIDE": Sentence(
        "Ce nom d’utilisateur n’est pas valide.",
        "This user name is not valid.",
    ),
    "NOM_UTILISATEUR_PRIS": Sentence(
        "Ce nom d’utilisateur est déjà pris. Veuillez en choisir un autre.",
        "This user name is already taken. Please choose another one.",
    ),
    "DATE_INVALIDE": Sentence(
        "Cette date n’est pas valide.",
        "This date is not valid.",
    ),
    "DATE_INVRAISEMBLABLE": Sentence(
        "Cette date n’est pas vraisemblable.",
        "This date is not plausible.",
    ),
    "DATE_FUTURE": Sentence(
        "Cette date est dans l’avenir.",
        "This date is in the future.",
    ),
    "DATE_NAISSANCE_INVALIDE": Sentence(
        "Cette date de naissance n’est pas valide.",
        "This date of birth is not valid.",
    ),
    "ADRESSE_INVALIDE": Sentence(
        "Cette adresse n’est pas valide.",
        "This address is not valid.",
    ),
    "VILLE_INVALIDE": Sentence(
        "Cette ville n’est pas valide.",
        "This city is not valid.",
    ),
    "CODE_POSTAL_INVALIDE": Sentence(
        "Ce code postal n’est pas valide. Exemple\u00a0: J7E\u00a01A1.",
        "This postal code is not valid. Example: J7E\u00a01A1.",
    ),
    "TELEPHONE_INVALIDE": Sentence(
        "Ce numéro de téléphone n’est pas valide.",
        "This telephone number is not valid.",
    ),
    "LANGUE_INVALIDE": Sentence(
        "Cette langue n’est pas offerte.",
        "This language is not available.",
    ),
    "CATEGORIE_INCONNUE": Sentence(
        "Cette catégorie d’avis n’existe pas.",
        "This notice category does not exist.",
    ),
    "CANAL_INCONNU": Sentence(
        "Ce mode de communication n’existe pas.",
        "This means of communication does not exist.",
    ),
}
