"""Between a row of `piece` and a document."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, literal_column, select
from sqlalchemy.orm import Session

from services.stockage.domain import (
    Fiche,
    GenrePiece,
    ObjetChiffre,
    Piece,
    StatutPiece,
    TypeMedia,
    cle_de_nom,
    texte_cherche,
)
from services.stockage.persistence.tables import PIECE

Lecteur = Session | Connection

# What other rows say of a document, for SQLAlchemy and for the plain reads alike.
CALCULS: Mapping[str, str] = {
    "utilisee": (
        "EXISTS (SELECT FROM retenue r WHERE r.piece_id = piece.piece_id AND r.liberee_le IS NULL)"
    ),
    "versions": (
        "(SELECT count(*) FROM piece v"
        " WHERE v.document_id = piece.document_id AND v.retiree_le IS NULL)"
    ),
    "utilisations": (
        "(SELECT count(*) FROM piece v JOIN retenue r ON r.piece_id = v.piece_id"
        " WHERE v.document_id = piece.document_id AND r.liberee_le IS NULL)"
    ),
    "remplacement": (
        "(SELECT v.statut FROM piece v WHERE piece.courante AND v.retiree_le IS NULL"
        " AND v.document_id = piece.document_id AND v.version > piece.version"
        " ORDER BY v.version DESC LIMIT 1)"
    ),
    "gelee": (
        "EXISTS (SELECT FROM gel g WHERE g.compte_id = piece.compte_id AND g.leve_le IS NULL"
        " AND (g.document_id IS NULL OR g.document_id = piece.document_id))"
    ),
}
COLONNES_CALCULEES = ", ".join(f"{sql} AS {nom}" for nom, sql in CALCULS.items())
AVEC_USAGE = select(PIECE, *(literal_column(sql).label(nom) for nom, sql in CALCULS.items()))


def de_fiche(nom_fichier: str, fiche: Fiche) -> Mapping[str, Any]:
    """Give the columns of the fields, with what the search looks into."""
    return {
        "genre": fiche.genre.value,
        "libelle": fiche.libelle,
        "valide_jusqu_au": fiche.valide_jusqu_au,
        "recherche": texte_cherche(nom_fichier, fiche),
    }


def de_contenu(piece: Piece) -> Mapping[str, Any]:
    """Give the columns of what the control of a document found."""
    objet = piece.objet
    return {
        "nom_fichier": piece.nom_fichier,
        "cle_nom": cle_de_nom(piece.nom_fichier),
        "recherche": texte_cherche(piece.nom_fichier, piece.fiche),
        "statut": piece.statut.value,
        "type_media": None if piece.type_media is None else piece.type_media.value,
        "taille_octets": piece.taille_octets,
        "pages": piece.pages,
        "objet_nom": None if objet is None else objet.nom,
        "objet_enveloppe": None if objet is None else objet.enveloppe,
        "objet_sha256": None if objet is None else objet.sha256,
        "tentatives": piece.tentatives,
    }


def vers_piece(rangee: Any) -> Piece:
    """Read a row, with what other rows say when it was asked."""
    objet = None
    if rangee.objet_nom is not None:
        objet = ObjetChiffre(
            nom=rangee.objet_nom,
            enveloppe=rangee.objet_enveloppe,
            sha256=rangee.objet_sha256,
            taille_octets=rangee.taille_octets,
        )
    remplacement = getattr(rangee, "remplacement", None)
    return Piece(
        piece_id=rangee.piece_id,
        compte_id=rangee.compte_id,
        nom_fichier=rangee.nom_fichier,
        fiche=Fiche(
            genre=GenrePiece(rangee.genre),
            libelle=rangee.libelle,
            valide_jusqu_au=rangee.valide_jusqu_au,
        ),
        statut=StatutPiece(rangee.statut),
        type_media=None if rangee.type_media is None else TypeMedia(rangee.type_media),
        taille_octets=rangee.taille_octets,
        pages=rangee.pages,
        deposee_le=rangee.deposee_le,
        sha256_recu=rangee.sha256_recu,
        objet=objet,
        tentatives=rangee.tentatives,
        document_id=rangee.document_id,
        version=rangee.version,
        courante=rangee.courante,
        utilisee=bool(getattr(rangee, "utilisee", False)),
        versions=int(getattr(rangee, "versions", 1)),
        utilisations=int(getattr(rangee, "utilisations", 0)),
        remplacement=None if remplacement is None else StatutPiece(remplacement),
        gelee=bool(getattr(rangee, "gelee", False)),
    )
