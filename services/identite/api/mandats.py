"""The gRPC face of delegations and of staff roles: messages to arguments, one act, its outcome."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID

import grpc

from chassis.db import Sessions
from chassis.grpc_server import ErrorRow
from espacecitoyen.identite.v1 import mandats_service_pb2 as pb
from espacecitoyen.identite.v1 import mandats_service_pb2_grpc as rpc
from services.identite.api.facteurs import demandeur
from services.identite.domain import (
    ROLES_PERSONNEL,
    CompteIntrouvable,
    GenreMandat,
    MandatIntrouvable,
    MandatTermine,
    StatutMandat,
)
from services.identite.domain.droits import (
    PERMISSIONS,
    ROLES,
    AttributionInterdite,
    DerniersAdmins,
    porteurs,
)
from services.identite.persistence.mandats import MandatLu
from services.identite.use_cases import droits, mandats
from services.identite.use_cases.ports import DomaineAscii, Regles

SERVICE: Final = "espacecitoyen.identite.v1.MandatsService"

# A citizen in their own name: whoever acts for somebody else gives no delegation on.
_CITOYEN: Final = frozenset({"citoyen"})
_ADMIN: Final = porteurs("droits.attribuer")
ACCESS: Final[Mapping[str, frozenset[str]]] = {
    "ListMandats": _CITOYEN,
    "ProposerMandat": _CITOYEN,
    "RepondreMandat": _CITOYEN,
    "TerminerMandat": _CITOYEN,
    "AgirPour": _CITOYEN,
    "AgirAuGuichet": porteurs("guichet.agir"),
    "CesserAgir": _CITOYEN | frozenset(role.value for role in ROLES_PERSONNEL),
    "GetMatrice": _ADMIN,
    "ChangerRole": _ADMIN,
}

_SECONDE: Final = timedelta(seconds=1)
_CODE: Final = grpc.StatusCode
ERRORS: Final[Mapping[type[Exception], ErrorRow]] = {
    MandatIntrouvable: ErrorRow(_CODE.NOT_FOUND, "MANDAT_INTROUVABLE"),
    MandatTermine: ErrorRow(_CODE.FAILED_PRECONDITION, "MANDAT_TERMINE"),
    AttributionInterdite: ErrorRow(_CODE.PERMISSION_DENIED, "ATTRIBUTION_INTERDITE"),
    DerniersAdmins: ErrorRow(_CODE.FAILED_PRECONDITION, "DERNIERS_ADMINS"),
}

_STATUTS: Final = {
    StatutMandat.PROPOSE: pb.STATUT_MANDAT_PROPOSE,
    StatutMandat.ACTIF: pb.STATUT_MANDAT_ACTIF,
    StatutMandat.TERMINE: pb.STATUT_MANDAT_TERMINE,
    StatutMandat.EXPIRE: pb.STATUT_MANDAT_EXPIRE,
}


def utc_now() -> datetime:
    """Give the present, aware, in UTC."""
    return datetime.now(UTC)


class MandatsServicer(rpc.MandatsServiceServicer):
    """One method per RPC; what each guarantees is written in the contract."""

    def __init__(
        self,
        *,
        sessions: Sessions,
        domaine_ascii: DomaineAscii,
        regles: Regles,
        horloge: Callable[[], datetime] = utc_now,
    ) -> None:
        self._sessions = sessions
        self._domaine_ascii = domaine_ascii
        self._regles = regles
        self._horloge = horloge

    def ListMandats(  # noqa: N802, D102  (the contract names and describes it)
        self, request: pb.ListMandatsRequest, context: grpc.ServicerContext
    ) -> pb.ListMandatsResponse:
        del request, context
        maintenant = self._horloge()
        miens = mandats.mes_mandats(
            sessions=self._sessions, demandeur=demandeur(), maintenant=maintenant
        )
        return pb.ListMandatsResponse(
            donnes=[
                _mandat(lu, lu.mandataire or lu.mandat.invite_plie, maintenant)
                for lu in miens.donnes
            ],
            recus=[_mandat(lu, lu.mandant, maintenant) for lu in miens.recus],
            invitations=[_mandat(lu, lu.mandant, maintenant) for lu in miens.invitations],
        )

    def ProposerMandat(  # noqa: N802, D102
        self, request: pb.ProposerMandatRequest, context: grpc.ServicerContext
    ) -> pb.ProposerMandatResponse:
        del context
        mandat_id = mandats.proposer(
            sessions=self._sessions,
            regles=self._regles,
            domaine_ascii=self._domaine_ascii,
            demandeur=demandeur(),
            request_id=request.request_id,
            courriel=request.courriel,
            portee=request.portee,
            fin=request.fin,
            maintenant=self._horloge(),
        )
        return pb.ProposerMandatResponse(mandat_id=mandat_id)

    def RepondreMandat(  # noqa: N802, D102
        self, request: pb.RepondreMandatRequest, context: grpc.ServicerContext
    ) -> pb.RepondreMandatResponse:
        del context
        mandats.repondre(
            sessions=self._sessions,
            regles=self._regles,
            demandeur=demandeur(),
            request_id=request.request_id,
            mandat_id=_mandat_id(request.mandat_id),
            accepte=request.accepte,
            maintenant=self._horloge(),
        )
        return pb.RepondreMandatResponse()

    def TerminerMandat(  # noqa: N802, D102
        self, request: pb.TerminerMandatRequest, context: grpc.ServicerContext
    ) -> pb.TerminerMandatResponse:
        del context
        mandats.terminer(
            sessions=self._sessions,
            regles=self._regles,
            demandeur=demandeur(),
            request_id=request.request_id,
            mandat_id=_mandat_id(request.mandat_id),
            maintenant=self._horloge(),
        )
        return pb.TerminerMandatResponse()

    def AgirPour(  # noqa: N802, D102
        self, request: pb.AgirPourRequest, context: grpc.ServicerContext
    ) -> pb.AgirPourResponse:
        del context
        mandats.agir_pour(
            sessions=self._sessions,
            regles=self._regles,
            demandeur=demandeur(),
            request_id=request.request_id,
            mandat_id=_mandat_id(request.mandat_id),
            maintenant=self._horloge(),
        )
        return pb.AgirPourResponse()

    def AgirAuGuichet(  # noqa: N802, D102
        self, request: pb.AgirAuGuichetRequest, context: grpc.ServicerContext
    ) -> pb.AgirAuGuichetResponse:
        del context
        try:
            compte_id = UUID(request.compte_id)
        except ValueError as error:
            raise CompteIntrouvable from error
        mandats.agir_au_guichet(
            sessions=self._sessions,
            regles=self._regles,
            demandeur=demandeur(),
            request_id=request.request_id,
            compte_id=compte_id,
            motif=request.motif,
            maintenant=self._horloge(),
        )
        return pb.AgirAuGuichetResponse()

    def CesserAgir(  # noqa: N802, D102
        self, request: pb.CesserAgirRequest, context: grpc.ServicerContext
    ) -> pb.CesserAgirResponse:
        del context
        mandats.cesser_agir(
            sessions=self._sessions,
            demandeur=demandeur(),
            request_id=request.request_id,
            maintenant=self._horloge(),
        )
        return pb.CesserAgirResponse()

    def GetMatrice(  # noqa: N802, D102
        self, request: pb.GetMatriceRequest, context: grpc.ServicerContext
    ) -> pb.GetMatriceResponse:
        del request, context
        lue = droits.matrice(sessions=self._sessions)
        return pb.GetMatriceResponse(
            permissions=PERMISSIONS,
            roles=[
                pb.RoleDecrit(role=role, permissions=sorted(siennes))
                for role, siennes in ROLES.items()
            ],
            personnel=[
                pb.MembrePersonnel(
                    compte_id=str(membre.id),
                    prenom=membre.prenom,
                    nom=membre.nom,
                    courriel=membre.courriel,
                    roles=[role for role in ROLES if role in membre.roles],
                )
                for membre in lue.personnel
            ],
            changements=[
                pb.ChangementRole(
                    compte_id=str(un.compte_id),
                    role=un.role,
                    donne=un.donne,
                    par=str(un.par),
                    motif=un.motif,
                    fait_le=un.fait_le.isoformat(),
                )
                for un in lue.changements
            ],
        )

    def ChangerRole(  # noqa: N802, D102
        self, request: pb.ChangerRoleRequest, context: grpc.ServicerContext
    ) -> pb.ChangerRoleResponse:
        del context
        droits.changer_role(
            sessions=self._sessions,
            regles=self._regles,
            domaine_ascii=self._domaine_ascii,
            demandeur=demandeur(),
            request_id=request.request_id,
            courriel=request.courriel,
            role=request.role,
            donner=request.donner,
            motif=request.motif,
            maintenant=self._horloge(),
        )
        return pb.ChangerRoleResponse()


def register(server: grpc.Server, servicer: MandatsServicer) -> None:
    """Add the servicer to a server."""
    rpc.add_MandatsServiceServicer_to_server(servicer, server)


def _mandat(lu: MandatLu, autre: str, maintenant: datetime) -> pb.Mandat:
    return pb.Mandat(
        mandat_id=str(lu.mandat.id),
        genre=GenreMandat(lu.mandat.genre).value,
        autre=autre,
        portee=sorted(lu.mandat.portee),
        statut=_STATUTS[lu.mandat.statut(maintenant)],
        propose_le=lu.mandat.propose_le.isoformat(),
        fin_le=(lu.mandat.fin_le - _SECONDE).isoformat(),
    )


def _mandat_id(texte: str) -> UUID:
    try:
        return UUID(texte)
    except ValueError as error:
        raise MandatIntrouvable from error
