"""« Comptes liés »: the tax account, recreation and Espace Famille of a person (IDN-09, 15, 17)."""

from decimal import Decimal
from http import HTTPStatus
from typing import Final

from babel.numbers import format_currency
from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import get_locale
from flask_babel import lazy_gettext as _l
from wtforms import PasswordField, StringField
from wtforms.validators import Length

from chassis.grpc_client import RemoteError
from espacecitoyen.identite.v1 import ponts_service_pb2 as pb
from passerelle import clients, session
from passerelle.portail.forms import Formulaire, requis, sans_bords
from passerelle.problems import Problem, from_remote, reader_language
from passerelle.step_up import proof_required

bp = Blueprint("compte_lies", __name__)

# Another system may take this long, and ours a moment more.
_DELAI_S: Final = 6.0
_CODE_MAX: Final = 64
_SECRET_MAX: Final = 128
# Refusals that a page explains by itself.
_EXPLIQUES: Final = frozenset(
    {"SYSTEME_LIE_INDISPONIBLE", "COMPTE_TAXES_NON_LIE", "ESPACE_FAMILLE_REFUSE"}
)


class Famille(Formulaire):
    """The credentials of an Espace Famille."""

    code = StringField(
        _l("Code de l’Espace Famille"),
        [requis(_l("Écrivez le code de votre Espace Famille.")), Length(max=_CODE_MAX)],
        [sans_bords],
    )
    mot_de_passe = PasswordField(
        _l("Mot de passe de l’Espace Famille"),
        [requis(_l("Écrivez le mot de passe de votre Espace Famille.")), Length(max=_SECRET_MAX)],
    )


@bp.app_template_filter("argent")
def argent(cents: int) -> str:
    """Return an amount of Canadian dollars as the reader writes it: "1 234,56 $"."""
    langue = str(get_locale())
    montant = Decimal(cents) / 100
    # "fr" alone would write $CA.
    return str(format_currency(montant, "CAD", locale="en_CA" if langue == "en" else "fr_CA"))


@bp.get("/compte/comptes-lies")
@session.login_required
def page() -> ResponseReturnValue:
    """Show the linked accounts; what waited for this person is linked now."""
    return render_template("compte/lies.html", lies=_lies())


@bp.get("/compte/taxes")
@session.login_required
def taxes() -> ResponseReturnValue:
    """Show balance, bills and due dates, read from the tax system now."""
    services = clients.current()
    try:
        lu: pb.GetCompteTaxesResponse = services.ponts.call(
            lambda s: s.GetCompteTaxes,
            pb.GetCompteTaxesRequest(),
            token=services.own_token(),
            deadline=_DELAI_S,
        )
    except RemoteError as error:
        return _absent("compte/taxes.html", error)
    return render_template("compte/taxes.html", lu=lu, faute="")


@bp.get("/compte/espace-famille")
@session.login_required
def famille() -> ResponseReturnValue:
    """Show the linked Espace Famille, or the form that links one."""
    return _page_famille(Famille())


@bp.post("/compte/espace-famille")
@session.login_required
@proof_required
def lier() -> ResponseReturnValue:
    """Link it, or change the credentials; the password is not kept in the page."""
    formulaire = Famille(request.form)
    statut = int(HTTPStatus.UNPROCESSABLE_ENTITY)
    if formulaire.validate():
        services = clients.current()
        try:
            services.ponts.call(
                lambda s: s.LierEspaceFamille,
                pb.LierEspaceFamilleRequest(
                    request_id=formulaire.request_id.data,
                    code=formulaire.code.data,
                    mot_de_passe=formulaire.mot_de_passe.data,
                ),
                token=services.own_token(),
                deadline=_DELAI_S,
            )
        except RemoteError as error:
            probleme = from_remote(error)
            formulaire.noter(probleme)
            statut = probleme.status
        else:
            return redirect(url_for("compte_lies.famille", fait="famille_liee"), code=303)
    return _page_famille(formulaire), statut


@bp.post("/compte/espace-famille/delier")
@session.login_required
@proof_required
def delier_famille() -> ResponseReturnValue:
    """Unlink it; its token ends there too."""
    services = clients.current()
    services.ponts.call(
        lambda s: s.DelierEspaceFamille,
        pb.DelierEspaceFamilleRequest(request_id=request.form.get("request_id", "")),
        token=services.own_token(),
        deadline=_DELAI_S,
    )
    return redirect(url_for("compte_lies.page", fait="compte_delie"), code=303)


@bp.post("/compte/comptes-lies/<uuid:liaison_id>/delier")
@session.login_required
@proof_required
def delier(liaison_id: object) -> ResponseReturnValue:
    """Undo one link."""
    services = clients.current()
    services.ponts.call(
        lambda s: s.DelierCompte,
        pb.DelierCompteRequest(
            request_id=request.form.get("request_id", ""), liaison_id=str(liaison_id)
        ),
        token=services.own_token(),
    )
    return redirect(url_for("compte_lies.page", fait="compte_delie"), code=303)


def _lies() -> pb.ListComptesLiesResponse:
    services = clients.current()
    lies: pb.ListComptesLiesResponse = services.ponts.call(
        lambda s: s.ListComptesLies, pb.ListComptesLiesRequest(), token=services.own_token()
    )
    return lies


def _page_famille(formulaire: Famille) -> str:
    lies = _lies()
    if not lies.famille_offerte:
        # The page does not exist where the city has no Espace Famille.
        raise Problem("PAGE_INCONNUE")
    services, lu, faute = clients.current(), None, ""
    if lies.famille_code:
        try:
            lu = services.ponts.call(
                lambda s: s.GetEspaceFamille,
                pb.GetEspaceFamilleRequest(),
                token=services.own_token(),
                deadline=_DELAI_S,
            )
        except RemoteError as error:
            probleme = from_remote(error)
            if probleme.code not in _EXPLIQUES:
                raise
            faute = probleme.detail(reader_language())
    return render_template(
        "compte/famille.html", lies=lies, lu=lu, faute=faute, formulaire=formulaire
    )


def _absent(gabarit: str, error: RemoteError) -> ResponseReturnValue:
    """Say what the other side does not answer; anything else is an ordinary error page."""
    probleme = from_remote(error)
    if probleme.code not in _EXPLIQUES:
        raise error
    statut = HTTPStatus.SERVICE_UNAVAILABLE
    if probleme.code != "SYSTEME_LIE_INDISPONIBLE":
        statut = HTTPStatus.NOT_FOUND
    faute = probleme.detail(reader_language())
    return render_template(gabarit, lu=None, faute=faute), int(statut)
