"""JSON request bodies: read strictly, described for OpenAPI by the same objects.

What is not declared is refused (CHAMP_INCONNU); what would not survive the way to a service (a lone
surrogate, a NUL, a number past 32 bits) is refused here, with the name of its field.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Protocol

from flask import request
from werkzeug.exceptions import ClientDisconnected

from passerelle import clients
from passerelle.problems import Problem

_INT32: Final = 2**31 - 1
Schema = dict[str, Any]


class Kind(Protocol):
    """What a field may hold."""

    @property
    def required(self) -> bool:
        """True when the field must be present."""

    def read(self, value: Any, path: str, faults: dict[str, str]) -> Any:
        """Return the value, or note under `path` what is wrong with it."""

    def schema(self) -> Schema:
        """Return its JSON Schema."""


@dataclass(frozen=True)
class Text:
    """A string; `null` reads as empty when it is optional."""

    required: bool = False
    longest: int = 1000
    format: str = ""
    choices: tuple[str, ...] = ()
    about: str = ""

    def read(self, value: Any, path: str, faults: dict[str, str]) -> str:
        """Return the string."""
        if value is None and not self.required:
            return ""
        code = self._fault(value)
        if code:
            faults[path] = code
            return ""
        text: str = value
        return text

    def _fault(self, value: Any) -> str:
        if not isinstance(value, str):
            return "TYPE_INVALIDE"
        if len(value) > self.longest:
            return "TROP_LONG"
        if "\0" in value or any("\ud800" <= letter <= "\udfff" for letter in value):
            return "CARACTERE_INVALIDE"
        return "VALEUR_INVALIDE" if self.choices and value not in self.choices else ""

    def schema(self) -> Schema:
        """Return its JSON Schema."""
        schema: Schema = {
            "type": "string" if self.required else ["string", "null"],
            "maxLength": self.longest,
        }
        if self.format:
            schema["format"] = self.format
        if self.choices:
            schema["enum"] = [*self.choices, *([] if self.required else [None])]
        if self.about:
            schema["description"] = self.about
        return schema


@dataclass(frozen=True)
class Flag:
    """true or false; false when it is missing."""

    required: bool = False

    def read(self, value: Any, path: str, faults: dict[str, str]) -> bool:
        """Return the boolean."""
        if value is None and not self.required:
            return False
        if not isinstance(value, bool):
            faults[path] = "TYPE_INVALIDE"
        return value is True

    def schema(self) -> Schema:
        """Return its JSON Schema."""
        return {"type": "boolean"}


@dataclass(frozen=True)
class Whole:
    """A whole number from 0 to 2^31 - 1."""

    required: bool = False

    def read(self, value: Any, path: str, faults: dict[str, str]) -> int:
        """Return the number."""
        if value is None and not self.required:
            return 0
        if isinstance(value, bool) or not isinstance(value, int):
            faults[path] = "TYPE_INVALIDE"
            return 0
        if not 0 <= value <= _INT32:
            faults[path] = "VALEUR_INVALIDE"
        return value

    def schema(self) -> Schema:
        """Return its JSON Schema."""
        return {"type": "integer", "minimum": 0, "maximum": _INT32}


@dataclass(frozen=True)
class Many:
    """A list."""

    item: Kind
    required: bool = False
    most: int = 100

    def read(self, value: Any, path: str, faults: dict[str, str]) -> list[Any]:
        """Return the list."""
        if value is None and not self.required:
            return []
        if not isinstance(value, list):
            faults[path] = "TYPE_INVALIDE"
            return []
        if len(value) > self.most:
            faults[path] = "TROP_LONG"
            return []
        return [self.item.read(item, f"{path}.{index}", faults) for index, item in enumerate(value)]

    def schema(self) -> Schema:
        """Return its JSON Schema."""
        return {"type": "array", "items": self.item.schema(), "maxItems": self.most}


@dataclass(frozen=True)
class Object:
    """An object with the fields it declares and no other."""

    fields: Mapping[str, Kind]
    required: bool = True

    def read(self, value: Any, path: str, faults: dict[str, str]) -> dict[str, Any]:
        """Return every declared field, missing ones as their empty value."""
        if value is None and not self.required:
            value = {}
        if not isinstance(value, dict):
            faults[path or "corps"] = "TYPE_INVALIDE"
            return {}
        prefix = f"{path}." if path else ""
        for name in value.keys() - self.fields.keys():
            faults[prefix + printable(name)] = "CHAMP_INCONNU"
        found = {}
        for name, kind in self.fields.items():
            if kind.required and name not in value:
                faults[prefix + name] = "CHAMP_REQUIS"
            else:
                found[name] = kind.read(value.get(name), prefix + name, faults)
        return found

    def schema(self) -> Schema:
        """Return its JSON Schema."""
        schema: Schema = {
            "type": "object",
            "properties": {name: kind.schema() for name, kind in self.fields.items()},
            "additionalProperties": False,
        }
        required = [name for name, kind in self.fields.items() if kind.required]
        if required:
            schema["required"] = required
        return schema


def read(shape: Object) -> dict[str, Any]:
    """Read the JSON body of the current request.

    Raises:
        Problem: TYPE_DE_CONTENU_NON_ACCEPTE, CORPS_TROP_GRAND, CORPS_TRONQUE, JSON_MALFORME,
            JSON_TROP_PROFOND, CHAMP_INCONNU or DONNEES_INVALIDES with the fields.
    """
    return _shaped(shape, _value())


def present(shape: Object) -> dict[str, Any]:
    """Read a JSON body as `read`, and return only the fields that it names (PATCH)."""
    value = _value()
    found = _shaped(shape, value)
    return {name: found[name] for name in found if name in value}


def _value() -> Any:
    config = clients.current().config
    if request.mimetype != "application/json":
        raise Problem("TYPE_DE_CONTENU_NON_ACCEPTE")
    request.max_content_length = config.json_max_octets
    try:
        data = request.get_data(cache=False)
    except ClientDisconnected:
        raise Problem("CORPS_TRONQUE") from None
    value = parse(data)
    if _deeper_than(value, config.json_profondeur):
        raise Problem("JSON_TROP_PROFOND")
    return value


def _shaped(shape: Object, value: Any) -> dict[str, Any]:
    faults: dict[str, str] = {}
    found = shape.read(value, "", faults)
    if faults:
        unknown = "CHAMP_INCONNU" in faults.values()
        raise Problem("CHAMP_INCONNU" if unknown else "DONNEES_INVALIDES", fields=faults)
    return found


def parse(data: bytes) -> Any:
    """Parse JSON as RFC 8259 has it: UTF-8, no NaN, no name twice.

    Raises:
        Problem: JSON_MALFORME, JSON_TROP_PROFOND.
    """
    try:
        return json.loads(
            data.decode("utf-8"), object_pairs_hook=_unique, parse_constant=_no_constant
        )
    except ValueError:
        raise Problem("JSON_MALFORME") from None
    except RecursionError:
        raise Problem("JSON_TROP_PROFOND") from None


def printable(name: str) -> str:
    """Return a client's own field name short and safe enough to be said back."""
    return "".join(letter if letter.isprintable() else "?" for letter in name[:60])


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name twice")
    return found


def _no_constant(name: str) -> None:
    raise ValueError(name)


def _deeper_than(value: Any, depth: int) -> bool:
    """Level by level, so that the check itself never recurses."""
    level = [value]
    for _ in range(depth):
        level = [
            child
            for item in level
            if isinstance(item, dict | list)
            for child in (item.values() if isinstance(item, dict) else item)
        ]
        if not level:
            return False
    return any(isinstance(item, dict | list) for item in level)
