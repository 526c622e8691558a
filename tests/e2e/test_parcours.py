"""The main journey on the whole suite.

Over the API, in the portal without JavaScript, and what is left afterwards in broker and logs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from tests.e2e.parcours import etapes, navigation
from tests.e2e.parcours.acces import Acces
from tests.e2e.parcours.mobile import Agent, Citoyen, attendu
from tests.kit.suite import Suite
from tests.kit.wait import wait_until

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("suite")]


def jouer(parcours: Iterator[tuple[str, Callable[[], object]]]) -> None:
    for sentence, step in parcours:
        try:
            step()
        except Exception as error:
            error.add_note(f"at the step « {sentence} »")
            raise


@pytest.mark.exigence(
    "IDN-01", "IDN-04", "IDN-05", "CAR-01", "CAR-02", "CAR-04", "CAR-05", "CAR-08", "AVI-07",
    "STO-01", "STO-02", "STO-04", "PAS-03", "PAS-04",
)  # fmt: skip
def test_une_carte_par_l_api(acces: Acces):
    jouer(etapes.acceptee(acces))


@pytest.mark.exigence("CAR-04")
def test_une_preuve_refusee_est_remplacee_seule(acces: Acces):
    jouer(etapes.preuve_refusee(acces))


@pytest.mark.exigence("PAS-01", "PAS-02", "CAR-02", "CAR-04", "STO-01")
def test_une_carte_dans_le_portail_sans_javascript(acces: Acces):
    jouer(navigation.acceptee(acces))


@pytest.mark.exigence("PAS-03")
@pytest.mark.parametrize("service", ["cartes", "demandes", "avis", "stockage"])
def test_l_accueil_dit_quel_service_manque_et_montre_le_reste(acces: Acces, suite: Suite, service):
    citoyen = Citoyen.nouveau(acces)
    citoyen.s_inscrire()
    citoyen.activer()
    citoyen.se_connecter()
    assert citoyen.accueil()["complet"]
    with suite.without(f"{service}.serve"):
        home = citoyen.accueil()
        assert not home["complet"]
        manquants = {name for name, block in home.items() if name != "complet" and block["erreur"]}
        assert manquants == {service}
        assert home[service]["erreur"]["message_fr"]
        assert citoyen.http.get("/sante").status_code == 503
    wait_until(lambda: citoyen.accueil()["complet"], timeout=30, what="the home to be whole again")


def test_deux_agents_decident_ensemble_un_seul_gagne(acces: Acces):
    citoyen = Citoyen.nouveau(acces)
    for step in (citoyen.s_inscrire, citoyen.activer, citoyen.se_connecter):
        step()
    carte = citoyen.demander_carte(*citoyen.deposer_preuves())
    premier, second = Agent.connecte(acces), Agent.connecte(acces)
    lue = premier.demande(carte["demande"]["demande_id"])
    attendu(premier.decider(lue), 200)
    trop_tard = second.decider(lue)
    assert trop_tard.status_code == 409
    assert trop_tard.json()["code"] in {"VERSION_PERIMEE", "DEMANDE_DEJA_DECIDEE"}
    assert trop_tard.headers["content-type"] == "application/problem+json"


def test_le_document_d_une_autre_personne_n_existe_pas(acces: Acces):
    camille, sacha = Citoyen.nouveau(acces), Citoyen.nouveau(acces)
    for personne in (camille, sacha):
        for step in (personne.s_inscrire, personne.activer, personne.se_connecter):
            step()
    identite, residence = camille.deposer_preuves()
    for chemin in ("", "/fichier", "/apercu"):
        autre = sacha.http.get(f"/api/v1/pieces/{identite}{chemin}")
        inconnue = sacha.http.get(f"/api/v1/pieces/{'0' * 8}-0000-4000-8000-{'0' * 12}{chemin}")
        assert (autre.status_code, inconnue.status_code) == (404, 404)
        assert autre.json()["code"] == inconnue.json()["code"]
    who = sacha.personne
    refusee = sacha.http.post(
        "/api/v1/cartes",
        json={
            "piece_identite_id": identite, "piece_residence_id": residence, "carte_physique": False,
            "titulaire": {
                "prenom": who.prenom, "nom": who.nom, "date_naissance": who.date_naissance,
                "adresse": who.adresse, "ville": who.ville, "code_postal": who.code_postal,
            },
        },
        headers=sacha.cle(),
    )  # fmt: skip
    assert refusee.status_code == 404
    assert refusee.json()["code"] == "PIECE_INTROUVABLE"
    assert attendu(sacha.http.get("/api/v1/cartes"), 200)["cartes"] == []


def test_rien_de_personnel_ne_reste_dans_les_journaux_ni_dans_la_file_d_audit(
    acces: Acces, suite: Suite
):
    citoyen = Citoyen.nouveau(acces)
    for step in (citoyen.s_inscrire, citoyen.activer, citoyen.se_connecter):
        step()
    citoyen.demander_carte(*citoyen.deposer_preuves())
    who = citoyen.personne
    secret = citoyen.http.headers["Authorization"].removeprefix("Bearer ")
    canaris = [who.nom, who.courriel, who.mot_de_passe, secret]
    canaris.append(acces.lien(who.courriel, "/activation/").rsplit("/", 1)[1])
    ours = [name for name in suite.names() if "." in name or name == "passerelle"]
    assert len(ours) == 11
    for name in ours:
        text = suite.log_text(name)
        assert [canari for canari in canaris if canari in text] == [], name
    bodies = _audit(suite)
    assert bodies
    assert [canari for canari in canaris for body in bodies if canari.encode() in body] == []


def _audit(suite: Suite) -> list[bytes]:
    """Every body that the audit queue holds now; they stay there."""
    import pika  # noqa: PLC0415  for this test alone

    connection = pika.BlockingConnection(pika.URLParameters(suite.amqp_url))
    try:
        channel = connection.channel()
        found = []
        while (got := channel.basic_get("audit"))[0] is not None:
            found.append(got[2])
        return found
    finally:
        connection.close()  # unacknowledged: they return to their queue
