"""Client of the parser processes (`bac_a_sable`)."""

import base64
import json
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, Self

from services.stockage.adapters.cadres import CADRE, DONNEES, LONGUEUR, PANNE, recevoir
from services.stockage.domain import (
    Bornes,
    Constat,
    ControleImpossible,
    ControleIndisponible,
    DonneesInvalides,
    FaitStockage,
    PieceAlteree,
    PieceTronquee,
    PieceTropGrande,
    TypeMedia,
    TypeNonAccepte,
)
from services.stockage.use_cases.ports import EntrepotIndisponible, Lecture

# A clean image may be larger than what came (a PNG that was packed harder), never without end.
SORTIE_MAX = 256 * 1024 * 1024
CADRE_MAX = 64 * 1024 * 1024
# The child is killed by the model at its delay; this is for a model that died meanwhile.
MARGE_S = 5.0
_RACINE = Path(__file__).resolve().parents[3]
_FAITS: dict[str, type[FaitStockage]] = {
    fait.raison: fait for fait in (PieceAlteree, PieceTronquee, PieceTropGrande, TypeNonAccepte)
}


class AnalyseurIsole:
    """`Analyseur` whose parsers run in children of a model process, some at a time.

    The model starts at the first use and again after its death; `close` ends it.
    """

    def __init__(
        self,
        *,
        bornes: Bornes,
        memoire_octets: int,
        cpu_s: int,
        delai_s: float,
        simultanes: int,
    ) -> None:
        self._bornes = bornes
        self._arguments = [str(memoire_octets), str(cpu_s), str(delai_s)]
        self._delai_s = delai_s
        self._places = threading.BoundedSemaphore(simultanes)
        self._verrou = threading.Lock()
        self._modele: subprocess.Popen[bytes] | None = None
        self._controle: socket.socket | None = None

    def assainir(
        self, lecture: Lecture, type_media: TypeMedia, ecrire: Callable[[bytes], None]
    ) -> Constat:
        """Parse a document and write its clean form, if its type has one."""
        resultat = self._demander(lecture, ecrire, acte="assainir", type=type_media.value)
        return Constat(
            type_media=type_media,
            pages=int(resultat["pages"]),
            reecrit=bool(resultat["reecrit"]),
        )

    def apercu(
        self, lecture: Lecture, type_media: TypeMedia, page: int, filigrane: tuple[str, ...] = ()
    ) -> bytes:
        """Render a page as a PNG, with those lines all over it."""
        image = bytearray()
        self._demander(
            lecture,
            image.extend,
            acte="apercu",
            type=type_media.value,
            page=page,
            filigrane=filigrane,
        )
        return bytes(image)

    def depouiller(self, lecture: Lecture) -> bytes:
        """Rebuild a PDF without anything active."""
        fichier = bytearray()
        self._demander(lecture, fichier.extend, acte="depouiller", type=TypeMedia.PDF.value)
        return bytes(fichier)

    def demarrer(self) -> None:
        """Start the model now, so that the first document does not wait for it."""
        with self._verrou:
            self._assurer_modele()

    def close(self) -> None:
        """End the model; the jobs under way fail."""
        with self._verrou:
            self._arreter_modele()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _demander(
        self, lecture: Lecture, ecrire: Callable[[bytes], None], **demande: object
    ) -> dict[str, Any]:
        if not self._places.acquire(timeout=self._delai_s):
            raise ControleIndisponible("parsers are busy")
        try:
            return self._dialoguer(lecture, ecrire, demande)
        finally:
            self._places.release()

    def _dialoguer(
        self, lecture: Lecture, ecrire: Callable[[bytes], None], demande: dict[str, object]
    ) -> dict[str, Any]:
        partage = lecture.partage()
        message = json.dumps(
            {
                **demande,
                "cle": base64.b64encode(partage.cle).decode(),
                "contexte": base64.b64encode(partage.contexte).decode(),
                "pixels": self._bornes.pixels,
                "pages": self._bornes.pages,
            }
        ).encode()
        ici, labas = socket.socketpair()
        with ici:
            with labas:
                self._confier(labas.fileno(), partage.descripteur)
            ici.settimeout(self._delai_s + MARGE_S)
            try:
                ici.sendall(LONGUEUR.pack(len(message)) + message)
                resultat = _ecouter(ici, ecrire)
            except TimeoutError as erreur:
                raise ControleImpossible("parsers") from erreur
            except ConnectionError as erreur:
                # The document killed its parser: too much memory, too long, or a fault in it.
                raise PieceTronquee(cause="ILLISIBLE") from erreur
        return _comprendre(resultat)

    def _confier(self, *descripteurs: int) -> None:
        """Hand the job to the model, a new one when the old one is dead."""
        with self._verrou:
            for essai in (1, 2):
                controle = self._assurer_modele()
                try:
                    socket.send_fds(controle, [b"\0"], descripteurs)
                except OSError as erreur:
                    self._arreter_modele()
                    if essai > 1:
                        raise ControleIndisponible("parsers") from erreur
                else:
                    return

    def _assurer_modele(self) -> socket.socket:
        if self._controle is not None:
            return self._controle
        ici, labas = socket.socketpair()
        with labas:
            self._modele = subprocess.Popen(  # noqa: S603 - this Python and a module of ours
                [sys.executable, "-m", "services.stockage.adapters.bac_a_sable", *self._arguments],
                stdin=labas.fileno(),
                stdout=subprocess.DEVNULL,
                # No setting reaches it, above all not the master key.
                env={"PYTHONPATH": os.pathsep.join((str(_RACINE), *filter(None, sys.path)))},
                cwd="/",
            )
        self._controle = ici
        return ici

    def _arreter_modele(self) -> None:
        if self._controle is not None:
            self._controle.close()
            self._controle = None
        if self._modele is not None:
            self._modele.terminate()
            self._modele.wait()
            self._modele = None


def _ecouter(prise: socket.socket, ecrire: Callable[[bytes], None]) -> dict[str, Any]:
    """Pass the data on and give the result back. The child is hostile: every length is bounded."""
    total = 0
    while True:
        sorte, longueur = CADRE.unpack(recevoir(prise, CADRE.size))
        total += longueur
        if longueur > CADRE_MAX or total > SORTIE_MAX:
            raise PieceTronquee(cause="ILLISIBLE")
        donnees = recevoir(prise, longueur)
        if sorte != DONNEES:
            return dict(json.loads(donnees))
        ecrire(donnees)


def _comprendre(resultat: dict[str, Any]) -> dict[str, Any]:
    raison = resultat.get("raison")
    if raison is None:
        return resultat
    if raison == PANNE:
        raise EntrepotIndisponible
    details = {str(nom): str(valeur) for nom, valeur in resultat["details"].items()}
    if raison == DonneesInvalides.raison:
        raise DonneesInvalides(details)
    raise _FAITS[raison](**details)
