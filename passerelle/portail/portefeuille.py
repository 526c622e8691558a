"""The page a mailed link opens: the card goes into Apple Wallet or Google Wallet (CAR-05)."""

from flask import Blueprint, make_response, render_template, request, url_for
from flask.typing import ResponseReturnValue

bp = Blueprint("portefeuille", __name__)


def telephone_apple() -> bool:
    """Tell whether this browser runs where Apple Wallet is; both buttons are shown anyway."""
    appareil = request.headers.get("User-Agent", "")
    return any(nom in appareil for nom in ("iPhone", "iPad", "Macintosh", "Watch"))


@bp.get("/portefeuille/<jeton:jeton>")
def choisir(jeton: str) -> ResponseReturnValue:
    """Offer both wallets, the one of this device first. The secret is checked by the links."""
    response = make_response(
        render_template(
            "portefeuille.html",
            apple_dabord=telephone_apple(),
            lien_apple=url_for("portefeuille_apple", jeton=jeton),
            lien_google=url_for("portefeuille_google", jeton=jeton),
        )
    )
    response.headers["Cache-Control"] = "no-store"
    response.headers["X-Robots-Tag"] = "noindex"
    return response
