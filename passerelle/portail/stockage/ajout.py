"""Files that come in: a new document, or the next version of one.

A browser with scripts sends them in parts that can be taken up again (`/api/v1/televersements`);
these routes are the plain form that everybody can use.
"""

from typing import Final

from flask import g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from werkzeug.datastructures import MultiDict

from chassis.grpc_client import RemoteError
from passerelle import clients, security, session, uploads
from passerelle.portail.forms import ChampsPiece
from passerelle.portail.stockage.espace import GENRES, bp, lire
from passerelle.problems import Problem, from_remote

_MEBI: Final = 1024 * 1024
_MEGA: Final = 1000 * 1000


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
        probleme = _probleme(error)
        saisie: dict[str, str] = g.get("upload_fields", {})
        formulaire = ChampsPiece(MultiDict(saisie))
        formulaire.noter(probleme)
        return _ajout(formulaire, session.local_path(saisie.get("suite", ""), "")), probleme.status
    suite = session.local_path(g.upload_fields.get("suite", ""), "")
    if suite:
        signe = "&" if "?" in suite else "?"
        return redirect(f"{suite}{signe}piece={piece.piece_id}", code=303)
    return redirect(url_for("stockage.liste", fait="piece_ajoutee"), code=303)


@bp.get("/stockage/<uuid:piece_id>/remplacer")
@session.login_required
def nouveau_fichier(piece_id: object) -> ResponseReturnValue:
    """Show the form of the next version of a document."""
    return _remplacement(str(piece_id), ChampsPiece())


@bp.post("/stockage/<uuid:piece_id>/remplacer")
@session.login_required
@security.streams_upload
def remplacer(piece_id: object) -> ResponseReturnValue:
    """Store the next version; the fields stay, the earlier versions are kept."""
    try:
        piece = uploads.deposit(request, remplace=str(piece_id))
    except (Problem, RemoteError) as error:
        probleme = _probleme(error)
        formulaire = ChampsPiece()
        formulaire.noter(probleme)
        return _remplacement(str(piece_id), formulaire), probleme.status
    return redirect(
        url_for("stockage.voir", piece_id=piece.piece_id, fait="piece_ajoutee"), code=303
    )


def _probleme(error: Problem | RemoteError) -> Problem:
    """Return what a page may tell. A stale form has a page of its own, as everywhere."""
    probleme = error if isinstance(error, Problem) else from_remote(error)
    if probleme.code in {"FORMULAIRE_PERIME", "PIECE_INTROUVABLE"}:
        raise probleme
    return probleme


def _ajout(formulaire: ChampsPiece, suite: str) -> str:
    return render_template(
        "stockage/ajouter.html", formulaire=formulaire, suite=suite, maximum=_maximum()
    )


def _remplacement(piece_id: str, formulaire: ChampsPiece) -> str:
    return render_template(
        "stockage/remplacer.html", formulaire=formulaire, piece=lire(piece_id), maximum=_maximum()
    )


def _maximum() -> int:
    # People count in millions: 25 MiB is told as the 25 Mo that always pass.
    return clients.current().config.piece_max_octets // _MEBI * _MEGA
