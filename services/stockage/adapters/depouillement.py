"""A PDF without anything that acts: what staff may download (R43).

Runs in the children of `bac_a_sable`. qpdf writes a new file of what can be reached from the pages,
and everything that a reader could run, open or send is taken away first.
"""

import io
from collections.abc import Callable, Iterator
from typing import BinaryIO

import pikepdf

from services.stockage.domain import PieceTronquee

# Wherever they stand: what runs by itself, scripts, dynamic forms, files carried along.
_CLES = (
    "/OpenAction",
    "/AA",
    "/JS",
    "/JavaScript",
    "/XFA",
    "/EmbeddedFiles",
    "/EF",
    "/AF",
    "/Collection",
    "/RichMediaContent",
    "/Launch",
)
# To move inside the document is the only act left; /URI would send the agent to a page of choice.
_ACTES_PERMIS = frozenset({"/GoTo"})
_ANNOTATIONS = frozenset(
    {"/FileAttachment", "/RichMedia", "/Screen", "/Movie", "/Sound", "/3D", "/PrinterMark"}
)
_BLOC = 64 * 1024


def depouiller(source: BinaryIO, ecrire: Callable[[bytes], None]) -> None:
    """Write a PDF again without its active content. Raises: PieceTronquee."""
    sortie = io.BytesIO()
    try:
        with pikepdf.open(source) as pdf:
            for objet in pdf.objects:
                for dictionnaire in _dictionnaires(objet):
                    _nettoyer(dictionnaire)
            for page in pdf.pages:
                _oter_annotations(page.obj)
            pdf.remove_unreferenced_resources()
            pdf.save(sortie, static_id=False, linearize=False)
    except (pikepdf.PdfError, ValueError, TypeError) as erreur:
        raise PieceTronquee(cause="ILLISIBLE") from erreur
    octets = sortie.getbuffer()
    for debut in range(0, len(octets), _BLOC):
        ecrire(bytes(octets[debut : debut + _BLOC]))


def _dictionnaires(objet: pikepdf.Object) -> Iterator[pikepdf.Object]:
    """Give the dictionaries written inside an object, itself included; others are on their own."""
    attente = [objet]
    while attente:
        lu = attente.pop()
        if isinstance(lu, pikepdf.Dictionary | pikepdf.Stream):
            yield lu
            enfants = [valeur for _, valeur in lu.items()]
        elif isinstance(lu, pikepdf.Array):
            enfants = list(lu)
        else:
            continue
        attente += [
            enfant
            for enfant in enfants
            if isinstance(enfant, pikepdf.Object) and not enfant.is_indirect
        ]


def _nettoyer(dictionnaire: pikepdf.Object) -> None:
    for cle in _CLES:
        if cle in dictionnaire:
            del dictionnaire[cle]
    # An action is known by its place, whatever else it says; /Next chains others behind it.
    for cle in ("/A", "/PA", "/Next"):
        acte = dictionnaire.get(cle)
        if isinstance(acte, pikepdf.Array) or (
            isinstance(acte, pikepdf.Dictionary)
            and "/S" in acte
            and str(acte.get("/S")) not in _ACTES_PERMIS
        ):
            del dictionnaire[cle]


def _oter_annotations(page: pikepdf.Object) -> None:
    annotations = page.get("/Annots")
    if not isinstance(annotations, pikepdf.Array):
        return
    gardees = [
        annotation
        for annotation in annotations
        if isinstance(annotation, pikepdf.Dictionary)
        and str(annotation.get("/Subtype")) not in _ANNOTATIONS
    ]
    page["/Annots"] = pikepdf.Array(gardees)
