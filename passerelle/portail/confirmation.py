"""« Confirmez que c’est vous »: the step before a sensitive act (R36)."""

from collections.abc import Sequence

from flask import Blueprint, redirect, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext

from chassis.grpc_client import RemoteError
from espacecitoyen.identite.v1 import facteurs_service_pb2 as facteurs
from passerelle import clients, session, step_up
from passerelle.portail.forms_securite import Confirmation
from passerelle.problems import from_remote

bp = Blueprint("confirmation", __name__)
# The same pages behind the staff's own cookie.
bp_agents = Blueprint("agents_confirmation", __name__)

_PREFIXE_CHAMP = "garde."


@bp.get("/confirmer")
@bp_agents.get("/confirmer")
@session.login_required
def page() -> ResponseReturnValue:
    """Ask for a proof, then go back where the person was going."""
    return demander(
        suite=session.local_path(request.args.get("suite", ""), step_up.prefixe() + "/")
    )


@bp.post("/confirmer")
@bp_agents.post("/confirmer")
@session.login_required
def confirmer() -> ResponseReturnValue:
    """Judge the proof; a form that waited goes on with what was typed."""
    formulaire = Confirmation(request.form)
    action = session.local_path(request.form.get("action", ""), "")
    suite = session.local_path(request.form.get("suite", ""), step_up.prefixe() + "/")
    champs = [
        (nom.removeprefix(_PREFIXE_CHAMP), valeur)
        for nom, valeur in request.form.items(multi=True)
        if nom.startswith(_PREFIXE_CHAMP)
    ]
    services = clients.current()
    try:
        services.facteurs.call(
            lambda s: s.ConfirmerIdentite,
            facteurs.ConfirmerIdentiteRequest(
                epreuve=formulaire.epreuve.data or "",
                mot_de_passe=formulaire.mot_de_passe.data or "",
                code=formulaire.code.data or "",
                reponse_json=formulaire.reponse.data or "",
            ),
            token=services.own_token(),
            deadline=services.config.delai_mot_de_passe_s,
        )
    except RemoteError as error:
        probleme = from_remote(error)
        if formulaire.mot_de_passe.data and probleme.code == "FACTEUR_REFUSE":
            formulaire.mot_de_passe.errors = [gettext("Le mot de passe est incorrect.")]
        else:
            formulaire.noter(probleme)
        return (
            demander(suite=suite, action=action, champs=champs, formulaire=formulaire),
            probleme.status,
        )
    # The next page must see the proof that was just made.
    session.cache().drop(session.session_secret())
    if action:
        return render_template(
            "securite/continuer.html", action=action, champs=champs, cadre=cadre()
        )
    return redirect(suite, code=303)


def demander(
    *,
    suite: str = "",
    action: str = "",
    champs: Sequence[tuple[str, str]] = (),
    formulaire: Confirmation | None = None,
) -> str:
    """Return the page that asks for a proof, with the form that waits behind it."""
    services = clients.current()
    question: facteurs.CommencerConfirmationResponse = services.facteurs.call(
        lambda s: s.CommencerConfirmation,
        facteurs.CommencerConfirmationRequest(),
        token=services.own_token(),
    )
    formulaire = formulaire or Confirmation()
    formulaire.epreuve.data = question.epreuve
    return render_template(
        "securite/confirmer.html",
        formulaire=formulaire,
        question=question,
        suite=suite,
        action=action,
        champs=champs,
        prefixe_champ=_PREFIXE_CHAMP,
        adresse=f"{step_up.prefixe()}/confirmer",
        cadre=cadre(),
    )


def cadre() -> str:
    """Return the template that frames a page on this side."""
    return "securite/cadre_agents.html" if session.is_agents_path() else "securite/cadre.html"
