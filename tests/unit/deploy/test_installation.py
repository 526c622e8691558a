"""Steps are done once, refusals are sentences, ports follow from one base."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from deploy import SERVICES, refusal, samples, steps
from deploy.espace import espace
from deploy.plan import SPAN, Plan

pytestmark = pytest.mark.unit


@pytest.fixture
def stamps(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(steps, "_STAMPS", tmp_path / "etapes")
    monkeypatch.setattr(steps, "_LOGS", tmp_path / "journaux")
    return tmp_path


def test_a_step_is_done_again_only_when_its_inputs_change_or_its_result_is_gone(stamps: Path):
    made, times = stamps / "resultat", []

    def work(_log: Path) -> None:
        times.append(1)
        made.touch()

    steps.step("essai", "Essai", "a", work, made)
    steps.step("essai", "Essai", "a", work, made)
    assert len(times) == 1
    steps.step("essai", "Essai", "b", work, made)
    assert len(times) == 2
    made.unlink()
    steps.step("essai", "Essai", "b", work, made)
    assert len(times) == 3


def test_a_failed_step_leaves_no_stamp_and_names_its_log(stamps: Path):
    def work(log: Path) -> None:
        steps.run("Essai", ("sh", "-c", "echo raté; exit 3"), log)

    with pytest.raises(refusal.Refusal, match=r"essai\.log"):
        steps.step("essai", "Essai", "a", work)
    assert "raté" in (stamps / "journaux" / "essai.log").read_text()
    assert not (stamps / "etapes" / "essai").exists()


@pytest.mark.usefixtures("stamps")
def test_a_missing_program_is_a_sentence():
    with pytest.raises(refusal.Refusal, match="pas-de-programme is missing"):
        steps.step(
            "essai", "Essai", "a", lambda log: steps.run("Essai", ("pas-de-programme",), log)
        )


@pytest.mark.parametrize(
    ("output", "expected"),
    [
        ("E: Failed to fetch http://deb.debian.org  Could not resolve", "network"),
        ("npm error code EAI_AGAIN", "network"),
        ("mkdir: Permission denied", "permission"),
        ("write: No space left on device", "full"),
        ("anything else", "end of its log"),
    ],
)
def test_a_log_tells_the_cause(tmp_path: Path, output: str, expected: str):
    log = tmp_path / "journal"
    log.write_text(output)
    found = refusal.of_log("Essai", log)
    assert expected in found.english
    assert found.french != found.english


def test_a_taken_port_is_named_with_the_way_out(capsys: pytest.CaptureFixture[str]):
    refusal.of_port(8083, 8080).say()
    said = capsys.readouterr().err
    assert "8083" in said
    assert "PORT=9080" in said


def test_a_refused_permission_names_the_place():
    found = refusal.of_os(PermissionError(13, "Permission denied", "/dossier/secret"))
    assert "/dossier/secret" in found.english


def test_all_ports_follow_from_the_base_without_overlap(tmp_path: Path):
    plan = Plan(folder=tmp_path, base=8080)
    ports = list(plan.ports())
    assert ports[0] == 8080
    assert len(ports) == len(set(ports))
    assert max(ports) < 8080 + SPAN
    assert [plan.grpc_address(service) for service in SERVICES] == [
        f"127.0.0.1:{port}" for port in range(8100, 8105)
    ]


def test_espace_names_every_service_and_loads_none():
    shown = CliRunner().invoke(espace, ["evenements", "--help"])
    assert shown.exit_code == 0
    assert "rejouer" in shown.output
    listed = espace.list_commands(None)  # type: ignore[arg-type]
    assert listed == [*SERVICES, "evenements"]


def test_espace_says_which_setting_is_missing(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("ESPACE_AMQP_URL", raising=False)
    shown = CliRunner().invoke(espace, ["evenements", "rejouer", "avis"])
    assert shown.exit_code == 1
    assert "ESPACE_AMQP_URL is missing" in shown.output


def test_sample_passwords_are_random_kept_and_private(tmp_path: Path):
    first = samples._passwords(tmp_path)
    assert samples._passwords(tmp_path) == first
    assert len(set(first.values())) == len(samples.ACCOUNTS)
    assert all(len(password) >= 15 for password in first.values())
    assert (tmp_path / "comptes.json").stat().st_mode & 0o777 == 0o600
    assert all(account.email.endswith("@exemple.test") for account in samples.ACCOUNTS)
