"""What people see of the provider: consent, logging in again, logging out."""

from collections.abc import Mapping
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import quote, urlsplit

from authlib.oauth2 import OAuth2Error
from authlib.oauth2.rfc6749 import OAuth2Request
from flask import Blueprint, current_app, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from itsdangerous import BadSignature, URLSafeSerializer
from werkzeug.datastructures import MultiDict
from werkzeug.urls import iri_to_uri

from chassis.grpc_client import RemoteError
from espacecitoyen.identite.v1 import oidc_service_pb2 as pb
from passerelle import clients, session
from passerelle.oidc import serveur
from passerelle.oidc.mots import PORTEES, nom_du_client
from passerelle.problems import Problem, from_remote
from passerelle.security import without_cookies

bp = Blueprint("oidc_pages", __name__)

# Seconds that a new log-in satisfies a client which asked for one.
_REPRISE_S: Final = 600
_SEL: Final = "oidc-reprise"
# Ours, not the client's.
_PROPRES: Final = frozenset({"csrf_token", "request_id", "decision", "lang"})


@bp.route("/oidc/autoriser", methods=["GET", "POST"])
@without_cookies
def autoriser() -> ResponseReturnValue:
    """Judge a client's request, then ask the person for what is missing (Core 3.1.2)."""
    if request.method == "POST":
        # Another site's form comes without our session: the same request as a link has it.
        return redirect(_ici("oidc_pages.autoriser", request.form), code=303)
    grant = _grant()
    if isinstance(grant, OAuth2Error):
        return _refus(grant)
    prompts = frozenset(request.args.get("prompt", "").split())
    try:
        visite = session.require_login()
    except Problem as probleme:
        if probleme.status != HTTPStatus.UNAUTHORIZED:
            raise
        return _connexion(grant, prompts)
    if visite.agit_pour is not None:
        # A client would take the person who acts for the one acted for, or the other way round.
        return _dire(grant, error="access_denied")
    return _repondre(grant, prompts)


def _repondre(grant: Any, prompts: frozenset[str]) -> ResponseReturnValue:
    """Answer a judged request of somebody who is logged in."""
    pas_avant = _reprise()
    besoin = _besoin(grant.request, pas_avant)
    if besoin == pb.BESOIN_OIDC_RECONNEXION or ("login" in prompts and not pas_avant):
        if "none" in prompts:
            return _dire(grant, error="login_required")
        return _reconnexion(grant)
    if besoin == pb.BESOIN_OIDC_CONSENTEMENT or prompts & {"consent", "select_account"}:
        if "none" in prompts:
            return _dire(grant, error="consent_required")
        return _consentement(grant)
    return _accorder(grant, pas_avant, consenti=False)


def _connexion(grant: Any, prompts: frozenset[str]) -> ResponseReturnValue:
    if "none" in prompts:
        return _dire(grant, error="login_required")
    suite = _ici("oidc_pages.autoriser", request.args)
    return redirect(f"{url_for('connexion.page')}?suite={quote(suite, safe='/')}", code=303)


@bp.post("/oidc/decision")
@session.login_required
def decider() -> ResponseReturnValue:
    """Do what the person chose on the consent page; the request is judged again."""
    grant = _grant()
    if isinstance(grant, OAuth2Error):
        return _refus(grant)
    if request.form.get("decision") != "accepter":
        return _dire(grant, error="access_denied")
    return _accorder(grant, _reprise(), consenti=True)


@bp.post("/oidc/reconnexion")
def reconnecter() -> ResponseReturnValue:
    """End the session and lead to the log-in page, which leads back to the request."""
    signe = _signataire().dumps(datetime.now(UTC).isoformat())
    demande = MultiDict(request.args)
    demande["reprise"] = signe
    suite = _ici("oidc_pages.autoriser", demande)
    reponse = make_response(
        redirect(f"{url_for('connexion.page')}?suite={quote(suite, safe='/')}", code=303)
    )
    session.close_session(reponse)
    # What the browser keeps of this site is needed on the way back.
    del reponse.headers["Clear-Site-Data"]
    return reponse


@bp.route("/oidc/deconnexion", methods=["GET", "POST"])
@without_cookies
def deconnecter() -> ResponseReturnValue:
    """Log out at the wish of a client (RP-Initiated Logout 1.0), once it is sure whose wish."""
    if request.method == "POST":
        return redirect(_ici("oidc_pages.deconnecter", request.form), code=303)
    demande = _fin()
    if demande is None:
        return render_template("oidc/deconnexion.html", refusee=True), 400
    visite = session.current_visit()
    if not visite.connecte:
        return _partir_apres(demande.redirect_uri)
    dit = demande.id_token_claims or {}
    if not _est_cette_session(dit):
        return render_template(
            "oidc/deconnexion.html",
            refusee=False,
            adresse=_ici("oidc_pages.confirmer_fin", request.args),
        )
    return _finir(demande.redirect_uri)


@bp.post("/oidc/deconnexion/confirmer")
def confirmer_fin() -> ResponseReturnValue:
    """Log out once the person has said so."""
    demande = _fin()
    return _finir(None if demande is None else demande.redirect_uri)


def _grant() -> Any:
    """Return the judged request, or the error that it is."""
    try:
        return serveur.courant().get_consent_grant()
    except OAuth2Error as error:
        return error


def _refus(error: OAuth2Error) -> ResponseReturnValue:
    """Tell a fault to the client when its address is sure, to the person otherwise."""
    if not error.redirect_uri:
        raise Problem("DEMANDE_OIDC_REFUSEE", status=400)
    return _partir(
        serveur.retour(
            error.redirect_uri,
            error=error.error,
            error_description=error.get_error_description(),
            state=error.state or "",
        )
    )


def _dire(grant: Any, **parametres: str) -> ResponseReturnValue:
    etat = grant.request.payload.state or ""
    return _partir(serveur.retour(grant.redirect_uri, **parametres, state=etat))


def _accorder(grant: Any, pas_avant: str, *, consenti: bool) -> ResponseReturnValue:
    """Give the code."""
    lues = grant.request.payload.data
    services = clients.current()
    try:
        reponse: pb.OuvrirAutorisationOidcResponse = services.oidc.call(
            lambda s: s.OuvrirAutorisationOidc,
            pb.OuvrirAutorisationOidcRequest(
                client_id=grant.request.client.get_client_id(),
                redirection=grant.redirect_uri,
                portees=grant.request.scope.split(),
                nonce=lues.get("nonce", ""),
                defi=lues["code_challenge"],
                consenti=consenti,
                age_max_s=_age_max(lues, pas_avant),
                pas_avant=pas_avant,
            ),
            token=services.token(),
        )
    except RemoteError as error:
        if error.reason in {"CONSENTEMENT_REQUIS", "RECONNEXION_REQUISE"}:
            # Something changed meanwhile: the request starts again and asks for it.
            return redirect(_ici("oidc_pages.autoriser", request.args), code=303)
        if error.reason in {"SESSION_EXPIREE", "CLIENT_INCONNU"}:
            raise from_remote(error) from error
        raise
    return _dire(grant, code=reponse.code)


def _besoin(demande: OAuth2Request, pas_avant: str) -> int:
    services = clients.current()
    reponse: pb.VerifierAutorisationOidcResponse = services.oidc.call(
        lambda s: s.VerifierAutorisationOidc,
        pb.VerifierAutorisationOidcRequest(
            client_id=demande.client.get_client_id(),
            portees=demande.scope.split(),
            age_max_s=_age_max(demande.payload.data, pas_avant),
            pas_avant=pas_avant,
        ),
        token=services.token(),
    )
    return reponse.besoin


def _age_max(lues: Mapping[str, str], pas_avant: str) -> int:
    """A log-in made for this very request is young enough, however long its pages took."""
    age = lues.get("max_age", "")
    return int(age) if age and not pas_avant else -1


def _reprise() -> str:
    """Return the time of the log-in that this request has asked for, empty without one."""
    try:
        moment = datetime.fromisoformat(_signataire().loads(request.args.get("reprise", "")))
    except (BadSignature, ValueError, TypeError):
        return ""
    age = (datetime.now(UTC) - moment).total_seconds()
    return moment.isoformat() if 0 <= age <= _REPRISE_S else ""


def _signataire() -> URLSafeSerializer:
    return URLSafeSerializer(current_app.extensions["config"].secret, salt=_SEL)


def _consentement(grant: Any) -> ResponseReturnValue:
    portees = grant.request.scope.split()
    return render_template(
        "oidc/consentement.html",
        nom=nom_du_client(grant.request.client.client),
        hote=urlsplit(grant.redirect_uri).hostname,
        portees=[PORTEES[portee] for portee in PORTEES if portee in portees],
        adresse=_ici("oidc_pages.decider", request.args),
        autre=_ici("oidc_pages.reconnecter", request.args),
    )


def _reconnexion(grant: Any) -> ResponseReturnValue:
    return render_template(
        "oidc/reconnexion.html",
        nom=nom_du_client(grant.request.client.client),
        adresse=_ici("oidc_pages.reconnecter", request.args),
        refus=serveur.retour(
            grant.redirect_uri, error="login_required", state=grant.request.payload.state or ""
        ),
    )


def _ici(point: str, parametres: Mapping[str, str]) -> str:
    """Return an address of ours that carries the client's request on."""
    propres = MultiDict(parametres)
    valeurs: dict[str, Any] = {nom: propres.getlist(nom) for nom in propres if nom not in _PROPRES}
    return url_for(point, **valeurs)


def _partir(adresse: str) -> ResponseReturnValue:
    """Send the browser to a client.

    A redirect after one of our own forms would be stopped by `form-action 'self'`, which follows
    redirects: a browser that comes from our pages gets a page that moves on by itself.
    """
    if request.headers.get("Sec-Fetch-Site") == "same-origin":
        reponse = make_response(render_template("oidc/suite.html", adresse=iri_to_uri(adresse)))
    else:
        reponse = make_response(redirect(adresse, code=303))
    reponse.headers["Cache-Control"] = "no-store"
    return reponse


def _fin() -> Any:
    """Return the judged log-out request, or None."""
    try:
        return serveur.courant().validate_endpoint_request("end_session")
    except OAuth2Error:
        return None


def _est_cette_session(dit: Mapping[str, Any]) -> bool:
    sid, client_id = dit.get("sid"), dit.get("aud")
    if not isinstance(sid, str) or not isinstance(client_id, str):
        return False
    services = clients.current()
    reponse: pb.VerifierDeconnexionOidcResponse = services.oidc.call(
        lambda s: s.VerifierDeconnexionOidc,
        pb.VerifierDeconnexionOidcRequest(client_id=client_id, sid=sid),
        token=services.token(),
    )
    return reponse.cette_session


def _finir(adresse: str | None) -> ResponseReturnValue:
    reponse = make_response(_partir_apres(adresse))
    session.close_session(reponse)
    return reponse


def _partir_apres(adresse: str | None) -> ResponseReturnValue:
    if adresse:
        return _partir(adresse)
    return redirect(url_for("accueil.public", fait="deconnecte"), code=303)
