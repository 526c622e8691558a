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
    "deconnecte": _l("Vous êtes déconnecté."),
    "piece_ajoutee": _l("Votre document est enregistré dans votre espace de stockage."),
    "piece_modifiee": _l("Vos changements sont enregistrés."),
    "piece_supprimee": _l("Le document a été supprimé de votre espace de stockage."),
    "carte_demandee": _l(
        "Votre demande est déposée. Vous recevrez un courriel lorsqu’elle sera approuvée."
    ),
    "piece_remplacee": _l("La nouvelle pièce est transmise à la Ville."),
    "demande_approuvee": _l("La demande est approuvée : la carte est active."),
    "demande_incomplete": _l(
        "La décision est enregistrée : la personne est avisée de la pièce à remplacer."
    ),
}
