"""What an act has just done, told on the page that follows it.

The address carries the name (`?fait=piece_ajoutee`), so that no server state is needed and a page
that is loaded again still says it.
"""

from collections.abc import Mapping
from typing import Final

from flask_babel import lazy_gettext as _l
from flask_babel.speaklater import LazyString

FAITS: Final[Mapping[str, LazyString]] = {
    "compte_active": _l("Votre compte est activé. Vous pouvez maintenant vous connecter."),
    "mot_de_passe_change": _l(
        "Votre nouveau mot de passe est enregistré. Toutes vos sessions ont été fermées : "
        "connectez-vous avec le nouveau."
    ),
    "facteur_ajoute": _l("Le second facteur est ajouté à votre compte."),
    "facteur_modifie": _l("Vos changements sont enregistrés."),
    "facteur_retire": _l("Le second facteur est retiré de votre compte."),
    "code_secours": _l(
        "Un code de secours vient de servir. S’il vous en reste peu, créez-en de nouveaux."
    ),
    "verification_expiree": _l(
        "La seconde étape a pris trop de temps ou trop d’essais : reconnectez-vous."
    ),
    "mot_de_passe_remplace": _l(
        "Votre nouveau mot de passe est enregistré. Vos autres sessions sont terminées."
    ),
    "nom_utilisateur_change": _l("Votre nom d’utilisateur est enregistré."),
    "session_terminee": _l("La session est terminée."),
    "sessions_terminees": _l("Toutes vos autres sessions sont terminées."),
    "appareil_oublie": _l("L’appareil est oublié."),
    "compte_protege": _l(
        "Votre compte est protégé. Suivez le lien du courriel pour choisir un mot de passe."
    ),
    "acces_retire": _l("L’accès de cette application est retiré, dès maintenant."),
    "application_changee": _l("Vos changements sont enregistrés."),
    "identite_liee": _l(
        "C’est fait : la prochaine fois, vous pourrez entrer directement avec cet autre compte."
    ),
    "mandat_propose": _l(
        "L’invitation est faite. La personne la trouvera dans son espace, à cette adresse courriel."
    ),
    "mandat_accepte": _l("Le mandat est accepté : vous pouvez agir pour cette personne."),
    "mandat_refuse": _l("L’invitation est refusée."),
    "mandat_termine": _l("Le mandat est terminé."),
    "mandat_cesse": _l("Vous agissez de nouveau pour vous-même."),
    "role_change": _l("Le rôle est changé, et le motif est inscrit au journal."),
    "compte_importe": _l(
        "Bienvenue ! Vos identifiants du compte de taxes valent ici. Ajoutez vos coordonnées et "
        "choisissez vos avis : en attendant, vous recevez les avis d’urgence par courriel."
    ),
    "famille_liee": _l("Votre Espace Famille est lié à votre compte."),
    "compte_delie": _l("Le compte est délié."),
    "liaison_decidee": _l("La décision est enregistrée."),
    "deconnecte": _l("Vous êtes déconnecté."),
    "profil_modifie": _l("Votre profil est à jour."),
    "numero_verifie": _l("Votre numéro est vérifié."),
    "numero_retire": _l("Le numéro est retiré de votre profil."),
    "recuperation_arretee": _l("La demande est arrêtée : votre compte reste le vôtre."),
    "courriel_confirme": _l(
        "Votre nouvelle adresse courriel est confirmée. Connectez-vous avec elle."
    ),
    "compte_corrige": _l("La correction est enregistrée; la personne en est avisée."),
    "recuperation_demandee": _l("La demande attend la décision d’une ou d’un collègue."),
    "recuperation_approuvee": _l("La récupération est approuvée. Le lien partira après le délai."),
    "recuperation_refusee": _l("La récupération est refusée."),
    "piece_ajoutee": _l("Votre document est enregistré dans votre espace de stockage."),
    "piece_modifiee": _l("Vos changements sont enregistrés."),
    "piece_supprimee": _l("Le document a été supprimé de votre espace de stockage."),
    "carte_demandee": _l(
        "Votre demande est déposée. Vous recevrez un courriel lorsqu’elle sera approuvée."
    ),
    "carte_associee": _l(
        "Votre carte est associée à votre compte. Vous pouvez l’ajouter à votre téléphone."
    ),
    "renouvellement_demande": _l(
        "Votre demande de renouvellement est déposée. Vous recevrez un courriel lorsqu’elle sera "
        "approuvée."
    ),
    "piece_remplacee": _l("La nouvelle pièce est transmise à la Ville."),
    "demande_approuvee": _l("La demande est approuvée : la carte est active."),
    "demande_incomplete": _l(
        "La décision est enregistrée : la personne est avisée de la pièce à remplacer."
    ),
}
