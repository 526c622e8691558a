"""« Mon profil »: what the city knows of a person, and what they may change of it (IDN-11)."""

from datetime import date
from http import HTTPStatus

from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from chassis.grpc_client import RemoteError
from espacecitoyen.identite.v1 import coordonnees_service_pb2 as pb
from espacecitoyen.identite.v1 import identite_service_pb2 as identite
from passerelle import clients, session
from passerelle.portail.compte.formulaires import Profil
from passerelle.problems import from_remote

bp = Blueprint("compte", __name__)


@bp.get("/compte")
@session.login_required
def profil() -> ResponseReturnValue:
    """Show « Mon profil »; what waits for its proof stands on top (IDN-06)."""
    return render_template("compte/profil.html", mien=lire_mon_profil())


@bp.get("/compte/modifier")
@session.login_required
def modifier() -> ResponseReturnValue:
    """Show the profile as a form."""
    mien = lire_mon_profil()
    return _page(_formulaire(mien), mien)


@bp.post("/compte/modifier")
@session.login_required
def enregistrer() -> ResponseReturnValue:
    """Change the version that was read; somebody else's change is never written over."""
    formulaire = Profil(request.form)
    statut = int(HTTPStatus.UNPROCESSABLE_ENTITY)
    version = request.form.get("version", 0, type=int)
    if formulaire.validate():
        services = clients.current()
        try:
            services.coordonnees.call(
                lambda s: s.ModifierProfil,
                formulaire.demande(version),
                token=services.own_token(),
            )
        except RemoteError as error:
            probleme = from_remote(error)
            formulaire.noter(probleme)
            statut = probleme.status
        else:
            return redirect(url_for("compte.profil", fait="profil_modifie"), code=303)
    mien = lire_mon_profil()
    # What was typed stays; the next try is judged against the version that it was typed on.
    return _page(formulaire, mien, version=version), statut


@bp.post("/compte/recuperation/<uuid:recuperation_id>/arreter")
@session.login_required
def arreter_recuperation(recuperation_id: object) -> ResponseReturnValue:
    """Stop a recovery that somebody else asked for (IDN-14)."""
    services = clients.current()
    services.coordonnees.call(
        lambda s: s.ArreterRecuperation,
        pb.ArreterRecuperationRequest(
            request_id=request.form.get("request_id", ""), recuperation_id=str(recuperation_id)
        ),
        token=services.own_token(),
    )
    return redirect(url_for("compte.profil", fait="recuperation_arretee"), code=303)


def lire() -> identite.Profil:
    """Return the profile that fills requests in: the visitor's, or of whom they act for."""
    services = clients.current()
    answer: identite.GetProfilResponse = services.identite.call(
        lambda s: s.GetProfil, identite.GetProfilRequest(), token=services.token()
    )
    return answer.profil


def lire_mon_profil() -> pb.MonProfil:
    """Return the visitor's own profile whole."""
    services = clients.current()
    answer: pb.GetMonProfilResponse = services.coordonnees.call(
        lambda s: s.GetMonProfil, pb.GetMonProfilRequest(), token=services.own_token()
    )
    return answer.mon_profil


def _formulaire(mien: pb.MonProfil) -> Profil:
    connu = mien.profil
    naissance = date.fromisoformat(connu.date_naissance) if connu.date_naissance else None
    return Profil(
        prenom=connu.prenom,
        nom=connu.nom,
        ligne=connu.adresse.ligne,
        municipalite=connu.adresse.ville,
        code_postal=connu.adresse.code_postal,
        date_naissance=naissance,
        langue=connu.langue,
        categories=list(mien.categories),
        canaux=list(mien.canaux),
        moyen_prefere=connu.moyen_prefere,
    )


def _page(formulaire: Profil, mien: pb.MonProfil, *, version: int = 0) -> str:
    return render_template(
        "compte/modifier.html", formulaire=formulaire, mien=mien, version=version or mien.version
    )
