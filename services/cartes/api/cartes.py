"""The gRPC side of the service: messages to arguments, one use case, and back.

ACCESS says which roles may call what; ERRORS says what each fact of the domain is on the wire.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

import grpc

from chassis.db import Sessions
from chassis.grpc_server import ErrorRow, caller
from espacecitoyen.cartes.v1 import cartes_service_pb2 as messages
from espacecitoyen.cartes.v1.cartes_service_pb2_grpc import (
    CartesServiceServicer,
    add_CartesServiceServicer_to_server,
)
from services.cartes import domain, persistence, use_cases
from services.cartes.domain import (
    Carte,
    DecisionPiece,
    Demande,
    DonneesInvalides,
    GenreDemande,
    MotifRefus,
    PieceJustificative,
    Regles,
    RolePiece,
    StatutCarte,
    StatutDemande,
    StatutPieceJustificative,
    horodatage,
    jour_local,
)
from services.cartes.persistence import CarteLue, identifiant

SERVICE = messages.DESCRIPTOR.services_by_name["CartesService"].full_name
NOM_FICHIER = "carte-citoyen.pkpass"
TAILLE_PAGE = 25
TAILLE_PAGE_MAX = 100

_CITOYEN = frozenset({"citoyen"})
# Cards are also read on somebody's behalf, by whoever holds a mandate over them (IDN-21).
_LECTEUR = _CITOYEN | {"mandat_cartes"}
_AGENT = frozenset({"agent_cartes"})
# A mailed link is opened without a session; `_acces` refuses a visitor who brings a card's id.
_PORTEUR = frozenset({"citoyen", "anonyme"})

ACCESS: dict[str, frozenset[str]] = {
    "DemanderCarte": _CITOYEN,
    "ListCartes": _LECTEUR,
    "GetCarte": _LECTEUR,
    "RemplacerPiece": _CITOYEN,
    "ListDemandes": _AGENT,
    "GetDemande": _AGENT,
    "DeciderDemande": _AGENT,
    "TelechargerPasse": _PORTEUR,
    "ObtenirLienGoogle": _PORTEUR,
}

_Code = grpc.StatusCode
ERRORS: dict[type[Exception], ErrorRow] = {
    domain.DonneesInvalides: ErrorRow(_Code.INVALID_ARGUMENT, "DONNEES_INVALIDES"),
    domain.CarteDejaDemandee: ErrorRow(_Code.ALREADY_EXISTS, "CARTE_DEJA_DEMANDEE"),
    domain.MemePieceDeuxFois: ErrorRow(_Code.INVALID_ARGUMENT, "MEME_PIECE_DEUX_FOIS"),
    domain.PieceIntrouvable: ErrorRow(_Code.NOT_FOUND, "PIECE_INTROUVABLE"),
    domain.PieceNonSaine: ErrorRow(_Code.FAILED_PRECONDITION, "PIECE_NON_SAINE"),
    domain.GenreNonAccepte: ErrorRow(_Code.FAILED_PRECONDITION, "GENRE_NON_ACCEPTE"),
    domain.PieceExpiree: ErrorRow(_Code.FAILED_PRECONDITION, "PIECE_EXPIREE"),
    domain.PieceNonRefusee: ErrorRow(_Code.FAILED_PRECONDITION, "PIECE_NON_REFUSEE"),
    domain.PieceDejaRefusee: ErrorRow(_Code.FAILED_PRECONDITION, "PIECE_DEJA_REFUSEE"),
    domain.StockageIndisponible: ErrorRow(_Code.UNAVAILABLE, "INDISPONIBLE"),
    domain.CarteIntrouvable: ErrorRow(_Code.NOT_FOUND, "CARTE_INTROUVABLE"),
    domain.DemandeIntrouvable: ErrorRow(_Code.NOT_FOUND, "DEMANDE_INTROUVABLE"),
    domain.AccesRefuse: ErrorRow(_Code.PERMISSION_DENIED, "ACCES_REFUSE"),
    domain.VersionPerimee: ErrorRow(_Code.ABORTED, "VERSION_PERIMEE"),
    domain.DemandeDejaDecidee: ErrorRow(_Code.FAILED_PRECONDITION, "DEMANDE_DEJA_DECIDEE"),
    domain.CarteNonActive: ErrorRow(_Code.FAILED_PRECONDITION, "CARTE_NON_ACTIVE"),
    domain.LienInconnu: ErrorRow(_Code.NOT_FOUND, "LIEN_INCONNU"),
    domain.LienExpire: ErrorRow(_Code.FAILED_PRECONDITION, "LIEN_EXPIRE"),
    domain.CarteNonRenouvelable: ErrorRow(_Code.FAILED_PRECONDITION, "CARTE_NON_RENOUVELABLE"),
    domain.PortefeuilleNonOffert: ErrorRow(_Code.FAILED_PRECONDITION, "PORTEFEUILLE_NON_OFFERT"),
}


def _table(enum: Any, prefix: str, kind: Iterable[Any]) -> dict[Any, Any]:
    return {membre: enum.Value(f"{prefix}_{membre.value}") for membre in kind}


_STATUT_CARTE = _table(messages.StatutCarte, "STATUT_CARTE", StatutCarte)
_STATUT_DEMANDE = _table(messages.StatutDemande, "STATUT_DEMANDE", StatutDemande)
_STATUT_PIECE = _table(
    messages.StatutPieceJustificative, "STATUT_PIECE_JUSTIFICATIVE", StatutPieceJustificative
)
_GENRE = _table(messages.GenreDemande, "GENRE_DEMANDE", GenreDemande)
_ROLE = _table(messages.RolePiece, "ROLE_PIECE", RolePiece)
_MOTIF = _table(messages.MotifRefus, "MOTIF_REFUS", MotifRefus)
_ROLE_LU = {valeur: role for role, valeur in _ROLE.items()}
_MOTIF_LU = {valeur: motif for motif, valeur in _MOTIF.items()}
_STATUT_LU = {valeur: statut for statut, valeur in _STATUT_DEMANDE.items()}


@dataclass(frozen=True, kw_only=True)
class Cartes(CartesServiceServicer):
    """The servicer. `horloge` gives the time, once per call; `lectures` are AUTOCOMMIT sessions."""

    sessions: Sessions
    lectures: Sessions
    stockage: use_cases.Stockage
    apple: use_cases.Apple
    google: use_cases.Google
    regles: Regles
    cle_scelle: bytes
    codes: use_cases.Codes | None
    horloge: Callable[[], datetime]

    def DemanderCarte(  # noqa: N802  (named by the contract)
        self, request: messages.DemanderCarteRequest, context: grpc.ServicerContext
    ) -> messages.DemanderCarteResponse:
        """« Demander ma carte »."""
        del context
        maintenant = self.horloge()
        titulaire = request.titulaire
        lue = use_cases.demander_carte(
            sessions=self.sessions,
            stockage=self.stockage,
            regles=self.regles,
            request_id=request.request_id,
            compte_id=caller().subject,
            titulaire={
                champ.name: getattr(titulaire, champ.name) for champ in titulaire.DESCRIPTOR.fields
            },
            pieces={
                RolePiece.IDENTITE: piece_id(request.piece_identite_id, RolePiece.IDENTITE),
                RolePiece.RESIDENCE: piece_id(request.piece_residence_id, RolePiece.RESIDENCE),
            },
            carte_physique=request.carte_physique,
            maintenant=maintenant,
        )
        return messages.DemanderCarteResponse(carte=self._carte(lue, maintenant))

    def RemplacerPiece(  # noqa: N802  (named by the contract)
        self, request: messages.RemplacerPieceRequest, context: grpc.ServicerContext
    ) -> messages.RemplacerPieceResponse:
        """The citizen replaces one refused proof."""
        del context
        maintenant = self.horloge()
        if request.role not in _ROLE_LU or not request.piece_id:
            champ = "piece_id" if request.role in _ROLE_LU else "role"
            raise DonneesInvalides({champ: "REQUIS"})
        lue = use_cases.remplacer_piece(
            sessions=self.sessions,
            stockage=self.stockage,
            regles=self.regles,
            request_id=request.request_id,
            compte_id=caller().subject,
            demande_id=identifiant(request.demande_id, domain.DemandeIntrouvable),
            role=_ROLE_LU[request.role],
            piece_id=piece_id(request.piece_id, _ROLE_LU[request.role]),
            maintenant=maintenant,
        )
        return messages.RemplacerPieceResponse(carte=self._carte(lue, maintenant))

    def ListCartes(  # noqa: N802  (named by the contract)
        self, request: messages.ListCartesRequest, context: grpc.ServicerContext
    ) -> messages.ListCartesResponse:
        """« Voir les cartes »."""
        del request, context
        maintenant = self.horloge()
        lues = persistence.cartes_du_compte(self.lectures.kw["bind"], _compte())
        return messages.ListCartesResponse(cartes=[self._carte(lue, maintenant) for lue in lues])

    def GetCarte(  # noqa: N802  (named by the contract)
        self, request: messages.GetCarteRequest, context: grpc.ServicerContext
    ) -> messages.GetCarteResponse:
        """One card of the caller."""
        del context
        carte_id = identifiant(request.carte_id, domain.CarteIntrouvable)
        with self.lectures() as session:
            lue = persistence.carte_du_compte(session, _compte(), carte_id)
        return messages.GetCarteResponse(carte=self._carte(lue, self.horloge()))

    def ListDemandes(  # noqa: N802  (named by the contract)
        self, request: messages.ListDemandesRequest, context: grpc.ServicerContext
    ) -> messages.ListDemandesResponse:
        """Staff: requests, oldest first."""
        del context
        taille = request.page_size or TAILLE_PAGE
        if not 0 < taille <= TAILLE_PAGE_MAX:
            raise DonneesInvalides({"page_size": "HORS_LIMITES"})
        with self.lectures() as session:
            page = persistence.page_demandes(
                session,
                _STATUT_LU.get(request.statut, StatutDemande.DEPOSEE),
                taille=taille,
                curseur=request.page_token,
            )
        return messages.ListDemandesResponse(
            demandes=[_demande(lue) for lue in page.demandes],
            next_page_token=page.suivante,
            total=page.total,
        )

    def GetDemande(  # noqa: N802  (named by the contract)
        self, request: messages.GetDemandeRequest, context: grpc.ServicerContext
    ) -> messages.GetDemandeResponse:
        """Staff: one request; that it was opened is kept."""
        del context
        lecteur = caller()
        demande = use_cases.consulter_demande(
            sessions=self.sessions,
            demande_id=identifiant(request.demande_id, domain.DemandeIntrouvable),
            lecteur_id=lecteur.subject,
            motif=lecteur.purpose,
        )
        return messages.GetDemandeResponse(demande=_demande(demande))

    def DeciderDemande(  # noqa: N802  (named by the contract)
        self, request: messages.DeciderDemandeRequest, context: grpc.ServicerContext
    ) -> messages.DeciderDemandeResponse:
        """Staff: accept or refuse each proof."""
        del context
        demande = use_cases.decider_demande(
            sessions=self.sessions,
            regles=self.regles,
            cle_scelle=self.cle_scelle,
            codes=self.codes,
            request_id=request.request_id,
            agent_id=caller().subject,
            demande_id=identifiant(request.demande_id, domain.DemandeIntrouvable),
            version=request.version,
            decisions=_decisions(request.decisions),
            maintenant=self.horloge(),
        )
        return messages.DeciderDemandeResponse(demande=_demande(demande))

    def TelechargerPasse(  # noqa: N802  (named by the contract)
        self, request: messages.TelechargerPasseRequest, context: grpc.ServicerContext
    ) -> messages.TelechargerPasseResponse:
        """The signed Apple pass."""
        del context
        contenu = use_cases.telecharger_passe(
            lectures=self.lectures,
            apple=self.apple,
            regles=self.regles,
            acces=_acces(request),
            maintenant=self.horloge(),
        )
        return messages.TelechargerPasseResponse(contenu=contenu, nom_fichier=NOM_FICHIER)

    def ObtenirLienGoogle(  # noqa: N802  (named by the contract)
        self, request: messages.ObtenirLienGoogleRequest, context: grpc.ServicerContext
    ) -> messages.ObtenirLienGoogleResponse:
        """The Google save link."""
        del context
        url = use_cases.obtenir_lien_google(
            lectures=self.lectures,
            google=self.google,
            regles=self.regles,
            acces=_acces(request),
            maintenant=self.horloge(),
        )
        return messages.ObtenirLienGoogleResponse(url=url)

    def _carte(self, lue: CarteLue, maintenant: datetime) -> messages.Carte:
        jour = jour_local(maintenant, self.regles.zone)
        return carte_du_contrat(lue.carte, lue.demande, jour, self.regles)


def register(server: grpc.Server, servicer: Cartes) -> None:
    """Add the servicer to a server."""
    add_CartesServiceServicer_to_server(servicer, server)


def piece_id(texte: str, role: RolePiece) -> str:
    """Return the one spelling of a document's id, or "" as it came.

    In two spellings, one document would pass for two proofs.
    """
    if not texte:
        return ""
    try:
        return str(UUID(texte))
    except ValueError as error:
        raise domain.PieceIntrouvable(role) from error


def _compte() -> str:
    """Account that is read: the caller's, or that of the person they act for."""
    qui = caller()
    return qui.acting_for or qui.subject


def _acces(
    request: messages.TelechargerPasseRequest | messages.ObtenirLienGoogleRequest,
) -> use_cases.AccesPasse:
    """Read how the caller reaches the card; a visitor has nothing but a mailed link."""
    if request.WhichOneof("acces") == "jeton":
        if not request.jeton:
            raise domain.LienInconnu
        return use_cases.AccesPasse(jeton=request.jeton)
    appelant = caller()
    if "citoyen" not in appelant.roles or not appelant.subject:
        raise domain.AccesRefuse
    carte_id = identifiant(request.carte_id, domain.CarteIntrouvable)
    return use_cases.AccesPasse(compte_id=appelant.subject, carte_id=carte_id)


def _decisions(lues: Sequence[messages.DecisionPiece]) -> list[DecisionPiece]:
    if any(lue.role not in _ROLE_LU for lue in lues):
        raise DonneesInvalides({"decisions": "ROLE_REQUIS"})
    return [
        DecisionPiece(
            role=_ROLE_LU[lue.role],
            acceptee=lue.acceptee,
            motif=_MOTIF_LU.get(lue.motif),
            precision=lue.precision.strip(),
        )
        for lue in lues
    ]


def carte_du_contrat(
    carte: Carte, demande: Demande | None, jour: date, regles: Regles
) -> messages.Carte:
    """Return a card as its holder sees it on `jour`."""
    des = carte.echeance - regles.fenetre.avant if carte.echeance else None
    return messages.Carte(
        carte_id=str(carte.carte_id),
        numero=carte.numero or "",
        statut=_STATUT_CARTE[carte.statut_au(jour)],
        prenom=carte.prenom,
        nom=carte.nom,
        echeance=carte.echeance.isoformat() if carte.echeance else "",
        numerique=carte.numerique,
        physique=carte.physique,
        demande=None if demande is None else _demande(demande),
        code=carte.code if carte.statut_au(jour) is StatutCarte.ACTIVE else "",
        renouvelable=demande is None and carte.est_renouvelable(jour, regles.fenetre),
        renouvelable_des=des.isoformat() if des else "",
    )


def _demande(demande: Demande) -> messages.Demande:
    titulaire = demande.titulaire
    return messages.Demande(
        demande_id=str(demande.demande_id),
        carte_id=str(demande.carte_id),
        compte_id=demande.compte_id,
        statut=_STATUT_DEMANDE[demande.statut],
        titulaire=messages.Titulaire(
            prenom=titulaire.prenom,
            nom=titulaire.nom,
            date_naissance=titulaire.date_naissance.isoformat(),
            adresse=titulaire.adresse,
            ville=titulaire.ville,
            code_postal=titulaire.code_postal,
        ),
        pieces=[_piece(piece) for piece in demande.pieces_ordonnees()],
        deposee_le=horodatage(demande.deposee_le),
        decidee_le=horodatage(demande.decidee_le) if demande.decidee_le else "",
        carte_physique=demande.carte_physique,
        version=demande.version,
        genre=_GENRE[demande.genre],
    )


def _piece(piece: PieceJustificative) -> messages.PieceJustificative:
    return messages.PieceJustificative(
        role=_ROLE[piece.role],
        piece_id=piece.piece_id,
        statut=_STATUT_PIECE[piece.statut],
        motif=_MOTIF[piece.motif] if piece.motif else messages.MOTIF_REFUS_UNSPECIFIED,
        precision=piece.precision,
    )
