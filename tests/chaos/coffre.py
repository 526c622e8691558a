"""The document space under attack and under a failing disk.

Hostile files, one after the other; a disk that fills in the middle; a service killed at every step
of an upload. After each: no byte without a row, no row without its bytes. The server of objects is
in `objets`.
"""

from __future__ import annotations

import contextlib
import os
import re
import resource
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from uuid import uuid4

import httpx
import psutil

from deploy.places import ROOT
from deploy.plan import settings_of
from tests.chaos.joueur import Vie
from tests.chaos.scenario import Bilan, Reglage, Scenario
from tests.chaos.terrain import Terrain
from tests.e2e.parcours.mobile import API, attendu
from tests.kit import stockage as kit
from tests.kit.wait import wait_until

_CINQ_GO = 5_000_000_000
_NOMS = (
    "../../etc/passwd", "..\\..\\boot.ini", "a\r\nSet-Cookie: x=1.pdf", "bon\x00jour.pdf",
    "é" * 300 + ".pdf", "\u202efdp.exe.pdf", "\u200b\u200d.pdf", "con.pdf", "<script>.pdf",
)  # fmt: skip
_OCTETS_PERMIS = 4096


def _hostiles(terrain: Terrain, reglage: Reglage) -> Bilan:
    """Each hostile file once per try: one clear refusal, and nothing of it is kept."""
    bilan = Bilan()
    for _ in range(reglage.essais):
        life, autre = _connectee(terrain), _connectee(terrain)
        avant = _etat(terrain)
        for nom, octets in _fichiers().items():
            _exiger_refus(bilan, nom, _deposer(life, f"{nom}.pdf", octets))
        _exiger_refus(bilan, "5 Go", _annoncer(terrain, life, _CINQ_GO, envoyes=70_000))
        _annoncer(terrain, life, 200_000, envoyes=70_000, attendre=False)
        bilan.essais += 1
        wait_until(lambda: _etat(terrain) == avant, timeout=60, what="nothing kept")  # noqa: B023 - at once
        for nom in _NOMS:
            _deposer_sous(bilan, terrain, life, nom)
        _deux_a_la_fois(bilan, terrain, life)
        piece = _pieces(life)[0]["piece_id"]
        for chemin in ("", "/fichier", "/apercu"):
            answer = autre.citoyen.http.get(f"{API}/pieces/{piece}{chemin}")
            bilan.exiger(answer.status_code == httpx.codes.NOT_FOUND, f"autrui : {answer}")
            bilan.essais += 1
    _exiger_propre(bilan, terrain)
    return bilan


def _fichiers() -> dict[str, bytes]:
    return {
        "eicar": kit.EICAR,
        "eicar_zip": kit.un_zip({"piece.pdf": kit.EICAR}),
        "bombe_png": kit.une_bombe_png(),
        "bombe_zip": kit.un_zip({"zeros": bytes(50_000_000)}),
        "vide": b"",
        **kit.polyglottes(),
    }


def _deposer_sous(bilan: Bilan, terrain: Terrain, life: Vie, nom: str) -> None:
    """A hostile name is a refusal or a label of 200 harmless characters at most."""
    # Other bytes each time: the judge takes the same bytes twice for a document that was doubled.
    answer = _deposer(life, nom, _un_pdf(len(_objets_du_disque(terrain))))
    bilan.essais += 1
    if answer.status_code != httpx.codes.CREATED:
        _exiger_refus(bilan, f"nom {nom[:20]!r}", answer)
        return
    piece = answer.json()
    terrain.promesses.piece(life.courriel, str(piece["piece_id"]))
    garde = str(piece["nom_fichier"])
    bilan.exiger(
        len(garde) <= 200 and not re.search(r"[/\\\x00-\x1f\u200b-\u200f\u202a-\u202e]", garde),
        f"nom gardé {garde!r}",
    )


def _un_pdf(numero: int, *, remplissage: int = 0) -> bytes:
    return kit.un_pdf(titre=f"Document {numero}", remplissage=remplissage)


def _deux_a_la_fois(bilan: Bilan, terrain: Terrain, life: Vie) -> None:
    """Two files of one name at once are two documents."""
    reponses: list[httpx.Response] = []
    with life.acces.client() as second:
        second.headers.update(life.citoyen.http.headers)

        def envoyer(http: httpx.Client, pages: int) -> None:
            reponses.append(_envoyer(http, "meme-nom.pdf", kit.un_pdf(titre="Deux", pages=pages)))

        fils = [
            threading.Thread(target=envoyer, args=(http, pages))
            for pages, http in enumerate((life.citoyen.http, second), start=1)
        ]
        for fil in fils:
            fil.start()
        for fil in fils:
            fil.join()
    ids = {str(attendu(answer, 201)["piece_id"]) for answer in reponses}
    for piece in ids:
        terrain.promesses.piece(life.courriel, piece)
    bilan.exiger(len(ids) == 2, "deux dépôts du même nom n’en font pas deux")
    bilan.essais += 1


def _disque(terrain: Terrain, reglage: Reglage) -> Bilan:
    """The files of the running service may not grow past a limit: full, then freed."""
    bilan = Bilan()
    life = _connectee(terrain)
    gardee = attendu(_deposer(life, "avant.pdf", kit.un_pdf()), 201)["piece_id"]
    terrain.promesses.piece(life.courriel, gardee)
    for essai in range(reglage.essais):
        avant = _etat(terrain)
        limite = reglage.alea.choice((0, _OCTETS_PERMIS, 100_000, 250_000))
        with _plein(terrain, limite):
            # Without the patience of the usual client, which would ask until there is room.
            with httpx.Client(
                base_url=terrain.suite.base_url, headers=dict(life.citoyen.http.headers)
            ) as franc:
                answer = _envoyer(franc, "plein.pdf", kit.un_pdf(remplissage=300_000))
            bilan.exiger(_code(answer) == "ESPACE_PLEIN", f"plein : {answer.text[:200]}")
            bilan.exiger(_lisible(life, gardee), "illisible quand le disque est plein")
        bilan.exiger(_etat(terrain) == avant, "un reste après un disque plein")
        answer = _deposer(life, "apres.pdf", _un_pdf(essai, remplissage=300_000))
        terrain.promesses.piece(life.courriel, str(attendu(answer, 201)["piece_id"]))
        bilan.essais += 1
    _exiger_propre(bilan, terrain)
    return bilan


@contextlib.contextmanager
def _plein(terrain: Terrain, octets: int) -> Iterator[None]:
    """Let no file of the service be longer than this: ENOSPC's twin, for any user (EFBIG)."""
    service = psutil.Process(terrain.suite.pid("stockage.serve"))
    avant = service.rlimit(resource.RLIMIT_FSIZE)
    service.rlimit(resource.RLIMIT_FSIZE, (octets, avant[1]))
    try:
        yield
    finally:
        service.rlimit(resource.RLIMIT_FSIZE, avant)


def _tue(terrain: Terrain, reglage: Reglage) -> Bilan:
    """Kill -9 of the service at every step of an upload, which is then sent again."""
    bilan = Bilan()
    life = _connectee(terrain)
    began = time.monotonic()
    piece = attendu(_deposer(life, "mesure.pdf", kit.un_pdf(remplissage=2_000_000)), 201)
    terrain.promesses.piece(life.courriel, str(piece["piece_id"]))
    duree = time.monotonic() - began
    for essai in range(reglage.essais):
        octets, cle = kit.un_pdf(pages=essai + 3, remplissage=2_000_000), life.citoyen.cle()
        mort = threading.Timer(
            duree * (essai + 0.5) / reglage.essais, terrain.tuer, ("stockage.serve",)
        )
        mort.start()
        _tenter(life, octets, cle)
        mort.join()
        terrain.attendre_portail()
        # The same act again, as a client does that had no answer: one document, whatever happened.
        piece = attendu(_envoyer(life.citoyen.http, "tue.pdf", octets, cle=cle), 201)
        terrain.promesses.piece(life.courriel, str(piece["piece_id"]))
        bilan.exiger(len(_pieces(life)) == essai + 2, "un document de trop ou de moins")
        bilan.essais += 1
    orphelins = len(_objets_du_disque(terrain) - _objets_nommes(terrain))
    bilan.mesures.append(f"{orphelins} orphelin(s) avant le balai, 0 après")
    _exiger_propre(bilan, terrain)
    return bilan


def _tenter(life: Vie, octets: bytes, cle: dict[str, str]) -> None:
    with contextlib.suppress(httpx.TransportError):
        _envoyer(life.citoyen.http, "tue.pdf", octets, cle=cle)


# --- what is there


def _etat(terrain: Terrain) -> tuple[int, int]:
    """How many rows and how many files there are."""
    [(rangees,)] = terrain.lire("stockage", "SELECT count(*) FROM piece")
    return int(rangees), len(_objets_du_disque(terrain))


def _objets_du_disque(terrain: Terrain) -> set[str]:
    dossier = terrain.suite.plan.folder / "documents"
    return {chemin.name for chemin in dossier.rglob("*") if chemin.is_file()}


def _objets_nommes(terrain: Terrain) -> set[str]:
    rangees = terrain.lire(
        "stockage",
        "SELECT objet_nom FROM piece WHERE objet_nom IS NOT NULL"
        " UNION ALL SELECT objet_nom FROM segment",
    )
    return {str(nom) for (nom,) in rangees}


def _exiger_propre(bilan: Bilan, terrain: Terrain) -> None:
    """Sweep as if every upload were over; then bytes and rows are the same, and intact."""
    balai = commande(terrain, "balayer", STOCKAGE_DELAI_ORPHELIN_S="0")
    bilan.exiger(balai.returncode == 0, f"balayer : {balai.stdout}{balai.stderr[-300:]}")
    bilan.exiger(_objets_du_disque(terrain) == _objets_nommes(terrain), "octets sans rangée")
    controle = commande(terrain, "verifier")
    bilan.exiger(controle.returncode == 0, f"verifier : {controle.stdout[-600:]}")


def commande(terrain: Terrain, nom: str, **reglages: str) -> subprocess.CompletedProcess[str]:
    """Run an operator command of the suite's stockage, with some settings of its own."""
    reglage = settings_of(terrain.suite.plan, terrain.suite.components)["stockage"]
    return subprocess.run(
        [sys.executable, "-m", "services.stockage.commandes", nom],
        env={**os.environ, **reglage, **reglages}, cwd=ROOT, capture_output=True, text=True,
        check=False, timeout=120,
    )  # fmt: skip


# --- a person


def _connectee(terrain: Terrain) -> Vie:
    life = Vie(terrain.portes[0], terrain.promesses)
    life.s_inscrire()
    life.activer()
    life.citoyen.se_connecter()
    return life


def _deposer(life: Vie, nom: str, octets: bytes) -> httpx.Response:
    return _envoyer(life.citoyen.http, nom, octets)


def _envoyer(
    http: httpx.Client, nom: str, octets: bytes, *, cle: dict[str, str] | None = None
) -> httpx.Response:
    return http.post(
        f"{API}/pieces",
        params={"nom_fichier": nom, "genre": "IDENTITE"},
        content=octets,
        headers={"Content-Type": "application/pdf", "Idempotency-Key": str(uuid4()), **(cle or {})},
        timeout=60,
    )


def _annoncer(
    terrain: Terrain, life: Vie, taille: int, *, envoyes: int, attendre: bool = True
) -> httpx.Response:
    """Announce so many bytes, send few of them, and listen to the answer or go away."""
    port = terrain.suite.plan.base
    tete = (
        f"POST {API}/pieces?nom_fichier=gros.pdf&genre=IDENTITE HTTP/1.1\r\n"
        f"Host: 127.0.0.1:{port}\r\nAuthorization: {life.citoyen.http.headers['Authorization']}\r\n"
        f"Idempotency-Key: {uuid4()}\r\nContent-Type: application/pdf\r\n"
        f"Content-Length: {taille}\r\n\r\n"
    )
    with socket.create_connection(("127.0.0.1", port), timeout=30) as connexion:
        connexion.sendall(tete.encode() + bytes(envoyes))
        if not attendre:
            return httpx.Response(499)
        recu = b""
        while part := connexion.recv(65536):
            recu += part
    statut = int(recu.split(b" ", 2)[1])
    return httpx.Response(statut, content=recu.partition(b"\r\n\r\n")[2])


def _exiger_refus(bilan: Bilan, nom: str, answer: httpx.Response) -> None:
    """One refusal of the person's own doing, with a code and a sentence in each language."""
    bilan.essais += 1
    bilan.exiger(400 <= answer.status_code < 500, f"{nom} : {answer.status_code}")
    phrases = re.findall(r'"message_(?:fr|en)":\s*"[^"]{10,}"', answer.text)
    bilan.exiger(
        len(phrases) >= 2 and "Traceback" not in answer.text, f"{nom} : {answer.text[:200]}"
    )


def _code(answer: httpx.Response) -> str:
    return str(answer.json().get("code", "")) if answer.content else ""


def _pieces(life: Vie) -> list[dict[str, str]]:
    found: list[dict[str, str]] = attendu(
        life.citoyen.http.get(f"{API}/pieces", params={"limite": 100}), 200
    )["pieces"]
    return found


def _lisible(life: Vie, piece: str) -> bool:
    answer = life.citoyen.http.get(f"{API}/pieces/{piece}/fichier")
    return answer.status_code == httpx.codes.OK and answer.content == kit.un_pdf()


SCENARIOS = (
    Scenario(
        "hostiles", "virus, archives, polyglottes, bombes, 0 octet, 5 Go, noms piégés, autrui",
        "une phrase claire, rien de gardé ni de lisible", _hostiles, 1,
    ),
    Scenario(
        "disque_plein", "disque plein au milieu d’un téléversement",
        "dit, rien à moitié, aucune place perdue, guéri dès qu’il y a de la place", _disque, 4,
    ),
    Scenario(
        "depot_tue", "kill -9 de stockage à chaque étape d’un téléversement",
        "un seul document par acte, aucun octet sans rangée", _tue, 8,
    ),
)  # fmt: skip
