"""One document: its preview, its versions, where it is used, its fields and its end."""

from datetime import date
from http import HTTPStatus

from flask import redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from chassis.grpc_client import RemoteError
from espacecitoyen.stockage.v1 import stockage_service_pb2 as stockage
from passerelle import clients, documents, session
from passerelle.portail.forms import ChampsPiece
from passerelle.portail.stockage.espace import (
    GENRES,
    bp,
    lire,
    lister_consultations,
    lister_utilisations,
    lister_versions,
)
from passerelle.problems import from_remote


@bp.get("/stockage/<uuid:piece_id>")
@session.login_required
def voir(piece_id: object) -> ResponseReturnValue:
    """Show a document by a clean image of one of its pages, its versions and its uses."""
    piece = lire(str(piece_id))
    return render_template(
        "stockage/piece.html",
        piece=piece,
        page=min(max(request.args.get("page", 1, type=int), 1), max(piece.pages, 1)),
        versions=lister_versions(str(piece_id)),
        utilisations=lister_utilisations(str(piece_id)),
        consultations=lister_consultations(str(piece_id)),
    )


@bp.get("/stockage/<uuid:piece_id>/apercu")
@session.login_required
def apercu(piece_id: object) -> ResponseReturnValue:
    """Give the image of one page."""
    return documents.send(str(piece_id), apercu=True, page=request.args.get("page", 1, type=int))


@bp.get("/stockage/<uuid:piece_id>/fichier")
@session.login_required
def fichier(piece_id: object) -> ResponseReturnValue:
    """Give the stored file, as a download."""
    return documents.send(str(piece_id))


@bp.get("/stockage/<uuid:piece_id>/modifier")
@session.login_required
def champs(piece_id: object) -> ResponseReturnValue:
    """Show the fields of a document."""
    piece = lire(str(piece_id))
    valide = piece.valide_jusqu_au
    formulaire = ChampsPiece(
        genre=stockage.GenrePiece.Name(piece.genre).removeprefix("GENRE_PIECE_"),
        libelle=piece.libelle,
        valide_jusqu_au=date.fromisoformat(valide) if valide else None,
    )
    return render_template("stockage/modifier.html", piece=piece, formulaire=formulaire)


@bp.post("/stockage/<uuid:piece_id>/modifier")
@session.login_required
def modifier(piece_id: object) -> ResponseReturnValue:
    """Change the fields, not the file."""
    formulaire = ChampsPiece(request.form)
    statut: int = HTTPStatus.UNPROCESSABLE_ENTITY
    if formulaire.validate():
        services = clients.current()
        try:
            services.stockage.call(
                lambda s: s.ModifierPiece,
                stockage.ModifierPieceRequest(
                    request_id=formulaire.request_id.data,
                    piece_id=str(piece_id),
                    genre=GENRES[formulaire.genre.data.lower()],
                    libelle=formulaire.libelle.data,
                    valide_jusqu_au=formulaire.valide_jusqu_au.iso,
                ),
                token=services.token(),
            )
        except RemoteError as error:
            probleme = from_remote(error)
            formulaire.noter(probleme)
            statut = probleme.status
        else:
            return redirect(url_for("stockage.liste", fait="piece_modifiee"), code=303)
    page = render_template(
        "stockage/modifier.html", piece=lire(str(piece_id)), formulaire=formulaire
    )
    return page, statut


@bp.get("/stockage/<uuid:piece_id>/supprimer")
@session.login_required
def confirmer(piece_id: object) -> ResponseReturnValue:
    """Ask before deleting, and say what stays used."""
    return render_template(
        "stockage/supprimer.html",
        piece=lire(str(piece_id)),
        utilisations=lister_utilisations(str(piece_id)),
    )


@bp.post("/stockage/<uuid:piece_id>/supprimer")
@session.login_required
def supprimer(piece_id: object) -> ResponseReturnValue:
    """Delete from the space; copies that a request used stay."""
    services = clients.current()
    services.stockage.call(
        lambda s: s.SupprimerPiece,
        stockage.SupprimerPieceRequest(
            request_id=request.form.get("request_id", ""), piece_id=str(piece_id)
        ),
        token=services.token(),
    )
    return redirect(url_for("stockage.liste", fait="piece_supprimee"), code=303)
