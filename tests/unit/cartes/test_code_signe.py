"""The signed code of a card and the status list (CAR-16), against other people's readers."""

from __future__ import annotations

import dataclasses
import io
import random
import zlib
from datetime import UTC, datetime, timedelta

import base45 as oracle
import cbor2
import pytest
import segno
import zxingcpp
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from services.cartes.adapters import base45, code_signe, liste_statuts
from services.cartes.adapters.code_signe import (
    CodeIllisible,
    EmetteurInconnu,
    Signataire,
    SignatureInvalide,
)
from services.cartes.domain import Attestation, Categorie, ClasseAge, StatutCode

pytestmark = pytest.mark.unit

EMETTEUR = "https://carte.exemple.ca"
LISTE = f"{EMETTEUR}/statuts/1"
KID = b"cle-2026"
CLE = ec.generate_private_key(ec.SECP256R1())
CLES = {(EMETTEUR, KID): CLE.public_key()}
EMISE = datetime(2026, 11, 22, 15, 0, tzinfo=UTC)
ATTESTATION = Attestation(
    emetteur=EMETTEUR,
    identifiant=bytes(range(16)),
    numero="20042000001237",
    titulaire="TREMBLAY, ÉMILIE",
    ville=73010,
    categorie=Categorie.RESIDENT,
    classe_age=ClasseAge.ADULTE,
    liste=LISTE,
    indice=104_242,
    emise_le=EMISE,
    expire_le=EMISE + timedelta(days=730),
)
SIGNATAIRE = Signataire(CLE, kid=KID, emetteur=EMETTEUR)
CODE = SIGNATAIRE.signer(ATTESTATION)
REFUS = (CodeIllisible, EmetteurInconnu, SignatureInvalide)


def message(code: str) -> bytes:
    return base45.decoder(code.partition("/CC1:")[2])


def code_de(octets: bytes) -> str:
    return f"{ATTESTATION.numero}/CC1:{base45.encoder(octets)}"


@pytest.mark.exigence("CAR-16")
def test_what_was_signed_is_what_is_read():
    assert code_signe.verifier(CODE, CLES) == ATTESTATION
    assert CODE.startswith(f"{ATTESTATION.numero}/CC1:")
    assert len(CODE) < 450


@pytest.mark.exigence("CAR-16")
def test_no_bit_of_the_bytes_can_be_turned():
    octets = message(CODE)
    for place in range(len(octets) * 8):
        change = bytearray(octets)
        change[place // 8] ^= 1 << place % 8
        with pytest.raises(REFUS):
            code_signe.verifier(code_de(bytes(change)), CLES)


@pytest.mark.exigence("CAR-16")
def test_no_bit_of_the_text_can_be_turned():
    texte = CODE.encode()
    for place in range(len(texte) * 8):
        change = bytearray(texte)
        change[place // 8] ^= 1 << place % 8
        with pytest.raises(REFUS):
            code_signe.verifier(change.decode("latin-1"), CLES)


@pytest.mark.parametrize("fin", ["\n", " ", "0", "00", "000", "\x00"])
def test_nothing_can_be_added(fin):
    with pytest.raises(REFUS):
        code_signe.verifier(CODE + fin, CLES)
    with pytest.raises(REFUS):
        code_signe.verifier(fin + CODE, CLES)


def test_a_key_speaks_for_its_own_issuer_only():
    autre = "https://carte.autre.ca"
    with pytest.raises(EmetteurInconnu):
        code_signe.verifier(CODE, {(autre, KID): CLE.public_key()})
    usurpe = Signataire(CLE, kid=KID, emetteur=EMETTEUR).signer(
        dataclasses.replace(ATTESTATION, emetteur=autre)
    )
    with pytest.raises(EmetteurInconnu):
        code_signe.verifier(usurpe, CLES)


def test_another_key_of_the_same_name_did_not_sign():
    faux = ec.generate_private_key(ec.SECP256R1())
    with pytest.raises(SignatureInvalide):
        code_signe.verifier(CODE, {(EMETTEUR, KID): faux.public_key()})


def test_the_number_in_front_is_the_one_signed():
    with pytest.raises(CodeIllisible):
        code_signe.verifier("20042000001245" + CODE[14:], CLES)


@pytest.mark.parametrize("entete", [{1: -8, 4: KID}, {1: -7}, {1: -7, 4: KID, 2: [1]}, {4: KID}])
def test_only_our_algorithm_and_header_are_read(entete):
    _, charge, _ = code_signe.demonter(message(CODE))
    protege = cbor2.dumps(entete)
    signature = code_signe.signer_cose(CLE, protege, charge)
    with pytest.raises(CodeIllisible):
        code_signe.verifier(code_de(code_signe.assembler(protege, charge, signature)), CLES)


@given(st.binary(max_size=300))
def test_any_bytes_are_refused_and_never_break(octets):
    with pytest.raises(REFUS):
        code_signe.verifier(code_de(octets), CLES)


@given(st.text(max_size=200))
def test_any_text_is_refused_and_never_breaks(texte):
    with pytest.raises(REFUS):
        code_signe.verifier(texte, CLES)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=8) | st.binary(max_size=16),
        lambda items: (
            st.lists(items, max_size=4)
            | st.dictionaries(st.integers() | st.sampled_from((1, 4, 6, 7, 65535, -65601)), items)
        ),
        max_leaves=20,
    )
)
def test_a_signed_payload_of_any_shape_never_breaks(charge):
    protege, _, _ = code_signe.demonter(message(CODE))
    octets = cbor2.dumps(charge)
    signature = code_signe.signer_cose(CLE, protege, octets)
    with pytest.raises(REFUS):
        code_signe.verifier(code_de(code_signe.assembler(protege, octets, signature)), CLES)


@given(st.binary(max_size=64))
def test_base45_agrees_with_another_implementation(octets):
    assert base45.encoder(octets) == oracle.b45encode(octets).decode()
    assert base45.decoder(base45.encoder(octets)) == octets


@pytest.mark.parametrize("texte", ["A", "AAAA", ":::", "GGX", "::", "a", "é", "00\n"])
def test_base45_refuses_what_no_encoder_makes(texte):
    with pytest.raises(ValueError, match=r"."):
        base45.decoder(texte)


@pytest.mark.exigence("CAR-16")
@pytest.mark.parametrize("reduction", [1, 2])
def test_a_reader_of_another_project_reads_the_drawn_code(reduction):
    # Four points a module at 300 dpi: 25 mm on the plastic. Half of it is the code held farther.
    dessin = io.BytesIO()
    segno.make(CODE, error="m", boost_error=False).save(dessin, kind="png", scale=4, border=4)
    image = Image.open(dessin).convert("L")
    assert image.width / 300 * 25.4 < 28
    taille = image.width // reduction
    image = image.resize((taille, taille), Image.Resampling.LANCZOS)
    lus = zxingcpp.read_barcodes(image)
    assert [lu.text for lu in lus] == [CODE]


# --- the status list


def la_liste(statuts: list[tuple[int, StatutCode]], taille: int = 131_072) -> bytes:
    return liste_statuts.signer(
        liste_statuts.composer(taille, statuts),
        cle=CLE,
        kid=KID,
        adresse=LISTE,
        maintenant=EMISE,
        rafraichir=timedelta(minutes=15),
        duree=timedelta(days=7),
    )


@pytest.mark.exigence("CAR-16")
@given(st.dictionaries(st.integers(0, 999), st.sampled_from(StatutCode)))
def test_each_index_has_its_own_state(statuts):
    octets = la_liste(list(statuts.items()), taille=1000)
    lue = liste_statuts.lire(octets, adresse=LISTE, cles={KID: CLE.public_key()})
    assert {i: lue.statut(i) for i in range(1000)} == {
        i: statuts.get(i, StatutCode.VALIDE) for i in range(1000)
    }
    assert lue.emise_le == EMISE
    assert lue.expire_le == EMISE + timedelta(days=7)
    assert lue.rafraichir == timedelta(minutes=15)


@pytest.mark.parametrize("indice", [-1, 1000, 10**9])
def test_an_index_outside_the_list_is_not_valid(indice):
    lue = liste_statuts.lire(la_liste([], taille=1000), adresse=LISTE, cles={KID: CLE.public_key()})
    assert lue.statut(indice) is StatutCode.INVALIDE
    with pytest.raises(IndexError):
        liste_statuts.composer(1000, [(indice, StatutCode.INVALIDE)])


def test_the_bits_are_where_the_draft_puts_them():
    # Index 0 is the two lowest bits of the first octet.
    table = liste_statuts.composer(8, [(0, StatutCode.INVALIDE), (5, StatutCode.SUSPENDU)])
    assert table == bytes([0b00000001, 0b00001000])


@pytest.mark.exigence("CAR-16")
def test_a_full_list_stays_small():
    hasard = random.Random(16)  # noqa: S311  (the same list each time)
    touches = hasard.sample(range(131_072), 131_072 * 3 // 100)
    assert len(la_liste([(i, StatutCode(hasard.choice((1, 2)))) for i in touches])) <= 8_000


def test_no_bit_of_a_list_can_be_turned():
    octets = la_liste([(3, StatutCode.INVALIDE)], taille=64)
    for place in range(len(octets) * 8):
        change = bytearray(octets)
        change[place // 8] ^= 1 << place % 8
        with pytest.raises(REFUS):
            liste_statuts.lire(bytes(change), adresse=LISTE, cles={KID: CLE.public_key()})


def test_the_list_of_another_address_or_key_is_refused():
    octets = la_liste([])
    with pytest.raises(CodeIllisible):
        liste_statuts.lire(octets, adresse=f"{LISTE}2", cles={KID: CLE.public_key()})
    with pytest.raises(EmetteurInconnu):
        liste_statuts.lire(octets, adresse=LISTE, cles={})


def test_a_bomb_is_not_inflated():
    charge = {
        2: LISTE,
        4: 1,
        6: 0,
        65534: 1,
        65533: {"bits": 2, "lst": zlib.compress(bytes(1 << 24))},
    }
    protege = cbor2.dumps({1: -7, 4: KID, 16: liste_statuts.TYPE_MEDIA})
    octets = cbor2.dumps(charge)
    signe = code_signe.assembler(protege, octets, code_signe.signer_cose(CLE, protege, octets))
    with pytest.raises(CodeIllisible):
        liste_statuts.lire(signe, adresse=LISTE, cles={KID: CLE.public_key()})
