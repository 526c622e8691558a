"""The security code as a picture and as a voice, both made here (IDN-03)."""

import os
import random
import struct
import subprocess
import wave
from array import array
from collections.abc import Mapping
from io import BytesIO
from pathlib import Path
from typing import Final

from captcha.image import ImageCaptcha

from services.identite.domain.defi import SonIndisponible

_LARGEUR: Final = 280
_HAUTEUR: Final = 90
_VOIX: Final = {"fr": "fr", "en": "en-us"}
# Slower than speech: each sign is written down while it is said.
_MOTS_PAR_MINUTE: Final = "135"
_PAUSE_CENTIEMES: Final = "6"
_DELAI_S: Final = 5.0
# The hiss under the voice, of 32,767. It hinders machines more than ears.
_SOUFFLE: Final = 900
_ENTETE_WAV: Final = 44
# A letter alone is easily taken for another; the word after it is not.
_MOTS: Final[Mapping[str, Mapping[str, str]]] = {
    "fr": {
        "A": "A comme arbre", "C": "C comme citron", "F": "F comme forêt", "H": "H comme hiver",
        "K": "K comme kayak", "L": "L comme lune", "R": "R comme rivière", "T": "T comme tulipe",
        "X": "X comme xylophone", "Y": "Y comme yoga",
    },
    "en": {
        "A": "A as in apple", "C": "C as in candle", "F": "F as in forest", "H": "H as in house",
        "K": "K as in kayak", "L": "L as in lemon", "R": "R as in river", "T": "T as in tulip",
        "X": "X as in x-ray", "Y": "Y as in yellow",
    },
}  # fmt: skip
_DEBUT: Final = {"fr": "Le code est", "en": "The code is"}
_ENCORE: Final = {"fr": "Je répète", "en": "Once more"}


class _Dessin(ImageCaptcha):
    """Letters that people can tell apart: dark, hardly leaning, side by side."""

    # How dark a sign is, from the lightness of its colour: the library's own makes ours pale.
    lookup_table = tuple(min(255, valeur * 8) for valeur in range(256))  # type: ignore[assignment]
    character_rotate = (-18, 18)
    character_warp_dx = (0.05, 0.15)
    character_warp_dy = (0.1, 0.2)
    word_space_probability = 0.0
    word_offset_dx = 0.05


class CodeSecurite:
    """Draws codes with Pillow and says them with espeak-ng; no other host takes part."""

    def __init__(self, *, programme: Path | None, bibliotheques: str, donnees: Path | None) -> None:
        self._programme = programme
        self._environnement = dict(os.environ)
        if bibliotheques:
            self._environnement["LD_LIBRARY_PATH"] = bibliotheques
        if donnees is not None:
            self._environnement["ESPEAK_DATA_PATH"] = str(donnees)

    def image(self, code: str) -> bytes:
        """Draw a code as a PNG of 280 by 90 pixels."""
        sortie = BytesIO()
        dessin = _Dessin(width=_LARGEUR, height=_HAUTEUR, font_sizes=(54, 60, 66))
        dessin.generate_image(code, bg_color=(255, 255, 255), fg_color=(0, 39, 63)).save(
            sortie, "PNG"
        )
        return sortie.getvalue()

    def son(self, code: str, langue: str) -> bytes:
        """Say a code twice, slowly, over a hiss, as a WAV.

        Raises: SonIndisponible.
        """
        if self._programme is None:
            raise SonIndisponible
        langue = langue if langue in _VOIX else "fr"
        signes = ". ".join(_MOTS[langue].get(signe, signe) for signe in code)
        texte = f"{_DEBUT[langue]}: {signes}. {_ENCORE[langue]}: {signes}."
        try:
            dit = subprocess.run(  # noqa: S603  (our own program; the text comes by its input)
                [
                    str(self._programme), "--stdin", "--stdout", "-v", _VOIX[langue],
                    "-s", _MOTS_PAR_MINUTE, "-g", _PAUSE_CENTIEMES,
                ],
                input=texte.encode(),
                capture_output=True,
                timeout=_DELAI_S,
                env=self._environnement,
                check=True,
            )  # fmt: skip
        except (OSError, subprocess.SubprocessError) as error:
            raise SonIndisponible from error
        return _souffler(dit.stdout)


def _souffler(son: bytes) -> bytes:
    """Add a hiss to a WAV of 16-bit mono samples, and write its true length.

    A WAV that was written to a pipe says that it is endless, which some players refuse.
    """
    (frequence,) = struct.unpack_from("<I", son, 24)
    voix = array("h", son[_ENTETE_WAV : _ENTETE_WAV + (len(son) - _ENTETE_WAV) // 2 * 2])
    hasard = random.SystemRandom()
    # One second of hiss, from a place that changes: a random number per sample would take longer
    # than the voice itself.
    souffle = array("h", (hasard.randint(-_SOUFFLE, _SOUFFLE) for _ in range(frequence)))
    debut = hasard.randrange(frequence)
    melange = array(
        "h",
        (
            max(-32_768, min(32_767, signe + souffle[(debut + rang) % frequence]))
            for rang, signe in enumerate(voix)
        ),
    )
    sortie = BytesIO()
    with wave.open(sortie, "wb") as fichier:
        fichier.setnchannels(1)
        fichier.setsampwidth(2)
        fichier.setframerate(frequence)
        fichier.writeframes(melange.tobytes())
    return sortie.getvalue()
