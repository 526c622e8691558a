"""The composition root of the gateway."""

import logging
from pathlib import Path
from typing import Final

from flask import Flask, Response, current_app, request
from flask_babel import Babel
from werkzeug.middleware.proxy_fix import ProxyFix

from chassis import settings, telemetry
from passerelle import (
    agents,
    bodies,
    codes,
    health,
    metrics,
    portail,
    problems,
    security,
    session,
    tracing,
    tus,
    visits,
    wallet,
)
from passerelle.api import v1
from passerelle.clients import Clients
from passerelle.config import Config
from passerelle.oidc import montage as oidc

LANGUES: Final = ("fr", "en")
_LANGUE_COOKIE: Final = "langue"
_YEAR_S: Final = 365 * 24 * 3600
_SECRET_MIN: Final = 32
_FORM_MAX: Final = 256 * 1024
_FOLDER: Final = Path(__file__).parent


def create_app(config: Config | None = None) -> Flask:
    """Build the gateway.

    Args:
        config: the settings; None reads the environment and sets telemetry up, as a process does.

    Raises:
        SettingsError: settings are missing.
        ValueError: the secret is too short, or the address people type is not http(s).
        LookupError: no address is known for a service.
    """
    if config is None:
        config = settings.load(Config, prefix="PASSERELLE")
        telemetry.setup("passerelle", endpoint=config.otlp, readers=(metrics.reader(),))
    _check(config)
    app = Flask("passerelle", root_path=str(_FOLDER))
    app.extensions["config"] = config
    app.extensions["clients"] = Clients(config)
    app.extensions["visits"] = visits.VisitCache()
    app.extensions["hosts"] = security.accepted_hosts(config)
    app.url_map.converters["jeton"] = wallet.JetonConverter
    app.config.update(
        SECRET_KEY=config.secret,
        # Uploads raise it for themselves (`uploads.receive`).
        MAX_CONTENT_LENGTH=max(config.json_max_octets, _FORM_MAX),
        BABEL_DEFAULT_LOCALE=config.langue,
        BABEL_TRANSLATION_DIRECTORIES=str(_FOLDER / "translations"),
        BABEL_DEFAULT_TIMEZONE=config.ville_fuseau,
    )
    if config.mandataires:
        hops = config.mandataires
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=hops, x_proto=hops, x_host=hops)  # type: ignore[method-assign]
    _register(app)
    return app


def _register(app: Flask) -> None:
    Babel(app, locale_selector=_locale)
    app.jinja_env.globals["current_visit"] = session.current_visit
    # In this order: a refused request is still traced, hardened and counted.
    tracing.register(app)
    security.register(app)
    bodies.register(app)
    app.after_request(_remember_language)
    problems.register(app)
    health.register(app)
    metrics.register(app)
    tus.register(app)
    wallet.register(app)
    codes.register(app)
    v1.register(app)
    portail.register(app)
    agents.register(app)
    oidc.register(app)


def _locale() -> str:
    """Choose the language: asked for, remembered, the account's, the browser's, the city's."""
    for langue in (request.args.get("lang", ""), request.cookies.get(_LANGUE_COOKIE, "")):
        if langue in LANGUES:
            return langue
    visit = session.current_visit()
    if visit.langue in LANGUES:
        return visit.langue
    return request.accept_languages.best_match(LANGUES) or app_config().langue


def app_config() -> Config:
    """Return the settings of the running application."""
    found: Config = current_app.extensions["config"]
    return found


def _remember_language(response: Response) -> Response:
    langue = request.args.get("lang", "")
    if langue in LANGUES and langue != request.cookies.get(_LANGUE_COOKIE):
        response.set_cookie(
            _LANGUE_COOKIE,
            langue,
            max_age=_YEAR_S,
            secure=app_config().https,
            httponly=True,
            samesite="Lax",
        )
    return response


def _check(config: Config) -> None:
    if len(config.secret) < _SECRET_MIN:
        raise ValueError(f"PASSERELLE_SECRET needs {_SECRET_MIN} characters")
    if not config.url_publique.startswith(("http://", "https://")):
        raise ValueError("PASSERELLE_URL_PUBLIQUE is no http(s) address")
    logging.getLogger("passerelle").setLevel(logging.INFO)
