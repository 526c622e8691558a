"""``make demo`` itself: accounts and addresses are printed, Ctrl-C leaves nothing."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
from pathlib import Path

import httpx
import psutil
import pytest

from deploy import samples
from deploy.places import ROOT, free_ports, is_free
from deploy.plan import SPAN, Plan
from tests.kit.wait import wait_until

pytestmark = [pytest.mark.integration, pytest.mark.xdist_group("suite")]


def is_alive(process: psutil.Process) -> bool:
    """Tell whether a process still runs.

    A zombie does not: it has ended, and only waits for the machine's first process to read its
    status, which in some containers never happens.
    """
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def test_the_demo_prints_its_accounts_and_leaves_nothing(tmp_path: Path):
    base = free_ports(SPAN)
    output = tmp_path / "sortie"
    with output.open("wb") as file:
        demo = subprocess.Popen(
            [sys.executable, "-m", "deploy.demo", "--port", str(base), "--dossier",
             tmp_path / "demo", "--antivirus", "local"],
            cwd=ROOT, stdout=file, stderr=file, start_new_session=True,
        )  # fmt: skip
    try:
        wait_until(
            lambda: "Ctrl-C" in output.read_text() or demo.poll() is not None,
            timeout=240,
            what="the demo",
        )
        said = output.read_text()
        assert f"Prêt : http://127.0.0.1:{base}\n" in said
        assert f"http://127.0.0.1:{base + 1}" in said
        for account in samples.ACCOUNTS:
            assert re.search(rf"{re.escape(account.email)} +\S{{15,}}", said)
        assert httpx.get(f"http://127.0.0.1:{base}/sante").status_code == 200
        everyone = psutil.Process(demo.pid).children(recursive=True)
        demo.send_signal(signal.SIGINT)
        assert demo.wait(60) == 0
        assert "Arrêté" in output.read_text()
        assert not [each for each in everyone if is_alive(each)]
        assert all(is_free(port) for port in Plan(folder=tmp_path, base=base).ports())
    finally:
        if demo.poll() is None:
            demo.kill()
            demo.wait()


@pytest.mark.parametrize("port", ["80", "40000", "abc"])
def test_an_impossible_port_is_one_sentence(port: str):
    done = subprocess.run(
        [sys.executable, "-m", "deploy.demo", "--port", port],
        check=False, cwd=ROOT, capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert done.returncode == 1
    assert f"PORT={port}" in done.stderr
    assert "Traceback" not in done.stderr
