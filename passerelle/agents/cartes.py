"""Card requests: the queue, one request with both proofs side by side, the decision (CAR-04)."""

from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext

from chassis.grpc_client import RemoteError
from espacecitoyen.cartes.v1 import cartes_service_pb2 as cartes
from espacecitoyen.stockage.v1 import stockage_service_pb2 as stockage
from passerelle import clients, documents, session
from passerelle.agents.forms import DecisionPreuve
from passerelle.problems import Problem, from_remote

bp = Blueprint("agents_cartes", __name__)

# Why a citizen's proof is read; the storage service writes it down (IDN-23).
OBJET: Final = "validation_carte"
_PAGE: Final = 25
STATUTS: Final = {
    "a-valider": cartes.STATUT_DEMANDE_DEPOSEE,
    "incompletes": cartes.STATUT_DEMANDE_INCOMPLETE,
    "approuvees": cartes.STATUT_DEMANDE_APPROUVEE,
    "refusees": cartes.STATUT_DEMANDE_REFUSEE,
}
_ROLES: Final = {
    cartes.ROLE_PIECE_IDENTITE: "identite",
    cartes.ROLE_PIECE_RESIDENCE: "residence",
}
_DEJA_DECIDEE: Final = frozenset({"VERSION_PERIMEE", "DEMANDE_DEJA_DECIDEE"})


@dataclass(frozen=True)
class Preuve:
    """One proof on the screen: what was deposited, which page is shown, what is decided."""

    role: str
    piece: cartes.PieceJustificative
    page: int
    # 0 once the city keeps the document no more.
    pages: int
    formulaire: DecisionPreuve | None


@bp.get("/")
@session.agent_required("agent_cartes")
def file() -> ResponseReturnValue:
    """Show the requests that wait, oldest first."""
    statut = request.args.get("statut", "a-valider")
    if statut not in STATUTS:
        statut = "a-valider"
    services = clients.current()
    page: cartes.ListDemandesResponse = services.cartes.call(
        lambda s: s.ListDemandes,
        cartes.ListDemandesRequest(
            page_size=_PAGE,
            page_token=request.args.get("suivant", ""),
            statut=STATUTS[statut],
        ),
        token=services.token(),
    )
    return render_template("agents/file.html", page=page, statut=statut, statuts=STATUTS)


@bp.get("/demandes/<uuid:demande_id>")
@session.agent_required("agent_cartes")
def voir(demande_id: object) -> ResponseReturnValue:
    """Show one request with both proofs."""
    return _page(_lire(demande_id))


@bp.post("/demandes/<uuid:demande_id>")
@session.agent_required("agent_cartes")
def decider(demande_id: object) -> ResponseReturnValue:
    """Write the decision down, taken on the version that the agent saw."""
    demande = _lire(demande_id)
    formulaires = _formulaires(demande, remplis=True)
    if "tout_accepter" in request.form:
        _tout_accepter(formulaires)
    # Both are judged, so that both tell what is missing.
    jugements = [
        formulaire.validate() and not formulaire.generale for formulaire in formulaires.values()
    ]
    if not all(jugements):
        return _page(demande, formulaires), HTTPStatus.UNPROCESSABLE_ENTITY
    services = clients.current()
    try:
        answer: cartes.DeciderDemandeResponse = services.cartes.call(
            lambda s: s.DeciderDemande,
            cartes.DeciderDemandeRequest(
                request_id=request.form.get("request_id", ""),
                demande_id=str(demande_id),
                version=request.form.get("version", 0, type=int),
                decisions=[formulaire.decision(role) for role, formulaire in formulaires.items()],
            ),
            token=services.token(OBJET),
        )
    except RemoteError as error:
        return _refus(demande, from_remote(error))
    approuvee = answer.demande.statut == cartes.STATUT_DEMANDE_APPROUVEE
    return redirect(
        url_for(
            "agents_cartes.file", fait="demande_approuvee" if approuvee else "demande_incomplete"
        ),
        code=303,
    )


@bp.get("/demandes/<uuid:demande_id>/pieces/<uuid:piece_id>/apercu")
@session.agent_required("agent_cartes")
def apercu(demande_id: object, piece_id: object) -> ResponseReturnValue:
    """Give the image of one page of a proof; the read is written down with its purpose."""
    return documents.send(
        str(piece_id),
        apercu=True,
        page=request.args.get("page", 1, type=int),
        dossier_id=str(demande_id),
        purpose=OBJET,
    )


def _tout_accepter(formulaires: dict[cartes.RolePiece.ValueType, DecisionPreuve]) -> None:
    """Accept what is not decided; a proof marked « Refuser » stays refused, and says so."""
    for formulaire in formulaires.values():
        if formulaire.verdict.data == "refuser":
            formulaire.generale = gettext(
                "Une pièce est marquée « Refuser » : enregistrez la décision, ou acceptez-la."
            )
        else:
            formulaire.verdict.data = "accepter"


def _lire(demande_id: object) -> cartes.Demande:
    services = clients.current()
    answer: cartes.GetDemandeResponse = services.cartes.call(
        lambda s: s.GetDemande,
        cartes.GetDemandeRequest(demande_id=str(demande_id)),
        token=services.token(OBJET),
    )
    return answer.demande


def _page(
    demande: cartes.Demande,
    formulaires: dict[cartes.RolePiece.ValueType, DecisionPreuve] | None = None,
) -> str:
    formulaires = _formulaires(demande, remplis=False) if formulaires is None else formulaires
    preuves = [
        _preuve(demande, piece, formulaires.get(piece.role))
        for piece in sorted(demande.pieces, key=lambda piece: piece.role)
        if piece.role in _ROLES
    ]
    return render_template(
        "agents/demande.html", demande=demande, preuves=preuves, a_decider=bool(formulaires)
    )


def _preuve(
    demande: cartes.Demande,
    piece: cartes.PieceJustificative,
    formulaire: DecisionPreuve | None,
) -> Preuve:
    """Return a proof at the page asked for; past the last one, its last one."""
    role = _ROLES[piece.role]
    pages = _pages(demande, piece)
    page = min(max(request.args.get(f"page_{role}", 1, type=int), 1), max(pages, 1))
    return Preuve(role=role, piece=piece, page=page, pages=pages, formulaire=formulaire)


def _pages(demande: cartes.Demande, piece: cartes.PieceJustificative) -> int:
    """Return how many pages a proof has; 0 once the city keeps it no more."""
    services = clients.current()
    try:
        answer: stockage.GetPieceResponse = services.stockage.call(
            lambda s: s.GetPiece,
            stockage.GetPieceRequest(piece_id=piece.piece_id, dossier_id=demande.demande_id),
            token=services.token(OBJET),
        )
    except RemoteError as error:
        if error.reason == "PIECE_INTROUVABLE":
            return 0
        raise
    return max(answer.piece.pages, 1)


def _formulaires(
    demande: cartes.Demande, *, remplis: bool
) -> dict[cartes.RolePiece.ValueType, DecisionPreuve]:
    """Return one form per proof that waits for a decision, by role."""
    ouverte = demande.statut == cartes.STATUT_DEMANDE_DEPOSEE
    return {
        piece.role: DecisionPreuve(
            request.form if remplis else None, prefix=f"{_ROLES[piece.role]}-"
        )
        for piece in demande.pieces
        if ouverte
        and piece.role in _ROLES
        and piece.statut == cartes.STATUT_PIECE_JUSTIFICATIVE_A_VERIFIER
    }


def _refus(demande: cartes.Demande, probleme: Problem) -> ResponseReturnValue:
    """Say that somebody was faster; anything else is an ordinary error page."""
    if probleme.code not in _DEJA_DECIDEE:
        raise probleme
    return render_template("agents/deja_decidee.html", demande=demande), probleme.status
