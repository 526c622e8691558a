"""Documents that are ill, cut short, or judged by nobody because clamd is dead."""

from __future__ import annotations

import socket
import threading
import time
from uuid import uuid4

import httpx

from tests.chaos.joueur import Vie
from tests.chaos.scenario import Bilan, Reglage, Scenario
from tests.chaos.terrain import Terrain
from tests.e2e.parcours.acces import document, photo
from tests.e2e.parcours.mobile import API, attendu
from tests.kit.wait import wait_until

# The harmless file that every antivirus must find, in two halves so that none finds this one.
_EICAR = rb"X5O!P%@AP[4\PZX54(P^)7CC)7}$EICAR-STANDARD-" + rb"ANTIVIRUS-TEST-FILE!$H+H*"
_LUS = ("fichier", "apercu")


def _refuses(terrain: Terrain, reglage: Reglage) -> Bilan:
    """Infected, truncated and interrupted uploads: refused or kept aside, readable by nobody."""
    bilan = Bilan()
    for essai in range(reglage.essais):
        life = _connectee(terrain, essai)
        known = {piece for _, piece in terrain.promesses.pieces}
        for name, bytes_ in (
            ("virus.pdf", _EICAR),
            ("demi.jpg", photo("Demi")[:20_000]),
            ("demi.pdf", document("Demi")[:3_000]),
            ("faux.png", b"\x89PNG\r\n\x1a\n" + b"\0" * 500),
            ("vide.pdf", b""),
        ):
            answer = _deposer(life, name, bytes_)
            bilan.exiger(400 <= answer.status_code < 500, f"{name} : {answer.status_code}")
            bilan.essais += 1
        _interrompre(terrain, life, reglage.alea.uniform(0.1, 0.9))
        bilan.essais += 1
        stored = _pieces(life)
        for piece in stored:
            bilan.exiger(not _lisible(life, piece["piece_id"]), f"lisible : {piece}")
            bilan.exiger(piece["piece_id"] not in known, "une pièce d’une autre personne")
        life.deposer()
        life.demander()
        life.decider()
    bilan.mesures.append(f"{len(stored)} gardée(s) à l’écart, 0 lisible")
    return bilan


def _clamd(terrain: Terrain, reglage: Reglage) -> Bilan:
    """Uploads while clamd is away, and while it is killed: taken up again when it returns."""
    bilan = Bilan()
    waited = 0.0
    for essai in range(reglage.essais):
        life = _connectee(terrain, essai)
        with terrain.suite.without("clamav"):
            answer = _deposer(life, "sans-antivirus.jpg", photo(f"Sans antivirus {essai}"))
            piece = str(attendu(answer, 201)["piece_id"])
            terrain.promesses.piece(life.courriel, piece)
            bilan.exiger(not _lisible(life, piece), "lisible sans analyse")
        began = time.monotonic()
        wait_until(lambda: life.citoyen.saine(piece), timeout=90, what="the upload taken up again")  # noqa: B023 - at once
        waited = max(waited, time.monotonic() - began)
        bilan.exiger(_lisible(life, piece), "illisible une fois saine")
        instant = reglage.alea.uniform(0, terrain.journal.duree("depot"))
        death = threading.Timer(instant, terrain.tuer, ("clamav",))
        death.start()
        life.deposer()
        death.join()
        life.demander()
        life.decider()
        bilan.essais += 2
    bilan.mesures.append(f"reprise {waited:.0f} s au plus après son retour")
    return bilan


def _connectee(terrain: Terrain, essai: int) -> Vie:
    life = Vie(terrain.portes[essai % len(terrain.portes)], terrain.promesses)
    life.s_inscrire()
    life.activer()
    life.citoyen.se_connecter()
    return life


def _deposer(life: Vie, name: str, bytes_: bytes) -> httpx.Response:
    return life.citoyen.http.post(
        f"{API}/pieces",
        data={"genre": "IDENTITE", "libelle": "essai"},
        files={"fichier": (name, bytes_)},
        headers=life.citoyen.cle(),
    )


def _interrompre(terrain: Terrain, life: Vie, fraction: float) -> None:
    """Announce a whole file, send a part of it, and go away."""
    body = photo("Interrompue")
    port = terrain.suite.plan.base
    head = (
        f"POST {API}/pieces?nom_fichier=coupe.jpg&genre=IDENTITE HTTP/1.1\r\n"
        f"Host: 127.0.0.1:{port}\r\nAuthorization: {life.citoyen.http.headers['Authorization']}\r\n"
        f"Idempotency-Key: {uuid4()}\r\nContent-Type: image/jpeg\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        connection.sendall(head.encode() + body[: int(len(body) * fraction)])


def _pieces(life: Vie) -> list[dict[str, str]]:
    found: list[dict[str, str]] = attendu(life.citoyen.http.get(f"{API}/pieces"), 200)["pieces"]
    return found


def _lisible(life: Vie, piece: str) -> bool:
    """Whether the bytes or an image of the document come out."""
    return any(
        life.citoyen.http.get(f"{API}/pieces/{piece}/{kind}").status_code == httpx.codes.OK
        for kind in _LUS
    )


SCENARIOS = (
    Scenario(
        "televersements", "téléversements infectés, tronqués, faux, vides, interrompus",
        "refusés, rien de lisible, rien à moitié écrit", _refuses, 2,
    ),
    Scenario(
        "antivirus", "clamd absent, puis tué pendant un téléversement",
        "rien de lisible sans analyse, repris à son retour", _clamd, 2,
    ),
)  # fmt: skip
