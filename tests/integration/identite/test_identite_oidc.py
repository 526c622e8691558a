"""Log-ins at clients: codes, tokens, consents, ends (IDN-19)."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import uuid4

import pytest

from espacecitoyen.identite.v1 import identite_service_pb2 as compte_pb
from espacecitoyen.identite.v1 import oidc_service_pb2 as pb
from tests.kit.identity import token
from tests.kit.oidc import RETOUR, inscrire, lire_jeton, un_defi, une_personne

pytestmark = pytest.mark.integration


@pytest.mark.exigence("IDN-19")
def test_a_person_logs_in_at_a_client_that_learns_only_what_was_agreed(identite):
    partie = inscrire(identite)
    jeton, _ = une_personne(identite)
    jetons = partie.connecter(jeton, portees=["openid", "email"])
    entete, dit = lire_jeton(identite, jetons.jeton_identite)
    assert entete["alg"] == "ES256"
    assert dit["aud"] == partie.client_id
    assert dit["iss"] == "http://127.0.0.1:8080"
    assert dit["nonce"] == "n-0S6"
    assert dit["auth_time"] == int(identite.horloge().timestamp())
    assert dit["acr"] == "urn:espace-citoyen:mot-de-passe"
    assert "email" not in dit
    infos = partie.infos(jetons.jeton_acces)
    assert infos == {
        "sub": dit["sub"],
        "email": "zoe.tremblay@exemple.ca",
        "email_verified": True,
    }
    (lecture,) = identite.evenements("donnees_transmises.v1")
    assert lecture["client_id"] == partie.client_id
    assert lecture["portees"] == ["openid", "email"]


def test_every_scope_opens_its_claims(identite):
    partie = inscrire(identite)
    jeton, _ = une_personne(identite)
    tous = ["openid", "profile", "email", "phone", "address"]
    infos = partie.infos(partie.connecter(jeton, portees=tous).jeton_acces)
    assert infos["name"] == "Zoé Tremblay"
    assert infos["birthdate"] == "1988-05-17"
    assert infos["phone_number"] == "+14504344440"
    assert infos["phone_number_verified"] is False
    assert infos["address"]["postal_code"] == "J7E3L1"


def test_two_hosts_know_one_person_by_different_names(identite):
    ici = inscrire(identite)
    voisin = inscrire(identite, nom_fr="Inscriptions")
    ailleurs = inscrire(identite, redirections=["https://taxes.exemple.ca/retour"])
    jeton, _ = une_personne(identite)
    sujets = [
        lire_jeton(identite, partie.connecter(jeton).jeton_identite)[1]["sub"]
        for partie in (ici, ici, voisin)
    ]
    code, verificateur = ailleurs.code(jeton, redirection="https://taxes.exemple.ca/retour")
    demande = ailleurs.demande(code, verificateur)
    demande.code.redirection = "https://taxes.exemple.ca/retour"
    autre = identite.appeler("ObtenirJetonsOidc", demande)
    assert len(set(sujets)) == 1
    assert lire_jeton(identite, autre.jeton_identite)[1]["sub"] not in sujets


def test_a_code_serves_once_and_its_replay_ends_what_it_opened(identite):
    partie = inscrire(identite)
    jeton, _ = une_personne(identite)
    code, verificateur = partie.code(jeton)
    jetons = partie.echanger(code, verificateur)
    # Even when the code could not have served any more.
    identite.horloge.advance(minutes=2)
    refus = identite.refus("ObtenirJetonsOidc", partie.demande(code, verificateur))
    assert refus.reason == "AUTORISATION_INVALIDE"
    assert partie.refus_infos(jetons.jeton_acces).reason == "JETON_ACCES_INVALIDE"
    suite = identite.refus("ObtenirJetonsOidc", partie.renouvellement(jetons.jeton_renouvellement))
    assert suite.reason == "AUTORISATION_INVALIDE"


def test_a_code_sent_twenty_times_at_once_opens_at_most_once(identite):
    partie = inscrire(identite)
    jeton, _ = une_personne(identite)
    demande = partie.demande(*partie.code(jeton))

    def tenter(_numero: int) -> str:
        try:
            return identite.appeler("ObtenirJetonsOidc", demande).jeton_acces
        except Exception as refus:  # noqa: BLE001  (the reason is judged below)
            return f"refus {refus}"

    with ThreadPoolExecutor(8) as fils:
        issues = list(fils.map(tenter, range(20)))
    donnes = [issue for issue in issues if not issue.startswith("refus")]
    assert len(donnes) == 1
    assert all("AUTORISATION_INVALIDE" in issue for issue in issues if issue not in donnes)
    # One of those who held the code is a thief: nobody keeps anything.
    assert partie.refus_infos(donnes[0]).reason == "JETON_ACCES_INVALIDE"


def test_a_code_is_for_its_client_its_address_its_verifier_and_its_minute(identite):
    partie, autre = inscrire(identite), inscrire(identite)
    jeton, _ = une_personne(identite)
    code, verificateur = partie.code(jeton)
    ailleurs = partie.demande(code, verificateur)
    ailleurs.code.redirection = "https://loisirs.exemple.ca/retour/"
    for demande in (
        autre.demande(code, verificateur),
        ailleurs,
        partie.demande(code, un_defi()[0]),
        partie.demande(code, "court"),
        partie.demande("inconnu", verificateur),
    ):
        assert identite.refus("ObtenirJetonsOidc", demande).reason == "AUTORISATION_INVALIDE"
    # None of these used it up.
    assert partie.echanger(code, verificateur).jeton_acces
    tard, verificateur = partie.code(jeton)
    identite.horloge.advance(seconds=60)
    refus = identite.refus("ObtenirJetonsOidc", partie.demande(tard, verificateur))
    assert refus.reason == "AUTORISATION_INVALIDE"


def test_a_client_without_its_proof_gets_nothing(identite):
    partie = inscrire(identite)
    jeton, _ = une_personne(identite)
    code, verificateur = partie.code(jeton)
    for faux in (
        {"secret": "faux"},
        {"secret": ""},
        {"methode": "client_secret_post"},
        {"methode": "none", "secret": ""},
        {"client_id": "inconnu"},
    ):
        refus = identite.refus("ObtenirJetonsOidc", partie.demande(code, verificateur, **faux))
        assert refus.reason == "CLIENT_NON_AUTHENTIFIE"
    assert partie.echanger(code, verificateur).jeton_acces


def test_a_refresh_token_turns_and_an_earlier_one_ends_the_family(identite):
    partie = inscrire(identite)
    jeton, _ = une_personne(identite)
    premiers = partie.connecter(jeton)
    seconds = partie.renouveler(premiers.jeton_renouvellement)
    assert seconds.jeton_renouvellement != premiers.jeton_renouvellement
    _, dit = lire_jeton(identite, seconds.jeton_identite)
    assert "nonce" not in dit
    refus = identite.refus(
        "ObtenirJetonsOidc", partie.renouvellement(premiers.jeton_renouvellement)
    )
    assert refus.reason == "AUTORISATION_INVALIDE"
    refus = identite.refus("ObtenirJetonsOidc", partie.renouvellement(seconds.jeton_renouvellement))
    assert refus.reason == "AUTORISATION_INVALIDE"
    assert partie.refus_infos(seconds.jeton_acces).reason == "JETON_ACCES_INVALIDE"


def test_a_refresh_may_narrow_the_scopes_never_widen_them(identite):
    partie = inscrire(identite)
    jeton, _ = une_personne(identite)
    jetons = partie.connecter(jeton, portees=["openid", "email"])
    refus = identite.refus(
        "ObtenirJetonsOidc", partie.renouvellement(jetons.jeton_renouvellement, "openid", "phone")
    )
    assert refus.reason == "PORTEE_REFUSEE"
    moins = partie.renouveler(jetons.jeton_renouvellement, "openid")
    assert list(partie.infos(moins.jeton_acces)) == ["sub"]


def test_tokens_end_with_the_session_but_offline_access_outlives_it(identite):
    partie = inscrire(identite)
    jeton, secret = une_personne(identite)
    liees = partie.connecter(jeton)
    hors_ligne = partie.connecter(jeton, portees=["openid", "offline_access"])
    identite.appeler("FermerSession", compte_pb.FermerSessionRequest(jeton_session=secret))
    assert partie.refus_infos(liees.jeton_acces).reason == "JETON_ACCES_INVALIDE"
    refus = identite.refus("ObtenirJetonsOidc", partie.renouvellement(liees.jeton_renouvellement))
    assert refus.reason == "AUTORISATION_INVALIDE"
    assert partie.renouveler(hors_ligne.jeton_renouvellement).jeton_acces
    identite.ecrire("UPDATE compte SET statut = 'DESACTIVE'")
    assert partie.refus_infos(hors_ligne.jeton_acces).reason == "JETON_ACCES_INVALIDE"


def test_an_access_token_lives_five_minutes_and_a_refresh_token_thirty_days(identite):
    partie = inscrire(identite)
    jeton, _ = une_personne(identite)
    jetons = partie.connecter(jeton, portees=["openid", "offline_access"])
    assert jetons.duree_s == 300
    identite.horloge.advance(seconds=300)
    assert partie.refus_infos(jetons.jeton_acces).reason == "JETON_ACCES_INVALIDE"
    identite.horloge.advance(days=30)
    refus = identite.refus("ObtenirJetonsOidc", partie.renouvellement(jetons.jeton_renouvellement))
    assert refus.reason == "AUTORISATION_INVALIDE"


def test_consent_is_asked_once_for_the_same_scopes(identite):
    partie = inscrire(identite)
    jeton, _ = une_personne(identite)

    def besoin(*portees: str, **champs: Any) -> str:
        reponse = identite.appeler(
            "VerifierAutorisationOidc",
            pb.VerifierAutorisationOidcRequest(
                client_id=partie.client_id, portees=portees, **{"age_max_s": -1, **champs}
            ),
            jeton=jeton,
        )
        return pb.BesoinOidc.Name(reponse.besoin).removeprefix("BESOIN_OIDC_")

    assert besoin("openid", "email") == "CONSENTEMENT"
    refus = identite.refus(
        "OuvrirAutorisationOidc",
        pb.OuvrirAutorisationOidcRequest(
            client_id=partie.client_id,
            redirection=RETOUR,
            portees=["openid", "email"],
            defi=un_defi()[1],
            age_max_s=-1,
        ),
        jeton=jeton,
    )
    assert refus.reason == "CONSENTEMENT_REQUIS"
    partie.connecter(jeton, portees=["openid", "email"])
    assert besoin("openid", "email") == "RIEN"
    assert besoin("openid") == "RIEN"
    assert besoin("openid", "phone") == "CONSENTEMENT"
    identite.horloge.advance(minutes=10)
    assert besoin("openid", age_max_s=599) == "RECONNEXION"
    assert besoin("openid", age_max_s=600) == "RIEN"
    assert besoin("openid", pas_avant=identite.horloge().isoformat()) == "RECONNEXION"
    (donne,) = identite.evenements("consentement_donne.v1")
    assert donne["portees"] == ["openid", "email"]


def test_a_withdrawn_consent_ends_the_access_and_stays_in_the_register(identite):
    partie = inscrire(identite)
    jeton, _ = une_personne(identite)
    jetons = partie.connecter(jeton)
    (donne,) = identite.appeler(
        "ListConsentementsOidc", pb.ListConsentementsOidcRequest(), jeton=jeton
    ).consentements
    assert donne.nom_fr == "Loisirs en ligne"
    assert list(donne.portees) == ["openid", "profile", "email"]
    demande = pb.RetirerConsentementOidcRequest(request_id=str(uuid4()), client_id=partie.client_id)
    for _ in range(2):
        identite.appeler("RetirerConsentementOidc", demande, jeton=jeton)
    assert partie.refus_infos(jetons.jeton_acces).reason == "JETON_ACCES_INVALIDE"
    assert len(identite.evenements("consentement_retire.v1")) == 1
    assert not identite.appeler(
        "ListConsentementsOidc", pb.ListConsentementsOidcRequest(), jeton=jeton
    ).consentements
    assert identite.lignes("SELECT count(*) AS n FROM oidc_consentement")[0].n == 1


def test_the_citys_own_system_asks_only_for_access_that_outlives_the_session(identite):
    partie = inscrire(identite, premiere_main=True)
    jeton, _ = une_personne(identite)
    assert partie.connecter(jeton, consenti=False).jeton_acces
    verificateur, defi = un_defi()
    del verificateur
    refus = identite.refus(
        "OuvrirAutorisationOidc",
        pb.OuvrirAutorisationOidcRequest(
            client_id=partie.client_id,
            redirection=RETOUR,
            portees=["openid", "offline_access"],
            defi=defi,
            age_max_s=-1,
        ),
        jeton=jeton,
    )
    assert refus.reason == "CONSENTEMENT_REQUIS"


@pytest.mark.parametrize(
    ("champs", "raison"),
    [
        ({"redirection": RETOUR + "?x=1"}, "REDIRECTION_REFUSEE"),
        (
            {"redirection": "https://loisirs.exemple.ca.voleur.example/retour"},
            "REDIRECTION_REFUSEE",
        ),
        ({"portees": ["email"]}, "PORTEE_REFUSEE"),
        ({"portees": ["openid", "admin"]}, "PORTEE_REFUSEE"),
        ({"defi": ""}, "DEFI_INVALIDE"),
        ({"defi": "x" * 128}, "DEFI_INVALIDE"),
        ({"client_id": "inconnu"}, "CLIENT_INCONNU"),
    ],
)
def test_identite_judges_the_request_by_itself(identite, champs, raison):
    partie = inscrire(identite)
    jeton, _ = une_personne(identite)
    valeurs = {
        "client_id": partie.client_id,
        "redirection": RETOUR,
        "portees": ["openid"],
        "defi": un_defi()[1],
        "consenti": True,
        "age_max_s": -1,
    }
    demande = pb.OuvrirAutorisationOidcRequest(**(valeurs | champs))
    assert identite.refus("OuvrirAutorisationOidc", demande, jeton=jeton).reason == raison


def test_a_token_without_a_live_session_opens_no_authorization(identite):
    partie = inscrire(identite)
    une_personne(identite)
    demande = pb.OuvrirAutorisationOidcRequest(
        client_id=partie.client_id,
        redirection=RETOUR,
        portees=["openid"],
        defi=un_defi()[1],
        consenti=True,
        age_max_s=-1,
    )
    for session in ("", str(uuid4())):
        jeton = token(str(uuid4()), "citoyen", session=session)
        assert identite.refus("OuvrirAutorisationOidc", demande, jeton=jeton).reason == (
            "SESSION_EXPIREE"
        )
