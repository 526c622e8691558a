"""The gRPC face of second factors: messages to arguments, one act, its outcome to messages."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

import grpc

from chassis.db import Sessions
from chassis.grpc_server import ErrorRow, caller
from espacecitoyen.identite.v1 import facteurs_service_pb2 as pb
from espacecitoyen.identite.v1 import facteurs_service_pb2_grpc as rpc
from espacecitoyen.identite.v1 import identite_service_pb2 as identite
from services.identite.domain import (
    ROLE_ENROLEMENT,
    ROLES_PERSONNEL,
    CompteIntrouvable,
    DernierFacteur,
    EpreuveExpiree,
    FacteurIntrouvable,
    FacteurRefuse,
    PreuveRequise,
    SessionOuverte,
)
from services.identite.domain.droits import permissions, porteurs
from services.identite.use_cases import facteurs, facteurs_connexion
from services.identite.use_cases.facteurs_connexion import Preuve, Question
from services.identite.use_cases.facteurs_preuve import Demandeur
from services.identite.use_cases.ports import Hacheur, Passkeys, Regles, Totp

SERVICE: Final = "espacecitoyen.identite.v1.FacteursService"

# Whoever has a session of their own, also one that waits for its first factor; never somebody who
# acts for somebody else.
TITULAIRES: Final = frozenset(
    {"citoyen", ROLE_ENROLEMENT, *(role.value for role in ROLES_PERSONNEL)}
)
ACCESS: Final[Mapping[str, frozenset[str]]] = {
    "GetFacteurs": TITULAIRES,
    "CommencerTotp": TITULAIRES,
    "ConfirmerTotp": TITULAIRES,
    "RetirerTotp": TITULAIRES,
    "CommencerCle": TITULAIRES,
    "EnregistrerCle": TITULAIRES,
    "RenommerCle": TITULAIRES,
    "RetirerCle": TITULAIRES,
    "RegenererCodes": TITULAIRES,
    # The waiting proof's secret says by itself who may.
    "CommencerEpreuve": frozenset({"*"}),
    "TerminerConnexion": frozenset({"*"}),
    "CommencerConfirmation": TITULAIRES,
    "ConfirmerIdentite": TITULAIRES,
    "RetirerFacteurs": porteurs("comptes.facteurs"),
}

_CODE: Final = grpc.StatusCode
ERRORS: Final[Mapping[type[Exception], ErrorRow]] = {
    EpreuveExpiree: ErrorRow(_CODE.FAILED_PRECONDITION, "EPREUVE_EXPIREE"),
    FacteurRefuse: ErrorRow(_CODE.INVALID_ARGUMENT, "FACTEUR_REFUSE"),
    FacteurIntrouvable: ErrorRow(_CODE.NOT_FOUND, "FACTEUR_INTROUVABLE"),
    DernierFacteur: ErrorRow(_CODE.FAILED_PRECONDITION, "DERNIER_FACTEUR"),
    PreuveRequise: ErrorRow(_CODE.PERMISSION_DENIED, "PREUVE_REQUISE"),
}


def utc_now() -> datetime:
    """Give the present, aware, in UTC."""
    return datetime.now(UTC)


def demandeur() -> Demandeur:
    """Give who calls. Raises: CompteIntrouvable for a token without a session."""
    qui = caller()
    if not qui.subject or not qui.session:
        raise CompteIntrouvable
    return Demandeur(compte_id=UUID(qui.subject), session_id=UUID(qui.session), roles=qui.roles)


class FacteursServicer(rpc.FacteursServiceServicer):
    """One method per RPC; what each guarantees is written in the contract."""

    def __init__(
        self,
        *,
        sessions: Sessions,
        hacheur: Hacheur,
        passkeys: Passkeys,
        totp: Totp,
        regles: Regles,
        horloge: Callable[[], datetime] = utc_now,
    ) -> None:
        self._sessions = sessions
        self._hacheur = hacheur
        self._passkeys = passkeys
        self._totp = totp
        self._regles = regles
        self._horloge = horloge

    def GetFacteurs(  # noqa: N802, D102  (the contract names and describes it)
        self, request: pb.GetFacteursRequest, context: grpc.ServicerContext
    ) -> pb.GetFacteursResponse:
        del request, context
        lu = facteurs.etat(sessions=self._sessions, regles=self._regles, demandeur=demandeur())
        return pb.GetFacteursResponse(
            cles=[
                pb.CleAcces(
                    cle_id=str(cle.id),
                    nom=cle.nom,
                    cree_le=cle.cree_le.isoformat(),
                    utilisee_le=cle.utilisee_le.isoformat() if cle.utilisee_le else "",
                )
                for cle in lu.facteurs.cles
            ],
            totp=lu.facteurs.totp,
            codes_restants=lu.facteurs.codes_restants,
            obligatoire=lu.obligatoire,
        )

    def CommencerTotp(  # noqa: N802, D102
        self, request: pb.CommencerTotpRequest, context: grpc.ServicerContext
    ) -> pb.CommencerTotpResponse:
        del request, context
        secret, uri = facteurs.commencer_totp(
            sessions=self._sessions,
            regles=self._regles,
            totp=self._totp,
            demandeur=demandeur(),
            maintenant=self._horloge(),
        )
        return pb.CommencerTotpResponse(secret=secret, uri=uri)

    def ConfirmerTotp(  # noqa: N802, D102
        self, request: pb.ConfirmerTotpRequest, context: grpc.ServicerContext
    ) -> pb.ConfirmerTotpResponse:
        del context
        fait = facteurs.confirmer_totp(
            sessions=self._sessions,
            regles=self._regles,
            totp=self._totp,
            demandeur=demandeur(),
            request_id=request.request_id,
            code=request.code,
            maintenant=self._horloge(),
        )
        return pb.ConfirmerTotpResponse(codes_secours=fait.codes_secours, jeton_session=fait.jeton)

    def RetirerTotp(  # noqa: N802, D102
        self, request: pb.RetirerTotpRequest, context: grpc.ServicerContext
    ) -> pb.RetirerTotpResponse:
        del context
        self._retirer(request.request_id, None)
        return pb.RetirerTotpResponse()

    def CommencerCle(  # noqa: N802, D102
        self, request: pb.CommencerCleRequest, context: grpc.ServicerContext
    ) -> pb.CommencerCleResponse:
        del request, context
        epreuve, options = facteurs.commencer_cle(
            sessions=self._sessions,
            regles=self._regles,
            passkeys=self._passkeys,
            demandeur=demandeur(),
            maintenant=self._horloge(),
        )
        return pb.CommencerCleResponse(epreuve=epreuve, options_json=options)

    def EnregistrerCle(  # noqa: N802, D102
        self, request: pb.EnregistrerCleRequest, context: grpc.ServicerContext
    ) -> pb.EnregistrerCleResponse:
        del context
        fait = facteurs.enregistrer_cle(
            sessions=self._sessions,
            regles=self._regles,
            passkeys=self._passkeys,
            demandeur=demandeur(),
            request_id=request.request_id,
            epreuve=request.epreuve,
            reponse=request.reponse_json,
            nom=request.nom,
            maintenant=self._horloge(),
        )
        return pb.EnregistrerCleResponse(codes_secours=fait.codes_secours, jeton_session=fait.jeton)

    def RenommerCle(  # noqa: N802, D102
        self, request: pb.RenommerCleRequest, context: grpc.ServicerContext
    ) -> pb.RenommerCleResponse:
        del context
        facteurs.renommer_cle(
            sessions=self._sessions,
            regles=self._regles,
            demandeur=demandeur(),
            request_id=request.request_id,
            cle_id=_cle_id(request.cle_id),
            nom=request.nom,
        )
        return pb.RenommerCleResponse()

    def RetirerCle(  # noqa: N802, D102
        self, request: pb.RetirerCleRequest, context: grpc.ServicerContext
    ) -> pb.RetirerCleResponse:
        del context
        self._retirer(request.request_id, _cle_id(request.cle_id))
        return pb.RetirerCleResponse()

    def RegenererCodes(  # noqa: N802, D102
        self, request: pb.RegenererCodesRequest, context: grpc.ServicerContext
    ) -> pb.RegenererCodesResponse:
        del context
        codes = facteurs.regenerer_codes(
            sessions=self._sessions,
            regles=self._regles,
            demandeur=demandeur(),
            request_id=request.request_id,
            maintenant=self._horloge(),
        )
        return pb.RegenererCodesResponse(codes_secours=codes)

    def CommencerEpreuve(  # noqa: N802, D102
        self, request: pb.CommencerEpreuveRequest, context: grpc.ServicerContext
    ) -> pb.CommencerEpreuveResponse:
        del context
        question = facteurs_connexion.commencer_epreuve(
            sessions=self._sessions,
            regles=self._regles,
            passkeys=self._passkeys,
            epreuve=request.epreuve,
            agent=request.agent,
            appareil=request.appareil,
            adresse_ip=request.adresse_ip,
            maintenant=self._horloge(),
        )
        return pb.CommencerEpreuveResponse(
            epreuve=question.epreuve,
            options_json=question.options,
            totp=question.totp,
            codes_secours=question.codes_secours,
        )

    def TerminerConnexion(  # noqa: N802, D102
        self, request: pb.TerminerConnexionRequest, context: grpc.ServicerContext
    ) -> pb.TerminerConnexionResponse:
        del context
        terminee = facteurs_connexion.terminer_connexion(
            sessions=self._sessions,
            regles=self._regles,
            totp=self._totp,
            passkeys=self._passkeys,
            epreuve=request.epreuve,
            preuve=Preuve(code=request.code, reponse=request.reponse_json),
            adresse_ip=request.adresse_ip,
            maintenant=self._horloge(),
            jeton_appareil=request.jeton_appareil,
        )
        return pb.TerminerConnexionResponse(
            jeton_session=terminee.jeton,
            compte_id=str(terminee.ouverte.compte_id),
            expire_le=terminee.ouverte.expire_le.isoformat(),
            code_secours=terminee.code_secours,
            jeton_appareil=terminee.jeton_appareil,
        )

    def CommencerConfirmation(  # noqa: N802, D102
        self, request: pb.CommencerConfirmationRequest, context: grpc.ServicerContext
    ) -> pb.CommencerConfirmationResponse:
        del request, context
        question: Question = facteurs_connexion.commencer_confirmation(
            sessions=self._sessions,
            passkeys=self._passkeys,
            demandeur=demandeur(),
            maintenant=self._horloge(),
        )
        return pb.CommencerConfirmationResponse(
            epreuve=question.epreuve,
            options_json=question.options,
            mot_de_passe=question.mot_de_passe,
            totp=question.totp,
            codes_secours=question.codes_secours,
        )

    def ConfirmerIdentite(  # noqa: N802, D102
        self, request: pb.ConfirmerIdentiteRequest, context: grpc.ServicerContext
    ) -> pb.ConfirmerIdentiteResponse:
        del context
        jusqua = facteurs_connexion.confirmer_identite(
            sessions=self._sessions,
            regles=self._regles,
            hacheur=self._hacheur,
            totp=self._totp,
            passkeys=self._passkeys,
            demandeur=demandeur(),
            epreuve=request.epreuve,
            mot_de_passe=request.mot_de_passe,
            preuve=Preuve(code=request.code, reponse=request.reponse_json),
            maintenant=self._horloge(),
        )
        return pb.ConfirmerIdentiteResponse(jusqua=jusqua.isoformat())

    def RetirerFacteurs(  # noqa: N802, D102
        self, request: pb.RetirerFacteursRequest, context: grpc.ServicerContext
    ) -> pb.RetirerFacteursResponse:
        del context
        facteurs.retirer_tout(
            sessions=self._sessions,
            regles=self._regles,
            agent=demandeur(),
            request_id=request.request_id,
            compte_id=_compte_id(request.compte_id),
            motif=request.motif,
            maintenant=self._horloge(),
        )
        return pb.RetirerFacteursResponse()

    def _retirer(self, request_id: str, cle_id: UUID | None) -> None:
        facteurs.retirer(
            sessions=self._sessions,
            regles=self._regles,
            demandeur=demandeur(),
            request_id=request_id,
            cle_id=cle_id,
            maintenant=self._horloge(),
        )


def register(server: grpc.Server, servicer: FacteursServicer) -> None:
    """Add the servicer to a server."""
    rpc.add_FacteursServiceServicer_to_server(servicer, server)


def preuves_de_session(ouverte: SessionOuverte, maintenant: datetime) -> dict[str, Any]:
    """Give the fields of VerifierSession that tell of proofs, delegations and permissions."""
    autrui = ouverte.agit_pour(maintenant)
    return {
        "prouvee_le": ouverte.prouvee_le.isoformat() if ouverte.prouvee_le else "",
        "permissions": sorted(permissions(ouverte.roles_propres)),
        "roles_propres": sorted(ouverte.roles_propres),
        "agit_pour": None
        if autrui is None
        else identite.AgitPour(
            compte_id=str(autrui.compte_id),
            prenom=autrui.prenom,
            nom=autrui.nom,
            genre=autrui.genre.value,
            portee=sorted(autrui.portee),
            fin_le=autrui.fin_le.isoformat(),
        ),
    }


def _cle_id(texte: str) -> UUID:
    try:
        return UUID(texte)
    except ValueError as error:
        raise FacteurIntrouvable from error


def _compte_id(texte: str) -> UUID:
    try:
        return UUID(texte)
    except ValueError as error:
        raise CompteIntrouvable from error
