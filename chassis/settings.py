"""Settings of a process: environment variables read once into a frozen dataclass."""

import dataclasses
import os
import types
import typing
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")

_TRUE = frozenset({"1", "true", "yes", "oui"})
_FALSE = frozenset({"0", "false", "no", "non", ""})


class SettingsError(Exception):
    """The environment lacks settings or holds unreadable ones; the message lists all of them."""


def load(
    cls: type[T],
    *,
    prefix: str,
    shared: str = "ESPACE",
    environ: Mapping[str, str] | None = None,
) -> T:
    """Build `cls` from the environment.

    Field `database_url` is read from `<prefix>_DATABASE_URL`, else `<shared>_DATABASE_URL`, else
    its default. A name that ends in `_FILE` holds the path of a file whose text, without the last
    line end, is the value (secrets mounted as files).

    Args:
        cls: a dataclass; types str, int, float, bool, Path, tuple[str, ...] (comma separated),
            dict[str, str] (`a=b,c=d`), and `X | None` of those, where the empty text means None.
        prefix: upper-case prefix of the service.
        shared: upper-case prefix of settings that all processes share.
        environ: the environment; that of the process by default.
    Returns: the settings.
    Raises: SettingsError naming every missing or unreadable setting, so one start tells all.
    """
    source = os.environ if environ is None else environ
    values: dict[str, object] = {}
    faults: list[str] = []
    hints = typing.get_type_hints(cls)
    for field in dataclasses.fields(cls):  # type: ignore[arg-type]  # T is a dataclass by contract
        name = f"{prefix}_{field.name.upper()}"
        try:
            raw = _raw(source, (name, f"{shared}_{field.name.upper()}"))
            if raw is not None:
                values[field.name] = _convert(hints[field.name], raw)
            elif _required(field):
                faults.append(f"{name} is missing")
        except (OSError, ValueError) as error:
            # The value itself is not repeated: it may be a secret.
            faults.append(f"{name} is unreadable ({_reason(error)})")
    if faults:
        raise SettingsError("settings: " + "; ".join(faults))
    return cls(**values)


def _reason(error: Exception) -> str:
    return error.strerror or "file" if isinstance(error, OSError) else "wrong form"


def _required(field: "dataclasses.Field[object]") -> bool:
    missing = dataclasses.MISSING
    return field.default is missing and field.default_factory is missing


def _raw(source: Mapping[str, str], names: tuple[str, ...]) -> str | None:
    for name in names:
        if name in source:
            return source[name]
        if source.get(name + "_FILE"):
            return Path(source[name + "_FILE"]).read_text(encoding="utf-8").removesuffix("\n")
    return None


def _convert(hint: object, raw: str) -> object:
    if isinstance(hint, types.UnionType):
        inner = next(arm for arm in typing.get_args(hint) if arm is not type(None))
        return _convert(inner, raw) if raw else None
    origin = typing.get_origin(hint) or hint
    return _CONVERTERS[typing.cast("type", origin)](raw)


def _bool(raw: str) -> bool:
    if raw.lower() in _TRUE | _FALSE:
        return raw.lower() in _TRUE
    raise ValueError


def _items(raw: str) -> tuple[str, ...]:
    return tuple(item.strip() for item in raw.split(",") if item.strip())


def _pairs(raw: str) -> dict[str, str]:
    # An item without "=" makes dict() raise ValueError, which is reported as a wrong form.
    return dict(tuple(item.split("=", 1)) for item in _items(raw))  # type: ignore[misc]


_CONVERTERS: dict[type, Callable[[str], object]] = {
    str: str,
    int: int,
    float: float,
    bool: _bool,
    Path: Path,
    tuple: _items,
    dict: _pairs,
}
