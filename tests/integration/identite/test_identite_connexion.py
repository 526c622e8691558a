"""Log-in and sessions over gRPC on the real database."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

import pytest
from sqlalchemy import event

from chassis.grpc_client import RemoteError
from espacecitoyen.identite.v1 import identite_service_pb2 as pb
from services.identite.adapters.mot_de_passe import Argon2
from services.identite.domain import TropOccupe
from tests.kit.identite import AUTRE_MOT_DE_PASSE, MOT_DE_PASSE, une_connexion, une_identite

pytestmark = [pytest.mark.integration, pytest.mark.exigence("IDN-02")]


def expiree(identite, jeton) -> bool:
    refus = identite.refus("VerifierSession", pb.VerifierSessionRequest(jeton_session=jeton))
    return refus.reason == "SESSION_EXPIREE"


def rater(identite, nombre=1, **champs):
    """Fail to log in; gives the last refusal."""
    for _ in range(nombre):
        refus = identite.refus(
            "OuvrirSession", une_connexion(**({"mot_de_passe": "faux" * 4} | champs))
        )
    return refus


@pytest.mark.parametrize(
    "champs",
    [
        {"mot_de_passe": AUTRE_MOT_DE_PASSE},
        {"mot_de_passe": ""},
        {"mot_de_passe": MOT_DE_PASSE + "x" * 100_000},
        {"identifiant": "inconnu@exemple.ca"},
        {"identifiant": "inconnu"},
        {"identifiant": ""},
        {"identifiant": "\x00"},
        {"identifiant": "a" * 100_000},
        {"identifiant": "' OR 1=1 --"},
        {"identifiant": "@"},
        {"agent": True},
    ],
)
def test_every_wrong_log_in_is_refused_alike_after_one_verification(identite, champs):
    identite.un_compte()
    avant = identite.hacheur.verifications
    refus = identite.refus("OuvrirSession", une_connexion(**champs))
    assert (refus.reason, refus.metadata, refus.fields) == ("IDENTIFIANTS_INVALIDES", {}, {})
    assert identite.hacheur.verifications - avant == 1
    assert identite.lignes("SELECT 1 FROM session_ouverte") == []


def statements(identite, acte):
    """The SQL that an act sends, in order."""
    vus = []

    def noter(_connection, _cursor, statement, *_):
        vus.append(" ".join(statement.split())[:60])

    event.listen(identite.engine, "before_cursor_execute", noter)
    try:
        acte()
    finally:
        event.remove(identite.engine, "before_cursor_execute", noter)
    return vus


def test_a_known_and_an_unknown_account_go_the_same_way(identite):
    identite.un_compte()
    chemins = [
        statements(
            identite, lambda vise=vise: rater(identite, identifiant=vise, adresse_ip="192.0.2.9")
        )
        for vise in ("zoe.tremblay@exemple.ca", "inconnu@exemple.ca")
    ]
    assert chemins[0] == chemins[1]


@pytest.mark.exigence("IDN-04")
def test_an_unconfirmed_account_is_told_so_to_its_owner_only(identite):
    identite.inscrire()
    assert rater(identite).reason == "IDENTIFIANTS_INVALIDES"
    assert identite.refus("OuvrirSession", une_connexion()).reason == "COMPTE_NON_ACTIVE"
    assert identite.lignes("SELECT 1 FROM session_ouverte") == []


def test_a_disabled_account_is_refused_and_its_sessions_end(identite):
    identite.un_compte()
    jeton = identite.ouvrir().jeton_session
    identite.ecrire("UPDATE compte SET statut = 'DESACTIVE'")
    assert expiree(identite, jeton)
    assert identite.refus("OuvrirSession", une_connexion()).reason == "IDENTIFIANTS_INVALIDES"


def test_each_log_in_is_a_new_session(identite):
    identite.un_compte()
    un, autre = identite.ouvrir().jeton_session, identite.ouvrir().jeton_session
    assert un != autre
    assert len(un) == 43
    identite.appeler("FermerSession", pb.FermerSessionRequest(jeton_session=un))
    identite.appeler("FermerSession", pb.FermerSessionRequest(jeton_session=un))
    assert expiree(identite, un)
    assert list(identite.verifier(autre).roles) == ["citoyen"]


@pytest.mark.parametrize("jeton", ["", "x", "\x00", "A" * 43, "é" * 1000])
def test_an_unknown_session_is_ended(identite, jeton):
    assert expiree(identite, jeton)
    identite.appeler("FermerSession", pb.FermerSessionRequest(jeton_session=jeton))


def test_a_citizens_session_lives_thirty_minutes_idle(identite):
    identite.un_compte()
    jeton = identite.ouvrir().jeton_session
    for _ in range(3):
        identite.horloge.advance(minutes=29)
        vue = identite.verifier(jeton)
        assert datetime.fromisoformat(vue.expire_le) == identite.horloge() + timedelta(minutes=30)
    identite.horloge.advance(minutes=30)
    assert expiree(identite, jeton)


def test_a_session_lives_twelve_hours_however_busy(identite):
    identite.un_compte()
    jeton = identite.ouvrir().jeton_session
    for _ in range(12 * 3 - 1):
        identite.horloge.advance(minutes=20)
        identite.verifier(jeton)
    identite.horloge.advance(minutes=20)
    assert expiree(identite, jeton)


def test_a_session_check_is_one_read_and_one_write_a_minute(identite):
    identite.un_compte()
    jeton = identite.ouvrir().jeton_session

    def verifier() -> tuple[int, list[str]]:
        """Loans of a connection, of which the read takes one, and statements of SQLAlchemy."""
        prets: list[object] = []

        def noter(*about: object) -> None:
            prets.append(about)

        event.listen(identite.engine, "checkout", noter)
        try:
            vus = statements(identite, lambda: identite.verifier(jeton))
        finally:
            event.remove(identite.engine, "checkout", noter)
        return len(prets), [sql.split()[0] for sql in vus]

    # The read is the driver's own: only the write is a statement of SQLAlchemy.
    assert verifier() == (1, [])
    identite.horloge.advance(seconds=59)
    assert verifier() == (1, [])
    identite.horloge.advance(seconds=1)
    assert verifier() == (2, ["UPDATE"])
    assert verifier() == (1, [])


def test_staff_log_in_at_their_own_door(database_url, clean_database):
    del clean_database
    with une_identite(database_url("identite"), second_facteur_personnel=False) as identite:
        compte_id = identite.un_compte()
        identite.ecrire("UPDATE compte SET roles = '{citoyen,agent_cartes}'")
        citoyen = identite.verifier(identite.ouvrir().jeton_session)
        assert list(citoyen.roles) == ["citoyen"]
        jeton = identite.ouvrir(agent=True).jeton_session
        agent = identite.verifier(jeton)
        assert (agent.compte_id, list(agent.roles)) == (compte_id, ["agent_cartes"])
        identite.horloge.advance(minutes=15)
        assert expiree(identite, jeton)


def test_a_staff_session_ends_with_the_role(identite):
    identite.un_compte()
    identite.ecrire("UPDATE compte SET roles = '{citoyen,agent_cartes}'")
    jeton = identite.ouvrir(agent=True).jeton_session
    identite.ecrire("UPDATE compte SET roles = '{citoyen}'")
    assert expiree(identite, jeton)


def test_five_failures_start_waits_that_grow(identite):
    identite.un_compte()
    assert rater(identite, 5).reason == "IDENTIFIANTS_INVALIDES"
    for minutes in (1, 2, 4, 8, 15, 15):
        # Even the right password is not looked at while the wait runs.
        refus = identite.refus("OuvrirSession", une_connexion())
        assert refus.reason == "TROP_DE_TENTATIVES"
        assert refus.metadata == {"reessayer_dans_s": str(minutes * 60)}
        identite.horloge.advance(minutes=minutes)
        assert rater(identite).reason == "IDENTIFIANTS_INVALIDES"
    identite.horloge.advance(minutes=15)
    identite.ouvrir()
    assert rater(identite, 5).reason == "IDENTIFIANTS_INVALIDES"


def test_a_wait_costs_no_hash(identite):
    identite.un_compte()
    rater(identite, 5)
    avant = identite.hacheur.verifications
    assert rater(identite, 10).reason == "TROP_DE_TENTATIVES"
    assert identite.hacheur.verifications == avant


def test_unknown_accounts_are_slowed_down_alike(identite):
    assert rater(identite, 5, identifiant="inconnu").reason == "IDENTIFIANTS_INVALIDES"
    refus = rater(identite, identifiant="INCONNU ")
    assert (refus.reason, refus.metadata) == ("TROP_DE_TENTATIVES", {"reessayer_dans_s": "60"})


def test_throttling_survives_a_restart(identite, database_url):
    identite.un_compte()
    rater(identite, 5)
    with une_identite(database_url("identite")) as autre:
        assert autre.refus("OuvrirSession", une_connexion()).reason == "TROP_DE_TENTATIVES"


def test_an_address_that_tries_many_accounts_is_slowed_down(identite):
    identite.un_compte()
    for numero in range(20):
        rater(identite, identifiant=f"personne{numero}", adresse_ip="2001:db8::1")
    refus = identite.refus("OuvrirSession", une_connexion(adresse_ip="2001:db8::ffff"))
    assert refus.reason == "TROP_DE_TENTATIVES"
    identite.ouvrir(adresse_ip="2001:db8:0:1::1")


def test_without_an_address_the_account_alone_is_slowed_down(identite):
    identite.un_compte()
    identite.ouvrir(adresse_ip="")
    assert rater(identite, 5, adresse_ip="").reason == "IDENTIFIANTS_INVALIDES"
    assert rater(identite, adresse_ip="").reason == "TROP_DE_TENTATIVES"


def test_one_success_does_not_wash_an_address(identite):
    identite.un_compte()
    for numero in range(19):
        rater(identite, identifiant=f"personne{numero}")
    identite.ouvrir()
    assert rater(identite, identifiant="personne19").reason == "IDENTIFIANTS_INVALIDES"
    assert rater(identite, identifiant="personne20").reason == "TROP_DE_TENTATIVES"


def test_a_burst_of_guesses_gets_five(identite):
    identite.un_compte()
    avant = identite.hacheur.verifications

    def deviner(_numero) -> str:
        try:
            identite.appeler("OuvrirSession", une_connexion(mot_de_passe="faux" * 4))
        except RemoteError as error:
            return error.reason
        return ""

    with ThreadPoolExecutor(12) as fils:
        raisons = list(fils.map(deviner, range(24)))
    assert raisons.count("IDENTIFIANTS_INVALIDES") == 5
    assert raisons.count("TROP_DE_TENTATIVES") == 19
    assert identite.hacheur.verifications - avant == 5


def test_a_reset_clears_the_waits(identite):
    identite.un_compte()
    rater(identite, 5)
    identite.appeler(
        "DemanderReinitialisation",
        pb.DemanderReinitialisationRequest(
            request_id="0b5f6a3c-9a51-4f0e-8a0f-0f2f0f8c3a11", courriel="zoe.tremblay@exemple.ca"
        ),
    )
    identite.appeler(
        "ReinitialiserMotDePasse",
        pb.ReinitialiserMotDePasseRequest(
            request_id="0b5f6a3c-9a51-4f0e-8a0f-0f2f0f8c3a12",
            jeton=identite.courriels("reinitialisation")[0]["jeton"],
            mot_de_passe=AUTRE_MOT_DE_PASSE,
        ),
    )
    identite.ouvrir(mot_de_passe=AUTRE_MOT_DE_PASSE)


def test_an_overload_is_told_and_not_counted_as_a_failure(identite):
    identite.un_compte()
    vrai = identite.hacheur.vrai

    class Debordes:
        def verifier(self, _empreinte, _mot_de_passe):
            raise TropOccupe

    identite.hacheur.vrai = Debordes()
    refus = rater(identite, 8)
    assert (refus.reason, refus.metadata) == ("TROP_OCCUPE", {"reessayer_dans_s": "5"})
    identite.hacheur.vrai = vrai
    identite.ouvrir()


def test_an_outdated_hash_is_made_again_at_log_in(identite):
    identite.un_compte()
    vieux = Argon2(
        memoire_kio=64, passes=1, voies=1, simultanes=1, en_attente=0, attente_s=1.0
    ).hacher(MOT_DE_PASSE)
    identite.ecrire("UPDATE compte SET mot_de_passe = :vieux", vieux=vieux)
    rater(identite)
    assert identite.lignes("SELECT mot_de_passe FROM compte")[0].mot_de_passe == vieux
    identite.ouvrir()
    neuf = identite.lignes("SELECT mot_de_passe FROM compte")[0].mot_de_passe
    assert neuf.startswith("$argon2id$v=19$m=47104,t=1,p=1$")
    identite.ouvrir()
    assert identite.lignes("SELECT mot_de_passe FROM compte")[0].mot_de_passe == neuf


def test_a_password_changed_during_a_log_in_opens_nothing(identite):
    identite.un_compte()
    vrai = identite.hacheur.vrai

    class PendantCeTemps:
        def verifier(self, empreinte, mot_de_passe):
            juste = vrai.verifier(empreinte, mot_de_passe)
            identite.ecrire("UPDATE compte SET mot_de_passe = 'autre'")
            return juste

        def perimee(self, empreinte):
            return vrai.perimee(empreinte)

    identite.hacheur.vrai = PendantCeTemps()
    assert identite.refus("OuvrirSession", une_connexion()).reason == "IDENTIFIANTS_INVALIDES"
    assert identite.lignes("SELECT 1 FROM session_ouverte") == []


def test_a_password_typed_with_either_form_of_accents_is_the_same(identite):
    compose = "forêt bleue sans écho"
    identite.un_compte(mot_de_passe=compose)
    identite.ouvrir(mot_de_passe="fore\u0302t bleue sans e\u0301cho")


def test_the_device_is_kept_short_and_printable(identite):
    identite.un_compte()
    identite.ouvrir(appareil="Moz\x00illa\r\n" + "x" * 500)
    (ligne,) = identite.lignes("SELECT appareil FROM session_ouverte")
    assert ligne.appareil == "Mozilla" + "x" * 193
