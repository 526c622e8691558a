"""SMS and calls at most once; choices and contact points that change (AVI-05, IDN-05, IDN-06)."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import timedelta
from uuid import uuid4

import pytest

from services.avis import use_cases
from services.avis.adapters.redaction_messages import RedactionMessages
from services.avis.domain import AdresseInvalide, CanalInconnu, CategorieInconnue, GabaritInconnu
from services.avis.use_cases import preferences
from services.avis.use_cases.messages import (
    Message,
    MessageRefuse,
    Messagerie,
    envoyer_message,
)
from tests.kit.avis import CLE, MAINTENANT, prouver, une_adresse

pytestmark = pytest.mark.integration


@dataclass
class Voie:
    """A way to phones that keeps what it was given, and refuses when told to."""

    donnes: list[Message] = field(default_factory=list)
    refus: MessageRefuse | None = None

    def donner(self, message: Message) -> None:
        self.donnes.append(message)
        if self.refus is not None:
            raise self.refus


@pytest.fixture
def texto():
    return Voie()


@pytest.fixture
def messagerie(sessions, texto):
    redaction = RedactionMessages(ville="Ville")
    return Messagerie(sessions=sessions, redaction=redaction, texto=texto, voix=None)


def envoyer(messagerie, **champs):
    donnees = {
        "numero": "+14505550123",
        "code": "471903",
        "expire_le": (MAINTENANT + timedelta(minutes=10)).isoformat(),
    }
    valeurs = {
        "event_id": uuid4(),
        "gabarit": "code",
        "canal": "texto",
        "langue": "fr",
        "donnees": donnees | champs.pop("donnees", {}),
        "maintenant": MAINTENANT,
    }
    return envoyer_message(messagerie=messagerie, **(valeurs | champs))


@pytest.mark.exigence("IDN-06")
def test_un_code_part_une_fois_meme_livre_dix_fois_en_meme_temps(messagerie, texto):
    event_id = uuid4()
    with ThreadPoolExecutor(5) as fils:
        pris = list(fils.map(lambda _: envoyer(messagerie, event_id=event_id), range(10)))
    assert sorted(pris) == [False] * 9 + [True]
    (message,) = texto.donnes
    assert "471903" in message.texte


def test_un_refus_ou_une_mort_ne_fait_pas_repartir_le_message(messagerie, texto):
    texto.refus = MessageRefuse("451")
    event_id = uuid4()
    assert envoyer(messagerie, event_id=event_id) is False
    texto.refus = None
    assert envoyer(messagerie, event_id=event_id) is False
    assert len(texto.donnes) == 1


def test_un_code_expire_ou_sans_voie_ne_part_pas(messagerie, texto):
    assert envoyer(messagerie, maintenant=MAINTENANT + timedelta(minutes=10)) is False
    assert envoyer(messagerie, canal="telephone") is False
    assert texto.donnes == []


@pytest.mark.parametrize(
    ("champs", "faute"),
    [
        ({"gabarit": "publicite"}, GabaritInconnu),
        ({"canal": "courriel"}, CanalInconnu),
        ({"canal": "pigeon"}, CanalInconnu),
        ({"donnees": {"numero": "911"}}, AdresseInvalide),
    ],
)
def test_un_message_incomprehensible_n_est_pas_note(messagerie, base, champs, faute):
    with pytest.raises(faute):
        envoyer(messagerie, **champs)
    assert base.execute("SELECT count(*) AS n FROM inbox").fetchone()["n"] == 0


def choix(base, compte_id):
    lignes = base.execute(
        "SELECT categorie FROM abonnement WHERE compte_id = %s ORDER BY 1", [compte_id]
    ).fetchall()
    canaux = base.execute(
        "SELECT canal FROM canal_choisi WHERE compte_id = %s ORDER BY 1", [compte_id]
    ).fetchall()
    return [ligne["categorie"] for ligne in lignes], [ligne["canal"] for ligne in canaux]


def changer(sessions, compte_id, categories, canaux, *, quand=MAINTENANT):
    preferences.changer_abonnement(
        sessions=sessions,
        event_id=uuid4(),
        compte_id=compte_id,
        langue="fr",
        categories=categories,
        canaux=canaux,
        change_le=quand,
    )


@pytest.mark.exigence("IDN-05")
def test_le_choix_le_plus_recent_reste(sessions, base):
    compte_id = str(uuid4())
    use_cases.enregistrer_abonnement(
        sessions=sessions,
        event_id=uuid4(),
        compte_id=compte_id,
        langue="fr",
        categories=["info_travaux"],
        canaux=["courriel"],
        active_le=MAINTENANT,
    )
    plus_tard = MAINTENANT + timedelta(hours=1)
    changer(sessions, compte_id, ["culture_loisirs"], ["texto", "courriel"], quand=plus_tard)
    assert choix(base, compte_id) == (["culture_loisirs"], ["courriel", "texto"])
    # An older choice that comes late changes nothing; an empty one is a choice.
    changer(sessions, compte_id, ["info_travaux"], ["courriel"])
    assert choix(base, compte_id) == (["culture_loisirs"], ["courriel", "texto"])
    changer(sessions, compte_id, [], ["courriel"], quand=plus_tard + timedelta(hours=1))
    assert choix(base, compte_id) == ([], ["courriel"])
    with pytest.raises(CategorieInconnue):
        changer(sessions, compte_id, ["publicite"], ["courriel"], quand=plus_tard)


@pytest.mark.exigence("AVI-05")
def test_un_numero_n_est_une_coordonnee_qu_entre_sa_preuve_et_son_retrait(sessions, base):
    compte_id, adresse = str(uuid4()), une_adresse()

    def points():
        rows = base.execute(
            "SELECT canal FROM point_contact WHERE compte_id = %s ORDER BY 1", [compte_id]
        ).fetchall()
        return [row["canal"] for row in rows]

    def retirer(canal, valeur, quand):
        preferences.retirer_coordonnees(
            sessions=sessions,
            cle=CLE,
            event_id=uuid4(),
            compte_id=compte_id,
            canal=canal,
            donnees={"adresse": valeur},
            retire_le=quand,
        )

    prouver(sessions, compte_id, adresse)
    prouver(sessions, compte_id, "+14505550123", canal="texto")
    assert points() == ["courriel", "texto"]
    # A withdrawal that is older than the proof says nothing of it.
    retirer("texto", "+14505550123", MAINTENANT - timedelta(hours=1))
    assert points() == ["courriel", "texto"]
    retirer("texto", "+14505550123", MAINTENANT + timedelta(hours=1))
    assert points() == ["courriel"]
