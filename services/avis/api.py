"""The RPCs of avis: plain reads, one transaction-free question each."""

from datetime import UTC
from typing import TYPE_CHECKING

import grpc
from sqlalchemy import Engine

from chassis.db import plain
from chassis.grpc_server import ErrorRow, caller
from espacecitoyen.avis.v1 import avis_service_pb2 as pb
from espacecitoyen.avis.v1 import avis_service_pb2_grpc
from services.avis import domain, persistence
from services.avis.domain import MesAvis
from services.avis.use_cases import Redaction

if TYPE_CHECKING:
    from collections.abc import Mapping

SERVICE = "espacecitoyen.avis.v1.AvisService"

ACCESS: "Mapping[str, frozenset[str]]" = {
    # Also for whoever holds a mandate over the notices (IDN-21).
    "GetMesAvis": frozenset({"citoyen", "mandat_avis"})
}

_INVALIDE = ErrorRow(grpc.StatusCode.INVALID_ARGUMENT, "DONNEES_INVALIDES")

# Those after the first come from events; they are here so that no exception lacks a row.
ERRORS: "Mapping[type[Exception], ErrorRow]" = {
    domain.NombreMessagesInvalide: _INVALIDE,
    domain.ValeurInconnue: _INVALIDE,
    domain.GabaritInconnu: ErrorRow(grpc.StatusCode.INVALID_ARGUMENT, "GABARIT_INCONNU"),
    domain.LangueInconnue: ErrorRow(grpc.StatusCode.INVALID_ARGUMENT, "LANGUE_INCONNUE"),
    domain.CanalInconnu: ErrorRow(grpc.StatusCode.INVALID_ARGUMENT, "CANAL_INCONNU"),
    domain.CategorieInconnue: ErrorRow(grpc.StatusCode.INVALID_ARGUMENT, "CATEGORIE_INCONNUE"),
    domain.AdresseInvalide: ErrorRow(grpc.StatusCode.INVALID_ARGUMENT, "ADRESSE_INVALIDE"),
    domain.JetonManquant: ErrorRow(grpc.StatusCode.INVALID_ARGUMENT, "JETON_MANQUANT"),
}


class AvisServicer(avis_service_pb2_grpc.AvisServiceServicer):
    """Answers what the home asks."""

    def __init__(self, *, lecture: Engine, redaction: Redaction) -> None:
        self._lecture = lecture
        self._redaction = redaction

    def GetMesAvis(  # noqa: N802  (the contract names it)
        self, request: pb.GetMesAvisRequest, context: grpc.ServicerContext
    ) -> pb.GetMesAvisResponse:
        """Give the caller's subscriptions and latest messages."""
        del context
        nombre = domain.nombre_messages(request.messages)
        compte_id = caller().acting_for or caller().subject
        with plain(self._lecture) as cursor:
            mes_avis = persistence.lire_mes_avis(cursor, compte_id=compte_id, nombre=nombre)
        return self._reponse(mes_avis)

    def _reponse(self, mes_avis: MesAvis) -> pb.GetMesAvisResponse:
        return pb.GetMesAvisResponse(
            abonnements=[
                pb.Abonnement(
                    categorie=abonnement.categorie,
                    libelle_fr=abonnement.libelle_fr,
                    libelle_en=abonnement.libelle_en,
                    obligatoire=abonnement.obligatoire,
                    abonne=abonnement.abonne,
                )
                for abonnement in mes_avis.abonnements
            ],
            canaux=[canal.value for canal in mes_avis.canaux],
            messages=[
                pb.Message(
                    envoi_id=str(message.id),
                    gabarit=message.gabarit.value,
                    objet=self._redaction.objet(gabarit=message.gabarit, langue=message.langue),
                    canal=message.canal.value,
                    statut=pb.StatutEnvoi.Value(f"STATUT_ENVOI_{message.etat}"),
                    cree_le=message.cree_le.astimezone(UTC).isoformat().replace("+00:00", "Z"),
                )
                for message in mes_avis.messages
            ],
        )


def register(server: grpc.Server, servicer: AvisServicer) -> None:
    """Add the servicer to a server."""
    avis_service_pb2_grpc.add_AvisServiceServicer_to_server(servicer, server)
