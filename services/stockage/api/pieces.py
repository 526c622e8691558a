"""The gRPC face of stockage: messages to keywords, one use case, and back.

`ACCESS` says who may call, `ERRORS` what a fact becomes on the wire.
"""

import datetime as dt
from collections.abc import Callable, Iterator, Mapping
from uuid import UUID
from zoneinfo import ZoneInfo

import grpc
from sqlalchemy import Engine

from chassis.db import Sessions, plain
from chassis.grpc_server import ErrorRow, caller
from espacecitoyen.stockage.v1 import stockage_service_pb2 as pb
from espacecitoyen.stockage.v1 import stockage_service_pb2_grpc as pb_grpc
from services.stockage import domain, persistence
from services.stockage.api.liste import (
    ecrire_curseur,
    lire_classement,
    lire_curseur,
    lire_filtre,
    lire_taille,
)
from services.stockage.api.messages import compte, lire_fiche, lire_id, lire_ids, sujet
from services.stockage.api.suivi import Suivi
from services.stockage.domain import (
    Conservation,
    DonneesInvalides,
    Validite,
)
from services.stockage.use_cases import depot as depots
from services.stockage.use_cases import espace, lecture, retenue

SERVICE = "espacecitoyen.stockage.v1.StockageService"
DOSSIER_MAX = 64
LECTEUR_NOM_MAX = 80
BLOC = 64 * 1024
# What a city that says nothing gets.
VALIDITE = Validite(zone=ZoneInfo("America/Toronto"), rappel_jours=30)
CONSERVATION = Conservation(jours={})

_CITOYEN = frozenset({"citoyen"})
# A mandatary whose scope is documents reads them, and changes nothing (IDN-21).
_LECTEUR = _CITOYEN | {"mandat_documents"}
ACCESS: Mapping[str, frozenset[str]] = {
    "DeposerPiece": _CITOYEN,
    "ListPieces": _LECTEUR,
    # Which documents an agent may read is decided by their case and purpose (`lecture`).
    "GetPiece": _LECTEUR | frozenset(domain.SERVICE_DU_ROLE),
    "LirePiece": _LECTEUR | frozenset(domain.SERVICE_DU_ROLE),
    "ModifierPiece": _CITOYEN,
    "SupprimerPiece": _CITOYEN,
    # The calling service forwards the token of the citizen who acts.
    "RetenirPieces": _CITOYEN,
    "LibererPieces": _CITOYEN,
    "ListVersions": _CITOYEN,
    "ListUtilisations": _CITOYEN,
    "ListConsultations": _CITOYEN,
    "LireEspace": _CITOYEN,
    "EffacerEspace": _CITOYEN,
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
    domain.PieceGelee: ErrorRow(grpc.StatusCode.FAILED_PRECONDITION, "PIECE_GELEE"),
    domain.FichierReserve: ErrorRow(grpc.StatusCode.PERMISSION_DENIED, "FICHIER_RESERVE"),
    domain.RepresentationRefusee: ErrorRow(
        grpc.StatusCode.PERMISSION_DENIED, "REPRESENTATION_REFUSEE"
    ),
    domain.PieceAlteree: ErrorRow(grpc.StatusCode.DATA_LOSS, "PIECE_ALTEREE"),
    # A fact that has no row of its own would be a fault of this table; a test looks for it.
    domain.FaitStockage: ErrorRow(grpc.StatusCode.INTERNAL, "INTERNE"),
    # Only a preview can meet these; an upload waits in quarantine instead.
    domain.ControleIndisponible: ErrorRow(grpc.StatusCode.UNAVAILABLE, "INDISPONIBLE"),
    domain.ControleImpossible: ErrorRow(grpc.StatusCode.UNAVAILABLE, "INDISPONIBLE"),
    DepotInterrompu: ErrorRow(grpc.StatusCode.CANCELLED, "DEPOT_INTERROMPU"),
}


class Servicer(Suivi):
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
        validite: Validite = VALIDITE,
        conservation: Conservation = CONSERVATION,
    ) -> None:
        self._sessions = sessions
        self._lecteur = lecteur
        self._controle = controle
        self._coffre = controle.coffre
        self._taille_max = taille_max
        self._quota = quota
        self._horloge = horloge
        self._validite = validite
        self._conservation = conservation

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
                compte_id=compte(),
                request_id=entete.request_id,
                nom_fichier=domain.nettoyer_nom(entete.nom_fichier),
                fiche=_fiche_du_depot(entete),
                taille_annoncee=entete.taille_octets,
                remplace=lire_id(entete.remplace_piece_id) if entete.remplace_piece_id else None,
            ),
            blocs=_blocs(request_iterator),
            taille_max=self._taille_max,
            quota=self._quota,
            maintenant=self._horloge(),
        )
        return pb.DeposerPieceResponse(piece=self._message(piece))

    def ListPieces(  # noqa: N802  (named by the contract)
        self, request: pb.ListPiecesRequest, _context: grpc.ServicerContext
    ) -> pb.ListPiecesResponse:
        """List the caller's documents in the order asked."""
        taille = lire_taille(request.page_size)
        classement = lire_classement(request)
        jour = self._validite.jour(self._horloge())
        compte_id = compte()
        with plain(self._lecteur) as cursor:
            pieces, suite = persistence.lister_pieces(
                cursor,
                compte_id=compte_id,
                filtre=lire_filtre(request, validite=self._validite, jour=jour),
                classement=classement,
                apres=lire_curseur(request.page_token, classement),
                limite=taille,
            )
            octets, total = persistence.compter_espace(cursor, compte_id)
        return pb.ListPiecesResponse(
            pieces=[self._message(piece) for piece in pieces],
            next_page_token=ecrire_curseur(classement, suite),
            octets_utilises=octets,
            quota_octets=self._quota,
            total=total,
        )

    def GetPiece(  # noqa: N802  (named by the contract)
        self, request: pb.GetPieceRequest, _context: grpc.ServicerContext
    ) -> pb.GetPieceResponse:
        """Give one document's fields."""
        lecteur = _lecteur(request.dossier_id)
        with self._lecteur.connect() as connexion:
            piece, _ = lecture.trouver_piece(connexion, lecteur, lire_id(request.piece_id))
        return pb.GetPieceResponse(piece=self._message(piece))

    def LirePiece(  # noqa: N802  (named by the contract)
        self, request: pb.LirePieceRequest, _context: grpc.ServicerContext
    ) -> Iterator[pb.LirePieceResponse]:
        """Serve the file, or a clean image of one of its pages."""
        lecteur = _lecteur(request.dossier_id, nom=request.lecteur_nom[:LECTEUR_NOM_MAX])
        piece_id = lire_id(request.piece_id)
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
            compte_id=compte(),
            request_id=request.request_id,
            piece_id=lire_id(request.piece_id),
            fiche=lire_fiche(request),
        )
        return pb.ModifierPieceResponse(piece=self._message(piece))

    def SupprimerPiece(  # noqa: N802  (named by the contract)
        self, request: pb.SupprimerPieceRequest, _context: grpc.ServicerContext
    ) -> pb.SupprimerPieceResponse:
        """Delete from the owner's space."""
        espace.supprimer_piece(
            sessions=self._sessions,
            coffre=self._coffre,
            compte_id=compte(),
            request_id=request.request_id,
            piece_id=lire_id(request.piece_id),
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
            compte_id=compte(),
            request_id=request.request_id,
            service=request.service,
            dossier_id=request.dossier_id,
            piece_ids=lire_ids(request.piece_ids),
            maintenant=self._horloge(),
        )
        return pb.RetenirPiecesResponse(pieces=[self._message(piece) for piece in pieces])

    def LibererPieces(  # noqa: N802  (named by the contract)
        self, request: pb.LibererPiecesRequest, _context: grpc.ServicerContext
    ) -> pb.LibererPiecesResponse:
        """Give references back."""
        _exiger_dossier(request.service, request.dossier_id)
        retenue.liberer_pieces(
            sessions=self._sessions,
            coffre=self._coffre,
            compte_id=compte(),
            request_id=request.request_id,
            service=request.service,
            dossier_id=request.dossier_id,
            piece_ids=lire_ids(request.piece_ids),
            maintenant=self._horloge(),
        )
        return pb.LibererPiecesResponse()

    def _fichier(self, lecteur: lecture.Lecteur, piece_id: UUID) -> Iterator[pb.LirePieceResponse]:
        with lecture.lire_piece(
            sessions=self._sessions,
            coffre=self._coffre,
            analyseur=self._controle.analyseur,
            lecteur=lecteur,
            piece_id=piece_id,
            maintenant=self._horloge(),
        ) as (piece, ouverte):
            yield pb.LirePieceResponse(
                entete=pb.EnteteLecture(
                    nom_fichier=piece.nom_fichier,
                    type_media=piece.type_media or "",
                    taille_octets=ouverte.taille_octets,
                    pages=piece.pages,
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
            maintenant=self._horloge(),
            zone=self._validite.zone,
        )
        yield pb.LirePieceResponse(
            entete=pb.EnteteLecture(
                nom_fichier=domain.nommer_selon_type(piece.nom_fichier, domain.TypeMedia.PNG),
                type_media=domain.TypeMedia.PNG.value,
                taille_octets=len(image),
                pages=piece.pages,
            )
        )
        for debut in range(0, len(image), BLOC):
            yield pb.LirePieceResponse(bloc=image[debut : debut + BLOC])


def register(server: grpc.Server, servicer: Servicer) -> None:
    """Add the service to a server."""
    pb_grpc.add_StockageServiceServicer_to_server(servicer, server)


def _lecteur(dossier_id: str, *, nom: str = "") -> lecture.Lecteur:
    asker = caller()
    return lecture.Lecteur(
        sujet_id=sujet(),
        # Staff acts for nobody: a case and a purpose give it what it may see.
        compte_id=compte() if "citoyen" in asker.roles else sujet(),
        roles=asker.roles,
        motif=asker.purpose,
        dossier_id=dossier_id,
        nom=nom,
    )


def _exiger_dossier(service: str, dossier_id: str) -> None:
    fautes = {}
    if service not in domain.SERVICES_RETENEURS:
        fautes["service"] = "SERVICE_INCONNU"
    if not 1 <= len(dossier_id) <= DOSSIER_MAX:
        fautes["dossier_id"] = "DOSSIER_INVALIDE"
    if fautes:
        raise DonneesInvalides(fautes)


def _fiche_du_depot(entete: pb.EntetePiece) -> domain.Fiche | None:
    """Read the fields of an upload, None when it keeps those of the document that it replaces."""
    if entete.remplace_piece_id and entete.genre == pb.GENRE_PIECE_UNSPECIFIED:
        return None
    return lire_fiche(entete)


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
