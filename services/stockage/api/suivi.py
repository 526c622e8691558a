"""What became of documents: versions, uses, readings; and the rights over a whole space."""

import datetime as dt
from collections.abc import Callable, Iterator

import grpc
from sqlalchemy import Engine

from chassis.db import Sessions
from espacecitoyen.stockage.v1 import stockage_service_pb2 as pb
from espacecitoyen.stockage.v1 import stockage_service_pb2_grpc as pb_grpc
from services.stockage import persistence
from services.stockage.api.messages import (
    compte,
    lire_id,
    message_consultation,
    message_piece,
    message_utilisation,
    propre_compte,
)
from services.stockage.domain import Conservation, Piece, Utilisation, Validite
from services.stockage.use_cases import effacement
from services.stockage.use_cases.ports import Coffre
from services.stockage.use_cases.versions import exiger_document


class Suivi(pb_grpc.StockageServiceServicer):
    """The part of `StockageService` that `pieces.Servicer` completes."""

    _sessions: Sessions
    _lecteur: Engine
    _coffre: Coffre
    _horloge: Callable[[], dt.datetime]
    _validite: Validite
    _conservation: Conservation

    def ListVersions(  # noqa: N802  (named by the contract)
        self, request: pb.ListVersionsRequest, _context: grpc.ServicerContext
    ) -> pb.ListVersionsResponse:
        """List the versions of a document, newest first."""
        with self._lecteur.connect() as connexion:
            versions = exiger_document(connexion, compte(), lire_id(request.piece_id))
        ordonnees = sorted(versions, key=lambda version: -version.version)
        return pb.ListVersionsResponse(versions=[self._message(piece) for piece in ordonnees])

    def ListUtilisations(  # noqa: N802  (named by the contract)
        self, request: pb.ListUtilisationsRequest, _context: grpc.ServicerContext
    ) -> pb.ListUtilisationsResponse:
        """Tell where a document is used."""
        with self._lecteur.connect() as connexion:
            versions = exiger_document(connexion, compte(), lire_id(request.piece_id))
            trouvees = persistence.lister_retenues(connexion, document_id=versions[0].document)
        return pb.ListUtilisationsResponse(utilisations=[self._utilisation(u) for u in trouvees])

    def ListConsultations(  # noqa: N802  (named by the contract)
        self, request: pb.ListConsultationsRequest, _context: grpc.ServicerContext
    ) -> pb.ListConsultationsResponse:
        """Tell who read a document."""
        with self._lecteur.connect() as connexion:
            versions = exiger_document(connexion, compte(), lire_id(request.piece_id))
            lues = persistence.lister_consultations(
                connexion,
                document_id=versions[0].document,
                limite=effacement.CONSULTATIONS_MAX,
            )
        return pb.ListConsultationsResponse(consultations=[message_consultation(c) for c in lues])

    def LireEspace(  # noqa: N802  (named by the contract)
        self, _request: pb.LireEspaceRequest, _context: grpc.ServicerContext
    ) -> Iterator[pb.LireEspaceResponse]:
        """Give everything that the space says."""
        for lue in effacement.exporter_espace(sessions=self._sessions, compte_id=compte()):
            yield pb.LireEspaceResponse(
                piece=self._message(lue.piece),
                utilisations=[self._utilisation(u) for u in lue.utilisations],
                consultations=[message_consultation(c) for c in lue.consultations],
            )

    def EffacerEspace(  # noqa: N802  (named by the contract)
        self, request: pb.EffacerEspaceRequest, _context: grpc.ServicerContext
    ) -> pb.EffacerEspaceResponse:
        """Erase the space, but what is kept by law."""
        bilan = effacement.effacer_espace(
            sessions=self._sessions,
            coffre=self._coffre,
            conservation=self._conservation,
            validite=self._validite,
            compte_id=propre_compte(),
            request_id=request.request_id,
            essai=request.essai,
            maintenant=self._horloge(),
        )
        return pb.EffacerEspaceResponse(
            effacees=bilan.effacees,
            conservees=[
                pb.PieceConservee(
                    piece_id=str(gardee.piece_id),
                    raison=gardee.raison,
                    service=gardee.service,
                    dossier_id=gardee.dossier_id,
                    jusqu_au="" if gardee.jusqu_au is None else gardee.jusqu_au.isoformat(),
                )
                for gardee in bilan.conservees
            ],
        )

    def _message(self, piece: Piece) -> pb.Piece:
        jour = self._validite.jour(self._horloge())
        return message_piece(piece, validite=self._validite, jour=jour)

    def _utilisation(self, utilisation: Utilisation) -> pb.Utilisation:
        return message_utilisation(
            utilisation, conservation=self._conservation, validite=self._validite
        )
