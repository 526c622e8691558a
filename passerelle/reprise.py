"""What was typed survives an expired session (WCAG 2.2.6; conception.md section 8).

A form that arrives after its session's end goes, sealed, into cookies of this browser and waits
there for its owner to log in; they see it again, and send it or do not. Nothing is stored here.

Guarantee: it comes back only to the account that typed it, only to a page of this site, within ten
minutes, and never with a password or a file. The check against forgery came first: the form bore
the token of the session that ended.
"""

import base64
import hashlib
import json
import zlib
from typing import Any, Final

from cryptography.fernet import Fernet, InvalidToken
from flask import Response, current_app, g, request
from werkzeug.datastructures import MultiDict

from passerelle import session

PAGE: Final = "/reprise"
_DUREE_S: Final = 600
# Browsers keep 4 kB by cookie, and the gateway takes 16 kB of headers.
_MORCEAU: Final = 3600
_MORCEAUX: Final = 3
_SECRETS: Final = frozenset({"mot_de_passe", "actuel", "nouveau", "code", "defi"})


def garder(response: Response) -> bool:
    """Seal the form of the current request into the response; False when it cannot be kept."""
    scelle = _sceller()
    if not scelle:
        return False
    for rang in range(_MORCEAUX):
        morceau = scelle[rang * _MORCEAU : (rang + 1) * _MORCEAU]
        if morceau:
            response.set_cookie(
                f"reprise{rang}",
                morceau,
                max_age=_DUREE_S,
                secure=_config().https,
                httponly=True,
                samesite="Lax",
            )
        else:
            response.delete_cookie(f"reprise{rang}")
    return True


def rouvrir(compte_id: str) -> tuple[str, "MultiDict[str, str]"] | None:
    """Return the path and the fields that this account typed; None when there is nothing."""
    scelle = "".join(request.cookies.get(f"reprise{rang}", "") for rang in range(_MORCEAUX))
    try:
        clair: Any = json.loads(zlib.decompress(_cle().decrypt(scelle.encode(), ttl=_DUREE_S)))
    except (InvalidToken, ValueError):
        return None
    chemin = session.local_path(clair["chemin"], "")
    if clair["compte"] != compte_id or not chemin:
        return None
    return chemin, MultiDict((nom, valeur) for nom, valeur in clair["champs"])


def oublier(response: Response) -> None:
    """Take the kept form out of the browser."""
    for rang in range(_MORCEAUX):
        response.delete_cookie(f"reprise{rang}", secure=_config().https, httponly=True)


def _sceller() -> str:
    plein = request.method == "POST" and request.mimetype == "application/x-www-form-urlencoded"
    visite = g.get("visit_ended")
    if not plein or visite is None or _SECRETS & set(request.form):
        return ""
    champs = [[n, v] for n, v in request.form.items(multi=True) if n != "csrf_token"]
    clair = {"compte": visite.compte_id, "chemin": request.path, "champs": champs}
    scelle = _cle().encrypt(zlib.compress(json.dumps(clair).encode())).decode()
    return scelle if len(scelle) <= _MORCEAU * _MORCEAUX else ""


def _cle() -> Fernet:
    condense = hashlib.sha256(b"reprise:" + _config().secret.encode()).digest()
    return Fernet(base64.urlsafe_b64encode(condense))


def _config() -> Any:
    return current_app.extensions["config"]
