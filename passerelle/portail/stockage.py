"""« Mon espace de stockage » (STO-01, 02, 03)."""

from datetime import date
from http import HTTPStatus
from typing import Final

from flask import Blueprint, g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from werkzeug.datastructures import MultiDict

from chassis.grpc_client import RemoteError
from espacecitoyen.stockage.v1 import stockage_service_pb2 as stockage
from passerelle import clients, documents, security, session, uploads
from passerelle.portail.forms import ChampsPiece
from passerelle.problems import Problem, from_remote

bp = Blueprint("stockage", __name__)

_PAGE: Final = 20
_MEBI: Final = 1024 * 1024
_MEGA: Final = 1000 * 1000
GENRES: Final = {
    "identite": stockage.GENRE_PIECE_IDENTITE,
    "residence": stockage.GENRE_PIECE_RESIDENCE,
    "autre": stockage.GENRE_PIECE_AUTRE,
}


@bp.get("/stockage")
@session.login_required
def liste() -> ResponseReturnValue:
    """List the documents, newest first, of one kind or of all."""
    genre = request.args.get("genre", "")
    page = lister(
        genre=GENRES.get(genre, stockage.GENRE_PIECE_UNSPECIFIED),
        page_token=request.args.get("suivant", ""),
    )
    return render_template("stockage/liste.html", page=page, genre=genre)


@bp.get("/stockage/ajouter")
@session.login_required
def nouvelle() -> ResponseReturnValue:
    """Show the form of a new document."""
    genre = request.args.get("genre", "")
    formulaire = ChampsPiece(genre=genre.upper() if genre in GENRES else "AUTRE")
    return _ajout(formulaire, session.local_path(request.args.get("suite", ""), ""))


@bp.post("/stockage/ajouter")
@session.login_required
@security.streams_upload
def ajouter() -> ResponseReturnValue:
    """Store one document; what was typed survives a refusal (its file cannot)."""
    try:
        piece = uploads.deposit(request)
    except (Problem, RemoteError) as error:
        probleme = error if isinstance(error, Problem) else from_remote(error)
        if probleme.code == "FORMULAIRE_PERIME":
            raise
        saisie: dict[str, str] = g.get("upload_fields", {})
        formulaire = ChampsPiece(MultiDict(saisie))
        formulaire.noter(probleme)
        return _ajout(formulaire, session.local_path(saisie.get("suite", ""), "")), probleme.status
    suite = session.local_path(g.upload_fields.get("suite", ""), "")
    if suite:
        signe = "&" if "?" in suite else "?"
        return redirect(f"{suite}{signe}piece={piece.piece_id}", code=303)
    return redirect(url_for("stockage.liste", fait="piece_ajoutee"), code=303)


@bp.get("/stockage/<uuid:piece_id>")
@session.login_required
def voir(piece_id: object) -> ResponseReturnValue:
    """Show a document by a clean image of one of its pages."""
    piece = lire(str(piece_id))
    page = min(max(request.args.get("page", 1, type=int), 1), max(piece.pages, 1))
    return render_template("stockage/piece.html", piece=piece, page=page)


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
    """Ask before deleting."""
    return render_template("stockage/supprimer.html", piece=lire(str(piece_id)))


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


def lister(
    *,
    genre: stockage.GenrePiece.ValueType = stockage.GENRE_PIECE_UNSPECIFIED,
    page_token: str = "",
    page_size: int = _PAGE,
) -> stockage.ListPiecesResponse:
    """Return one page of the visitor's documents."""
    services = clients.current()
    page: stockage.ListPiecesResponse = services.stockage.call(
        lambda s: s.ListPieces,
        stockage.ListPiecesRequest(
            page_size=page_size,
            page_token=page_token,
            genre=genre,
        ),
        token=services.token(),
    )
    return page


def lire(piece_id: str) -> stockage.Piece:
    """Return one document of the visitor."""
    services = clients.current()
    answer: stockage.GetPieceResponse = services.stockage.call(
        lambda s: s.GetPiece, stockage.GetPieceRequest(piece_id=piece_id), token=services.token()
    )
    return answer.piece


def _ajout(formulaire: ChampsPiece, suite: str) -> str:
    return render_template(
        "stockage/ajouter.html",
        formulaire=formulaire,
        suite=suite,
        # People count in millions: 25 MiB is told as the 25 Mo that always pass.
        maximum=clients.current().config.piece_max_octets // _MEBI * _MEGA,
    )
