"""One trace, on the real suite, from the citizen's click to the answer of the mail server."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from deploy import trace
from deploy.places import ROOT
from deploy.trace import Row, Span
from tests.e2e.parcours.mobile import Citoyen
from tests.e2e.parcours.navigation import Visite
from tests.integration.deploy.conftest import Protegee
from tests.kit.wait import wait_until

pytestmark = [pytest.mark.integration, pytest.mark.xdist_group("protegee")]

# Who, what kind of span, what: each is the child of the one before.
CHAIN = (
    ("passerelle", "serve", 3, "/espacecitoyen.cartes.v1.CartesService/DemanderCarte"),
    ("cartes", "serve", 2, "cartes.DemanderCarte"),
    ("cartes", "work", 4, "publish carte_demandee.v1"),
    ("avis", "work", 5, "handle carte_demandee.v1"),
    ("avis", "work", 3, "avis.smtp"),
)

WRITTEN = {name for *_, name in CHAIN} | {"stockage.RetenirPieces", "publish envoi_termine.v1"}


def rows(protegee: Protegee, root: str, *, since: int = 0) -> list[Row]:
    """The last trace of that click after a time, once all that it went through is written."""

    def look() -> list[Row] | None:
        read = trace.read(_whole_lines(protegee.traces))
        spans = [span for span in read if span.start > since]
        try:
            found = trace.choose(spans, root)
        except LookupError:
            return None
        # Each process writes its spans within a second of their end, in no order.
        return found if {row.span.name for row in found} >= WRITTEN else None

    return wait_until(look, timeout=40, what=f"the trace of {root}") or []


def chain(found: list[Row]) -> list[Span]:
    """The spans of `CHAIN`, each found among the children of the one before."""
    links = [found[0].span]
    for service, process, kind, name in CHAIN:
        (link,) = [
            row.span for row in found
            if row.span.parent == links[-1].id and row.span.name == name
        ]  # fmt: skip
        assert (link.service, link.process, link.kind) == (service, process, kind)
        links.append(link)
    return links


def by_the_portal(protegee: Protegee) -> str:
    visite = Visite(protegee.acces)
    for step in (visite.s_inscrire, visite.activer, visite.se_connecter, visite.deposer):
        step()
    visite.demander()
    return visite.personne.courriel


def by_the_api(protegee: Protegee) -> str:
    citoyen = Citoyen.nouveau(protegee.acces)
    for step in (citoyen.s_inscrire, citoyen.activer, citoyen.se_connecter):
        step()
    citoyen.demander_carte(*citoyen.deposer_preuves())
    return citoyen.personne.courriel


@pytest.mark.parametrize(
    ("click", "play"),
    [("POST /cartes/demande", by_the_portal), ("POST /api/v1/cartes", by_the_api)],
)
def test_one_trace_runs_from_the_click_to_the_smtp_answer(
    protegee: Protegee, click: str, play: Callable[[Protegee], str]
):
    began = time.time_ns()
    recipient = play(protegee)
    found = rows(protegee, click, since=began)
    links = chain(found)
    assert len({span.trace for span in links}) == 1
    assert links[0].attributes["http.response.status_code"] in {201, 303}
    assert links[-1].attributes["smtp.code"] == 250
    assert len(protegee.acces.courriels(recipient)) == 2  # activation, then this one
    # The proofs were held before the commit that holds the act and its event together.
    served = links[2]
    children = [row.span for row in found if row.span.parent == served.id]
    held = next(span for span in children if span.name.endswith("StockageService/RetenirPieces"))
    committed = next(
        span for span in children if "carte_demandee.v1" in span.attributes.get("outbox.events", ())
    )
    assert held.end <= committed.start < committed.end <= links[0].end
    assert committed.start < links[3].start < links[4].start < links[5].start
    assert any(
        row.span.parent == held.id and row.span.name == "stockage.RetenirPieces" for row in found
    )
    # Ids and types only.
    told = "".join(f"{row.span.name}{row.span.attributes}" for row in found)
    assert not any(word in told for word in (recipient, "Exemple-", "Érable"))


def test_the_picture_is_readable_by_a_program_and_always_the_same(protegee: Protegee):
    rows(protegee, "POST /cartes/demande")
    # One reading for all: spans that end later are still being written.
    lines = _whole_lines(protegee.traces)
    found = trace.choose(trace.read(lines), "POST /cartes/demande")
    picture = trace.draw(found, "Demander ma carte")
    assert picture == trace.draw(found, "Demander ma carte")
    kept = trace.lines_of(found, lines)
    again = trace.choose(trace.read(kept.splitlines()), "POST /cartes/demande")
    assert trace.draw(again, "Demander ma carte") == picture
    root = ET.fromstring(picture)  # noqa: S314 - our own picture
    texts = ["".join(e.itertext()) for e in root.iter("{http://www.w3.org/2000/svg}text")]
    assert any(text.endswith("courriel remis par SMTP, réponse 250") for text in texts)
    assert any("COMMIT + boîte d’envoi\u00a0: carte_demandee.v1" in text for text in texts)
    assert trace.table(found).count("\n") == len(found) + 2


def test_a_commit_is_a_span_of_what_is_served_and_of_nothing_else(
    database_url: Callable[[str], str], tmp_path: Path
):
    # Telemetry is set once a process, so this one is started for it.
    program = """
import sys
import time
from chassis import telemetry
from chassis.db import make_engine, make_sessions
from sqlalchemy import text
telemetry.setup("essai", endpoint=f"file:{sys.argv[1]}")
sessions = make_sessions(make_engine(sys.argv[2], name="essai"))
with sessions.begin() as session:
    session.execute(text("SELECT 1"))
with telemetry.span("acte"):
    with sessions.begin() as session:
        session.execute(text("SELECT 1"))
    with sessions.begin() as session:
        session.execute(text("CREATE TEMP TABLE t (n int UNIQUE DEFERRABLE INITIALLY DEFERRED)"))
        session.execute(text("INSERT INTO t VALUES (1), (1)"))
"""
    lines = tmp_path / "otlp.jsonl"
    done = subprocess.run(
        [sys.executable, "-c", program, str(lines), database_url("demandes")],
        check=False, cwd=ROOT, capture_output=True, text=True, timeout=60,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert "UniqueViolation" in done.stderr
    spans = trace.read(lines.read_text().splitlines())
    commits = [span for span in spans if span.name == "sql.commit"]
    assert [span.failed for span in commits] == [False, True]
    (act,) = [span for span in spans if span.name == "acte"]
    assert {span.parent for span in commits} == {act.id}


def _whole_lines(place: Path) -> list[str]:
    """The lines of a file that processes are writing; the last one may not be whole yet."""
    return place.read_text().rpartition("\n")[0].splitlines()
