"""Sign-up and activation (IDN-01, 04, 05, 13).

What the pages say never depends on whether an address is known here: the truth goes to the
mailbox.
"""

from collections.abc import Sequence
from typing import Final

from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from chassis.grpc_client import RemoteError
from espacecitoyen.identite.v1 import acces_service_pb2 as acces
from espacecitoyen.identite.v1 import identite_service_pb2 as identite
from passerelle import clients
from passerelle.portail import defi
from passerelle.portail.forms import (
    Courriel,
    Inscription,
    code_postal_canonique,
    telephone_e164,
)
from passerelle.problems import Problem, from_remote, reader_language

bp = Blueprint("inscription", __name__)

_USAGE: Final = acces.USAGE_DEFI_INSCRIPTION


@bp.get("/inscription")
def nouvelle() -> ResponseReturnValue:
    """Show the empty form."""
    return _page(Inscription(langue=reader_language()), defi.nouveau(_USAGE))


@bp.post("/inscription")
def creer() -> ResponseReturnValue:
    """Open an account that waits for its link."""
    formulaire = Inscription(request.form)
    if "autre_code" in request.form:
        return _page(formulaire, defi.nouveau(_USAGE, ouvert=True))
    if not formulaire.validate():
        return _page(formulaire, defi.suivant(_USAGE, formulaire, None)), 422
    services = clients.current()
    try:
        services.identite.call(
            lambda s: s.CreerCompte,
            _demande(formulaire),
            token=services.anonymous_token(),
            deadline=services.config.delai_mot_de_passe_s,
        )
    except RemoteError as error:
        probleme = from_remote(error)
        formulaire.noter(probleme)
        suite = defi.suivant(_USAGE, formulaire, probleme)
        libres = [nom for nom in probleme.metadata.get("suggestions", "").split(",") if nom]
        return _page(formulaire, suite, libres), probleme.status
    return redirect(url_for("inscription.verifier"), code=303)


@bp.get("/inscription/verifiez-votre-boite")
def verifier() -> ResponseReturnValue:
    """Say « Vérifiez votre boîte courriel », the same to everybody."""
    return render_template("inscription/verifiez.html")


@bp.get("/activation/renvoyer")
def renvoyer() -> ResponseReturnValue:
    """Ask where to send the link again."""
    return render_template("inscription/renvoyer.html", formulaire=Courriel())


@bp.post("/activation/renvoyer")
def renvoye() -> ResponseReturnValue:
    """Send the link again (IDN-04)."""
    formulaire = Courriel(request.form)
    statut = 422
    if formulaire.validate():
        services = clients.current()
        try:
            services.identite.call(
                lambda s: s.RenvoyerActivation,
                identite.RenvoyerActivationRequest(
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
            return redirect(url_for("inscription.verifier"), code=303)
    return render_template("inscription/renvoyer.html", formulaire=formulaire), statut


@bp.get("/activation/<jeton:jeton>")
def lien(jeton: str) -> ResponseReturnValue:
    """Show the button that activates: mail scanners open every link, people press buttons."""
    return render_template("inscription/activer.html", jeton=jeton)


@bp.post("/activation/<jeton:jeton>")
def activer(jeton: str) -> ResponseReturnValue:
    """Use the link, once."""
    services = clients.current()
    try:
        services.identite.call(
            lambda s: s.ActiverCompte,
            identite.ActiverCompteRequest(
                request_id=request.form.get("request_id", ""), jeton=jeton
            ),
            token=services.anonymous_token(),
        )
    except RemoteError as error:
        probleme = from_remote(error)
        if not probleme.code.startswith("LIEN_"):
            raise probleme from error
        return lien_inutile(probleme)
    return redirect(url_for("connexion.page", fait="compte_active"), code=303)


def lien_inutile(probleme: Problem) -> ResponseReturnValue:
    """Say why the link no longer opens anything, and how to get another one."""
    page = render_template("inscription/lien_inutile.html", code=probleme.code)
    return page, probleme.status


def _page(formulaire: Inscription, suite: defi.Defi, libres: Sequence[str] = ()) -> str:
    return render_template(
        "inscription/formulaire.html", formulaire=formulaire, defi=suite, libres=libres
    )


def _demande(formulaire: Inscription) -> identite.CreerCompteRequest:
    return identite.CreerCompteRequest(
        request_id=formulaire.request_id.data,
        courriel=formulaire.courriel.data,
        mot_de_passe=formulaire.mot_de_passe.data,
        prenom=formulaire.prenom.data,
        nom=formulaire.nom.data,
        nom_utilisateur=formulaire.nom_utilisateur.data,
        date_naissance=formulaire.date_naissance.iso,
        adresse=identite.Adresse(
            ligne=formulaire.ligne.data,
            ville=formulaire.municipalite.data,
            code_postal=code_postal_canonique(formulaire.code_postal.data),
        ),
        telephone=telephone_e164(formulaire.telephone.data or ""),
        langue=formulaire.langue.data,
        categories=formulaire.categories.data,
        canaux=formulaire.canaux.data,
        adresse_ip=request.remote_addr or "",
        **defi.reponse(formulaire),
    )
