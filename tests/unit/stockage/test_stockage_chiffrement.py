"""The encrypted form: whatever is touched is refused (R50, R58)."""

from __future__ import annotations

import base64
import hashlib
import io
import os
from dataclasses import replace
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.stockage.adapters import chiffrement
from services.stockage.adapters.chiffrement import BLOC, ENTETE, SCEAU, Chiffreur, Dechiffreur
from services.stockage.adapters.coffre import CoffreDossier
from services.stockage.adapters.trousseau import MaitresseEnvironnement, Trousseau
from services.stockage.domain import Espace, PieceAlteree, Zone
from services.stockage.use_cases.ports import CleMaitresseInvalide

pytestmark = [pytest.mark.unit, pytest.mark.exigence("STO-04")]

CLE = bytes(range(32))
CONTEXTE = b"essai|1"
ZERO = base64.b64encode(bytes(32)).decode()
PAS = BLOC + SCEAU
TAILLES = [0, 1, BLOC - 1, BLOC, BLOC + 1, 2 * BLOC, 3 * BLOC + 17]


def chiffrer(clair: bytes, *, morceau: int = 50_000, contexte: bytes = CONTEXTE) -> bytes:
    puits = io.BytesIO()
    chiffreur = Chiffreur(cle=CLE, contexte=contexte, puits=puits)
    for debut in range(0, len(clair), morceau):
        chiffreur.ajouter(clair[debut : debut + morceau])
    assert chiffreur.terminer() == hashlib.sha256(puits.getvalue()).digest()
    assert chiffreur.taille_octets == len(clair)
    return puits.getvalue()


def dechiffrer(chiffre: bytes, *, contexte: bytes = CONTEXTE) -> bytes:
    return b"".join(Dechiffreur(io.BytesIO(chiffre), cle=CLE, contexte=contexte).blocs())


@pytest.mark.parametrize("taille", TAILLES)
@pytest.mark.parametrize("morceau", [1000, BLOC, 1 << 20])
def test_what_goes_in_comes_out(taille, morceau):
    clair = os.urandom(taille)
    chiffre = chiffrer(clair, morceau=morceau)
    assert dechiffrer(chiffre) == clair
    blocs = max(-(-taille // BLOC), 1)
    assert len(chiffre) == len(ENTETE) + taille + blocs * SCEAU


@given(taille=st.integers(0, 3 * BLOC), debut=st.integers(0, 3 * BLOC), lus=st.integers(0, 9000))
def test_any_place_can_be_read(taille, debut, lus):
    clair = (bytes(range(251)) * (taille // 251 + 1))[:taille]
    lecteur = Dechiffreur(io.BytesIO(chiffrer(clair)), cle=CLE, contexte=CONTEXTE)
    lecteur.seek(debut)
    assert lecteur.read(lus) == clair[debut : debut + lus]
    assert lecteur.seek(0, io.SEEK_END) == taille


@given(
    taille=st.sampled_from(TAILLES), place=st.floats(0, 1, exclude_max=True), bit=st.integers(0, 7)
)
def test_any_bit_flipped_is_refused(taille, place, bit):
    chiffre = bytearray(chiffrer(bytes(taille)))
    chiffre[int(place * len(chiffre))] ^= 1 << bit
    with pytest.raises(PieceAlteree):
        dechiffrer(bytes(chiffre))


@given(taille=st.sampled_from(TAILLES), reste=st.floats(0, 1, exclude_max=True))
def test_any_truncation_is_refused_before_a_byte_is_read(taille, reste):
    chiffre = chiffrer(bytes(taille))
    with pytest.raises(PieceAlteree):
        Dechiffreur(io.BytesIO(chiffre[: int(reste * len(chiffre))]), cle=CLE, contexte=CONTEXTE)


def test_a_whole_chunk_less_is_refused():
    chiffre = chiffrer(os.urandom(3 * BLOC))
    with pytest.raises(PieceAlteree):
        dechiffrer(chiffre[:-PAS])
    with pytest.raises(PieceAlteree):
        dechiffrer(chiffre[: len(ENTETE)] + chiffre[len(ENTETE) + PAS :])


def test_chunks_in_another_order_are_refused():
    chiffre = chiffrer(os.urandom(3 * BLOC))
    blocs = [chiffre[len(ENTETE) + n * PAS : len(ENTETE) + (n + 1) * PAS] for n in range(3)]
    for ordre in ([1, 0, 2], [0, 0, 2], [2, 1, 0], [0, 1, 2, 2]):
        with pytest.raises(PieceAlteree):
            dechiffrer(ENTETE + b"".join(blocs[n] for n in ordre))


def test_bytes_added_are_refused():
    with pytest.raises(PieceAlteree):
        dechiffrer(chiffrer(os.urandom(100)) + b"\0")


def test_a_chunk_of_another_object_is_refused():
    ici, labas = chiffrer(bytes(2 * BLOC)), chiffrer(bytes(2 * BLOC), contexte=b"essai|2")
    greffe = ici[: len(ENTETE)] + labas[len(ENTETE) : len(ENTETE) + PAS] + ici[len(ENTETE) + PAS :]
    with pytest.raises(PieceAlteree):
        dechiffrer(greffe)
    with pytest.raises(PieceAlteree):
        dechiffrer(labas)


def test_a_wrapped_key_opens_in_its_place_only():
    enveloppe = chiffrement.envelopper(CLE, par=bytes(32), contexte=b"a")
    assert chiffrement.developper(enveloppe, par=bytes(32), contexte=b"a") == CLE
    for par, contexte, octets in (
        (bytes(31) + b"\1", b"a", enveloppe),
        (bytes(32), b"b", enveloppe),
        (bytes(32), b"a", enveloppe[:-1]),
        (bytes(32), b"a", b""),
    ):
        with pytest.raises(PieceAlteree):
            chiffrement.developper(octets, par=par, contexte=contexte)


def trousseau_de(reglage: str) -> Trousseau:
    return Trousseau(MaitresseEnvironnement(reglage))


def une_cle() -> str:
    return base64.b64encode(os.urandom(32)).decode()


def test_an_old_master_key_still_opens_and_the_first_one_wraps():
    premiere, seconde = une_cle(), une_cle()
    compte_id = uuid4()
    ancienne = Espace(compte_id=compte_id, cle=trousseau_de(premiere).creer(compte_id))
    trousseau = trousseau_de(f"2:{seconde},1:{premiere}")
    assert trousseau.ouvrir(ancienne) == trousseau_de(premiere).ouvrir(ancienne)
    assert trousseau.creer(compte_id).version == 2
    with pytest.raises(CleMaitresseInvalide):
        trousseau_de(f"2:{seconde}").ouvrir(ancienne)
    with pytest.raises(PieceAlteree):
        trousseau_de(seconde).ouvrir(ancienne)
    with pytest.raises(PieceAlteree):
        trousseau.ouvrir(replace(ancienne, compte_id=uuid4()))


@pytest.mark.parametrize(
    "reglage", ["", "pas-du-base64", "AAAA", "x:" + "A" * 43 + "=", f"1:{ZERO},1:{ZERO}"]
)
def test_a_wrong_master_key_stops_the_start(reglage):
    with pytest.raises(CleMaitresseInvalide):
        MaitresseEnvironnement(reglage)


def test_an_object_put_in_the_place_of_another_is_refused(tmp_path):
    coffre = CoffreDossier(tmp_path, cle_maitresse=une_cle())
    espaces = [Espace(compte_id=c, cle=coffre.nouvelle_cle(c)) for c in (uuid4(), uuid4())]
    objets = []
    for espace in espaces:
        with coffre.ecrire(espace, Zone.OBJETS) as ecriture:
            ecriture.ajouter(b"bonjour")
            objets.append(ecriture.valider(durable=True))
    with coffre.ouvrir(espaces[0], Zone.OBJETS, objets[0]) as lecture:
        assert b"".join(lecture.blocs()) == b"bonjour"
    chemins = [tmp_path / "objets" / objet.nom[:2] / objet.nom for objet in objets]
    chemins[1].write_bytes(chemins[0].read_bytes())
    with pytest.raises(PieceAlteree):
        coffre.ouvrir(espaces[1], Zone.OBJETS, objets[1])
    with pytest.raises(PieceAlteree):
        coffre.ouvrir(espaces[1], Zone.OBJETS, objets[0])
    chemins[0].unlink()
    with pytest.raises(PieceAlteree):
        coffre.ouvrir(espaces[0], Zone.OBJETS, objets[0])


def test_an_object_that_is_not_validated_leaves_nothing(tmp_path):
    coffre = CoffreDossier(tmp_path, cle_maitresse=une_cle())
    compte_id = uuid4()
    espace = Espace(compte_id=compte_id, cle=coffre.nouvelle_cle(compte_id))
    with coffre.ecrire(espace, Zone.QUARANTAINE) as ecriture:
        ecriture.ajouter(bytes(200_000))
        assert len(list(coffre.lister(Zone.QUARANTAINE))) == 1
    assert list(coffre.lister(Zone.QUARANTAINE)) == []


def test_two_objects_never_share_a_name_a_key_or_a_byte(tmp_path):
    coffre = CoffreDossier(tmp_path, cle_maitresse=une_cle())
    compte_id = uuid4()
    espace = Espace(compte_id=compte_id, cle=coffre.nouvelle_cle(compte_id))
    objets = []
    for _ in range(50):
        with coffre.ecrire(espace, Zone.OBJETS) as ecriture:
            ecriture.ajouter(b"le meme contenu")
            objets.append(ecriture.valider(durable=False))
    assert len({objet.nom for objet in objets}) == 50
    assert len({objet.enveloppe for objet in objets}) == 50
    assert len({objet.sha256 for objet in objets}) == 50
