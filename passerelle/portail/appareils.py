"""The device's secret, and a device in words (IDN-20, R05)."""

from typing import Final

from flask import Response, request
from flask_babel import gettext

from passerelle import clients

_AN_S: Final = 365 * 24 * 3600
_SECRET_MAX: Final = 128
# The first that is found in a User-Agent names the browser: Edge and Opera also say Chrome, and
# Chrome says Safari.
_NAVIGATEURS: Final = (
    ("Edg", "Edge"),
    ("OPR/", "Opera"),
    ("SamsungBrowser", "Samsung Internet"),
    ("Firefox/", "Firefox"),
    ("FxiOS", "Firefox"),
    ("CriOS", "Chrome"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
)
_SYSTEMES: Final = (
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("Windows", "Windows"),
    ("Mac OS", "macOS"),
    ("CrOS", "ChromeOS"),
    ("Linux", "Linux"),
)


def secret() -> str:
    """Return the device's secret that the browser sent, "" when it has none."""
    return request.cookies.get(_nom(), "")[:_SECRET_MAX]


def retenir(response: Response, jeton: str) -> None:
    """Give the browser a device's secret; "" leaves the one that it has."""
    if jeton:
        response.set_cookie(
            _nom(),
            jeton,
            max_age=_AN_S,
            path="/",
            secure=clients.current().config.https,
            httponly=True,
            samesite="Lax",
        )


def en_mots(agent: str) -> str:
    """Return a User-Agent as people say it: « Firefox sur Windows »."""
    navigateur = _premier(_NAVIGATEURS, agent)
    systeme = _premier(_SYSTEMES, agent)
    if navigateur and systeme:
        nom: str = gettext("%(navigateur)s sur %(systeme)s", navigateur=navigateur, systeme=systeme)
        return nom
    inconnu: str = gettext("Appareil ou application inconnu")
    return navigateur or systeme or agent[:40] or inconnu


def _premier(connus: tuple[tuple[str, str], ...], agent: str) -> str:
    return next((nom for marque, nom in connus if marque in agent), "")


def _nom() -> str:
    return "__Host-appareil" if clients.current().config.https else "appareil"
