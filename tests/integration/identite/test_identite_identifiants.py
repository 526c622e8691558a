"""Sessions and identifiers of an account over gRPC on the real database."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import pytest

from chassis.grpc_client import RemoteError
from espacecitoyen.identite.v1 import acces_service_pb2 as acces
from espacecitoyen.identite.v1 import identite_service_pb2 as pb
from tests.kit.identite import (
    AUTRE_MOT_DE_PASSE,
    MOT_DE_PASSE,
    une_connexion,
    une_demande_de_compte,
    une_identite,
)
from tests.kit.identity import MINTER

pytestmark = pytest.mark.integration

TROISIEME = "sept canots verts au large"


def de(identite, jeton_session: str) -> str:
    """The token that the gateway mints for a session."""
    vue = identite.verifier(jeton_session)
    return MINTER.mint(subject=vue.compte_id, roles=list(vue.roles), session=vue.session_id)


def vivante(identite, jeton_session: str) -> bool:
    try:
        identite.verifier(jeton_session)
    except RemoteError:
        return False
    return True


# Sessions


@pytest.mark.exigence("IDN-20")
def test_one_sees_and_ends_ones_own_sessions_only(identite):
    identite.un_compte()
    ici, ailleurs = identite.ouvrir(appareil="Ici"), identite.ouvrir(appareil="Ailleurs")
    identite.un_compte(courriel="autre@exemple.ca", nom_utilisateur="autre")
    etranger = identite.ouvrir(identifiant="autre").jeton_session
    qui = de(identite, ici.jeton_session)
    liste = identite.appeler("ListSessions", acces.ListSessionsRequest(), jeton=qui)
    assert {(s.appareil, s.courante, s.agent) for s in liste.sessions} == {
        ("Ici", True, False),
        ("Ailleurs", False, False),
    }
    assert len(liste.appareils) == 2
    autre_id = identite.verifier(etranger).session_id
    for session_id in (autre_id, str(uuid4()), "x", ""):
        identite.appeler(
            "TerminerSession",
            acces.TerminerSessionRequest(request_id=str(uuid4()), session_id=session_id),
            jeton=qui,
        )
    assert vivante(identite, etranger)
    cible = next(s.session_id for s in liste.sessions if not s.courante)
    identite.appeler(
        "TerminerSession",
        acces.TerminerSessionRequest(request_id=str(uuid4()), session_id=cible),
        jeton=qui,
    )
    assert not vivante(identite, ailleurs.jeton_session)
    identite.ouvrir()
    identite.appeler(
        "TerminerAutresSessions",
        acces.TerminerAutresSessionsRequest(request_id=str(uuid4())),
        jeton=qui,
    )
    liste = identite.appeler("ListSessions", acces.ListSessionsRequest(), jeton=qui)
    assert [s.courante for s in liste.sessions] == [True]
    identite.appeler(
        "OublierAppareil",
        acces.OublierAppareilRequest(
            request_id=str(uuid4()), appareil_id=liste.appareils[0].appareil_id
        ),
        jeton=qui,
    )
    suite = identite.appeler("ListSessions", acces.ListSessionsRequest(), jeton=qui)
    assert len(suite.appareils) == len(liste.appareils) - 1
    assert identite.refus("ListSessions", acces.ListSessionsRequest()).code.name == (
        "PERMISSION_DENIED"
    )


@pytest.mark.exigence("IDN-20")
def test_staff_have_two_sessions_at_once(database_url, clean_database):
    del clean_database
    with une_identite(database_url("identite"), second_facteur_personnel=False) as identite:
        identite.un_compte()
        identite.ecrire("UPDATE compte SET roles = '{citoyen,agent_cartes}'")
        citoyenne = identite.ouvrir().jeton_session
        trois = []
        for _ in range(3):
            trois.append(identite.ouvrir(agent=True).jeton_session)
            identite.horloge.advance(seconds=61)
        assert [vivante(identite, jeton) for jeton in trois] == [False, True, True]
        assert vivante(identite, citoyenne)


# Identifiers


def changer(actuel=MOT_DE_PASSE, nouveau=AUTRE_MOT_DE_PASSE):
    return acces.ChangerMotDePasseRequest(request_id=str(uuid4()), actuel=actuel, nouveau=nouveau)


@pytest.mark.exigence("IDN-16", "IDN-20")
def test_a_changed_password_ends_the_other_sessions_and_renews_this_one(identite):
    identite.un_compte()
    ici, ailleurs = identite.ouvrir().jeton_session, identite.ouvrir().jeton_session
    qui = de(identite, ici)
    demande = changer()
    neuf = identite.appeler("ChangerMotDePasse", demande, jeton=qui).jeton_session
    assert len(neuf) == 43
    assert [vivante(identite, jeton) for jeton in (ici, ailleurs, neuf)] == [False, False, True]
    # Asked again: nothing more happens, and the secret is told once.
    assert identite.appeler("ChangerMotDePasse", demande, jeton=qui).jeton_session == ""
    assert len(identite.courriels("identifiants_changes")) == 1
    assert identite.refus("OuvrirSession", une_connexion()).reason == "IDENTIFIANTS_INVALIDES"
    identite.ouvrir(mot_de_passe=AUTRE_MOT_DE_PASSE)


@pytest.mark.exigence("IDN-16")
@pytest.mark.parametrize(
    ("champs", "attendu"),
    [
        ({"actuel": "faux" * 4}, {"actuel": "MOT_DE_PASSE_INCORRECT"}),
        ({"actuel": ""}, {"actuel": "MOT_DE_PASSE_INCORRECT"}),
        ({"nouveau": "court"}, {"nouveau": "MOT_DE_PASSE_TROP_COURT"}),
        ({"nouveau": "zoe.tremblay@exemple.ca"}, {"nouveau": "MOT_DE_PASSE_FAIBLE"}),
        ({"nouveau": "motdepasse123"}, {"nouveau": "MOT_DE_PASSE_FAIBLE"}),
        ({"nouveau": MOT_DE_PASSE}, {"nouveau": "MOT_DE_PASSE_IDENTIQUE"}),
        ({"nouveau": "x" * 129}, {"nouveau": "MOT_DE_PASSE_TROP_LONG"}),
    ],
)
def test_a_refused_change_of_password_changes_nothing(identite, champs, attendu):
    identite.un_compte()
    session = identite.ouvrir().jeton_session
    autre = identite.ouvrir().jeton_session
    qui = de(identite, session)
    refus = identite.refus("ChangerMotDePasse", changer(**champs), jeton=qui)
    assert refus.fields == attendu
    assert vivante(identite, autre)
    identite.ouvrir()


@pytest.mark.exigence("IDN-16")
def test_guesses_of_the_current_password_are_slowed_down(identite):
    identite.un_compte()
    qui = de(identite, identite.ouvrir().jeton_session)
    for _ in range(5):
        identite.refus("ChangerMotDePasse", changer(actuel="faux" * 4), jeton=qui)
    refus = identite.refus("ChangerMotDePasse", changer(), jeton=qui)
    assert refus.reason == "TROP_DE_TENTATIVES"


def renommer(nom, actuel=MOT_DE_PASSE):
    return acces.ChangerNomUtilisateurRequest(
        request_id=str(uuid4()), actuel=actuel, nom_utilisateur=nom
    )


@pytest.mark.exigence("IDN-16")
def test_a_user_name_is_changed_with_the_current_password(identite):
    identite.un_compte(courriel="autre@exemple.ca", nom_utilisateur="pris")
    identite.un_compte()
    ici, ailleurs = identite.ouvrir().jeton_session, identite.ouvrir().jeton_session
    qui = de(identite, ici)
    refus = identite.refus("ChangerNomUtilisateur", renommer("PRIS"), jeton=qui)
    assert refus.reason == "NOM_UTILISATEUR_PRIS"
    assert "zoe.tremblay" in refus.metadata["suggestions"].split(",")
    for demande, attendu in (
        (renommer("é"), {"nom_utilisateur": "NOM_UTILISATEUR_INVALIDE"}),
        (renommer("libre", actuel="x"), {"actuel": "MOT_DE_PASSE_INCORRECT"}),
    ):
        assert identite.refus("ChangerNomUtilisateur", demande, jeton=qui).fields == attendu
    identite.appeler("ChangerNomUtilisateur", renommer("Zoe-Libre"), jeton=qui)
    assert (vivante(identite, ici), vivante(identite, ailleurs)) == (True, False)
    identite.ouvrir(identifiant="zoe-libre")
    assert (
        identite.refus("OuvrirSession", une_connexion(identifiant="zoe.t")).reason
        == "IDENTIFIANTS_INVALIDES"
    )
    # Nobody takes the former name while its owner may want it back.
    autre = une_demande_de_compte(courriel="b@exemple.ca", nom_utilisateur="zoe.t")
    assert identite.refus("CreerCompte", autre).reason == "NOM_UTILISATEUR_PRIS"
    identite.appeler("ChangerNomUtilisateur", renommer(""), jeton=qui)
    assert identite.lignes(
        "SELECT 1 FROM compte WHERE courriel_plie = 'zoe.tremblay@exemple.ca'"
        " AND nom_utilisateur IS NULL"
    )


@pytest.mark.exigence("IDN-16")
def test_not_me_gives_the_account_back_to_its_mailbox(identite):
    identite.un_compte()
    voleur = identite.ouvrir().jeton_session
    qui = de(identite, voleur)
    identite.appeler("ChangerNomUtilisateur", renommer("voleur"), jeton=qui)
    jeton = identite.courriels("identifiants_changes")[-1]["jeton"]

    def annuler(secret=jeton):
        return acces.AnnulerChangementRequest(request_id=str(uuid4()), jeton=secret)

    assert identite.refus("AnnulerChangement", annuler("A" * 43)).reason == "LIEN_INCONNU"
    identite.appeler("AnnulerChangement", annuler())
    assert not vivante(identite, voleur)
    assert identite.refus("OuvrirSession", une_connexion()).reason == "IDENTIFIANTS_INVALIDES"
    assert identite.refus("AnnulerChangement", annuler()).reason == "LIEN_DEJA_UTILISE"
    identite.appeler(
        "ReinitialiserMotDePasse",
        pb.ReinitialiserMotDePasseRequest(
            request_id=str(uuid4()),
            jeton=identite.courriels("reinitialisation")[-1]["jeton"],
            mot_de_passe=TROISIEME,
        ),
    )
    identite.ouvrir(identifiant="zoe.t", mot_de_passe=TROISIEME)


@pytest.mark.exigence("IDN-16")
def test_not_me_works_for_ten_days(identite):
    identite.un_compte()
    qui = de(identite, identite.ouvrir().jeton_session)
    identite.appeler("ChangerMotDePasse", changer(), jeton=qui)
    demande = acces.AnnulerChangementRequest(
        request_id=str(uuid4()), jeton=identite.courriels("identifiants_changes")[-1]["jeton"]
    )
    identite.horloge.advance(days=10)
    assert identite.refus("AnnulerChangement", demande).reason == "LIEN_EXPIRE"


@pytest.mark.exigence("IDN-16")
def test_two_clicks_on_not_me_happen_once(identite):
    identite.un_compte()
    qui = de(identite, identite.ouvrir().jeton_session)
    identite.appeler("ChangerMotDePasse", changer(), jeton=qui)
    jeton = identite.courriels("identifiants_changes")[-1]["jeton"]

    def annuler(_):
        try:
            identite.appeler(
                "AnnulerChangement",
                acces.AnnulerChangementRequest(request_id=str(uuid4()), jeton=jeton),
            )
        except RemoteError as error:
            return error.reason
        return ""

    with ThreadPoolExecutor(4) as fils:
        assert sorted(fils.map(annuler, range(4))) == ["", *["LIEN_DEJA_UTILISE"] * 3]
    assert len(identite.courriels("reinitialisation")) == 1
