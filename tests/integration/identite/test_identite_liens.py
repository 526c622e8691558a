"""Mailed links over gRPC on the real database: late, twice, raced, replaced, taken for another."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import pytest

from chassis.grpc_client import RemoteError
from espacecitoyen.identite.v1 import identite_service_pb2 as pb
from tests.kit.identite import AUTRE_MOT_DE_PASSE, MOT_DE_PASSE, une_connexion

pytestmark = pytest.mark.integration

ADRESSE = "zoe.tremblay@exemple.ca"


def une_activation(jeton):
    return pb.ActiverCompteRequest(request_id=str(uuid4()), jeton=jeton)


def une_reinitialisation(jeton, mot_de_passe=AUTRE_MOT_DE_PASSE):
    return pb.ReinitialiserMotDePasseRequest(
        request_id=str(uuid4()), jeton=jeton, mot_de_passe=mot_de_passe
    )


def oublier(identite, adresse=ADRESSE):
    """Ask for a reset link; gives its secret when one was mailed."""
    demande = pb.DemanderReinitialisationRequest(request_id=str(uuid4()), courriel=adresse)
    identite.appeler("DemanderReinitialisation", demande)
    courriels = identite.courriels("reinitialisation")
    return courriels[-1]["jeton"] if courriels else ""


def ensemble(identite, rpc, demandes):
    """Send all requests at once; gives the reasons, "" for an acceptance, sorted."""

    def essayer(demande) -> str:
        try:
            identite.appeler(rpc, demande)
        except RemoteError as error:
            return error.reason
        return ""

    with ThreadPoolExecutor(len(demandes)) as fils:
        return sorted(fils.map(essayer, demandes))


@pytest.mark.exigence("IDN-04")
def test_a_second_click_is_told_that_the_link_has_served(identite):
    jeton = identite.inscrire()
    identite.activer(jeton)
    for _ in range(2):
        assert identite.refus("ActiverCompte", une_activation(jeton)).reason == "LIEN_DEJA_UTILISE"
    identite.horloge.advance(days=3)
    assert identite.refus("ActiverCompte", une_activation(jeton)).reason == "LIEN_DEJA_UTILISE"
    assert len(identite.evenements("compte_active.v1")) == 1


@pytest.mark.exigence("IDN-04")
def test_the_same_activation_request_gives_the_same_answer(identite):
    demande = une_activation(identite.inscrire())
    premiere = identite.appeler("ActiverCompte", demande)
    assert identite.appeler("ActiverCompte", demande) == premiere
    demande.jeton = "autre"
    assert identite.refus("ActiverCompte", demande).reason == "REQUEST_ID_REUTILISE"


@pytest.mark.exigence("IDN-04")
def test_a_link_is_good_for_a_day(identite):
    jeton = identite.inscrire()
    identite.horloge.advance(hours=24)
    assert identite.refus("ActiverCompte", une_activation(jeton)).reason == "LIEN_EXPIRE"
    identite.horloge.advance(seconds=-1)
    identite.activer(jeton)


@pytest.mark.parametrize("jeton", ["", "x", "A" * 43, "\x00", "é" * 43, "A" * 100_000])
def test_an_unknown_link_is_told_so(identite, jeton):
    identite.inscrire()
    assert identite.refus("ActiverCompte", une_activation(jeton)).reason == "LIEN_INCONNU"
    reset = une_reinitialisation(jeton)
    assert identite.refus("ReinitialiserMotDePasse", reset).reason == "LIEN_INCONNU"


@pytest.mark.exigence("IDN-04")
def test_ten_clicks_at_once_activate_once(identite):
    jeton = identite.inscrire()
    raisons = ensemble(identite, "ActiverCompte", [une_activation(jeton) for _ in range(10)])
    assert raisons == ["", *["LIEN_DEJA_UTILISE"] * 9]
    assert len(identite.evenements("compte_active.v1")) == 1


@pytest.mark.exigence("IDN-04")
def test_a_link_sent_again_makes_the_earlier_one_void(identite):
    ancien = identite.inscrire()
    demande = pb.RenvoyerActivationRequest(request_id=str(uuid4()), courriel=ADRESSE.upper())
    for _ in range(2):
        identite.appeler("RenvoyerActivation", demande)
    courriels = identite.courriels("activation")
    assert len(courriels) == 2
    assert identite.refus("ActiverCompte", une_activation(ancien)).reason == "LIEN_EXPIRE"
    identite.activer(courriels[-1]["jeton"])


@pytest.mark.exigence("IDN-04", "IDN-13")
def test_sending_again_tells_nothing(identite):
    identite.un_compte()
    reponses = set()
    for adresse in (ADRESSE, "inconnu@exemple.ca"):
        demande = pb.RenvoyerActivationRequest(request_id=str(uuid4()), courriel=adresse)
        reponses.add(identite.appeler("RenvoyerActivation", demande).SerializeToString())
    assert len(reponses) == 1
    assert len(identite.courriels("activation")) == 1
    demande = pb.RenvoyerActivationRequest(request_id=str(uuid4()), courriel="rien")
    assert identite.refus("RenvoyerActivation", demande).fields == {"courriel": "COURRIEL_INVALIDE"}


def test_clicks_and_new_links_at_once_never_dead_lock(identite):
    jeton = identite.inscrire()

    def alterner(numero) -> None:
        try:
            if numero % 2:
                identite.appeler("ActiverCompte", une_activation(jeton))
            else:
                demande = pb.RenvoyerActivationRequest(request_id=str(uuid4()), courriel=ADRESSE)
                identite.appeler("RenvoyerActivation", demande)
        except RemoteError as error:
            assert error.reason in {"LIEN_EXPIRE", "LIEN_DEJA_UTILISE"}, error.reason  # noqa: PT017

    with ThreadPoolExecutor(10) as fils:
        list(fils.map(alterner, range(20)))


@pytest.mark.exigence("IDN-12")
def test_a_forgotten_password_is_replaced_and_every_session_ends(identite):
    compte_id = identite.un_compte()
    sessions = [identite.ouvrir().jeton_session for _ in range(2)]
    jeton = oublier(identite)
    demande = une_reinitialisation(jeton)
    for _ in range(2):
        identite.appeler("ReinitialiserMotDePasse", demande)
    for session in sessions:
        refus = identite.refus("VerifierSession", pb.VerifierSessionRequest(jeton_session=session))
        assert refus.reason == "SESSION_EXPIREE"
    assert identite.refus("OuvrirSession", une_connexion()).reason == "IDENTIFIANTS_INVALIDES"
    ouverte = identite.ouvrir(mot_de_passe=AUTRE_MOT_DE_PASSE)
    assert ouverte.profil.compte_id == compte_id
    assert len(identite.courriels("mot_de_passe_change")) == 1
    refus = identite.refus("ReinitialiserMotDePasse", une_reinitialisation(jeton))
    assert refus.reason == "LIEN_DEJA_UTILISE"


@pytest.mark.exigence("IDN-12")
def test_a_reset_link_is_good_for_ten_minutes(identite):
    identite.un_compte()
    jeton = oublier(identite)
    identite.horloge.advance(minutes=10)
    refus = identite.refus("ReinitialiserMotDePasse", une_reinitialisation(jeton))
    assert refus.reason == "LIEN_EXPIRE"


@pytest.mark.exigence("IDN-12")
def test_a_refused_password_leaves_the_reset_link_usable(identite):
    identite.un_compte()
    jeton = oublier(identite)
    for mauvais, raison in (
        ("court", "MOT_DE_PASSE_TROP_COURT"),
        ("zoetremblay88", "MOT_DE_PASSE_FAIBLE"),
        ("x" * 200, "MOT_DE_PASSE_TROP_LONG"),
    ):
        refus = identite.refus("ReinitialiserMotDePasse", une_reinitialisation(jeton, mauvais))
        assert refus.fields == {"mot_de_passe": raison}
    identite.appeler("ReinitialiserMotDePasse", une_reinitialisation(jeton))
    identite.ouvrir(mot_de_passe=AUTRE_MOT_DE_PASSE)


@pytest.mark.exigence("IDN-12")
def test_only_the_newest_reset_link_works_and_once(identite):
    identite.un_compte()
    ancien, recent = oublier(identite), oublier(identite)
    refus = identite.refus("ReinitialiserMotDePasse", une_reinitialisation(ancien))
    assert refus.reason == "LIEN_EXPIRE"
    demandes = [une_reinitialisation(recent) for _ in range(4)]
    assert ensemble(identite, "ReinitialiserMotDePasse", demandes) == [
        "",
        *["LIEN_DEJA_UTILISE"] * 3,
    ]


@pytest.mark.exigence("IDN-12")
def test_a_double_click_changes_the_password_once(identite):
    identite.un_compte()
    demande = une_reinitialisation(oublier(identite))
    assert ensemble(identite, "ReinitialiserMotDePasse", [demande] * 4) == [""] * 4
    assert len(identite.courriels("mot_de_passe_change")) == 1
    demande = pb.DemanderReinitialisationRequest(request_id=str(uuid4()), courriel=ADRESSE)
    assert ensemble(identite, "DemanderReinitialisation", [demande] * 4) == [""] * 4
    assert len(identite.courriels("reinitialisation")) == 2


@pytest.mark.exigence("IDN-12")
def test_a_reset_link_of_an_account_disabled_meanwhile_opens_nothing(identite):
    identite.un_compte()
    jeton = oublier(identite)
    identite.ecrire("UPDATE compte SET statut = 'DESACTIVE'")
    refus = identite.refus("ReinitialiserMotDePasse", une_reinitialisation(jeton))
    assert refus.reason == "LIEN_INCONNU"


@pytest.mark.exigence("IDN-12")
def test_asking_for_a_reset_tells_nothing_and_floods_nobody(identite):
    identite.un_compte()
    assert oublier(identite, "inconnu@exemple.ca") == ""
    for _ in range(5):
        oublier(identite)
    assert len(identite.courriels("reinitialisation")) == 3


def test_links_serve_their_own_act_only(identite):
    activation = identite.inscrire()
    reset = oublier(identite)
    assert identite.refus("ActiverCompte", une_activation(reset)).reason == "LIEN_INCONNU"
    refus = identite.refus("ReinitialiserMotDePasse", une_reinitialisation(activation))
    assert refus.reason == "LIEN_INCONNU"


@pytest.mark.exigence("IDN-12")
def test_a_reset_proves_the_mailbox_of_an_unconfirmed_account(identite):
    activation = identite.inscrire(mot_de_passe=MOT_DE_PASSE)
    identite.appeler("ReinitialiserMotDePasse", une_reinitialisation(oublier(identite)))
    identite.ouvrir(mot_de_passe=AUTRE_MOT_DE_PASSE)
    assert len(identite.evenements("compte_active.v1")) == 1
    refus = identite.refus("ActiverCompte", une_activation(activation))
    assert refus.reason == "LIEN_DEJA_UTILISE"


def test_a_disabled_account_gets_no_link(identite):
    identite.un_compte()
    identite.ecrire("UPDATE compte SET statut = 'DESACTIVE'")
    assert oublier(identite) == ""
