"""The documents of the space: search, filters, order, pages."""

from collections.abc import Container
from typing import Any, Final

from flask import render_template, request, url_for
from flask.typing import ResponseReturnValue

from chassis.grpc_client import RemoteError
from espacecitoyen.stockage.v1 import stockage_service_pb2 as stockage
from passerelle import session
from passerelle.portail.stockage import mots
from passerelle.portail.stockage.espace import GENRES, bp, lister

_RECHERCHE_MAX: Final = 100


@bp.get("/stockage")
@session.login_required
def liste() -> ResponseReturnValue:
    """List the documents that match, newest first unless asked otherwise."""
    choix = {
        "recherche": request.args.get("recherche", "").strip()[:_RECHERCHE_MAX],
        "genre": _parmi(GENRES, "genre"),
        "tri": _parmi(mots.TRIS, "tri"),
        "validite": _parmi(mots.FILTRES_VALIDITE, "validite"),
    }
    page = _page(choix, request.args.get("suivant", ""))
    return render_template(
        "stockage/liste.html",
        page=page,
        choix=choix,
        cherche=any(choix[nom] for nom in ("recherche", "genre", "validite")),
        adresse=lambda **change: _adresse({**choix, **change}),
        attente=any(_attend(piece) for piece in page.pieces),
        mots=mots,
    )


def _page(choix: dict[str, str], suivant: str) -> stockage.ListPiecesResponse:
    def demander(page_token: str) -> stockage.ListPiecesResponse:
        return lister(
            genre=GENRES.get(choix["genre"], stockage.GENRE_PIECE_UNSPECIFIED),
            page_token=page_token,
            recherche=choix["recherche"],
            tri=mots.TRIS[choix["tri"]][0],
            validite=mots.FILTRES_VALIDITE[choix["validite"]][0],
        )

    try:
        return demander(suivant)
    except RemoteError as error:
        # A cursor is good for one search only; an old one leads to the first page of this one.
        if not suivant or "page_token" not in error.fields:
            raise
        return demander("")


def _attend(piece: stockage.Piece) -> bool:
    attente = stockage.STATUT_PIECE_EN_ANALYSE
    return attente in {piece.statut, piece.remplacement}


def _parmi(connus: Container[str], nom: str) -> str:
    valeur = request.args.get(nom, "")
    return valeur if valeur in connus else ""


def _adresse(choix: dict[str, str]) -> str:
    """Return the address of this list with that choice, without what is not chosen."""
    choisis: dict[str, Any] = {nom: valeur for nom, valeur in choix.items() if valeur}
    return url_for("stockage.liste", **choisis)
