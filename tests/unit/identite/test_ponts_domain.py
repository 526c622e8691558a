"""Rules of the bridges: who wins, who is the same person, which hashes are read."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.identite.adapters.empreintes_heritees import HacheurHeritage, verifier_heritee
from services.identite.domain import TropOccupe
from services.identite.domain.ponts import (
    EmpreinteIllisible,
    Format,
    Personne,
    Politique,
    Source,
    reconnaitre,
)
from services.identite.use_cases.ponts.lecture import AUCUN, envelopper, nouvel_id
from tests.kit.ponts import (
    ANCIEN_MOT_DE_PASSE,
    CLE_PONTS,
    empreinte_aspnet,
    empreinte_bcrypt,
    empreinte_django,
    empreinte_pbkdf2,
    empreinte_sha512,
)

pytestmark = [pytest.mark.unit]

EMPREINTES = {
    Format.BCRYPT: empreinte_bcrypt,
    Format.PBKDF2_SHA256: empreinte_django,
    Format.SHA512_CRYPT: empreinte_sha512,
    Format.ASPNET_V3: empreinte_aspnet,
}


@pytest.mark.exigence("IDN-08")
@pytest.mark.parametrize("genre", Format)
def test_each_format_is_recognized_and_verified(genre):
    empreinte = EMPREINTES[genre]()
    assert reconnaitre(empreinte) is genre
    assert verifier_heritee(empreinte, ANCIEN_MOT_DE_PASSE)
    for faux in ("", "erable Rouge 1987", ANCIEN_MOT_DE_PASSE + " ", "\0", "x" * 5000):
        assert not verifier_heritee(empreinte, faux)


@pytest.mark.exigence("IDN-08")
def test_variants_of_a_format_are_verified():
    assert verifier_heritee(empreinte_pbkdf2(), ANCIEN_MOT_DE_PASSE)
    for prf in (0, 1, 2):
        assert verifier_heritee(empreinte_aspnet(prf=prf), ANCIEN_MOT_DE_PASSE)
    assert verifier_heritee(empreinte_bcrypt().replace("$2b$", "$2y$"), ANCIEN_MOT_DE_PASSE)
    # Known answers of others: the specification's of SHA-512-crypt, and Openwall's of bcrypt.
    assert verifier_heritee(
        "$6$saltstring$svn8UoSVapNtMuq1ukKS4tPQd8iKwSMHWjl/O817G3uBnIFNjnQJuesI68u4OTLiBFdcb"
        "YEdFCoEOfaS35inz1",
        "Hello world!",
    )
    assert verifier_heritee("$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW", "U*U")
    # A keyboard that composed accents otherwise.
    assert verifier_heritee(empreinte_django("e\u0301rable"), "érable")


@pytest.mark.exigence("IDN-08")
@pytest.mark.parametrize(
    "texte",
    [
        "",
        "5f4dcc3b5aa765d61d8327deb882cf99",
        "$2b$31$" + "a" * 53,
        "$2b$10$" + "a" * 52,
        "$2x$10$" + "a" * 53,
        "$6$rounds=999999999$sel$" + "a" * 86,
        "pbkdf2_sha256$99999999$sel$" + "a" * 43 + "=",
        "pbkdf2_sha256$0$sel$" + "a" * 43 + "=",
        "$argon2id$v=19$m=47104,t=1,p=1$c2Vs$aGFjaGU",
        "A" * 60,
        "é" * 60,
    ],
)
def test_what_is_no_hash_of_ours_is_refused(texte):
    with pytest.raises(EmpreinteIllisible):
        reconnaitre(texte)
    assert not verifier_heritee(texte, "x")


@given(st.text(max_size=120))
def test_no_text_breaks_the_recognition(texte):
    try:
        reconnaitre(texte)
    except EmpreinteIllisible:
        return


class _Maison:
    def __init__(self):
        self.vues = []

    def hacher(self, mot_de_passe):
        return f"$argon2id${mot_de_passe}"

    def verifier(self, empreinte, mot_de_passe):
        self.vues.append(empreinte)
        return empreinte == f"$argon2id${mot_de_passe}"

    def perimee(self, empreinte):
        return empreinte.endswith("vieux")


def un_hacheur(**autres):
    maison = _Maison()
    valeurs: dict[str, Any] = {
        "cle": CLE_PONTS,
        "presentes": lambda: True,
        "places": 2,
        "refus_s": 0.0,
    }
    return maison, HacheurHeritage(maison, **(valeurs | autres))


@pytest.mark.exigence("IDN-08")
def test_an_enveloped_hash_opens_once_and_asks_to_be_replaced():
    maison, hacheur = un_hacheur()
    enveloppe = envelopper(empreinte_bcrypt(), CLE_PONTS)
    assert hacheur.verifier(enveloppe, ANCIEN_MOT_DE_PASSE)
    assert not hacheur.verifier(enveloppe, "faux")
    assert hacheur.perimee(enveloppe)
    # The house verifies its own decoy each time: one Argon2id in every case.
    assert maison.vues == [None, None]


@pytest.mark.parametrize("connu", [None, AUCUN, "$heritee$", "$heritee$AAAA", "$heritee$é"])
def test_what_opens_nothing_opens_nothing(connu):
    _, hacheur = un_hacheur()
    assert not hacheur.verifier(connu, ANCIEN_MOT_DE_PASSE)
    _, sans_cle = un_hacheur(cle=None)
    assert not sans_cle.verifier(envelopper(empreinte_bcrypt(), CLE_PONTS), ANCIEN_MOT_DE_PASSE)
    _, autre = un_hacheur(cle=bytes(32))
    assert not autre.verifier(envelopper(empreinte_bcrypt(), CLE_PONTS), ANCIEN_MOT_DE_PASSE)


def test_a_flood_is_refused_before_it_takes_every_thread():
    _, hacheur = un_hacheur(places=1)
    hacheur._places.acquire()
    with pytest.raises(TropOccupe):
        hacheur.verifier("$argon2id$x", "x")


def test_an_account_that_was_imported_a_moment_ago_opens():
    _, hacheur = un_hacheur(presentes=lambda: False)
    assert hacheur.verifier(envelopper(empreinte_bcrypt(), CLE_PONTS), ANCIEN_MOT_DE_PASSE)


def test_without_old_hashes_nothing_is_slowed():
    _, hacheur = un_hacheur(presentes=lambda: False, refus_s=60)
    assert not hacheur.verifier("$argon2id$x", "y")


@pytest.mark.exigence("IDN-09")
def test_the_tax_account_wins_over_recreation_and_the_policy_may_say_otherwise():
    politique = Politique()
    assert politique.gagnante([Source.LOISIRS, Source.TAXES]) is Source.TAXES
    assert politique.gagnante([Source.LOISIRS]) is None
    autre = Politique.lire(
        priorite=["loisirs", "taxes"], ouvrent=["taxes", "loisirs"], comparer=["nom"]
    )
    assert autre.gagnante([Source.TAXES, Source.LOISIRS]) is Source.LOISIRS
    with pytest.raises(ValueError, match="trait"):
        Politique.lire(priorite=[], ouvrent=[], comparer=["couleur"])
    with pytest.raises(ValueError, match="piscine"):
        Politique.lire(priorite=["piscine"], ouvrent=[], comparer=[])


@pytest.mark.exigence("IDN-09")
@pytest.mark.parametrize(
    ("la_bas", "ecarts"),
    [
        ({"prenom": "MARIE EVE", "nom": "COTE-LEVESQUE"}, ()),
        ({"prenom": "Marie\u2011Ève", "nom": "Coté Lévesque"}, ()),
        ({"prenom": "Luc", "nom": "Côté-Lévesque"}, ("prenom",)),
        ({"prenom": "Marie-Ève", "nom": "Côté"}, ("nom",)),
        ({"prenom": "Marie-Ève", "nom": "Côté-Lévesque", "ne": date(1980, 1, 2)},
         ("date_naissance",)),
        ({"prenom": "", "nom": "Côté-Lévesque"}, ()),
    ],
)  # fmt: skip
def test_accents_and_hyphens_do_not_make_another_person(la_bas, ecarts):
    ici = Personne(prenom="Marie-Ève", nom="Côté-Lévesque", date_naissance=date(1980, 1, 1))
    autre = Personne(prenom=la_bas["prenom"], nom=la_bas["nom"], date_naissance=la_bas.get("ne"))
    assert Politique().ecarts(autre, ici) == ecarts


def test_ids_follow_time_and_never_meet():
    ids = [nouvel_id() for _ in range(1000)]
    assert len(set(ids)) == 1000
    assert {each.version for each in ids} == {7}
    assert {each.variant for each in ids} == {"specified in RFC 4122"}
    instants = [each.int >> 80 for each in ids]
    assert instants == sorted(instants)
    assert timedelta(milliseconds=instants[-1] - instants[0]) < timedelta(minutes=1)
