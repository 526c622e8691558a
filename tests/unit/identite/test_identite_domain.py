"""Rules of the sign-up, the account, links, sessions and throttling, with a passed clock."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.identite import domain
from services.identite.domain import (
    Compte,
    DonneesInvalides,
    Frein,
    IdentifiantsInvalides,
    Lien,
    LienDejaUtilise,
    LienExpire,
    LienInconnu,
    Role,
    SessionExpiree,
    SessionOuverte,
    StatutCompte,
    TropDeTentatives,
    Usage,
)
from tests.kit.identite import AUTRE_MOT_DE_PASSE, une_saisie

pytestmark = pytest.mark.unit

MAINTENANT = datetime(2026, 3, 2, 15, 0, tzinfo=UTC)
OUBLI = timedelta(hours=12)


def juger(saisie, *, fort=True):
    return domain.juger_inscription(
        saisie,
        aujourd_hui=MAINTENANT.date(),
        domaine_ascii=lambda domaine: domaine,
        mot_de_passe_min=12,
        assez_fort=lambda candidat, mots: fort if isinstance(fort, bool) else fort(candidat, mots),
    )


def refus(saisie, **autres):
    with pytest.raises(DonneesInvalides) as capture:
        juger(saisie, **autres)
    return capture.value.fields


def un_compte(**champs):
    compte = Compte.inscrire(
        compte_id=uuid4(), inscription=juger(une_saisie()), mot_de_passe="h", maintenant=MAINTENANT
    )
    for nom, valeur in champs.items():
        setattr(compte, nom, valeur)
    return compte


@pytest.mark.exigence("IDN-01")
def test_a_sign_up_is_put_in_normal_form():
    lu = juger(une_saisie(nom_utilisateur="Zoe.T"))
    assert (lu.nom_utilisateur, lu.adresse_code_postal) == ("zoe.t", "J7E3L1")
    assert (lu.telephone, lu.canaux) == ("+14504344440", ("courriel", "texto"))


@pytest.mark.exigence("IDN-01")
def test_everything_optional_may_be_left_out():
    lu = juger(
        domain.Saisie(courriel="a@b.ca", mot_de_passe="x" * 12, prenom="Zoé", nom="Tremblay")
    )
    assert lu.nom_utilisateur is None
    assert lu.date_naissance is None
    assert (lu.adresse_ligne, lu.telephone, lu.langue) == ("", "", "fr")
    assert lu.canaux == ("courriel",)


@pytest.mark.exigence("IDN-01")
def test_all_refusals_are_told_at_once():
    assert refus(domain.Saisie(courriel="", mot_de_passe="", prenom="", nom="")) == {
        "courriel": "CHAMP_REQUIS",
        "mot_de_passe": "CHAMP_REQUIS",
        "prenom": "CHAMP_REQUIS",
        "nom": "CHAMP_REQUIS",
    }


def test_an_address_is_absent_or_whole():
    assert refus(une_saisie(adresse_ville=" ", adresse_code_postal="X")) == {
        "adresse.ville": "CHAMP_REQUIS",
        "adresse.code_postal": "CODE_POSTAL_INVALIDE",
    }


@pytest.mark.exigence("IDN-05")
def test_a_text_channel_needs_a_phone_number():
    assert refus(une_saisie(telephone="")) == {"telephone": "CHAMP_REQUIS"}


@pytest.mark.parametrize(
    ("mot_de_passe", "raison"),
    [
        ("court", "MOT_DE_PASSE_TROP_COURT"),
        ("x" * 11, "MOT_DE_PASSE_TROP_COURT"),
        # 12 characters as typed on a Mac, 6 once composed.
        ("e\u0301" * 6, "MOT_DE_PASSE_TROP_COURT"),
        ("x" * 129, "MOT_DE_PASSE_TROP_LONG"),
    ],
)
def test_the_length_of_a_password_is_counted_after_nfc(mot_de_passe, raison):
    assert refus(une_saisie(mot_de_passe=mot_de_passe)) == {"mot_de_passe": raison}


def test_a_long_password_of_accents_is_accepted():
    juger(une_saisie(mot_de_passe="e\u0301" * 128))


def test_a_password_is_judged_against_the_words_of_its_owner():
    vus = []

    def fort(_candidat, mots):
        vus.extend(mots)
        return False

    assert refus(une_saisie(), fort=fort) == {"mot_de_passe": "MOT_DE_PASSE_FAIBLE"}
    assert {"Zoé", "Tremblay", "zoe.tremblay", "zoe.t", "Sainte-Thérèse", "1988"} <= set(vus)


@pytest.mark.exigence("IDN-02")
def test_suggestions_are_valid_free_and_few():
    proches = domain.noms_proches("zoe.t", prenom="Zoé", nom="Tremblay-Ö")
    assert proches[0] == "zoe.tremblayo"
    assert all(domain.est_nom_utilisateur(nom) for nom in proches)
    libres = domain.choisir_suggestions(proches, frozenset({"zoe.tremblayo"}))
    assert len(libres) == 3
    assert "zoe.tremblayo" not in libres


@pytest.mark.exigence("IDN-02")
@given(st.text(max_size=80), st.text(max_size=80))
def test_suggestions_never_fail(prenom, nom):
    proches = domain.noms_proches("a" * 30, prenom=prenom, nom=nom)
    assert proches
    assert all(domain.est_nom_utilisateur(proche) for proche in proches)


@pytest.mark.exigence("IDN-04")
def test_an_account_waits_then_is_active_once():
    compte = un_compte()
    assert compte.statut is StatutCompte.EN_ATTENTE_ACTIVATION
    assert compte.activer(MAINTENANT)
    assert (compte.statut, compte.active_le) == (StatutCompte.ACTIF, MAINTENANT)
    assert not compte.activer(MAINTENANT)


def test_a_new_sign_up_leaves_nothing_of_the_unconfirmed_one():
    compte = un_compte(mot_de_passe="celui d'un autre")
    ancien = compte.id
    neuve = une_saisie(prenom="Léa", nom_utilisateur="", mot_de_passe=AUTRE_MOT_DE_PASSE)
    plus_tard = MAINTENANT + timedelta(days=2)
    compte.reprendre(inscription=juger(neuve), mot_de_passe="sien", maintenant=plus_tard)
    assert (compte.id, compte.prenom, compte.nom_utilisateur) == (ancien, "Léa", None)
    assert (compte.mot_de_passe, compte.cree_le) == ("sien", plus_tard)


def test_the_citizens_door_gives_no_staff_role():
    compte = un_compte(roles=["citoyen", "agent_cartes"])
    assert compte.roles_de_session(agent=False) == {"citoyen"}
    assert compte.roles_de_session(agent=True) == {"agent_cartes"}


def test_the_staff_door_refuses_citizens():
    with pytest.raises(IdentifiantsInvalides):
        un_compte().roles_de_session(agent=True)


def test_a_role_is_given_once():
    compte = un_compte()
    assert compte.donner_role(Role.AGENT_CARTES)
    assert not compte.donner_role(Role.AGENT_CARTES)
    assert compte.roles == ["citoyen", "agent_cartes"]


def un_lien(**champs):
    valeurs: dict[str, Any] = {
        "empreinte": b"e" * 32,
        "compte_id": uuid4(),
        "usage": Usage.ACTIVATION,
        "cree_le": MAINTENANT,
        "expire_le": MAINTENANT + timedelta(hours=24),
    }
    return Lien(**(valeurs | champs))


@pytest.mark.exigence("IDN-04")
def test_a_link_works_once():
    lien = un_lien()
    lien.utiliser(MAINTENANT)
    with pytest.raises(LienDejaUtilise):
        lien.utiliser(MAINTENANT)


@pytest.mark.exigence("IDN-04")
def test_a_link_works_until_its_end_and_no_longer():
    un_lien().utiliser(MAINTENANT + timedelta(hours=24) - timedelta(microseconds=1))
    with pytest.raises(LienExpire):
        un_lien().utiliser(MAINTENANT + timedelta(hours=24))


@pytest.mark.exigence("IDN-04")
def test_a_replaced_link_is_void():
    with pytest.raises(LienExpire):
        un_lien(remplace_le=MAINTENANT).utiliser(MAINTENANT)


def test_a_link_serves_its_own_act_only():
    un_lien().exiger(Usage.ACTIVATION)
    with pytest.raises(LienInconnu):
        un_lien(usage=Usage.REINITIALISATION).exiger(Usage.ACTIVATION)


def une_session(**champs):
    valeurs: dict[str, Any] = {
        "id": uuid4(),
        "compte_id": uuid4(),
        "roles": frozenset({"citoyen"}),
        "prenom": "Zoé",
        "nom": "Tremblay",
        "langue": "fr",
        "vue_le": MAINTENANT,
        "fin_le": MAINTENANT + timedelta(hours=12),
        "inactivite": timedelta(minutes=30),
    }
    return SessionOuverte(**(valeurs | champs))


def test_a_session_ends_after_its_idle_time():
    session = une_session()
    session.verifier(MAINTENANT + timedelta(minutes=29, seconds=59))
    with pytest.raises(SessionExpiree):
        session.verifier(MAINTENANT + timedelta(minutes=30))


def test_a_session_ends_after_twelve_hours_of_use():
    session = une_session(vue_le=MAINTENANT + timedelta(hours=11, minutes=50))
    assert session.expire_le == MAINTENANT + timedelta(hours=12)
    with pytest.raises(SessionExpiree):
        session.verifier(MAINTENANT + timedelta(hours=12))


def test_a_session_ends_with_its_account_and_its_roles():
    retraits: list[dict[str, Any]] = [{"compte_actif": False}, {"roles": frozenset()}]
    for champs in retraits:
        with pytest.raises(SessionExpiree):
            une_session(**champs).verifier(MAINTENANT)


def test_the_last_use_is_written_once_a_minute():
    session = une_session()
    assert not session.a_rafraichir(MAINTENANT + timedelta(seconds=59))
    assert session.a_rafraichir(MAINTENANT + timedelta(seconds=60))


def compter(frein, maintenant):
    return frein.compter(seuil=5, oubli=OUBLI, maintenant=maintenant)


def test_waits_grow_to_fifteen_minutes():
    frein, instant, attentes = Frein(), MAINTENANT, []
    for _ in range(4):
        frein = compter(frein, instant)
        assert frein.bloque_jusqua is None
    for _ in range(7):
        frein = compter(frein, instant)
        attentes.append((frein.bloque_jusqua - instant) / timedelta(minutes=1))
        instant = frein.bloque_jusqua
    assert attentes == [1, 2, 4, 8, 15, 15, 15]


def test_a_try_during_a_wait_is_refused_and_not_counted():
    frein = Frein(echecs=5, dernier_le=MAINTENANT, bloque_jusqua=MAINTENANT + timedelta(seconds=60))
    with pytest.raises(TropDeTentatives) as capture:
        compter(frein, MAINTENANT + timedelta(seconds=17, milliseconds=500))
    assert capture.value.details() == {"reessayer_dans_s": "43"}


def test_failures_are_forgotten_after_twelve_hours():
    frein = Frein(echecs=9, dernier_le=MAINTENANT)
    assert compter(frein, MAINTENANT + OUBLI).echecs == 1


def test_a_try_is_given_back_with_the_wait_that_it_started():
    frein = compter(Frein(echecs=4, dernier_le=MAINTENANT), MAINTENANT)
    assert frein.bloque_jusqua is not None
    rendu = frein.rendre()
    assert (rendu.echecs, rendu.bloque_jusqua) == (4, None)
    assert Frein().rendre().echecs == 0


@pytest.mark.parametrize(
    ("adresse", "reseau"),
    [
        ("203.0.113.7", "203.0.113.7"),
        ("2001:db8:1:2:aaaa::1", "2001:db8:1:2::/64"),
        ("2001:db8:1:2:bbbb::9", "2001:db8:1:2::/64"),
        ("::ffff:203.0.113.7", "203.0.113.7"),
        ("", ""),
        ("inconnue", ""),
    ],
)
def test_a_client_is_its_ipv4_address_or_its_ipv6_network(adresse, reseau):
    assert domain.reseau(adresse) == reseau
