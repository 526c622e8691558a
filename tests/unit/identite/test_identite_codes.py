"""Codes as a state machine, limits, fields of contact points, on the domain alone (R20 to R26)."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from services.identite.adapters.telephone import telephones
from services.identite.domain import DonneesInvalides, champs
from services.identite.domain.code import (
    DUREE,
    ESSAIS,
    CanalCode,
    Code,
    Limite,
    TropDeCodes,
    exiger_limites,
    lire_code,
)
from services.identite.domain.coordonnees import (
    Coordonnee,
    CoordonneeDejaVerifiee,
    CoordonneeGelee,
    CoordonneeIntrouvable,
    Genre,
    MemeAgent,
    ProprePersonne,
    Recuperation,
    RecuperationDecidee,
    StatutRecuperation,
    controles_faits,
    courriel_masque,
    lire_recherche,
    motif_ecrit,
    moyen_possible,
)
from services.identite.use_cases.coordonnees_codes import _empreinte
from services.identite.use_cases.coordonnees_regles import ReglesCoordonnees
from services.identite.use_cases.ports import Regles
from tests.kit.identite import une_config

pytestmark = pytest.mark.unit

MIDI = datetime(2026, 3, 2, 12, tzinfo=UTC)
SESSIONS = ("a", "b")
COMPTES = (uuid4(), uuid4())
REGLES = ReglesCoordonnees.de(
    une_config(), regles=Regles.de(une_config()), numeros=telephones(une_config()),
    domaine_ascii=lambda domaine: domaine,
)  # fmt: skip


def une_coordonnee(compte_id: UUID = COMPTES[0], **champs_: Any) -> Coordonnee:
    valeurs: dict[str, Any] = {
        "id": uuid4(),
        "compte_id": compte_id,
        "genre": Genre.CELLULAIRE,
        "valeur": "+14505550123",
        "cree_le": MIDI,
    }
    return Coordonnee(**(valeurs | champs_))


class Codes(RuleBasedStateMachine):
    """A code works once, for one contact point, session, channel, 10 minutes and 5 tries."""

    def __init__(self) -> None:
        super().__init__()
        self.maintenant = MIDI
        self.points = [une_coordonnee(compte) for compte in COMPTES]
        # The newest code of each contact point as the table holds it, and its digits.
        self.derniers: dict[int, tuple[Code, str]] = {}
        self.anciens: list[tuple[int, Code, str]] = []
        self.reussites: dict[UUID, int] = {}

    @rule(
        point=st.sampled_from((0, 1)),
        session=st.sampled_from(SESSIONS),
        canal=st.sampled_from(CanalCode),
        chiffres=st.sampled_from(("000000", "111111", "222222")),
    )
    def demander(self, point: int, session: str, canal: CanalCode, chiffres: str) -> None:
        code_id = uuid4()
        une = self.points[point]
        code = Code(
            id=code_id,
            coordonnee_id=une.id,
            session_id=session,
            canal=canal,
            empreinte=_empreinte(
                REGLES, une, chiffres, code_id=code_id, session_id=session, canal=canal
            ),
            cree_le=self.maintenant,
            expire_le=self.maintenant + DUREE,
        )
        if point in self.derniers:
            self.anciens.append((point, *self.derniers[point]))
        self.derniers[point] = (code, chiffres)

    @rule(
        point=st.sampled_from((0, 1)),
        session=st.sampled_from(SESSIONS),
        saisie=st.sampled_from(("000000", "111 111", "222-222", "333333", "", "\u0661" * 6)),
    )
    def essayer(self, point: int, session: str, saisie: str) -> None:
        if point not in self.derniers:
            return
        code, chiffres = self.derniers[point]
        permis = code.essayable(session_id=session, maintenant=self.maintenant)
        attendu = (
            code.session_id == session
            and code.essais < ESSAIS
            and code.utilise_le is None
            and self.maintenant < code.cree_le + timedelta(minutes=10)
        )
        assert permis == attendu
        if not permis:
            return
        juste = self._empreinte(point, code, lire_code(saisie), session) == code.empreinte
        assert juste == (lire_code(saisie) == chiffres)
        if juste:
            self.reussites[code.id] = self.reussites.get(code.id, 0) + 1
        self.derniers[point] = (
            replace(
                code,
                essais=code.essais + 1,
                utilise_le=self.maintenant if juste else None,
            ),
            chiffres,
        )

    @rule(point=st.sampled_from((0, 1)), session=st.sampled_from(SESSIONS))
    def essayer_ailleurs(self, point: int, session: str) -> None:
        """The right digits of another row, contact point or session match nothing here."""
        if point not in self.derniers:
            return
        code, _ = self.derniers[point]
        for autre_point, ancien, chiffres in self.anciens:
            assert self._empreinte(autre_point, ancien, chiffres, session) != code.empreinte

    @rule(secondes=st.sampled_from((1, 60, 599, 600, 3600)))
    def attendre(self, secondes: int) -> None:
        self.maintenant += timedelta(seconds=secondes)

    @invariant()
    def un_code_sert_au_plus_une_fois(self) -> None:
        assert all(nombre == 1 for nombre in self.reussites.values())
        assert all(code.essais <= ESSAIS for code, _ in self.derniers.values())

    def _empreinte(self, point: int, code: Code, chiffres: str, session: str) -> bytes:
        return _empreinte(
            REGLES, self.points[point], chiffres, code_id=code.id, session_id=session,
            canal=code.canal,
        )  # fmt: skip


TestCodes = pytest.mark.exigence("IDN-06")(Codes.TestCase)
TestCodes.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)


@given(
    envois=st.lists(st.integers(0, 90_000), max_size=12),
    nombre=st.integers(1, 5),
    duree=st.integers(30, 86_400),
)
@settings(deadline=None)
def test_apres_l_attente_un_code_de_plus_passe_et_pas_une_seconde_avant(envois, nombre, duree):
    limite = Limite(nombre=nombre, duree=timedelta(seconds=duree))
    dates = [MIDI - timedelta(seconds=e) for e in envois]
    attente = limite.attente(dates, MIDI)
    assert limite.attente(dates, MIDI + attente) == timedelta(0)
    if attente > timedelta(seconds=1):
        assert limite.attente(dates, MIDI + attente - timedelta(seconds=1)) > timedelta(0)
        with pytest.raises(TropDeCodes) as refus:
            exiger_limites([limite], dates, MIDI)
        assert refus.value.attente_s > 0


@pytest.mark.parametrize("saisie", ["12345", "1234567", "12345a", "", "\uff11" * 6, "²³¹²³¹"])
def test_ce_qui_n_est_pas_six_chiffres_ascii_n_est_pas_un_code(saisie):
    assert lire_code(saisie) == ""


def test_ce_qui_ne_recoit_pas_de_code():
    with pytest.raises(CoordonneeIntrouvable):
        une_coordonnee(genre=Genre.COURRIEL).exiger_a_verifier()
    with pytest.raises(CoordonneeDejaVerifiee):
        une_coordonnee(verifiee_le=MIDI).exiger_a_verifier()
    with pytest.raises(CoordonneeGelee):
        une_coordonnee(echecs=100).exiger_a_verifier()


@pytest.mark.exigence("IDN-07")
def test_le_moyen_prefere_doit_pouvoir_servir():
    fixe, cellulaire = une_coordonnee(genre=Genre.FIXE), une_coordonnee(verifiee_le=MIDI)
    assert moyen_possible("courriel", []) == "courriel"
    assert moyen_possible("telephone", [fixe]) == "telephone"
    assert moyen_possible("texto", [cellulaire]) == "texto"
    for moyen, coordonnees in (("telephone", []), ("texto", [fixe, une_coordonnee()])):
        with pytest.raises(champs.ChampInvalide, match="MOYEN_SANS_COORDONNEE"):
            moyen_possible(moyen, coordonnees)


@pytest.mark.exigence("IDN-14")
def test_deux_agents_differents_et_etrangers_au_compte():
    un, deux, personne = uuid4(), uuid4(), uuid4()
    une = Recuperation(
        id=uuid4(),
        compte_id=personne,
        nouveau_courriel="z@exemple.ca",
        nouveau_plie="z@exemple.ca",
        controles=("presence", "questions"),
        note="vue au comptoir",
        statut=StatutRecuperation.DEMANDEE,
        demandee_par=un,
        demandee_le=MIDI,
    )
    une.exiger_decidable(deux)
    for agent, faute in ((un, MemeAgent), (personne, ProprePersonne)):
        with pytest.raises(faute):
            une.exiger_decidable(agent)
    for statut in set(StatutRecuperation) - {StatutRecuperation.DEMANDEE}:
        with pytest.raises(RecuperationDecidee):
            replace(une, statut=statut).exiger_decidable(deux)


def test_les_champs_du_guichet():
    assert controles_faits(["questions", "presence"]) == ("presence", "questions")
    assert motif_ecrit("  vu  au comptoir ") == "vu au comptoir"
    assert courriel_masque("zoe@exemple.ca") == "z…@exemple.ca"
    for faute in ("    ", "ab", "x" * 501, "texte\u202einverse"):
        with pytest.raises(champs.ChampInvalide):
            motif_ecrit(faute)
    for faute in ("", "z", "z" * 300, "z\x00z"):
        with pytest.raises(DonneesInvalides):
            lire_recherche(faute)


@given(st.text(max_size=40))
@settings(deadline=None)
def test_un_numero_est_lu_ou_refuse_et_relu_il_est_le_meme(saisie):
    lecteur = telephones(une_config())
    try:
        numero = lecteur.e164(saisie)
    except ValueError:
        return
    assert lecteur.e164(numero) == numero
    assert numero.startswith("+")


@pytest.mark.parametrize(
    ("saisie", "numero", "joignable"),
    [
        ("450 555-0123", "+14505550123", True),
        ("(450)\u00a0555–0123", "+14505550123", True),
        ("1 212 555 2368", "+12125552368", True),
        ("1 900 555 1234", "+19005551234", False),
        ("+1 876 555 0123", "+18765550123", False),
        ("+33 1 23 45 67 89", "+33123456789", False),
    ],
)
def test_ou_un_code_peut_aller(saisie, numero, joignable):
    lecteur = telephones(une_config())
    assert lecteur.e164(saisie) == numero
    assert lecteur.joignable(numero) is joignable
