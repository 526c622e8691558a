"""The rules of OpenID Connect: addresses, challenges, scopes, keys, ages (IDN-19)."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.identite.domain import DonneesInvalides
from services.identite.domain.oidc import (
    DefiInvalide,
    DureesOidc,
    connexion_assez_recente,
    exiger_defi,
    verifier_defi,
)
from services.identite.domain.oidc_cles import (
    CleSignature,
    cle_a_creer,
    cle_courante,
    cles_a_retirer,
    prochain_essai,
)
from services.identite.domain.oidc_client import (
    ClientInconnu,
    ClientOidc,
    PorteeRefusee,
    RedirectionRefusee,
    adresse_sure,
    juger_client,
)

pytestmark = pytest.mark.unit

MIDI = datetime(2026, 3, 2, 12, tzinfo=UTC)
DUREES = DureesOidc(
    code=timedelta(minutes=1),
    acces=timedelta(minutes=5),
    identite=timedelta(minutes=5),
    renouvellement=timedelta(days=30),
    billet=timedelta(minutes=30),
    cle=timedelta(days=90),
    cle_avance=timedelta(days=1),
    cle_retrait=timedelta(days=1),
)
CLIENT = ClientOidc(
    client_id="loisirs",
    nom_fr="Loisirs",
    nom_en="Recreation",
    redirections=("https://loisirs.exemple.ca/retour",),
    methode="client_secret_basic",
    portees=("openid", "email"),
)


@pytest.mark.parametrize(
    "adresse",
    [
        "https://loisirs.exemple.ca/retour",
        "https://loisirs.exemple.ca:8443/retour?x=1",
        "http://127.0.0.1:8123/retour",
        "http://localhost/retour",
        "http://[::1]:80/retour",
    ],
)
def test_https_and_the_loopback_are_safe(adresse):
    assert adresse_sure(adresse)


@pytest.mark.parametrize(
    "adresse",
    [
        "",
        "/retour",
        "//loisirs.exemple.ca/retour",
        "http://loisirs.exemple.ca/retour",
        "http://127.0.0.1.voleur.exemple.ca/",
        "http://voleur.exemple.ca@127.0.0.1/",
        "https://moi@loisirs.exemple.ca/",
        "https://*.exemple.ca/",
        "https://loisirs.exemple.ca/#fragment",
        "https://loisirs.exemple.ca/a b",
        "https://loisirs.exemple.ca\\@voleur.exemple.ca/",
        "https://loisirs.exemple.ca/\n",
        "https://éxemple.ca/",
        "https://loisirs.exemple.ca:port/",
        "https:///retour",
        "javascript:alert(1)",
        "data:text/html,x",
        "ca.exemple.app:/retour",
        "https://[::1/",
        "https://loisirs.exemple.ca/" + "x" * 2000,
    ],
)
def test_anything_else_is_not(adresse):
    assert not adresse_sure(adresse)


@given(st.text(max_size=60))
def test_no_text_makes_the_judgement_fail(texte):
    assert adresse_sure(texte) in {True, False}


def test_a_registered_address_is_matched_character_by_character():
    CLIENT.exiger_redirection("https://loisirs.exemple.ca/retour")
    for autre in ("https://loisirs.exemple.ca/retour/", "HTTPS://loisirs.exemple.ca/retour", ""):
        with pytest.raises(RedirectionRefusee):
            CLIENT.exiger_redirection(autre)


def test_scopes_are_the_clients_and_openid_is_one():
    assert CLIENT.portees_permises(["email", "openid"]) == ("openid", "email")
    for voulues in ([], ["email"], ["openid", "phone"], ["openid", "admin"]):
        with pytest.raises(PorteeRefusee):
            CLIENT.portees_permises(voulues)


def test_a_disabled_client_is_unknown():
    with pytest.raises(ClientInconnu):
        replace(CLIENT, desactive=True).exiger_actif()


@pytest.mark.parametrize(
    ("champs", "fautes"),
    [
        ({"nom_fr": " "}, {"nom_fr": "CHAMP_REQUIS"}),
        ({"nom_en": "x" * 81}, {"nom_en": "TROP_LONG"}),
        ({"nom_en": "a\x00b"}, {"nom_en": "CARACTERE_INVALIDE"}),
        ({"redirections": ()}, {"redirections": "CHAMP_REQUIS"}),
        ({"deconnexion_url": "http://10.0.0.1/"}, {"deconnexion_url": "REDIRECTION_REFUSEE"}),
        ({"redirections_fin": ("https://x.ca/",) * 11}, {"redirections_fin": "TROP_LONG"}),
        ({"methode": "implicite"}, {"methode": "METHODE_INCONNUE"}),
        ({"algorithme": "none"}, {"algorithme": "ALGORITHME_INCONNU"}),
        ({"algorithme": "HS256"}, {"algorithme": "ALGORITHME_INCONNU"}),
        ({"portees": ("email",)}, {"portees": "PORTEE_INCONNUE"}),
        ({"methode": "private_key_jwt"}, {"jwks": "CLES_ILLISIBLES"}),
        ({"methode": "private_key_jwt", "jwks": '{"keys": []}'}, {"jwks": "CLES_ILLISIBLES"}),
        (
            {"methode": "private_key_jwt", "jwks": '{"keys": [{"kty": "EC", "d": "x"}]}'},
            {"jwks": "CLES_ILLISIBLES"},
        ),
        ({"methode": "tls_client_auth"}, {"tls_sujet": "CHAMP_REQUIS"}),
        ({"methode": "none", "ressource": True}, {"ressource": "METHODE_INCONNUE"}),
    ],
)
def test_what_staff_type_is_judged_field_by_field(champs, fautes):
    with pytest.raises(DonneesInvalides) as refus:
        juger_client(replace(CLIENT, **champs))
    assert refus.value.fields == fautes


@given(st.text("abcXYZ019-._~", min_size=43, max_size=128))
def test_only_the_verifier_of_a_challenge_answers_it(verificateur):
    digest = hashlib.sha256(verificateur.encode()).digest()
    defi = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
    exiger_defi(defi)
    assert verifier_defi(defi, verificateur)
    assert not verifier_defi(defi, verificateur[:-1] + ("a" if verificateur[-1] != "a" else "b"))
    # The method "plain" would accept this.
    assert not verifier_defi(verificateur[:43], verificateur[:43])


@pytest.mark.parametrize("defi", ["", "x" * 42, "x" * 44, "x" * 42 + "=", "é" * 43])
def test_a_challenge_is_one_of_s256(defi):
    with pytest.raises(DefiInvalide):
        exiger_defi(defi)


def test_the_age_of_a_log_in():
    def assez(**champs):
        valeurs = {"age_max_s": -1, "pas_avant": None, "maintenant": MIDI} | champs
        return connexion_assez_recente(MIDI - timedelta(minutes=10), **valeurs)

    assert assez()
    assert assez(age_max_s=600)
    assert not assez(age_max_s=599)
    assert not assez(age_max_s=0)
    assert assez(pas_avant=MIDI - timedelta(minutes=10))
    assert not assez(pas_avant=MIDI - timedelta(minutes=9))


def une_cle(kid: str, jours: float) -> CleSignature:
    return CleSignature(
        kid=kid, algorithme="ES256", publique={}, active_le=MIDI + timedelta(days=jours)
    )


def test_a_key_ring_lives_years_without_a_gap_nor_a_stranger():
    cles: list[CleSignature] = []
    for heure in range(24 * 800):
        maintenant = MIDI + timedelta(hours=heure)
        active_le = cle_a_creer(cles, "ES256", durees=DUREES, maintenant=maintenant)
        if active_le is not None:
            # But for the very first, nobody signs with a key that clients could not know yet.
            assert not cles or active_le - maintenant >= DUREES.cle_avance
            cles.append(
                CleSignature(kid=str(heure), algorithme="ES256", publique={}, active_le=active_le)
            )
        courante = cle_courante(cles, "ES256", maintenant)
        assert courante is not None
        partantes = cles_a_retirer(cles, durees=DUREES, maintenant=maintenant)
        assert courante.kid not in partantes
        cles = [cle for cle in cles if cle.kid not in partantes]
        assert 1 <= len(cles) <= 3
    assert cle_courante(cles, "RS256", maintenant) is None


def test_a_worker_that_slept_for_a_year_still_publishes_before_it_signs():
    cles = [une_cle("vieille", -400)]
    active_le = cle_a_creer(cles, "ES256", durees=DUREES, maintenant=MIDI)
    assert active_le == MIDI + DUREES.cle_avance
    assert cles_a_retirer(cles, durees=DUREES, maintenant=MIDI) == []


def test_a_key_goes_when_its_successor_has_signed_long_enough():
    cles = [une_cle("un", -90), une_cle("deux", 0)]
    assert cles_a_retirer(cles, durees=DUREES, maintenant=MIDI + timedelta(hours=23)) == []
    assert cles_a_retirer(cles, durees=DUREES, maintenant=MIDI + timedelta(hours=24)) == ["un"]


def test_a_logout_token_is_tried_six_times():
    moments = [prochain_essai(essais, MIDI) for essais in range(1, 7)]
    assert moments[-1] is None
    assert [int((m - MIDI).total_seconds()) for m in moments if m] == [5, 30, 120, 600, 3600]
