"""Profiles, contact points and their proof, corrections by staff, lost mailboxes."""

from collections.abc import Mapping
from typing import Final

from passerelle.messages.sentence import Sentence

MESSAGES: Final[Mapping[str, Sentence]] = {
    "CODE_INVALIDE": Sentence(
        "Ce code n’est pas le bon. Recopiez les six chiffres du dernier message reçu.",
        "This code is not the right one. Copy the six digits of the latest message received.",
    ),
    "CODE_EXPIRE": Sentence(
        "Ce code ne vaut plus. Demandez-en un nouveau.",
        "This code is no longer valid. Ask for a new one.",
    ),
    "TROP_DE_CODES": Sentence(
        "Trop de codes ont été demandés. Attendez un peu avant d’en demander un autre.",
        "Too many codes were asked for. Wait a little before asking for another one.",
    ),
    "BUDGET_EPUISE": Sentence(
        "La Ville ne peut plus envoyer de codes aujourd’hui. Veuillez réessayer demain.",
        "The city cannot send any more codes today. Please try again tomorrow.",
    ),
    "COORDONNEE_INTROUVABLE": Sentence(
        "Ce numéro n’est plus dans votre profil.",
        "This number is no longer in your profile.",
    ),
    "COORDONNEE_DEJA_CONNUE": Sentence(
        "Ce numéro est déjà dans votre profil.",
        "This number is in your profile already.",
    ),
    "COORDONNEE_DEJA_VERIFIEE": Sentence(
        "Ce numéro est déjà vérifié.",
        "This number is verified already.",
    ),
    "COORDONNEE_GELEE": Sentence(
        "Trop de codes faux ont été essayés pour ce numéro. Communiquez avec la Ville.",
        "Too many wrong codes were tried for this number. Contact the city.",
    ),
    "TROP_DE_COORDONNEES": Sentence(
        "Votre profil contient déjà quatre numéros. Retirez-en un avant d’en ajouter un autre.",
        "Your profile already holds four numbers. Remove one before adding another.",
    ),
    "CELLULAIRE_DEJA_PRIS": Sentence(
        "Ce cellulaire est déjà relié à un autre compte, et un cellulaire n’appartient qu’à un "
        "compte. Si c’est le vôtre, communiquez avec la Ville.",
        "This cell phone is tied to another account already, and a cell phone belongs to one "
        "account only. If it is yours, contact the city.",
    ),
    "COURRIEL_DEJA_PRIS": Sentence(
        "Cette adresse courriel appartient déjà à un autre compte.",
        "This e-mail address belongs to another account already.",
    ),
    "COURRIEL_INCHANGE": Sentence(
        "C’est déjà l’adresse du compte.", "It is the account’s address already."
    ),
    "NUMERO_REFUSE": Sentence(
        "Aucun code ne peut être envoyé à ce numéro. Écrivez un numéro du Canada ou des États-Unis "
        "qui n’est pas surtaxé.",
        "No code can be sent to this number. Write a number of Canada or the United States that "
        "is not a premium one.",
    ),
    "MOYEN_SANS_COORDONNEE": Sentence(
        "Ajoutez d’abord un numéro de téléphone; pour les SMS, vérifiez un cellulaire.",
        "First add a phone number; for text messages, verify a cell phone.",
    ),
    "CHAMP_VERROUILLE": Sentence(
        "Ce renseignement ne se modifie qu’avec l’aide de la Ville.",
        "This piece of information can only be changed with the city’s help.",
    ),
    "MOTIF_REQUIS": Sentence(
        "Écrivez ce qui a été vu, en quelques mots.", "Write what was seen, in a few words."
    ),
    "RIEN_A_CORRIGER": Sentence(
        "Rien n’est différent de ce qui est déjà inscrit.",
        "Nothing differs from what is recorded already.",
    ),
    "CONTROLE_INCONNU": Sentence(
        "Ce contrôle n’est pas de la liste.", "This check is not on the list."
    ),
    "CONTROLES_INSUFFISANTS": Sentence(
        "Faites au moins deux contrôles d’identité.", "Make at least two identity checks."
    ),
    "RECHERCHE_TROP_COURTE": Sentence(
        "Écrivez au moins deux caractères.", "Write at least two characters."
    ),
    "RECUPERATION_INTROUVABLE": Sentence(
        "Cette récupération est introuvable.", "This recovery cannot be found."
    ),
    "RECUPERATION_EN_COURS": Sentence(
        "Une récupération de ce compte est déjà en cours.",
        "A recovery of this account is under way already.",
    ),
    "RECUPERATION_DECIDEE": Sentence(
        "Quelqu’un a déjà décidé de cette récupération.",
        "Somebody has decided on this recovery already.",
    ),
    "MEME_AGENT": Sentence(
        "Deux personnes différentes doivent être d’accord\u00a0: demandez à une ou un collègue.",
        "Two different people have to agree: ask a colleague.",
    ),
    "PROPRE_PERSONNE": Sentence(
        "Vous ne pouvez pas traiter votre propre compte.",
        "You cannot act on your own account.",
    ),
}
