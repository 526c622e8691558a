"""Phone numbers: added, proved by a code received or heard, replaced, taken away (IDN-06)."""

from http import HTTPStatus
from typing import Final

from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from chassis.grpc_client import RemoteError
from espacecitoyen.identite.v1 import coordonnee_pb2 as points
from espacecitoyen.identite.v1 import coordonnees_service_pb2 as pb
from passerelle import clients, session
from passerelle.portail.compte.formulaires import Code, Numero
from passerelle.portail.compte.profil import lire_mon_profil
from passerelle.problems import Problem, from_remote
from passerelle.step_up import proof_required

bp = Blueprint("compte_coordonnees", __name__, url_prefix="/compte/coordonnees")

_CANAUX: Final = {"texto": pb.CANAL_CODE_TEXTO, "appel": pb.CANAL_CODE_APPEL}
# The page of the code says these beside its field or on top; anything else is an error page.
_SUR_LA_PAGE: Final = frozenset(
    {
        "CODE_INVALIDE",
        "CODE_EXPIRE",
        "TROP_DE_CODES",
        "BUDGET_EPUISE",
        "CELLULAIRE_DEJA_PRIS",
        "COORDONNEE_GELEE",
        "NUMERO_REFUSE",
    }
)


@bp.get("/ajouter")
@session.login_required
def nouvelle() -> ResponseReturnValue:
    """Ask for a number."""
    return _page_numero(Numero(), request.args.get("remplace", ""))


@bp.post("/ajouter")
@session.login_required
@proof_required
def ajouter() -> ResponseReturnValue:
    """Add it; its proof starts on the next page."""
    formulaire = Numero(request.form)
    remplace = request.form.get("remplace", "")
    statut = int(HTTPStatus.UNPROCESSABLE_ENTITY)
    if formulaire.validate():
        services = clients.current()
        try:
            answer: pb.AjouterCoordonneeResponse = services.coordonnees.call(
                lambda s: s.AjouterCoordonnee,
                pb.AjouterCoordonneeRequest(
                    request_id=formulaire.request_id.data,
                    numero=formulaire.numero.data,
                    genre=points.GenreCoordonnee.Value(f"GENRE_COORDONNEE_{formulaire.genre.data}"),
                    remplace_id=remplace,
                ),
                token=services.own_token(),
            )
        except RemoteError as error:
            probleme = from_remote(error)
            formulaire.noter(probleme)
            statut = probleme.status
        else:
            cible = answer.coordonnee.coordonnee_id
            return redirect(url_for(".verifier", coordonnee_id=cible), code=303)
    return _page_numero(formulaire, remplace), statut


@bp.get("/<uuid:coordonnee_id>")
@session.login_required
def verifier(coordonnee_id: object) -> ResponseReturnValue:
    """Show how to prove a number, and the field of the code once one was asked for."""
    return _page_code(_sienne(str(coordonnee_id)), Code(), request.args.get("canal", ""))


@bp.post("/<uuid:coordonnee_id>/code")
@session.login_required
def demander(coordonnee_id: object) -> ResponseReturnValue:
    """Send a code, or have it spoken in a call."""
    canal = request.form.get("canal", "texto")
    if canal not in _CANAUX:
        raise Problem("DONNEES_INVALIDES")
    services = clients.current()
    try:
        services.coordonnees.call(
            lambda s: s.DemanderCode,
            pb.DemanderCodeRequest(
                request_id=request.form.get("request_id", ""),
                coordonnee_id=str(coordonnee_id),
                canal=_CANAUX[canal],
                adresse_ip=request.remote_addr or "",
            ),
            token=services.own_token(),
        )
    except RemoteError as error:
        return _refus(str(coordonnee_id), Code(), error, canal)
    return redirect(url_for(".verifier", coordonnee_id=coordonnee_id, canal=canal), code=303)


@bp.post("/<uuid:coordonnee_id>/valider")
@session.login_required
def valider(coordonnee_id: object) -> ResponseReturnValue:
    """Prove the number with the code that was typed."""
    formulaire = Code(request.form)
    canal = request.form.get("canal", "texto")
    if not formulaire.validate():
        page = _page_code(_sienne(str(coordonnee_id)), formulaire, canal)
        return page, int(HTTPStatus.UNPROCESSABLE_ENTITY)
    services = clients.current()
    try:
        services.coordonnees.call(
            lambda s: s.ValiderCoordonnee,
            pb.ValiderCoordonneeRequest(
                request_id=formulaire.request_id.data,
                coordonnee_id=str(coordonnee_id),
                code=formulaire.code.data,
            ),
            token=services.own_token(),
        )
    except RemoteError as error:
        return _refus(str(coordonnee_id), formulaire, error, canal)
    return redirect(url_for("compte.profil", fait="numero_verifie"), code=303)


@bp.get("/<uuid:coordonnee_id>/retirer")
@session.login_required
def confirmer_retrait(coordonnee_id: object) -> ResponseReturnValue:
    """Ask before a number goes."""
    return render_template("compte/retirer.html", une=_sienne(str(coordonnee_id)))


@bp.post("/<uuid:coordonnee_id>/retirer")
@session.login_required
@proof_required
def retirer(coordonnee_id: object) -> ResponseReturnValue:
    """Take a number away."""
    services = clients.current()
    services.coordonnees.call(
        lambda s: s.RetirerCoordonnee,
        pb.RetirerCoordonneeRequest(
            request_id=request.form.get("request_id", ""), coordonnee_id=str(coordonnee_id)
        ),
        token=services.own_token(),
    )
    return redirect(url_for("compte.profil", fait="numero_retire"), code=303)


def _sienne(coordonnee_id: str) -> points.Coordonnee:
    """Return a phone number of the visitor.

    Raises:
        Problem: COORDONNEE_INTROUVABLE.
    """
    for une in lire_mon_profil().coordonnees:
        telephone = une.genre != points.GENRE_COORDONNEE_COURRIEL
        if telephone and une.coordonnee_id == coordonnee_id:
            return une
    raise Problem("COORDONNEE_INTROUVABLE", status=404)


def _refus(
    coordonnee_id: str, formulaire: Code, error: RemoteError, canal: str
) -> ResponseReturnValue:
    probleme = from_remote(error)
    if probleme.code == "COORDONNEE_DEJA_VERIFIEE":
        # A second click after the first one worked: there is nothing to reproach.
        return redirect(url_for("compte.profil", fait="numero_verifie"), code=303)
    if probleme.code not in _SUR_LA_PAGE:
        raise probleme from error
    formulaire.noter(probleme)
    restants = probleme.metadata.get("essais_restants", "")
    page = _page_code(_sienne(coordonnee_id), formulaire, canal, restants=restants)
    return page, probleme.status, dict(probleme.headers)


def _page_code(une: points.Coordonnee, formulaire: Code, canal: str, *, restants: str = "") -> str:
    return render_template(
        "compte/verifier.html",
        une=une,
        formulaire=formulaire,
        canal=canal if canal in _CANAUX else "",
        restants=restants,
        numero_appelant=lire_mon_profil().numero_appelant,
    )


def _page_numero(formulaire: Numero, remplace: str) -> str:
    ancienne = _sienne(remplace) if remplace else None
    return render_template("compte/numero.html", formulaire=formulaire, ancienne=ancienne)
