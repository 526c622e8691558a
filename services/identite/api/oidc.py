"""The gRPC face of OpenID Connect: messages to arguments, one act, its outcome to messages."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Final
from uuid import UUID

import grpc

from chassis.grpc_server import ErrorRow, caller
from espacecitoyen.identite.v1 import oidc_service_pb2 as pb
from espacecitoyen.identite.v1 import oidc_service_pb2_grpc as rpc
from services.identite.api.oidc_messages import client_dit, client_saisi, preuve_lue
from services.identite.domain import DonneesInvalides, SessionExpiree, oidc_client
from services.identite.domain import oidc as domain
from services.identite.persistence import oidc as persistence
from services.identite.persistence import oidc_clients
from services.identite.use_cases import DomaineAscii, Regles
from services.identite.use_cases import oidc as use_cases

SERVICE: Final = "espacecitoyen.identite.v1.OidcService"

# A client proves itself by what its request carries; no session of ours is behind it.
_TOUS: Final = frozenset({"*"})
_PERSONNE: Final = frozenset({"citoyen"})
_ADMIN: Final = frozenset({"admin"})
ACCESS: Final[Mapping[str, frozenset[str]]] = {
    "GetClientOidc": _TOUS,
    "GetClesOidc": _TOUS,
    "VerifierAutorisationOidc": _PERSONNE,
    "OuvrirAutorisationOidc": _PERSONNE,
    "ObtenirJetonsOidc": _TOUS,
    "GetInfosOidc": _TOUS,
    "VerifierJetonOidc": _TOUS,
    "FermerJetonOidc": _TOUS,
    "VerifierDeconnexionOidc": _PERSONNE,
    "ListConsentementsOidc": _PERSONNE,
    "RetirerConsentementOidc": _PERSONNE,
    "ListClientsOidc": _ADMIN,
    "EnregistrerClientOidc": _ADMIN,
    "RenouvelerSecretOidc": _ADMIN,
    "DesactiverClientOidc": _ADMIN,
    "OuvrirSessionAmont": _TOUS,
    "LierIdentiteAmont": _PERSONNE,
}

_CODE: Final = grpc.StatusCode
ERRORS: Final[Mapping[type[Exception], ErrorRow]] = {
    oidc_client.ClientInconnu: ErrorRow(_CODE.NOT_FOUND, "CLIENT_INCONNU"),
    oidc_client.ClientNonAuthentifie: ErrorRow(_CODE.UNAUTHENTICATED, "CLIENT_NON_AUTHENTIFIE"),
    oidc_client.ClientNonHabilite: ErrorRow(_CODE.PERMISSION_DENIED, "CLIENT_NON_HABILITE"),
    oidc_client.RedirectionRefusee: ErrorRow(_CODE.INVALID_ARGUMENT, "REDIRECTION_REFUSEE"),
    oidc_client.PorteeRefusee: ErrorRow(_CODE.INVALID_ARGUMENT, "PORTEE_REFUSEE"),
    domain.DefiInvalide: ErrorRow(_CODE.INVALID_ARGUMENT, "DEFI_INVALIDE"),
    domain.AutorisationInvalide: ErrorRow(_CODE.FAILED_PRECONDITION, "AUTORISATION_INVALIDE"),
    domain.ConsentementRequis: ErrorRow(_CODE.FAILED_PRECONDITION, "CONSENTEMENT_REQUIS"),
    domain.ReconnexionRequise: ErrorRow(_CODE.FAILED_PRECONDITION, "RECONNEXION_REQUISE"),
    domain.JetonAccesInvalide: ErrorRow(_CODE.UNAUTHENTICATED, "JETON_ACCES_INVALIDE"),
    domain.BilletInvalide: ErrorRow(_CODE.FAILED_PRECONDITION, "BILLET_INVALIDE"),
    domain.IdentiteDejaLiee: ErrorRow(_CODE.ALREADY_EXISTS, "IDENTITE_DEJA_LIEE"),
}

_BESOINS: Final = {
    use_cases.Besoin.RIEN: pb.BESOIN_OIDC_RIEN,
    use_cases.Besoin.CONSENTEMENT: pb.BESOIN_OIDC_CONSENTEMENT,
    use_cases.Besoin.RECONNEXION: pb.BESOIN_OIDC_RECONNEXION,
}


class OidcServicer(rpc.OidcServiceServicer):
    """One method per RPC; what each guarantees is written in the contract."""

    def __init__(
        self,
        *,
        guichet: use_cases.Guichet,
        domaine_ascii: DomaineAscii,
        regles: Regles,
        horloge: Callable[[], datetime],
    ) -> None:
        self._guichet = guichet
        self._sessions = guichet.sessions
        self._lecture = guichet.lecture
        self._domaine_ascii = domaine_ascii
        self._regles = regles
        self._horloge = horloge

    def GetClientOidc(  # noqa: N802, D102  (the contract names and describes it)
        self, request: pb.GetClientOidcRequest, context: grpc.ServicerContext
    ) -> pb.GetClientOidcResponse:
        del context
        client = use_cases.lire_client(lecture=self._lecture, client_id=request.client_id)
        return pb.GetClientOidcResponse(client=client_dit(client))

    def GetClesOidc(  # noqa: N802, D102
        self, request: pb.GetClesOidcRequest, context: grpc.ServicerContext
    ) -> pb.GetClesOidcResponse:
        del request, context
        return pb.GetClesOidcResponse(jwks=self._guichet.signataire.publiques())

    def VerifierAutorisationOidc(  # noqa: N802, D102
        self, request: pb.VerifierAutorisationOidcRequest, context: grpc.ServicerContext
    ) -> pb.VerifierAutorisationOidcResponse:
        del context
        besoin, deja = use_cases.verifier_autorisation(
            sessions=self._sessions,
            regles=self._guichet.regles,
            session_id=_session(),
            demande=use_cases.Demande(
                client_id=request.client_id,
                portees=tuple(request.portees),
                age_max_s=request.age_max_s,
                pas_avant=_moment(request.pas_avant),
            ),
            maintenant=self._horloge(),
        )
        return pb.VerifierAutorisationOidcResponse(besoin=_BESOINS[besoin], deja_consenties=deja)

    def OuvrirAutorisationOidc(  # noqa: N802, D102
        self, request: pb.OuvrirAutorisationOidcRequest, context: grpc.ServicerContext
    ) -> pb.OuvrirAutorisationOidcResponse:
        del context
        code = use_cases.ouvrir_autorisation(
            sessions=self._sessions,
            regles=self._guichet.regles,
            session_id=_session(),
            demande=use_cases.Demande(
                client_id=request.client_id,
                portees=tuple(request.portees),
                age_max_s=request.age_max_s,
                pas_avant=_moment(request.pas_avant),
                redirection=request.redirection,
                nonce=request.nonce,
                defi=request.defi,
            ),
            consenti=request.consenti,
            maintenant=self._horloge(),
        )
        return pb.OuvrirAutorisationOidcResponse(code=code)

    def ObtenirJetonsOidc(  # noqa: N802, D102
        self, request: pb.ObtenirJetonsOidcRequest, context: grpc.ServicerContext
    ) -> pb.ObtenirJetonsOidcResponse:
        del context
        preuve, maintenant = preuve_lue(request.preuve), self._horloge()
        if request.WhichOneof("titre") == "renouvellement":
            jetons = use_cases.renouveler(
                guichet=self._guichet,
                preuve=preuve,
                jeton=request.renouvellement.jeton,
                portees=tuple(request.renouvellement.portees),
                maintenant=maintenant,
            )
        else:
            jetons = use_cases.echanger_code(
                guichet=self._guichet,
                preuve=preuve,
                code=request.code.code,
                redirection=request.code.redirection,
                verificateur=request.code.verificateur,
                maintenant=maintenant,
            )
        return pb.ObtenirJetonsOidcResponse(
            jeton_acces=jetons.acces,
            duree_s=jetons.duree_s,
            jeton_renouvellement=jetons.renouvellement,
            jeton_identite=jetons.identite,
            portees=jetons.portees,
        )

    def GetInfosOidc(  # noqa: N802, D102
        self, request: pb.GetInfosOidcRequest, context: grpc.ServicerContext
    ) -> pb.GetInfosOidcResponse:
        del context
        infos = use_cases.infos(
            guichet=self._guichet,
            jeton=request.jeton_acces,
            certificat=request.certificat,
            maintenant=self._horloge(),
        )
        return pb.GetInfosOidcResponse(revendications=use_cases.en_json(infos))

    def VerifierJetonOidc(  # noqa: N802, D102
        self, request: pb.VerifierJetonOidcRequest, context: grpc.ServicerContext
    ) -> pb.VerifierJetonOidcResponse:
        del context
        etat = use_cases.etat_du_jeton(
            guichet=self._guichet,
            preuve=preuve_lue(request.preuve),
            jeton=request.jeton,
            maintenant=self._horloge(),
        )
        return pb.VerifierJetonOidcResponse(etat=use_cases.en_json(etat))

    def FermerJetonOidc(  # noqa: N802, D102
        self, request: pb.FermerJetonOidcRequest, context: grpc.ServicerContext
    ) -> pb.FermerJetonOidcResponse:
        del context
        use_cases.fermer_jeton(
            guichet=self._guichet,
            preuve=preuve_lue(request.preuve),
            jeton=request.jeton,
            maintenant=self._horloge(),
        )
        return pb.FermerJetonOidcResponse()

    def VerifierDeconnexionOidc(  # noqa: N802, D102
        self, request: pb.VerifierDeconnexionOidcRequest, context: grpc.ServicerContext
    ) -> pb.VerifierDeconnexionOidcResponse:
        del context
        return pb.VerifierDeconnexionOidcResponse(
            cette_session=use_cases.cette_session(
                lecture=self._lecture,
                client_id=request.client_id,
                sid=request.sid,
                session_id=_session(),
            )
        )

    def ListConsentementsOidc(  # noqa: N802, D102
        self, request: pb.ListConsentementsOidcRequest, context: grpc.ServicerContext
    ) -> pb.ListConsentementsOidcResponse:
        del request, context
        donnes = persistence.lister_consentements(self._lecture, UUID(caller().subject))
        return pb.ListConsentementsOidcResponse(
            consentements=[
                pb.ConsentementOidc(
                    client_id=donne.client_id,
                    nom_fr=donne.nom_fr,
                    nom_en=donne.nom_en,
                    portees=donne.portees,
                    donne_le=donne.donne_le.isoformat(),
                )
                for donne in donnes
            ]
        )

    def RetirerConsentementOidc(  # noqa: N802, D102
        self, request: pb.RetirerConsentementOidcRequest, context: grpc.ServicerContext
    ) -> pb.RetirerConsentementOidcResponse:
        del context
        use_cases.retirer_consentement(
            sessions=self._sessions,
            regles=self._regles,
            request_id=request.request_id,
            compte_id=UUID(caller().subject),
            client_id=request.client_id,
            maintenant=self._horloge(),
        )
        return pb.RetirerConsentementOidcResponse()

    def ListClientsOidc(  # noqa: N802, D102
        self, request: pb.ListClientsOidcRequest, context: grpc.ServicerContext
    ) -> pb.ListClientsOidcResponse:
        del request, context
        return pb.ListClientsOidcResponse(
            clients=[client_dit(client) for client in oidc_clients.lister_clients(self._lecture)]
        )

    def EnregistrerClientOidc(  # noqa: N802, D102
        self, request: pb.EnregistrerClientOidcRequest, context: grpc.ServicerContext
    ) -> pb.EnregistrerClientOidcResponse:
        del context
        client_id, secret = use_cases.enregistrer_client(
            sessions=self._sessions,
            regles=self._regles,
            request_id=request.request_id,
            par=caller().subject,
            client=client_saisi(request.client),
            maintenant=self._horloge(),
        )
        return pb.EnregistrerClientOidcResponse(client_id=client_id, secret=secret)

    def RenouvelerSecretOidc(  # noqa: N802, D102
        self, request: pb.RenouvelerSecretOidcRequest, context: grpc.ServicerContext
    ) -> pb.RenouvelerSecretOidcResponse:
        del context
        secret = use_cases.renouveler_secret(
            sessions=self._sessions,
            regles=self._regles,
            request_id=request.request_id,
            par=caller().subject,
            client_id=request.client_id,
        )
        return pb.RenouvelerSecretOidcResponse(secret=secret)

    def DesactiverClientOidc(  # noqa: N802, D102
        self, request: pb.DesactiverClientOidcRequest, context: grpc.ServicerContext
    ) -> pb.DesactiverClientOidcResponse:
        del context
        use_cases.desactiver_client(
            sessions=self._sessions,
            regles=self._regles,
            request_id=request.request_id,
            par=caller().subject,
            client_id=request.client_id,
            desactive=request.desactive,
            maintenant=self._horloge(),
        )
        return pb.DesactiverClientOidcResponse()

    def OuvrirSessionAmont(  # noqa: N802, D102
        self, request: pb.OuvrirSessionAmontRequest, context: grpc.ServicerContext
    ) -> pb.OuvrirSessionAmontResponse:
        del context
        arrivee = use_cases.ouvrir_session_amont(
            sessions=self._sessions,
            domaine_ascii=self._domaine_ascii,
            regles=self._regles,
            regles_oidc=self._guichet.regles,
            identite=use_cases.IdentiteAmont(
                emetteur=request.emetteur,
                sujet=request.sujet,
                courriel=request.courriel,
                courriel_verifie=request.courriel_verifie,
            ),
            appareil=request.appareil,
            maintenant=self._horloge(),
        )
        return pb.OuvrirSessionAmontResponse(
            jeton_session=arrivee.jeton, billet=arrivee.billet, epreuve=arrivee.epreuve
        )

    def LierIdentiteAmont(  # noqa: N802, D102
        self, request: pb.LierIdentiteAmontRequest, context: grpc.ServicerContext
    ) -> pb.LierIdentiteAmontResponse:
        del context
        use_cases.lier_identite_amont(
            sessions=self._sessions,
            regles=self._regles,
            request_id=request.request_id,
            compte_id=UUID(caller().subject),
            billet=request.billet,
            maintenant=self._horloge(),
        )
        return pb.LierIdentiteAmontResponse()


def register(server: grpc.Server, servicer: OidcServicer) -> None:
    """Add the servicer to a server."""
    rpc.add_OidcServiceServicer_to_server(servicer, server)


def _session() -> UUID:
    """Give the caller's session. Raises: SessionExpiree for a token without one."""
    try:
        return UUID(caller().session)
    except ValueError as error:
        raise SessionExpiree from error


def _moment(texte: str) -> datetime | None:
    """Read a time of the gateway's. Raises: DonneesInvalides."""
    try:
        return datetime.fromisoformat(texte) if texte else None
    except ValueError as error:
        raise DonneesInvalides({"pas_avant": "VALEUR_INVALIDE"}) from error
