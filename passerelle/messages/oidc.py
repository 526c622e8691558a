"""Log-in at other applications, and with the identity of another provider."""

from collections.abc import Mapping
from typing import Final

from passerelle.messages.sentence import Sentence

MESSAGES: Final[Mapping[str, Sentence]] = {
    "CLIENT_INCONNU": Sentence(
        "Cette application n’est pas inscrite auprès de la Ville, ou ne l’est plus.",
        "This application is not registered with the city, or no longer is.",
    ),
    "CLIENT_NON_AUTHENTIFIE": Sentence(
        "L’application n’a pas prouvé son identité.",
        "The application did not prove its identity.",
    ),
    "CLIENT_NON_HABILITE": Sentence(
        "L’application n’a pas le droit de faire cela.",
        "The application may not do this.",
    ),
    "REDIRECTION_REFUSEE": Sentence(
        "Cette adresse n’est pas acceptée. Écrivez une adresse complète, en https, sans caractère "
        "de remplacement; http n’est permis que pour cet ordinateur (127.0.0.1).",
        "This address is not accepted. Write a complete https address without wildcards; http is "
        "allowed for this computer only (127.0.0.1).",
    ),
    "PORTEE_REFUSEE": Sentence(
        "L’application demande des renseignements qu’elle n’a pas le droit de demander.",
        "The application asks for information that it may not ask for.",
    ),
    "PORTEE_INCONNUE": Sentence(
        "Choisissez parmi les renseignements de la liste.",
        "Choose among the information listed.",
    ),
    "METHODE_INCONNUE": Sentence(
        "Choisissez une façon de prouver son identité qui convient à cette application.",
        "Choose a way to prove its identity that suits this application.",
    ),
    "ALGORITHME_INCONNU": Sentence(
        "Choisissez un algorithme de la liste.",
        "Choose an algorithm of the list.",
    ),
    "CLES_ILLISIBLES": Sentence(
        "Collez le jeu de clés publiques de l’application (JSON Web Key Set), sans clé privée.",
        "Paste the application’s set of public keys (JSON Web Key Set), without a private key.",
    ),
    "DEFI_INVALIDE": Sentence(
        "L’application n’a pas protégé sa demande comme il le faut.",
        "The application did not protect its request as it must.",
    ),
    "AUTORISATION_INVALIDE": Sentence(
        "Cette autorisation n’est plus valide.",
        "This authorization is no longer valid.",
    ),
    "CONSENTEMENT_REQUIS": Sentence(
        "Votre accord est nécessaire pour continuer.",
        "Your consent is needed to continue.",
    ),
    "RECONNEXION_REQUISE": Sentence(
        "L’application demande que vous vous connectiez de nouveau.",
        "The application asks you to log in again.",
    ),
    "JETON_ACCES_INVALIDE": Sentence(
        "Cet accès est terminé.",
        "This access has ended.",
    ),
    "BILLET_INVALIDE": Sentence(
        "Ce lien n’a pas pu être fait. Reprenez la connexion depuis le début; si votre courriel "
        "n’est pas le même aux deux endroits, communiquez avec la Ville.",
        "The link could not be made. Start the log-in again; if your e-mail is not the same in "
        "both places, contact the city.",
    ),
    "IDENTITE_DEJA_LIEE": Sentence(
        "Cette identité est déjà reliée à un compte.",
        "This identity is already linked to an account.",
    ),
    "FOURNISSEUR_REFUSE": Sentence(
        "La connexion avec cet autre compte n’a pas réussi. Veuillez recommencer.",
        "The log-in with that other account did not succeed. Please try again.",
    ),
    "DEMANDE_OIDC_REFUSEE": Sentence(
        "L’application a envoyé une demande qui ne peut pas être acceptée. "
        "Revenez à l’application et recommencez; si cela persiste, avertissez-la.",
        "The application sent a request that cannot be accepted. Go back to the application and "
        "try again; if it happens again, tell it.",
    ),
}
