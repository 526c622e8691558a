"""Texts: everything is translated, labels are the sources' own, spaces are where they belong."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.frontend import parse_mapping_cfg
from babel.messages.pofile import read_po

import passerelle

pytestmark = pytest.mark.unit

RACINE = Path(passerelle.__file__).parent.parent
DOSSIER = RACINE / "passerelle"


def _phrases() -> set[str]:
    with (RACINE / "babel.cfg").open(encoding="utf-8") as fichier:
        methods, options = parse_mapping_cfg(fichier)
    keywords = {"_": None, "gettext": None, "_l": None, "ngettext": (1, 2)}
    found = extract_from_dir(RACINE, methods, options, keywords=keywords)
    return {
        text
        for _, _, message, _, _ in found
        for text in (message if isinstance(message, tuple) else (message,))[:1]
    }


@pytest.fixture(scope="module")
def catalogue() -> Catalog:
    with (DOSSIER / "translations/en/LC_MESSAGES/messages.po").open("rb") as fichier:
        return read_po(fichier)


@pytest.mark.exigence("PAS-01")
def test_chaque_phrase_est_en_anglais(catalogue: Catalog) -> None:
    phrases = _phrases()
    assert len(phrases) > 200
    manquent = sorted(
        phrase for phrase in phrases if not (trouve := catalogue.get(phrase)) or not trouve.string
    )
    assert manquent == []


def test_le_catalogue_n_a_rien_de_trop(catalogue: Catalog) -> None:
    connues = _phrases()
    ids = {m.id[0] if isinstance(m.id, tuple) else m.id for m in catalogue if m.id}
    assert sorted(ids - connues) == []


def test_les_variables_sont_les_memes_dans_les_deux_langues(catalogue: Catalog) -> None:
    variables = re.compile(r"%\(\w+\)[sd]|\{\w+\}")
    for message in catalogue:
        if isinstance(message.id, str) and message.id:
            assert sorted(variables.findall(message.id)) == sorted(
                variables.findall(str(message.string))
            )


def test_les_deux_langues_ont_les_memes_pages() -> None:
    francais, anglais = (
        {page.name for page in (DOSSIER / "templates/textes" / langue).iterdir()}
        for langue in ("fr", "en")
    )
    assert francais == anglais


def test_les_espaces_insecables_sont_en_place() -> None:
    faute = re.compile(r"« | »|\w :(?=\s|$)|[a-zéè] [;!]")
    assert [phrase for phrase in sorted(_phrases()) if faute.search(phrase)] == []


def _etiquettes() -> Iterator[str]:
    glossaire = (RACINE / "docs/glossaire.md").read_text(encoding="utf-8")
    for ligne in glossaire.partition("## Terms")[0].splitlines():
        cellules = [cellule.strip() for cellule in ligne.split("|")]
        if len(cellules) > 3 and re.match(r"S[12], ", cellules[2]):
            yield cellules[1]


@pytest.mark.exigence("PAS-01")
def test_chaque_etiquette_du_glossaire_est_dans_une_page() -> None:
    sources = [
        *(DOSSIER / "templates").rglob("*.html"),
        *(DOSSIER / "portail").glob("*.py"),
        *(DOSSIER / "agents").glob("*.py"),
    ]
    texte = "\n".join(s.read_text(encoding="utf-8") for s in sources).replace("\u00a0", " ")
    etiquettes = list(_etiquettes())
    assert len(etiquettes) >= 40
    assert [etiquette for etiquette in etiquettes if etiquette not in texte] == []
