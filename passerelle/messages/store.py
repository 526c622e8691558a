"""The store of documents and its keys, when they cannot serve."""

from collections.abc import Mapping
from typing import Final

from passerelle.messages.sentence import Sentence

MESSAGES: Final[Mapping[str, Sentence]] = {
    "ENTREPOT_INDISPONIBLE": Sentence(
        "Les documents sont momentanément inaccessibles. Rien n’a été perdu ni conservé à moitié. "
        "Veuillez réessayer dans quelques minutes.",
        "Documents cannot be reached at the moment. Nothing was lost or half kept. Please try "
        "again in a few minutes.",
    ),
    "ESPACE_PLEIN": Sentence(
        "La ville manque momentanément de place pour recevoir des documents. Ce fichier n’a pas "
        "été conservé. Veuillez réessayer plus tard.",
        "The city has no room for documents at the moment. This file was not kept. Please try "
        "again later.",
    ),
    "CLE_EFFACEE": Sentence(
        "Les documents de ce compte ont été effacés pour toujours. Aucun ne peut être lu ni "
        "ajouté.",
        "The documents of this account were erased for good. None can be read or added.",
    ),
}
