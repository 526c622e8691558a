"""One trace of the suite as a picture: who worked when, from the click to the SMTP answer.

It reads the OTLP lines that processes write with ``ESPACE_OTLP=file:…`` and draws the trace whose
first span has the given name; of several, the last whole one. The same lines give the same bytes.

Run: ``python -m deploy.trace otlp.jsonl --racine 'POST /cartes/demande' --image docs/trace.svg``;
``--texte`` prints the same as a table, ``--lignes FILE`` keeps the trace's own lines.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

_NS_PER_MS = 1e6
# What the person pressed, said before the route.
_CLICKS = dict.fromkeys(
    ("POST /cartes/demande", "POST /api/v1/cartes"), "«\u00a0Demander ma carte\u00a0»\u00a0: "
)
_END = "avis.smtp"

# One colour a service, told apart by people who see colours badly (after Okabe and Ito), darkened
# where its name would be hard to read on white.
_COLOURS = {
    "passerelle": "#00639c",
    "identite": "#a8487b",
    "cartes": "#b84c00",
    "stockage": "#007a59",
    "demandes": "#8c6d1f",
    "avis": "#56459e",
}
_OTHER = "#555555"

_WIDTH, _LEFT, _RIGHT, _TOP = 1280, 500, 110, 118
_ROW, _BAR, _INDENT = 27, 13, 15
_FONT = "font-family='system-ui, Segoe UI, Roboto, Helvetica, Arial, sans-serif'"


@dataclass(frozen=True, kw_only=True)
class Span:
    """One piece of work. Times are nanoseconds since 1970; ``service`` lacks the process kind."""

    trace: str
    id: str
    parent: str
    service: str
    process: str
    name: str
    kind: int
    start: int
    end: int
    failed: bool
    attributes: dict[str, Any] = field(default_factory=dict)

    @property
    def ms(self) -> float:
        """How long it lasted."""
        return (self.end - self.start) / _NS_PER_MS


@dataclass(frozen=True)
class Row:
    """A span where it stands in the tree."""

    span: Span
    depth: int


def read(lines: Iterable[str]) -> list[Span]:
    """Read every span of OTLP lines; lines of metrics are passed over."""
    return [
        _span(span, resource)
        for line in lines
        for resource in json.loads(line).get("resourceSpans", ())
        for scope in resource["scopeSpans"]
        for span in scope["spans"]
    ]


def _span(raw: dict[str, Any], resource: dict[str, Any]) -> Span:
    process = str(_attributes(resource["resource"])["service.name"])
    return Span(
        trace=raw["traceId"],
        id=raw["spanId"],
        parent=raw.get("parentSpanId", ""),
        service=process.removesuffix("-serve").removesuffix("-work"),
        process="work" if process.endswith("-work") else "serve",
        name=raw["name"],
        kind=raw.get("kind", 1),
        start=int(raw["startTimeUnixNano"]),
        end=int(raw["endTimeUnixNano"]),
        failed=raw.get("status", {}).get("code", 0) == 2,  # noqa: PLR2004 - OTLP's STATUS_CODE_ERROR
        attributes=_attributes(raw),
    )


def _attributes(holder: dict[str, Any]) -> dict[str, Any]:
    return {each["key"]: _value(each["value"]) for each in holder.get("attributes", ())}


def _value(value: dict[str, Any]) -> Any:
    if "arrayValue" in value:
        return [_value(each) for each in value["arrayValue"].get("values", ())]
    if "intValue" in value:
        return int(value["intValue"])
    return next(iter(value.values()), "")


def choose(spans: Sequence[Span], root: str, end: str = _END) -> list[Row]:
    """Give the last trace that starts with ``root`` and reaches ``end``, as a tree in order.

    Raises: LookupError when there is none.
    """
    whole = {span.trace for span in spans if span.name == end}
    starts = [
        span for span in spans if span.name == root and not span.parent and span.trace in whole
    ]
    if not starts:
        raise LookupError(f"no trace from {root} to {end}")
    first = max(starts, key=lambda span: span.start)
    children: dict[str, list[Span]] = {}
    for span in spans:
        if span.trace == first.trace:
            children.setdefault(span.parent, []).append(span)
    return list(_walk(first, children, 0))


def _walk(span: Span, children: dict[str, list[Span]], depth: int) -> Iterator[Row]:
    yield Row(span, depth)
    for child in sorted(children.get(span.id, ()), key=lambda each: (each.start, each.id)):
        yield from _walk(child, children, depth + 1)


def label(span: Span) -> str:
    """Say in French what a span is."""
    about = span.attributes
    if span.name == "sql.commit":
        events = ", ".join(about.get("outbox.events", ()))
        return f"COMMIT + boîte d’envoi\u00a0: {events}" if events else "COMMIT"
    if span.name == _END:
        return f"courriel remis par SMTP, réponse {about.get('smtp.code', '?')}"
    if span.name.startswith("/espacecitoyen."):
        service, rpc = span.name.removeprefix("/espacecitoyen.").split("/")
        return f"appelle {service.split('.')[0]}.{rpc} (gRPC)"
    for english, french in (("publish ", "publie"), ("handle ", "reçoit")):
        if span.name.startswith(english):
            return f"{french} {span.name.removeprefix(english)} (RabbitMQ)"
    if "http.route" in about:
        click = _CLICKS.get(span.name, "")
        return f"{click}{span.name} → {about.get('http.response.status_code', '?')}"
    return span.name


def table(rows: Sequence[Row]) -> str:
    """Give the same as a Markdown table, for who cannot see the picture."""
    began = rows[0].span.start
    lines = ["| | qui | quoi | début (ms) | durée (ms) |", "|---|---|---|---|---|"]
    for number, row in enumerate(rows, 1):
        span = row.span
        start = (span.start - began) / _NS_PER_MS
        lines.append(
            f"| {number} | {who(span)} | {'· ' * row.depth}{label(span)}"
            f" | {_number(start)} | {_number(span.ms)} |"
        )
    return "\n".join(lines) + "\n"


def who(span: Span) -> str:
    """Name the process of a span as the supervisor does."""
    return span.service if span.service == "passerelle" else f"{span.service}.{span.process}"


def _number(ms: float) -> str:
    return f"{ms:.1f}".replace(".", ",")


def draw(rows: Sequence[Row], title: str) -> str:
    """Give the picture, an SVG that needs no script, no font and no network."""
    began = rows[0].span.start
    total = max(row.span.end for row in rows) - began
    scale = (_WIDTH - _LEFT - _RIGHT) / total
    bottom = _TOP + len(rows) * _ROW
    answered = (rows[0].span.end - began) / _NS_PER_MS
    summary = (
        f"Réponse à la personne après {_number(answered)} ms ; le courriel est accepté par le "
        f"serveur SMTP {_number(_accepted(rows, began))} ms après le clic, dans la même trace."
    )
    places = {row.span.id: _TOP + number * _ROW for number, row in enumerate(rows)}
    height = bottom + 34
    opening = (
        f"<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 {_WIDTH} {height}' role='img' "
        f"aria-labelledby='titre resume' {_FONT}>"
    )
    parts = [
        opening,
        f"<title id='titre'>{escape(title)}</title>",
        f"<desc id='resume'>{escape(summary)}</desc>",
        f"<rect width='{_WIDTH}' height='{height}' fill='#ffffff'/>",
        _text(20, 34, escape(title), size=20, weight=600),
        _text(20, 58, escape(summary), size=14, colour="#333333"),
        *_legend(rows),
        *_axis(total / _NS_PER_MS, scale, bottom),
        *_answer(rows[0].span, scale, bottom),
        *(line for row in rows for line in _branch(row, places)),
        *(line for row in rows for line in _bar(row, places[row.span.id], began, scale)),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def _accepted(rows: Sequence[Row], began: int) -> float:
    return max((row.span.end - began) / _NS_PER_MS for row in rows if row.span.name == _END)


def _text(
    x: float, y: float, markup: str, *, size: int = 13, weight: int = 400, colour: str = "#111111",
    anchor: str = "start",
) -> str:  # fmt: skip
    # A white edge keeps letters readable where a line of the grid passes under them.
    return (
        f"<text x='{x:.1f}' y='{y:.1f}' font-size='{size}' font-weight='{weight}' fill='{colour}' "
        "stroke='#ffffff' stroke-width='3' paint-order='stroke' "
        f"text-anchor='{anchor}'>{markup}</text>"
    )


def _legend(rows: Sequence[Row]) -> Iterator[str]:
    x = 20.0
    for service in dict.fromkeys(row.span.service for row in rows):
        yield f"<rect x='{x}' y='72' width='13' height='13' rx='2' fill='{_colour(service)}'/>"
        yield _text(x + 19, 83, escape(service))
        x += 45 + 7.2 * len(service)
    explained = "plein : travaille · évidé : attend la réponse d’un autre"
    yield _text(x, 83, explained, colour="#333333")


def _colour(service: str) -> str:
    return _COLOURS.get(service, _OTHER)


def _step(total_ms: float) -> float:
    """A round number of milliseconds that cuts the axis in about eight."""
    for step in (1, 2, 5, 10, 20, 25, 50, 100, 200, 250, 500, 1000, 2000, 5000):
        if total_ms / step <= 9:  # noqa: PLR2004 - lines that an eye still counts
            return step
    return total_ms / 8


def _axis(total_ms: float, scale: float, bottom: float) -> Iterator[str]:
    step = _step(total_ms)
    count = int(total_ms / step) + 1
    for number in range(count):
        x = _LEFT + number * step * _NS_PER_MS * scale
        yield (
            f"<line x1='{x:.1f}' y1='{_TOP - 8}' x2='{x:.1f}' y2='{bottom}' "
            "stroke='#d9d9d9' stroke-width='1'/>"
        )
        unit = " ms" if number == count - 1 else ""
        yield _text(x, _TOP - 13, f"{number * step:g}{unit}", colour="#444444", anchor="middle")


def _branch(row: Row, places: dict[str, int]) -> Iterator[str]:
    """A line from a span to its parent's."""
    if row.depth:
        x = 20 + (row.depth - 1) * _INDENT + 5
        above, here = places[row.span.parent] + _ROW - 6, places[row.span.id] + _ROW / 2
        yield f"<path d='M{x} {above}V{here}h8' fill='none' stroke='#9a9a9a'/>"


def _bar(row: Row, y: float, began: int, scale: float) -> Iterator[str]:
    span = row.span
    x = _LEFT + (span.start - began) * scale
    width = max((span.end - span.start) * scale, 2.0)
    colour = _colour(span.service)
    # A call is the time that one waits for another; hollow, so that work stands out.
    waits = span.kind == 3 and span.name.startswith("/")  # noqa: PLR2004 - OTLP's SPAN_KIND_CLIENT
    fill, edge = "#ffffff" if waits else colour, "#b00020" if span.failed else colour
    middle, what = y + _ROW / 2, escape(label(span))
    name = f"<tspan font-weight='600' fill='{colour}'>{who(span)}</tspan>"
    yield _text(20 + row.depth * _INDENT, middle + 4.5, f"{name}\u2002{what}")
    yield (
        f"<rect x='{x:.1f}' y='{middle - _BAR / 2:.1f}' width='{width:.1f}' height='{_BAR}' rx='2' "
        f"fill='{fill}' stroke='{edge}' stroke-width='1.5'>"
        f"<title>{who(span)}, {what} : {_number(span.ms)} ms</title></rect>"
    )
    yield _text(x + width + 5, middle + 4.5, f"{_number(span.ms)} ms", colour="#333333")


def _answer(root: Span, scale: float, bottom: float) -> Iterator[str]:
    x = _LEFT + (root.end - root.start) * scale
    yield (
        f"<line x1='{x:.1f}' y1='{_TOP - 4}' x2='{x:.1f}' y2='{bottom + 6}' stroke='#111111' "
        "stroke-width='1.2' stroke-dasharray='5 4'/>"
    )
    yield _text(x + 6, bottom + 20, "la personne a sa réponse ; la suite est asynchrone")


def lines_of(rows: Sequence[Row], lines: Iterable[str]) -> str:
    """Give the OTLP lines of this trace alone."""
    wanted, kept = rows[0].span.trace, []
    for line in lines:
        for resource in json.loads(line).get("resourceSpans", ()):
            spans = [
                span
                for scope in resource["scopeSpans"]
                for span in scope["spans"]
                if span["traceId"] == wanted
            ]
            if spans:
                one = {"resource": resource["resource"], "scopeSpans": [{"spans": spans}]}
                kept.append(json.dumps({"resourceSpans": [one]}, ensure_ascii=False))
    return "\n".join(kept) + "\n"


def main() -> int:
    """Draw, print or keep a trace; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m deploy.trace")
    parser.add_argument("otlp", type=Path, help="file of OTLP JSON lines")
    parser.add_argument("--racine", required=True, help="name of the first span")
    parser.add_argument("--titre", default="Une trace, du clic à la réponse SMTP")
    parser.add_argument("--image", type=Path)
    parser.add_argument("--lignes", type=Path)
    parser.add_argument("--texte", action="store_true")
    options = parser.parse_args()
    lines = options.otlp.read_text().splitlines()
    try:
        rows = choose(read(lines), options.racine)
    except LookupError as error:
        print(error, file=sys.stderr)
        return 1
    if options.image:
        options.image.write_text(draw(rows, options.titre))
    if options.lignes:
        options.lignes.write_text(lines_of(rows, lines))
    if options.texte:
        print(table(rows), end="")
    return 0


if __name__ == "__main__":
    sys.exit(main())
