"""Applications that log people in with the Espace citoyen, registered by administrators."""

from typing import Final

from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import lazy_gettext as _l
from wtforms import (
    BooleanField,
    SelectField,
    SelectMultipleField,
    StringField,
    TextAreaField,
    URLField,
    widgets,
)
from wtforms.fields.choices import SelectChoice
from wtforms.validators import Length, Optional

from chassis.grpc_client import RemoteError
from espacecitoyen.identite.v1 import oidc_service_pb2 as pb
from passerelle import clients, session
from passerelle.oidc import serveur
from passerelle.portail.forms import Formulaire, requis, sans_bords
from passerelle.problems import from_remote

bp = Blueprint("agents_applications", __name__)

METHODES: Final = (
    SelectChoice("client_secret_basic", _l("Secret, dans l’en-tête (le plus courant)")),
    SelectChoice("client_secret_post", _l("Secret, dans le formulaire")),
    SelectChoice("private_key_jwt", _l("Clé privée (private_key_jwt)")),
    SelectChoice("tls_client_auth", _l("Certificat d’une autorité (tls_client_auth)")),
    SelectChoice(
        "self_signed_tls_client_auth", _l("Certificat autosigné (self_signed_tls_client_auth)")
    ),
    SelectChoice("none", _l("Aucun\u00a0: application installée sur l’appareil de la personne")),
)
PORTEES: Final = (
    SelectChoice("profile", _l("Nom, nom d’utilisateur, date de naissance")),
    SelectChoice("email", _l("Adresse courriel")),
    SelectChoice("phone", _l("Téléphone")),
    SelectChoice("address", _l("Adresse")),
    SelectChoice("offline_access", _l("Accès prolongé, hors connexion")),
)


class ClientOidc(Formulaire):
    """What an administrator writes about an application."""

    nom_fr = StringField(
        _l("Nom en français"),
        [requis(_l("Écrivez le nom que les personnes verront.")), Length(max=80)],
        [sans_bords],
    )
    nom_en = StringField(
        _l("Nom en anglais"),
        [requis(_l("Écrivez le nom anglais que les personnes verront.")), Length(max=80)],
        [sans_bords],
    )
    redirections = TextAreaField(
        _l("Adresses de retour"),
        [requis(_l("Écrivez au moins une adresse de retour.")), Length(max=4000)],
        [sans_bords],
    )
    redirections_fin = TextAreaField(
        _l("Adresses après la déconnexion"), [Optional(), Length(max=4000)], [sans_bords]
    )
    deconnexion_url = URLField(
        _l("Adresse à prévenir quand une session se termine"),
        [Optional(), Length(max=2000)],
        [sans_bords],
    )
    methode = SelectField(_l("Comment l’application prouve son identité"), choices=METHODES)
    portees = SelectMultipleField(
        _l("Renseignements qu’elle peut demander"),
        choices=PORTEES,
        option_widget=widgets.CheckboxInput(),
        widget=widgets.ListWidget(prefix_label=False),
    )
    algorithme = SelectField(
        _l("Algorithme des jetons d’identité"),
        choices=[SelectChoice("ES256", "ES256"), SelectChoice("RS256", "RS256")],
    )
    premiere_main = BooleanField(_l("Système de la Ville\u00a0: pas de page de consentement"))
    ressource = BooleanField(_l("Serveur de ressources\u00a0: peut vérifier les jetons des autres"))
    jwks = TextAreaField(_l("Clés publiques (JWKS)"), [Optional(), Length(max=8000)], [sans_bords])
    tls_sujet = StringField(
        _l("Sujet du certificat (RFC 4514)"), [Optional(), Length(max=300)], [sans_bords]
    )

    def client(self) -> pb.ClientOidc:
        """Return what was written, in the words of the contract."""
        return pb.ClientOidc(
            nom_fr=self.nom_fr.data,
            nom_en=self.nom_en.data,
            redirections=(self.redirections.data or "").split(),
            redirections_fin=(self.redirections_fin.data or "").split(),
            deconnexion_url=self.deconnexion_url.data or "",
            methode=self.methode.data,
            portees=["openid", *(self.portees.data or ())],
            algorithme=self.algorithme.data,
            premiere_main=self.premiere_main.data,
            ressource=self.ressource.data,
            jwks=self.jwks.data or "",
            tls_sujet=self.tls_sujet.data or "",
        )


@bp.get("/applications")
@session.agent_required("admin")
def liste() -> ResponseReturnValue:
    """List the registered applications."""
    return render_template("oidc/clients.html", clients=_clients(), emetteur=serveur.emetteur())


@bp.get("/applications/nouvelle")
@session.agent_required("admin")
def nouvelle() -> ResponseReturnValue:
    """Show the empty form."""
    formulaire = ClientOidc(portees=["profile", "email"])
    return render_template("oidc/client.html", formulaire=formulaire)


@bp.post("/applications/nouvelle")
@session.agent_required("admin")
def inscrire() -> ResponseReturnValue:
    """Register an application and show its secret, once."""
    formulaire = ClientOidc(request.form)
    statut = 422
    if formulaire.validate():
        services = clients.current()
        try:
            inscrit: pb.EnregistrerClientOidcResponse = services.oidc.call(
                lambda s: s.EnregistrerClientOidc,
                pb.EnregistrerClientOidcRequest(
                    request_id=formulaire.request_id.data, client=formulaire.client()
                ),
                token=services.token(),
            )
        except RemoteError as error:
            probleme = from_remote(error)
            formulaire.noter(probleme)
            statut = probleme.status
        else:
            return _montrer(inscrit.client_id, inscrit.secret)
    return render_template("oidc/client.html", formulaire=formulaire), statut


@bp.post("/applications/<client_id>/secret")
@session.agent_required("admin")
def renouveler(client_id: str) -> ResponseReturnValue:
    """Replace a secret and show the new one, once."""
    services = clients.current()
    neuf: pb.RenouvelerSecretOidcResponse = services.oidc.call(
        lambda s: s.RenouvelerSecretOidc,
        pb.RenouvelerSecretOidcRequest(
            request_id=request.form.get("request_id", ""), client_id=client_id
        ),
        token=services.token(),
    )
    return _montrer(client_id, neuf.secret)


@bp.post("/applications/<client_id>/etat")
@session.agent_required("admin")
def basculer(client_id: str) -> ResponseReturnValue:
    """Disable an application, which ends all its accesses, or enable it again."""
    services = clients.current()
    services.oidc.call(
        lambda s: s.DesactiverClientOidc,
        pb.DesactiverClientOidcRequest(
            request_id=request.form.get("request_id", ""),
            client_id=client_id,
            desactive=request.form.get("desactive") == "1",
        ),
        token=services.token(),
    )
    return redirect(url_for("agents_applications.liste", fait="application_changee"), code=303)


def _clients() -> list[pb.ClientOidc]:
    services = clients.current()
    reponse: pb.ListClientsOidcResponse = services.oidc.call(
        lambda s: s.ListClientsOidc, pb.ListClientsOidcRequest(), token=services.token()
    )
    return list(reponse.clients)


def _montrer(client_id: str, secret: str) -> ResponseReturnValue:
    return render_template(
        "oidc/secret.html", client_id=client_id, secret=secret, emetteur=serveur.emetteur()
    )
