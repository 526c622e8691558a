"""Hashes a few at once, dummy work for nobody, strength by guesses."""

from __future__ import annotations

import threading
import time

import pytest

from services.identite.adapters.mot_de_passe import Argon2, Force
from services.identite.config import Config
from services.identite.domain import TropOccupe
from services.identite.use_cases import Regles
from tests.kit.identite import CLE, MOT_DE_PASSE, une_config
from tests.kit.wait import wait_until

pytestmark = pytest.mark.unit


def un_argon2(**autres):
    reglages = {
        "memoire_kio": 64, "passes": 1, "voies": 1,
        "simultanes": 2, "en_attente": 3, "attente_s": 5.0,
    }  # fmt: skip
    return Argon2(**(reglages | autres))


def test_production_hashes_are_argon2id_with_47104_kib_one_pass_one_lane():
    config = une_config()
    argon2 = un_argon2(
        memoire_kio=config.argon2_memoire_kio,
        passes=config.argon2_passes,
        voies=config.argon2_voies,
    )
    assert argon2.hacher("x").startswith("$argon2id$v=19$m=47104,t=1,p=1$")


def test_a_hash_knows_its_password_and_no_other():
    argon2 = un_argon2()
    empreinte = argon2.hacher(MOT_DE_PASSE)
    assert empreinte != argon2.hacher(MOT_DE_PASSE)
    assert argon2.verifier(empreinte, MOT_DE_PASSE)
    assert not argon2.verifier(empreinte, MOT_DE_PASSE + " ")
    assert not argon2.verifier("pas une empreinte", MOT_DE_PASSE)


def test_nobody_has_no_password_and_costs_a_verification():
    argon2 = un_argon2()
    vus = []
    vrai = argon2._argon2

    class Espion:
        def verify(self, empreinte, mot_de_passe):
            vus.append(empreinte)
            return vrai.verify(empreinte, mot_de_passe)

    argon2._argon2 = Espion()
    assert not argon2.verifier(None, MOT_DE_PASSE)
    assert vus == [argon2._leurre]
    # Even the dummy's own password opens nothing.
    assert not argon2.verifier(None, "un mot de passe que personne ne peut saisir\0")


def test_a_hash_of_other_parameters_is_outdated():
    argon2 = un_argon2()
    assert not argon2.perimee(argon2.hacher("x"))
    assert argon2.perimee(un_argon2(memoire_kio=128).hacher("x"))


class Lent:
    """A hasher that waits until the test lets it go, and sees how many are inside."""

    def __init__(self):
        self.dedans = self.pointe = 0
        self.verrou = threading.Lock()
        self.suite = threading.Event()

    def hash(self, _mot_de_passe):
        with self.verrou:
            self.dedans += 1
            self.pointe = max(self.pointe, self.dedans)
        self.suite.wait(10)
        with self.verrou:
            self.dedans -= 1
        return "h"


def test_two_run_three_wait_and_the_sixth_is_refused_at_once():
    argon2, lent = un_argon2(), Lent()
    argon2._argon2 = lent
    fils = [threading.Thread(target=argon2.hacher, args=("x",)) for _ in range(5)]
    for fil in fils:
        fil.start()
    wait_until(lambda: argon2._presents == 5 and lent.dedans == 2)
    debut = time.monotonic()
    with pytest.raises(TropOccupe) as capture:
        argon2.hacher("x")
    assert time.monotonic() - debut < 1
    assert capture.value.details() == {"reessayer_dans_s": "5"}
    lent.suite.set()
    for fil in fils:
        fil.join(10)
    assert (lent.pointe, argon2._presents) == (2, 0)
    argon2.hacher("x")


def test_whoever_waits_too_long_is_refused():
    argon2, lent = un_argon2(simultanes=1, attente_s=0.05), Lent()
    argon2._argon2 = lent
    premier = threading.Thread(target=argon2.hacher, args=("x",))
    premier.start()
    wait_until(lambda: lent.dedans == 1)
    with pytest.raises(TropOccupe):
        argon2.hacher("x")
    lent.suite.set()
    premier.join(10)
    assert argon2._presents == 0


@pytest.fixture(scope="module")
def force():
    config = une_config()
    return Force(minimum=config.mot_de_passe_force, mots_connus=config.mots_connus)


@pytest.mark.parametrize(
    "faible",
    [
        "motdepasse123", "azertyuiop12", "Sainte-Thérèse", "saintetherese2026", "000000000000",
        "aaaaaaaaaaaaa", "123456789012", "espacecitoyen1", "qwertyuiop12", "Zoé-Tremblay",
        "tremblayzoe1988", "zoe.tremblay@exemple.ca", "Tr3mbl@y1988", "x" * 128,
        "sainte-therese-2026!", "zoe-citoyen-quebec",
    ],
)  # fmt: skip
def test_passwords_that_others_would_guess_are_weak(force, faible):
    assert not force(faible, ["Zoé", "Tremblay", "zoe.tremblay@exemple.ca", "1988-05-17"])


@pytest.mark.parametrize(
    "fort",
    [MOT_DE_PASSE, "f7k2m-9xqpz-3wnbd", "je mange 3 pommes vertes", "girafe boussole Tremblay"],
)
def test_passwords_of_unrelated_words_are_strong(force, fort):
    assert force(fort, ["Zoé", "Tremblay"])


def test_the_words_of_one_person_do_not_judge_another(force):
    phrase = "girafeboussole"
    assert force(phrase, ["Zoé"]) != force(phrase, ["girafe", "boussole", "girafeboussole"])
    assert force(phrase, ["Zoé"])
    from zxcvbn import matching  # noqa: PLC0415 - looks at what stays behind

    assert not matching.RANKED_DICTIONARIES["user_inputs"]


def test_the_seal_key_must_be_32_bytes():
    with pytest.raises(ValueError, match="32 bytes"):
        Regles.de(Config(database_url="x", cle_scelle="AAAA"))


def test_digests_are_keyed_and_kinds_apart():
    regles = Regles.de(une_config())
    assert regles.cle == CLE
    un = regles.digest("a", {"x": 1})
    assert un == regles.digest("a", {"x": 1})
    assert un != regles.digest("b", {"x": 1})
    autre = Regles.de(Config(database_url="x", cle_scelle="AAAA" * 10 + "AAA="))
    assert un != autre.digest("a", {"x": 1})
