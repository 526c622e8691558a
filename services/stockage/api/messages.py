"""Between the messages of the contract and the domain, for every face of this service."""

import datetime as dt
from collections.abc import Sequence
from uuid import UUID

from chassis.grpc_server import caller
from espacecitoyen.stockage.v1 import stockage_service_pb2 as pb
from services.stockage import domain
from services.stockage.domain import (
    Conservation,
    Consultation,
    DonneesInvalides,
    Fiche,
    Piece,
    PieceIntrouvable,
    RepresentationRefusee,
    Utilisation,
    Validite,
)


def sujet() -> UUID:
    """Person of the token. An agent's subject is one too, and owns no document."""
    return lire_id(caller().subject)


def compte() -> UUID:
    """Account that the caller acts on: theirs, or that of the child or mandator of the token."""
    asker = caller()
    return lire_id(asker.acting_for or asker.subject)


def propre_compte() -> UUID:
    """Account of the caller, who must act for themselves. Raises: RepresentationRefusee."""
    if caller().acting_for not in {"", caller().subject}:
        raise RepresentationRefusee
    return sujet()


def lire_id(texte: str) -> UUID:
    """Read an id; what is none names nothing. Raises: PieceIntrouvable."""
    try:
        return UUID(texte)
    except ValueError as erreur:
        raise PieceIntrouvable from erreur


def lire_ids(textes: Sequence[str]) -> list[UUID]:
    """Read ids, each once. Raises: PieceIntrouvable, DonneesInvalides."""
    ids = [lire_id(texte) for texte in textes]
    if len(set(ids)) != len(ids):
        raise DonneesInvalides({"piece_ids": "MEME_PIECE_DEUX_FOIS"})
    return ids


def lire_genre(valeur: int) -> str:
    """Give the name of a kind, "" for one that this version does not know (proto3 keeps it)."""
    if valeur not in pb.GenrePiece.values():
        return ""
    return pb.GenrePiece.Name(valeur).removeprefix("GENRE_PIECE_")  # type: ignore[arg-type]


def lire_fiche(message: pb.EntetePiece | pb.ModifierPieceRequest) -> Fiche:
    """Read the fields of a document. Raises: DonneesInvalides."""
    return domain.lire_fiche(
        genre=lire_genre(message.genre),
        libelle=message.libelle,
        valide_jusqu_au=message.valide_jusqu_au,
    )


def horodatage(instant: dt.datetime | None) -> str:
    """Write a time in RFC 3339, "" for none."""
    if instant is None:
        return ""
    return instant.astimezone(dt.UTC).isoformat().replace("+00:00", "Z")


def message_piece(piece: Piece, *, validite: Validite, jour: dt.date) -> pb.Piece:
    """Write a document; `jour` is today in the city."""
    fin = piece.fiche.valide_jusqu_au
    return pb.Piece(
        piece_id=str(piece.piece_id),
        nom_fichier=piece.nom_fichier,
        genre=pb.GenrePiece.Value(f"GENRE_PIECE_{piece.fiche.genre}"),
        libelle=piece.fiche.libelle,
        valide_jusqu_au="" if fin is None else fin.isoformat(),
        statut=pb.StatutPiece.Value(f"STATUT_PIECE_{piece.statut}"),
        type_media=piece.type_media or "",
        taille_octets=piece.taille_octets,
        deposee_le=horodatage(piece.deposee_le),
        pages=piece.pages,
        sha256_recu=piece.sha256_recu.hex(),
        utilisee=piece.utilisee,
        document_id=str(piece.document),
        version=piece.version,
        versions=piece.versions,
        etat_validite=pb.EtatValidite.Value(f"ETAT_VALIDITE_{validite.etat(fin, jour=jour)}"),
        utilisations=piece.utilisations,
        courante=piece.courante,
        remplacement=(
            pb.STATUT_PIECE_UNSPECIFIED
            if piece.remplacement is None
            else pb.StatutPiece.Value(f"STATUT_PIECE_{piece.remplacement}")
        ),
        gelee=piece.gelee,
    )


def message_utilisation(
    utilisation: Utilisation, *, conservation: Conservation, validite: Validite
) -> pb.Utilisation:
    """Write where a document is used, and until when."""
    fin = conservation.fin(utilisation)
    return pb.Utilisation(
        service=utilisation.service,
        dossier_id=utilisation.dossier_id,
        piece_id=str(utilisation.piece.piece_id),
        version=utilisation.piece.version,
        retenue_le=horodatage(utilisation.retenue_le),
        decidee_le=horodatage(utilisation.decidee_le),
        purgee_apres="" if fin is None else validite.jour(fin).isoformat(),
    )


def message_consultation(consultation: Consultation) -> pb.Consultation:
    """Write who read a document."""
    return pb.Consultation(
        lue_le=horodatage(consultation.lue_le),
        qualite=pb.QualiteLecteur.Value(f"QUALITE_LECTEUR_{consultation.qualite}"),
        lecteur_id=str(consultation.lecteur_id),
        motif=consultation.motif,
        dossier_id=consultation.dossier_id,
        variante=pb.VariantePiece.Value(f"VARIANTE_PIECE_{consultation.variante}"),
        version=consultation.version,
    )
