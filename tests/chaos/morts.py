"""Processes that die: at any instant of an act, and at the two instants that matter most."""

from __future__ import annotations

import dataclasses
import threading
from collections import defaultdict
from collections.abc import Sequence

import psutil

from deploy import SERVICES
from tests.chaos.annonces import Temoin
from tests.chaos.joueur import Acces, Vie
from tests.chaos.scenario import Bilan, Reglage, Scenario
from tests.chaos.terrain import OUVRIER, Terrain
from tests.kit.wait import wait_until

# Which process dies at which act: each of the eleven, at each act that it takes part in.
_MINES = (
    ("inscription", "identite.serve"), ("activation", "identite.serve"),
    ("connexion", "identite.serve"), ("depot", "stockage.serve"), ("demande", "stockage.serve"),
    ("demande", "cartes.serve"), ("decision", "cartes.serve"), ("accueil", "avis.serve"),
    ("accueil", "demandes.serve"), ("inscription", "passerelle"), ("depot", "passerelle"),
    ("demande", "passerelle"), ("decision", "passerelle"), ("inscription", "identite.work"),
    ("activation", "identite.work"), ("inscription", "avis.work"), ("demande", "avis.work"),
    ("decision", "avis.work"), ("demande", "cartes.work"), ("decision", "cartes.work"),
    ("depot", "stockage.work"), ("accueil", "demandes.work"), ("connexion", "passerelle"),
    ("activation", OUVRIER),
)  # fmt: skip
_PROCESSUS = (
    *(f"{service}.{kind}" for service in SERVICES for kind in ("serve", "work")),
    "passerelle",
)
# A worker has its share of an act after the answer: the relay, then the handler.
_APRES_S = 0.4
_ENSEMBLE = 2


class _Mineur:
    """Kills what was laid under an act, at a given fraction of that act's duration."""

    def __init__(self, terrain: Terrain, mines: Sequence[tuple[str, str]], fraction: float) -> None:
        self._terrain = terrain
        self._fraction = fraction
        self._posees: dict[str, list[str]] = defaultdict(list)
        for acte, nom in mines:
            self._posees[acte].append(nom)
        self._fils: list[threading.Timer] = []
        self.echecs: list[str] = []

    def porte(self, porte: Acces) -> Acces:
        """The same door, with these mines under its acts."""
        return dataclasses.replace(porte, avant=self._avant, apres=self._apres)

    def _avant(self, acte: str) -> None:
        self._allumer(acte, work=False, delay=self._fraction * self._terrain.journal.duree(acte))

    def _apres(self, acte: str) -> None:
        self._allumer(acte, work=True, delay=self._fraction * _APRES_S)

    def _allumer(self, acte: str, *, work: bool, delay: float) -> None:
        for nom in [n for n in self._posees[acte] if n.endswith(".work") is work]:
            self._posees[acte].remove(nom)
            timer = threading.Timer(delay, self._tuer, (nom,))
            timer.start()
            self._fils.append(timer)

    def _tuer(self, nom: str) -> None:
        try:
            self._terrain.tuer(nom)
        except (AssertionError, OSError, psutil.Error) as error:
            self.echecs.append(f"{nom} : {error!r}")

    def finir(self) -> int:
        """Wait for the kills under way. Returns: how many there were."""
        for fil in self._fils:
            fil.join()
        return len(self._fils)


def _vagues() -> list[list[tuple[str, str]]]:
    """The mines, at most one per act and journey."""
    waves: list[list[tuple[str, str]]] = []
    for acte, nom in _MINES:
        wave = next((w for w in waves if acte not in dict(w)), None)
        if wave is None:
            waves.append([(acte, nom)])
        else:
            wave.append((acte, nom))
    return waves


def _processus(terrain: Terrain, reglage: Reglage) -> Bilan:
    """Each essai sweeps the instant: early, in the middle, late in the act, with some chance."""
    bilan = Bilan()
    Vie(terrain.portes[0], terrain.promesses).jouer()  # how long do acts take?
    killed = 0
    for essai in range(reglage.essais):
        waves = _vagues()
        reglage.alea.shuffle(waves)
        for start in range(0, len(waves), _ENSEMBLE):
            fraction = (essai + reglage.alea.random()) / reglage.essais
            miners = [_Mineur(terrain, wave, fraction) for wave in waves[start : start + _ENSEMBLE]]
            lives = [
                threading.Thread(
                    target=Vie(miner.porte(terrain.portes[rang]), terrain.promesses).finir
                )
                for rang, miner in enumerate(miners)
            ]
            for life in lives:
                life.start()
            for life in lives:
                life.join()
            killed += sum(miner.finir() for miner in miners)
            bilan.perdus += [echec for miner in miners for echec in miner.echecs]
    bilan.essais = killed
    bilan.exiger(
        killed == reglage.essais * len(_MINES), f"{killed} morts sur {reglage.essais * len(_MINES)}"
    )
    return bilan


def _seuls(terrain: Terrain, reglage: Reglage) -> Bilan:
    """Each process once, revived by the supervisor alone: the suite heals with nobody's help."""
    bilan = Bilan()
    for nom in reglage.alea.sample(_PROCESSUS, min(len(_PROCESSUS), reglage.essais)):
        terrain.tuer_et_attendre(nom)
        bilan.essais += 1
    Vie(terrain.portes[0], terrain.promesses).finir()
    return bilan


def _relais(terrain: Terrain, reglage: Reglage) -> Bilan:
    """The relay dies between the broker's confirm and its mark.

    A lock on the outbox row holds the mark back; the worker is killed once the event was seen on
    the exchange, and its session ended, for the server would finish the mark for a dead client.
    """
    bilan = Bilan()
    for essai in range(reglage.essais):
        life = Vie(terrain.portes[essai % 2], terrain.promesses)
        life.s_inscrire()
        life.preparer()
        with Temoin(terrain.suite.amqp_url, "cartes.events", "carte_demandee.v1") as witness:
            with terrain.transaction("cartes") as lock:
                with terrain.suite.frozen("cartes.work"):
                    life.demander()
                    lock.execute(
                        "SELECT 1 FROM outbox WHERE aggregate = %s FOR UPDATE", (life.carte_id,)
                    )
                witness.attendre(1)
                terrain.attendre_bloque("cartes")
                terrain.tuer("cartes.work")
                terrain.couper("cartes")
            seen = witness.attendre(2, timeout=60)
            bilan.exiger(len(set(seen)) == 1, f"l’événement répété a {len(set(seen))} identifiants")
        life.decider()
        bilan.essais += 1
    bilan.mesures.append(f"{bilan.essais} événements publiés deux fois")
    return bilan


def _avant_smtp(terrain: Terrain, reglage: Reglage) -> Bilan:
    """The worker dies once its effect is committed, before the mail and the acknowledgement.

    A frozen mail server holds it there.
    """
    bilan = Bilan()
    for essai in range(reglage.essais):
        life = Vie(terrain.portes[essai % 2], terrain.promesses)
        terrain.attendre_repos()  # no mail of the essai before is under way
        with terrain.suite.frozen("mailbox"):
            life.s_inscrire()
            _en_cours(terrain)
            terrain.tuer("avis.work")
        life.finir(inscrite=True)
        bilan.essais += 1
    return bilan


def _apres_smtp(terrain: Terrain, reglage: Reglage) -> Bilan:
    """The worker dies between the mail server's 250 and the mark, so before its acknowledgement.

    A lock on the ledger row holds the mark back until the mail is in the sink.
    """
    bilan = Bilan()
    for essai in range(reglage.essais):
        life = Vie(terrain.portes[essai % 2], terrain.promesses)
        terrain.attendre_repos()  # no mail of the essai before is under way
        with terrain.transaction("avis") as lock:
            with terrain.suite.frozen("mailbox"):
                life.s_inscrire()
                envoi = _en_cours(terrain)
                lock.execute("SELECT 1 FROM envoi WHERE id = %s FOR UPDATE", (envoi,))
            terrain.attendre_bloque("avis")
            came = [m for m in terrain.relever_courrier() if m.personne == life.courriel]
            bilan.exiger(len(came) == 1, f"{len(came)} courriel au moment de la mort")
            terrain.tuer("avis.work")
            terrain.couper("avis")
        life.finir(inscrite=True)
        bilan.essais += 1
    return bilan


def _en_cours(terrain: Terrain) -> object:
    """The mail that a worker is giving to the server now."""
    rows = wait_until(
        lambda: terrain.lire("avis", "SELECT id FROM envoi WHERE etat = 'EN_COURS'"),
        timeout=30, what="a mail under way",
    )  # fmt: skip
    return rows[0][0]


SCENARIOS = (
    Scenario(
        "processus", "kill -9 de chacun des 11 processus pendant chaque acte du parcours",
        "aucun acte perdu, aucune carte ni aucun courriel en double, parcours achevé",
        _processus,
        5,
    ),
    Scenario(
        "seuls", "kill -9 de chaque processus, relancé par le seul superviseur",
        "la suite se remet sans aide", _seuls, 11,
    ),
    Scenario(
        "relais", "relais tué entre la confirmation du courtier et sa marque",
        "événement livré deux fois, un seul effet", _relais,
        8,
    ),
    Scenario(
        "effet", "travailleur tué entre son effet et l’acquittement, avant le courriel",
        "exactement un courriel", _avant_smtp, 5,
    ),
    Scenario(
        "smtp", "travailleur tué entre le 250 du serveur et sa marque",
        "exactement un courriel", _apres_smtp,
        8,
    ),
)  # fmt: skip
