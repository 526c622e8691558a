"""People who do not give up: each act is repeated, word for word, until a definite answer."""

from __future__ import annotations

import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from statistics import median
from typing import Any, Self
from urllib.parse import quote

import httpx

from deploy.plan import Plan
from tests.chaos.histoire import Promesses
from tests.e2e.parcours import acces as parcours
from tests.e2e.parcours.acces import Personne
from tests.e2e.parcours.mobile import API, Agent, Citoyen, attendu
from tests.kit.wait import wait_until

# A client that was told « not now », or nothing at all, asks again: it never knows more.
_PAS_MAINTENANT = {408, 425, 429, 500, 502, 503, 504}
_PATIENCE_S = 150.0
_PAUSE_S = 0.25
_REPONSE_S = 20.0

_ACTES = {
    ("POST", f"{API}/comptes"): "inscription",
    ("POST", f"{API}/comptes/activation"): "activation",
    ("POST", f"{API}/session"): "connexion",
    ("POST", f"{API}/pieces"): "depot",
    ("POST", f"{API}/cartes"): "demande",
    ("GET", f"{API}/accueil"): "accueil",
}

Crochet = Callable[[str], None]


def acte_de(request: httpx.Request) -> str:
    """The name of the act of a request; "" for what is only a look."""
    path = request.url.path
    if path.endswith("/decision"):
        return "decision"
    return _ACTES.get((request.method, path), "")


@dataclass
class Journal:
    """How each request ended: status, or the kind of silence; and how long acts took."""

    issues: Counter[str] = field(default_factory=Counter)
    durees: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    # longest wait for a definite answer, silences and repetitions included
    attente: float = 0.0
    _verrou: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def noter(self, acte: str, issue: str, seconds: float) -> None:
        """Keep one answer or silence."""
        with self._verrou:
            self.issues[issue] += 1
            if acte and issue.startswith("2"):
                self.durees[acte].append(seconds)

    def attendu(self, seconds: float) -> None:
        """Keep how long somebody waited for a definite answer."""
        with self._verrou:
            self.attente = max(self.attente, seconds)

    def duree(self, acte: str) -> float:
        """Median seconds of the answered ones of an act; a guess before the first."""
        return median(self.durees[acte] or [0.2])


class Insistant(httpx.BaseTransport):
    """Sends a request again, the same bytes and the same key, until something definite comes."""

    def __init__(self, journal: Journal, avant: Crochet, apres: Crochet) -> None:
        self._journal = journal
        self._avant = avant
        self._apres = apres
        self._inner = httpx.HTTPTransport()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Raises: TimeoutError after 150 s without a definite answer."""
        request.read()
        request.extensions["timeout"] = dict.fromkeys(
            ("connect", "read", "write", "pool"), _REPONSE_S
        )
        acte = acte_de(request)
        if acte:
            self._avant(acte)
        began = time.monotonic()
        while time.monotonic() < began + _PATIENCE_S:
            response = self._once(request, acte)
            if response is not None:
                self._journal.attendu(time.monotonic() - began)
                if acte:
                    self._apres(acte)
                return response
            # As a person's client would: a short pause, then again.
            time.sleep(_PAUSE_S)
        raise TimeoutError(f"{request.method} {request.url.path}: no definite answer")

    def _once(self, request: httpx.Request, acte: str) -> httpx.Response | None:
        began = time.monotonic()
        try:
            response = self._inner.handle_request(request)
            response.read()
            response.close()
        except httpx.TransportError as error:
            self._journal.noter(acte, type(error).__name__, time.monotonic() - began)
            return None
        self._journal.noter(acte, str(response.status_code), time.monotonic() - began)
        return None if response.status_code in _PAS_MAINTENANT else response

    def close(self) -> None:
        """Close the connections."""
        self._inner.close()


def _rien(_acte: str) -> None:
    """No fault is tied to this act."""


@dataclass(frozen=True, kw_only=True)
class Acces(parcours.Acces):
    """The doors of the suite, for clients that insist."""

    journal: Journal
    avant: Crochet = _rien
    apres: Crochet = _rien

    def client(self) -> httpx.Client:
        """A client of one person."""
        transport = Insistant(self.journal, self.avant, self.apres)
        self.ouverts.append(httpx.Client(base_url=self.portail, transport=transport))
        return self.ouverts[-1]

    def lien(self, destinataire: str, chemin: str, *, rang: int = 0) -> str:
        """The link of a mail; faults may delay it by a minute."""
        wait_until(
            lambda: self._recu(destinataire, chemin),
            timeout=_PATIENCE_S, what=f"{chemin} for {destinataire}",
        )  # fmt: skip
        return super().lien(destinataire, chemin, rang=rang)

    def _recu(self, destinataire: str, chemin: str) -> bool:
        address = f"{self.courrier}/api/email?to.address={quote(destinataire)}"
        try:
            mails: list[dict[str, Any]] = httpx.get(address, timeout=10).json()
        except httpx.TransportError:
            mails = []
        if any(chemin in str(mail["text"]) for mail in mails):
            return True
        # Polling a sink that holds hundreds of mails is not free.
        time.sleep(_PAUSE_S)
        return False


def une_porte(plan: Plan, courriel: str, mot_de_passe: str, journal: Journal) -> Acces:
    """What a client of this suite has to know."""
    return Acces(
        portail=plan.url,
        courrier=f"http://127.0.0.1:{plan.base + 1}",
        agent=(courriel, mot_de_passe),
        racine=plan.folder / "cles" / "apple" / "racine.pem",
        compte_google=plan.folder / "cles" / "google.json",
        journal=journal,
    )


class Patiente(Citoyen):
    """Somebody who waits for an analysis that a fault delays."""

    def deposer(self, contenu: bytes, nom: str, genre: str) -> str:
        """Upload a document; returns its id once it is clean."""
        answer = self.http.post(
            f"{API}/pieces",
            data={"genre": genre, "libelle": nom},
            files={"fichier": (nom, contenu)},
            headers=self.cle(),
        )
        piece_id: str = attendu(answer, 201)["piece_id"]
        wait_until(
            lambda: self.saine(piece_id), timeout=_PATIENCE_S, what=f"{nom} clean"
        )  # fmt: skip
        return piece_id

    def saine(self, piece_id: str) -> bool:
        """Whether a document was judged clean; a person does not ask fifty times a second."""
        clean = bool(attendu(self.http.get(f"{API}/pieces/{piece_id}"), 200)["statut"] == "SAINE")
        if not clean:
            time.sleep(_PAUSE_S)
        return clean


@dataclass
class Vie:
    """One citizen and one agent, and the journey between them, act by act.

    Each acknowledged act becomes a promise; the journey ends with the pass in the wallet.
    """

    acces: Acces
    promesses: Promesses
    citoyen: Patiente = field(init=False)
    carte_id: str = ""
    demande_id: str = ""
    pieces: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        self.citoyen = Patiente(self.acces, Personne(), self.acces.client())

    @property
    def courriel(self) -> str:
        """Who this is."""
        return self.citoyen.personne.courriel

    def s_inscrire(self) -> None:
        """Sign up."""
        self.citoyen.s_inscrire()
        self.promesses.compte(self.courriel)

    def activer(self) -> None:
        """Wait for the mail and use its link."""
        self.citoyen.activer()
        self.promesses.actif(self.courriel)

    def deposer(self) -> None:
        """Upload both proofs."""
        self.pieces = self.citoyen.deposer_preuves()
        for piece in self.pieces:
            self.promesses.piece(self.courriel, piece)

    def demander(self) -> None:
        """Ask for the card."""
        carte = self.citoyen.demander_carte(*self.pieces)
        self.carte_id = str(carte["carte_id"])
        self.promesses.carte(self.courriel, self.carte_id)
        self.demande_id = str(self.citoyen.carte()["demande"]["demande_id"])

    def preparer(self) -> None:
        """From the mailed link to both documents in the storage space."""
        self.activer()
        self.citoyen.se_connecter()
        self.deposer()

    def attendre_agent(self) -> Self:
        """Everything up to the request of the card, which waits for an agent then."""
        self.s_inscrire()
        self.preparer()
        self.demander()
        return self

    def decider(self, agent: Agent | None = None) -> None:
        """An agent accepts both proofs."""
        agent = agent or Agent.connecte(self.acces)
        decidee = attendu(agent.decider(agent.demande(self.demande_id)), 200)
        assert decidee["statut"] == "APPROUVEE"
        self.promesses.approuvee(self.courriel, self.carte_id)

    def jouer(self) -> None:
        """The whole journey."""
        self.s_inscrire()
        self.poursuivre()

    def poursuivre(self) -> None:
        """What comes after the sign-up."""
        self.preparer()
        self.demander()
        self.decider()
        self.citoyen.portefeuille()
        self.citoyen.accueil()

    def finir(self, *, inscrite: bool = False) -> bool:
        """The journey to its end, whatever happens; False, and a loss, when it was not finished."""
        try:
            (self.poursuivre if inscrite else self.jouer)()
        except Exception as error:  # noqa: BLE001  whatever it is, the journey was lost
            self.promesses.manque(f"parcours de {self.courriel} : {error!r:.400}")
            return False
        return True


class Trafic:
    """People who play the journey one after the other, until the block ends.

    Leaving the block waits for the journeys under way; one that cannot end is a lost one.
    """

    def __init__(self, portes: tuple[Acces, ...], promesses: Promesses, *, joueurs: int = 2):
        self._portes = portes
        self._promesses = promesses
        self._fin = threading.Event()
        self._fils = [
            threading.Thread(target=self._jouer, args=(rang,), daemon=True)
            for rang in range(joueurs)
        ]
        self.finis = 0
        self.commences = 0

    def __enter__(self) -> Self:
        for fil in self._fils:
            fil.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._fin.set()
        for fil in self._fils:
            fil.join()

    def attendre(self, parcours_finis: int, *, timeout: float = 120.0) -> None:
        """Go on until so many journeys are finished."""
        wait_until(lambda: self.finis >= parcours_finis, timeout=timeout, what="finished journeys")

    def _jouer(self, rang: int) -> None:
        porte = self._portes[rang % len(self._portes)]
        while not self._fin.is_set():
            self.commences += 1
            self.finis += Vie(porte, self._promesses).finir()
