"""A card that exists: join a physical one to the account, renew one (CAR-03, CAR-09)."""

import io
from http import HTTPStatus
from typing import Final

import segno
from flask import Blueprint, Response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from chassis.grpc_client import RemoteError
from espacecitoyen.cartes.v1 import cartes_service_pb2 as cartes
from espacecitoyen.cartes.v1 import parcours_service_pb2 as parcours
from espacecitoyen.stockage.v1 import stockage_service_pb2 as stockage
from passerelle import clients, problems, session
from passerelle.portail import cartes as pages
from passerelle.portail.forms import code_postal_canonique
from passerelle.portail.forms_cartes import AssociationCarte, RenouvellementCarte

bp = Blueprint("parcours_cartes", __name__)

# What makes the form useless: the card's own page says why.
_SANS_FORMULAIRE: Final = frozenset(
    {
        "RENOUVELLEMENT_TROP_TOT",
        "RENOUVELLEMENT_TROP_TARD",
        "RENOUVELLEMENT_DEJA_DEMANDE",
        "CARTE_NON_RENOUVELABLE",
    }
)


@bp.get("/cartes/associer")
@session.login_required
def associer() -> ResponseReturnValue:
    """Show the form that joins a physical card; what the profile knows is filled in."""
    formulaire = AssociationCarte(data=pages.du_profil())
    return render_template("cartes/associer.html", formulaire=formulaire)


@bp.post("/cartes/associer")
@session.login_required
def joindre() -> ResponseReturnValue:
    """Join the card; a refusal never says which of the three fields is wrong."""
    formulaire = AssociationCarte(request.form)
    statut: int = HTTPStatus.UNPROCESSABLE_ENTITY
    if formulaire.validate():
        services = clients.current()
        try:
            answer: parcours.AssocierCarteResponse = services.parcours_cartes.call(
                lambda s: s.AssocierCarte,
                parcours.AssocierCarteRequest(
                    request_id=formulaire.request_id.data,
                    numero=formulaire.numero.data,
                    date_naissance=formulaire.date_naissance.iso,
                    code_postal=code_postal_canonique(formulaire.code_postal.data),
                    carte_physique=formulaire.carte_physique.data,
                ),
                token=services.token(),
            )
        except RemoteError as error:
            probleme = problems.from_remote(error)
            formulaire.noter(probleme)
            statut = probleme.status
        else:
            carte_id = answer.carte.carte_id
            return redirect(
                url_for("cartes.voir", carte_id=carte_id, fait="carte_associee"), code=303
            )
    return render_template("cartes/associer.html", formulaire=formulaire), statut


@bp.get("/cartes/<uuid:carte_id>/renouveler")
@session.login_required
def renouveler(carte_id: object) -> ResponseReturnValue:
    """Show the form of a renewal: one proof, and where the person lives now."""
    carte = pages.lire(carte_id)
    if not carte.renouvelable:
        return redirect(url_for("cartes.voir", carte_id=carte_id), code=303)
    pieces = pages.pieces_du_visiteur()
    formulaire = RenouvellementCarte(data=pages.du_profil())
    formulaire.piece_residence.data = _plus_recente(pieces)
    return _page(carte, formulaire, pieces)


@bp.post("/cartes/<uuid:carte_id>/renouveler")
@session.login_required
def redemander(carte_id: object) -> ResponseReturnValue:
    """Ask for the renewal; the hidden request_id makes a double click one request."""
    formulaire = RenouvellementCarte(request.form)
    statut: int = HTTPStatus.UNPROCESSABLE_ENTITY
    if formulaire.validate():
        services = clients.current()
        try:
            services.parcours_cartes.call(
                lambda s: s.RenouvelerCarte,
                parcours.RenouvelerCarteRequest(
                    request_id=formulaire.request_id.data,
                    carte_id=str(carte_id),
                    piece_residence_id=formulaire.piece_residence.data,
                    piece_identite_id=formulaire.piece_identite.data or "",
                    carte_physique=formulaire.carte_physique.data,
                    adresse=parcours.Adresse(
                        adresse=formulaire.adresse.data,
                        ville=formulaire.municipalite.data,
                        code_postal=code_postal_canonique(formulaire.code_postal.data),
                    ),
                ),
                token=services.token(),
            )
        except RemoteError as error:
            probleme = problems.from_remote(error)
            if probleme.code in _SANS_FORMULAIRE:
                raise probleme from error
            formulaire.noter(probleme)
            statut = probleme.status
        else:
            return redirect(
                url_for("cartes.voir", carte_id=carte_id, fait="renouvellement_demande"), code=303
            )
    return _page(pages.lire(carte_id), formulaire, pages.pieces_du_visiteur()), statut


@bp.get("/cartes/<uuid:carte_id>/code.svg")
@session.login_required
def code(carte_id: object) -> ResponseReturnValue:
    """Draw the signed code of a card, for a screen or a printer (CAR-16)."""
    carte = pages.lire(carte_id)
    if not carte.code:
        raise problems.Problem("CARTE_NON_ACTIVE")
    dessin = io.BytesIO()
    segno.make(carte.code, error="m", boost_error=False).save(
        dessin, kind="svg", border=4, xmldecl=False, light="#fff"
    )
    response = Response(dessin.getvalue(), mimetype="image/svg+xml")
    response.headers["Cache-Control"] = "no-store"
    return response


def _page(
    carte: cartes.Carte, formulaire: RenouvellementCarte, pieces: dict[str, stockage.Piece]
) -> str:
    pages.choix(formulaire.piece_residence, pieces)
    pages.choix(formulaire.piece_identite, pieces)
    return render_template(
        "cartes/renouveler.html",
        carte=carte,
        formulaire=formulaire,
        pieces=pieces,
        empechement=pages.empechement,
    )


def _plus_recente(pieces: dict[str, stockage.Piece]) -> str | None:
    return next(
        (
            cle
            for cle, piece in pieces.items()
            if piece.genre == stockage.GENRE_PIECE_RESIDENCE and not pages.empechement(piece)
        ),
        None,
    )
