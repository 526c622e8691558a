"""The gRPC face of what surrounds the doors: challenges, one's sessions, devices, identifiers."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Final
from uuid import UUID

import grpc
from sqlalchemy import Engine

from chassis.db import Sessions
from chassis.grpc_server import ErrorRow, caller
from espacecitoyen.identite.v1 import acces_service_pb2 as pb
from espacecitoyen.identite.v1 import acces_service_pb2_grpc as rpc
from services.identite import use_cases
from services.identite.domain import Role
from services.identite.domain.defi import (
    CodeSecuriteInvalide,
    DefiInvalide,
    DefiRequis,
    SonIndisponible,
    UsageDefi,
)
from services.identite.use_cases import appareils, defi, identifiants

SERVICE: Final = "espacecitoyen.identite.v1.AccesService"

_TOUS: Final = frozenset({"*"})
_CONNECTES: Final = frozenset(role.value for role in Role)
ACCESS: Final[Mapping[str, frozenset[str]]] = {
    "ObtenirDefi": _TOUS,
    "LireCode": _TOUS,
    "ListSessions": _CONNECTES,
    "TerminerSession": _CONNECTES,
    "TerminerAutresSessions": _CONNECTES,
    "OublierAppareil": _CONNECTES,
    "ChangerMotDePasse": _CONNECTES,
    "ChangerNomUtilisateur": _CONNECTES,
    "AnnulerChangement": _TOUS,
}

_CODE: Final = grpc.StatusCode
ERRORS: Final[Mapping[type[Exception], ErrorRow]] = {
    DefiRequis: ErrorRow(_CODE.INVALID_ARGUMENT, "DEFI_REQUIS"),
    DefiInvalide: ErrorRow(_CODE.INVALID_ARGUMENT, "DEFI_PERIME"),
    CodeSecuriteInvalide: ErrorRow(_CODE.INVALID_ARGUMENT, "CODE_SECURITE_INVALIDE"),
    SonIndisponible: ErrorRow(_CODE.FAILED_PRECONDITION, "SON_INDISPONIBLE"),
}

_USAGES: Final = {
    pb.USAGE_DEFI_UNSPECIFIED: UsageDefi.INSCRIPTION,
    pb.USAGE_DEFI_INSCRIPTION: UsageDefi.INSCRIPTION,
    pb.USAGE_DEFI_CONNEXION: UsageDefi.CONNEXION,
}


class AccesServicer(rpc.AccesServiceServicer):
    """One method per RPC; what each guarantees is written in the contract."""

    def __init__(
        self,
        *,
        sessions: Sessions,
        lecture: Engine,
        hacheur: Callable[[], use_cases.Hacheur],
        assez_fort: use_cases.AssezFort,
        rendu: use_cases.RenduCode,
        regles: use_cases.Regles,
        horloge: Callable[[], datetime],
    ) -> None:
        self._sessions = sessions
        self._lecture = lecture
        self._hacheur = hacheur
        self._assez_fort = assez_fort
        self._rendu = rendu
        self._regles = regles
        self._horloge = horloge

    def ObtenirDefi(  # noqa: N802, D102  (the contract names and describes it)
        self, request: pb.ObtenirDefiRequest, context: grpc.ServicerContext
    ) -> pb.ObtenirDefiResponse:
        del context
        jeton, fait = defi.nouveau_defi(
            regles=self._regles,
            usage=_USAGES.get(request.usage, UsageDefi.INSCRIPTION),
            maintenant=self._horloge(),
        )
        return pb.ObtenirDefiResponse(
            jeton=jeton, bits=fait.bits, expire_le=fait.expire_le.isoformat()
        )

    def LireCode(  # noqa: N802, D102
        self, request: pb.LireCodeRequest, context: grpc.ServicerContext
    ) -> pb.LireCodeResponse:
        del context
        son = request.forme == pb.FORME_CODE_SON
        contenu = defi.rendre_code(
            sessions=self._sessions,
            rendu=self._rendu,
            regles=self._regles,
            jeton=request.jeton,
            langue=request.langue,
            son=son,
            adresse_ip=request.adresse_ip,
            maintenant=self._horloge(),
        )
        return pb.LireCodeResponse(contenu=contenu, type_media="audio/wav" if son else "image/png")

    def ListSessions(  # noqa: N802, D102
        self, request: pb.ListSessionsRequest, context: grpc.ServicerContext
    ) -> pb.ListSessionsResponse:
        del request, context
        sessions, connus = appareils.mes_sessions(
            lecture=self._lecture, compte_id=_compte(), maintenant=self._horloge()
        )
        courante = _courante()
        return pb.ListSessionsResponse(
            sessions=[
                pb.SessionPersonnelle(
                    session_id=str(lue.id),
                    appareil=lue.appareil,
                    ouverte_le=lue.ouverte_le.isoformat(),
                    vue_le=lue.vue_le.isoformat(),
                    courante=lue.id == courante,
                    agent="citoyen" not in lue.roles,
                )
                for lue in sessions
            ],
            appareils=[
                pb.Appareil(
                    appareil_id=str(lu.id),
                    libelle=lu.libelle,
                    cree_le=lu.cree_le.isoformat(),
                    vu_le=lu.vu_le.isoformat(),
                )
                for lu in connus
            ],
        )

    def TerminerSession(  # noqa: N802, D102
        self, request: pb.TerminerSessionRequest, context: grpc.ServicerContext
    ) -> pb.TerminerSessionResponse:
        del context
        visee = _uuid(request.session_id)
        if visee is not None:
            appareils.terminer_session(
                sessions=self._sessions, compte_id=_compte(), session_id=visee
            )
        return pb.TerminerSessionResponse()

    def TerminerAutresSessions(  # noqa: N802, D102
        self, request: pb.TerminerAutresSessionsRequest, context: grpc.ServicerContext
    ) -> pb.TerminerAutresSessionsResponse:
        del request, context
        appareils.terminer_autres_sessions(
            sessions=self._sessions, compte_id=_compte(), courante=_courante()
        )
        return pb.TerminerAutresSessionsResponse()

    def OublierAppareil(  # noqa: N802, D102
        self, request: pb.OublierAppareilRequest, context: grpc.ServicerContext
    ) -> pb.OublierAppareilResponse:
        del context
        vise = _uuid(request.appareil_id)
        if vise is not None:
            appareils.oublier_appareil(
                sessions=self._sessions, compte_id=_compte(), appareil_id=vise
            )
        return pb.OublierAppareilResponse()

    def ChangerMotDePasse(  # noqa: N802, D102
        self, request: pb.ChangerMotDePasseRequest, context: grpc.ServicerContext
    ) -> pb.ChangerMotDePasseResponse:
        del context
        jeton = identifiants.changer_mot_de_passe(
            sessions=self._sessions,
            hacheur=self._hacheur(),
            assez_fort=self._assez_fort,
            regles=self._regles,
            request_id=request.request_id,
            compte_id=_compte(),
            courante=_courante(),
            actuel=request.actuel,
            nouveau=request.nouveau,
            maintenant=self._horloge(),
        )
        return pb.ChangerMotDePasseResponse(jeton_session=jeton)

    def ChangerNomUtilisateur(  # noqa: N802, D102
        self, request: pb.ChangerNomUtilisateurRequest, context: grpc.ServicerContext
    ) -> pb.ChangerNomUtilisateurResponse:
        del context
        identifiants.changer_nom_utilisateur(
            sessions=self._sessions,
            hacheur=self._hacheur(),
            regles=self._regles,
            request_id=request.request_id,
            compte_id=_compte(),
            courante=_courante(),
            actuel=request.actuel,
            nom=request.nom_utilisateur,
            maintenant=self._horloge(),
        )
        return pb.ChangerNomUtilisateurResponse()

    def AnnulerChangement(  # noqa: N802, D102
        self, request: pb.AnnulerChangementRequest, context: grpc.ServicerContext
    ) -> pb.AnnulerChangementResponse:
        del context
        identifiants.annuler_changement(
            sessions=self._sessions,
            regles=self._regles,
            request_id=request.request_id,
            jeton=request.jeton,
            maintenant=self._horloge(),
        )
        return pb.AnnulerChangementResponse()


def register(server: grpc.Server, servicer: AccesServicer) -> None:
    """Add the servicer to a server."""
    rpc.add_AccesServiceServicer_to_server(servicer, server)


def _compte() -> UUID:
    return UUID(caller().subject)


def _courante() -> UUID | None:
    return _uuid(caller().session)


def _uuid(texte: str) -> UUID | None:
    try:
        return UUID(texte)
    except ValueError:
        return None
