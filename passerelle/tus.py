"""Resumable uploads by the tus 1.0 protocol (https://tus.io/protocols/resumable-upload).

Core, creation, creation-with-upload, termination, expiration and checksum, so that clients that
people already have can send a file in as many parts as their network allows. The bytes pass
through in constant memory, as those of any upload (`uploads`); stockage keeps what arrived.
"""

import base64
import binascii
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from typing import Final

from flask import Flask, Request, Response, current_app, request
from werkzeug.http import http_date

from chassis.grpc_client import RemoteError
from espacecitoyen.stockage.v1 import televersement_service_pb2 as pb
from passerelle import clients, uploads
from passerelle.problems import Problem, from_remote

PATH: Final = "/api/v1/televersements"
VERSION: Final = "1.0.0"
EXTENSIONS: Final = "creation,creation-with-upload,termination,expiration,checksum"
CONTENT_TYPE: Final = "application/offset+octet-stream"
# tus name -> name in the contract.
ALGORITHMS: Final = {"md5": "md5", "sha1": "sha1", "sha256": "sha256"}
# Not in RFC 9110; the checksum extension names it.
CHECKSUM_MISMATCH: Final = 460
_METADATA_MAX: Final = 4096
_INT64_DIGITS: Final = 15


@dataclass(frozen=True)
class Checksum:
    """What the bytes of one request must give; no algorithm when the client sent none."""

    algorithm: str = ""
    digest: bytes = b""


def register(app: Flask) -> None:
    """Mark every answer of the protocol, and tell a client that asks what is spoken here."""
    app.after_request(_mark)


def check_version() -> None:
    """Refuse a client that speaks another version, or none. Raises: Problem (412)."""
    if request.headers.get("Tus-Resumable") != VERSION:
        raise Problem(
            "VERSION_TUS_INCONNUE",
            status=HTTPStatus.PRECONDITION_FAILED,
            headers={"Tus-Version": VERSION},
        )


def create(request_id: str) -> pb.Televersement:
    """Open an upload with what the headers say of the file.

    Raises:
        Problem: ENTETE_TUS_INVALIDE, PIECE_TROP_GRANDE (before a byte is read).
        RemoteError: stockage refused it.
    """
    services = clients.current()
    size = number("Upload-Length")
    if size > services.config.piece_max_octets:
        raise Problem("PIECE_TROP_GRANDE")
    metadata = read_metadata(request.headers.get("Upload-Metadata", ""))
    remplace = metadata.get("remplace", "")
    genre = metadata.get("genre", "" if remplace else "AUTRE")
    if genre not in uploads.GENRES:
        raise Problem("DONNEES_INVALIDES", fields={"genre": "GENRE_INVALIDE"})
    answer: pb.CreerTeleversementResponse = services.televersement.call(
        lambda s: s.CreerTeleversement,
        pb.CreerTeleversementRequest(
            request_id=request_id,
            nom_fichier=metadata.get("filename", "") or metadata.get("nom_fichier", ""),
            genre=uploads.GENRES[genre],
            libelle=metadata.get("libelle", ""),
            valide_jusqu_au=metadata.get("valide_jusqu_au", ""),
            taille_octets=size,
            remplace_piece_id=remplace,
        ),
        token=services.token(),
        deadline=services.config.delai_appel_s,
    )
    return answer.televersement


def find(televersement_id: str) -> pb.Televersement:
    """Return an upload of the visitor. Raises: RemoteError."""
    services = clients.current()
    answer: pb.GetTeleversementResponse = services.televersement.call(
        lambda s: s.GetTeleversement,
        pb.GetTeleversementRequest(televersement_id=televersement_id),
        token=services.token(),
        deadline=services.config.delai_appel_s,
    )
    return answer.televersement


def append(known: pb.Televersement, position: int, request_id: str) -> pb.Televersement:
    """Pass the body of the current request on, from a position; end the upload when it is whole.

    Raises:
        Problem: TYPE_DE_CONTENU_NON_ACCEPTE, PIECE_TROP_GRANDE, PIECE_TRONQUEE (what came is kept),
            SOMME_DIFFERENTE (460).
        RemoteError: stockage refused the bytes, or the whole file.
    """
    if request.mimetype != CONTENT_TYPE:
        raise Problem("TYPE_DE_CONTENU_NON_ACCEPTE")
    checksum = read_checksum(request.headers.get("Upload-Checksum", ""))
    if known.raison or known.piece_id:
        return finish(known, request_id)
    if position != known.recus_octets:
        raise Problem("POSITION_DIFFERENTE", status=HTTPStatus.CONFLICT)
    if position < known.taille_octets:
        known = _send(request, known, checksum, request_id)
    return settle(known, request_id)


def finish(known: pb.Televersement, request_id: str) -> pb.Televersement:
    """Have a whole upload made a document; it is one already when this is asked again.

    Raises:
        RemoteError: the controls refused the file.
    """
    services = clients.current()
    answer: pb.TerminerTeleversementResponse = services.televersement.call(
        lambda s: s.TerminerTeleversement,
        pb.TerminerTeleversementRequest(
            request_id=request_id, televersement_id=known.televersement_id
        ),
        token=services.token(),
        deadline=services.config.delai_depot_s,
    )
    return answer.televersement


def settle(known: pb.Televersement, request_id: str) -> pb.Televersement:
    """Tell how a whole upload ended; nothing changes for one that is not whole.

    Raises:
        RemoteError: the controls refused the file.
    """
    whole = known.recus_octets == known.taille_octets
    return finish(known, request_id) if whole else known


def abandon(televersement_id: str, request_id: str) -> None:
    """Delete an upload of the visitor. Raises: RemoteError."""
    services = clients.current()
    services.televersement.call(
        lambda s: s.AbandonnerTeleversement,
        pb.AbandonnerTeleversementRequest(request_id=request_id, televersement_id=televersement_id),
        token=services.token(),
        deadline=services.config.delai_appel_s,
    )


def headers(known: pb.Televersement) -> dict[str, str]:
    """Return what the protocol says of an upload."""
    found = {
        "Upload-Offset": str(known.recus_octets),
        "Upload-Length": str(known.taille_octets),
        "Upload-Expires": http_date(datetime.fromisoformat(known.expire_le)),
    }
    if known.piece_id:
        found["Content-Location"] = f"/api/v1/pieces/{known.piece_id}"
    return found


def number(name: str) -> int:
    """Return a header that is a count of bytes. Raises: Problem (ENTETE_TUS_INVALIDE)."""
    value = request.headers.get(name, "")
    if not (value.isascii() and value.isdigit() and len(value) <= _INT64_DIGITS):
        raise Problem("ENTETE_TUS_INVALIDE", fields={name: "VALEUR_INVALIDE"})
    return int(value)


def read_metadata(value: str) -> dict[str, str]:
    """Read Upload-Metadata: pairs of a name and a base64 text, by commas.

    Raises:
        Problem: ENTETE_TUS_INVALIDE.
    """
    found: dict[str, str] = {}
    for pair in value[:_METADATA_MAX].split(",") if value else ():
        name, _, coded = pair.strip().partition(" ")
        try:
            found[name] = base64.b64decode(coded, validate=True).decode()
        except (binascii.Error, ValueError):
            raise _malformed("Upload-Metadata") from None
    return found


def read_checksum(value: str) -> Checksum:
    """Read Upload-Checksum: an algorithm and a base64 digest. Raises: Problem."""
    if not value:
        return Checksum()
    algorithm, _, coded = value.partition(" ")
    if algorithm not in ALGORITHMS:
        raise _malformed("Upload-Checksum")
    try:
        return Checksum(ALGORITHMS[algorithm], base64.b64decode(coded, validate=True))
    except (binascii.Error, ValueError):
        raise _malformed("Upload-Checksum") from None


def _send(
    source: Request, known: pb.Televersement, checksum: Checksum, request_id: str
) -> pb.Televersement:
    """Stream the body to stockage, which keeps what arrives even when the rest does not."""
    services = clients.current()
    token = services.token()
    blocks = uploads.raw(source, maximum=known.taille_octets - known.recus_octets)

    def call(items: Iterator[bytes]) -> pb.AjouterSegmentResponse:
        answer: pb.AjouterSegmentResponse = services.televersement.upload(
            lambda s: s.AjouterSegment,
            _requests(known, checksum, request_id, items),
            token=token,
            deadline=services.config.delai_depot_s,
        )
        return answer

    try:
        return uploads.Transfer(call).run(blocks).televersement
    except RemoteError as error:
        if error.reason == "SOMME_DIFFERENTE":
            raise Problem("SOMME_DIFFERENTE", status=CHECKSUM_MISMATCH) from None
        raise from_remote(error) from None


def _requests(
    known: pb.Televersement, checksum: Checksum, request_id: str, items: Iterator[bytes]
) -> Iterator[pb.AjouterSegmentRequest]:
    entete = pb.EnteteSegment(
        televersement_id=known.televersement_id,
        position=known.recus_octets,
        algorithme=checksum.algorithm,
        somme=checksum.digest,
    )
    yield pb.AjouterSegmentRequest(request_id=request_id, entete=entete)
    for item in items:
        if item == uploads.WHOLE:
            yield pb.AjouterSegmentRequest(fin=pb.FinSegment())
            return
        yield pb.AjouterSegmentRequest(bloc=item)


def _malformed(name: str) -> Problem:
    return Problem("ENTETE_TUS_INVALIDE", fields={name: "VALEUR_INVALIDE"})


def _mark(response: Response) -> Response:
    if request.path == PATH or request.path.startswith(f"{PATH}/"):
        response.headers["Tus-Resumable"] = VERSION
        response.headers["Cache-Control"] = "no-store"
        if request.method == "OPTIONS":
            response.headers.update(_abilities())
    return response


def _abilities() -> Mapping[str, str]:
    config = current_app.extensions["config"]
    return {
        "Tus-Version": VERSION,
        "Tus-Extension": EXTENSIONS,
        "Tus-Max-Size": str(config.piece_max_octets),
        "Tus-Checksum-Algorithm": ",".join(ALGORITHMS),
    }
