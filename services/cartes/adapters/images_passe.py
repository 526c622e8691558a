"""Icons and logos of the pass, drawn at the start from the city's colours and initials.

A city that has its own drawings replaces these files; sizes are those of cartes.md 2.1.
"""

import io

from PIL import Image, ImageColor, ImageDraw, ImageFont

ECHELLES = (1, 2, 3)
_POINTS = {"icon": 38, "logo": 50}
CONTRASTE_MINIMAL = 4.5
"""WCAG 2.2, 1.4.3: text against its ground."""


class CouleursIllisibles(ValueError):
    """The city's two colours do not differ enough to be read."""


def rgb(couleur: str) -> tuple[int, int, int]:
    """Return red, green, blue of « #rrggbb »."""
    rouge, vert, bleu = ImageColor.getrgb(couleur)[:3]
    return rouge, vert, bleu


def verifier_contraste(fond: str, texte: str) -> None:
    """Check the card's colours. Raises: CouleursIllisibles."""
    clair, sombre = sorted((_luminance(fond), _luminance(texte)), reverse=True)
    if (clair + 0.05) / (sombre + 0.05) < CONTRASTE_MINIMAL:
        raise CouleursIllisibles(f"{texte} on {fond}: contrast under {CONTRASTE_MINIMAL}:1")


def _luminance(couleur: str) -> float:
    """Return the relative luminance of WCAG 2.2."""
    lineaires = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4  # noqa: PLR2004  (the constants of sRGB, IEC 61966-2-1)
        for part in (valeur / 255 for valeur in rgb(couleur))
    )
    poids = (0.2126, 0.7152, 0.0722)
    return sum(part * facteur for part, facteur in zip(lineaires, poids, strict=True))


def dessiner(*, fond: str, texte: str, initiales: str) -> dict[str, bytes]:
    """Return PNG bytes by file name: icon and logo at 1x, 2x and 3x."""
    images = {}
    for nom, points in _POINTS.items():
        for echelle in ECHELLES:
            suffixe = "" if echelle == 1 else f"@{echelle}x"
            cote = points * echelle
            images[f"{nom}{suffixe}.png"] = _pastille(cote, fond, texte, initiales)
    return images


def _pastille(cote: int, fond: str, texte: str, initiales: str) -> bytes:
    """Draw the initials in a disc of the text's colour, so that it shows on the card's ground."""
    image = Image.new("RGB", (cote, cote), rgb(fond))
    dessin = ImageDraw.Draw(image)
    dessin.ellipse((0, 0, cote - 1, cote - 1), fill=rgb(texte))
    police = ImageFont.load_default(size=cote * 0.45)
    dessin.text((cote / 2, cote / 2), initiales, font=police, fill=rgb(fond), anchor="mm")
    fichier = io.BytesIO()
    image.save(fichier, format="PNG", optimize=True)
    return fichier.getvalue()
