"""Cards, their requests and their wallets."""

from collections.abc import Mapping
from typing import Final

from passerelle.messages.sentence import Sentence

MESSAGES: Final[Mapping[str, Sentence]] = {
    "CARTE_DEJA_DEMANDEE": Sentence(
        "Vous avez déjà une carte ou une demande de carte en cours.",
        "You already have a card or a card request under way.",
    ),
    "ASSOCIATION_REFUSEE": Sentence(
        "Aucune carte valide ne correspond à ces trois renseignements. Vérifiez-les tels qu’ils "
        "étaient lors de l’émission de la carte, ou présentez-vous au comptoir.",
        "No valid card matches these three details. Check them as they were when the card was "
        "issued, or come to the desk.",
    ),
    "CARTE_DEJA_ASSOCIEE": Sentence(
        "Cette carte est déjà associée à un compte. Si ce n’est pas le vôtre, présentez-vous au "
        "comptoir avec la carte.",
        "This card is already joined to an account. If it is not yours, come to the desk with the "
        "card.",
    ),
    "NUMERO_INVALIDE": Sentence(
        "Ce numéro n’existe pas\u00a0: un chiffre a sans doute été mal recopié.",
        "This number does not exist: a digit was probably copied wrongly.",
    ),
    "CODES_NON_OFFERTS": Sentence(
        "Cette ville ne signe pas encore le code de ses cartes.",
        "This city does not sign the code of its cards yet.",
    ),
    "LISTE_INCONNUE": Sentence(
        "Cette liste d’états n’existe pas.",
        "This status list does not exist.",
    ),
    "CARTE_NON_RENOUVELABLE": Sentence(
        "Cette carte ne peut pas être renouvelée.",
        "This card cannot be renewed.",
    ),
    "RENOUVELLEMENT_TROP_TOT": Sentence(
        "Il est trop tôt pour renouveler cette carte.",
        "It is too early to renew this card.",
    ),
    "RENOUVELLEMENT_TROP_TARD": Sentence(
        "Il est trop tard pour renouveler cette carte\u00a0: demandez-en une nouvelle.",
        "It is too late to renew this card: ask for a new one.",
    ),
    "RENOUVELLEMENT_DEJA_DEMANDE": Sentence(
        "Le renouvellement de cette carte est déjà demandé.",
        "The renewal of this card has already been requested.",
    ),
    "CARTE_INTROUVABLE": Sentence(
        "Cette carte est introuvable.",
        "This card cannot be found.",
    ),
    "CARTE_NON_ACTIVE": Sentence(
        "Cette carte n’est pas active.",
        "This card is not active.",
    ),
    "DEMANDE_INTROUVABLE": Sentence(
        "Cette demande est introuvable.",
        "This request cannot be found.",
    ),
    "DEMANDE_DEJA_DECIDEE": Sentence(
        "Cette demande a déjà été traitée.",
        "This request has already been decided.",
    ),
    "DEMANDE_NON_INCOMPLETE": Sentence(
        "Aucun document n’est à remplacer dans cette demande.",
        "No document needs to be replaced in this request.",
    ),
    "VERSION_PERIMEE": Sentence(
        "Cette demande a changé depuis que vous l’avez ouverte. Relisez-la avant de décider.",
        "This request has changed since you opened it. Read it again before deciding.",
    ),
    "MEME_PIECE_DEUX_FOIS": Sentence(
        "Choisissez deux documents différents\u00a0: une preuve d’identité et une preuve de "
        "résidence.",
        "Choose two different documents: a proof of identity and a proof of residence.",
    ),
    "PIECE_NON_REFUSEE": Sentence(
        "Ce document n’a pas été refusé\u00a0: il n’est pas à remplacer.",
        "This document was not refused: it does not need to be replaced.",
    ),
    "PIECE_MANQUANTE": Sentence(
        "Il manque une preuve.",
        "A proof is missing.",
    ),
    "DECISIONS_INCOMPLETES": Sentence(
        "Chaque document à vérifier doit recevoir une décision.",
        "Every document to check needs a decision.",
    ),
    "DECISION_INVALIDE": Sentence(
        "Cette décision n’est pas valable pour ce document.",
        "This decision is not valid for this document.",
    ),
    "GENRE_NON_ACCEPTE": Sentence(
        "Ce genre de document n’est pas accepté pour cette preuve.",
        "This kind of document is not accepted for this proof.",
    ),
    "PIECE_DEJA_REFUSEE": Sentence(
        "Ce document a déjà été refusé. Choisissez-en un autre.",
        "This document was already refused. Choose another one.",
    ),
    "AGE_INSUFFISANT": Sentence(
        "Cette carte n’est pas offerte à cet âge.",
        "This card is not available at this age.",
    ),
    "ROLE_REQUIS": Sentence(
        "Dites de quelle preuve il s’agit.",
        "Say which proof this is.",
    ),
    "PORTEFEUILLE_NON_OFFERT": Sentence(
        "Ce portefeuille numérique n’est pas offert pour le moment.",
        "This digital wallet is not available at the moment.",
    ),
    "MOTIF_REQUIS": Sentence(
        "Choisissez le motif du refus.",
        "Choose the reason for the refusal.",
    ),
    "PRECISION_REQUISE": Sentence(
        "Précisez le motif du refus.",
        "Explain the reason for the refusal.",
    ),
    "PORTEFEUILLE_INDISPONIBLE": Sentence(
        "Ce portefeuille numérique n’est pas offert pour le moment.",
        "This digital wallet is not available at the moment.",
    ),
}
