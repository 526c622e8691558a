"""The gRPC face of the bridges: messages to arguments, one act, its outcome to messages."""

import base64
import binascii
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from typing import Final
from uuid import UUID

import grpc
from sqlalchemy import Engine

from chassis.db import Sessions
from chassis.grpc_server import ErrorRow, caller
from espacecitoyen.identite.v1 import ponts_service_pb2 as pb
from espacecitoyen.identite.v1 import ponts_service_pb2_grpc as rpc
from services.identite.domain import DonneesInvalides
from services.identite.domain.ponts import (
    CompteTaxesNonLie,
    EmpreinteIllisible,
    EspaceFamilleNonOffert,
    EspaceFamilleRefuse,
    EtatLiaison,
    FichierInattendu,
    ImportEnCours,
    ImportInconnu,
    LiaisonDejaDecidee,
    LiaisonInconnue,
    Personne,
    Politique,
    Source,
    SystemeIndisponible,
)
from services.identite.persistence import ponts
from services.identite.use_cases.ponts import connecteurs, liaisons
from services.identite.use_cases.ponts.connecteurs import Systemes
from services.identite.use_cases.ports import Regles

SERVICE: Final = "espacecitoyen.identite.v1.PontsService"

_CITOYEN: Final = frozenset({"citoyen"})
_AGENT: Final = frozenset({"agent_comptes", "admin"})
ACCESS: Final[Mapping[str, frozenset[str]]] = {
    "ListComptesLies": _CITOYEN,
    "GetCompteTaxes": _CITOYEN,
    "LierEspaceFamille": _CITOYEN,
    "GetEspaceFamille": _CITOYEN,
    "DelierEspaceFamille": _CITOYEN,
    "DelierCompte": _CITOYEN | _AGENT,
    "ListLiaisons": _AGENT,
    "DeciderLiaison": _AGENT,
}

_CODE: Final = grpc.StatusCode
ERRORS: Final[Mapping[type[Exception], ErrorRow]] = {
    LiaisonInconnue: ErrorRow(_CODE.NOT_FOUND, "LIAISON_INCONNUE"),
    LiaisonDejaDecidee: ErrorRow(_CODE.FAILED_PRECONDITION, "LIAISON_DEJA_DECIDEE"),
    CompteTaxesNonLie: ErrorRow(_CODE.NOT_FOUND, "COMPTE_TAXES_NON_LIE"),
    EspaceFamilleNonOffert: ErrorRow(_CODE.FAILED_PRECONDITION, "ESPACE_FAMILLE_NON_OFFERT"),
    EspaceFamilleRefuse: ErrorRow(_CODE.INVALID_ARGUMENT, "ESPACE_FAMILLE_REFUSE"),
    # Not UNAVAILABLE: ours answers, and trying again at once would help nobody.
    SystemeIndisponible: ErrorRow(_CODE.FAILED_PRECONDITION, "SYSTEME_LIE_INDISPONIBLE"),
    # Facts of the operator's commands, which no RPC meets.
    EmpreinteIllisible: ErrorRow(_CODE.INVALID_ARGUMENT, "EMPREINTE_ILLISIBLE"),
    FichierInattendu: ErrorRow(_CODE.INVALID_ARGUMENT, "FICHIER_INATTENDU"),
    ImportEnCours: ErrorRow(_CODE.FAILED_PRECONDITION, "IMPORT_EN_COURS"),
    ImportInconnu: ErrorRow(_CODE.NOT_FOUND, "IMPORT_INCONNU"),
}

_PAGE: Final = 25
_PAGE_MAX: Final = 100
_AGENTS: Final = frozenset({"agent_comptes", "admin"})


class PontsServicer(rpc.PontsServiceServicer):
    """One method per RPC; what each guarantees is written in the contract."""

    def __init__(
        self,
        *,
        sessions: Sessions,
        lecture: Engine,
        systemes: Systemes,
        politique: Politique,
        regles: Regles,
        horloge: Callable[[], datetime],
    ) -> None:
        self._sessions = sessions
        self._lecture = lecture
        self._systemes = systemes
        self._politique = politique
        self._regles = regles
        self._horloge = horloge

    def ListComptesLies(  # noqa: N802, D102  (the contract names and describes it)
        self, request: pb.ListComptesLiesRequest, context: grpc.ServicerContext
    ) -> pb.ListComptesLiesResponse:
        del request, context
        compte_id = UUID(caller().subject)
        confirme = liaisons.rapprocher(
            sessions=self._sessions,
            politique=self._politique,
            compte_id=compte_id,
            maintenant=self._horloge(),
        )
        lies = ponts.liaisons_de(self._lecture, compte_id)
        famille = ponts.lien_famille(self._lecture, compte_id)
        regle = self._politique.gagnante(
            Source(lie.source) for lie in lies if lie.ouvert and lie.etat == EtatLiaison.LIE
        )
        return pb.ListComptesLiesResponse(
            comptes=[
                pb.CompteLie(
                    liaison_id=str(lie.id),
                    source=lie.source,
                    reference=lie.reference,
                    etat=lie.etat,
                    change_le=_instant(lie.change_le),
                )
                for lie in lies
            ],
            regle=regle or "",
            famille_offerte=self._systemes.famille is not None,
            famille_code=famille.code if famille else "",
            famille_liee_le=_instant(famille.lie_le) if famille else "",
            taxes_offertes=self._systemes.taxes is not None,
            courriel_a_confirmer=not confirme,
        )

    def GetCompteTaxes(  # noqa: N802, D102
        self, request: pb.GetCompteTaxesRequest, context: grpc.ServicerContext
    ) -> pb.GetCompteTaxesResponse:
        del request, context
        lu = connecteurs.lire_taxes(
            lecture=self._lecture, systemes=self._systemes, compte_id=UUID(caller().subject)
        )
        return pb.GetCompteTaxesResponse(
            reference=lu.reference,
            immeuble=lu.immeuble,
            solde_cents=lu.solde_cents,
            factures=[
                pb.Facture(
                    numero=each.numero,
                    libelle=each.libelle,
                    emise_le=each.emise_le.isoformat(),
                    montant_cents=each.montant_cents,
                    solde_cents=each.solde_cents,
                )
                for each in lu.factures
            ],
            echeances=[
                pb.Echeance(
                    date=each.le.isoformat(),
                    montant_cents=each.montant_cents,
                    acquittee=each.acquittee,
                )
                for each in lu.echeances
            ],
            lu_le=_instant(self._horloge()),
        )

    def LierEspaceFamille(  # noqa: N802, D102
        self, request: pb.LierEspaceFamilleRequest, context: grpc.ServicerContext
    ) -> pb.LierEspaceFamilleResponse:
        del context
        connecteurs.lier_famille(
            sessions=self._sessions,
            lecture=self._lecture,
            systemes=self._systemes,
            regles=self._regles,
            request_id=request.request_id,
            compte_id=UUID(caller().subject),
            code=request.code,
            mot_de_passe=request.mot_de_passe,
            maintenant=self._horloge(),
        )
        return pb.LierEspaceFamilleResponse()

    def GetEspaceFamille(  # noqa: N802, D102
        self, request: pb.GetEspaceFamilleRequest, context: grpc.ServicerContext
    ) -> pb.GetEspaceFamilleResponse:
        del request, context
        lue = connecteurs.lire_famille(
            lecture=self._lecture, systemes=self._systemes, compte_id=UUID(caller().subject)
        )
        if lue is None:
            return pb.GetEspaceFamilleResponse()
        return pb.GetEspaceFamilleResponse(
            famille=lue.nom,
            inscriptions=[
                pb.InscriptionFamille(
                    enfant=each.enfant, activite=each.activite, debut=each.debut.isoformat()
                )
                for each in lue.inscriptions
            ],
            lu_le=_instant(self._horloge()),
        )

    def DelierEspaceFamille(  # noqa: N802, D102
        self, request: pb.DelierEspaceFamilleRequest, context: grpc.ServicerContext
    ) -> pb.DelierEspaceFamilleResponse:
        del context
        connecteurs.delier_famille(
            sessions=self._sessions,
            lecture=self._lecture,
            systemes=self._systemes,
            regles=self._regles,
            request_id=request.request_id,
            compte_id=UUID(caller().subject),
        )
        return pb.DelierEspaceFamilleResponse()

    def DelierCompte(  # noqa: N802, D102
        self, request: pb.DelierCompteRequest, context: grpc.ServicerContext
    ) -> pb.DelierCompteResponse:
        del context
        liaisons.delier(
            sessions=self._sessions,
            regles=self._regles,
            request_id=request.request_id,
            liaison_id=_liaison_id(request.liaison_id),
            par=caller().subject,
            motif=request.motif,
            agent=bool(caller().roles & _AGENTS),
            maintenant=self._horloge(),
        )
        return pb.DelierCompteResponse()

    def ListLiaisons(  # noqa: N802, D102
        self, request: pb.ListLiaisonsRequest, context: grpc.ServicerContext
    ) -> pb.ListLiaisonsResponse:
        del context
        nombre = min(max(request.page_size or _PAGE, 1), _PAGE_MAX)
        lues = ponts.liaisons_a_decider(
            self._lecture, apres=_curseur(request.page_token), nombre=nombre + 1
        )
        suite = lues[nombre - 1] if len(lues) > nombre else None
        return pb.ListLiaisonsResponse(
            liaisons=[self._liaison(each) for each in lues[:nombre]],
            next_page_token=_jeton_page(suite) if suite else "",
        )

    def DeciderLiaison(  # noqa: N802, D102
        self, request: pb.DeciderLiaisonRequest, context: grpc.ServicerContext
    ) -> pb.DeciderLiaisonResponse:
        del context
        liaisons.decider_liaison(
            sessions=self._sessions,
            regles=self._regles,
            request_id=request.request_id,
            liaison_id=_liaison_id(request.liaison_id),
            lier=request.lier,
            motif=request.motif,
            agent_id=caller().subject,
            maintenant=self._horloge(),
        )
        return pb.DeciderLiaisonResponse()

    def _liaison(self, lue: ponts.ADecider) -> pb.Liaison:
        la_bas = Personne(prenom=lue.prenom, nom=lue.nom, date_naissance=lue.date_naissance)
        ici = Personne(
            prenom=lue.ici_prenom, nom=lue.ici_nom, date_naissance=lue.ici_date_naissance
        )
        return pb.Liaison(
            liaison_id=str(lue.id),
            source=lue.source,
            reference=lue.reference,
            courriel=lue.courriel,
            compte_id=str(lue.compte_id),
            la_bas=_personne(la_bas),
            ici=_personne(ici),
            ecarts=self._politique.ecarts(la_bas, ici),
            depuis=_instant(lue.change_le),
        )


def register(server: grpc.Server, servicer: PontsServicer) -> None:
    """Add the servicer to a server."""
    rpc.add_PontsServiceServicer_to_server(servicer, server)


def _personne(personne: Personne) -> pb.PersonneLiee:
    naissance: date | None = personne.date_naissance
    return pb.PersonneLiee(
        prenom=personne.prenom,
        nom=personne.nom,
        date_naissance=naissance.isoformat() if naissance else "",
    )


def _instant(quand: datetime) -> str:
    return quand.astimezone(UTC).isoformat()


def _liaison_id(texte: str) -> UUID:
    try:
        return UUID(texte)
    except ValueError as error:
        raise LiaisonInconnue from error


def _jeton_page(derniere: ponts.ADecider) -> str:
    brut = f"{derniere.change_le.isoformat()} {derniere.id}"
    return base64.urlsafe_b64encode(brut.encode()).decode()


def _curseur(jeton: str) -> tuple[datetime, UUID] | None:
    if not jeton:
        return None
    try:
        quand, _, identifiant = base64.urlsafe_b64decode(jeton).decode().partition(" ")
        return datetime.fromisoformat(quand), UUID(identifiant)
    except (ValueError, binascii.Error) as error:
        raise DonneesInvalides({"page_token": "CURSEUR_INVALIDE"}) from error
