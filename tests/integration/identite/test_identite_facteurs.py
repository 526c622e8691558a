"""Second factors over gRPC on the real database (IDN-20, R04, R30, R36)."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from types import SimpleNamespace
from uuid import uuid4

import pyotp
import pytest

from chassis.grpc_client import RemoteError
from espacecitoyen.identite.v1 import facteurs_service_pb2 as pb
from espacecitoyen.identite.v1 import identite_service_pb2
from tests.kit.cle_acces import CleLogicielle
from tests.kit.identite import MOT_DE_PASSE, une_connexion, une_identite
from tests.kit.identity import token

pytestmark = [pytest.mark.integration, pytest.mark.exigence("IDN-20")]


def id_neuf():
    return str(uuid4())


@pytest.fixture
def personne(identite):
    """A citizen with a session: `jeton` calls as its owner."""
    identite.un_compte()
    return session_de(identite, identite.ouvrir().jeton_session)


def session_de(identite, secret):
    vue = identite.verifier(secret)
    jeton = token(vue.compte_id, *vue.roles, session=vue.session_id)
    return SimpleNamespace(secret=secret, compte_id=vue.compte_id, jeton=jeton, roles=vue.roles)


def code_de(identite, secret, **plus_tard):
    moment = identite.horloge() + timedelta(**plus_tard)
    return pyotp.TOTP(secret).at(moment)


def enroler_totp(identite, personne):
    """Give the secret, the recovery codes and the session that may have come."""
    secret = identite.appeler(
        "CommencerTotp", pb.CommencerTotpRequest(), jeton=personne.jeton
    ).secret
    fait = identite.appeler(
        "ConfirmerTotp",
        pb.ConfirmerTotpRequest(request_id=id_neuf(), code=code_de(identite, secret)),
        jeton=personne.jeton,
    )
    identite.horloge.advance(seconds=90)
    return secret, list(fait.codes_secours), fait.jeton_session


def enroler_cle(identite, personne, cle, nom="Téléphone"):
    question = identite.appeler("CommencerCle", pb.CommencerCleRequest(), jeton=personne.jeton)
    return identite.appeler(
        "EnregistrerCle",
        pb.EnregistrerCleRequest(
            request_id=id_neuf(),
            epreuve=question.epreuve,
            reponse_json=cle.creer(question.options_json),
            nom=nom,
        ),
        jeton=personne.jeton,
    )


def terminer(identite, epreuve, **preuve):
    demande = pb.TerminerConnexionRequest(epreuve=epreuve, adresse_ip="203.0.113.7", **preuve)
    return identite.appeler("TerminerConnexion", demande)


def refus_final(identite, epreuve, **preuve):
    demande = pb.TerminerConnexionRequest(epreuve=epreuve, adresse_ip="203.0.113.7", **preuve)
    return identite.refus("TerminerConnexion", demande).reason


def test_a_password_alone_opens_nothing_once_a_factor_is_there(identite, personne):
    secret, codes, _ = enroler_totp(identite, personne)
    assert len(set(codes)) == 10
    reponse = identite.ouvrir()
    assert (reponse.jeton_session, reponse.profil.courriel, reponse.expire_le) == ("", "", "")
    assert (
        identite.refus(
            "VerifierSession",
            identite_verifier(reponse.epreuve),
        ).reason
        == "SESSION_EXPIREE"
    )
    fini = terminer(identite, reponse.epreuve, code=code_de(identite, secret))
    assert fini.jeton_session != reponse.epreuve
    assert list(identite.verifier(fini.jeton_session).roles) == ["citoyen"]
    assert refus_final(identite, reponse.epreuve, code="000000") == "EPREUVE_EXPIREE"


def identite_verifier(secret):
    return identite_service_pb2.VerifierSessionRequest(jeton_session=secret)


def test_a_wrong_password_never_tells_of_a_factor(identite, personne):
    enroler_totp(identite, personne)
    refus = identite.refus("OuvrirSession", une_connexion(mot_de_passe="faux" * 5))
    assert (refus.reason, refus.metadata) == ("IDENTIFIANTS_INVALIDES", {})
    assert identite.lignes("SELECT 1 FROM epreuve WHERE genre = 'connexion'") == []


@pytest.mark.parametrize(
    ("decalage", "accepte"), [(-60, False), (-30, True), (30, True), (60, False)]
)
def test_a_code_is_good_one_step_around_now(identite, personne, decalage, accepte):
    secret, _, _ = enroler_totp(identite, personne)
    identite.horloge.advance(minutes=5)
    epreuve = identite.ouvrir().epreuve
    code = code_de(identite, secret, seconds=decalage)
    if accepte:
        assert terminer(identite, epreuve, code=f"{code[:3]} {code[3:]}").jeton_session
    else:
        assert refus_final(identite, epreuve, code=code) == "FACTEUR_REFUSE"


def test_a_code_serves_once_even_in_a_race(identite, personne):
    secret, _, _ = enroler_totp(identite, personne)
    code = code_de(identite, secret)
    epreuves = [identite.ouvrir().epreuve for _ in range(4)]

    def essayer(epreuve):
        try:
            return bool(terminer(identite, epreuve, code=code).jeton_session)
        except RemoteError as error:
            return error.reason

    with ThreadPoolExecutor(4) as fils:
        issues = list(fils.map(essayer, epreuves))
    assert sorted(issues, key=str) == ["FACTEUR_REFUSE"] * 3 + [True]


def test_five_wrong_codes_end_the_log_in_and_then_make_wait(identite, personne):
    secret, _, _ = enroler_totp(identite, personne)
    epreuve = identite.ouvrir().epreuve
    essais = [refus_final(identite, epreuve, code="000000") for _ in range(6)]
    assert essais[:5] == ["FACTEUR_REFUSE"] * 5
    assert essais[5] == "EPREUVE_EXPIREE"
    neuve = identite.ouvrir().epreuve
    assert refus_final(identite, neuve, code=code_de(identite, secret)) == "TROP_DE_TENTATIVES"
    identite.horloge.advance(minutes=2)
    assert terminer(identite, neuve, code=code_de(identite, secret)).jeton_session


def test_the_second_step_ends_after_ten_minutes(identite, personne):
    secret, _, _ = enroler_totp(identite, personne)
    tard = identite.ouvrir().epreuve
    identite.horloge.advance(minutes=10)
    assert refus_final(identite, tard, code=code_de(identite, secret)) == "EPREUVE_EXPIREE"


@pytest.mark.parametrize("ecrit", [str, str.lower, lambda c: c.replace("-", " ")])
def test_a_recovery_code_serves_once_however_it_is_typed(identite, personne, ecrit):
    _, codes, _ = enroler_totp(identite, personne)
    fini = terminer(identite, identite.ouvrir().epreuve, code=ecrit(codes[3]))
    assert fini.code_secours
    assert refus_final(identite, identite.ouvrir().epreuve, code=codes[3]) == "FACTEUR_REFUSE"
    (reste,) = identite.lignes("SELECT count(*) AS n FROM code_secours WHERE utilise_le IS NULL")
    assert reste.n == 9


def test_new_recovery_codes_make_the_earlier_ones_void(identite, personne):
    _, anciens, _ = enroler_totp(identite, personne)
    demande = pb.RegenererCodesRequest(request_id=id_neuf())
    neufs = identite.appeler("RegenererCodes", demande, jeton=personne.jeton).codes_secours
    assert not set(neufs) & set(anciens)
    # Told once: the same request again changes nothing and tells nothing.
    redite = identite.appeler("RegenererCodes", demande, jeton=personne.jeton)
    assert list(redite.codes_secours) == []
    assert refus_final(identite, identite.ouvrir().epreuve, code=anciens[0]) == "FACTEUR_REFUSE"
    assert terminer(identite, identite.ouvrir().epreuve, code=neufs[0]).jeton_session


def test_nothing_of_a_factor_can_be_read_in_the_database(identite, personne):
    secret, codes, _ = enroler_totp(identite, personne)
    (totp,) = identite.lignes("SELECT scelle FROM totp")
    assert secret.encode() not in bytes(totp.scelle)
    empreintes = [bytes(ligne.empreinte) for ligne in identite.lignes("SELECT * FROM code_secours")]
    assert len(empreintes) == 10
    assert all(codes[0].replace("-", "").encode() not in e for e in empreintes)


def test_a_sealed_secret_moved_to_another_account_opens_nothing(identite, personne):
    enroler_totp(identite, personne)
    autre = identite.un_compte(courriel="autre@exemple.ca", nom_utilisateur="autre")
    identite.ecrire("UPDATE totp SET compte_id = :autre", autre=autre)
    epreuve = identite.ouvrir(identifiant="autre@exemple.ca").epreuve
    assert refus_final(identite, epreuve, code="123456") == "INTERNE"


# Passkeys


def test_a_passkey_is_a_second_factor_and_a_whole_log_in(identite, personne):
    cle = CleLogicielle()
    assert len(enroler_cle(identite, personne, cle).codes_secours) == 10
    epreuve = identite.ouvrir().epreuve
    question = identite.appeler("CommencerEpreuve", pb.CommencerEpreuveRequest(epreuve=epreuve))
    assert not question.totp
    reponse = cle.prouver(question.options_json)
    assert terminer(identite, epreuve, reponse_json=reponse).jeton_session

    seule = identite.appeler("CommencerEpreuve", pb.CommencerEpreuveRequest())
    fini = terminer(identite, seule.epreuve, reponse_json=cle.prouver(seule.options_json))
    assert fini.compte_id == personne.compte_id
    assert list(identite.verifier(fini.jeton_session).roles) == ["citoyen"]


def test_an_answer_of_a_passkey_serves_once(identite, personne):
    cle = CleLogicielle()
    enroler_cle(identite, personne, cle)
    seule = identite.appeler("CommencerEpreuve", pb.CommencerEpreuveRequest())
    reponse = cle.prouver(seule.options_json)
    assert terminer(identite, seule.epreuve, reponse_json=reponse).jeton_session
    assert refus_final(identite, seule.epreuve, reponse_json=reponse) == "EPREUVE_EXPIREE"
    autre = identite.appeler("CommencerEpreuve", pb.CommencerEpreuveRequest())
    assert refus_final(identite, autre.epreuve, reponse_json=reponse) == "FACTEUR_REFUSE"


@pytest.mark.parametrize(
    "defaut",
    [
        {"origine": "http://localhost.exemple.ca:8080"},
        {"rp_id": "exemple.ca"},
        {"verifiee": False},
        {"compteur": -1},
    ],
)
def test_a_passkey_that_is_not_ours_not_verified_or_copied_is_refused(identite, personne, defaut):
    cle = CleLogicielle(compteur=5)
    enroler_cle(identite, personne, cle)
    seule = identite.appeler("CommencerEpreuve", pb.CommencerEpreuveRequest())
    for nom, valeur in defaut.items():
        setattr(cle, nom, valeur)
    reponse = cle.prouver(seule.options_json)
    assert refus_final(identite, seule.epreuve, reponse_json=reponse) == "FACTEUR_REFUSE"


@pytest.mark.parametrize(
    "reponse", ["", "null", "[]", "{}", '{"rawId": 7}', '{"rawId": "é"}', "[" * 9000, "x" * 20_000]
)
def test_a_malformed_answer_is_refused_as_any_other(identite, personne, reponse):
    enroler_cle(identite, personne, CleLogicielle())
    seule = identite.appeler("CommencerEpreuve", pb.CommencerEpreuveRequest())
    assert refus_final(identite, seule.epreuve, reponse_json=reponse) == "FACTEUR_REFUSE"


def test_one_passkey_belongs_to_one_account(identite, personne):
    cle = CleLogicielle()
    enroler_cle(identite, personne, cle)
    identite.un_compte(courriel="autre@exemple.ca", nom_utilisateur="autre")
    autre = session_de(identite, identite.ouvrir(identifiant="autre@exemple.ca").jeton_session)
    with pytest.raises(RemoteError, match="FACTEUR_REFUSE"):
        enroler_cle(identite, autre, cle)
    # Nor does it end somebody else's waiting log-in.
    enroler_totp(identite, autre)
    epreuve = identite.ouvrir(identifiant="autre@exemple.ca").epreuve
    seule = identite.appeler("CommencerEpreuve", pb.CommencerEpreuveRequest())
    assert (
        refus_final(identite, epreuve, reponse_json=cle.prouver(seule.options_json))
        == "FACTEUR_REFUSE"
    )


def test_passkeys_are_named_and_taken_away(identite, personne):
    bureau, telephone = CleLogicielle(), CleLogicielle()
    enroler_cle(identite, personne, bureau, "Bureau")
    identite.horloge.advance(seconds=1)
    assert list(enroler_cle(identite, personne, telephone, "Téléphone").codes_secours) == []
    vues = identite.appeler("GetFacteurs", pb.GetFacteursRequest(), jeton=personne.jeton).cles
    assert [cle.nom for cle in vues] == ["Bureau", "Téléphone"]
    identite.appeler(
        "RenommerCle",
        pb.RenommerCleRequest(request_id=id_neuf(), cle_id=vues[0].cle_id, nom=" Poste  de jour "),
        jeton=personne.jeton,
    )
    for cle in vues:
        demande = pb.RetirerCleRequest(request_id=id_neuf(), cle_id=cle.cle_id)
        identite.appeler("RetirerCle", demande, jeton=personne.jeton)
    # Recovery codes without a factor would open nothing.
    etat = identite.appeler("GetFacteurs", pb.GetFacteursRequest(), jeton=personne.jeton)
    assert (len(etat.cles), etat.codes_restants) == (0, 0)
    assert identite.ouvrir().jeton_session
    assert len(identite.courriels("facteur_change")) == 4
    actes = [e["acte"] for e in identite.evenements("facteur_change.v1")]
    assert actes == ["ajoute", "ajoute", "retire", "retire"]


def une_agente(identite, role="agent_cartes"):
    compte_id = identite.un_compte()
    identite.ecrire(
        "UPDATE compte SET roles = :roles WHERE id = :id", roles=["citoyen", role], id=compte_id
    )
    return compte_id


def test_staff_without_a_factor_may_do_nothing_but_enrol_one(identite):
    une_agente(identite)
    debut = session_de(identite, identite.ouvrir(agent=True).jeton_session)
    assert list(debut.roles) == ["enrolement"]
    refus = identite.refus("GetProfil", identite_service_pb2.GetProfilRequest(), jeton=debut.jeton)
    assert refus.reason == "ACCES_REFUSE"
    secret, _, neuve = enroler_totp(identite, debut)
    # Privileges change, so does the secret (R30); the first one is worth nothing more.
    assert list(identite.verifier(neuve).roles) == ["agent_cartes"]
    assert identite.refus("VerifierSession", identite_verifier(debut.secret)).reason
    assert terminer(identite, identite.ouvrir(agent=True).epreuve, code=code_de(identite, secret))


def test_staff_keep_their_last_factor(identite):
    une_agente(identite)
    debut = session_de(identite, identite.ouvrir(agent=True).jeton_session)
    _, _, neuve = enroler_totp(identite, debut)
    agente = session_de(identite, neuve)
    demande = pb.RetirerTotpRequest(request_id=id_neuf())
    assert identite.refus("RetirerTotp", demande, jeton=agente.jeton).reason == "DERNIER_FACTEUR"


def test_the_setting_lets_staff_in_without_a_factor(database_url, clean_database):
    del clean_database
    with une_identite(database_url("identite"), second_facteur_personnel=False) as identite:
        une_agente(identite)
        ouverte = identite.ouvrir(agent=True)
        assert list(identite.verifier(ouverte.jeton_session).roles) == ["agent_cartes"]


def test_an_administrator_takes_lost_factors_away(identite, personne):
    enroler_totp(identite, personne)
    admin = str(uuid4())
    identite.ecrire(
        "INSERT INTO session_ouverte (empreinte, id, compte_id, roles, appareil, ouverte_le,"
        " vue_le, inactivite_s, fin_le)"
        " SELECT sha256('x'), :id, :compte, '{admin}', '', :m, :m, 900, :m",
        id=admin, compte=personne.compte_id, m=identite.horloge(),
    )  # fmt: skip
    jeton = token(str(uuid4()), "admin", session=admin)
    demande = pb.RetirerFacteursRequest(
        request_id=id_neuf(), compte_id=personne.compte_id, motif="Téléphone perdu, permis vu"
    )
    assert identite.refus("RetirerFacteurs", demande, jeton=personne.jeton).reason == "ACCES_REFUSE"
    soi = token(personne.compte_id, "admin", session=admin)
    assert identite.refus("RetirerFacteurs", demande, jeton=soi).reason == "FACTEUR_REFUSE"
    identite.appeler("RetirerFacteurs", demande, jeton=jeton)
    assert identite.ouvrir().jeton_session
    (trace,) = identite.lignes("SELECT role, motif FROM attribution")
    assert (trace.role, trace.motif) == ("facteurs", "Téléphone perdu, permis vu")


# Step-up


def confirmer(identite, personne, **preuve):
    question = identite.appeler(
        "CommencerConfirmation", pb.CommencerConfirmationRequest(), jeton=personne.jeton
    )
    demande = pb.ConfirmerIdentiteRequest(epreuve=question.epreuve, **preuve)
    return question, demande


def test_an_old_proof_opens_no_sensitive_act_until_it_is_made_again(identite, personne):
    identite.horloge.advance(minutes=20)
    debut = pb.CommencerTotpRequest()
    assert identite.refus("CommencerTotp", debut, jeton=personne.jeton).reason == "PREUVE_REQUISE"
    question, faux = confirmer(identite, personne, mot_de_passe="faux" * 5)
    assert question.mot_de_passe
    assert (
        identite.refus("ConfirmerIdentite", faux, jeton=personne.jeton).reason == "FACTEUR_REFUSE"
    )
    _, juste = confirmer(identite, personne, mot_de_passe=MOT_DE_PASSE)
    identite.appeler("ConfirmerIdentite", juste, jeton=personne.jeton)
    assert identite.appeler("CommencerTotp", debut, jeton=personne.jeton).secret
    assert identite.verifier(personne.secret).prouvee_le == identite.horloge().isoformat()


def test_with_a_factor_the_password_confirms_nothing(identite, personne):
    secret, _, _ = enroler_totp(identite, personne)
    question, demande = confirmer(identite, personne, mot_de_passe=MOT_DE_PASSE)
    assert (question.mot_de_passe, question.totp) == (False, True)
    refus = identite.refus("ConfirmerIdentite", demande, jeton=personne.jeton)
    assert refus.reason == "FACTEUR_REFUSE"
    _, demande = confirmer(identite, personne, code=code_de(identite, secret))
    assert identite.appeler("ConfirmerIdentite", demande, jeton=personne.jeton).jusqua


def test_somebody_else_s_confirmation_is_refused(identite, personne):
    _, demande = confirmer(identite, personne, mot_de_passe=MOT_DE_PASSE)
    identite.un_compte(courriel="autre@exemple.ca", nom_utilisateur="autre")
    autre = session_de(identite, identite.ouvrir(identifiant="autre@exemple.ca").jeton_session)
    refus = identite.refus("ConfirmerIdentite", demande, jeton=autre.jeton)
    assert refus.reason == "EPREUVE_EXPIREE"
