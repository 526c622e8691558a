"""Log-in with the identity of another provider (SAG, FranceConnect), turned on by settings.

What a log-in started with travels in a signed cookie of this browser alone: a code that comes back
to another browser, or twice, or from another provider, opens nothing.
"""

import secrets
from http import HTTPStatus
from typing import Any, Final

from flask import (
    Blueprint,
    Flask,
    Response,
    current_app,
    make_response,
    redirect,
    render_template,
    request,
    url_for,
)
from flask.typing import ResponseReturnValue
from itsdangerous import BadSignature, URLSafeTimedSerializer

from chassis.grpc_client import RemoteError
from espacecitoyen.identite.v1 import identite_service_pb2 as identite
from espacecitoyen.identite.v1 import oidc_service_pb2 as pb
from passerelle import clients, session
from passerelle.oidc.fournisseur import Fournisseur, FournisseurRefuse
from passerelle.oidc.serveur import emetteur
from passerelle.portail import verification
from passerelle.problems import Problem, from_remote, reader_language

bp = Blueprint("amont", __name__)

_DEPART: Final = "amont_depart"
_BILLET: Final = "amont_billet"
_SORTIE: Final = "amont_sortie"
_DEPART_S: Final = 600
_BILLET_S: Final = 1800
_APPAREIL_MAX: Final = 200


def register(app: Flask) -> None:
    """Add the pages when the settings name a provider."""
    config = app.extensions["config"]
    app.jinja_env.globals["amont_nom"] = nom if config.amont_emetteur else lambda: ""
    if not config.amont_emetteur:
        return
    retour = f"{config.url_publique.rstrip('/')}/connexion/amont/retour"
    app.extensions["amont"] = Fournisseur(config=config, retour=retour)
    app.register_blueprint(bp)
    app.after_request(_sortir_aussi)


def nom() -> str:
    """Return the provider's name in the reader's language."""
    config = current_app.extensions["config"]
    anglais = reader_language() == "en"
    return str((config.amont_nom_en if anglais else config.amont_nom_fr) or config.amont_emetteur)


@bp.get("/connexion/amont")
def partir() -> ResponseReturnValue:
    """Send the person to the provider."""
    depart = {
        "etat": secrets.token_urlsafe(32),
        "nonce": secrets.token_urlsafe(32),
        "verificateur": secrets.token_urlsafe(48),
        "suite": session.local_path(request.args.get("suite", ""), ""),
    }
    try:
        adresse = _fournisseur().depart(
            etat=depart["etat"], nonce=depart["nonce"], verificateur=depart["verificateur"]
        )
    except FournisseurRefuse as error:
        raise Problem("FOURNISSEUR_REFUSE", status=HTTPStatus.SERVICE_UNAVAILABLE) from error
    reponse = make_response(redirect(adresse, code=303))
    _poser(reponse, _DEPART, _signataire().dumps(depart), _DEPART_S)
    return reponse


@bp.get("/connexion/amont/retour")
def revenir() -> ResponseReturnValue:
    """Verify what the provider says, and open a session or offer to link the identity."""
    depart = _lire_depart()
    try:
        arrive = _fournisseur().arrivee(
            code=request.args.get("code", ""),
            emetteur=request.args.get("iss", ""),
            nonce=depart["nonce"],
            verificateur=depart["verificateur"],
        )
    except FournisseurRefuse as error:
        current_app.logger.warning("upstream log-in refused: %s", error)
        raise Problem("FOURNISSEUR_REFUSE", status=HTTPStatus.FORBIDDEN) from error
    services = clients.current()
    ouverte: pb.OuvrirSessionAmontResponse = services.oidc.call(
        lambda s: s.OuvrirSessionAmont,
        pb.OuvrirSessionAmontRequest(
            emetteur=_fournisseur().emetteur,
            sujet=arrive.sujet,
            courriel=arrive.courriel,
            courriel_verifie=arrive.courriel_verifie,
            appareil=request.headers.get("User-Agent", "")[:_APPAREIL_MAX],
        ),
        token=services.anonymous_token(),
    )
    reponse = _suivre(ouverte, depart["suite"])
    _oter(reponse, _DEPART)
    _poser(reponse, _SORTIE, _signataire().dumps(arrive.jeton), None)
    return reponse


@bp.get("/connexion/amont/lier")
def proposer() -> ResponseReturnValue:
    """Explain the link; somebody who is logged in may make it."""
    if not request.cookies.get(_nom(_BILLET)):
        return redirect(url_for("connexion.page"), code=303)
    return render_template("oidc/lier.html", suite=url_for("amont.proposer"))


@bp.post("/connexion/amont/lier")
@session.login_required
def lier() -> ResponseReturnValue:
    """Link the identity to the account of this session."""
    services = clients.current()
    try:
        services.oidc.call(
            lambda s: s.LierIdentiteAmont,
            pb.LierIdentiteAmontRequest(
                request_id=request.form.get("request_id", ""),
                billet=request.cookies.get(_nom(_BILLET), ""),
            ),
            token=services.token(),
        )
    except RemoteError as error:
        reponse = make_response(
            render_template("oidc/lier.html", refus=from_remote(error).detail(reader_language())),
            HTTPStatus.CONFLICT,
        )
    else:
        reponse = make_response(
            redirect(url_for("accueil.personnel", fait="identite_liee"), code=303)
        )
    _oter(reponse, _BILLET)
    return reponse


@bp.get("/deconnexion/amont")
def sortir() -> ResponseReturnValue:
    """End the provider's session too, once ours has ended."""
    fini = url_for("accueil.public", fait="deconnecte")
    try:
        jeton = _signataire().loads(request.cookies.get(_nom(_SORTIE), ""))
    except BadSignature:
        return redirect(fini, code=303)
    adresse = _fournisseur().sortie(str(jeton), emetteur() + fini)
    if adresse:
        reponse = make_response(render_template("oidc/suite.html", adresse=adresse))
        reponse.headers["Cache-Control"] = "no-store"
    else:
        reponse = make_response(redirect(fini, code=303))
    _oter(reponse, _SORTIE)
    return reponse


def _suivre(ouverte: pb.OuvrirSessionAmontResponse, suite: str) -> Response:
    """Go on with what identite opened: a session, a second factor, or the link to make."""
    if ouverte.epreuve:
        reponse: Response = verification.suivre(
            identite.OuvrirSessionResponse(epreuve=ouverte.epreuve), suite, agent=False
        )
        return reponse
    if ouverte.jeton_session:
        reponse = make_response(redirect(suite or url_for("accueil.personnel"), code=303))
        session.open_session(reponse, ouverte.jeton_session)
        return reponse
    reponse = make_response(redirect(url_for("amont.proposer"), code=303))
    _poser(reponse, _BILLET, ouverte.billet, _BILLET_S)
    return reponse


def _lire_depart() -> dict[str, Any]:
    """Return what this browser's log-in started with.

    Raises:
        Problem: FOURNISSEUR_REFUSE when it started none, another one, or was refused there.
    """
    try:
        depart: dict[str, Any] = _signataire().loads(
            request.cookies.get(_nom(_DEPART), ""), max_age=_DEPART_S
        )
    except BadSignature as error:
        raise Problem("FOURNISSEUR_REFUSE", status=HTTPStatus.FORBIDDEN) from error
    etat = request.args.get("state", "")
    if not secrets.compare_digest(etat.encode(), depart["etat"].encode()):
        raise Problem("FOURNISSEUR_REFUSE", status=HTTPStatus.FORBIDDEN)
    if "error" in request.args or not request.args.get("code"):
        raise Problem("FOURNISSEUR_REFUSE", status=HTTPStatus.FORBIDDEN)
    return depart


def _sortir_aussi(reponse: Response) -> Response:
    """After our log-out, pass by the provider's."""
    parti = request.endpoint == "connexion.fermer" and reponse.status_code == HTTPStatus.SEE_OTHER
    if parti and request.cookies.get(_nom(_SORTIE)):
        reponse.headers["Location"] = url_for("amont.sortir")
    return reponse


def _fournisseur() -> Fournisseur:
    trouve: Fournisseur = current_app.extensions["amont"]
    return trouve


def _signataire() -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(current_app.extensions["config"].secret, salt="oidc-amont")


def _nom(cookie: str) -> str:
    return f"__Host-{cookie}" if current_app.extensions["config"].https else cookie


def _poser(reponse: Response, cookie: str, valeur: str, duree_s: int | None) -> None:
    reponse.set_cookie(
        _nom(cookie),
        valeur,
        max_age=duree_s,
        path="/",
        secure=current_app.extensions["config"].https,
        httponly=True,
        samesite="Lax",
    )


def _oter(reponse: Response, cookie: str) -> None:
    reponse.delete_cookie(
        _nom(cookie),
        path="/",
        secure=current_app.extensions["config"].https,
        httponly=True,
        samesite="Lax",
    )
