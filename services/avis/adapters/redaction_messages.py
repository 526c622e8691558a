"""Words of SMS and calls: Jinja sources in `gabarits/messages/`, one per text, channel, language.

French spaces are written plain in the sources and become no-break ones here. A spoken code is read
twice, digit by digit (R24): the commas between the digits are pauses.
"""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined, TemplateNotFound

from services.avis.domain import Canal, GabaritInconnu, Langue

GABARITS: Final = Path(__file__).parent.parent / "gabarits" / "messages"
_INSECABLE: Final = re.compile(r"(?<=«) | (?=[:»])")
_NOM: Final = re.compile(r"[a-z_]+")


class RedactionMessages:
    """Writes the messages of one city."""

    def __init__(self, *, ville: str) -> None:
        self._ville = ville
        # No markup: a phone shows or says these words as they are.
        self._sources = Environment(
            loader=FileSystemLoader(GABARITS),
            autoescape=False,  # noqa: S701
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )

    def ecrire(
        self, *, gabarit: str, canal: Canal, langue: Langue, donnees: Mapping[str, str]
    ) -> str:
        """Write one text, on one line.

        Raises: GabaritInconnu.
        """
        if _NOM.fullmatch(gabarit) is None:
            raise GabaritInconnu(gabarit)
        try:
            source = self._sources.get_template(f"{gabarit}.{canal}.{langue}.j2")
        except TemplateNotFound as error:
            raise GabaritInconnu(gabarit) from error
        code = donnees.get("code", "")
        texte = source.render(ville=self._ville, code=code, chiffres=", ".join(code))
        return _INSECABLE.sub("\u00a0", " ".join(texte.split()))
