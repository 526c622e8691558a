"""The gRPC face of stockage: messages to keywords, one use case, and back.

`ACCESS` says who may call, `ERRORS` what a fact becomes on the wire.
"""

import base64
import binascii
import datetime as dt
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from uuid import UUID

import grpc
from sqlalchemy import Engine

from chassis.db import Sessions, plain
from chassis.grpc_server import ErrorRow, caller
from espacecitoyen.stockage.v1 import stockage_service_pb2 as pb
from espacecitoyen.stockage.v1 import stockage_service_pb2_grpc as pb_grpc
from services.stockage import domain, persistence
from services.stockage.domain import (
    DonneesInvalides,
    Fiche,
    GenrePiece,
    Piece,
    PieceIntrouvable,
)
from services.stockage.use_cases import depot as depots
from services.stockage.use_cases import espace, lecture, retenue

SERVICE = "espacecitoyen.stockage.v1.StockageService"
PAGE_DEFAUT = 20
PAGE_MAX = 100
DOSSIER_MAX = 64
BLOC = 64 * 1024

_CITOYEN = frozenset({"citoyen"})
ACCESS: Mapping[str, frozenset[str]] = {
    "DeposerPiece": _CITOYEN,
    "ListPieces": _CITOYEN,
    "GetPiece": _CITOYEN,
    # Which documents an agent may read is decided by their case and purpose (`lecture`).
    "LirePiece": _CITOYEN | frozenset(domain.SERVICE_DU_ROLE),
    "ModifierPiece": _CITOYEN,
    "SupprimerPiece": _CITOYEN,
    # The calling service forwards the token of the citizen who acts.
    "RetenirPieces": _CITOYEN,
    "LibererPieces": _CITOYEN,
}


class DepotInterrompu(Exception):
    """The client went away before the end of its file."""


_INVALIDE = grpc.StatusCode.INVALID_ARGUMENT
ERRORS: Mapping[type[Exception], ErrorRow] = {
    domain.PieceTropGrande: ErrorRow(_INVALIDE, "PIECE_TROP_GRANDE"),
    domain.PieceVide: ErrorRow(_INVALIDE, "PIECE_VIDE"),
    domain.PieceTronquee: ErrorRow(_INVALIDE, "PIECE_TRONQUEE"),
    domain.PieceInfectee: ErrorRow(_INVALIDE, "PIECE_INFECTEE"),
    domain.TypeNonAccepte: ErrorRow(_INVALIDE, "TYPE_NON_ACCEPTE"),
    domain.NomInvalide: ErrorRow(_INVALIDE, "NOM_INVALIDE"),
    domain.DonneesInvalides: ErrorRow(_INVALIDE, "DONNEES_INVALIDES"),
    domain.QuotaDepasse: ErrorRow(grpc.StatusCode.RESOURCE_EXHAUSTED, "QUOTA_DEPASSE"),
    domain.PieceIntrouvable: ErrorRow(grpc.StatusCode.NOT_FOUND, "PIECE_INTROUVABLE"),
    domain.PieceNonSaine: ErrorRow(grpc.StatusCode.FAILED_PRECONDITION, "PIECE_NON_SAINE"),
    domain.PieceAlteree: ErrorRow(grpc.StatusCode.DATA_LOSS, "PIECE_ALTEREE"),
    # A fact that has no row of its own would be a fault of this table; a test looks for it.
    domain.FaitStockage: ErrorRow(grpc.StatusCode.INTERNAL, "INTERNE"),
    # Only a preview can meet these; an upload waits in quarantine instead.
    domain.ControleIndisponible: ErrorRow(grpc.StatusCode.UNAVAILABLE, "INDISPONIBLE"),
    domain.ControleImpossible: ErrorRow(grpc.StatusCode.UNAVAILABLE, "INDISPONIBLE"),
    DepotInterrompu: ErrorRow(grpc.StatusCode.CANCELLED, "DEPOT_INTERROMPU"),
}


class Servicer(pb_grpc.StockageServiceServicer):
    """One method per RPC; the contract is in the .proto, the rules in the use cases."""

    def __init__(
        self,
        *,
        sessions: Sessions,
        lecteur: Engine,
        controle: depots.Controle,
        taille_max: int,
        quota: int,
        horloge: Callable[[], dt.datetime],
    ) -> None:
        self._sessions = sessions
        self._lecteur = lecteur
        self._controle = controle
        self._coffre = controle.coffre
        self._taille_max = taille_max
        self._quota = quota
        self._horloge = horloge

    def DeposerPiece(  # noqa: N802  (named by the contract)
        self, request_iterator: Iterator[pb.DeposerPieceRequest], _context: grpc.ServicerContext
    ) -> pb.DeposerPieceResponse:
        """Receive one file."""
        premiere = next(request_iterator, pb.DeposerPieceRequest())
        if premiere.WhichOneof("partie") != "entete":
            raise DonneesInvalides({"entete": "ENTETE_REQUISE"})
        entete = premiere.entete
        piece = depots.deposer_piece(
            sessions=self._sessions,
            controle=self._controle,
            depot=depots.Depot(
                compte_id=_compte(),
                request_id=entete.request_id,
                nom_fichier=domain.nettoyer_nom(entete.nom_fichier),
                fiche=_fiche(entete),
                taille_annoncee=entete.taille_octets,
            ),
            blocs=_blocs(request_iterator),
            taille_max=self._taille_max,
            quota=self._quota,
            maintenant=self._horloge(),
        )
        return pb.DeposerPieceResponse(piece=_message(piece))

    def ListPieces(  # noqa: N802  (named by the contract)
        self, request: pb.ListPiecesRequest, _context: grpc.ServicerContext
    ) -> pb.ListPiecesResponse:
        """List the caller's documents, newest first."""
        if request.page_size < 0:
            raise DonneesInvalides({"page_size": "TAILLE_INVALIDE"})
        taille = min(request.page_size or PAGE_DEFAUT, PAGE_MAX)
        genre = None if request.genre == 0 else GenrePiece[_genre(request.genre)]
        compte_id = _compte()
        with plain(self._lecteur) as cursor:
            pieces = persistence.lister_pieces(
                cursor,
                compte_id=compte_id,
                genre=genre,
                apres=_lire_curseur(request.page_token),
                # One more tells whether there is a next page.
                limite=taille + 1,
            )
            octets, total = persistence.compter_espace(cursor, compte_id)
        suite = _curseur(pieces[taille - 1]) if len(pieces) > taille else ""
        return pb.ListPiecesResponse(
            pieces=[_message(piece) for piece in pieces[:taille]],
            next_page_token=suite,
            octets_utilises=octets,
            quota_octets=self._quota,
            total=total,
        )

    def GetPiece(  # noqa: N802  (named by the contract)
        self, request: pb.GetPieceRequest, _context: grpc.ServicerContext
    ) -> pb.GetPieceResponse:
        """Give one document's fields."""
        piece_id = _piece_id(request.piece_id)
        with self._lecteur.connect() as connexion:
            pieces = persistence.lire_pieces(connexion, compte_id=_compte(), piece_ids=[piece_id])
        if piece_id not in pieces:
            raise PieceIntrouvable
        return pb.GetPieceResponse(piece=_message(pieces[piece_id]))

    def LirePiece(  # noqa: N802  (named by the contract)
        self, request: pb.LirePieceRequest, _context: grpc.ServicerContext
    ) -> Iterator[pb.LirePieceResponse]:
        """Serve the file, or a clean image of one of its pages."""
        asker = caller()
        lecteur = lecture.Lecteur(
            sujet_id=_compte(),
            roles=asker.roles,
            motif=asker.purpose,
            dossier_id=request.dossier_id,
        )
        piece_id = _piece_id(request.piece_id)
        if request.variante == pb.VARIANTE_PIECE_APERCU:
            yield from self._apercu(lecteur, piece_id, request.page or 1)
        elif request.variante == pb.VARIANTE_PIECE_FICHIER:
            yield from self._fichier(lecteur, piece_id)
        else:
            raise DonneesInvalides({"variante": "VARIANTE_REQUISE"})

    def ModifierPiece(  # noqa: N802  (named by the contract)
        self, request: pb.ModifierPieceRequest, _context: grpc.ServicerContext
    ) -> pb.ModifierPieceResponse:
        """Change the fields."""
        piece = espace.modifier_piece(
            sessions=self._sessions,
            compte_id=_compte(),
            request_id=request.request_id,
            piece_id=_piece_id(request.piece_id),
            fiche=_fiche(request),
        )
        return pb.ModifierPieceResponse(piece=_message(piece))

    def SupprimerPiece(  # noqa: N802  (named by the contract)
        self, request: pb.SupprimerPieceRequest, _context: grpc.ServicerContext
    ) -> pb.SupprimerPieceResponse:
        """Delete from the owner's space."""
        espace.supprimer_piece(
            sessions=self._sessions,
            coffre=self._coffre,
            compte_id=_compte(),
            request_id=request.request_id,
            piece_id=_piece_id(request.piece_id),
            maintenant=self._horloge(),
        )
        return pb.SupprimerPieceResponse()

    def RetenirPieces(  # noqa: N802  (named by the contract)
        self, request: pb.RetenirPiecesRequest, _context: grpc.ServicerContext
    ) -> pb.RetenirPiecesResponse:
        """Hold the caller's documents for a case."""
        _exiger_dossier(request.service, request.dossier_id)
        if not 1 <= len(request.piece_ids) <= domain.PIECES_PAR_RETENUE:
            raise DonneesInvalides({"piece_ids": "NOMBRE_INVALIDE"})
        pieces = retenue.retenir_pieces(
            sessions=self._sessions,
            compte_id=_compte(),
            request_id=request.request_id,
            service=request.service,
            dossier_id=request.dossier_id,
            piece_ids=_piece_ids(request.piece_ids),
            maintenant=self._horloge(),
        )
        return pb.RetenirPiecesResponse(pieces=[_message(piece) for piece in pieces])

    def LibererPieces(  # noqa: N802  (named by the contract)
        self, request: pb.LibererPiecesRequest, _context: grpc.ServicerContext
    ) -> pb.LibererPiecesResponse:
        """Give references back."""
        _exiger_dossier(request.service, request.dossier_id)
        retenue.liberer_pieces(
            sessions=self._sessions,
            coffre=self._coffre,
            compte_id=_compte(),
            request_id=request.request_id,
            service=request.service,
            dossier_id=request.dossier_id,
            piece_ids=_piece_ids(request.piece_ids),
            maintenant=self._horloge(),
        )
        return pb.LibererPiecesResponse()

    def _fichier(self, lecteur: lecture.Lecteur, piece_id: UUID) -> Iterator[pb.LirePieceResponse]:
        with lecture.lire_piece(
            sessions=self._sessions, coffre=self._coffre, lecteur=lecteur, piece_id=piece_id
        ) as (piece, ouverte):
            yield pb.LirePieceResponse(
                entete=pb.EnteteLecture(
                    nom_fichier=piece.nom_fichier,
                    type_media=piece.type_media or "",
                    taille_octets=ouverte.taille_octets,
                )
            )
            for bloc in ouverte.blocs():
                yield pb.LirePieceResponse(bloc=bloc)

    def _apercu(
        self, lecteur: lecture.Lecteur, piece_id: UUID, page: int
    ) -> Iterator[pb.LirePieceResponse]:
        piece, image = lecture.apercu_piece(
            sessions=self._sessions,
            coffre=self._coffre,
            analyseur=self._controle.analyseur,
            lecteur=lecteur,
            piece_id=piece_id,
            page=page,
        )
        yield pb.LirePieceResponse(
            entete=pb.EnteteLecture(
                nom_fichier=domain.nommer_selon_type(piece.nom_fichier, domain.TypeMedia.PNG),
                type_media=domain.TypeMedia.PNG.value,
                taille_octets=len(image),
            )
        )
        for debut in range(0, len(image), BLOC):
            yield pb.LirePieceResponse(bloc=image[debut : debut + BLOC])


def register(server: grpc.Server, servicer: Servicer) -> None:
    """Add the service to a server."""
    pb_grpc.add_StockageServiceServicer_to_server(servicer, server)


def _compte() -> UUID:
    """Account of the caller. An agent's subject is one too, and owns no document."""
    return _piece_id(caller().subject)


def _piece_id(texte: str) -> UUID:
    try:
        return UUID(texte)
    except ValueError as erreur:
        raise PieceIntrouvable from erreur


def _piece_ids(textes: Sequence[str]) -> list[UUID]:
    ids = [_piece_id(texte) for texte in textes]
    if len(set(ids)) != len(ids):
        raise DonneesInvalides({"piece_ids": "MEME_PIECE_DEUX_FOIS"})
    return ids


def _exiger_dossier(service: str, dossier_id: str) -> None:
    fautes = {}
    if service not in domain.SERVICES_RETENEURS:
        fautes["service"] = "SERVICE_INCONNU"
    if not 1 <= len(dossier_id) <= DOSSIER_MAX:
        fautes["dossier_id"] = "DOSSIER_INVALIDE"
    if fautes:
        raise DonneesInvalides(fautes)


def _genre(valeur: int) -> str:
    # Proto3 keeps a value that this version does not know; it is then no kind of ours.
    if valeur not in pb.GenrePiece.values():
        return ""
    return pb.GenrePiece.Name(valeur).removeprefix("GENRE_PIECE_")  # type: ignore[arg-type]


def _fiche(message: pb.EntetePiece | pb.ModifierPieceRequest) -> Fiche:
    return domain.lire_fiche(
        genre=_genre(message.genre),
        libelle=message.libelle,
        valide_jusqu_au=message.valide_jusqu_au,
    )


def _blocs(requetes: Iterator[pb.DeposerPieceRequest]) -> Iterator[bytes]:
    """Give the blocks of an upload, up to its `fin`.

    grpc may end the iterator quietly when the client was cut off or the deadline passed, so only
    the `fin` message says that the file is whole.
    Raises: DepotInterrompu, DonneesInvalides, PieceTronquee.
    """
    taille = 0
    try:
        for requete in requetes:
            partie = requete.WhichOneof("partie")
            if partie == "fin":
                if requete.fin.taille_octets != taille:
                    raise domain.PieceTronquee
                return
            if partie != "bloc":
                raise DonneesInvalides({"bloc": "BLOC_REQUIS"})
            taille += len(requete.bloc)
            yield requete.bloc
    except grpc.RpcError as erreur:
        raise DepotInterrompu from erreur
    raise DepotInterrompu


def _curseur(piece: Piece) -> str:
    texte = json.dumps([piece.deposee_le.isoformat(), str(piece.piece_id)])
    return base64.urlsafe_b64encode(texte.encode()).decode()


def _lire_curseur(curseur: str) -> tuple[dt.datetime, UUID] | None:
    if not curseur:
        return None
    try:
        instant, piece_id = json.loads(base64.urlsafe_b64decode(curseur))
        return dt.datetime.fromisoformat(instant), UUID(piece_id)
    except (ValueError, TypeError, AttributeError, binascii.Error) as erreur:
        raise DonneesInvalides({"page_token": "CURSEUR_INVALIDE"}) from erreur


def _message(piece: Piece) -> pb.Piece:
    return pb.Piece(
        piece_id=str(piece.piece_id),
        nom_fichier=piece.nom_fichier,
        genre=pb.GenrePiece.Value(f"GENRE_PIECE_{piece.fiche.genre}"),
        libelle=piece.fiche.libelle,
        valide_jusqu_au=piece.fiche.valide_jusqu_au.isoformat()
        if piece.fiche.valide_jusqu_au
        else "",
        statut=pb.StatutPiece.Value(f"STATUT_PIECE_{piece.statut}"),
        type_media=piece.type_media or "",
        taille_octets=piece.taille_octets,
        deposee_le=piece.deposee_le.astimezone(dt.UTC).isoformat().replace("+00:00", "Z"),
        pages=piece.pages,
        sha256_recu=piece.sha256_recu.hex(),
        utilisee=piece.utilisee,
    )
