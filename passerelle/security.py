"""What protects every answer and every act: headers, hosts, origins, anti-forgery tokens, limits.

Guarantee: no unsafe request that a cookie authenticates reaches a view without a valid token and
an origin that is ours (R35); views that stream their body check the token in `uploads.receive`,
before the first byte of the file leaves the gateway.
"""

import hashlib
import hmac
import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable
from typing import Final, TypeVar
from urllib.parse import urlsplit

from flask import Flask, Response, current_app, g, request

from passerelle import session
from passerelle.config import Config
from passerelle.problems import Problem

View = TypeVar("View", bound=Callable[..., object])

CSRF_FIELD: Final = "csrf_token"
CSRF_HEADER: Final = "X-CSRF-Token"
_NONCE_BYTES: Final = 16
_HEADERS_MAX: Final = 16 * 1024
_LOOPBACK: Final = frozenset({"127.0.0.1", "localhost", "[::1]"})
# Probes call these by the address of the process, whatever it is.
_PROBES: Final = frozenset({"/sante", "/metrics"})

HEADERS: Final = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
        "font-src 'self'; media-src 'self'; connect-src 'self'; form-action 'self'; "
        "base-uri 'none'; frame-ancestors 'none'; object-src 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
}
_HSTS: Final = "max-age=63072000; includeSubDomains; preload"


def register(app: Flask) -> None:
    """Check every request on its way in and mark every answer on its way out."""
    app.before_request(check_host)
    app.before_request(check_headers)
    app.before_request(check_forgery)
    app.after_request(harden)
    app.jinja_env.globals["csrf_token"] = csrf_token


def streams_upload(view: View) -> View:
    """Mark a view that reads its multipart body through `uploads.receive`, token included.

    Reading `request.form` in the check below would spool the whole file first.
    """
    view.streams_upload = True  # type: ignore[attr-defined]
    return view


def without_cookies(view: View) -> View:
    """Mark a view that machines call and that reads no cookie: there is nothing to forge."""
    view.without_cookies = True  # type: ignore[attr-defined]
    return view


def check_host() -> None:
    """Refuse a Host header that is not ours: links and cookies are built on it."""
    if request.path not in _PROBES and request.host.lower() not in _hosts():
        raise Problem("HOTE_INCONNU")


def check_headers() -> None:
    """Refuse more than 16 KiB of headers in all (R90); gunicorn bounds each line only."""
    size = sum(len(name) + len(value) for name, value in request.headers.items())
    if size > _HEADERS_MAX:
        raise Problem("ENTETES_TROP_GRANDS")


def check_forgery() -> None:
    """Refuse an unsafe request that another site may have started."""
    if request.method in session.SAFE_METHODS or _reads_no_cookie():
        return
    check_origin()
    if request.path.startswith(session.API) and not session.session_cookie():
        # No ambient authority: a bearer secret is given on purpose, an anonymous call has nothing.
        return
    if session.bearer_secret():
        return
    header = request.headers.get(CSRF_HEADER, "")
    if header or request.path.startswith(session.API):
        check_token(header)
    elif not _streams():
        check_token(request.form.get(CSRF_FIELD, ""))


def check_origin() -> None:
    """Refuse what a browser says comes from elsewhere.

    Our own Referrer-Policy makes browsers send `Origin: null` with plain forms, so that value
    says nothing; Sec-Fetch-Site and the token decide then.
    """
    site = request.headers.get("Sec-Fetch-Site", "same-origin")
    if site not in {"same-origin", "none"}:
        raise Problem("ORIGINE_REFUSEE")
    origin = request.headers.get("Origin", "null")
    if origin != "null" and urlsplit(origin).netloc.lower() not in _hosts():
        raise Problem("ORIGINE_REFUSEE")


def check_token(token: str) -> None:
    """Refuse an anti-forgery token that this browser was not given.

    Raises:
        Problem: FORMULAIRE_PERIME.
    """
    binding = _binding()
    if not binding or not hmac.compare_digest(_sign(_nonce(token), binding), token.encode()):
        raise Problem("FORMULAIRE_PERIME")
    g.csrf_checked = True


def check_field(fields: dict[str, str]) -> None:
    """Check the token of a streamed form, unless the request needs none or its header had it."""
    needs_none = request.path.startswith(session.API) or session.bearer_secret()
    if not needs_none and not g.get("csrf_checked", False):
        check_token(fields.get(CSRF_FIELD, ""))


def csrf_token() -> str:
    """Return a token for a form of the current visitor; each one reads differently (BREACH).

    A visitor without a session gets a pre-session cookie that the token is bound to.
    """
    binding = _binding()
    if not binding:
        g.presession = secrets.token_urlsafe(32)
        binding = f"p:{g.presession}"
    return _sign(secrets.token_bytes(_NONCE_BYTES), binding).decode()


def harden(response: Response) -> Response:
    """Add the security headers (R38), forbid storing what a logged-in person saw."""
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)
    config = _config()
    if config.https:
        response.headers.setdefault("Strict-Transport-Security", _HSTS)
    if _is_private(response):
        response.headers["Cache-Control"] = "no-store"
    if "presession" in g:
        response.set_cookie(
            _presession_name(config),
            g.presession,
            path="/",
            secure=config.https,
            httponly=True,
            samesite="Lax",
        )
    return response


def _is_private(response: Response) -> bool:
    """A page that carries a token or that a session opened stays out of every cache."""
    if request.endpoint is not None and request.endpoint.rpartition(".")[2] == "static":
        return False
    visit = g.get("visit")
    logged_in = visit is not None and visit.connecte
    return logged_in or "presession" in g or "Set-Cookie" in response.headers


def _reads_no_cookie() -> bool:
    view = current_app.view_functions.get(request.endpoint or "")
    return getattr(view, "without_cookies", False)


def _streams() -> bool:
    view = current_app.view_functions.get(request.endpoint or "")
    return (
        request.mimetype == "multipart/form-data"
        and view is not None
        and getattr(view, "streams_upload", False)
    )


def _binding() -> str:
    """Return what the token of this browser is tied to: its session, else its pre-session."""
    secret = session.session_cookie()
    if secret:
        return f"s:{secret}"
    known = g.get("presession") or request.cookies.get(_presession_name(_config()), "")
    return f"p:{known}" if known else ""


def _presession_name(config: Config) -> str:
    return "__Host-presession" if config.https else "presession"


def _sign(nonce: bytes, binding: str) -> bytes:
    key = hashlib.sha256(b"csrf:" + _config().secret.encode()).digest()
    mac = hmac.new(key, nonce + binding.encode("utf-8", "surrogatepass"), hashlib.sha256).digest()
    return urlsafe_b64encode(nonce + mac)


def _nonce(token: str) -> bytes:
    try:
        return urlsafe_b64decode(token.encode("ascii"))[:_NONCE_BYTES]
    except ValueError:
        return b""


def _hosts() -> frozenset[str]:
    found: frozenset[str] = current_app.extensions["hosts"]
    return found


def accepted_hosts(config: Config) -> frozenset[str]:
    """Return the `host[:port]` values that are ours, lower case.

    A demo on the loopback answers to each of its names.
    """
    public = urlsplit(config.url_publique)
    hosts = {public.netloc.lower(), *(host.lower() for host in config.hotes)}
    name = (public.hostname or "").lower()
    if name in _LOOPBACK or name == "::1":
        port = f":{public.port}" if public.port else ""
        hosts |= {f"{loopback}{port}" for loopback in _LOOPBACK}
    return frozenset(hosts)


def _config() -> Config:
    found: Config = current_app.extensions["config"]
    return found
