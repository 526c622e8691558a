"""« Carte citoyen »: ask for one, see one's own, replace a refused proof (CAR-02, 04, 05, 08)."""

from datetime import UTC, date, datetime
from http import HTTPStatus
from typing import Final
from zoneinfo import ZoneInfo

from flask import Blueprint, current_app, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext
from wtforms.fields.choices import SelectChoice

from chassis.grpc_client import RemoteError
from espacecitoyen.cartes.v1 import cartes_service_pb2 as cartes
from espacecitoyen.stockage.v1 import stockage_service_pb2 as stockage
from passerelle import clients, problems, session, wallet
from passerelle.portail import compte
from passerelle.portail import stockage as espace
from passerelle.portail.forms import DemandeCarte, RemplacementPiece, code_postal_canonique
from passerelle.portail.portefeuille import telephone_apple

bp = Blueprint("cartes", __name__)

# Enough for anybody's space: the list of choices is not paged.
_CHOIX_MAX: Final = 100
ROLES: Final = {"identite": cartes.ROLE_PIECE_IDENTITE, "residence": cartes.ROLE_PIECE_RESIDENCE}
_GENRES: Final = {
    cartes.ROLE_PIECE_IDENTITE: stockage.GENRE_PIECE_IDENTITE,
    cartes.ROLE_PIECE_RESIDENCE: stockage.GENRE_PIECE_RESIDENCE,
}


@bp.get("/cartes")
@session.login_required
def liste() -> ResponseReturnValue:
    """Show « Voir les cartes »."""
    services = clients.current()
    answer: cartes.ListCartesResponse = services.cartes.call(
        lambda s: s.ListCartes, cartes.ListCartesRequest(), token=services.token()
    )
    libre = all(
        carte.statut
        in {
            cartes.STATUT_CARTE_REFUSEE,
            cartes.STATUT_CARTE_REVOQUEE,
            cartes.STATUT_CARTE_EXPIREE,
        }
        for carte in answer.cartes
    )
    return render_template("cartes/liste.html", cartes=answer.cartes, libre=libre)


@bp.get("/cartes/demande")
@session.login_required
def demander() -> ResponseReturnValue:
    """Show the form of a new card, filled in from the profile where it can be."""
    formulaire = DemandeCarte(data=du_profil())
    _preselectionner(formulaire, pieces_du_visiteur())
    return _page(formulaire)


@bp.post("/cartes/demande")
@session.login_required
def deposer() -> ResponseReturnValue:
    """Ask for the card; the hidden request_id makes a double click one request."""
    formulaire = DemandeCarte(request.form)
    if not formulaire.validate():
        return _page(formulaire), HTTPStatus.UNPROCESSABLE_ENTITY
    services = clients.current()
    try:
        answer: cartes.DemanderCarteResponse = services.cartes.call(
            lambda s: s.DemanderCarte,
            cartes.DemanderCarteRequest(
                request_id=formulaire.request_id.data,
                piece_identite_id=formulaire.piece_identite.data,
                piece_residence_id=formulaire.piece_residence.data,
                carte_physique=formulaire.carte_physique.data,
                titulaire=cartes.Titulaire(
                    prenom=formulaire.prenom.data,
                    nom=formulaire.nom.data,
                    date_naissance=formulaire.date_naissance.iso,
                    adresse=formulaire.adresse.data,
                    ville=formulaire.municipalite.data,
                    code_postal=code_postal_canonique(formulaire.code_postal.data),
                ),
            ),
            token=services.token(),
        )
    except RemoteError as error:
        probleme = problems.from_remote(error)
        formulaire.noter(probleme)
        return _page(formulaire), probleme.status
    return redirect(
        url_for("cartes.voir", carte_id=answer.carte.carte_id, fait="carte_demandee"), code=303
    )


@bp.get("/cartes/<uuid:carte_id>")
@session.login_required
def voir(carte_id: object) -> ResponseReturnValue:
    """Show one card, and its open request if there is one."""
    return _carte(lire(carte_id), RemplacementPiece())


@bp.post("/cartes/<uuid:carte_id>")
@session.login_required
def remplacer(carte_id: object) -> ResponseReturnValue:
    """Replace one refused proof, that one alone."""
    formulaire = RemplacementPiece(request.form)
    statut: int = HTTPStatus.UNPROCESSABLE_ENTITY
    carte = lire(carte_id)
    if formulaire.validate() and formulaire.role.data in ROLES:
        services = clients.current()
        try:
            services.cartes.call(
                lambda s: s.RemplacerPiece,
                cartes.RemplacerPieceRequest(
                    request_id=formulaire.request_id.data,
                    demande_id=carte.demande.demande_id,
                    role=ROLES[formulaire.role.data],
                    piece_id=formulaire.piece_id.data,
                ),
                token=services.token(),
            )
        except RemoteError as error:
            probleme = problems.from_remote(error)
            formulaire.noter(probleme)
            statut = probleme.status
        else:
            return redirect(
                url_for("cartes.voir", carte_id=carte_id, fait="piece_remplacee"), code=303
            )
    return _carte(carte, formulaire), statut


@bp.get("/cartes/<uuid:carte_id>/apple")
@session.login_required
def apple(carte_id: object) -> ResponseReturnValue:
    """Give the signed pass to its holder."""
    return wallet.pass_file(
        cartes.TelechargerPasseRequest(carte_id=str(carte_id)), clients.current().token()
    )


@bp.get("/cartes/<uuid:carte_id>/google")
@session.login_required
def google(carte_id: object) -> ResponseReturnValue:
    """Send the holder to Google's save page."""
    lien = wallet.google_link(
        cartes.ObtenirLienGoogleRequest(carte_id=str(carte_id)), clients.current().token()
    )
    response = make_response(redirect(lien, code=303))
    response.headers["Cache-Control"] = "no-store"
    return response


def lire(carte_id: object) -> cartes.Carte:
    """Return one card of the visitor."""
    services = clients.current()
    answer: cartes.GetCarteResponse = services.cartes.call(
        lambda s: s.GetCarte,
        cartes.GetCarteRequest(carte_id=str(carte_id)),
        token=services.token(),
    )
    return answer.carte


def _page(formulaire: DemandeCarte) -> str:
    pieces = pieces_du_visiteur()
    choix(formulaire.piece_identite, pieces)
    choix(formulaire.piece_residence, pieces)
    return render_template(
        "cartes/demande.html", formulaire=formulaire, pieces=pieces, empechement=empechement
    )


def _carte(carte: cartes.Carte, formulaire: RemplacementPiece) -> str:
    refusees = [
        preuve
        for preuve in carte.demande.pieces
        if preuve.statut == cartes.STATUT_PIECE_JUSTIFICATIVE_REFUSEE
    ]
    pieces: dict[str, stockage.Piece] = {}
    if refusees:
        autres = {preuve.piece_id for preuve in carte.demande.pieces}
        pieces = {cle: piece for cle, piece in pieces_du_visiteur().items() if cle not in autres}
        choix(formulaire.piece_id, pieces)
        ajoutee = request.args.get("piece", "")
        if ajoutee in pieces and not formulaire.piece_id.data:
            formulaire.piece_id.data = ajoutee
    return render_template(
        "cartes/carte.html",
        carte=carte,
        refusees=refusees,
        formulaire=formulaire,
        pieces=pieces,
        empechement=empechement,
        apple_dabord=telephone_apple(),
        roles={code: nom for nom, code in ROLES.items()},
    )


def du_profil() -> dict[str, object]:
    """Return what the profile knows of the holder; without identite the form starts empty."""
    try:
        profil = compte.lire()
    except RemoteError:
        return {}
    naissance = profil.date_naissance
    return {
        "prenom": profil.prenom,
        "nom": profil.nom,
        "date_naissance": date.fromisoformat(naissance) if naissance else None,
        "adresse": profil.adresse.ligne,
        "municipalite": profil.adresse.ville,
        "code_postal": profil.adresse.code_postal,
    }


def pieces_du_visiteur() -> dict[str, stockage.Piece]:
    """Return the visitor's documents by id, newest first."""
    page = espace.lister(page_size=_CHOIX_MAX)
    return {piece.piece_id: piece for piece in page.pieces}


def choix(champ: object, pieces: dict[str, stockage.Piece]) -> None:
    """Offer documents as the choices of a field."""
    champ.choices = [SelectChoice(cle, _nom(piece)) for cle, piece in pieces.items()]  # type: ignore[attr-defined]


def _nom(piece: stockage.Piece) -> str:
    return piece.libelle or piece.nom_fichier


def _preselectionner(formulaire: DemandeCarte, pieces: dict[str, stockage.Piece]) -> None:
    """Choose the document just added, otherwise the newest usable one of each kind."""
    for champ, genre in (
        (formulaire.piece_identite, stockage.GENRE_PIECE_IDENTITE),
        (formulaire.piece_residence, stockage.GENRE_PIECE_RESIDENCE),
    ):
        champ.data = next(
            (cle for cle, p in pieces.items() if p.genre == genre and not empechement(p)), None
        )


def empechement(piece: stockage.Piece) -> str:
    """Return why a document cannot be used now, empty when it can."""
    if piece.statut == stockage.STATUT_PIECE_EN_ANALYSE:
        return str(gettext("en analyse, réessayez dans un moment"))
    if piece.statut != stockage.STATUT_PIECE_SAINE:
        return str(gettext("fichier refusé"))
    fuseau = ZoneInfo(current_app.extensions["config"].ville_fuseau)
    aujourd_hui = datetime.now(UTC).astimezone(fuseau).date()
    if piece.valide_jusqu_au and date.fromisoformat(piece.valide_jusqu_au) < aujourd_hui:
        return str(gettext("expiré"))
    return ""
