"""Sign-up and log-in over gRPC on the real database: challenges, limits, devices."""

from __future__ import annotations

import io
import struct
import wave
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from uuid import uuid4

import pytest
from PIL import Image

from chassis.grpc_client import RemoteError
from deploy import places
from espacecitoyen.identite.v1 import acces_service_pb2 as acces
from espacecitoyen.identite.v1 import identite_service_pb2 as pb
from services.identite.adapters.code_securite import CodeSecurite
from services.identite.domain.defi import (
    ALPHABET_CODE,
    SonIndisponible,
    UsageDefi,
    code_de,
    est_prouve,
)
from tests.kit.identite import (
    AUTRE_MOT_DE_PASSE,
    prouver,
    une_connexion,
    une_demande_de_compte,
    une_identite,
)

pytestmark = pytest.mark.integration


def un_defi(identite, usage=acces.USAGE_DEFI_INSCRIPTION) -> acces.ObtenirDefiResponse:
    return identite.appeler("ObtenirDefi", acces.ObtenirDefiRequest(usage=usage))


def le_code(identite, jeton: str) -> str:
    """What the picture of a challenge shows: the code follows from the installation's key."""
    regles = identite.servicer._regles
    return code_de(regles.digest("code_securite", {"defi": jeton.split(".")[3]}))


def montrer(identite, jeton: str, forme=acces.FORME_CODE_IMAGE, **champs) -> bytes:
    demande = acces.LireCodeRequest(jeton=jeton, forme=forme, langue="fr", **champs)
    return identite.appeler("LireCode", demande).contenu


def refus_inscription(identite, **champs) -> str:
    demande = une_demande_de_compte(**champs)
    return identite.refus("CreerCompte", demande, prouve=False).reason


# Sign-up


@pytest.mark.exigence("IDN-03")
def test_sign_up_needs_an_answered_challenge(identite):
    defi = un_defi(identite)
    bonne = prouver(defi.jeton, defi.bits)
    fausse = next(str(n) for n in range(1000) if not est_prouve(defi.jeton, str(n), defi.bits))
    connexion = un_defi(identite, acces.USAGE_DEFI_CONNEXION)
    forge = defi.jeton.replace(".4.", ".1.", 1)
    for champs, raison in (
        ({}, "DEFI_REQUIS"),
        ({"defi": defi.jeton}, "DEFI_REQUIS"),
        ({"preuve": bonne}, "DEFI_REQUIS"),
        ({"defi": defi.jeton, "preuve": fausse}, "DEFI_PERIME"),
        ({"defi": forge, "preuve": bonne}, "DEFI_PERIME"),
        ({"defi": "é" * 300, "preuve": "x"}, "DEFI_PERIME"),
        (
            {"defi": connexion.jeton, "preuve": prouver(connexion.jeton, connexion.bits)},
            "DEFI_PERIME",
        ),
    ):
        assert refus_inscription(identite, **champs) == raison, champs
    assert identite.hacheur.hachages == 0
    identite.appeler("CreerCompte", une_demande_de_compte(defi=defi.jeton, preuve=bonne))
    assert len(identite.courriels("activation")) == 1


@pytest.mark.exigence("IDN-03")
def test_a_challenge_opens_one_act_and_ends(identite):
    defi = un_defi(identite)
    reponse = {"defi": defi.jeton, "preuve": prouver(defi.jeton, defi.bits)}
    premiere = une_demande_de_compte(**reponse)
    for _ in range(2):
        # The same act again is a client that saw no reply.
        identite.appeler("CreerCompte", premiere, prouve=False)
    autre = {"courriel": "autre@exemple.ca", "nom_utilisateur": "autre"}
    assert refus_inscription(identite, **reponse, **autre) == "DEFI_PERIME"
    tard = un_defi(identite)
    identite.horloge.advance(hours=12)
    reponse = {"defi": tard.jeton, "preuve": prouver(tard.jeton, tard.bits)}
    assert refus_inscription(identite, **reponse, **autre) == "DEFI_PERIME"


@pytest.mark.exigence("IDN-02", "IDN-03")
def test_each_look_at_a_user_name_costs_a_proof(identite):
    identite.un_compte()
    defi = un_defi(identite)
    reponse = {"defi": defi.jeton, "preuve": prouver(defi.jeton, defi.bits)}
    pris = {"courriel": "autre@exemple.ca"}
    assert refus_inscription(identite, **reponse, **pris) == "NOM_UTILISATEUR_PRIS"
    autre = {**pris, "nom_utilisateur": "zoe.t2"}
    assert refus_inscription(identite, **reponse, **autre) == "DEFI_PERIME"


def test_a_refused_field_does_not_spend_the_proof(identite):
    defi = un_defi(identite)
    reponse = {"defi": defi.jeton, "preuve": prouver(defi.jeton, defi.bits)}
    assert refus_inscription(identite, **reponse, mot_de_passe="court") == "DONNEES_INVALIDES"
    identite.appeler("CreerCompte", une_demande_de_compte(**reponse), prouve=False)


@pytest.mark.exigence("IDN-03")
def test_the_code_of_the_picture_takes_the_place_of_the_proof(identite):
    defi = un_defi(identite)
    code = le_code(identite, defi.jeton)
    # Nobody read a code that was never shown.
    assert (
        refus_inscription(identite, defi=defi.jeton, code_securite=code) == "CODE_SECURITE_INVALIDE"
    )
    image = Image.open(io.BytesIO(montrer(identite, defi.jeton)))
    assert (image.format, image.size) == ("PNG", (280, 90))
    ecrit = f" {code[:3].lower()}-{code[3:]} "
    identite.appeler(
        "CreerCompte",
        une_demande_de_compte(defi=defi.jeton, code_securite=ecrit),
        prouve=False,
    )
    # Once used, it is shown no more.
    assert (
        identite.refus("LireCode", acces.LireCodeRequest(jeton=defi.jeton)).reason == "DEFI_PERIME"
    )
    assert code not in str(identite.lignes("SELECT d::text FROM defi d"))


@pytest.mark.exigence("IDN-03")
def test_a_code_takes_five_tries(identite):
    defi = un_defi(identite)
    montrer(identite, defi.jeton)
    code = le_code(identite, defi.jeton)
    faux = ALPHABET_CODE[0] * 6 if code != ALPHABET_CODE[0] * 6 else ALPHABET_CODE[1] * 6
    for _ in range(5):
        raison = refus_inscription(identite, defi=defi.jeton, code_securite=faux)
        assert raison == "CODE_SECURITE_INVALIDE"
    assert (
        refus_inscription(identite, defi=defi.jeton, code_securite=code) == "CODE_SECURITE_INVALIDE"
    )


@pytest.mark.exigence("IDN-03")
def test_one_address_gets_twenty_codes_in_ten_minutes(identite):
    adresse = {"adresse_ip": "2001:db8::1"}
    for _ in range(20):
        montrer(identite, un_defi(identite).jeton, **adresse)
    demande = acces.LireCodeRequest(jeton=un_defi(identite).jeton, adresse_ip="2001:db8::2")
    refus = identite.refus("LireCode", demande)
    assert (refus.reason, refus.metadata) == ("TROP_DE_TENTATIVES", {"reessayer_dans_s": "601"})
    montrer(identite, un_defi(identite).jeton, adresse_ip="2001:db8:0:1::1")
    identite.horloge.advance(minutes=10)
    montrer(identite, un_defi(identite).jeton, **adresse)


@pytest.mark.exigence("IDN-03")
@pytest.mark.parametrize("langue", ["fr", "en"])
def test_the_code_is_said_in_both_languages(langue):
    voix = CodeSecurite(
        programme=places.VOICE / "usr/bin/espeak-ng",
        bibliotheques=places.voice_libraries(),
        donnees=places.voice_data(),
    )
    un, autre = voix.son("47AXFR", langue), voix.son("47AXFR", langue)
    with wave.open(io.BytesIO(un)) as lu:
        assert (lu.getnchannels(), lu.getsampwidth()) == (1, 2)
        assert 8 < lu.getnframes() / lu.getframerate() < 60
    # The hiss differs each time: two sounds of one code cannot be compared byte by byte.
    assert un != autre
    silence = struct.unpack("<200h", un[44:444])
    assert any(silence)


@pytest.mark.exigence("IDN-03")
def test_an_installation_without_a_voice_says_so(tmp_path):
    muette = CodeSecurite(programme=None, bibliotheques="", donnees=None)
    cassee = CodeSecurite(programme=Path(tmp_path / "rien"), bibliotheques="", donnees=None)
    for voix in (muette, cassee):
        with pytest.raises(SonIndisponible):
            voix.son("47AXFR", "fr")


@pytest.mark.exigence("IDN-01")
def test_one_address_signs_up_five_times_an_hour(identite):
    for numero in range(5):
        identite.inscrire(
            courriel=f"p{numero}@exemple.ca", nom_utilisateur="", adresse_ip="203.0.113.9"
        )
    sixieme = une_demande_de_compte(
        courriel="p6@exemple.ca", nom_utilisateur="", adresse_ip="203.0.113.9"
    )
    assert identite.refus("CreerCompte", sixieme).reason == "TROP_DE_TENTATIVES"
    sixieme.adresse_ip, sixieme.defi = "203.0.113.10", ""
    identite.appeler("CreerCompte", sixieme)


@pytest.mark.exigence("IDN-12")
def test_one_address_asks_for_ten_resets_an_hour(identite):
    def demande(numero):
        return pb.DemanderReinitialisationRequest(
            request_id=str(uuid4()), courriel=f"p{numero}@exemple.ca", adresse_ip="203.0.113.9"
        )

    for numero in range(10):
        identite.appeler("DemanderReinitialisation", demande(numero))
    refus = identite.refus("DemanderReinitialisation", demande(11))
    assert refus.reason == "TROP_DE_TENTATIVES"
    identite.horloge.advance(hours=1)
    identite.appeler("DemanderReinitialisation", demande(12))


@pytest.mark.exigence("IDN-01", "IDN-02")
def test_raced_sign_ups_make_one_account_per_e_mail_and_user_name(identite):
    def inscrire(numero: int) -> str:
        demande = une_demande_de_compte(
            courriel="meme@exemple.ca" if numero % 2 else f"p{numero}@exemple.ca",
            nom_utilisateur="" if numero % 2 else "meme.nom",
        )
        try:
            identite.appeler("CreerCompte", demande)
        except RemoteError as error:
            return error.reason
        return ""

    with ThreadPoolExecutor(8) as fils:
        raisons = list(fils.map(inscrire, range(8)))
    assert raisons[1::2] == [""] * 4
    assert sorted(raisons[0::2]) == ["", *["NOM_UTILISATEUR_PRIS"] * 3]
    comptes = identite.lignes("SELECT courriel, nom_utilisateur FROM compte")
    assert len(comptes) == 2


# Log-in


@pytest.mark.exigence("IDN-02")
def test_after_three_failures_a_log_in_brings_a_proof(identite):
    identite.un_compte()
    faux = une_connexion(mot_de_passe="faux" * 4)
    for _ in range(3):
        refus = identite.refus("OuvrirSession", faux, prouve=False)
        assert refus.reason == "IDENTIFIANTS_INVALIDES"
    avant = identite.hacheur.verifications
    assert identite.refus("OuvrirSession", une_connexion(), prouve=False).reason == "DEFI_REQUIS"
    assert identite.hacheur.verifications == avant
    avec = une_connexion()
    identite.repondre(avec, UsageDefi.CONNEXION)
    identite.appeler("OuvrirSession", avec, prouve=False)
    # One proof, one try.
    assert identite.refus("OuvrirSession", avec, prouve=False).reason == "DEFI_PERIME"


@pytest.mark.exigence("IDN-02")
def test_unknown_accounts_need_a_proof_alike(identite):
    faux = une_connexion(identifiant="inconnu", mot_de_passe="faux" * 4)
    raisons = [identite.refus("OuvrirSession", faux, prouve=False).reason for _ in range(4)]
    assert raisons == [*["IDENTIFIANTS_INVALIDES"] * 3, "DEFI_REQUIS"]


@pytest.mark.exigence("IDN-02")
def test_a_hundred_failures_disable_the_password_until_a_reset(database_url, clean_database):
    del clean_database
    with une_identite(database_url("identite"), echecs_blocage=6, echecs_compte=50) as identite:
        identite.un_compte()
        sien = identite.ouvrir(adresse_ip="").jeton_appareil
        faux = une_connexion(mot_de_passe="faux" * 4, adresse_ip="")
        for _ in range(6):
            # Time does not forgive: the waits' count does, this one does not.
            assert identite.refus("OuvrirSession", faux).reason == "IDENTIFIANTS_INVALIDES"
            identite.horloge.advance(hours=13)
        assert len(identite.courriels("mot_de_passe_bloque")) == 1
        juste = une_connexion(adresse_ip="")
        assert identite.refus("OuvrirSession", juste).reason == "IDENTIFIANTS_INVALIDES"
        # The owner's own device is counted apart.
        identite.ouvrir(adresse_ip="", jeton_appareil=sien)
        reinitialiser(identite)
        identite.ouvrir(mot_de_passe=AUTRE_MOT_DE_PASSE, adresse_ip="")
        assert len(identite.courriels("mot_de_passe_bloque")) == 1


def reinitialiser(identite) -> None:
    identite.appeler(
        "DemanderReinitialisation",
        pb.DemanderReinitialisationRequest(
            request_id=str(uuid4()), courriel="zoe.tremblay@exemple.ca"
        ),
    )
    identite.appeler(
        "ReinitialiserMotDePasse",
        pb.ReinitialiserMotDePasseRequest(
            request_id=str(uuid4()),
            jeton=identite.courriels("reinitialisation")[-1]["jeton"],
            mot_de_passe=AUTRE_MOT_DE_PASSE,
        ),
    )


@pytest.mark.exigence("IDN-02")
def test_others_failures_do_not_lock_the_owner_out(identite):
    identite.un_compte()
    sien = identite.ouvrir().jeton_appareil
    assert len(sien) == 43
    for _ in range(5):
        identite.refus(
            "OuvrirSession", une_connexion(mot_de_passe="faux" * 4, adresse_ip="198.51.100.1")
        )
    assert identite.refus("OuvrirSession", une_connexion()).reason == "TROP_DE_TENTATIVES"
    # Neither a wait nor a proof at one's own device, and no new secret.
    ouverte = identite.appeler("OuvrirSession", une_connexion(jeton_appareil=sien), prouve=False)
    assert ouverte.jeton_appareil == ""
    # Somebody else's device is nobody's here.
    identite.un_compte(courriel="autre@exemple.ca", nom_utilisateur="autre")
    autre = une_connexion(identifiant="autre", jeton_appareil=sien)
    assert identite.appeler("OuvrirSession", autre).jeton_appareil


@pytest.mark.exigence("IDN-20")
def test_a_new_device_is_announced_to_the_mailbox(identite):
    identite.un_compte()
    premier = identite.ouvrir(appareil="Firefox").jeton_appareil
    assert identite.courriels("nouvel_appareil") == []
    # The same browser that lost its secret is no news; another one is.
    identite.ouvrir(appareil="Firefox")
    assert identite.courriels("nouvel_appareil") == []
    identite.ouvrir(appareil="Chrome")
    (courriel,) = identite.courriels("nouvel_appareil")
    assert len(courriel["jeton"]) == 43
    identite.ouvrir(appareil="Edge", jeton_appareil=premier)
    assert len(identite.courriels("nouvel_appareil")) == 1
