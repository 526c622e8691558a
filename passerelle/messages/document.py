"""Documents of the storage space."""

from collections.abc import Mapping
from typing import Final

from passerelle.messages.sentence import Sentence

MESSAGES: Final[Mapping[str, Sentence]] = {
    "PIECE_INTROUVABLE": Sentence(
        "Ce document est introuvable.",
        "This document cannot be found.",
    ),
    "PIECE_NON_SAINE": Sentence(
        "Ce document ne peut pas être utilisé\u00a0: son analyse antivirus n’est pas terminée ou "
        "ne l’a pas déclaré sain.",
        "This document cannot be used: its antivirus scan is not finished or did not find it "
        "clean.",
    ),
    "PIECE_EN_ANALYSE": Sentence(
        "Ce document est encore en cours d’analyse. Veuillez réessayer dans un moment.",
        "This document is still being scanned. Please try again in a moment.",
    ),
    "PIECE_ALTEREE": Sentence(
        "Ce document est endommagé et ne peut pas être remis. La ville en est avisée.",
        "This document is damaged and cannot be delivered. The city has been told.",
    ),
    "DEPOT_INTERROMPU": Sentence(
        "L’envoi s’est interrompu. Veuillez recommencer.",
        "The transfer was interrupted. Please try again.",
    ),
    "GENRE_REQUIS": Sentence(
        "Choisissez le genre du document.",
        "Choose the kind of document.",
    ),
    "LIBELLE_TROP_LONG": Sentence(
        "Cette description est trop longue.",
        "This description is too long.",
    ),
    "TAILLE_INVALIDE": Sentence(
        "La taille annoncée n’est pas celle du fichier.",
        "The announced size is not that of the file.",
    ),
    "PAGE_INCONNUE": Sentence(
        "Cette page du document n’existe pas.",
        "This page of the document does not exist.",
    ),
    "DOSSIER_INVALIDE": Sentence(
        "Ce dossier ne contient pas ce document.",
        "This case does not hold this document.",
    ),
    "PIECE_EXPIREE": Sentence(
        "Ce document n’est plus valide\u00a0: sa date de fin de validité est passée.",
        "This document is no longer valid: its validity date has passed.",
    ),
    "PIECE_INFECTEE": Sentence(
        "Ce fichier contient un virus. Il a été refusé et n’a pas été conservé.",
        "This file contains a virus. It was refused and was not kept.",
    ),
    "PIECE_TROP_GRANDE": Sentence(
        "Ce fichier est trop volumineux.",
        "This file is too large.",
    ),
    "PIECE_VIDE": Sentence(
        "Ce fichier est vide.",
        "This file is empty.",
    ),
    "PIECE_TRONQUEE": Sentence(
        "Ce fichier est arrivé incomplet. Veuillez l’envoyer de nouveau.",
        "This file arrived incomplete. Please send it again.",
    ),
    "PIECE_ILLISIBLE": Sentence(
        "Ce fichier ne peut pas être lu\u00a0: il est endommagé.",
        "This file cannot be read: it is damaged.",
    ),
    "PIECE_CORROMPUE": Sentence(
        "Ce document est endommagé et ne peut pas être remis. La ville en est avisée.",
        "This document is damaged and cannot be delivered. The city has been told.",
    ),
    "PIECE_PROTEGEE": Sentence(
        "Ce document est protégé par un mot de passe. Envoyez une version sans mot de passe.",
        "This document is protected by a password. Send a version without one.",
    ),
    "PIECE_UTILISEE": Sentence(
        "Ce document est utilisé par une demande.",
        "This document is used by a request.",
    ),
    "PIECE_REQUISE": Sentence(
        "Veuillez choisir un fichier.",
        "Please choose a file.",
    ),
    "UNE_SEULE_PIECE": Sentence(
        "Envoyez un seul fichier à la fois.",
        "Send one file at a time.",
    ),
    "TYPE_NON_ACCEPTE": Sentence(
        "Ce type de fichier n’est pas accepté. Formats permis\u00a0: PDF, JPEG et PNG.",
        "This type of file is not accepted. Allowed formats: PDF, JPEG and PNG.",
    ),
    "EXTENSION_DIFFERENTE": Sentence(
        "Le contenu du fichier ne correspond pas à son nom.",
        "The content of the file does not match its name.",
    ),
    "IMAGE_TROP_GRANDE": Sentence(
        "Cette image a trop de pixels.",
        "This image has too many pixels.",
    ),
    "TROP_DE_PAGES": Sentence(
        "Ce document compte trop de pages.",
        "This document has too many pages.",
    ),
    "PAGE_INTROUVABLE": Sentence(
        "Cette page du document n’existe pas.",
        "This page of the document does not exist.",
    ),
    "QUOTA_DEPASSE": Sentence(
        "Votre espace de stockage est plein. Supprimez un document avant d’en ajouter un autre.",
        "Your storage space is full. Delete a document before adding another one.",
    ),
    "NOM_FICHIER_INVALIDE": Sentence(
        "Ce nom de fichier n’est pas accepté.",
        "This file name is not accepted.",
    ),
    "LIBELLE_INVALIDE": Sentence(
        "Cette description n’est pas acceptée.",
        "This description is not accepted.",
    ),
    "GENRE_INVALIDE": Sentence(
        "Ce genre de document n’existe pas.",
        "This kind of document does not exist.",
    ),
    "ANTIVIRUS_INDISPONIBLE": Sentence(
        "L’antivirus ne répond pas. Le document sera analysé dès que possible.",
        "The antivirus does not answer. The document will be scanned as soon as possible.",
    ),
}
