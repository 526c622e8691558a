"""The watermark of what staff looks at: who, when and why, all over the page (STO-05).

Runs in the children of `bac_a_sable`. A copy that leaves the office, photographed or printed, says
whose it was, wherever it is cut.
"""

import math
import unicodedata
from collections.abc import Sequence

from PIL import Image, ImageDraw, ImageFont

# Half transparent: the paper stays readable under it, and it stays visible over black and white.
_ENCRE = (190, 0, 0, 110)
_HALO = (255, 255, 255, 110)
_RIEN = (0, 0, 0, 0)
_ANGLE = 30.0
# Letters per side of the page.
_PART = 60
_LIGATURES = str.maketrans({"œ": "oe", "Œ": "OE", "æ": "ae", "Æ": "AE"})
# Loaded with this module, hence in the model: a confined child opens no file.
_POLICES = {taille: ImageFont.load_default(taille) for taille in (12, 16, 20, 26, 33)}


def filigraner(image: Image.Image, lignes: Sequence[str]) -> Image.Image:
    """Write lines all over an image, aslant. Returns: it, or the image itself without lines."""
    if not lignes:
        return image
    taille = _taille(max(image.size))
    motif = _motif("\n".join(map(_lisible, lignes)), taille)
    # Drawn straight on a square that covers the page when it is turned.
    cote = math.ceil(math.hypot(*image.size))
    calque = Image.new("RGBA", (cote, cote), _RIEN)
    pas_x, pas_y = motif.width + 4 * taille, motif.height + 3 * taille
    for rang, y in enumerate(range(0, cote, pas_y)):
        # Every second row is moved, so that no straight cut avoids the lines.
        for x in range(-(pas_x // 2) * (rang % 2), cote, pas_x):
            calque.paste(motif, (x, y))
    calque = calque.rotate(_ANGLE, resample=Image.Resampling.BICUBIC)
    gauche, haut = (cote - image.width) // 2, (cote - image.height) // 2
    calque = calque.crop((gauche, haut, gauche + image.width, haut + image.height))
    return Image.alpha_composite(image.convert("RGBA"), calque).convert("RGB")


def _taille(cote: int) -> int:
    """Give the size of the letters, in pixels, for the longest side of a page."""
    voulue = max(cote // _PART, min(_POLICES))
    return max(taille for taille in _POLICES if taille <= voulue)


def _motif(texte: str, taille: int) -> Image.Image:
    """Draw the lines once."""
    police = _POLICES[taille]
    mesure = ImageDraw.Draw(Image.new("L", (1, 1)))
    _, _, droite, bas = mesure.multiline_textbbox((1, 1), texte, font=police, stroke_width=1)
    motif = Image.new("RGBA", (int(droite) + 2, int(bas) + 2), _RIEN)
    ImageDraw.Draw(motif).multiline_text(
        (1, 1), texte, font=police, fill=_ENCRE, stroke_width=1, stroke_fill=_HALO
    )
    return motif


def _lisible(ligne: str) -> str:
    """Spell a line with the letters of the font, which has no accents."""
    decompose = unicodedata.normalize("NFKD", ligne.translate(_LIGATURES))
    return "".join(signe for signe in decompose if " " <= signe <= "~")
