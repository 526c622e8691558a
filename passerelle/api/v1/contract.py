"""One declaration per operation: its route, its guard and its OpenAPI description."""

import re
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final, TypeVar

from flask import Blueprint, request
from flask.typing import ResponseReturnValue

from passerelle import session
from passerelle.api.v1.body import Object, Schema
from passerelle.problems import Problem

View = Callable[..., ResponseReturnValue]
V = TypeVar("V", bound=View)

PROBLEM: Final = "application/problem+json"
PAGE_MAX: Final = 100
_ANSWERS: Final = {
    200: "Réponse / Answer",
    201: "Créé / Created",
    202: "Accepté / Accepted",
    204: "Fait / Done",
    303: "Voir ailleurs / See other",
}
_PATH: Final = re.compile(r"<(?:(\w+):)?(\w+)>")


@dataclass(frozen=True)
class Media:
    """A body that is not JSON."""

    types: tuple[str, ...]

    def content(self) -> Schema:
        """Return its OpenAPI content map."""
        binary = {"schema": {"type": "string", "format": "binary"}}
        return dict.fromkeys(self.types, binary)


@dataclass(frozen=True)
class Operation:
    """What OpenAPI says of one route."""

    method: str
    path: str
    name: str
    summary: str
    tag: str
    auth: str
    answers: Mapping[int, Schema | Media | None]
    body: Object | None = None
    content: Mapping[str, Schema] | None = None
    query: tuple[Schema, ...] = ()
    idempotent: bool = False

    def describe(self) -> Schema:
        """Return the OpenAPI operation object."""
        found: Schema = {
            "operationId": self.name,
            "summary": self.summary,
            "tags": [self.tag],
            "parameters": [*self._path_parameters(), *self.query, *self._headers()],
            "responses": {
                str(status): _answer(status, shape) for status, shape in self.answers.items()
            }
            | {"default": {"$ref": "#/components/responses/Probleme"}},
            "security": [{"bearer": []}, {"cookie": [], "csrf": []}] if self.auth else [{}],
        }
        content = self._content()
        if content:
            found["requestBody"] = {"required": True, "content": content}
        if self.auth not in {"", "citoyen"}:
            found["x-role"] = self.auth
        return found

    def _content(self) -> Schema:
        if self.body is not None:
            return {"application/json": {"schema": self.body.schema()}}
        return {media: {"schema": schema} for media, schema in (self.content or {}).items()}

    def _path_parameters(self) -> list[Schema]:
        return [
            {"name": name, "in": "path", "required": True, "schema": _converter(kind)}
            for kind, name in _PATH.findall(self.path)
        ]

    def _headers(self) -> list[Schema]:
        return [{"$ref": "#/components/parameters/IdempotencyKey"}] if self.idempotent else []


class Resource:
    """The operations of one resource, registered on the blueprint of the API."""

    def __init__(self, tag: str) -> None:
        self.tag = tag
        self.operations: list[Operation] = []
        self._views: list[View] = []

    def route(
        self,
        method: str,
        path: str,
        *,
        summary: str,
        answers: Mapping[int, Schema | Media | None],
        auth: str = "citoyen",
        body: Object | None = None,
        content: Mapping[str, Schema] | None = None,
        query: tuple[Schema, ...] = (),
        idempotent: bool = False,
    ) -> Callable[[V], View]:
        """Declare an operation.

        Args:
            method: HTTP method.
            path: Flask pattern below /api/v1.
            summary: French and English, for the document.
            answers: status -> schema of the JSON, Media, or None for no body.
            auth: "" for anybody, "citoyen" for any session, otherwise the staff role.
            body: the JSON it takes.
            content: media type -> schema, for a body that is not JSON.
            query: OpenAPI query parameters.
            idempotent: it takes an Idempotency-Key.
        """

        def declare(view: V) -> View:
            name = view.__name__
            self.operations.append(
                Operation(
                    method=method,
                    path=path,
                    name=name,
                    summary=summary,
                    tag=self.tag,
                    auth=auth,
                    answers=answers,
                    body=body,
                    content=content,
                    query=query,
                    idempotent=idempotent,
                )
            )
            guarded = _guarded(view, auth)
            self._views.append(guarded)
            return guarded

        return declare

    def register(self, blueprint: Blueprint) -> None:
        """Add the routes."""
        for operation, view in zip(self.operations, self._views, strict=True):
            blueprint.add_url_rule(operation.path, operation.name, view, methods=[operation.method])


def ref(name: str) -> Schema:
    """Return a reference to a component schema."""
    return {"$ref": f"#/components/schemas/{name}"}


def text_query(name: str, about: str, longest: int = 200) -> Schema:
    """Return an optional text parameter."""
    return {
        "name": name,
        "in": "query",
        "description": about,
        "schema": {"type": "string", "maxLength": longest},
    }


def number_query(name: str, about: str, most: int = PAGE_MAX) -> Schema:
    """Return an optional number parameter, from 1."""
    return {
        "name": name,
        "in": "query",
        "description": about,
        "schema": {"type": "integer", "minimum": 1, "maximum": most},
    }


PAGING: Final = (
    number_query("taille", "Nombre par page / Page size"),
    text_query("curseur", "Suite de la liste / Cursor of the next page", 1000),
)


def number(name: str, most: int = PAGE_MAX) -> int:
    """Return a number parameter of the current request, 0 when it is absent.

    Raises:
        Problem: DONNEES_INVALIDES naming it.
    """
    value = request.args.get(name, "")
    if not value:
        return 0
    if not (value.isascii() and value.isdigit() and len(value) < len(str(most)) + 2):
        raise Problem("DONNEES_INVALIDES", fields={name: "VALEUR_INVALIDE"})
    if not 1 <= int(value) <= most:
        raise Problem("DONNEES_INVALIDES", fields={name: "VALEUR_INVALIDE"})
    return int(value)


def choice(name: str, prefix: str, enum: Any) -> int:
    """Return the enum value of a text parameter, 0 when it is absent.

    Raises:
        Problem: DONNEES_INVALIDES naming it.
    """
    value = request.args.get(name, "")
    if not value:
        return 0
    found: int | None = dict(enum.items()).get(prefix + value)
    if not found:
        raise Problem("DONNEES_INVALIDES", fields={name: "VALEUR_INVALIDE"})
    return found


def request_id() -> str:
    """Return the Idempotency-Key of the current request, a fresh one when it has none.

    Raises:
        Problem: CLE_IDEMPOTENCE_INVALIDE.
    """
    key = request.headers.get("Idempotency-Key", "").strip().strip('"')
    if not key:
        return str(uuid.uuid4())
    try:
        return str(uuid.UUID(key))
    except ValueError:
        raise Problem("CLE_IDEMPOTENCE_INVALIDE") from None


def _guarded(view: View, auth: str) -> View:
    if not auth:
        return view
    if auth == "citoyen":
        return session.login_required(view)
    return session.agent_required(auth)(view)


def _converter(kind: str) -> Schema:
    return {"type": "string", "format": "uuid"} if kind == "uuid" else {"type": "string"}


def _answer(status: int, shape: Schema | Media | None) -> Schema:
    found: Schema = {"description": _ANSWERS.get(status, HTTPStatus(status).phrase)}
    if isinstance(shape, Media):
        found["content"] = shape.content()
    elif shape is not None:
        found["content"] = {"application/json": {"schema": shape}}
    return found
