"""Sign-up over gRPC on the real database: whole, refused, repeated, raced."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import grpc
import pytest

from chassis.grpc_client import RemoteError
from espacecitoyen.identite.v1 import identite_service_pb2 as pb
from tests.kit.identite import (
    AUTRE_MOT_DE_PASSE,
    MOT_DE_PASSE,
    une_connexion,
    une_demande_de_compte,
)
from tests.kit.identity import token

pytestmark = pytest.mark.integration


@pytest.mark.exigence("IDN-01", "IDN-02", "IDN-04", "IDN-05")
def test_sign_up_activate_log_in_and_read_the_profile(identite):
    identite.appeler("CreerCompte", une_demande_de_compte())
    (courriel,) = identite.courriels("activation")
    assert (courriel["adresse"], courriel["prenom"]) == ("zoe.tremblay@exemple.ca", "Zoé")
    assert len(courriel["jeton"]) == 43
    compte_id = identite.activer(courriel["jeton"])

    (active,) = identite.evenements("compte_active.v1")
    assert active == {
        "compte_id": compte_id,
        "langue": "fr",
        "categories": ["info_travaux", "vie_democratique"],
        "canaux": ["courriel", "texto"],
    }
    (valide,) = identite.evenements("coordonnees_validees.v1")
    assert (valide["canal"], valide["compte_id"]) == ("courriel", compte_id)

    for identifiant in ("Zoe.Tremblay@EXEMPLE.ca", " ZOE.T "):
        ouverte = identite.ouvrir(identifiant=identifiant)
        vue = identite.verifier(ouverte.jeton_session)
        assert (vue.compte_id, list(vue.roles), vue.prenom) == (compte_id, ["citoyen"], "Zoé")
    profil = identite.appeler(
        "GetProfil", pb.GetProfilRequest(), jeton=token(compte_id, "citoyen")
    ).profil
    # The number given at sign-up waits for its proof (IDN-06); a log-in does not tell that.
    assert [une.valeur for une in profil.a_verifier] == ["+14504344440"]
    assert profil.moyen_prefere == "courriel"
    for champ in ("a_verifier", "moyen_prefere"):
        profil.ClearField(champ)
    assert profil == ouverte.profil
    assert profil.statut == pb.STATUT_COMPTE_ACTIF
    assert (profil.nom_utilisateur, profil.telephone) == ("zoe.t", "+14504344440")
    assert (profil.adresse.ville, profil.adresse.code_postal) == ("Sainte-Thérèse", "J7E3L1")


def test_no_personal_data_is_published_in_clear(identite):
    identite.un_compte()
    corps = b" ".join(bytes(row.body) for row in identite.lignes("SELECT body FROM outbox"))
    for mot in ("zoe", "Zoé", "Tremblay", "exemple.ca", "4504344440", "J7E3L1"):
        assert mot.encode() not in corps


def test_secrets_are_stored_as_digests_only(identite):
    jeton = identite.inscrire()
    identite.activer(jeton)
    session = identite.ouvrir().jeton_session
    for table in ("compte", "lien", "session_ouverte", "frein", "request", "outbox"):
        contenu = str(identite.lignes(f"SELECT t::text FROM {table} t"))
        for secret in (jeton, session, MOT_DE_PASSE, "203.0.113.7"):
            assert secret not in contenu, table
    (ligne,) = identite.lignes("SELECT mot_de_passe FROM compte")
    assert ligne.mot_de_passe.startswith("$argon2id$v=19$m=47104,t=1,p=1$")


@pytest.mark.exigence("IDN-01")
@pytest.mark.parametrize(
    ("champs", "attendu"),
    [
        ({"courriel": "pas un courriel"}, {"courriel": "COURRIEL_INVALIDE"}),
        ({"courriel": ""}, {"courriel": "CHAMP_REQUIS"}),
        ({"courriel": "zoe\x00@exemple.ca"}, {"courriel": "COURRIEL_INVALIDE"}),
        ({"prenom": ""}, {"prenom": "CHAMP_REQUIS"}),
        ({"prenom": "Zo\x00é"}, {"prenom": "CARACTERE_INVALIDE"}),
        ({"nom": "<script>"}, {"nom": "NOM_INVALIDE"}),
        ({"nom": "x" * 1_000_000}, {"nom": "TROP_LONG"}),
        ({"nom_utilisateur": "é"}, {"nom_utilisateur": "NOM_UTILISATEUR_INVALIDE"}),
        ({"mot_de_passe": "court"}, {"mot_de_passe": "MOT_DE_PASSE_TROP_COURT"}),
        ({"mot_de_passe": "tremblayzoe1988"}, {"mot_de_passe": "MOT_DE_PASSE_FAIBLE"}),
        ({"mot_de_passe": "x" * 100_000}, {"mot_de_passe": "MOT_DE_PASSE_TROP_LONG"}),
        ({"date_naissance": "2026-03-03"}, {"date_naissance": "DATE_FUTURE"}),
        ({"date_naissance": "1890-01-01"}, {"date_naissance": "DATE_NAISSANCE_INVALIDE"}),
        ({"telephone": "12"}, {"telephone": "TELEPHONE_INVALIDE"}),
        ({"langue": "de"}, {"langue": "LANGUE_INVALIDE"}),
        ({"categories": ["Autre!"]}, {"categories": "CATEGORIE_INCONNUE"}),
        ({"canaux": ["pigeon"]}, {"canaux": "CANAL_INCONNU"}),
        (
            {"adresse": pb.Adresse(ligne="6, rue de l’Église", code_postal="90210")},
            {"adresse.ville": "CHAMP_REQUIS", "adresse.code_postal": "CODE_POSTAL_INVALIDE"},
        ),
    ],
)
def test_a_refused_field_is_named_and_nothing_is_written(identite, champs, attendu):
    refus = identite.refus("CreerCompte", une_demande_de_compte(**champs))
    assert (refus.code, refus.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "DONNEES_INVALIDES")
    assert (refus.domain, refus.fields) == ("identite", attendu)
    for table in ("compte", "lien", "outbox", "request"):
        assert identite.lignes(f"SELECT 1 FROM {table}") == []


@pytest.mark.exigence("IDN-02")
def test_a_taken_user_name_comes_with_free_ones(identite):
    identite.un_compte()
    refus = identite.refus(
        "CreerCompte", une_demande_de_compte(courriel="autre@exemple.ca", nom_utilisateur="ZOE.T")
    )
    assert refus.reason == "NOM_UTILISATEUR_PRIS"
    assert refus.fields == {"nom_utilisateur": "NOM_UTILISATEUR_PRIS"}
    premier, *_ = refus.metadata["suggestions"].split(",")
    identite.inscrire(courriel="autre@exemple.ca", nom_utilisateur=premier)


@pytest.mark.exigence("IDN-13")
def test_a_known_email_gets_the_same_answer_and_its_owner_the_truth(identite):
    identite.un_compte()
    avant = identite.hacheur.hachages
    inconnu = identite.appeler(
        "CreerCompte", une_demande_de_compte(courriel="inconnu@exemple.ca", nom_utilisateur="")
    )
    connu = identite.appeler(
        "CreerCompte",
        une_demande_de_compte(
            courriel="ZOE.Tremblay@exemple.ca",
            prenom="Pirate",
            nom_utilisateur="",
            mot_de_passe=AUTRE_MOT_DE_PASSE,
        ),
    )
    assert inconnu.SerializeToString() == connu.SerializeToString()
    assert identite.hacheur.hachages - avant == 2
    (averti,) = identite.courriels("deja_inscrit")
    assert averti == {"adresse": "zoe.tremblay@exemple.ca", "prenom": "Zoé"}
    # The stranger's password opens nothing, the owner's still does.
    assert identite.refus("OuvrirSession", une_connexion(mot_de_passe=AUTRE_MOT_DE_PASSE))
    identite.ouvrir()


@pytest.mark.exigence("IDN-13")
def test_a_user_name_is_taken_even_when_the_email_was_known(identite):
    identite.un_compte()
    identite.appeler("CreerCompte", une_demande_de_compte(nom_utilisateur="nouveau.nom"))
    refus = identite.refus(
        "CreerCompte",
        une_demande_de_compte(courriel="espion@exemple.ca", nom_utilisateur="nouveau.nom"),
    )
    assert refus.reason == "NOM_UTILISATEUR_PRIS"


@pytest.mark.exigence("IDN-13")
def test_an_unconfirmed_sign_up_of_a_stranger_leaves_nothing(identite):
    pirate = identite.inscrire(prenom="Pirate", mot_de_passe=AUTRE_MOT_DE_PASSE)
    sien = identite.inscrire()
    demande = pb.ActiverCompteRequest(request_id=str(uuid4()), jeton=pirate)
    assert identite.refus("ActiverCompte", demande).reason == "LIEN_EXPIRE"
    identite.activer(sien)
    assert identite.ouvrir().profil.prenom == "Zoé"
    refus = identite.refus("OuvrirSession", une_connexion(mot_de_passe=AUTRE_MOT_DE_PASSE))
    assert refus.reason == "IDENTIFIANTS_INVALIDES"


def test_a_mailbox_is_not_flooded(identite):
    identite.un_compte()
    for _ in range(7):
        identite.appeler("CreerCompte", une_demande_de_compte(nom_utilisateur=""))
    assert len(identite.courriels("deja_inscrit")) == 5
    identite.horloge.advance(hours=1)
    identite.appeler("CreerCompte", une_demande_de_compte(nom_utilisateur=""))
    assert len(identite.courriels("deja_inscrit")) == 6


def test_the_same_request_happens_once(identite):
    demande = une_demande_de_compte()
    for _ in range(3):
        identite.appeler("CreerCompte", demande)
    assert len(identite.courriels("activation")) == 1
    demande.mot_de_passe, demande.defi = AUTRE_MOT_DE_PASSE, ""
    assert identite.refus("CreerCompte", demande).reason == "REQUEST_ID_REUTILISE"
    demande.request_id = "pas un uuid"
    demande.defi = ""
    assert identite.refus("CreerCompte", demande).reason == "REQUEST_ID_INVALIDE"


def creer_ensemble(identite, demandes):
    """Send all requests at once; gives the reason of each refusal, "" for an acceptance."""

    def creer(demande) -> str:
        try:
            identite.appeler("CreerCompte", demande)
        except RemoteError as error:
            return error.reason
        return ""

    with ThreadPoolExecutor(len(demandes)) as fils:
        return list(fils.map(creer, demandes))


def test_a_refusal_of_the_database_that_nobody_foresaw_tells_nothing(identite):
    identite.ecrire("ALTER TABLE compte ADD CONSTRAINT imprevue CHECK (prenom <> 'Zoé')")
    try:
        refus = identite.refus("CreerCompte", une_demande_de_compte())
    finally:
        identite.ecrire("ALTER TABLE compte DROP CONSTRAINT imprevue")
    assert (refus.code, refus.reason) == (grpc.StatusCode.INTERNAL, "INTERNE")
    assert (refus.fields, refus.metadata) == ({}, {})
    identite.inscrire()


@pytest.mark.exigence("IDN-01")
def test_a_race_for_one_email_makes_one_account(identite):
    demandes = [
        une_demande_de_compte(courriel=adresse, nom_utilisateur="")
        for adresse in ("zoe@exemple.ca", "Zoe@exemple.ca", "ZOE@EXEMPLE.CA") * 2
    ]
    assert creer_ensemble(identite, demandes) == [""] * 6
    assert len(identite.lignes("SELECT 1 FROM compte")) == 1
    vivants = "SELECT 1 FROM lien WHERE remplace_le IS NULL AND utilise_le IS NULL"
    assert len(identite.lignes(vivants)) == 1
    # Only the latest link works.
    identite.activer(identite.courriels("activation")[-1]["jeton"])


@pytest.mark.exigence("IDN-02")
def test_a_race_for_one_user_name_has_one_winner(identite):
    demandes = [une_demande_de_compte(courriel=f"zoe{n}@exemple.ca") for n in range(6)]
    raisons = creer_ensemble(identite, demandes)
    assert sorted(raisons) == ["", *["NOM_UTILISATEUR_PRIS"] * 5]
    assert len(identite.lignes("SELECT 1 FROM compte")) == 1


def test_a_double_click_makes_one_account_and_one_mail(identite):
    demande = une_demande_de_compte()
    assert creer_ensemble(identite, [demande] * 5) == [""] * 5
    assert len(identite.courriels("activation")) == 1


def test_a_profile_needs_a_session_and_an_account(identite):
    for jeton in (token("", "anonyme"), token(str(uuid4()))):
        refus = identite.refus("GetProfil", pb.GetProfilRequest(), jeton=jeton)
        assert refus.code is grpc.StatusCode.PERMISSION_DENIED
    refus = identite.refus("GetProfil", pb.GetProfilRequest(), jeton=token(str(uuid4()), "citoyen"))
    assert refus.reason == "COMPTE_INTROUVABLE"
    refus = identite.refus("GetProfil", pb.GetProfilRequest(), jeton="faux")
    assert refus.code is grpc.StatusCode.UNAUTHENTICATED
