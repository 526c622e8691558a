"""The public home (PAS-01) and the aggregated home of a person (PAS-03)."""

from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Final
from zoneinfo import ZoneInfo

from flask import Blueprint, current_app, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext

from chassis.grpc_client import RemoteError
from espacecitoyen.cartes.v1 import cartes_service_pb2 as cartes
from espacecitoyen.demandes.v1 import demandes_service_pb2 as demandes
from passerelle import clients, home, problems, session
from passerelle.portail.forms import Connexion, Ticket

bp = Blueprint("accueil", __name__)

# Types shown on the public home; the catalogue has them all.
_TYPES: Final = 6
_PREAVIS_JOURS: Final = 30
_TEMOINS_S: Final = 365 * 24 * 3600


@dataclass(frozen=True)
class Action:
    """One thing to do now, with the one button that does it."""

    titre: str
    texte: str
    bouton: str
    adresse: str
    icone: str
    # "urgent", "attente", "fait" or "" (ordinary).
    ton: str = ""


@bp.get("/")
def public() -> ResponseReturnValue:
    """Welcome; somebody who is logged in goes to their own home."""
    if session.current_visit().connecte:
        return redirect(url_for("accueil.personnel"))
    types, erreur = _types()
    return render_template(
        "accueil_public.html",
        formulaire=Connexion(),
        ticket=Ticket(),
        types=types,
        erreur_types=erreur,
    )


@bp.get("/accueil")
@session.login_required
def personnel() -> ResponseReturnValue:
    """Show everything at a glance; a service that is away leaves a sentence in its place."""
    accueil = home.load_home(clients.current(), session.current_visit())
    return render_template(
        "accueil.html", accueil=accueil, actions=_actions(accueil), complet=accueil.complete
    )


@bp.post("/temoins")
def temoins() -> ResponseReturnValue:
    """Remember that the cookie notice was read."""
    suite = session.local_path(request.form.get("suite", "/"))
    response = make_response(redirect(suite, code=303))
    response.set_cookie(
        "temoins",
        "vus",
        max_age=_TEMOINS_S,
        secure=current_app.extensions["config"].https,
        httponly=True,
        samesite="Lax",
    )
    return response


def _types() -> tuple[list[demandes.TypeDemande], str]:
    services = clients.current()
    try:
        answer: demandes.ListTypesDemandeResponse = services.demandes.call(
            lambda s: s.ListTypesDemande,
            demandes.ListTypesDemandeRequest(page_size=_TYPES),
            token=services.token(),
            deadline=services.config.delai_accueil_s,
        )
    except RemoteError as error:
        return [], problems.reason(error)
    return list(answer.types), ""


def _actions(accueil: home.Home) -> list[Action]:
    """Return what the person must do now, the most urgent first."""
    if accueil.cartes.value is None:
        return []
    siennes = list(accueil.cartes.value.cartes)
    actions = [action for carte in siennes if (action := _action_carte(carte)) is not None]
    if not any(carte.statut in _EN_COURS for carte in siennes):
        actions.append(
            Action(
                gettext("Demander ma carte"),
                gettext(
                    "La Carte citoyen est disponible en format numérique. Il vous faut une pièce "
                    "d’identité et une preuve de résidence."
                ),
                gettext("Demander ma carte"),
                url_for("cartes.demander"),
                "it-card",
            )
        )
    return sorted(actions, key=lambda action: _RANGS[action.ton])


_RANGS: Final = {"urgent": 0, "": 1, "attente": 2, "fait": 3}
_EN_COURS: Final = frozenset(
    {
        cartes.STATUT_CARTE_EN_ATTENTE_VALIDATION,
        cartes.STATUT_CARTE_ACTIVE,
        cartes.STATUT_CARTE_SUSPENDUE,
    }
)


def _action_carte(carte: cartes.Carte) -> Action | None:
    adresse = url_for("cartes.voir", carte_id=carte.carte_id)
    if carte.demande.statut == cartes.STATUT_DEMANDE_INCOMPLETE:
        return Action(
            gettext("Remplacer une pièce refusée"),
            gettext("La Ville ne peut pas valider votre carte sans cette pièce."),
            gettext("Remplacer la pièce"),
            adresse,
            "it-warning-circle",
            "urgent",
        )
    if carte.statut == cartes.STATUT_CARTE_EN_ATTENTE_VALIDATION:
        return Action(
            gettext("Votre carte est en attente de validation"),
            gettext(
                "Vous n’avez rien à faire : vous recevrez un courriel lorsqu’elle sera approuvée."
            ),
            gettext("Suivre ma demande"),
            adresse,
            "it-clock",
            "attente",
        )
    if carte.statut == cartes.STATUT_CARTE_ACTIVE and carte.numerique:
        return Action(
            gettext("Ajouter la carte à votre portefeuille numérique"),
            gettext("Votre carte est valide jusqu’au {date}.").format(date=_jour(carte.echeance)),
            gettext("Voir ma carte"),
            adresse,
            "it-card",
            "" if _bientot_echue(carte.echeance) else "fait",
        )
    return None


def _jour(iso: str) -> str:
    rendu: str = current_app.jinja_env.filters["jour"](iso)
    return rendu


def _bientot_echue(echeance: str) -> bool:
    fuseau = ZoneInfo(current_app.extensions["config"].ville_fuseau)
    aujourd_hui = datetime.now(UTC).astimezone(fuseau).date()
    return bool(echeance) and (date.fromisoformat(echeance) - aujourd_hui).days <= _PREAVIS_JOURS
