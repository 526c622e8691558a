"""The gRPC face of identite: messages to arguments, one act, its outcome to messages."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Final
from uuid import UUID

import grpc
from sqlalchemy import Engine

from chassis.db import Sessions
from chassis.grpc_server import ErrorRow, caller
from espacecitoyen.identite.v1 import identite_service_pb2 as pb
from espacecitoyen.identite.v1 import identite_service_pb2_grpc as rpc
from services.identite import persistence, use_cases
from services.identite.api.coordonnees_formes import a_verifier
from services.identite.api.facteurs import preuves_de_session
from services.identite.domain import (
    Compte,
    CompteIntrouvable,
    CompteNonActive,
    DonneesInvalides,
    IdentifiantsInvalides,
    LienDejaUtilise,
    LienExpire,
    LienInconnu,
    NomUtilisateurPris,
    Role,
    Saisie,
    SessionExpiree,
    StatutCompte,
    TropDeTentatives,
    TropOccupe,
)
from services.identite.domain.defi import Reponse

SERVICE: Final = "espacecitoyen.identite.v1.IdentiteService"

# A visitor who is logged in may also open a mailed link or log in again: any valid token passes
# where the act proves by itself who may do it.
_TOUS: Final = frozenset({"*"})
ACCESS: Final[Mapping[str, frozenset[str]]] = {
    "CreerCompte": _TOUS,
    "RenvoyerActivation": _TOUS,
    "ActiverCompte": _TOUS,
    "OuvrirSession": _TOUS,
    "VerifierSession": _TOUS,
    "FermerSession": _TOUS,
    "DemanderReinitialisation": _TOUS,
    "ReinitialiserMotDePasse": _TOUS,
    "GetProfil": frozenset(role.value for role in Role),
}

_CODE: Final = grpc.StatusCode
ERRORS: Final[Mapping[type[Exception], ErrorRow]] = {
    DonneesInvalides: ErrorRow(_CODE.INVALID_ARGUMENT, "DONNEES_INVALIDES"),
    NomUtilisateurPris: ErrorRow(_CODE.INVALID_ARGUMENT, "NOM_UTILISATEUR_PRIS"),
    LienInconnu: ErrorRow(_CODE.NOT_FOUND, "LIEN_INCONNU"),
    LienExpire: ErrorRow(_CODE.FAILED_PRECONDITION, "LIEN_EXPIRE"),
    LienDejaUtilise: ErrorRow(_CODE.FAILED_PRECONDITION, "LIEN_DEJA_UTILISE"),
    IdentifiantsInvalides: ErrorRow(_CODE.UNAUTHENTICATED, "IDENTIFIANTS_INVALIDES"),
    CompteNonActive: ErrorRow(_CODE.FAILED_PRECONDITION, "COMPTE_NON_ACTIVE"),
    CompteIntrouvable: ErrorRow(_CODE.NOT_FOUND, "COMPTE_INTROUVABLE"),
    SessionExpiree: ErrorRow(_CODE.UNAUTHENTICATED, "SESSION_EXPIREE"),
    TropDeTentatives: ErrorRow(_CODE.RESOURCE_EXHAUSTED, "TROP_DE_TENTATIVES"),
    # Not UNAVAILABLE: clients would try again at once and feed the overload.
    TropOccupe: ErrorRow(_CODE.RESOURCE_EXHAUSTED, "TROP_OCCUPE"),
}

_STATUTS: Final = {
    StatutCompte.EN_ATTENTE_ACTIVATION: pb.STATUT_COMPTE_EN_ATTENTE_ACTIVATION,
    StatutCompte.ACTIF: pb.STATUT_COMPTE_ACTIF,
    StatutCompte.DESACTIVE: pb.STATUT_COMPTE_DESACTIVE,
}


def utc_now() -> datetime:
    """Give the present, aware, in UTC."""
    return datetime.now(UTC)


class IdentiteServicer(rpc.IdentiteServiceServicer):
    """One method per RPC; what each guarantees is written in the contract."""

    def __init__(
        self,
        *,
        sessions: Sessions,
        lecture: Engine,
        hacheur: use_cases.Hacheur,
        assez_fort: use_cases.AssezFort,
        domaine_ascii: use_cases.DomaineAscii,
        regles: use_cases.Regles,
        horloge: Callable[[], datetime] = utc_now,
    ) -> None:
        self._sessions = sessions
        self._lecture = lecture
        self._hacheur = hacheur
        self._assez_fort = assez_fort
        self._domaine_ascii = domaine_ascii
        self._regles = regles
        self._horloge = horloge

    @property
    def hacheur(self) -> use_cases.Hacheur:
        """The hasher: the other faces share its bound on hashes at once."""
        return self._hacheur

    def CreerCompte(  # noqa: N802, D102  (the contract names and describes it)
        self, request: pb.CreerCompteRequest, context: grpc.ServicerContext
    ) -> pb.CreerCompteResponse:
        del context
        use_cases.creer_compte(
            sessions=self._sessions,
            hacheur=self._hacheur,
            assez_fort=self._assez_fort,
            domaine_ascii=self._domaine_ascii,
            regles=self._regles,
            request_id=request.request_id,
            saisie=Saisie(
                courriel=request.courriel,
                mot_de_passe=request.mot_de_passe,
                prenom=request.prenom,
                nom=request.nom,
                nom_utilisateur=request.nom_utilisateur,
                date_naissance=request.date_naissance,
                adresse_ligne=request.adresse.ligne,
                adresse_ville=request.adresse.ville,
                adresse_code_postal=request.adresse.code_postal,
                telephone=request.telephone,
                langue=request.langue,
                categories=tuple(request.categories),
                canaux=tuple(request.canaux),
            ),
            maintenant=self._horloge(),
            reponse=_reponse(request),
            adresse_ip=request.adresse_ip,
        )
        return pb.CreerCompteResponse()

    def RenvoyerActivation(  # noqa: N802, D102
        self, request: pb.RenvoyerActivationRequest, context: grpc.ServicerContext
    ) -> pb.RenvoyerActivationResponse:
        del context
        use_cases.renvoyer_activation(
            sessions=self._sessions,
            domaine_ascii=self._domaine_ascii,
            regles=self._regles,
            request_id=request.request_id,
            adresse=request.courriel,
            maintenant=self._horloge(),
        )
        return pb.RenvoyerActivationResponse()

    def ActiverCompte(  # noqa: N802, D102
        self, request: pb.ActiverCompteRequest, context: grpc.ServicerContext
    ) -> pb.ActiverCompteResponse:
        del context
        compte_id = use_cases.activer_compte(
            sessions=self._sessions,
            regles=self._regles,
            request_id=request.request_id,
            jeton=request.jeton,
            maintenant=self._horloge(),
        )
        return pb.ActiverCompteResponse(compte_id=compte_id)

    def OuvrirSession(  # noqa: N802, D102
        self, request: pb.OuvrirSessionRequest, context: grpc.ServicerContext
    ) -> pb.OuvrirSessionResponse:
        del context
        connexion = use_cases.ouvrir_session(
            sessions=self._sessions,
            hacheur=self._hacheur,
            domaine_ascii=self._domaine_ascii,
            regles=self._regles,
            identifiant=request.identifiant,
            mot_de_passe=request.mot_de_passe,
            adresse_ip=request.adresse_ip,
            appareil=request.appareil,
            agent=request.agent,
            maintenant=self._horloge(),
            reponse=_reponse(request),
            jeton_appareil=request.jeton_appareil,
        )
        if connexion.epreuve:
            return pb.OuvrirSessionResponse(epreuve=connexion.epreuve)
        return pb.OuvrirSessionResponse(
            jeton_session=connexion.jeton,
            profil=_profil(connexion.compte),
            expire_le=connexion.ouverte.expire_le.isoformat(),
            jeton_appareil=connexion.jeton_appareil,
            premiere_connexion=connexion.premiere,
        )

    def VerifierSession(  # noqa: N802, D102
        self, request: pb.VerifierSessionRequest, context: grpc.ServicerContext
    ) -> pb.VerifierSessionResponse:
        del context
        maintenant = self._horloge()
        ouverte = use_cases.verifier_session(
            lecture=self._lecture, jeton=request.jeton_session, maintenant=maintenant
        )
        return pb.VerifierSessionResponse(
            compte_id=str(ouverte.compte_id),
            session_id=str(ouverte.id),
            roles=sorted(ouverte.roles_effectifs(maintenant)),
            prenom=ouverte.prenom,
            nom=ouverte.nom,
            langue=ouverte.langue,
            expire_le=ouverte.expire_le.isoformat(),
            **preuves_de_session(ouverte, maintenant),
        )

    def FermerSession(  # noqa: N802, D102
        self, request: pb.FermerSessionRequest, context: grpc.ServicerContext
    ) -> pb.FermerSessionResponse:
        del context
        use_cases.fermer_session(sessions=self._sessions, jeton=request.jeton_session)
        return pb.FermerSessionResponse()

    def DemanderReinitialisation(  # noqa: N802, D102
        self, request: pb.DemanderReinitialisationRequest, context: grpc.ServicerContext
    ) -> pb.DemanderReinitialisationResponse:
        del context
        use_cases.demander_reinitialisation(
            sessions=self._sessions,
            domaine_ascii=self._domaine_ascii,
            regles=self._regles,
            request_id=request.request_id,
            adresse=request.courriel,
            adresse_ip=request.adresse_ip,
            maintenant=self._horloge(),
        )
        return pb.DemanderReinitialisationResponse()

    def ReinitialiserMotDePasse(  # noqa: N802, D102
        self, request: pb.ReinitialiserMotDePasseRequest, context: grpc.ServicerContext
    ) -> pb.ReinitialiserMotDePasseResponse:
        del context
        use_cases.reinitialiser_mot_de_passe(
            sessions=self._sessions,
            hacheur=self._hacheur,
            assez_fort=self._assez_fort,
            regles=self._regles,
            request_id=request.request_id,
            jeton=request.jeton,
            mot_de_passe=request.mot_de_passe,
            maintenant=self._horloge(),
        )
        return pb.ReinitialiserMotDePasseResponse()

    def GetProfil(  # noqa: N802, D102
        self, request: pb.GetProfilRequest, context: grpc.ServicerContext
    ) -> pb.GetProfilResponse:
        del request, context
        profil = persistence.lire_profil(self._lecture, UUID(caller().subject))
        if profil is None:
            raise CompteIntrouvable
        return pb.GetProfilResponse(profil=_profil(profil))


def register(server: grpc.Server, servicer: IdentiteServicer) -> None:
    """Add the servicer to a server."""
    rpc.add_IdentiteServiceServicer_to_server(servicer, server)


def _reponse(request: pb.CreerCompteRequest | pb.OuvrirSessionRequest) -> Reponse:
    return Reponse(defi=request.defi, preuve=request.preuve, code=request.code_securite)


def _profil(compte: Compte | persistence.ProfilLu) -> pb.Profil:
    return pb.Profil(
        compte_id=str(compte.id),
        courriel=compte.courriel,
        prenom=compte.prenom,
        nom=compte.nom,
        nom_utilisateur=compte.nom_utilisateur or "",
        date_naissance=compte.date_naissance.isoformat() if compte.date_naissance else "",
        adresse=pb.Adresse(
            ligne=compte.adresse_ligne,
            ville=compte.adresse_ville,
            code_postal=compte.adresse_code_postal,
        ),
        telephone=compte.telephone,
        langue=compte.langue,
        statut=_STATUTS[StatutCompte(compte.statut)],
        roles=compte.roles,
        moyen_prefere=getattr(compte, "moyen_prefere", ""),
        a_verifier=[a_verifier(ligne) for ligne in getattr(compte, "a_verifier", ())],
    )
