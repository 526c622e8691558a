"""« Sécurité »: passkeys, the authenticator application, recovery codes (IDN-20).

The same pages serve citizens (/compte/securite) and staff (/agents/securite): each side has its own
session cookie.
"""

from collections.abc import Iterable
from typing import Any

import segno
from flask import (
    Blueprint,
    make_response,
    redirect,
    render_template,
    request,
    url_for,
)
from flask.typing import ResponseReturnValue
from markupsafe import Markup

from chassis.grpc_client import RemoteError
from espacecitoyen.identite.v1 import facteurs_service_pb2 as facteurs
from passerelle import clients, session
from passerelle.portail.forms_securite import NomCle, NouvelleApplication, NouvelleCle
from passerelle.problems import Problem, from_remote
from passerelle.step_up import proof_required

bp = Blueprint("compte_securite", __name__)
bp_agents = Blueprint("agents_securite", __name__)


@bp.get("/compte/securite")
@bp_agents.get("/securite")
@session.login_required
def liste() -> ResponseReturnValue:
    """Show what the person may log in with."""
    services = clients.current()
    etat: facteurs.GetFacteursResponse = services.facteurs.call(
        lambda s: s.GetFacteurs, facteurs.GetFacteursRequest(), token=services.own_token()
    )
    return _page("liste.html", etat=etat)


@bp.get("/compte/securite/application")
@bp_agents.get("/securite/application")
@session.login_required
@proof_required
def application() -> ResponseReturnValue:
    """Show the secret as a picture and as text."""
    return _application(NouvelleApplication())


@bp.post("/compte/securite/application")
@bp_agents.post("/securite/application")
@session.login_required
@proof_required
def confirmer_application() -> ResponseReturnValue:
    """Judge the first code."""
    formulaire = NouvelleApplication(request.form)
    statut = 422
    if formulaire.validate():
        services = clients.current()
        try:
            fait: facteurs.ConfirmerTotpResponse = services.facteurs.call(
                lambda s: s.ConfirmerTotp,
                facteurs.ConfirmerTotpRequest(
                    request_id=formulaire.request_id.data, code=formulaire.code.data
                ),
                token=services.own_token(),
            )
        except RemoteError as error:
            probleme = from_remote(error)
            formulaire.noter(probleme)
            statut = probleme.status
        else:
            return _enrole(fait.codes_secours, fait.jeton_session)
    return _application(formulaire), statut


@bp.get("/compte/securite/cle")
@bp_agents.get("/securite/cle")
@session.login_required
@proof_required
def cle() -> ResponseReturnValue:
    """Offer to make a passkey."""
    return _nouvelle_cle(NouvelleCle())


@bp.post("/compte/securite/cle")
@bp_agents.post("/securite/cle")
@session.login_required
@proof_required
def enregistrer_cle() -> ResponseReturnValue:
    """Keep the passkey that the browser has just made."""
    formulaire = NouvelleCle(request.form)
    statut = 422
    if formulaire.validate():
        services = clients.current()
        try:
            fait: facteurs.EnregistrerCleResponse = services.facteurs.call(
                lambda s: s.EnregistrerCle,
                facteurs.EnregistrerCleRequest(
                    request_id=formulaire.request_id.data,
                    epreuve=formulaire.epreuve.data,
                    reponse_json=formulaire.reponse.data,
                    nom=formulaire.nom.data,
                ),
                token=services.own_token(),
            )
        except RemoteError as error:
            probleme = from_remote(error)
            formulaire.noter(probleme)
            statut = probleme.status
        else:
            return _enrole(fait.codes_secours, fait.jeton_session)
    return _nouvelle_cle(formulaire), statut


@bp.get("/compte/securite/cle/<uuid:cle_id>")
@bp_agents.get("/securite/cle/<uuid:cle_id>")
@session.login_required
def une_cle(cle_id: object) -> ResponseReturnValue:
    """Show one passkey: another name, or no more of it."""
    trouvee = _lire_cle(str(cle_id))
    return _page("cle.html", cle=trouvee, formulaire=NomCle(nom=trouvee.nom))


@bp.post("/compte/securite/cle/<uuid:cle_id>")
@bp_agents.post("/securite/cle/<uuid:cle_id>")
@session.login_required
def renommer(cle_id: object) -> ResponseReturnValue:
    """Give the passkey another name."""
    formulaire = NomCle(request.form)
    if not formulaire.validate():
        return _page("cle.html", cle=_lire_cle(str(cle_id)), formulaire=formulaire), 422
    services = clients.current()
    services.facteurs.call(
        lambda s: s.RenommerCle,
        facteurs.RenommerCleRequest(
            request_id=formulaire.request_id.data, cle_id=str(cle_id), nom=formulaire.nom.data
        ),
        token=services.own_token(),
    )
    return redirect(_adresse("liste", fait="facteur_modifie"), code=303)


@bp.post("/compte/securite/cle/<uuid:cle_id>/retirer")
@bp_agents.post("/securite/cle/<uuid:cle_id>/retirer")
@session.login_required
@proof_required
def retirer_cle(cle_id: object) -> ResponseReturnValue:
    """Take the passkey away."""
    services = clients.current()
    services.facteurs.call(
        lambda s: s.RetirerCle,
        facteurs.RetirerCleRequest(
            request_id=request.form.get("request_id", ""), cle_id=str(cle_id)
        ),
        token=services.own_token(),
    )
    return redirect(_adresse("liste", fait="facteur_retire"), code=303)


@bp.post("/compte/securite/application/retirer")
@bp_agents.post("/securite/application/retirer")
@session.login_required
@proof_required
def retirer_application() -> ResponseReturnValue:
    """Take the application away."""
    services = clients.current()
    services.facteurs.call(
        lambda s: s.RetirerTotp,
        facteurs.RetirerTotpRequest(request_id=request.form.get("request_id", "")),
        token=services.own_token(),
    )
    return redirect(_adresse("liste", fait="facteur_retire"), code=303)


@bp.post("/compte/securite/codes")
@bp_agents.post("/securite/codes")
@session.login_required
@proof_required
def codes() -> ResponseReturnValue:
    """Make new recovery codes and show them once."""
    services = clients.current()
    faits: facteurs.RegenererCodesResponse = services.facteurs.call(
        lambda s: s.RegenererCodes,
        facteurs.RegenererCodesRequest(request_id=request.form.get("request_id", "")),
        token=services.own_token(),
    )
    return _page("codes.html", codes=list(faits.codes_secours))


def _application(formulaire: NouvelleApplication) -> str:
    services = clients.current()
    secret: facteurs.CommencerTotpResponse = services.facteurs.call(
        lambda s: s.CommencerTotp, facteurs.CommencerTotpRequest(), token=services.own_token()
    )
    return _page(
        "application.html",
        formulaire=formulaire,
        secret=" ".join(secret.secret[i : i + 4] for i in range(0, len(secret.secret), 4)),
        uri=secret.uri,
        image=dessin(secret.uri),
    )


def _nouvelle_cle(formulaire: NouvelleCle) -> str:
    services = clients.current()
    question: facteurs.CommencerCleResponse = services.facteurs.call(
        lambda s: s.CommencerCle, facteurs.CommencerCleRequest(), token=services.own_token()
    )
    formulaire.epreuve.data = question.epreuve
    return _page(
        "nouvelle_cle.html",
        formulaire=formulaire,
        options=question.options_json,
        ailleurs=adresse_des_cles(),
    )


def _lire_cle(cle_id: str) -> facteurs.CleAcces:
    services = clients.current()
    etat: facteurs.GetFacteursResponse = services.facteurs.call(
        lambda s: s.GetFacteurs, facteurs.GetFacteursRequest(), token=services.own_token()
    )
    for trouvee in etat.cles:
        if trouvee.cle_id == cle_id:
            return trouvee
    raise Problem("FACTEUR_INTROUVABLE", status=404)


def _enrole(codes_secours: Iterable[str], jeton: str) -> ResponseReturnValue:
    """Show the codes that came with the first factor, in the session that may be new (R30)."""
    codes_dits = list(codes_secours)
    if codes_dits:
        response = make_response(_page("codes.html", codes=codes_dits))
    else:
        response = make_response(redirect(_adresse("liste", fait="facteur_ajoute"), code=303))
    session.cache().drop(session.session_secret())
    if jeton:
        session.open_session(response, jeton, agent=session.is_agents_path())
    return response


def _page(nom: str, **valeurs: object) -> str:
    return render_template(
        f"securite/{nom}",
        cadre="securite/cadre_agents.html" if session.is_agents_path() else "compte/cadre.html",
        adresse_de=_adresse,
        agent=session.is_agents_path(),
        **valeurs,
    )


def _adresse(page: str, **valeurs: Any) -> str:
    return url_for(
        f"{'agents_securite' if session.is_agents_path() else 'compte_securite'}.{page}", **valeurs
    )


def dessin(uri: str) -> Markup:
    """Draw an address as a QR code, in SVG without any style of its own."""
    return Markup(  # noqa: S704 - made here from a base 32 secret and a percent-encoded name
        segno.make(uri, error="m").svg_inline(scale=5, border=2, dark="#000", light="#fff")
    )


def adresse_des_cles() -> str:
    """Return where passkeys work when they cannot work here: they need a name, not an address."""
    hote = request.host.lower()
    if not hote.startswith("127.0.0.1") and not hote.startswith("[::1]"):
        return ""
    port = f":{hote.rpartition(':')[2]}" if ":" in hote.replace("[::1]", "") else ""
    return f"{request.scheme}://localhost{port}{request.path}"
