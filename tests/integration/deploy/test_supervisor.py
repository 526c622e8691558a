"""The supervisor keeps what it promises: all of the suite runs, comes back, and ends with it."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import httpx
import psutil
import pytest

from deploy import SERVICES
from deploy.places import ROOT, free_ports
from deploy.plan import SPAN, Plan
from tests.kit.suite import Suite, running
from tests.kit.wait import wait_until

pytestmark = [pytest.mark.integration, pytest.mark.xdist_group("suite")]


def test_the_whole_suite_answers(suite: Suite):
    answer = httpx.get(f"{suite.base_url}/sante")
    assert answer.status_code == 200
    assert set(answer.json()["services"]) == set(SERVICES)
    assert {f"{name}.{kind}" for name in SERVICES for kind in ("serve", "work")} <= set(
        suite.names()
    )


def test_every_port_is_on_loopback_and_below_the_ephemeral_ones(suite: Suite):
    listening = {
        connection.laddr
        for name in suite.names()
        for process in _tree(suite.pid(name))
        for connection in process.net_connections("inet")
        if connection.status == psutil.CONN_LISTEN
    }
    # grpc listens on IPv4's loopback by its IPv6 name; epmd takes both loopbacks.
    assert {address.ip for address in listening} <= {"127.0.0.1", "::ffff:127.0.0.1", "::1"}
    ports = {address.port for address in listening}
    assert ports <= set(range(suite.plan.base, suite.plan.base + SPAN))


def test_a_killed_process_comes_back(suite: Suite):
    suite.restart("demandes.serve")
    wait_until(lambda: httpx.get(f"{suite.base_url}/sante").status_code == 200, timeout=60)


def test_a_process_asked_to_rest_rests_and_the_portal_says_so(suite: Suite):
    with suite.without("demandes.serve"):
        wait_until(lambda: httpx.get(f"{suite.base_url}/sante").status_code == 503, timeout=30)
        answer = httpx.get(f"{suite.base_url}/sante").json()
        assert answer["services"]["demandes"]["statut"] != "EN_MARCHE"
    wait_until(lambda: httpx.get(f"{suite.base_url}/sante").status_code == 200, timeout=60)


def test_operator_commands_find_their_settings(suite: Suite):
    assert "published" in suite.espace("demandes", "charger-catalogue")
    assert suite.espace("evenements", "rejouer", "avis") == "avis: 0 replayed\n"


def test_a_second_suite_on_the_same_folder_or_port_is_one_sentence(suite: Suite, tmp_path: Path):
    same_folder = _supervisor(suite.plan.folder, free_ports(SPAN))
    assert same_folder.returncode == 1
    assert "Another suite already uses the folder" in same_folder.stderr
    same_port = _supervisor(tmp_path, suite.plan.base)
    assert same_port.returncode == 1
    assert f"Port {suite.plan.base} is already taken" in same_port.stderr
    assert "PORT=" in same_port.stderr
    for refused in (same_folder, same_port):
        assert "Traceback" not in refused.stderr
        assert len(refused.stderr.strip().splitlines()) == 2
    assert httpx.get(f"{suite.base_url}/sante").status_code == 200
    assert suite.pid("postgresql")


def test_nothing_is_left_when_the_supervisor_is_killed(tmp_path: Path):
    with running(tmp_path) as doomed:
        everyone = {
            process for name in doomed.names() for process in _tree(doomed.pid(name))
        } | set(_tree(doomed.supervisor.pid))
        assert len(everyone) > 16
        os.kill(doomed.supervisor.pid, signal.SIGKILL)
        gone, alive = psutil.wait_procs(everyone, timeout=30)
        assert [each for each in alive if each.status() != psutil.STATUS_ZOMBIE] == []
        assert len(gone) > 0
        for port in Plan(folder=tmp_path, base=doomed.plan.base).ports():
            with socket.socket() as probe:
                assert probe.connect_ex(("127.0.0.1", port)) != 0


def _tree(pid: int) -> list[psutil.Process]:
    process = psutil.Process(pid)
    return [process, *process.children(recursive=True)]


def _supervisor(folder: Path, port: int) -> subprocess.CompletedProcess[str]:
    began = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-m", "deploy.supervisor", "--dossier", folder, "--port", str(port)],
        check=False, cwd=ROOT, capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert time.monotonic() - began < 30
    return done
