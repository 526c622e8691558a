"""Clients of the log-in: introspection, registration, secrets (IDN-19)."""

from __future__ import annotations

from uuid import uuid4

import pytest
from click.testing import CliRunner

from espacecitoyen.identite.v1 import oidc_service_pb2 as pb
from services.identite import commandes
from tests.kit.identite import CLE_TEXTE
from tests.kit.identity import token
from tests.kit.oidc import RETOUR, Partie, inscrire, un_client, une_personne

pytestmark = pytest.mark.integration


def test_introspection_is_for_the_tokens_owner_and_for_resource_servers(identite):
    partie = inscrire(identite)
    autre = inscrire(identite)
    ressource = inscrire(identite, nom_fr="API des salles", ressource=True)
    jeton, _ = une_personne(identite)
    jetons = partie.connecter(jeton)
    for qui in (partie, ressource):
        etat = qui.etat(jetons.jeton_acces)
        assert etat["active"]
        assert etat["client_id"] == partie.client_id
        assert etat["scope"] == "openid profile email"
    refus = identite.refus(
        "VerifierJetonOidc",
        pb.VerifierJetonOidcRequest(preuve=autre.preuve(), jeton=jetons.jeton_acces),
    )
    assert refus.reason == "CLIENT_NON_HABILITE"
    assert ressource.etat("inconnu") == {"active": False}
    identite.horloge.advance(seconds=301)
    assert ressource.etat(jetons.jeton_acces) == {"active": False}


def test_a_client_ends_its_own_tokens_only(identite):
    partie, autre = inscrire(identite), inscrire(identite)
    jeton, _ = une_personne(identite)
    jetons = partie.connecter(jeton)

    def fermer(qui, lequel: str) -> None:
        identite.appeler(
            "FermerJetonOidc", pb.FermerJetonOidcRequest(preuve=qui.preuve(), jeton=lequel)
        )

    fermer(autre, jetons.jeton_renouvellement)
    assert partie.infos(jetons.jeton_acces)
    fermer(partie, jetons.jeton_acces)
    assert partie.refus_infos(jetons.jeton_acces).reason == "JETON_ACCES_INVALIDE"
    suite = partie.renouveler(jetons.jeton_renouvellement)
    fermer(partie, suite.jeton_renouvellement)
    assert partie.refus_infos(suite.jeton_acces).reason == "JETON_ACCES_INVALIDE"


def test_a_disabled_client_is_unknown_and_what_it_had_has_ended(identite):
    partie = inscrire(identite)
    jeton, _ = une_personne(identite)
    jetons = partie.connecter(jeton)
    admin = token(str(uuid4()), "admin")
    for desactive in (True, False):
        identite.appeler(
            "DesactiverClientOidc",
            pb.DesactiverClientOidcRequest(
                request_id=str(uuid4()), client_id=partie.client_id, desactive=desactive
            ),
            jeton=admin,
        )
        assert partie.refus_infos(jetons.jeton_acces).reason == "JETON_ACCES_INVALIDE"
        if desactive:
            refus = identite.refus(
                "GetClientOidc", pb.GetClientOidcRequest(client_id=partie.client_id)
            )
            assert refus.reason == "CLIENT_INCONNU"
    assert partie.connecter(jeton).jeton_acces


def test_a_new_secret_ends_the_former_one(identite):
    partie = inscrire(identite)
    jeton, _ = une_personne(identite)
    demande = pb.RenouvelerSecretOidcRequest(request_id=str(uuid4()), client_id=partie.client_id)
    admin = token(str(uuid4()), "admin")
    nouveau = identite.appeler("RenouvelerSecretOidc", demande, jeton=admin).secret
    assert identite.appeler("RenouvelerSecretOidc", demande, jeton=admin).secret == ""
    code, verificateur = partie.code(jeton)
    refus = identite.refus("ObtenirJetonsOidc", partie.demande(code, verificateur))
    assert refus.reason == "CLIENT_NON_AUTHENTIFIE"
    partie.secret = nouveau
    assert partie.echanger(code, verificateur).jeton_acces


def test_registration_is_for_administrators_once_per_request_and_judged(identite):
    demande = pb.EnregistrerClientOidcRequest(request_id=str(uuid4()), client=un_client())
    for role in ("citoyen", "agent_cartes"):
        refus = identite.refus("EnregistrerClientOidc", demande, jeton=token(str(uuid4()), role))
        assert refus.code.name == "PERMISSION_DENIED"
    admin = token(str(uuid4()), "admin")
    premier = identite.appeler("EnregistrerClientOidc", demande, jeton=admin)
    second = identite.appeler("EnregistrerClientOidc", demande, jeton=admin)
    assert second.client_id == premier.client_id
    assert (len(premier.secret), second.secret) == (43, "")
    assert premier.client_id.startswith("loisirs-en-ligne-")
    mauvais = un_client(redirections=["http://loisirs.exemple.ca/retour"], jwks="{", nom_en="")
    refus = identite.refus(
        "EnregistrerClientOidc",
        pb.EnregistrerClientOidcRequest(request_id=str(uuid4()), client=mauvais),
        jeton=admin,
    )
    assert refus.fields == {"redirections": "REDIRECTION_REFUSEE", "nom_en": "CHAMP_REQUIS"}


def test_no_secret_code_or_token_is_readable_in_the_database(identite):
    partie = inscrire(identite)
    jeton, _ = une_personne(identite)
    code, verificateur = partie.code(jeton)
    jetons = partie.echanger(code, verificateur)
    tables = ("oidc_client", "oidc_autorisation", "oidc_jeton", "oidc_cle", "outbox", "request")
    tout = " ".join(
        ligne.corps
        for table in tables
        for ligne in identite.lignes(f"SELECT t::text AS corps FROM {table} t")
    )
    secrets = (partie.secret, code, jetons.jeton_acces, jetons.jeton_renouvellement)
    for secret in secrets:
        assert secret not in tout
        assert secret.encode().hex() not in tout
    # An elliptic private key has a member "d"; sealed, nothing of it shows.
    assert b'"d"'.hex() not in tout


def test_an_operator_registers_an_application(identite, monkeypatch):
    url = identite.engine.url.render_as_string(hide_password=False)
    monkeypatch.setenv("IDENTITE_DATABASE_URL", url)
    monkeypatch.setenv("IDENTITE_CLE_SCELLE", CLE_TEXTE)
    commande = ["inscrire-application", "--nom-fr", "Bibliothèque", "--nom-en", "Library"]
    fait = CliRunner().invoke(commandes.identite, [*commande, "--retour", RETOUR])
    assert fait.exit_code == 0, fait.output
    dit = dict(ligne.split("=", 1) for ligne in fait.output.splitlines())
    partie = Partie(identite, dit["client_id"], dit["client_secret"], "client_secret_basic")
    jeton, _ = une_personne(identite)
    assert partie.connecter(jeton).jeton_acces
    refus = CliRunner().invoke(commandes.identite, [*commande, "--retour", "http://ailleurs.ca/"])
    assert refus.exit_code == 1
    assert "REDIRECTION_REFUSEE" in refus.output
