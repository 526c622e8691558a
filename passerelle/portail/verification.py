"""The second step of a log-in, and the log-in by passkey alone (IDN-20).

Between the two steps the browser holds the secret of the waiting proof in a cookie of its own: it
opens nothing but this page, and lives ten minutes.
"""

from http import HTTPStatus
from typing import Any, Final

from flask import Blueprint, Response, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from chassis.grpc_client import RemoteError
from espacecitoyen.identite.v1 import facteurs_service_pb2 as facteurs
from espacecitoyen.identite.v1 import identite_service_pb2 as identite
from passerelle import clients, session
from passerelle.config import Config
from passerelle.portail import appareils
from passerelle.portail.forms_securite import Verification
from passerelle.portail.securite import adresse_des_cles
from passerelle.problems import from_remote

bp = Blueprint("verification", __name__)
bp_agents = Blueprint("agents_verification", __name__)

_DUREE_S: Final = 600
_SECRET_MAX: Final = 128
_APPAREIL_MAX: Final = 200
# After these the person starts again: the waiting proof is worth nothing more.
_FINIES: Final = frozenset({"EPREUVE_EXPIREE"})


def suivre(ouverte: identite.OuvrirSessionResponse, suite: str, *, agent: bool) -> Response:
    """Send somebody whose password was right to the second step."""
    return _vers_l_epreuve(ouverte.epreuve, suite, agent=agent)


def _vers_l_epreuve(epreuve: str, suite: str, *, agent: bool) -> Response:
    page = url_for(f"{_nom(agent)}.page", suite=suite) if suite else url_for(f"{_nom(agent)}.page")
    response = make_response(redirect(page, code=303))
    _retenir(response, epreuve, agent=agent)
    return response


@bp.post("/connexion/cle")
@bp_agents.post("/connexion/cle")
def commencer() -> ResponseReturnValue:
    """Start a log-in without a password."""
    agent = session.is_agents_path()
    services = clients.current()
    question: facteurs.CommencerEpreuveResponse = services.facteurs.call(
        lambda s: s.CommencerEpreuve,
        facteurs.CommencerEpreuveRequest(
            adresse_ip=request.remote_addr or "",
            appareil=request.headers.get("User-Agent", "")[:_APPAREIL_MAX],
            agent=agent,
        ),
        token=services.anonymous_token(),
    )
    return _vers_l_epreuve(
        question.epreuve, session.local_path(request.form.get("suite", ""), ""), agent=agent
    )


@bp.get("/connexion/verification")
@bp_agents.get("/connexion/verification")
def page() -> ResponseReturnValue:
    """Ask for a code or a passkey."""
    suite = session.local_path(request.args.get("suite", ""), "")
    if not _epreuve():
        return redirect(_porte(), code=303)
    return _page(Verification(), suite)


@bp.post("/connexion/verification")
@bp_agents.post("/connexion/verification")
def terminer() -> ResponseReturnValue:
    """Judge the proof and open the session."""
    formulaire = Verification(request.form)
    suite = session.local_path(request.form.get("suite", ""), "")
    services = clients.current()
    try:
        fini: facteurs.TerminerConnexionResponse = services.facteurs.call(
            lambda s: s.TerminerConnexion,
            facteurs.TerminerConnexionRequest(
                epreuve=_epreuve(),
                code=formulaire.code.data or "",
                reponse_json=formulaire.reponse.data or "",
                adresse_ip=request.remote_addr or "",
                jeton_appareil=appareils.secret(),
            ),
            token=services.anonymous_token(),
        )
    except RemoteError as error:
        probleme = from_remote(error)
        if probleme.code in _FINIES:
            return _recommencer()
        formulaire.noter(probleme)
        response = make_response(_page(formulaire, suite))
        if response.status_code == HTTPStatus.OK:
            response.status_code = probleme.status
        return response
    agent = session.is_agents_path()
    if fini.code_secours:
        suite = url_for(
            "agents_securite.liste" if agent else "compte_securite.liste", fait="code_secours"
        )
    accueil = url_for("agents_cartes.file" if agent else "accueil.personnel")
    response = make_response(redirect(suite or accueil, code=303))
    session.open_session(response, fini.jeton_session, agent=agent)
    appareils.retenir(response, fini.jeton_appareil)
    _oublier(response, agent=agent)
    return response


def _page(formulaire: Verification, suite: str) -> ResponseReturnValue:
    services = clients.current()
    try:
        question: facteurs.CommencerEpreuveResponse = services.facteurs.call(
            lambda s: s.CommencerEpreuve,
            facteurs.CommencerEpreuveRequest(epreuve=_epreuve()),
            token=services.anonymous_token(),
        )
    except RemoteError as error:
        if from_remote(error).code in _FINIES:
            return _recommencer()
        raise
    agent = session.is_agents_path()
    return render_template(
        "securite/verification.html",
        cadre="securite/cadre_agents.html" if agent else "securite/cadre.html",
        formulaire=formulaire,
        question=question,
        suite=suite,
        adresse=url_for(f"{_nom(agent)}.terminer"),
        porte=_porte(),
        ailleurs=adresse_des_cles() if question.options_json else "",
    )


def _recommencer() -> Response:
    response = make_response(redirect(_porte(fait="verification_expiree"), code=303))
    _oublier(response, agent=session.is_agents_path())
    return response


def _porte(**valeurs: Any) -> str:
    return url_for(
        "agents_connexion.page" if session.is_agents_path() else "connexion.page", **valeurs
    )


def _nom(agent: bool) -> str:  # noqa: FBT001 - one yes or no
    return "agents_verification" if agent else "verification"


def _epreuve() -> str:
    return request.cookies.get(_temoin(), "")[:_SECRET_MAX]


def _temoin() -> str:
    return "__Secure-epreuve" if _config().https else "epreuve"


def _retenir(response: Response, epreuve: str, *, agent: bool) -> None:
    response.set_cookie(
        _temoin(),
        epreuve,
        max_age=_DUREE_S,
        path=_chemin(agent),
        secure=_config().https,
        httponly=True,
        samesite="Lax",
    )


def _oublier(response: Response, *, agent: bool) -> None:
    response.delete_cookie(
        _temoin(), path=_chemin(agent), secure=_config().https, httponly=True, samesite="Lax"
    )


def _chemin(agent: bool) -> str:  # noqa: FBT001 - one yes or no
    return f"{session.AGENTS}/connexion" if agent else "/connexion"


def _config() -> Config:
    return clients.current().config
