"""Log-in, log-out and forgotten passwords (IDN-02, 12)."""

from flask import Blueprint, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from chassis.grpc_client import RemoteError
from espacecitoyen.identite.v1 import identite_service_pb2 as identite
from passerelle import clients, session
from passerelle.portail.forms import Connexion, Courriel, NouveauMotDePasse
from passerelle.portail.inscription import lien_inutile
from passerelle.problems import from_remote

bp = Blueprint("connexion", __name__)

_APPAREIL_MAX = 200


@bp.get("/connexion")
def page() -> ResponseReturnValue:
    """Show the form; somebody who is logged in goes where they were going."""
    suite = session.local_path(request.args.get("suite", ""), "")
    if session.current_visit().connecte:
        return redirect(suite or url_for("accueil.personnel"))
    return render_template("connexion/connexion.html", formulaire=Connexion(suite=suite))


@bp.post("/connexion")
def ouvrir() -> ResponseReturnValue:
    """Open a session and go where the person was going."""
    formulaire = Connexion(request.form)
    statut = 422
    if formulaire.validate():
        try:
            jeton = ouvrir_session(formulaire, agent=False)
        except RemoteError as error:
            probleme = from_remote(error)
            formulaire.noter(probleme)
            statut = probleme.status
        else:
            suite = session.local_path(formulaire.suite.data or "", url_for("accueil.personnel"))
            response = make_response(redirect(suite, code=303))
            session.open_session(response, jeton)
            return response
    return render_template("connexion/connexion.html", formulaire=formulaire), statut


@bp.post("/deconnexion")
def fermer() -> ResponseReturnValue:
    """End the session."""
    response = make_response(redirect(url_for("accueil.public", fait="deconnecte"), code=303))
    session.close_session(response)
    return response


@bp.get("/mot-de-passe-oublie")
def oublie() -> ResponseReturnValue:
    """Ask for the address."""
    return render_template("connexion/oublie.html", formulaire=Courriel())


@bp.post("/mot-de-passe-oublie")
def demander() -> ResponseReturnValue:
    """Mail a link; the answer is the same for an unknown address."""
    formulaire = Courriel(request.form)
    statut = 422
    if formulaire.validate():
        services = clients.current()
        try:
            services.identite.call(
                lambda s: s.DemanderReinitialisation,
                identite.DemanderReinitialisationRequest(
                    request_id=formulaire.request_id.data, courriel=formulaire.courriel.data
                ),
                token=services.anonymous_token(),
            )
        except RemoteError as error:
            probleme = from_remote(error)
            formulaire.noter(probleme)
            statut = probleme.status
        else:
            return redirect(url_for("connexion.envoye"), code=303)
    return render_template("connexion/oublie.html", formulaire=formulaire), statut


@bp.get("/mot-de-passe-oublie/envoye")
def envoye() -> ResponseReturnValue:
    """Send people to their mailbox, whether or not the address is known."""
    return render_template("connexion/envoye.html")


@bp.get("/mot-de-passe/<jeton:jeton>")
def nouveau(jeton: str) -> ResponseReturnValue:
    """Ask for the new password."""
    formulaire = NouveauMotDePasse()
    return render_template("connexion/nouveau.html", formulaire=formulaire, jeton=jeton)


@bp.post("/mot-de-passe/<jeton:jeton>")
def changer(jeton: str) -> ResponseReturnValue:
    """Set it, which ends every session."""
    formulaire = NouveauMotDePasse(request.form)
    statut = 422
    if formulaire.validate():
        services = clients.current()
        try:
            services.identite.call(
                lambda s: s.ReinitialiserMotDePasse,
                identite.ReinitialiserMotDePasseRequest(
                    request_id=formulaire.request_id.data,
                    jeton=jeton,
                    mot_de_passe=formulaire.mot_de_passe.data,
                ),
                token=services.anonymous_token(),
                deadline=services.config.delai_mot_de_passe_s,
            )
        except RemoteError as error:
            probleme = from_remote(error)
            if probleme.code.startswith("LIEN_"):
                return lien_inutile(probleme)
            formulaire.noter(probleme)
            statut = probleme.status
        else:
            return redirect(url_for("connexion.page", fait="mot_de_passe_change"), code=303)
    return (
        render_template("connexion/nouveau.html", formulaire=formulaire, jeton=jeton),
        statut,
    )


def ouvrir_session(formulaire: Connexion, *, agent: bool) -> str:
    """Return the secret of a new session; the staff door uses it too.

    Raises:
        RemoteError: IDENTIFIANTS_INVALIDES, TROP_DE_TENTATIVES, or identite is away.
    """
    services = clients.current()
    answer: identite.OuvrirSessionResponse = services.identite.call(
        lambda s: s.OuvrirSession,
        identite.OuvrirSessionRequest(
            identifiant=formulaire.identifiant.data,
            mot_de_passe=formulaire.mot_de_passe.data,
            adresse_ip=request.remote_addr or "",
            appareil=request.headers.get("User-Agent", "")[:_APPAREIL_MAX],
            agent=agent,
        ),
        token=services.anonymous_token(),
        deadline=services.config.delai_mot_de_passe_s,
    )
    return answer.jeton_session
