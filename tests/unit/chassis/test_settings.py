from dataclasses import dataclass
from pathlib import Path

import pytest

from chassis.settings import SettingsError, load

pytestmark = pytest.mark.unit


@dataclass(frozen=True, kw_only=True)
class Config:
    database_url: str
    amqp_url: str
    poids: float
    listen: str = "127.0.0.1:8131"
    essais: int = 3
    actif: bool = False
    adresses: dict[str, str] | None = None
    villes: tuple[str, ...] = ()
    cle: Path | None = None


FULL = {"ESSAI_DATABASE_URL": "postgresql://x", "ESPACE_AMQP_URL": "amqp://x", "ESSAI_POIDS": "1.5"}


def config(**environ: str) -> Config:
    return load(Config, prefix="ESSAI", environ={**FULL, **environ})


def test_own_names_win_over_shared_ones_and_defaults_come_last():
    assert config().amqp_url == "amqp://x"
    assert config(ESSAI_AMQP_URL="amqp://mien").amqp_url == "amqp://mien"
    assert config().listen == "127.0.0.1:8131"
    assert config(ESPACE_LISTEN="h:1").listen == "h:1"


def test_each_type_is_read():
    read = config(
        ESSAI_ESSAIS="7",
        ESSAI_ACTIF="oui",
        ESSAI_ADRESSES="identite=h:1, cartes=h:2",
        ESSAI_VILLES="Sainte-Thérèse, Blainville ,",
        ESSAI_CLE="/etc/cle",
    )
    assert (read.poids, read.essais, read.actif) == (1.5, 7, True)
    assert read.adresses == {"identite": "h:1", "cartes": "h:2"}
    assert read.villes == ("Sainte-Thérèse", "Blainville")
    assert read.cle == Path("/etc/cle")


@pytest.mark.parametrize(
    ("text", "value"), [("1", True), ("TRUE", True), ("0", False), ("non", False), ("", False)]
)
def test_booleans(text, value):
    assert config(ESSAI_ACTIF=text).actif is value


def test_an_empty_optional_is_none():
    assert config(ESSAI_CLE="", ESSAI_ADRESSES="").cle is None


def test_a_file_holds_a_secret_without_its_last_line_end(tmp_path):
    secret = tmp_path / "secret"
    secret.write_text("deux\nlignes\n")
    assert config(ESSAI_LISTEN_FILE=str(secret)).listen == "deux\nlignes"


def test_one_error_names_all_that_is_missing_or_unreadable_and_no_value():
    environ = {
        "ESSAI_POIDS": "secret",
        "ESSAI_ESSAIS": "1.5",
        "ESSAI_ADRESSES": "identite",
        "ESSAI_ACTIF": "peut-être",
        "ESSAI_CLE_FILE": "/nulle/part",
    }
    with pytest.raises(SettingsError) as failed:
        load(Config, prefix="ESSAI", environ=environ)
    message = str(failed.value)
    for part in (
        "ESSAI_DATABASE_URL is missing",
        "ESSAI_AMQP_URL is missing",
        "ESSAI_POIDS is unreadable (wrong form)",
        "ESSAI_ESSAIS is unreadable",
        "ESSAI_ADRESSES is unreadable",
        "ESSAI_ACTIF is unreadable",
        "ESSAI_CLE is unreadable (No such file or directory)",
    ):
        assert part in message
    assert "secret" not in message


def test_the_process_environment_is_the_default(monkeypatch):
    for name, value in FULL.items():
        monkeypatch.setenv(name, value)
    assert load(Config, prefix="ESSAI").database_url == "postgresql://x"
