"""« Liaisons à décider »: two accounts with one e-mail, but not the same person (IDN-09)."""

from http import HTTPStatus
from typing import Final

from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import lazy_gettext as _l
from wtforms import RadioField, StringField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import DataRequired, Length

from chassis.grpc_client import RemoteError
from espacecitoyen.identite.v1 import ponts_service_pb2 as pb
from passerelle import clients, session
from passerelle.portail.forms import Formulaire, requis, sans_bords
from passerelle.problems import from_remote

bp = Blueprint("agents_liaisons", __name__)

_ROLES: Final = ("agent_comptes", "admin")
_PAGE: Final = 25
_MOTIF_MAX: Final = 500


class Decision(Formulaire):
    """What the agent decides about one link."""

    verdict = RadioField(
        _l("Décision"),
        [DataRequired(message=_l("Liez les comptes ou gardez-les séparés."))],
        choices=[
            SelectChoice("lier", _l("Lier : c’est la même personne")),
            SelectChoice("separer", _l("Garder séparés : ce sont deux personnes")),
        ],
    )
    motif = StringField(
        _l("Motif"),
        [requis(_l("Écrivez ce qui vous a permis de décider.")), Length(max=_MOTIF_MAX)],
        [sans_bords],
    )


@bp.get("/liaisons")
@session.agent_required(*_ROLES)
def file() -> ResponseReturnValue:
    """Show what waits, oldest first."""
    return _page()


@bp.post("/liaisons/<uuid:liaison_id>")
@session.agent_required(*_ROLES)
def decider(liaison_id: object) -> ResponseReturnValue:
    """Write one decision down, with its reason."""
    formulaire = Decision(request.form, prefix=f"{liaison_id}-")
    statut = int(HTTPStatus.UNPROCESSABLE_ENTITY)
    if formulaire.validate():
        services = clients.current()
        try:
            services.ponts.call(
                lambda s: s.DeciderLiaison,
                pb.DeciderLiaisonRequest(
                    request_id=request.form.get("request_id", ""),
                    liaison_id=str(liaison_id),
                    lier=formulaire.verdict.data == "lier",
                    motif=formulaire.motif.data,
                ),
                token=services.token("liaison"),
            )
        except RemoteError as error:
            probleme = from_remote(error)
            formulaire.noter(probleme)
            statut = probleme.status
        else:
            return redirect(url_for("agents_liaisons.file", fait="liaison_decidee"), code=303)
    return _page(str(liaison_id), formulaire), statut


def _page(liaison_id: str = "", rempli: Decision | None = None) -> str:
    services = clients.current()
    lues: pb.ListLiaisonsResponse = services.ponts.call(
        lambda s: s.ListLiaisons,
        pb.ListLiaisonsRequest(page_size=_PAGE, page_token=request.args.get("suivant", "")),
        token=services.token("liaison"),
    )
    formulaires = {
        each.liaison_id: Decision(prefix=f"{each.liaison_id}-") for each in lues.liaisons
    }
    if rempli is not None:
        formulaires[liaison_id] = rempli
    return render_template(
        "agents/liaisons.html", page=lues, formulaires=formulaires, rempli=rempli
    )
