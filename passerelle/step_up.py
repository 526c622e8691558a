"""Sensitive acts ask again who is there (R36): the guard, and what was typed meanwhile.

Guarantee: a guarded view runs only within `preuve_recente_min` of the visitor's last proof. A form
that came too late is kept in the page of confirmation, in the visitor's own browser, and goes on
from there; what is secret in it has to be typed again.
"""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import wraps
from typing import Final, ParamSpec
from urllib.parse import quote

from flask import Response, current_app, make_response, redirect, request
from flask.typing import ResponseReturnValue

from passerelle import session
from passerelle.config import Config
from passerelle.problems import Problem

P = ParamSpec("P")

# Never written back into a page.
_SECRETS: Final = ("mot_de_passe", "csrf_token")
_CHAMPS_MAX: Final = 60


def proof_required(
    view: Callable[P, ResponseReturnValue],
) -> Callable[P, ResponseReturnValue]:
    """Guard a view: somebody whose last proof is old proves again first, then goes on."""

    @wraps(view)
    def guarded(*args: P.args, **kwargs: P.kwargs) -> ResponseReturnValue:
        visit = session.require_login()
        if recent(visit.prouvee_le):
            return view(*args, **kwargs)
        if request.path.startswith(session.API):
            raise Problem("PREUVE_REQUISE")
        return _to_confirmation()

    return guarded


def recent(prouvee_le: str) -> bool:
    """Tell whether a proof still opens sensitive acts."""
    config: Config = current_app.extensions["config"]
    try:
        age = datetime.now(UTC) - datetime.fromisoformat(prouvee_le)
    except (ValueError, TypeError):
        return False
    return age < timedelta(minutes=config.preuve_recente_min)


def typed() -> list[tuple[str, str]]:
    """Return the fields of the current form that may be kept, in order."""
    found = [
        (name, value)
        for name, value in request.form.items(multi=True)
        if not any(secret in name for secret in _SECRETS)
    ]
    return found[:_CHAMPS_MAX]


def _to_confirmation() -> Response | str:
    # Imported here because the pages are guarded by this module.
    from passerelle.portail.confirmation import demander  # noqa: PLC0415

    if request.method in session.SAFE_METHODS:
        page = f"{prefixe()}/confirmer?suite={quote(request.full_path.rstrip('?'), safe='/')}"
        if request.headers.get("HX-Request") == "true":
            response = make_response("", 403)
            response.headers["HX-Redirect"] = page
            return response
        return make_response(redirect(page, code=303))
    return demander(action=request.path, champs=typed())


def prefixe() -> str:
    """Return where the pages of the current side live: the staff's are under /agents."""
    return session.AGENTS if session.is_agents_path() else ""
