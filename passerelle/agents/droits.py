"""Who on the staff may do what: the matrix page, and the guard of each /agents page (IDN-21, API5).

Guarantee: a page under /agents without a cell in `CELLULES` is refused to everybody. The services
judge again by themselves, with the roles of the token.
"""

from collections.abc import Mapping
from typing import Final

from flask import Blueprint, Flask, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import lazy_gettext as _l
from flask_babel.speaklater import LazyString
from wtforms import EmailField, RadioField, SelectField, TextAreaField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import Length

from chassis.grpc_client import RemoteError
from espacecitoyen.identite.v1 import mandats_service_pb2 as mandats
from passerelle import clients, session
from passerelle.portail.forms import Formulaire, requis, sans_bords
from passerelle.problems import Problem, from_remote
from passerelle.step_up import proof_required

bp = Blueprint("agents_droits", __name__)

# Open to anybody: the door itself.
PORTE: Final = "porte"
# Any staff session, one that waits for its first factor included: it is about oneself.
SOI: Final = "soi"

# Endpoint or blueprint -> permission. A blueprint's cell holds for each of its pages.
CELLULES: Final[Mapping[str, str]] = {
    "agents_connexion": PORTE,
    "agents_verification": PORTE,
    "agents_securite": SOI,
    "agents_confirmation": SOI,
    "agents_mandataires": SOI,
    "agents_cartes": "cartes.traiter",
    "agents_comptes": "comptes.corriger",
    "agents_liaisons": "comptes.corriger",
    "agents_applications": "oidc.clients",
    "agents_droits": "droits.attribuer",
}

_PREMIERE: Final = "agents_cartes.file"
_AUTRES_PREMIERES: Final = {
    "droits.attribuer": "agents_droits.matrice",
    "comptes.corriger": "agents_comptes.chercher",
}

ROLES: Final[Mapping[str, LazyString]] = {
    "agent_cartes": _l("Agent des cartes"),
    "agent_comptes": _l("Agent des comptes"),
    "agent_guichet": _l("Agent du guichet"),
    "admin": _l("Administration"),
}
PERMISSIONS: Final[Mapping[str, LazyString]] = {
    "cartes.traiter": _l("Traiter les demandes de carte"),
    "comptes.corriger": _l("Corriger un compte"),
    "comptes.recuperer": _l("Récupérer un compte dont la boîte de courriel est perdue"),
    "comptes.facteurs": _l("Retirer les seconds facteurs perdus"),
    "documents.conserver": _l("Régler la conservation des documents"),
    "guichet.agir": _l("Agir pour une personne au guichet"),
    "oidc.clients": _l("Inscrire les applications clientes"),
    "droits.attribuer": _l("Donner et retirer les rôles"),
}


class Attribution(Formulaire):
    """A role given or taken, and why."""

    courriel = EmailField(
        _l("Adresse courriel du compte"),
        [requis(_l("Écrivez l’adresse courriel du compte.")), Length(max=254)],
        [sans_bords],
    )
    role = SelectField(_l("Rôle"), choices=[SelectChoice(code, nom) for code, nom in ROLES.items()])
    acte = RadioField(
        _l("Acte"),
        choices=[SelectChoice("donner", _l("Donner")), SelectChoice("retirer", _l("Retirer"))],
        default="donner",
    )
    motif = TextAreaField(
        _l("Motif"), [requis(_l("Écrivez le motif.")), Length(max=500)], [sans_bords]
    )


def cellule(endpoint: str) -> str:
    """Return the cell of a page, "" when it has none."""
    return CELLULES.get(endpoint) or CELLULES.get(endpoint.partition(".")[0], "")


def garder() -> ResponseReturnValue | None:
    """Refuse a page of the staff that the visitor's roles do not open.

    An anonymous visitor passes: the page's own guard leads to the door. From the first page, which
    is the cards', the others go to their own.

    Raises:
        Problem: ACCES_REFUSE.
    """
    if not session.is_agents_path() or request.endpoint is None:
        return None
    trouvee = cellule(request.endpoint)
    if not trouvee:
        raise Problem("ACCES_REFUSE")
    visite = session.current_visit()
    libre = trouvee in {PORTE, SOI} or not visite.connecte or visite.roles == session.ENROLEMENT
    if libre or trouvee in visite.permissions:
        return None
    if request.endpoint == _PREMIERE:
        for permission, page in _AUTRES_PREMIERES.items():
            if permission in visite.permissions:
                return redirect(url_for(page), code=303)
    raise Problem("ACCES_REFUSE")


@bp.get("/droits")
@session.agent_required("admin")
def matrice() -> ResponseReturnValue:
    """Show what each role may do and who has it."""
    return _page(Attribution())


@bp.post("/droits")
@session.agent_required("admin")
@proof_required
def changer() -> ResponseReturnValue:
    """Give or take a role."""
    formulaire = Attribution(request.form)
    statut = 422
    if formulaire.validate():
        services = clients.current()
        try:
            services.mandats.call(
                lambda s: s.ChangerRole,
                mandats.ChangerRoleRequest(
                    request_id=formulaire.request_id.data,
                    courriel=formulaire.courriel.data,
                    role=formulaire.role.data,
                    donner=formulaire.acte.data == "donner",
                    motif=formulaire.motif.data,
                ),
                token=services.token(),
            )
        except RemoteError as error:
            probleme = from_remote(error)
            formulaire.noter(probleme)
            statut = probleme.status
        else:
            return redirect(url_for("agents_droits.matrice", fait="role_change"), code=303)
    return _page(formulaire), statut


def register(app: Flask) -> None:
    """Guard the pages of the staff, and give their menu to templates."""
    app.before_request(garder)
    app.register_blueprint(bp, url_prefix="/agents")


def _page(formulaire: Attribution) -> str:
    services = clients.current()
    lue: mandats.GetMatriceResponse = services.mandats.call(
        lambda s: s.GetMatrice, mandats.GetMatriceRequest(), token=services.token()
    )
    return render_template(
        "agents/droits.html",
        formulaire=formulaire,
        matrice=lue,
        noms={membre.compte_id: f"{membre.prenom} {membre.nom}" for membre in lue.personnel},
        roles=ROLES,
        permissions=PERMISSIONS,
    )
