"""A document on its way from the browser to stockage, in constant memory.

Guarantee: no byte of a document is written to the gateway's disk, at most five blocks of 256 KiB
are in memory, and a body that stops early, is too large or holds a second file ends in a message
that stockage must refuse, so that it stores nothing.

The request's thread reads and decodes the body; another thread runs the call and takes the blocks
from a short queue. Only the first one ever touches the client's socket: when stockage refuses
early, nobody is left reading behind the answer.
"""

import contextvars
import queue
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Final, Generic, TypeVar

from flask import Request, g
from werkzeug.datastructures import Headers
from werkzeug.exceptions import ClientDisconnected, RequestEntityTooLarge
from werkzeug.sansio.multipart import (
    Data,
    Epilogue,
    Event,
    Field,
    File,
    MultipartDecoder,
    NeedData,
)

from espacecitoyen.stockage.v1 import stockage_service_pb2 as stockage
from passerelle import clients, security
from passerelle.problems import Problem

R = TypeVar("R")
BLOCK: Final = 256 * 1024
# Room for the fields and the boundaries around the file.
OVERHEAD: Final = 64 * 1024
_QUEUE_BLOCKS: Final = 4
_FIELD_MAX: Final = 4096
_FIELDS_MAX: Final = 20
_POLL_S: Final = 0.05
# Ends the blocks of a body that came whole; no block is empty.
WHOLE: Final = b""
GENRES: Final = {
    "": stockage.GENRE_PIECE_UNSPECIFIED,
    "IDENTITE": stockage.GENRE_PIECE_IDENTITE,
    "RESIDENCE": stockage.GENRE_PIECE_RESIDENCE,
    "AUTRE": stockage.GENRE_PIECE_AUTRE,
}


@dataclass
class Upload:
    """One file of a request body.

    Attributes:
        fields: the form fields that came before the file, by name.
        nom_fichier: name the client gave, "" when it gave none; a label only (R45).
        taille_octets: announced size, 0 when the client did not say.
        blocks: the bytes, in blocks of at most 256 KiB; to be read once. It raises Problem
            (PIECE_TROP_GRANDE, PIECE_TRONQUEE, UNE_SEULE_PIECE, FORMULAIRE_MALFORME).
    """

    nom_fichier: str
    taille_octets: int
    blocks: Iterator[bytes]
    fields: dict[str, str] = field(default_factory=dict)


def receive(request: Request, *, maximum: int) -> Upload:
    """Read a body up to its file: `multipart/form-data` (fields first) or the raw bytes.

    A view that uses it for a form carries `@security.streams_upload`; the anti-forgery token is
    then checked here, as the field `csrf_token`.

    Args:
        request: the current request; nothing may have read its body.
        maximum: bytes that the file may have.

    Raises:
        Problem: PIECE_REQUISE, PIECE_TROP_GRANDE, FORMULAIRE_MALFORME, FORMULAIRE_PERIME.
    """
    multipart = request.mimetype == "multipart/form-data"
    allowed = maximum + (OVERHEAD if multipart else 0)
    if (request.content_length or 0) > allowed:
        raise Problem("PIECE_TROP_GRANDE")
    # One more byte than allowed is read before the limit of the framework would cut.
    request.max_content_length = allowed + BLOCK
    if multipart:
        return _multipart(request, maximum)
    fields = {name: value for name, value in request.args.items() if len(value) <= _FIELD_MAX}
    return Upload(
        nom_fichier=fields.pop("nom_fichier", ""),
        taille_octets=request.content_length or 0,
        blocks=_limited(_Body(request).blocks(), maximum),
        fields=fields,
    )


def raw(request: Request, *, maximum: int) -> Iterator[bytes]:
    """Return the bytes of a body that is nothing else, in blocks, to be read once.

    Raises:
        Problem: PIECE_TROP_GRANDE now; PIECE_TROP_GRANDE, PIECE_TRONQUEE while it is read.
    """
    if (request.content_length or 0) > maximum:
        raise Problem("PIECE_TROP_GRANDE")
    request.max_content_length = maximum + BLOCK
    return _limited(_Body(request).blocks(), maximum)


def deposit(request: Request, *, request_id: str = "", remplace: str = "") -> stockage.Piece:
    """Receive one document and store it; used by the portal and by the API.

    Args:
        request: the current request; nothing may have read its body.
        request_id: of the act; the field of the same name when it is empty.
        remplace: the document that this file is the next version of.

    Form fields (or query parameters of a raw body): `genre` (IDENTITE, RESIDENCE, AUTRE),
    `libelle`, `valide_jusqu_au` (ISO date), `request_id` when the argument is empty.

    Returns: the stored document; its statut is EN_ANALYSE while the antivirus is away.

    Raises:
        Problem: as `receive` and `Upload.blocks`.
        RemoteError: stockage refused it.
    """
    services = clients.current()
    upload = receive(request, maximum=services.config.piece_max_octets)
    genre = upload.fields.get("genre", "")
    if genre not in GENRES:
        raise Problem("DONNEES_INVALIDES", fields={"genre": "GENRE_INVALIDE"})
    entete = stockage.EntetePiece(
        request_id=request_id or upload.fields.get("request_id", ""),
        nom_fichier=upload.nom_fichier,
        genre=GENRES[genre],
        libelle=upload.fields.get("libelle", ""),
        valide_jusqu_au=upload.fields.get("valide_jusqu_au", ""),
        taille_octets=upload.taille_octets,
        remplace_piece_id=remplace,
    )
    token = services.token()

    def call(items: Iterator[bytes]) -> stockage.DeposerPieceResponse:
        answer: stockage.DeposerPieceResponse = services.stockage.upload(
            lambda s: s.DeposerPiece,
            _requests(entete, items),
            token=token,
            deadline=services.config.delai_depot_s,
        )
        return answer

    return Transfer(call).run(upload.blocks).piece


class Transfer(Generic[R]):
    """One streaming call, made by another thread and fed from the request's."""

    def __init__(self, call: Callable[[Iterator[bytes]], R]) -> None:
        """Take the call: it is given the blocks, then b"" when the body came whole."""
        self._send = call
        self._queue: queue.Queue[bytes | Exception] = queue.Queue(_QUEUE_BLOCKS)
        self._answer: Future[R] = Future()

    def run(self, blocks: Iterator[bytes]) -> R:
        """Feed the call and return its answer. Raises what the body or the call raises."""
        context = contextvars.copy_context()
        thread = threading.Thread(target=context.run, args=(self._call,), name="depot")
        thread.start()
        try:
            wanted = True
            for block in blocks:
                # After an early refusal the rest is read and thrown away: a browser listens to
                # the answer only once it has sent everything.
                wanted = wanted and self._put(block)
            self._put(WHOLE)
        except Exception as failure:
            self._put(failure)
            # Stockage's own refusal would only repeat it.
            self._answer.exception()
            raise
        finally:
            thread.join()
        return self._answer.result()

    def _put(self, item: bytes | Exception) -> bool:
        """Hand one item over; False when the call has ended and wants no more."""
        while not self._answer.done():
            try:
                self._queue.put(item, timeout=_POLL_S)
            except queue.Full:
                continue
            return True
        return False

    def _call(self) -> None:
        try:
            answer = self._send(self._items())
        except Exception as error:  # noqa: BLE001 - handed to the request's thread
            self._answer.set_exception(error)
        else:
            self._answer.set_result(answer)

    def _items(self) -> Iterator[bytes]:
        while True:
            try:
                item = self._queue.get(timeout=1.0)
            except queue.Empty:
                if self._answer.done():
                    return
                continue
            if isinstance(item, Exception):
                return
            yield item
            if item == WHOLE:
                return


def _requests(
    entete: stockage.EntetePiece, items: Iterator[bytes]
) -> Iterator[stockage.DeposerPieceRequest]:
    yield stockage.DeposerPieceRequest(entete=entete)
    sent = 0
    for item in items:
        if item == WHOLE:
            # Nothing is stored without it: a stream that ends otherwise was cut.
            yield stockage.DeposerPieceRequest(fin=stockage.FinPiece(taille_octets=sent))
            return
        sent += len(item)
        yield stockage.DeposerPieceRequest(bloc=item)


class _Body:
    """The request's body in blocks, with its end checked."""

    def __init__(self, request: Request) -> None:
        self._stream = request.stream
        self._announced = request.content_length
        self._read = 0

    def read(self) -> bytes:
        """Return at most one block, b"" at the end.

        Raises:
            Problem: PIECE_TRONQUEE when the client went away, PIECE_TROP_GRANDE.
        """
        try:
            data = self._stream.read(BLOCK)
        except RequestEntityTooLarge:
            raise Problem("PIECE_TROP_GRANDE") from None
        except (ClientDisconnected, OSError):
            raise Problem("PIECE_TRONQUEE") from None
        self._read += len(data)
        if not data and self._announced is not None and self._read < self._announced:
            raise Problem("PIECE_TRONQUEE")
        return data

    def blocks(self) -> Iterator[bytes]:
        while data := self.read():
            yield data


class _Parts:
    """The events of a multipart body, pulled one at a time."""

    def __init__(self, request: Request) -> None:
        boundary = request.mimetype_params.get("boundary", "")
        if not boundary or not boundary.isascii():
            raise Problem("FORMULAIRE_MALFORME")
        self._decoder = MultipartDecoder(boundary.encode(), max_parts=_FIELDS_MAX)
        self._body = _Body(request)

    def next(self) -> Event:
        """Return the next event that is not a wish for more bytes.

        Raises:
            Problem: FORMULAIRE_MALFORME, PIECE_TRONQUEE, PIECE_TROP_GRANDE.
        """
        while True:
            try:
                event = self._decoder.next_event()
            except RequestEntityTooLarge:
                raise Problem("FORMULAIRE_MALFORME") from None
            except ValueError:
                # The decoder was told that the body is over and still waits for its last boundary.
                code = "PIECE_TRONQUEE" if self._decoder.complete else "FORMULAIRE_MALFORME"
                raise Problem(code) from None
            if not isinstance(event, NeedData):
                return event
            if self._waits_too_long():
                raise Problem("FORMULAIRE_MALFORME")
            self._decoder.receive_data(self._body.read() or None)

    def _waits_too_long(self) -> bool:
        """Headers and preambles are small: an endless one must not fill the memory."""
        return len(self._decoder.buffer) > BLOCK + OVERHEAD

    def value(self) -> str:
        """Return the whole value of a field."""
        data = bytearray()
        while True:
            event = self.next()
            if not isinstance(event, Data):
                raise Problem("FORMULAIRE_MALFORME")
            data += event.data
            if len(data) > _FIELD_MAX:
                raise Problem("FORMULAIRE_MALFORME")
            if not event.more_data:
                break
        try:
            return data.decode()
        except UnicodeDecodeError:
            raise Problem("FORMULAIRE_MALFORME") from None

    def file(self) -> Iterator[bytes]:
        """Yield the bytes of the file, then check the rest of the body."""
        more = True
        while more:
            event = self.next()
            if not isinstance(event, Data):
                raise Problem("FORMULAIRE_MALFORME")
            more = event.more_data
            if event.data:
                yield event.data
        while not isinstance(event := self.next(), Epilogue):
            # A button or a hidden field after the file says nothing; a second file would be lost.
            if isinstance(event, File) and event.filename:
                raise Problem("UNE_SEULE_PIECE")


def _multipart(request: Request, maximum: int) -> Upload:
    parts = _Parts(request)
    fields: dict[str, str] = {}
    while not isinstance(event := parts.next(), File):
        if isinstance(event, Field):
            fields[event.name] = parts.value()
        elif isinstance(event, Epilogue):
            security.check_field(fields)
            raise Problem("PIECE_REQUISE", fields={"fichier": "PIECE_REQUISE"})
    security.check_field(fields)
    g.upload_fields = fields
    if not event.filename:
        raise Problem("PIECE_REQUISE", fields={"fichier": "PIECE_REQUISE"})
    return Upload(
        nom_fichier=event.filename,
        taille_octets=_part_size(event.headers),
        blocks=_limited(parts.file(), maximum),
        fields=fields,
    )


def _part_size(headers: Headers) -> int:
    value = headers.get("Content-Length", "")
    return int(value) if value.isascii() and value.isdigit() and len(value) <= 15 else 0  # noqa: PLR2004 - an int64


def _limited(blocks: Iterator[bytes], maximum: int) -> Iterator[bytes]:
    total = 0
    for block in blocks:
        total += len(block)
        if total > maximum:
            raise Problem("PIECE_TROP_GRANDE")
        yield block
