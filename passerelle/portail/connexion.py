"""Log-in, log-out and forgotten passwords (IDN-02, 12)."""

from flask import Blueprint, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from chassis.grpc_client import RemoteError
from espacecitoyen.identite.v1 import acces_service_pb2 as acces
from espacecitoyen.identite.v1 import identite_service_pb2 as identite
from passerelle import clients, session
from passerelle.portail import appareils, defi, verification
from passerelle.portail.forms import Connexion, Courriel, NouveauMotDePasse
from passerelle.portail.inscription import lien_inutile
from passerelle.problems import Problem, from_remote

bp = Blueprint("connexion", __name__)

_APPAREIL_MAX = 200


@bp.get("/connexion")
def page() -> ResponseReturnValue:
    """Show the form; somebody who is logged in goes where they were going."""
    suite = session.local_path(request.args.get("suite", ""), "")
    if session.current_visit().connecte:
        return redirect(suite or url_for("accueil.personnel"))
    return render_template("connexion/connexion.html", formulaire=Connexion(suite=suite), defi=None)


@bp.post("/connexion")
def ouvrir() -> ResponseReturnValue:
    """Open a session and go where the person was going."""
    formulaire = Connexion(request.form)
    statut, probleme = 422, None
    if formulaire.validate() and "autre_code" not in request.form:
        try:
            ouverte = ouvrir_session(formulaire, agent=False)
        except RemoteError as error:
            probleme = from_remote(error)
            formulaire.noter(probleme)
            statut = probleme.status
        else:
            suite = session.local_path(formulaire.suite.data or "", url_for("accueil.personnel"))
            if ouverte.epreuve:
                return verification.suivre(ouverte, suite, agent=False)
            if ouverte.premiere_connexion:
                suite = url_for("compte.profil", fait="compte_importe")
            response = make_response(redirect(suite, code=303))
            session.open_session(response, ouverte.jeton_session)
            appareils.retenir(response, ouverte.jeton_appareil)
            return response
    suite_defi = apres_refus(probleme)
    page = render_template("connexion/connexion.html", formulaire=formulaire, defi=suite_defi)
    return page, statut


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
                    request_id=formulaire.request_id.data,
                    courriel=formulaire.courriel.data,
                    adresse_ip=request.remote_addr or "",
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


def apres_refus(probleme: Problem | None) -> defi.Defi | None:
    """Return the challenge of a log-in form that is shown again (R15); the staff door uses it too.

    It comes with the first refusal: when a proof is needed at last, the browser has found it. None
    while identite is away.
    """
    ouvert = "autre_code" in request.form or (probleme is not None and probleme.code in defi.REFUS)
    try:
        return defi.nouveau(acces.USAGE_DEFI_CONNEXION, ouvert=ouvert)
    except RemoteError:
        return None


def ouvrir_session(formulaire: Connexion, *, agent: bool) -> identite.OuvrirSessionResponse:
    """Open a session; the staff door uses it too.

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
            jeton_appareil=appareils.secret(),
            **defi.reponse(formulaire),
        ),
        token=services.anonymous_token(),
        deadline=services.config.delai_mot_de_passe_s,
    )
    return answer
