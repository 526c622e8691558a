"""Who is visiting: the session cookie or bearer secret, verified by identite, and its guards.

Guarantee: a session that ended is refused at most `cache_session_s` later by every process, and at
once by the process that ended it (R33). While identite is away a session verified less than
`grace_session_s` ago still opens reading pages, so that the home can show the other services; no
act is possible with it.
"""

import logging
from collections.abc import Callable
from datetime import UTC, datetime
from functools import wraps
from typing import Final, ParamSpec
from urllib.parse import quote, urlsplit

import grpc
from flask import Response, current_app, g, make_response, redirect, request
from flask.typing import ResponseReturnValue

from chassis.grpc_client import RemoteError
from espacecitoyen.identite.v1 import identite_service_pb2 as identite
from passerelle import clients
from passerelle.config import Config
from passerelle.problems import Problem, from_remote
from passerelle.visits import ANONYME, AgitPour, Visit, VisitCache

P = ParamSpec("P")
_LOG = logging.getLogger(__name__)

SAFE_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS"})
# What a staff session is while its owner has no second factor (IDN-20).
ENROLEMENT: Final = frozenset({"enrolement"})
AGENTS: Final = "/agents"
API: Final = "/api/"
SECURITE_AGENTS: Final = "/agents/securite"
# A session secret is 43 characters; anything much longer is not worth a call.
_SECRET_MAX: Final = 128
# No session lives longer (R31).
_LONGEST_S: Final = 12 * 3600.0
# identite answers these when the secret opens nothing (any more).
_ENDED: Final = frozenset(
    {
        grpc.StatusCode.UNAUTHENTICATED,
        grpc.StatusCode.NOT_FOUND,
        grpc.StatusCode.INVALID_ARGUMENT,
        grpc.StatusCode.PERMISSION_DENIED,
    }
)


def current_visit() -> Visit:
    """Return the visitor of the current request, verified at most once per request.

    An unknown or ended secret is an anonymous visit. When identite does not answer, the visit is
    anonymous too and the guards below answer 503 instead of sending people to the log-in page.
    """
    visit: Visit | None = g.get("visit")
    if visit is None:
        # A failing error page must not call identite again.
        g.visit = ANONYME
        visit = g.visit = _verify(session_secret())
    return visit


def session_secret() -> str:
    """Return the secret the current request came with; empty when it has none."""
    bearer = bearer_secret()
    if bearer or (request.path.startswith(API) and "Authorization" in request.headers):
        return bearer
    return session_cookie()


def session_cookie() -> str:
    """Return the session cookie that counts on this path; empty when it has none."""
    return request.cookies.get(cookie_name(agent=is_agents_path()), "")[:_SECRET_MAX]


def bearer_secret() -> str:
    """Return the secret of `Authorization: Bearer`, which only the API reads."""
    if not request.path.startswith(API):
        return ""
    scheme, _, secret = request.headers.get("Authorization", "").partition(" ")
    return secret.strip()[:_SECRET_MAX] if scheme.lower() == "bearer" else ""


def is_agents_path() -> bool:
    """Tell whether the current path belongs to the back office."""
    return request.path == AGENTS or request.path.startswith(f"{AGENTS}/")


def cookie_name(*, agent: bool) -> str:
    """Return the name of the session cookie.

    `__Host-` binds the citizens' cookie to the host and path /. The staff cookie lives under
    /agents, which that prefix forbids, so it takes `__Secure-` (R34).
    """
    https = _config().https
    if agent:
        return "__Secure-session_agent" if https else "session_agent"
    return "__Host-session" if https else "session"


def open_session(response: Response, jeton: str, *, agent: bool = False) -> None:
    """Give the browser a session. The cookie dies with the browser; identite ends it by itself."""
    response.set_cookie(
        cookie_name(agent=agent),
        jeton,
        path=AGENTS if agent else "/",
        secure=_config().https,
        httponly=True,
        samesite="Lax",
    )


def close_session(response: Response, *, agent: bool = False) -> None:
    """End the session of the current request, here and in identite, and take the cookie back.

    Raises:
        RemoteError: identite did not answer a bearer's request. A browser loses its cookie all the
            same: a person who leaves a shared computer must be able to, and the idle time ends the
            session there.
    """
    secret = session_secret()
    if secret:
        cache().drop(secret)
        _end(secret)
        # A request that was being verified meanwhile may have put it back.
        cache().drop(secret)
    g.visit = ANONYME
    response.delete_cookie(
        cookie_name(agent=agent),
        path=AGENTS if agent else "/",
        secure=_config().https,
        httponly=True,
        samesite="Lax",
    )
    response.headers["Clear-Site-Data"] = '"cache", "storage"'


def require_login() -> Visit:
    """Return the logged-in visitor.

    Raises:
        Problem: CONNEXION_REQUISE, SESSION_EXPIREE, or the reason why identite did not answer.
    """
    visit = current_visit()
    if not visit.connecte:
        error: RemoteError | None = g.get("visit_error")
        if error is not None:
            raise from_remote(error)
        raise Problem("SESSION_EXPIREE" if session_secret() else "CONNEXION_REQUISE")
    if request.method not in SAFE_METHODS and g.get("visit_stale", False):
        raise from_remote(g.visit_error)
    return visit


def require_agent(*roles: str) -> Visit:
    """Return the logged-in staff member, who holds one of `roles` ("agent_cartes", "admin").

    Raises:
        Problem: as `require_login`, or ACCES_REFUSE.
    """
    visit = require_login()
    if visit.roles == ENROLEMENT:
        raise Problem("SECOND_FACTEUR_REQUIS")
    if not visit.roles & frozenset(roles or ("agent_cartes", "admin")):
        raise Problem("ACCES_REFUSE")
    return visit


def login_required(
    view: Callable[P, ResponseReturnValue],
) -> Callable[P, ResponseReturnValue]:
    """Guard a view: pages send an anonymous visitor to /connexion, the API answers 401."""
    return _guard(view, require_login)


def agent_required(
    *roles: str,
) -> Callable[[Callable[P, ResponseReturnValue]], Callable[P, ResponseReturnValue]]:
    """Guard a staff view: pages send to /agents/connexion, a citizen's session gets 403."""
    return lambda view: _guard(view, lambda: require_agent(*roles))


def local_path(value: str, default: str = "/") -> str:
    r"""Return `value` when it is a path of this site, `default` otherwise: no open redirect.

    `//host`, `/\host` and anything with a control character are what browsers read as another
    site.
    """
    bad = not value.startswith("/") or value.startswith("//") or "\\" in value
    if bad or not value.isprintable():
        return default
    try:
        parts = urlsplit(value)
    except ValueError:
        return default
    return default if parts.scheme or parts.netloc else value


def cache() -> VisitCache:
    """Return the visits of this process."""
    found: VisitCache = current_app.extensions["visits"]
    return found


def _end(secret: str) -> None:
    services = clients.current()
    try:
        services.identite.call(
            lambda s: s.FermerSession,
            identite.FermerSessionRequest(jeton_session=secret),
            token=services.anonymous_token(),
        )
    except RemoteError as error:
        if bearer_secret():
            raise
        _LOG.warning("session not ended: identite answered %s", error.reason)


def _guard(
    view: Callable[P, ResponseReturnValue], require: Callable[[], Visit]
) -> Callable[P, ResponseReturnValue]:
    @wraps(view)
    def guarded(*args: P.args, **kwargs: P.kwargs) -> ResponseReturnValue:
        try:
            require()
        except Problem as problem:
            if problem.code == "SECOND_FACTEUR_REQUIS" and not request.path.startswith(API):
                return redirect(SECURITE_AGENTS, code=303)
            if problem.status != 401 or request.path.startswith(API):  # noqa: PLR2004 - RFC 9110
                raise
            return _to_login()
        return view(*args, **kwargs)

    return guarded


def _to_login() -> Response:
    """Send to the log-in page, which comes back to this page when it was only being read."""
    page = "/agents/connexion" if is_agents_path() else "/connexion"
    if request.method == "GET":
        path = request.full_path if request.query_string else request.path
        page = f"{page}?suite={quote(local_path(path), safe='/')}"
    elif not is_agents_path() and session_cookie():
        return _keeping_the_form()
    if request.headers.get("HX-Request") == "true":
        # htmx would put the log-in page inside the fragment; this header moves the whole window.
        response = make_response("", 401)
        response.headers["HX-Redirect"] = page
        return response
    return make_response(redirect(page, code=303))


def _keeping_the_form() -> Response:
    """Send to the log-in page, which comes back to what was typed (`reprise`)."""
    # Imported here because it reads the visits of this module.
    from passerelle import reprise  # noqa: PLC0415

    response = make_response(redirect(f"/connexion?suite={reprise.PAGE}", code=303))
    if not reprise.garder(response):
        response = make_response(redirect("/connexion", code=303))
    return response


def _verify(secret: str) -> Visit:
    if not secret:
        return ANONYME
    known = cache().get(secret, _config().cache_session_s)
    if known is not None:
        return known
    services = clients.current()
    try:
        answer = services.identite.call(
            lambda s: s.VerifierSession,
            identite.VerifierSessionRequest(jeton_session=secret),
            token=services.anonymous_token(),
            deadline=_config().delai_accueil_s,
        )
    except RemoteError as error:
        return _without_answer(secret, error)
    visit = Visit(
        compte_id=answer.compte_id,
        session_id=answer.session_id,
        roles=frozenset(answer.roles),
        prenom=answer.prenom,
        nom=answer.nom,
        langue=answer.langue,
        expire_le=answer.expire_le,
        prouvee_le=answer.prouvee_le,
        permissions=frozenset(answer.permissions),
        agit_pour=_agit_pour(answer),
        roles_propres=frozenset(answer.roles_propres or answer.roles),
    )
    cache().put(secret, visit)
    return visit


def _agit_pour(answer: identite.VerifierSessionResponse) -> AgitPour | None:
    if not answer.HasField("agit_pour"):
        return None
    autrui = answer.agit_pour
    return AgitPour(
        compte_id=autrui.compte_id,
        prenom=autrui.prenom,
        nom=autrui.nom,
        genre=autrui.genre,
        portee=tuple(autrui.portee),
        fin_le=autrui.fin_le,
    )


def _without_answer(secret: str, error: RemoteError) -> Visit:
    if error.code in _ENDED and error.reason != "JETON_INVALIDE":
        # Who it was: what they typed is kept for them (`reprise`).
        g.visit_ended = cache().get(secret, _LONGEST_S)
        cache().drop(secret)
        return ANONYME
    g.visit_error = error
    stale = cache().get(secret, _config().grace_session_s)
    if stale is None or _ended(stale.expire_le):
        return ANONYME
    g.visit_stale = True
    return stale


def _ended(expire_le: str) -> bool:
    try:
        return datetime.fromisoformat(expire_le) <= datetime.now(UTC)
    except (ValueError, TypeError):
        return True


def _config() -> Config:
    found: Config = current_app.extensions["config"]
    return found
