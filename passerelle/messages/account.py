"""Accounts, sessions and mailed links."""

from collections.abc import Mapping
from typing import Final

from passerelle.messages.sentence import Sentence

MESSAGES: Final[Mapping[str, Sentence]] = {
    "IDENTIFIANTS_INVALIDES": Sentence(
        "L’identifiant ou le mot de passe est incorrect, ou le compte n’est pas encore activé.",
        "The user name or the password is wrong, or the account is not activated yet.",
    ),
    "COMPTE_NON_ACTIVE": Sentence(
        "L’identifiant ou le mot de passe est incorrect, ou le compte n’est pas encore activé.",
        "The user name or the password is wrong, or the account is not activated yet.",
    ),
    "TROP_OCCUPE": Sentence(
        "Beaucoup de personnes se connectent en ce moment. "
        "Veuillez réessayer dans quelques instants.",
        "Many people are logging in at the moment. Please try again shortly.",
    ),
    "LANGUE_INCONNUE": Sentence(
        "Cette langue n’est pas offerte.",
        "This language is not available.",
    ),
    "COMPTE_DESACTIVE": Sentence(
        "Ce compte est désactivé.",
        "This account is disabled.",
    ),
    "COMPTE_INTROUVABLE": Sentence(
        "Ce compte est introuvable.",
        "This account cannot be found.",
    ),
    "TROP_DE_TENTATIVES": Sentence(
        "Trop de tentatives. Veuillez patienter un moment avant de recommencer.",
        "Too many attempts. Please wait a moment before trying again.",
    ),
    "CONNEXION_REQUISE": Sentence(
        "Veuillez vous connecter pour continuer.",
        "Please log in to continue.",
    ),
    "AUTHENTIFICATION_REQUISE": Sentence(
        "Veuillez vous connecter pour continuer.",
        "Please log in to continue.",
    ),
    "SESSION_EXPIREE": Sentence(
        "Votre session est terminée. Veuillez vous reconnecter.",
        "Your session has ended. Please log in again.",
    ),
    "SESSION_INCONNUE": Sentence(
        "Votre session est terminée. Veuillez vous reconnecter.",
        "Your session has ended. Please log in again.",
    ),
    "ACCES_REFUSE": Sentence(
        "Vous n’avez pas accès à cette page.",
        "You do not have access to this page.",
    ),
    "LIEN_EXPIRE": Sentence(
        "Ce lien est expiré. Demandez-en un nouveau.",
        "This link has expired. Ask for a new one.",
    ),
    "LIEN_DEJA_UTILISE": Sentence(
        "Ce lien a déjà servi.",
        "This link has already been used.",
    ),
    "LIEN_INCONNU": Sentence(
        "Ce lien n’est pas valide. Vérifiez qu’il a été copié en entier.",
        "This link is not valid. Check that it was copied in full.",
    ),
}
