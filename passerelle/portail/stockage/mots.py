"""States of a document in words, never by colour alone (WCAG 1.4.1)."""

from collections.abc import Mapping
from typing import Final

from flask_babel import lazy_gettext as _l
from flask_babel.speaklater import LazyString
from wtforms.fields.choices import SelectChoice

from espacecitoyen.stockage.v1 import stockage_service_pb2 as stockage
from passerelle.portail.presentation import Etat
from passerelle.portail.stockage.espace import bp

VALIDITES: Final[Mapping[int, Etat]] = {
    stockage.ETAT_VALIDITE_VALIDE: Etat(_l("Valide"), "vert", "it-check-circle"),
    stockage.ETAT_VALIDITE_BIENTOT_EXPIREE: Etat(_l("Bientôt expirée"), "ambre", "it-clock"),
    stockage.ETAT_VALIDITE_EXPIREE: Etat(_l("Expirée"), "rouge", "it-warning-circle"),
}
ICONES: Final[Mapping[int, str]] = {
    stockage.GENRE_PIECE_IDENTITE: "it-card",
    stockage.GENRE_PIECE_RESIDENCE: "it-map-marker",
    stockage.GENRE_PIECE_AUTRE: "it-file",
}
TYPES: Final[Mapping[str, str]] = {
    "application/pdf": "PDF",
    "image/jpeg": "JPEG",
    "image/png": "PNG",
}
SERVICES: Final[Mapping[str, LazyString]] = {
    "cartes": _l("Demande de carte citoyen"),
    "demandes": _l("Demande à la Ville"),
}
MOTIFS: Final[Mapping[str, LazyString]] = {
    "validation_carte": _l("validation d’une demande de carte"),
}
# The value of the list, the order asked of stockage, the words.
TRIS: Final[Mapping[str, tuple[stockage.TriPiece.ValueType, LazyString]]] = {
    "": (stockage.TRI_PIECE_DATE, _l("Les plus récents")),
    "nom": (stockage.TRI_PIECE_NOM, _l("Nom, de A à Z")),
    "genre": (stockage.TRI_PIECE_GENRE, _l("Genre de pièce")),
    "validite": (stockage.TRI_PIECE_VALIDITE, _l("Fin de validité")),
    "taille": (stockage.TRI_PIECE_TAILLE, _l("Taille")),
}
FILTRES_VALIDITE: Final[Mapping[str, tuple[stockage.EtatValidite.ValueType, LazyString]]] = {
    "": (stockage.ETAT_VALIDITE_UNSPECIFIED, _l("Toutes")),
    "valide": (stockage.ETAT_VALIDITE_VALIDE, _l("Valides")),
    "bientot": (stockage.ETAT_VALIDITE_BIENTOT_EXPIREE, _l("Bientôt expirées")),
    "expiree": (stockage.ETAT_VALIDITE_EXPIREE, _l("Expirées")),
}
# What a page of the space lists first, before somebody chose.
CHOIX_GENRE: Final = (
    SelectChoice("", _l("Tous")),
    SelectChoice("identite", _l("Pièces d’identité")),
    SelectChoice("residence", _l("Preuves de résidence")),
    SelectChoice("autre", _l("Autres documents")),
)


@bp.app_template_filter("validite")
def validite(etat: int) -> Etat | None:
    """Return the validity in words; None for a document without an end."""
    return VALIDITES.get(etat)


@bp.app_template_filter("icone_genre")
def icone_genre(genre: int) -> str:
    """Return the icon of a kind."""
    return ICONES.get(genre, ICONES[stockage.GENRE_PIECE_AUTRE])


@bp.app_template_filter("type_fichier")
def type_fichier(type_media: str) -> str:
    """Return the type that was found in the bytes, as people name it; "" while unknown."""
    return TYPES.get(type_media, "")


@bp.app_template_filter("service_dossier")
def service_dossier(service: str) -> LazyString:
    """Return which kind of case uses a document."""
    return SERVICES.get(service, SERVICES["demandes"])


@bp.app_template_filter("motif_lecture")
def motif_lecture(motif: str) -> LazyString | str:
    """Return why somebody read a document."""
    return MOTIFS.get(motif, motif)
