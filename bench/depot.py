"""``depot``, ``retrait`` and ``memoire_depot``: documents through the gateway, as a person's."""

from __future__ import annotations

import json
import os
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import psutil

from bench import octets, suite, terrain
from bench.ligne import Ligne
from deploy.plan import SPAN, Components, Plan
from tests.e2e.parcours.acces import Acces
from tests.e2e.parcours.mobile import API, Citoyen, attendu

_MB = 1000 * 1000
_GIO = 1 << 30
# Every limit that a city may raise, raised; the antivirus's own is the component's.
_REGLAGES = {
    "STOCKAGE_TAILLE_MAX_OCTETS": str(2 * _GIO),
    "STOCKAGE_QUOTA_OCTETS": str(64 * _GIO),
    "PASSERELLE_PIECE_MAX_OCTETS": str(2 * _GIO),
    "STOCKAGE_CLAMD_SILENCE_S": "600",
    "ESPACE_CLAMD_MO": "2000",
}
_CLIENTS = 4
_ESSAI_S = 900.0


@dataclass(frozen=True)
class Tailles:
    """How much is sent: one large document, some small ones, one huge one."""

    grand: int
    petit: int
    petits: int
    geant: int
    rondes: int


_ENTIER = Tailles(grand=100 * _MB, petit=200_000, petits=1000, geant=1000 * _MB, rondes=3)
_PETIT = Tailles(grand=2 * _MB, petit=50_000, petits=8, geant=4 * _MB, rondes=1)


class Banc:
    """A person with a session, documents on disk, and the documents that they stored."""

    def __init__(self, citoyen: Citoyen, plan: Plan, folder: Path, tailles: Tailles) -> None:
        self.plan, self.folder, self.tailles = plan, folder, tailles
        self._http = [
            httpx.Client(base_url=plan.url, timeout=_ESSAI_S, headers=dict(citoyen.http.headers))
            for _ in range(_CLIENTS)
        ]
        self.grand = [octets.document(folder / "grand.pdf", taille=tailles.grand)]
        self.petits = [
            octets.document(folder / f"petit-{n}.pdf", taille=tailles.petit)
            for n in range(tailles.petits)
        ]
        self.pieces: dict[str, list[str]] = {}

    def deposer(self, sources: Sequence[Path]) -> float:
        """Upload documents, some at a time. Returns: bytes per second."""
        deposees: list[str] = []

        def un(http: httpx.Client, source: Path) -> None:
            deposees.append(envoyer(http, source))

        vitesse = self._tous(un, sources)
        self.pieces[sources[0].name] = deposees
        return vitesse

    def retirer(self, sources: Sequence[Path]) -> float:
        """Download the same documents again. Returns: bytes per second."""

        def un(http: httpx.Client, piece: str) -> None:
            with http.stream("GET", f"{API}/pieces/{piece}/fichier") as answer:
                assert answer.status_code == httpx.codes.OK, answer.read()[:300]
                for _ in answer.iter_raw():
                    pass

        octets_lus = sum(source.stat().st_size for source in sources)
        began = time.perf_counter()
        self._partager(un, self.pieces[sources[0].name])
        return octets_lus / (time.perf_counter() - began)

    def temoin(self, sources: Sequence[Path]) -> float:
        """The machine's own pipeline over the same files."""
        return octets.pipeline(sources, self.folder)

    def oublier(self, sources: Sequence[Path]) -> None:
        """Delete what was uploaded, between two rounds."""
        for piece in self.pieces.pop(sources[0].name):
            self._http[0].delete(f"{API}/pieces/{piece}", headers=_cle())

    def fermer(self) -> None:
        """Close the connections."""
        for http in self._http:
            http.close()

    def _tous(self, un: Callable[[httpx.Client, Path], None], sources: Sequence[Path]) -> float:
        total = sum(source.stat().st_size for source in sources)
        began = time.perf_counter()
        self._partager(un, sources)
        return total / (time.perf_counter() - began)

    def _partager(self, un: Callable[[httpx.Client, Any], None], quoi: Sequence[Any]) -> None:
        with ThreadPoolExecutor(_CLIENTS) as fils:
            lots = [quoi[rang::_CLIENTS] for rang in range(_CLIENTS)]
            faits = [
                fils.submit(_chacun, un, http, lot)
                for http, lot in zip(self._http, lots, strict=True)
            ]
            for fait in faits:
                fait.result()


def _chacun(
    un: Callable[[httpx.Client, Any], None], http: httpx.Client, lot: Sequence[Any]
) -> None:
    for chose in lot:
        un(http, chose)


def envoyer(http: httpx.Client, source: Path) -> str:
    """Upload one document as a body, from the disk. Returns: its id, once it is sound."""
    with source.open("rb") as file:
        answer = http.post(
            f"{API}/pieces",
            params={"nom_fichier": source.name, "genre": "AUTRE"},
            content=iter(lambda: file.read(1 << 18), b""),
            headers={
                **_cle(), "Content-Type": "application/pdf",
                "Content-Length": str(source.stat().st_size),
            },
        )  # fmt: skip
    piece = attendu(answer, 201)
    assert piece["statut"] == "SAINE", piece
    return str(piece["piece_id"])


def mesurer(*, petit: bool, noms: frozenset[str]) -> Sequence[Ligne]:
    """Measure the rows on one suite."""
    tailles = _PETIT if petit else _ENTIER
    rows: list[Ligne] = []
    with tempfile.TemporaryDirectory(prefix="espace-banc-") as name, _reglages():
        folder = Path(name)
        plan = Plan(folder=folder / "suite", base=terrain.ports(SPAN))
        with suite._running(plan):  # noqa: SLF001 - the same suite as the other rows
            banc = Banc(_citoyen(plan), plan, folder, tailles)
            if noms & {"depot", "retrait"}:
                rows += _vitesses(banc)
            if "memoire_depot" in noms:
                rows.append(_memoire(banc))
            banc.fermer()
    return rows


def _vitesses(banc: Banc) -> list[Ligne]:
    """Both sizes in turn with the machine's own pipeline; the worse of the two ratios counts."""
    rondes: dict[str, list[tuple[float, float]]] = {"depot": [], "retrait": []}
    # A first round that does not count: clamd then knows the bytes (bench/README.md).
    for ronde in range(banc.tailles.rondes + 1):
        pires: dict[str, tuple[float, float]] = {}
        for sources in (banc.grand, banc.petits):
            mesures = {
                "depot": (banc.deposer(sources), banc.temoin(sources)),
                "retrait": (banc.retirer(sources), banc.temoin(sources)),
            }
            banc.oublier(sources)
            for nom, paire in mesures.items():
                print(
                    f"    {nom} {len(sources)} × {sources[0].stat().st_size / _MB:.2f} Mo :"
                    f" {paire[0] / _MB:.1f} / {paire[1] / _MB:.1f} Mo/s",
                    flush=True,
                )
                pires[nom] = min(pires.get(nom, paire), paire, key=lambda p: p[0] / p[1])
        if ronde:
            for nom, paire in pires.items():
                rondes[nom].append((paire[0] / _MB, paire[1] / _MB))
    return [
        Ligne(
            nom=nom,
            valeur=statistics.median(a for a, _ in paires),
            unite="Mo/s",
            reference=statistics.median(b for _, b in paires),
            ratio=statistics.median(a / b for a, b in paires),
            but=0.70,
            plancher=0.50,
            rondes=tuple(paires),
        )
        for nom, paires in rondes.items()
    ]


def _memoire(banc: Banc) -> Ligne:
    """Growth of the fattest of our processes while one huge document comes and goes."""
    envoyer(banc._http[0], banc.grand[0])  # noqa: SLF001 - what a first document loads is not growth
    geant = octets.document(banc.folder / "geant.pdf", taille=banc.tailles.geant)
    # The parser of the last document may be ending: it has no memory any more.
    processus = [each for each in _processus(banc.plan) if "VmRSS" in _memoires(each)]
    avant = {each.pid: _memoires(each)["VmRSS"] for each in processus}
    for each in processus:
        # 5: the peak that the kernel remembers starts again from now (proc(5)).
        Path(f"/proc/{each.pid}/clear_refs").write_text("5")
    piece = envoyer(banc._http[0], geant)  # noqa: SLF001 - its own client
    with banc._http[0].stream("GET", f"{API}/pieces/{piece}/fichier") as answer:  # noqa: SLF001
        for _ in answer.iter_raw():
            pass
    apres = {each: _memoires(each).get("VmHWM", 0) for each in processus}
    croissances = {each: (apres[each] - avant[each.pid]) / _MB for each in processus}
    gros, value = max(croissances.items(), key=lambda paire: paire[1])
    print(f"    le plus gros : {' '.join(gros.cmdline())[-60:]}", flush=True)
    value = max(value, 0.1)
    return Ligne(
        nom="memoire_depot", valeur=value, unite="Mo", reference=None, ratio=value, but=16,
        plancher=32, moins_est_mieux=True, rondes=((value, None),),
    )  # fmt: skip


def _memoires(processus: psutil.Process) -> dict[str, int]:
    lignes = Path(f"/proc/{processus.pid}/status").read_text().splitlines()
    champs = dict(ligne.split(":", 1) for ligne in lignes if ligne.startswith("Vm"))
    return {nom: int(valeur.split()[0]) * 1024 for nom, valeur in champs.items()}


def _processus(plan: Plan) -> list[psutil.Process]:
    """The processes that see the bytes: stockage with its parsers, and the gateway's worker."""
    known: dict[str, int] = json.loads((plan.folder / "etat.json").read_text())["processus"]
    tetes = [psutil.Process(known[nom]) for nom in ("stockage.serve", "passerelle")]
    return [each for tete in tetes for each in (tete, *tete.children(recursive=True))]


def _citoyen(plan: Plan) -> Citoyen:
    passwords: dict[str, str] = json.loads((plan.folder / "comptes.json").read_text())
    agent = "agent.exemple@exemple.test"
    acces = Acces(
        portail=plan.url,
        courrier=Components(plan).mailbox.api_url,
        agent=(agent, passwords[agent]),
        racine=plan.keys.apple / "racine.pem",
        compte_google=plan.keys.google,
    )
    citoyen = Citoyen.nouveau(acces)
    citoyen.s_inscrire()
    citoyen.activer()
    citoyen.se_connecter()
    return citoyen


def _cle() -> dict[str, str]:
    return {"Idempotency-Key": str(uuid4())}


@contextmanager
def _reglages() -> Iterator[None]:
    """Raise the limits for the suite that starts in the block."""
    avant = {nom: os.environ.get(nom) for nom in _REGLAGES}
    os.environ.update(_REGLAGES)
    try:
        yield
    finally:
        for nom, valeur in avant.items():
            if valeur is None:
                del os.environ[nom]
            else:
                os.environ[nom] = valeur
