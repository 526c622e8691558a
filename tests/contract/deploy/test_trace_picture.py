"""The picture of the docs is the one that our tool draws from the lines that are kept beside it."""

from __future__ import annotations

from pathlib import Path

import pytest

from deploy import trace

pytestmark = pytest.mark.contract

DOCS = Path(__file__).resolve().parents[3] / "docs"
CLICK = "POST /cartes/demande"


@pytest.fixture(scope="module")
def rows():
    return trace.choose(trace.read((DOCS / "trace.jsonl").read_text().splitlines()), CLICK)


def test_the_picture_and_its_text_are_those_of_the_kept_lines(rows):
    assert trace.draw(rows, "Une trace, du clic à la réponse SMTP") == (
        DOCS / "trace.svg"
    ).read_text(encoding="utf-8")
    page = (DOCS / "trace.md").read_text(encoding="utf-8")
    table = page.partition("<!-- table -->\n")[2].partition("<!-- /table -->")[0]
    assert table == trace.table(rows)


def test_it_goes_through_every_kind_of_process(rows):
    assert {trace.who(row.span) for row in rows} == {
        "passerelle", "cartes.serve", "stockage.serve", "cartes.work", "avis.work",
    }  # fmt: skip
    assert rows[0].span.name == CLICK


def test_without_a_whole_trace_nothing_is_drawn(rows):
    without_end = [row.span for row in rows if row.span.name != "avis.smtp"]
    with pytest.raises(LookupError):
        trace.choose(without_end, CLICK)


def test_of_several_traces_the_last_whole_one_is_drawn(rows):
    # The same, an hour later, and a later one that never reached the mail server.
    hour = 3_600_000_000_000
    spans = [row.span for row in rows]
    later = [_moved(span, hour, "b" * 32) for span in spans]
    broken = [_moved(span, 2 * hour, "c" * 32) for span in spans if span.name != "avis.smtp"]
    chosen = trace.choose([*later, *spans, *broken], CLICK)
    assert {row.span.trace for row in chosen} == {"b" * 32}


def _moved(span: trace.Span, by: int, identifier: str) -> trace.Span:
    return trace.Span(
        **{**vars(span), "trace": identifier, "start": span.start + by, "end": span.end + by}
    )
