"""« Mandataires »: who may act for whom, and acting for somebody else (IDN-21)."""

from datetime import date, timedelta

from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import lazy_gettext as _l
from wtforms import EmailField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import Length

from chassis.grpc_client import RemoteError
from espacecitoyen.identite.v1 import mandats_service_pb2 as mandats
from passerelle import clients, session
from passerelle.portail.forms import ChampCoches, ChampDate, Formulaire, requis, sans_bords
from passerelle.problems import from_remote
from passerelle.step_up import proof_required

bp = Blueprint("compte_mandataires", __name__)
bp_agents = Blueprint("agents_mandataires", __name__)

PORTEES = (
    SelectChoice("cartes", _l("Cartes citoyen")),
    SelectChoice("demandes", _l("Demandes")),
    SelectChoice("documents", _l("Documents de l’espace de stockage")),
    SelectChoice("avis", _l("Avis municipaux")),
)
_UN_AN = timedelta(days=365)
# Where an act on somebody's behalf starts: the first page that its mandate opens.
_PAGES = {"cartes": "cartes.liste", "documents": "stockage.liste", "avis": "avis.mes_avis"}


class Proposition(Formulaire):
    """Whom to invite, for what, until when."""

    courriel = EmailField(
        _l("Adresse courriel de la personne"),
        [requis(_l("Écrivez l’adresse courriel de la personne.")), Length(max=254)],
        [sans_bords],
    )
    portee = ChampCoches(
        _l("Ce que la personne peut faire"),
        [requis(_l("Choisissez ce que la personne peut faire."))],
        choices=PORTEES,
    )
    fin = ChampDate(_l("Jusqu’au"), [requis(_l("Écrivez le dernier jour du mandat."))])


@bp.get("/compte/mandataires")
@session.login_required
def liste() -> ResponseReturnValue:
    """Show mandates given and received, and the invitations."""
    return _page(Proposition(fin=date.today() + _UN_AN))  # noqa: DTZ011 - a default only


@bp.post("/compte/mandataires")
@session.login_required
@proof_required
def proposer() -> ResponseReturnValue:
    """Invite somebody."""
    formulaire = Proposition(request.form)
    statut = 422
    if formulaire.validate():
        services = clients.current()
        try:
            services.mandats.call(
                lambda s: s.ProposerMandat,
                mandats.ProposerMandatRequest(
                    request_id=formulaire.request_id.data,
                    courriel=formulaire.courriel.data,
                    portee=formulaire.portee.data,
                    fin=formulaire.fin.iso,
                ),
                token=services.own_token(),
            )
        except RemoteError as error:
            probleme = from_remote(error)
            formulaire.noter(probleme)
            statut = probleme.status
        else:
            return redirect(url_for("compte_mandataires.liste", fait="mandat_propose"), code=303)
    return _page(formulaire), statut


@bp.post("/compte/mandataires/<uuid:mandat_id>/reponse")
@session.login_required
def repondre(mandat_id: object) -> ResponseReturnValue:
    """Accept or decline an invitation."""
    accepte = request.form.get("reponse") == "accepter"
    services = clients.current()
    services.mandats.call(
        lambda s: s.RepondreMandat,
        mandats.RepondreMandatRequest(
            request_id=request.form.get("request_id", ""),
            mandat_id=str(mandat_id),
            accepte=accepte,
        ),
        token=services.own_token(),
    )
    fait = "mandat_accepte" if accepte else "mandat_refuse"
    return redirect(url_for("compte_mandataires.liste", fait=fait), code=303)


@bp.post("/compte/mandataires/<uuid:mandat_id>/fin")
@session.login_required
def terminer(mandat_id: object) -> ResponseReturnValue:
    """End a mandate, from either side."""
    services = clients.current()
    services.mandats.call(
        lambda s: s.TerminerMandat,
        mandats.TerminerMandatRequest(
            request_id=request.form.get("request_id", ""), mandat_id=str(mandat_id)
        ),
        token=services.own_token(),
    )
    _oublier_visite()
    return redirect(url_for("compte_mandataires.liste", fait="mandat_termine"), code=303)


@bp.post("/compte/mandataires/<uuid:mandat_id>/agir")
@session.login_required
def agir(mandat_id: object) -> ResponseReturnValue:
    """Act for somebody from now on."""
    services = clients.current()
    services.mandats.call(
        lambda s: s.AgirPour,
        mandats.AgirPourRequest(
            request_id=request.form.get("request_id", ""), mandat_id=str(mandat_id)
        ),
        token=services.own_token(),
    )
    _oublier_visite()
    portee = request.form.getlist("portee")
    page = next((page for nom, page in _PAGES.items() if nom in portee), "compte_mandataires.liste")
    return redirect(url_for(page), code=303)


@bp.post("/compte/mandataires/cesser")
@bp_agents.post("/mandataires/cesser")
@session.login_required
def cesser() -> ResponseReturnValue:
    """Act for oneself again."""
    services = clients.current()
    services.mandats.call(
        lambda s: s.CesserAgir,
        mandats.CesserAgirRequest(request_id=request.form.get("request_id", "")),
        token=services.own_token(),
    )
    _oublier_visite()
    page = "agents_cartes.file" if session.is_agents_path() else "compte_mandataires.liste"
    return redirect(url_for(page, fait="mandat_cesse"), code=303)


def _page(formulaire: Proposition) -> str:
    services = clients.current()
    lus: mandats.ListMandatsResponse = services.mandats.call(
        lambda s: s.ListMandats, mandats.ListMandatsRequest(), token=services.own_token()
    )
    return render_template(
        "compte/mandataires.html",
        formulaire=formulaire,
        mandats=lus,
        mandats_pb=mandats,
        portees={choix.value: choix.label for choix in PORTEES},
    )


def _oublier_visite() -> None:
    """The next page must see for whom the session acts."""
    session.cache().drop(session.session_secret())
