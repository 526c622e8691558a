"""A document on its way from stockage to the browser, block by block.

A stored file is always an attachment; only the preview, a clean PNG that stockage draws, is shown
inline (STO-03).
"""

from collections.abc import Generator, Iterator
from typing import Final
from urllib.parse import quote

from flask import Response

from chassis.grpc_client import RemoteError
from espacecitoyen.stockage.v1 import stockage_service_pb2 as stockage
from passerelle import clients, session

_NAME_MAX: Final = 80
# Opened by itself, a document may run nothing and reach nobody.
_CSP: Final = "default-src 'none'; sandbox; frame-ancestors 'none'"


def send(
    piece_id: str, *, apercu: bool = False, page: int = 0, dossier_id: str = "", purpose: str = ""
) -> Response:
    """Stream a document of stockage to the browser.

    Args:
        piece_id: the document.
        apercu: True for the preview image of one page.
        page: page of the preview, from 1; 0 means 1.
        dossier_id: staff only, the case that holds a reference to the document.
        purpose: staff only, why it is read ("validation_carte").

    Raises:
        RemoteError: stockage refused; nothing was sent yet.
    """
    services = clients.current()
    variante = stockage.VARIANTE_PIECE_APERCU if apercu else stockage.VARIANTE_PIECE_FICHIER
    answers = services.stockage.stream(
        lambda s: s.LirePiece,
        stockage.LirePieceRequest(
            piece_id=piece_id,
            variante=variante,
            page=page,
            dossier_id=dossier_id,
            lecteur_nom=_reader() if dossier_id else "",
        ),
        token=services.token(purpose),
        deadline=services.config.delai_lecture_s,
    )
    # The first answer is awaited here, while an error can still be a status.
    entete = next(answers).entete
    response = Response(_blocks(answers), mimetype=entete.type_media or "application/octet-stream")
    # A reader that leaves, or that only asked for the headers, ends the call.
    if isinstance(answers, Generator):
        response.call_on_close(answers.close)
    response.headers["Content-Disposition"] = disposition(entete.nom_fichier, inline=apercu)
    response.headers["Content-Security-Policy"] = _CSP
    response.headers["Cache-Control"] = "no-store"
    if entete.taille_octets:
        response.content_length = entete.taille_octets
    return response


def _reader() -> str:
    """Return the name that the watermark of a staff view bears."""
    visit = session.current_visit()
    return f"{visit.prenom} {visit.nom}".strip()[:_NAME_MAX]


def disposition(nom_fichier: str, *, inline: bool = False) -> str:
    """Return a Content-Disposition (RFC 6266) whose name cannot break out of the header."""
    kind = "inline" if inline else "attachment"
    name = "".join(letter for letter in nom_fichier if letter.isprintable()) or "document"
    plain = "".join(
        letter if letter.isascii() and letter not in '"\\%/' else "_" for letter in name
    )
    return f"{kind}; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"


def _blocks(answers: Iterator[stockage.LirePieceResponse]) -> Iterator[bytes]:
    """Yield the bytes; an error in the middle cuts the answer short of its announced length."""
    try:
        for answer in answers:
            yield answer.bloc
    except RemoteError as error:
        raise ConnectionAbortedError(error.reason) from None
