"""Second factors, delegations and staff rights."""

from collections.abc import Mapping
from typing import Final

from passerelle.messages.sentence import Sentence

MESSAGES: Final[Mapping[str, Sentence]] = {
    "EPREUVE_EXPIREE": Sentence(
        "Cette étape a pris trop de temps ou trop d’essais. Recommencez.",
        "This step took too long or too many tries. Please start again.",
    ),
    "FACTEUR_REFUSE": Sentence(
        "Ce code ou cette clé d’accès n’est pas valide. Attendez le prochain code, puis réessayez.",
        "This code or passkey is not valid. Wait for the next code, then try again.",
    ),
    "FACTEUR_INTROUVABLE": Sentence(
        "Ce moyen de connexion n’existe plus.",
        "This way to log in no longer exists.",
    ),
    "DERNIER_FACTEUR": Sentence(
        "Il doit vous rester au moins un second facteur\u00a0: ajoutez-en un autre d’abord.",
        "You must keep at least one second factor: add another one first.",
    ),
    "PREUVE_REQUISE": Sentence(
        "Confirmez d’abord que c’est bien vous.",
        "First confirm that it is you.",
    ),
    "SECOND_FACTEUR_REQUIS": Sentence(
        "Ajoutez d’abord un second facteur à votre compte.",
        "First add a second factor to your account.",
    ),
    "TROP_DE_CLES": Sentence(
        "Vous avez déjà dix clés d’accès\u00a0: retirez-en une d’abord.",
        "You already have ten passkeys: remove one first.",
    ),
    "PORTEE_INCONNUE": Sentence(
        "Choisissez ce que la personne peut faire.",
        "Choose what the person may do.",
    ),
    "FIN_HORS_LIMITES": Sentence(
        "Choisissez une date d’ici cinq ans.",
        "Choose a date within five years.",
    ),
    "MOTIF_LONGUEUR": Sentence(
        "Écrivez le motif en 10 à 500 caractères.",
        "Write the reason in 10 to 500 characters.",
    ),
    "MANDAT_INTROUVABLE": Sentence(
        "Ce mandat est introuvable.",
        "This delegation cannot be found.",
    ),
    "MANDAT_TERMINE": Sentence(
        "Ce mandat est terminé, ou l’invitation a déjà reçu sa réponse.",
        "This delegation has ended, or the invitation was already answered.",
    ),
    "TROP_DE_MANDATS": Sentence(
        "Vous avez déjà dix mandats en cours\u00a0: terminez-en un d’abord.",
        "You already have ten delegations: end one first.",
    ),
    "MANDATAIRE_SOI_MEME": Sentence(
        "Écrivez le courriel de quelqu’un d’autre.",
        "Write somebody else’s e-mail.",
    ),
    "ROLE_INCONNU": Sentence(
        "Ce rôle n’existe pas.",
        "This role does not exist.",
    ),
    "ATTRIBUTION_INTERDITE": Sentence(
        "Personne ne peut changer ses propres rôles.",
        "Nobody may change their own roles.",
    ),
    "DERNIERS_ADMINS": Sentence(
        "Il doit rester au moins deux personnes à l’administration.",
        "At least two administrators must remain.",
    ),
}
