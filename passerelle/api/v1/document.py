"""The OpenAPI 3.1 document, and the list of problem codes that its errors point to."""

import re
from collections.abc import Sequence
from typing import Any, Final

from flask import Flask, Response, current_app, jsonify

from passerelle import messages
from passerelle.api.v1.body import Schema
from passerelle.api.v1.contract import PROBLEM, Operation, Resource, ref
from passerelle.api.v1.schemas import SCHEMAS
from passerelle.problems import STATUSES

RESOURCE: Final = Resource("Documentation")
_PARAMETER: Final = re.compile(r"<(?:\w+:)?(\w+)>")


@RESOURCE.route(
    "GET",
    "/openapi.json",
    summary="Ce document / This document",
    auth="",
    answers={200: {"type": "object"}},
)
def lire_openapi() -> Response:
    """Serve the document."""
    return jsonify(current_app.extensions["openapi"])


@RESOURCE.route(
    "GET",
    "/problemes",
    summary="Codes des erreurs / Error codes",
    auth="",
    answers={200: ref("Problemes")},
)
def lister_problemes() -> Response:
    """List the codes with their sentences."""
    rows = [
        {
            "code": code,
            "statut": STATUSES.get(code),
            "message_fr": sentence.fr,
            "message_en": sentence.en,
        }
        for code, sentence in sorted(messages.MESSAGES.items())
    ]
    return jsonify({"problemes": rows})


def publish(app: Flask, operations: Sequence[Operation], prefix: str) -> None:
    """Build the document once."""
    app.extensions["openapi"] = build(operations, prefix, app.extensions["config"].ville_nom)


def build(operations: Sequence[Operation], prefix: str, ville: str) -> Schema:
    """Return the OpenAPI document of these operations."""
    paths: dict[str, dict[str, Any]] = {}
    for operation in operations:
        path = prefix + _PARAMETER.sub(r"{\1}", operation.path)
        paths.setdefault(path, {})[operation.method.lower()] = operation.describe()
    return {
        "openapi": "3.1.0",
        "info": {
            "title": f"Mon Espace citoyen – {ville}",
            "version": "1.0.0",
            "description": (
                "API du portail et de l’application mobile. Les erreurs sont des "
                "`application/problem+json` (RFC 9457) dont le `code` est stable. / API of the "
                "portal and of the mobile application. Errors are `application/problem+json` "
                "(RFC 9457) whose `code` is stable."
            ),
        },
        "servers": [{"url": "/"}],
        "paths": paths,
        "components": {
            "schemas": SCHEMAS,
            "responses": {
                "Probleme": {
                    "description": "Refus ou panne / Refusal or failure",
                    "content": {PROBLEM: {"schema": ref("Probleme")}},
                }
            },
            "parameters": {
                "IdempotencyKey": {
                    "name": "Idempotency-Key",
                    "in": "header",
                    "description": (
                        "UUID. La même clé avec le même contenu donne la même réponse. / The same "
                        "key with the same content gives the same answer."
                    ),
                    "schema": {"type": "string", "format": "uuid"},
                }
            },
            "securitySchemes": {
                "bearer": {"type": "http", "scheme": "bearer"},
                "cookie": {"type": "apiKey", "in": "cookie", "name": "session"},
                "csrf": {"type": "apiKey", "in": "header", "name": "X-CSRF-Token"},
            },
        },
    }
