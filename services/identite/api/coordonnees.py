"""The gRPC face of contact points: messages to arguments, one act, its outcome to messages."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Final
from uuid import UUID

import grpc

from chassis.db import Sessions
from chassis.grpc_server import ErrorRow, caller
from espacecitoyen.identite.v1 import coordonnee_pb2 as points
from espacecitoyen.identite.v1 import coordonnees_service_pb2 as pb
from espacecitoyen.identite.v1 import coordonnees_service_pb2_grpc as rpc
from services.identite.api.coordonnees_formes import (
    compte_trouve,
    coordonnee,
    dossier,
    mon_profil,
    recuperation,
)
from services.identite.domain import CompteIntrouvable, DonneesInvalides
from services.identite.domain.code import (
    BudgetEpuise,
    CanalCode,
    CodeExpire,
    CodeInvalide,
    TropDeCodes,
)
from services.identite.domain.coordonnees import (
    CellulaireDejaPris,
    CoordonneeDejaConnue,
    CoordonneeDejaVerifiee,
    CoordonneeGelee,
    CoordonneeIntrouvable,
    CourrielDejaPris,
    Genre,
    MemeAgent,
    Modification,
    NumeroRefuse,
    ProprePersonne,
    RecuperationDecidee,
    RecuperationEnCours,
    RecuperationIntrouvable,
    TropDeCoordonnees,
    VersionPerimee,
)
from services.identite.use_cases import coordonnees as profil
from services.identite.use_cases import coordonnees_agents as agents
from services.identite.use_cases import coordonnees_codes as codes
from services.identite.use_cases import coordonnees_recuperation as recuperations
from services.identite.use_cases.coordonnees_courriel import confirmer_courriel
from services.identite.use_cases.coordonnees_regles import ReglesCoordonnees

SERVICE: Final = "espacecitoyen.identite.v1.CoordonneesService"

_CITOYEN: Final = frozenset({"citoyen"})
_AGENT: Final = frozenset({"agent_comptes", "admin"})
ACCESS: Final[Mapping[str, frozenset[str]]] = {
    "GetMonProfil": _CITOYEN,
    "ModifierProfil": _CITOYEN,
    "AjouterCoordonnee": _CITOYEN,
    "RetirerCoordonnee": _CITOYEN,
    "DemanderCode": _CITOYEN,
    "ValiderCoordonnee": _CITOYEN,
    # The link proves by itself who may.
    "ConfirmerCourriel": frozenset({"*"}),
    "ArreterRecuperation": _CITOYEN,
    "ListComptes": _AGENT,
    "GetCompte": _AGENT,
    "CorrigerCompte": _AGENT,
    "DemanderRecuperation": _AGENT,
    "DeciderRecuperation": _AGENT,
    "ListRecuperations": _AGENT,
}

_CODE: Final = grpc.StatusCode
ERRORS: Final[Mapping[type[Exception], ErrorRow]] = {
    CodeInvalide: ErrorRow(_CODE.INVALID_ARGUMENT, "CODE_INVALIDE"),
    CodeExpire: ErrorRow(_CODE.FAILED_PRECONDITION, "CODE_EXPIRE"),
    TropDeCodes: ErrorRow(_CODE.RESOURCE_EXHAUSTED, "TROP_DE_CODES"),
    BudgetEpuise: ErrorRow(_CODE.RESOURCE_EXHAUSTED, "BUDGET_EPUISE"),
    CoordonneeIntrouvable: ErrorRow(_CODE.NOT_FOUND, "COORDONNEE_INTROUVABLE"),
    CoordonneeDejaConnue: ErrorRow(_CODE.INVALID_ARGUMENT, "COORDONNEE_DEJA_CONNUE"),
    CoordonneeDejaVerifiee: ErrorRow(_CODE.FAILED_PRECONDITION, "COORDONNEE_DEJA_VERIFIEE"),
    CoordonneeGelee: ErrorRow(_CODE.FAILED_PRECONDITION, "COORDONNEE_GELEE"),
    TropDeCoordonnees: ErrorRow(_CODE.FAILED_PRECONDITION, "TROP_DE_COORDONNEES"),
    CellulaireDejaPris: ErrorRow(_CODE.FAILED_PRECONDITION, "CELLULAIRE_DEJA_PRIS"),
    CourrielDejaPris: ErrorRow(_CODE.FAILED_PRECONDITION, "COURRIEL_DEJA_PRIS"),
    NumeroRefuse: ErrorRow(_CODE.INVALID_ARGUMENT, "NUMERO_REFUSE"),
    VersionPerimee: ErrorRow(_CODE.ABORTED, "VERSION_PERIMEE"),
    RecuperationIntrouvable: ErrorRow(_CODE.NOT_FOUND, "RECUPERATION_INTROUVABLE"),
    RecuperationEnCours: ErrorRow(_CODE.FAILED_PRECONDITION, "RECUPERATION_EN_COURS"),
    RecuperationDecidee: ErrorRow(_CODE.FAILED_PRECONDITION, "RECUPERATION_DECIDEE"),
    MemeAgent: ErrorRow(_CODE.PERMISSION_DENIED, "MEME_AGENT"),
    ProprePersonne: ErrorRow(_CODE.PERMISSION_DENIED, "PROPRE_PERSONNE"),
}

_GENRES: Final = {
    points.GENRE_COORDONNEE_CELLULAIRE: Genre.CELLULAIRE,
    points.GENRE_COORDONNEE_FIXE: Genre.FIXE,
}
_CANAUX: Final = {pb.CANAL_CODE_TEXTO: CanalCode.TEXTO, pb.CANAL_CODE_APPEL: CanalCode.APPEL}


class CoordonneesServicer(rpc.CoordonneesServiceServicer):
    """One method per RPC; what each guarantees is written in the contract."""

    def __init__(
        self,
        *,
        sessions: Sessions,
        regles: ReglesCoordonnees,
        horloge: Callable[[], datetime],
    ) -> None:
        self._sessions = sessions
        self._regles = regles
        self._horloge = horloge

    def GetMonProfil(  # noqa: N802, D102  (the contract names and describes it)
        self, request: pb.GetMonProfilRequest, context: grpc.ServicerContext
    ) -> pb.GetMonProfilResponse:
        del request, context
        return pb.GetMonProfilResponse(mon_profil=self._mon_profil())

    def ModifierProfil(  # noqa: N802, D102
        self, request: pb.ModifierProfilRequest, context: grpc.ServicerContext
    ) -> pb.ModifierProfilResponse:
        del context
        profil.modifier_profil(
            sessions=self._sessions,
            regles=self._regles,
            request_id=request.request_id,
            compte_id=_appelant(),
            version=request.version,
            modification=Modification(
                adresse_ligne=request.adresse.ligne,
                adresse_ville=request.adresse.ville,
                adresse_code_postal=request.adresse.code_postal,
                langue=request.langue,
                categories=tuple(request.categories),
                canaux=tuple(request.canaux),
                moyen_prefere=request.moyen_prefere,
                date_naissance=request.date_naissance,
                prenom=request.prenom,
                nom=request.nom,
            ),
            maintenant=self._horloge(),
        )
        return pb.ModifierProfilResponse(mon_profil=self._mon_profil())

    def AjouterCoordonnee(  # noqa: N802, D102
        self, request: pb.AjouterCoordonneeRequest, context: grpc.ServicerContext
    ) -> pb.AjouterCoordonneeResponse:
        del context
        if request.genre not in _GENRES:
            raise DonneesInvalides({"genre": "VALEUR_INVALIDE"})
        une = profil.ajouter_coordonnee(
            sessions=self._sessions,
            regles=self._regles,
            request_id=request.request_id,
            compte_id=_appelant(),
            numero=request.numero,
            genre=_GENRES[request.genre],
            remplace_id=_id(request.remplace_id) if request.remplace_id else None,
            maintenant=self._horloge(),
        )
        return pb.AjouterCoordonneeResponse(coordonnee=coordonnee(une))

    def RetirerCoordonnee(  # noqa: N802, D102
        self, request: pb.RetirerCoordonneeRequest, context: grpc.ServicerContext
    ) -> pb.RetirerCoordonneeResponse:
        del context
        profil.retirer_coordonnee(
            sessions=self._sessions,
            regles=self._regles,
            request_id=request.request_id,
            compte_id=_appelant(),
            coordonnee_id=_id(request.coordonnee_id),
            maintenant=self._horloge(),
        )
        return pb.RetirerCoordonneeResponse()

    def DemanderCode(  # noqa: N802, D102
        self, request: pb.DemanderCodeRequest, context: grpc.ServicerContext
    ) -> pb.DemanderCodeResponse:
        del context
        if request.canal not in _CANAUX:
            raise DonneesInvalides({"canal": "VALEUR_INVALIDE"})
        expire_le = codes.demander_code(
            sessions=self._sessions,
            regles=self._regles,
            request_id=request.request_id,
            compte_id=_appelant(),
            session_id=caller().session,
            coordonnee_id=_id(request.coordonnee_id),
            canal=_CANAUX[request.canal],
            adresse_ip=request.adresse_ip,
            maintenant=self._horloge(),
        )
        return pb.DemanderCodeResponse(expire_le=expire_le.isoformat())

    def ValiderCoordonnee(  # noqa: N802, D102
        self, request: pb.ValiderCoordonneeRequest, context: grpc.ServicerContext
    ) -> pb.ValiderCoordonneeResponse:
        del context
        une = codes.valider_coordonnee(
            sessions=self._sessions,
            regles=self._regles,
            request_id=request.request_id,
            compte_id=_appelant(),
            session_id=caller().session,
            coordonnee_id=_id(request.coordonnee_id),
            saisie=request.code,
            maintenant=self._horloge(),
        )
        return pb.ValiderCoordonneeResponse(coordonnee=coordonnee(une))

    def ConfirmerCourriel(  # noqa: N802, D102
        self, request: pb.ConfirmerCourrielRequest, context: grpc.ServicerContext
    ) -> pb.ConfirmerCourrielResponse:
        del context
        secret = confirmer_courriel(
            sessions=self._sessions,
            regles=self._regles,
            request_id=request.request_id,
            jeton=request.jeton,
            maintenant=self._horloge(),
        )
        return pb.ConfirmerCourrielResponse(jeton_reinitialisation=secret)

    def ArreterRecuperation(  # noqa: N802, D102
        self, request: pb.ArreterRecuperationRequest, context: grpc.ServicerContext
    ) -> pb.ArreterRecuperationResponse:
        del context
        recuperations.arreter_recuperation(
            sessions=self._sessions,
            regles=self._regles,
            request_id=request.request_id,
            compte_id=_appelant(),
            recuperation_id=_id(request.recuperation_id, RecuperationIntrouvable),
            maintenant=self._horloge(),
        )
        return pb.ArreterRecuperationResponse()

    def ListComptes(  # noqa: N802, D102
        self, request: pb.ListComptesRequest, context: grpc.ServicerContext
    ) -> pb.ListComptesResponse:
        del context
        trouves, d_autres = agents.lister_comptes(
            sessions=self._sessions,
            regles=self._regles,
            agent_id=_appelant(),
            recherche=request.recherche,
        )
        return pb.ListComptesResponse(
            comptes=[compte_trouve(une) for une in trouves], d_autres=d_autres
        )

    def GetCompte(  # noqa: N802, D102
        self, request: pb.GetCompteRequest, context: grpc.ServicerContext
    ) -> pb.GetCompteResponse:
        del context
        return pb.GetCompteResponse(
            dossier=self._dossier(_id(request.compte_id, CompteIntrouvable))
        )

    def CorrigerCompte(  # noqa: N802, D102
        self, request: pb.CorrigerCompteRequest, context: grpc.ServicerContext
    ) -> pb.CorrigerCompteResponse:
        del context
        compte_id = _id(request.compte_id, CompteIntrouvable)
        agents.corriger_compte(
            sessions=self._sessions,
            regles=self._regles,
            request_id=request.request_id,
            agent_id=_appelant(),
            compte_id=compte_id,
            version=request.version,
            correct=agents.CompteCorrect(
                prenom=request.prenom,
                nom=request.nom,
                courriel=request.courriel,
                motif=request.motif,
            ),
            maintenant=self._horloge(),
        )
        return pb.CorrigerCompteResponse(dossier=self._dossier(compte_id))

    def DemanderRecuperation(  # noqa: N802, D102
        self, request: pb.DemanderRecuperationRequest, context: grpc.ServicerContext
    ) -> pb.DemanderRecuperationResponse:
        del context
        recuperation_id = recuperations.demander_recuperation(
            sessions=self._sessions,
            regles=self._regles,
            request_id=request.request_id,
            agent_id=_appelant(),
            compte_id=_id(request.compte_id, CompteIntrouvable),
            nouveau_courriel=request.nouveau_courriel,
            controles=request.controles,
            note=request.note,
            maintenant=self._horloge(),
        )
        return pb.DemanderRecuperationResponse(recuperation=self._une(recuperation_id))

    def DeciderRecuperation(  # noqa: N802, D102
        self, request: pb.DeciderRecuperationRequest, context: grpc.ServicerContext
    ) -> pb.DeciderRecuperationResponse:
        del context
        recuperation_id = _id(request.recuperation_id, RecuperationIntrouvable)
        recuperations.decider_recuperation(
            sessions=self._sessions,
            regles=self._regles,
            request_id=request.request_id,
            agent_id=_appelant(),
            recuperation_id=recuperation_id,
            approuver=request.approuver,
            motif=request.motif,
            maintenant=self._horloge(),
        )
        return pb.DeciderRecuperationResponse(recuperation=self._une(recuperation_id))

    def ListRecuperations(  # noqa: N802, D102
        self, request: pb.ListRecuperationsRequest, context: grpc.ServicerContext
    ) -> pb.ListRecuperationsResponse:
        del request, context
        siennes, noms = recuperations.lister_recuperations(
            sessions=self._sessions, agent_id=_appelant()
        )
        return pb.ListRecuperationsResponse(
            recuperations=[recuperation(une, noms, _appelant()) for une in siennes]
        )

    def _mon_profil(self) -> pb.MonProfil:
        lu = profil.mon_profil(sessions=self._sessions, compte_id=_appelant())
        return mon_profil(lu, self._regles)

    def _dossier(self, compte_id: UUID) -> pb.DossierCompte:
        lu = agents.lire_dossier(
            sessions=self._sessions,
            agent_id=_appelant(),
            compte_id=compte_id,
            objet=caller().purpose or "correction",
        )
        return dossier(lu, self._regles, _appelant())

    def _une(self, recuperation_id: UUID) -> pb.Recuperation:
        une, noms = recuperations.lire_recuperation(
            sessions=self._sessions, recuperation_id=recuperation_id
        )
        return recuperation(une, noms, _appelant())


def register(server: grpc.Server, servicer: CoordonneesServicer) -> None:
    """Add the servicer to a server."""
    rpc.add_CoordonneesServiceServicer_to_server(servicer, server)


def _appelant() -> UUID:
    return UUID(caller().subject)


def _id(texte: str, sinon: type[Exception] = CoordonneeIntrouvable) -> UUID:
    """Read an id; what is none names nothing."""
    try:
        return UUID(texte)
    except ValueError:
        raise sinon from None
