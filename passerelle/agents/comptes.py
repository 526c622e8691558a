"""Accounts at the desk: find a person, correct what they may not, recover a lost mailbox.

Every page that shows somebody's data is written down with the agent's name (IDN-11, 14, 23).
"""

from http import HTTPStatus
from typing import Final

from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from chassis.grpc_client import RemoteError
from espacecitoyen.identite.v1 import coordonnees_service_pb2 as pb
from passerelle import clients, session
from passerelle.agents.comptes_forms import Correction, Decision, Recherche, Recuperation
from passerelle.portail.forms import Formulaire
from passerelle.problems import from_remote

bp = Blueprint("agents_comptes", __name__)

_ROLES: Final = ("agent_comptes", "admin")
_CORRECTION: Final = "correction"
_RECUPERATION: Final = "recuperation"


@bp.get("/comptes")
@session.agent_required(*_ROLES)
def chercher() -> ResponseReturnValue:
    """Ask whom to look for. The search is a POST: a name in an address would stay in logs."""
    return _page_recherche(Recherche(), None)


@bp.post("/comptes")
@session.agent_required(*_ROLES)
def trouver() -> ResponseReturnValue:
    """Show who matches."""
    formulaire = Recherche(request.form)
    if not formulaire.validate():
        return _page_recherche(formulaire, None), int(HTTPStatus.UNPROCESSABLE_ENTITY)
    services = clients.current()
    try:
        answer: pb.ListComptesResponse = services.coordonnees.call(
            lambda s: s.ListComptes,
            pb.ListComptesRequest(recherche=formulaire.recherche.data),
            token=services.token("recherche"),
        )
    except RemoteError as error:
        probleme = from_remote(error)
        formulaire.noter(probleme)
        return _page_recherche(formulaire, None), probleme.status
    return _page_recherche(formulaire, answer)


@bp.get("/comptes/<uuid:compte_id>")
@session.agent_required(*_ROLES)
def voir(compte_id: object) -> ResponseReturnValue:
    """Show one person's account, as a form of what staff may correct."""
    dossier = _lire(compte_id)
    return _page_compte(dossier, _correction(dossier))


@bp.post("/comptes/<uuid:compte_id>")
@session.agent_required(*_ROLES)
def corriger(compte_id: object) -> ResponseReturnValue:
    """Correct names at once; another e-mail waits for its link."""
    formulaire = Correction(request.form)
    statut = int(HTTPStatus.UNPROCESSABLE_ENTITY)
    if formulaire.validate():
        services = clients.current()
        try:
            services.coordonnees.call(
                lambda s: s.CorrigerCompte,
                pb.CorrigerCompteRequest(
                    request_id=formulaire.request_id.data,
                    compte_id=str(compte_id),
                    version=request.form.get("version", 0, type=int),
                    prenom=formulaire.prenom.data,
                    nom=formulaire.nom.data,
                    courriel=formulaire.courriel.data,
                    motif=formulaire.motif.data,
                ),
                token=services.token(_CORRECTION),
            )
        except RemoteError as error:
            statut = _noter(formulaire, error)
        else:
            return redirect(url_for(".voir", compte_id=compte_id, fait="compte_corrige"), code=303)
    return _page_compte(_lire(compte_id), formulaire), statut


@bp.get("/comptes/<uuid:compte_id>/recuperation")
@session.agent_required(*_ROLES)
def recuperation(compte_id: object) -> ResponseReturnValue:
    """Show the form of the identity check."""
    return _page_recuperation(_lire(compte_id), Recuperation())


@bp.post("/comptes/<uuid:compte_id>/recuperation")
@session.agent_required(*_ROLES)
def demander(compte_id: object) -> ResponseReturnValue:
    """Ask for a recovery; somebody else decides."""
    formulaire = Recuperation(request.form)
    statut = int(HTTPStatus.UNPROCESSABLE_ENTITY)
    if formulaire.validate():
        services = clients.current()
        try:
            services.coordonnees.call(
                lambda s: s.DemanderRecuperation,
                pb.DemanderRecuperationRequest(
                    request_id=formulaire.request_id.data,
                    compte_id=str(compte_id),
                    nouveau_courriel=formulaire.nouveau_courriel.data,
                    controles=formulaire.controles.data,
                    note=formulaire.note.data,
                ),
                token=services.token(_RECUPERATION),
            )
        except RemoteError as error:
            statut = _noter(formulaire, error)
        else:
            return redirect(url_for(".recuperations", fait="recuperation_demandee"), code=303)
    return _page_recuperation(_lire(compte_id), formulaire), statut


@bp.get("/recuperations")
@session.agent_required(*_ROLES)
def recuperations() -> ResponseReturnValue:
    """Show what waits for a second agent, for its delay, or for the new mailbox."""
    return _page_recuperations(Decision(), "")


@bp.post("/recuperations/<uuid:recuperation_id>")
@session.agent_required(*_ROLES)
def decider(recuperation_id: object) -> ResponseReturnValue:
    """Approve or refuse as the second agent."""
    formulaire = Decision(request.form)
    approuver = "approuver" in request.form
    services = clients.current()
    try:
        services.coordonnees.call(
            lambda s: s.DeciderRecuperation,
            pb.DeciderRecuperationRequest(
                request_id=request.form.get("request_id", ""),
                recuperation_id=str(recuperation_id),
                approuver=approuver,
                motif=formulaire.motif.data,
            ),
            token=services.token(_RECUPERATION),
        )
    except RemoteError as error:
        statut = _noter(formulaire, error)
        return _page_recuperations(formulaire, str(recuperation_id)), statut
    fait = "recuperation_approuvee" if approuver else "recuperation_refusee"
    return redirect(url_for(".recuperations", fait=fait), code=303)


def _lire(compte_id: object) -> pb.DossierCompte:
    services = clients.current()
    answer: pb.GetCompteResponse = services.coordonnees.call(
        lambda s: s.GetCompte,
        pb.GetCompteRequest(compte_id=str(compte_id)),
        token=services.token(_CORRECTION),
    )
    return answer.dossier


def _noter(formulaire: Formulaire, error: RemoteError) -> int:
    probleme = from_remote(error)
    formulaire.noter(probleme)
    return probleme.status


def _correction(dossier: pb.DossierCompte) -> Correction:
    profil = dossier.mon_profil.profil
    return Correction(prenom=profil.prenom, nom=profil.nom, courriel=profil.courriel)


def _page_recherche(formulaire: Recherche, trouves: pb.ListComptesResponse | None) -> str:
    return render_template("agents/comptes.html", formulaire=formulaire, trouves=trouves)


def _page_compte(dossier: pb.DossierCompte, formulaire: Correction) -> str:
    return render_template("agents/compte.html", dossier=dossier, formulaire=formulaire)


def _page_recuperation(dossier: pb.DossierCompte, formulaire: Recuperation) -> str:
    return render_template("agents/recuperation.html", dossier=dossier, formulaire=formulaire)


def _page_recuperations(formulaire: Decision, refusee: str) -> str:
    services = clients.current()
    answer: pb.ListRecuperationsResponse = services.coordonnees.call(
        lambda s: s.ListRecuperations,
        pb.ListRecuperationsRequest(),
        token=services.token(_RECUPERATION),
    )
    return render_template(
        "agents/recuperations.html",
        recuperations=answer.recuperations,
        formulaire=formulaire,
        refusee=refusee,
    )
