"""The main journeys step by step: each step has a sentence and fails with a sentence."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from uuid import uuid4

from tests.e2e.parcours.acces import Acces, photo
from tests.e2e.parcours.mobile import Agent, Citoyen, attendu
from tests.kit.wait import wait_until

Etape = tuple[str, Callable[[], object]]


def acceptee(acces: Acces) -> Iterator[Etape]:
    """Sign up to card in the wallet, both proofs accepted (IDN-01, 04, CAR-02, 04, 05, 08)."""
    citoyen = Citoyen.nouveau(acces)
    courriel = citoyen.personne.courriel
    yield "Créer un compte", citoyen.s_inscrire
    yield "Recevoir le courriel d’activation et suivre son lien", citoyen.activer
    yield "Se connecter", citoyen.se_connecter
    pieces: list[str] = []
    yield "Déposer une photo et un PDF", lambda: pieces.extend(citoyen.deposer_preuves())
    cle = str(uuid4())
    cartes: list[dict[str, object]] = []
    yield "Demander ma carte", lambda: cartes.append(citoyen.demander_carte(*pieces, cle=cle))

    def deux_fois() -> None:
        assert citoyen.demander_carte(*pieces, cle=cle)["carte_id"] == cartes[0]["carte_id"]

    yield "Répéter la demande avec la même clé : la même carte", deux_fois
    agent: list[Agent] = []
    yield "Un agent se connecte", lambda: agent.append(Agent.connecte(acces))

    def valider() -> None:
        demande = agent[0].demande(_demande_id(citoyen))
        agent[0].regarder(demande)
        decidee = attendu(agent[0].decider(demande), 200)
        assert decidee["statut"] == "APPROUVEE"

    yield "L’agent voit les deux preuves et accepte", valider

    def valide() -> None:
        carte = citoyen.carte()
        assert (carte["statut"], bool(carte["echeance"])) == ("ACTIVE", True)

    yield "Voir les cartes : la carte est active, avec son échéance", valide

    def portefeuille() -> None:
        passe, lien = citoyen.portefeuille()
        assert passe["formatVersion"] == 1
        assert lien["aud"] == "google"

    yield "Ouvrir les liens du courriel : passe Apple et lien Google vérifiés", portefeuille

    def accueil() -> None:
        home = citoyen.accueil()
        assert home["complet"] is True
        assert home["cartes"]["valeur"]["cartes"][0]["statut"] == "ACTIVE"

    yield "L’accueil montre tout d’un coup d’œil", accueil

    def exactement() -> None:
        found = acces.courriels(courriel)
        assert len(found) == len(set(found)), f"un courriel en double : {found}"

    yield "Aucun courriel en double", exactement


def preuve_refusee(acces: Acces) -> Iterator[Etape]:
    """One proof refused with a reason, replaced alone, then accepted (CAR-04)."""
    citoyen = Citoyen.nouveau(acces)

    def commencer() -> None:
        citoyen.s_inscrire()
        citoyen.activer()
        citoyen.se_connecter()
        citoyen.demander_carte(*citoyen.deposer_preuves())

    yield "Une autre personne demande sa carte", commencer
    agents: list[Agent] = []

    def refuser() -> None:
        agents.append(Agent.connecte(acces))
        agent = agents[0]
        demande = agent.demande(_demande_id(citoyen))
        decidee = attendu(agent.decider(demande, {"IDENTITE": "ILLISIBLE"}), 200)
        assert decidee["statut"] == "INCOMPLETE"

    yield "L’agent refuse la pièce d’identité, illisible", refuser

    def prevenue() -> None:
        wait_until(
            lambda: len(acces.courriels(citoyen.personne.courriel)) >= 2,
            timeout=30, what="the mail about the refused proof",
        )  # fmt: skip
        statuts = {p["role"]: p["statut"] for p in citoyen.carte()["demande"]["pieces"]}
        assert statuts == {"IDENTITE": "REFUSEE", "RESIDENCE": "ACCEPTEE"}

    yield "La personne est prévenue ; l’autre preuve reste acceptée", prevenue

    def remplacer() -> None:
        piece = citoyen.deposer(photo("Autre carte exemple"), "identite-2.jpg", "IDENTITE")
        carte_id = str(citoyen.carte()["carte_id"])
        citoyen.remplacer(carte_id, "identite", piece)
        statuts = {p["role"]: p["statut"] for p in citoyen.carte()["demande"]["pieces"]}
        assert statuts == {"IDENTITE": "A_VERIFIER", "RESIDENCE": "ACCEPTEE"}

    yield "Elle remplace cette seule pièce", remplacer

    def accepter() -> None:
        attendu(agents[0].decider(agents[0].demande(_demande_id(citoyen))), 200)
        assert citoyen.carte()["statut"] == "ACTIVE"

    yield "L’agent accepte : la carte est active", accepter
    yield "Le passe et le lien sont vérifiés", citoyen.portefeuille


def _demande_id(citoyen: Citoyen) -> str:
    return str(citoyen.carte()["demande"]["demande_id"])
