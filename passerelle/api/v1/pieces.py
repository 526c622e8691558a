"""Mon espace de stockage (STO-01 to 03): documents, their bytes and their previews."""

from typing import Final
from uuid import UUID

from flask import Response, jsonify, request

from espacecitoyen.stockage.v1 import stockage_service_pb2 as stockage
from passerelle import clients, documents, security, uploads
from passerelle.api.v1 import body, shapes
from passerelle.api.v1.body import Object, Text
from passerelle.api.v1.contract import (
    PAGING,
    Media,
    Resource,
    choice,
    number,
    number_query,
    ref,
    request_id,
    text_query,
)

RESOURCE: Final = Resource("Stockage")
GENRES: Final = ("IDENTITE", "RESIDENCE", "AUTRE")
_PREFIX: Final = "GENRE_PIECE_"
_PAGES_MAX: Final = 1000
_FILES: Final = ("application/pdf", "image/jpeg", "image/png")
_BINARY: Final = {"type": "string", "format": "binary"}
_FORM: Final = {
    "type": "object",
    "description": "Les champs avant le fichier / The fields before the file",
    "properties": {
        "genre": {"type": "string", "enum": list(GENRES)},
        "libelle": {"type": "string"},
        "valide_jusqu_au": {"type": "string", "format": "date"},
        "fichier": _BINARY,
    },
    "required": ["fichier"],
}
_CHANGES: Final = Object(
    {
        "genre": Text(choices=GENRES),
        "libelle": Text(longest=200),
        "valide_jusqu_au": Text(longest=10, format="date"),
    }
)


@RESOURCE.route(
    "GET",
    "/pieces",
    summary="Mes documents / My documents",
    query=(
        *PAGING,
        text_query("genre", "IDENTITE, RESIDENCE, AUTRE", 20),
        text_query("recherche", "Mots du nom ou du libellé / Words of the name or label", 100),
        text_query("tri", "DATE, NOM, GENRE, VALIDITE, TAILLE", 20),
        text_query("ordre", "CROISSANT, DECROISSANT", 20),
        text_query("statut", "EN_ANALYSE, SAINE, INFECTEE, ERREUR", 20),
        text_query("validite", "SANS_FIN, VALIDE, BIENTOT_EXPIREE, EXPIREE", 20),
    ),
    answers={200: ref("ListePieces")},
)
def lister_pieces() -> Response:
    """Search, filter and sort one's own documents; newest first unless asked otherwise."""
    services = clients.current()
    answer: stockage.ListPiecesResponse = services.stockage.call(
        lambda s: s.ListPieces,
        stockage.ListPiecesRequest(
            page_size=number("taille"),
            page_token=request.args.get("curseur", ""),
            genre=stockage.GenrePiece.ValueType(choice("genre", _PREFIX, stockage.GenrePiece)),
            recherche=request.args.get("recherche", ""),
            tri=stockage.TriPiece.ValueType(choice("tri", "TRI_PIECE_", stockage.TriPiece)),
            ordre=stockage.OrdrePiece.ValueType(
                choice("ordre", "ORDRE_PIECE_", stockage.OrdrePiece)
            ),
            statut=stockage.StatutPiece.ValueType(
                choice("statut", "STATUT_PIECE_", stockage.StatutPiece)
            ),
            validite=stockage.EtatValidite.ValueType(
                choice("validite", "ETAT_VALIDITE_", stockage.EtatValidite)
            ),
        ),
        token=services.token(),
        deadline=services.config.delai_appel_s,
    )
    return jsonify(shapes.liste_pieces(answer))


@RESOURCE.route(
    "POST",
    "/pieces",
    summary="Déposer un document / Upload a document",
    content={"multipart/form-data": _FORM, **dict.fromkeys(_FILES, _BINARY)},
    query=(
        text_query("nom_fichier", "Corps brut : nom du fichier / Raw body: file name"),
        text_query("genre", "Corps brut / Raw body", 20),
        text_query("libelle", "Corps brut / Raw body"),
        text_query("valide_jusqu_au", "Corps brut / Raw body", 10),
    ),
    answers={201: ref("Piece")},
    idempotent=True,
)
@security.streams_upload
def deposer_piece() -> Response:
    """Stream a document into the storage space."""
    piece = uploads.deposit(request, request_id=request_id())
    response = jsonify(shapes.piece(piece))
    response.status_code = 201
    response.headers["Location"] = f"/api/v1/pieces/{piece.piece_id}"
    return response


@RESOURCE.route(
    "GET",
    "/pieces/<uuid:piece_id>",
    summary="Un document / One document",
    answers={200: ref("Piece")},
)
def lire_piece(piece_id: UUID) -> Response:
    """Return the fields of one document."""
    return jsonify(shapes.piece(_get(piece_id)))


@RESOURCE.route(
    "PATCH",
    "/pieces/<uuid:piece_id>",
    summary="Modifier la fiche d’un document / Change the fields of a document",
    body=_CHANGES,
    answers={200: ref("Piece")},
    idempotent=True,
)
def modifier_piece(piece_id: UUID) -> Response:
    """Change the named fields; null empties one, what is absent stays."""
    given = body.present(_CHANGES)
    piece = _get(piece_id)
    if given.get("genre"):
        piece.genre = stockage.GenrePiece.Value(_PREFIX + given["genre"])
    services = clients.current()
    answer: stockage.ModifierPieceResponse = services.stockage.call(
        lambda s: s.ModifierPiece,
        stockage.ModifierPieceRequest(
            request_id=request_id(),
            piece_id=str(piece_id),
            genre=piece.genre,
            libelle=given.get("libelle", piece.libelle),
            valide_jusqu_au=given.get("valide_jusqu_au", piece.valide_jusqu_au),
        ),
        token=services.token(),
        deadline=services.config.delai_appel_s,
    )
    return jsonify(shapes.piece(answer.piece))


@RESOURCE.route(
    "DELETE",
    "/pieces/<uuid:piece_id>",
    summary="Supprimer un document / Delete a document",
    answers={204: None},
    idempotent=True,
)
def supprimer_piece(piece_id: UUID) -> tuple[str, int]:
    """Delete a document from one's space."""
    services = clients.current()
    services.stockage.call(
        lambda s: s.SupprimerPiece,
        stockage.SupprimerPieceRequest(request_id=request_id(), piece_id=str(piece_id)),
        token=services.token(),
        deadline=services.config.delai_appel_s,
    )
    return "", 204


@RESOURCE.route(
    "GET",
    "/pieces/<uuid:piece_id>/fichier",
    summary="Télécharger un document / Download a document",
    answers={200: Media(_FILES)},
)
def telecharger_piece(piece_id: UUID) -> Response:
    """Stream the stored file, as an attachment."""
    return documents.send(str(piece_id))


@RESOURCE.route(
    "PUT",
    "/pieces/<uuid:piece_id>/fichier",
    summary="Remplacer le fichier d’un document / Replace the file of a document",
    content={"multipart/form-data": _FORM, **dict.fromkeys(_FILES, _BINARY)},
    query=(
        text_query("nom_fichier", "Corps brut : nom du fichier / Raw body: file name"),
        text_query("genre", "Sans genre, la fiche reste / Without a kind the fields stay", 20),
        text_query("libelle", "Corps brut / Raw body"),
        text_query("valide_jusqu_au", "Corps brut / Raw body", 10),
    ),
    answers={200: ref("Piece")},
    idempotent=True,
)
@security.streams_upload
def remplacer_fichier(piece_id: UUID) -> Response:
    """Stream the next version of a document; the earlier ones are kept."""
    piece = uploads.deposit(request, request_id=request_id(), remplace=str(piece_id))
    return jsonify(shapes.piece(piece))


@RESOURCE.route(
    "GET",
    "/pieces/<uuid:piece_id>/versions",
    summary="Versions d’un document / Versions of a document",
    answers={200: ref("Versions")},
)
def lister_versions(piece_id: UUID) -> Response:
    """List the versions of a document, newest first."""
    services = clients.current()
    answer: stockage.ListVersionsResponse = services.stockage.call(
        lambda s: s.ListVersions,
        stockage.ListVersionsRequest(piece_id=str(piece_id)),
        token=services.token(),
        deadline=services.config.delai_appel_s,
    )
    return jsonify({"versions": [shapes.piece(version) for version in answer.versions]})


@RESOURCE.route(
    "GET",
    "/pieces/<uuid:piece_id>/utilisations",
    summary="Où un document est utilisé / Where a document is used",
    answers={200: ref("Utilisations")},
)
def lister_utilisations(piece_id: UUID) -> Response:
    """List the cases that hold a copy of a document."""
    services = clients.current()
    answer: stockage.ListUtilisationsResponse = services.stockage.call(
        lambda s: s.ListUtilisations,
        stockage.ListUtilisationsRequest(piece_id=str(piece_id)),
        token=services.token(),
        deadline=services.config.delai_appel_s,
    )
    return jsonify({"utilisations": [shapes.utilisation(item) for item in answer.utilisations]})


@RESOURCE.route(
    "GET",
    "/pieces/<uuid:piece_id>/consultations",
    summary="Qui a lu un document / Who read a document",
    answers={200: ref("Consultations")},
)
def lister_consultations(piece_id: UUID) -> Response:
    """List the readings of a document, newest first."""
    services = clients.current()
    answer: stockage.ListConsultationsResponse = services.stockage.call(
        lambda s: s.ListConsultations,
        stockage.ListConsultationsRequest(piece_id=str(piece_id)),
        token=services.token(),
        deadline=services.config.delai_appel_s,
    )
    return jsonify({"consultations": [shapes.consultation(item) for item in answer.consultations]})


@RESOURCE.route(
    "GET",
    "/pieces/<uuid:piece_id>/apercu",
    summary="Aperçu d’une page / Preview of one page",
    query=(number_query("page", "Page, à partir de 1 / Page, from 1", _PAGES_MAX),),
    answers={200: Media(("image/png",))},
)
def apercevoir_piece(piece_id: UUID) -> Response:
    """Stream the preview of one page."""
    return documents.send(str(piece_id), apercu=True, page=number("page", _PAGES_MAX))


def _get(piece_id: UUID) -> stockage.Piece:
    services = clients.current()
    answer: stockage.GetPieceResponse = services.stockage.call(
        lambda s: s.GetPiece,
        stockage.GetPieceRequest(piece_id=str(piece_id)),
        token=services.token(),
        deadline=services.config.delai_appel_s,
    )
    return answer.piece
