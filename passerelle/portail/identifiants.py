"""« Mes identifiants »: one's password and user name (IDN-16), and « ce n’était pas moi » (R05)."""

from collections.abc import Sequence

from flask import Blueprint, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from chassis.grpc_client import RemoteError
from espacecitoyen.identite.v1 import acces_service_pb2 as acces
from passerelle import clients, session
from passerelle.portail.compte import lire
from passerelle.portail.forms import ChangementMotDePasse, ChangementNomUtilisateur
from passerelle.portail.inscription import lien_inutile
from passerelle.problems import from_remote
from passerelle.step_up import proof_required

bp = Blueprint("compte_identifiants", __name__)


@bp.get("/compte/identifiants")
@session.login_required
def page() -> ResponseReturnValue:
    """Show both forms."""
    return _page(ChangementMotDePasse(), _nom_actuel())


@bp.post("/compte/identifiants/mot-de-passe")
@session.login_required
@proof_required
def mot_de_passe() -> ResponseReturnValue:
    """Set another password; the other sessions end and this one goes on with a new secret."""
    formulaire = ChangementMotDePasse(request.form)
    statut = 422
    if formulaire.validate():
        services = clients.current()
        try:
            answer: acces.ChangerMotDePasseResponse = services.acces.call(
                lambda s: s.ChangerMotDePasse,
                acces.ChangerMotDePasseRequest(
                    request_id=formulaire.request_id.data,
                    actuel=formulaire.actuel.data,
                    nouveau=formulaire.nouveau.data,
                ),
                token=services.own_token(),
                deadline=services.config.delai_mot_de_passe_s,
            )
        except RemoteError as error:
            probleme = from_remote(error)
            formulaire.noter(probleme)
            statut = probleme.status
        else:
            response = make_response(_fait("mot_de_passe_remplace"))
            if answer.jeton_session:
                session.cache().drop(session.session_secret())
                session.open_session(response, answer.jeton_session)
            return response
    return _page(formulaire, _nom_actuel()), statut


@bp.post("/compte/identifiants/nom-utilisateur")
@session.login_required
@proof_required
def nom_utilisateur() -> ResponseReturnValue:
    """Set another user name, or none; the other sessions end."""
    formulaire = ChangementNomUtilisateur(request.form)
    statut, libres = 422, []
    if formulaire.validate():
        services = clients.current()
        try:
            services.acces.call(
                lambda s: s.ChangerNomUtilisateur,
                acces.ChangerNomUtilisateurRequest(
                    request_id=formulaire.request_id.data,
                    actuel=formulaire.actuel.data,
                    nom_utilisateur=formulaire.nom_utilisateur.data or "",
                ),
                token=services.own_token(),
                deadline=services.config.delai_mot_de_passe_s,
            )
        except RemoteError as error:
            probleme = from_remote(error)
            formulaire.noter(probleme)
            statut = probleme.status
            libres = [nom for nom in probleme.metadata.get("suggestions", "").split(",") if nom]
        else:
            return _fait("nom_utilisateur_change")
    return _page(ChangementMotDePasse(), formulaire, libres), statut


@bp.get("/pas-moi/<jeton:jeton>")
def pas_moi(jeton: str) -> ResponseReturnValue:
    """Show what the link does and its button: mail scanners open every link."""
    return render_template("connexion/pas_moi.html", jeton=jeton)


@bp.post("/pas-moi/<jeton:jeton>")
def annuler(jeton: str) -> ResponseReturnValue:
    """Use the link, once."""
    services = clients.current()
    try:
        services.acces.call(
            lambda s: s.AnnulerChangement,
            acces.AnnulerChangementRequest(
                request_id=request.form.get("request_id", ""), jeton=jeton
            ),
            token=services.anonymous_token(),
        )
    except RemoteError as error:
        probleme = from_remote(error)
        if not probleme.code.startswith("LIEN_"):
            raise probleme from error
        return lien_inutile(probleme)
    return redirect(url_for("connexion.envoye", fait="compte_protege"), code=303)


def _nom_actuel() -> ChangementNomUtilisateur:
    return ChangementNomUtilisateur(nom_utilisateur=lire().nom_utilisateur)


def _page(
    secret: ChangementMotDePasse, nom: ChangementNomUtilisateur, libres: Sequence[str] = ()
) -> str:
    return render_template("compte/identifiants.html", secret=secret, nom=nom, libres=libres)


def _fait(quoi: str) -> ResponseReturnValue:
    return redirect(url_for("compte_identifiants.page", fait=quoi), code=303)
