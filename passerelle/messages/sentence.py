"""The shape of a sentence that people read."""

from typing import NamedTuple


class Sentence(NamedTuple):
    """One sentence in both languages; no-break spaces are written as escapes to be seen."""

    fr: str
    en: str
