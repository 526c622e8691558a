"""Uploads that are taken up again where they were cut: tus 1.0 (STO-05)."""

from typing import Final
from uuid import UUID

from flask import Response, jsonify, make_response, request

from espacecitoyen.stockage.v1 import televersement_service_pb2 as pb
from passerelle import messages, tus
from passerelle.api.v1.body import Schema
from passerelle.api.v1.contract import Resource, ref, request_id

RESOURCE: Final = Resource("Stockage")
_BINARY: Final = {"type": "string", "format": "binary"}
_BYTES: Final = {"type": "integer", "minimum": 0}


def _header(name: str, about: str, schema: Schema, *, required: bool = True) -> Schema:
    return {
        "name": name,
        "in": "header",
        "required": required,
        "description": about,
        "schema": schema,
    }


_VERSION: Final = _header("Tus-Resumable", "tus 1.0.0", {"type": "string", "const": tus.VERSION})
_LENGTH: Final = _header("Upload-Length", "Taille du fichier / Size of the file", _BYTES)
_OFFSET: Final = _header("Upload-Offset", "Octets déjà reçus / Bytes already there", _BYTES)
_CHECKSUM: Final = _header(
    "Upload-Checksum",
    "md5, sha1 ou sha256, puis base64 / md5, sha1 or sha256, then base64",
    {"type": "string"},
    required=False,
)
_METADATA: Final = _header(
    "Upload-Metadata",
    "filename, genre, libelle, valide_jusqu_au, remplace; en base64 / in base64",
    {"type": "string"},
    required=False,
)


@RESOURCE.route(
    "POST",
    "/televersements",
    summary="Commencer un envoi (tus) / Begin an upload (tus)",
    query=(_VERSION, _LENGTH, _METADATA),
    answers={201: None},
    idempotent=True,
)
def creer_televersement() -> Response:
    """Open an upload; a body of `application/offset+octet-stream` is its first bytes."""
    tus.check_version()
    created = tus.create(request_id())
    if request.mimetype == tus.CONTENT_TYPE:
        # From the start: a repeated request finds its upload, whose first bytes are there already.
        created = tus.append(created, 0, request_id())
    response = _empty(created, 201)
    response.headers["Location"] = f"{tus.PATH}/{created.televersement_id}"
    return response


@RESOURCE.route(
    "GET",
    "/televersements/<uuid:televersement_id>",
    summary="Où en est un envoi; HEAD pour tus / Where an upload is; HEAD for tus",
    answers={200: ref("Televersement")},
)
def lire_televersement(televersement_id: UUID) -> Response:
    """Tell where an upload is, how it ended, and why it was refused."""
    for_tus = request.method == "HEAD"
    if for_tus:
        tus.check_version()
    known = tus.find(str(televersement_id))
    if for_tus:
        # A client that lost the last answer asks here: it must not take a refused file for sent.
        known = tus.settle(known, request_id())
    response = jsonify(
        {
            "televersement_id": known.televersement_id,
            "nom_fichier": known.nom_fichier,
            "taille_octets": known.taille_octets,
            "recus_octets": known.recus_octets,
            "expire_le": known.expire_le,
            "piece_id": known.piece_id or None,
            "raison": known.raison or None,
            "message_fr": messages.text(known.raison, "fr") if known.raison else None,
            "message_en": messages.text(known.raison, "en") if known.raison else None,
        }
    )
    response.headers.update(tus.headers(known))
    return response


@RESOURCE.route(
    "PATCH",
    "/televersements/<uuid:televersement_id>",
    summary="Envoyer la suite du fichier (tus) / Send the next bytes (tus)",
    query=(_VERSION, _OFFSET, _CHECKSUM),
    content={tus.CONTENT_TYPE: _BINARY},
    answers={204: None},
)
def poursuivre_televersement(televersement_id: UUID) -> Response:
    """Keep the bytes of the body; the last one makes the document."""
    tus.check_version()
    position = tus.number("Upload-Offset")
    known = tus.append(tus.find(str(televersement_id)), position, request_id())
    return _empty(known, 204)


@RESOURCE.route(
    "DELETE",
    "/televersements/<uuid:televersement_id>",
    summary="Abandonner un envoi (tus) / Give an upload up (tus)",
    query=(_VERSION,),
    answers={204: None},
    idempotent=True,
)
def abandonner_televersement(televersement_id: UUID) -> Response:
    """Delete an upload and what arrived of it."""
    tus.check_version()
    tus.abandon(str(televersement_id), request_id())
    return make_response("", 204)


def _empty(known: pb.Televersement, status: int) -> Response:
    response = make_response("", status)
    response.headers.update(tus.headers(known))
    return response
